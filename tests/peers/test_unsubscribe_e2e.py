"""Unsubscribing by what a delivered message carries: its link in a browser, one click, and mail (R3, R6, R8).

Every test starts from a message that arrived, and asks the submission port
afterwards whether the person can still be mailed.
"""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.peers.conftest import Office
from tests.support.browser import Browser, available
from tests.support.octets import values
from tests.support.peers import missing, need, until
from tests.support.smtp import Dialog, Reply, mail

pytestmark = pytest.mark.peers

BOTH = (
    'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<html><body><p>Hello</p></body></html>\r\n--b--\r\n"
)
PEOPLE = ("press", "scanned", "curl", "multipart", "post", "forged", "write", "away", "later", "held", "both", "twice")


class Letter:
    """A delivered message and its ways out."""

    def __init__(self, office: Office, who: str) -> None:
        self.address = f"{who}-u@rcpt.example"
        text = mail(to=self.address, subject=f"News for {who}", body="").removesuffix("\r\n") + BOTH
        self.queue_id = office.send(office.bulk, text, self.address)
        self.received = office.sink.to(self.address)
        data = self.received.data
        ways = re.findall(r"<([^>]+)>", values(data, "List-Unsubscribe")[0])
        assert [way.partition(":")[0] for way in ways] == ["mailto", "http"]
        assert values(data, "List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
        self.mailto, self.url = ways[0].removeprefix("mailto:"), ways[1]
        parsed = email.message_from_bytes(data, policy=email.policy.default)
        text_part, html_part = (one.get_content() for one in parsed.iter_parts())
        assert self.url in text_part and self.url in html_part
        self.html: str = html_part


@pytest.fixture(scope="module", autouse=True)
def agreed(office: Office) -> None:
    office.agree(*(f"{who}-u@rcpt.example" for who in PEOPLE))


@pytest.fixture
def letter(office: Office) -> Callable[[str], Letter]:
    return lambda who: Letter(office, who)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not available():
        missing("chromium or chromedriver")
    with Browser() as window:
        yield window


def subscribed(office: Office, letter: Letter) -> bool:
    reply = office.ask(office.bulk, letter.address)
    if reply.code == 250:
        return True
    assert str(reply).startswith("550 5.7.1 unsubscribed"), reply
    return False


def test_the_link_in_chromium(
    office: Office, letter: Callable[[str], Letter], browser: Browser, tmp_path: Path
) -> None:
    """A person opens the message, follows the link, and only the button unsubscribes."""
    got = letter("press")
    page = tmp_path / "message.html"
    page.write_text(got.html)
    browser.open(page.as_uri())
    browser.click("a[href*='/u/']")
    until(lambda: browser.url() == got.url, "the page is open")
    assert "acme" in browser.text()
    assert subscribed(office, got)
    browser.click("#unsubscribe")
    until(lambda: "#unsubscribe" not in browser.script("return document.body.innerHTML"), "answered")
    until(lambda: not subscribed(office, got), "unsubscribed")
    events = office.rows(
        "SELECT count(*) FROM event e JOIN recipient r USING (submission_id, number)"
        " WHERE e.kind = 'unsubscribed' AND r.address = ?",
        got.address,
    )
    assert events == [(1,)]


def test_looking_at_the_link_changes_nothing(office: Office, letter: Callable[[str], Letter]) -> None:
    """Link scanners of mail providers use GET and HEAD, more than once."""
    got = letter("scanned")
    with httpx.Client(trust_env=False, timeout=20) as client:
        for method in ("GET", "HEAD", "GET", "OPTIONS"):
            client.request(method, got.url)
        assert client.get(got.url).status_code == 200
        assert client.get(got.url, params={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert subscribed(office, got)


def by_curl(url: str, *form: str) -> None:
    words = [need("curl"), "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "20", *form, url]
    subprocess.run(words, capture_output=True, timeout=30, check=True)


def test_one_click_by_curl(office: Office, letter: Callable[[str], Letter]) -> None:
    got = letter("curl")
    by_curl(got.url, "--data", "List-Unsubscribe=One-Click")
    assert not subscribed(office, got)


def test_one_click_as_multipart(office: Office, letter: Callable[[str], Letter]) -> None:
    got = letter("multipart")
    by_curl(got.url, "--form", "List-Unsubscribe=One-Click")
    assert not subscribed(office, got)


def test_one_click_as_a_mail_provider_does(office: Office, letter: Callable[[str], Letter]) -> None:
    """RFC 8058 §3.2: no cookies, no redirects followed, any success means done; doing it twice is one."""
    got = letter("post")
    with httpx.Client(trust_env=False, timeout=20, follow_redirects=False) as client:
        for _ in range(2):
            answer = client.post(got.url, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers
    assert not subscribed(office, got)
    assert office.rows("SELECT unsubscribed FROM campaign WHERE name LIKE '%News for post'") == [(1,)]


def test_a_forged_link_does_nothing(office: Office, letter: Callable[[str], Letter]) -> None:
    got = letter("forged")
    base, _, token = got.url.rpartition("/")
    other = ("A" if token[5] != "A" else "B").join((token[:5], token[6:]))
    with httpx.Client(trust_env=False, timeout=20) as client:
        assert client.post(f"{base}/{other}", data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert subscribed(office, got)


def write(office: Office, sender: str, recipient: str, message: str) -> Reply:
    """Mail as a stranger's server brings it to the inbound port."""
    with Dialog(office.relay.inbound) as dialog:
        dialog.ehlo()
        dialog.starttls()
        dialog.ehlo()
        assert dialog.say(f"MAIL FROM:<{sender}>").code == 250
        reply = dialog.say(f"RCPT TO:<{recipient}>")
        return reply if reply.code != 250 else dialog.data(message)


def test_by_mail(office: Office, letter: Callable[[str], Letter]) -> None:
    """A mail client writes an empty message to the mailto address."""
    got = letter("write")
    message = mail(sender=f"<{got.address}>", to=got.mailto, subject="unsubscribe", body="")
    assert write(office, got.address, got.mailto.upper(), message).code == 250
    assert not subscribed(office, got)


@pytest.mark.parametrize(
    ("sender", "extra"),
    [
        ("", "Auto-Submitted: auto-replied\r\n"),
        ("away-u@rcpt.example", "Auto-Submitted: auto-replied\r\n"),
        ("away-u@rcpt.example", "X-Autoreply: yes\r\n"),
        ("", ""),
    ],
)
def test_an_automatic_reply_does_nothing(
    office: Office, letter: Callable[[str], Letter], sender: str, extra: str
) -> None:
    got = letter("away")
    message = mail(sender=f"<{got.address}>", to=got.mailto, subject="I am away", body="Bye\r\n", extra=extra)
    assert write(office, sender, got.mailto, message).code == 250
    assert write(office, sender, got.received.reverse_path, message).code == 250
    assert subscribed(office, got)


# -- mail that is queued already --------------------------------------------------------


def unsubscribe(office: Office, address: str) -> None:
    """By the link of an earlier message."""
    link = re.findall(r"<(http[^>]+)>", values(office.sink.to(address).data, "List-Unsubscribe")[0])[0]
    assert httpx.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=20, trust_env=False).status_code == 200


def deferred(office: Office, address: str) -> str:
    """A second message that the recipient's server didn't want yet; its queue id."""
    office.sink.replies[address] = "451 4.2.0 come again"
    queue_id = office.send(office.bulk, mail(to=address, subject="The second"), address)
    until(lambda: office.trace(queue_id)["recipients"][0]["attempts"] >= 1, "a failed attempt")
    return queue_id


def withdrawn(office: Office, queue_id: str, address: str) -> None:
    """Its copy ended without delivery, and the trace says why."""
    story: dict[str, Any] = office.ends(queue_id)
    assert story["state"] == "withdrawn"
    last = story["steps"][-1]
    assert last["what"] == "withdrawn"
    assert "unsubscribed" in last["why"]
    assert not [m for m in office.sink.messages if address in m.recipients and b"The second" in m.data]
    assert office.rows("SELECT count(*) FROM body b JOIN recipient r USING (submission_id) WHERE address = ?", address)[
        0
    ] == (0,)


def test_a_deferred_message_is_not_delivered_after_the_unsubscribe(
    office: Office, letter: Callable[[str], Letter]
) -> None:
    got = letter("later")
    queue_id = deferred(office, got.address)
    unsubscribe(office, got.address)
    del office.sink.replies[got.address]
    withdrawn(office, queue_id, got.address)


def test_a_held_message_is_not_delivered_after_the_unsubscribe(office: Office, letter: Callable[[str], Letter]) -> None:
    got = letter("held")
    queue_id = deferred(office, got.address)
    until(lambda: office.relay.run("queue", "hold", queue_id).returncode == 0, "it is held")
    unsubscribe(office, got.address)
    del office.sink.replies[got.address]
    office.relay.cli("queue", "release", queue_id)
    withdrawn(office, queue_id, got.address)


def test_without_an_unsubscribe_the_same_message_is_delivered(office: Office, letter: Callable[[str], Letter]) -> None:
    """The other two tests can tell: what is deferred does go out otherwise."""
    got = letter("twice")
    queue_id = deferred(office, got.address)
    del office.sink.replies[got.address]
    assert office.ends(queue_id)["state"] == "delivered"


def test_service_mail_goes_on(office: Office, letter: Callable[[str], Letter]) -> None:
    """R8: a transactional stream is freed from consent, and an unsubscribe from bulk mail doesn't stop it."""
    got = letter("both")
    by_curl(got.url, "--data", "List-Unsubscribe=One-Click")
    assert not subscribed(office, got)
    office.send(office.direct, mail(to=got.address, subject="Your order"), got.address)
    until(lambda: any(b"Your order" in m.data for m in office.sink.messages if got.address in m.recipients), "it came")
