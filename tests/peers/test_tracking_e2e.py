"""Openings and clicks of delivered mail (R33): who agreed alone, what a copy carries, and what is told of its hits."""

from __future__ import annotations

import email
import email.policy
import itertools
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.peers.conftest import Office
from tests.support.browser import Browser, available
from tests.support.peers import missing, until
from tests.support.smtp import mail

pytestmark = pytest.mark.peers

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
NUMBERS = itertools.count(1)
TRACKED = ("tess", "ben", "wanda", "olga", "carla", "bart", "decoy")
ALL = "Relay-Track: all\r\n"
OTHERS = ("nora", "paul")


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """A web site that links lead to."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<title>shop</title><h1>You are at {self.path.split('?')[0]}</h1>".encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def address(who: str) -> str:
    return f"{who}-t@rcpt.example"


@pytest.fixture(scope="module", autouse=True)
def agreed(office: Office) -> None:
    office.agree(*map(address, (*TRACKED, *OTHERS)))
    for who in TRACKED:
        office.relay.cli(
            "consent", "add", "acme", address(who), "--tracking", "--source", "form on acme.example",
            "--wording", "You may see what I open.",
        )  # fmt: skip


class Copy:
    """A delivered message with two links and one that is left out."""

    def __init__(
        self, office: Office, shop: str, who: str, fields: str = ALL, who_sends: tuple[str, str] | None = None
    ) -> None:
        self.office = office
        self.subject = f"Tracked {next(NUMBERS)} {who}"
        self.html_sent = (
            f'<html><body><p>News</p><a id="a" href="{shop}/a?x=1&amp;y=2#part">A</a>'
            f'<a id=\'b\' href={shop}/b>B</a><a id="c" data-relay-track="none" href="{shop}/c">C</a>'
            f'<a id="u" href="{shop}/unsubscribe">leave</a><a href="#top">up</a></body></html>'
        )
        text = mail(to=address(who), subject=self.subject, body="").removesuffix("\r\n") + (
            f"{fields}MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{self.html_sent}\r\n"
        )
        self.queue_id = office.send(who_sends or office.bulk, text, address(who))
        found = until(lambda: [m for m in office.sink.messages if self.subject.encode() in m.data], "it arrives")
        assert found
        self.received = found[0]
        message = email.message_from_bytes(self.received.data, policy=email.policy.default)
        self.html: str = message.get_content()
        links = dict(re.findall(r"id=[\"']?(\w)[\"']?[^>]*?href=[\"']?([^\"' >]+)", self.html))
        self.links = {name: url.replace("&amp;", "&") for name, url in links.items()}
        self.pixels = re.findall(r'<img src="([^"]+/o/[^"]+\.gif)"', self.html)

    def get(self, url: str, **headers: str) -> httpx.Response:
        with httpx.Client(trust_env=False) as client:
            return client.get(url, headers={"user-agent": AGENT, **headers})

    def hits(self) -> list[dict[str, Any]]:
        rows = self.office.rows(
            "SELECT h.kind, h.class, h.reason, h.url, h.network FROM hit h JOIN recipient r"
            " ON r.submission_id = h.submission_id AND r.number = h.number JOIN submission s ON s.id = h.submission_id"
            " WHERE s.subject = ? ORDER BY h.id",
            self.subject,
        )
        return [dict(zip(("kind", "class", "reason", "url", "network"), row, strict=True)) for row in rows]


def test_who_did_not_agree_gets_what_was_written(office: Office, shop: str) -> None:
    copy = Copy(office, shop, "nora")
    assert copy.pixels == []
    body = copy.html.split("<div id=")[0]
    assert copy.html_sent.removesuffix("</body></html>") in copy.html, body
    assert "/c/" not in copy.html


@pytest.mark.parametrize(
    ("fields", "opens", "clicks"),
    [
        ("", False, False),
        ("Relay-Track: none\r\n", False, False),
        ("Relay-Track: opens\r\n", True, False),
        ("Relay-Track: clicks\r\n", False, True),
        ("Relay-Track: ALL\r\n", True, True),
    ],
)
def test_a_message_says_what_is_tracked(office: Office, shop: str, fields: str, opens: bool, clicks: bool) -> None:
    copy = Copy(office, shop, "tess", fields)
    assert bool(copy.pixels) is opens
    assert ("/c/" in copy.links["a"], "/c/" in copy.links["b"]) == (clicks, clicks)
    assert copy.links["c"] == f"{shop}/c" and copy.links["u"] == f"{shop}/unsubscribe"
    assert b"Relay-Track" not in copy.received.data


def test_a_click_leads_on_and_both_are_told(office: Office, shop: str) -> None:
    copy = Copy(office, shop, "ben")
    until(lambda: office.ends(copy.queue_id)["state"] == "delivered", "delivered")
    answer = copy.get(copy.links["a"])
    assert answer.status_code == 302 and answer.headers["location"] == f"{shop}/a?x=1&y=2#part"
    assert answer.headers["referrer-policy"] == "no-referrer" and "no-store" in answer.headers["cache-control"]
    picture = copy.get(copy.pixels[0])
    assert picture.headers["content-type"] == "image/gif"
    assert picture.headers["cross-origin-resource-policy"] == "cross-origin"
    found = until(lambda: copy.hits() if len(copy.hits()) == 2 else None, "both are recorded")
    assert found is not None
    assert {(one["kind"], one["url"]) for one in found} == {("clicked", f"{shop}/a"), ("opened", "")}
    assert {one["network"] for one in found} == {"127.0.0.0/24"}
    told = office.rows("SELECT kind, detail FROM event WHERE kind IN ('opened', 'clicked') ORDER BY id DESC LIMIT 2")
    assert {kind for kind, _ in told} == {"opened", "clicked"} and all('"class":"' in detail for _, detail in told)


def test_what_shows_nothing_to_anybody_is_not_counted(office: Office, shop: str) -> None:
    copy = Copy(office, shop, "bart")
    with httpx.Client(trust_env=False) as client:
        for url in (copy.links["a"], copy.pixels[0]):
            assert client.head(url).status_code in (200, 302)
    copy.get(copy.links["a"], **{"sec-purpose": "prefetch;prerender"})
    copy.get(copy.links["b"], purpose="prefetch")
    assert copy.get(copy.links["b"]).status_code == 302  # recorded after the others
    found = until(copy.hits, "the last is recorded")
    assert found is not None and [one["url"] for one in found] == [f"{shop}/b"]


def test_who_switches_it_off_is_tracked_no_more_in_mail_that_is_out(office: Office, shop: str) -> None:
    copy = Copy(office, shop, "wanda")
    office.relay.cli("consent", "withdraw", "acme", address("wanda"), "--tracking")
    assert copy.get(copy.links["a"]).headers["location"].startswith(shop)
    other = Copy(office, shop, "olga")
    other.get(other.links["a"])  # goes the same way, behind it
    until(other.hits, "the next is recorded")
    assert copy.hits() == []
    assert Copy(office, shop, "wanda").pixels == []
    again = office.relay.run(
        "consent", "add", "acme", address("wanda"), "--tracking", "--source", "form on acme.example", "--wording", "Yes"
    )
    assert again.returncode == 1 and "switched tracking off" in again.stderr
    proof = office.relay.json("consent", "proof", "acme", address("wanda"), "--tracking")
    assert proof["topic"] == "tracking" and proof["state"]["live"] is False


def test_forged_and_foreign_links_lead_nowhere(office: Office, shop: str) -> None:
    one, two = Copy(office, shop, "carla"), Copy(office, shop, "carla")
    base, token = one.links["a"].rsplit("/", 1)
    other = two.links["a"].rsplit("/", 1)[1]
    for bad in (token[:-1], token + "A", token[:47] + other[47:], token[:47], other[:46] + "A" + other[47:], "x"):
        answer = one.get(f"{base}/{bad}")
        assert answer.status_code == 404 and "location" not in answer.headers, bad
    assert one.get(f"{base}/{token}?url=https://evil.example").headers["location"].startswith(shop)


def test_links_of_a_declined_campaign_warn_at_once(office: Office, shop: str) -> None:
    copy = Copy(office, shop, "carla", "Relay-Track: all\r\nRelay-Campaign: bad one\r\n")
    assert copy.get(copy.links["a"]).status_code == 302
    (campaign,) = office.rows("SELECT id FROM campaign WHERE name = 'bad one'")
    office.relay.cli("campaign", "decline", str(campaign[0]), "--reason", "fraud")
    answer = copy.get(copy.links["a"], accept="text/html")
    assert answer.status_code == 410 and "location" not in answer.headers
    assert "was stopped" in answer.text


def test_a_stream_says_it_too_and_has_a_decoy(office: Office, shop: str) -> None:
    office.relay.cli("stream", "set", "acme", "bulk", "--track", "all", "--decoy", "on")
    try:
        copy = Copy(office, shop, "decoy", "")
        hidden = re.findall(r'<a href="([^"]+)" style="display:none" aria-hidden="true" tabindex="-1">', copy.html)
        assert len(hidden) == 1 and len(copy.pixels) == 1
        assert Copy(office, shop, "decoy", "Relay-Track: none\r\n").pixels == []
    finally:
        office.relay.cli("stream", "set", "acme", "bulk", "--track", "none", "--decoy", "off")
    assert copy.get(copy.links["a"]).status_code == 302
    assert copy.get(hidden[0]).status_code == 204
    found = until(lambda: copy.hits() if len(copy.hits()) == 2 else None, "both are recorded")
    assert found is not None and {one["class"] for one in found} == {"scanner"}


def test_essential_mail_is_never_tracked(office: Office, shop: str) -> None:
    office.relay.cli("stream", "add", "acme", "codes", "--kind", "transactional", "--essential", "--reason", "codes")
    refused = office.relay.run("stream", "set", "acme", "codes", "--track", "all")
    assert refused.returncode == 1 and "never tracked" in refused.stderr
    copy = Copy(office, shop, "tess", who_sends=office.relay.credential(stream="codes"))
    assert copy.pixels == [] and "/c/" not in copy.html


def test_links_are_on_the_tenants_own_host_once_its_record_is_there(office: Office, shop: str) -> None:
    """As `domain verify` writes it down; the host's name leads nowhere here, so the relay's is asked."""
    with office.relay.database() as conn:
        conn.execute("UPDATE domain SET links_at = 1 WHERE name = 'acme.example'")
    try:
        copy = Copy(office, shop, "olga")
    finally:
        with office.relay.database() as conn:
            conn.execute("UPDATE domain SET links_at = NULL WHERE name = 'acme.example'")
    own = f"http://links.acme.example:{office.relay.http}"
    assert copy.links["a"].startswith(f"{own}/c/") and copy.pixels[0].startswith(f"{own}/o/")
    answer = copy.get(copy.links["a"].replace("links.acme.example", "127.0.0.1"), host="links.acme.example")
    assert answer.status_code == 302 and answer.headers["location"].startswith(shop)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not available():
        missing("chromium or chromedriver")
    with Browser() as window:
        yield window


def test_a_browser_opens_and_clicks(office: Office, shop: str, browser: Browser) -> None:
    """Its person agrees on the preferences page first."""
    letter = Copy(office, shop, "paul")
    (preferences,) = set(re.findall(r'href="([^"]+/p/[^"]+)"', letter.html))
    browser.open(preferences)
    assert browser.script("return document.getElementById('agree').checked") is False
    browser.click("#track")
    assert "not ticked" in browser.text("[role=status]")
    browser.click("#agree", wait=False)
    browser.click("#track")
    assert "may see when you open" in browser.text("main")
    copy = Copy(office, shop, "paul")
    browser.show(copy.html.encode())
    browser.click("#a")
    assert browser.text("h1") == "You are at /a"
    found = until(lambda: copy.hits() if len(copy.hits()) == 2 else None, "both are recorded")
    assert found is not None and sorted(one["kind"] for one in found) == ["clicked", "opened"]
    browser.open(preferences)
    browser.click("#untrack")
    assert "already" in browser.text("[role=status]")
    assert Copy(office, shop, "paul").pixels == []


def test_figures_show_all_and_persons_side_by_side(office: Office) -> None:
    found = office.relay.json("stats", "acme")
    assert found["clicked"]["total"] >= found["clicked"]["human"] + found["clicked"]["scanner"] > 0
    assert found["opened"]["total"] > 0 and found["clicked"]["hits"] >= found["clicked"]["total"]
