"""The whole way of a subscription with a real browser and real mail: form, letter, confirmation, RCPT, and back (R8).

The form's HTML also works in a page of another origin, as the tenant's own site is one.
"""

from __future__ import annotations

import email
import email.policy
import http.server
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import dkim
import httpx
import pytest

from tests.support.browser import Browser, available
from tests.support.octets import values
from tests.support.peers import missing, until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Received, Sink, mail

pytestmark = pytest.mark.peers

WORDING = "Yes: acme may keep my address and send me its news.\nI can unsubscribe at any time."
SETTINGS: dict[str, dict[str, object]] = {
    "forms": {"least_time": 0, "mails_wait": 0, "mails_per_day": 100, "network_per_hour": 1000},
    "policy.staged_sending": {"new_below": 0},
}


@dataclass
class Place:
    """A relay with the form ``news`` of ``acme``, and a server that takes all its mail."""

    relay: Relay
    sink: Sink
    form: dict[str, Any]
    keys: dict[str, bytes]
    login: tuple[str, str]

    def letter(self, address: str, number: int = 1) -> tuple[Received, EmailMessage]:
        """The ``number``-th confirmation mail to the address, once it is there."""

        def arrived() -> Received | None:
            to = [m for m in self.sink.messages if address in m.recipients and b"/confirm/" in body(m)]
            return to[number - 1] if len(to) >= number else None

        found = until(arrived, f"a confirmation mail to {address}")
        assert found is not None
        return found, parsed(found)

    def rcpt(self, address: str) -> str:
        """The reply to RCPT on the stream of the topic ``news``."""
        with Dialog(self.relay.submissions, tls=True) as dialog:
            dialog.ehlo()
            assert dialog.login(*self.login).code == 235
            assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
            return str(dialog.say(f"RCPT TO:<{address}>"))

    def send(self, address: str) -> Received:
        """A bulk message on the topic, as it arrives."""
        with Dialog(self.relay.submissions, tls=True) as dialog:
            dialog.ehlo()
            assert dialog.login(*self.login).code == 235
            assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
            assert dialog.say(f"RCPT TO:<{address}>").code == 250
            assert dialog.data(mail(to=address, subject="The bulk message")).code == 250

        def arrived() -> Received | None:
            return next((m for m in self.sink.messages if address in m.recipients and b"bulk message" in m.data), None)

        found = until(arrived, "the bulk message")
        assert found is not None
        return found


def parsed(message: Received) -> EmailMessage:
    return email.message_from_bytes(message.data, policy=email.policy.default)


def body(message: Received) -> bytes:
    part = parsed(message).get_body(("plain",))
    return str(part.get_content()).encode() if part is not None else b""


def links(message: EmailMessage) -> tuple[str, str]:
    part = message.get_body(("plain",))
    assert part is not None
    first, second = re.findall(r"http://\S+/confirm/\S+", str(part.get_content()))
    return first, second


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    sink = Sink()
    delivery: dict[str, object] = {"retry": ["1s"], "jitter": 0, "smart_host": f"127.0.0.1:{sink.port}"}
    relay = Relay(tmp_path_factory.mktemp("signup"), {**SETTINGS, "delivery": delivery})
    relay.cli("tenant", "add", "acme", "--contact", "post@acme.example", "--plan", "unlimited", "--transactional")
    for topic in ("news", "offers"):
        relay.cli("topic", "add", "acme", topic)
    records = relay.json("domain", "add", "acme", "acme.example")
    keys = {r["name"].rstrip("."): r["value"].encode() for r in records if r["purpose"] == "dkim"}
    relay.cli("domain", "verify", "acme", "acme.example", "--vouch", "test")
    relay.cli("stream", "add", "acme", "news", "--kind", "bulk", "--topic", "news")
    form = relay.json("form", "add", "acme", "news", "--topic", "news", "--topic", "offers", "--wording", WORDING)
    relay.start()
    yield Place(relay, sink, form, keys, relay.credential(stream="news"))
    code = relay.stop()
    sink.close()
    assert code == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not available():
        missing("chromium or chromedriver")
    with Browser() as window:
        yield window


def fill_in(browser: Browser, place: Place, address: str) -> None:
    browser.open(place.form["url"])
    assert browser.script("return [...document.querySelectorAll('input[name=topic]')].every(e => !e.checked)")
    browser.press("#email", address)
    browser.click("label.topic", wait=False)
    browser.click("#subscribe")
    assert browser.text("h1") == "Please look into your mailbox"


def test_the_whole_way(place: Place, browser: Browser) -> None:
    who = "whole@people.example"
    browser.set_size(390, 844, phone=True)
    fill_in(browser, place, who)
    received, letter = place.letter(who)
    assert letter["From"] == "acme <post@acme.example>"
    assert received.reverse_path.startswith("b-")
    assert place.rcpt(who).startswith("550 5.7.1 no-consent")
    confirm, _ = links(letter)

    browser.open(confirm)
    assert WORDING.replace("\n", " ") in browser.text("#wording").replace("\n", " ")
    assert browser.text(".chosen") == "news"
    assert place.rcpt(who).startswith("550 5.7.1 no-consent")
    browser.click("#confirm")
    assert browser.text("h1") == "You are subscribed"
    assert place.rcpt(who).startswith("250")
    message = place.send(who)
    assert b"form news" in message.data

    unsubscribe = re.findall(r"<(http[^>]+)>", values(message.data, "List-Unsubscribe")[0])[0]
    assert httpx.post(unsubscribe, data={"List-Unsubscribe": "One-Click"}, trust_env=False).status_code == 200
    assert place.rcpt(who).startswith("550 5.7.1 unsubscribed")
    browser.open(confirm)
    assert browser.text("h1") == "You have unsubscribed since then"
    httpx.post(confirm, data={"answer": "confirm"}, trust_env=False)
    assert place.rcpt(who).startswith("550 5.7.1 unsubscribed")

    browser.click("#form")
    fill_in(browser, place, who)
    again, _ = links(place.letter(who, 2)[1])
    browser.open(again)
    browser.click("#confirm")
    assert place.rcpt(who).startswith("250")
    proof = place.relay.json("consent", "show", "acme", who)
    assert [step["action"] for step in proof["history"]] == ["given", "withdrawn", "given"]
    assert {consent["means"] for consent in proof["consents"]} == {"double-opt-in"}


def test_each_signature_of_the_letter_verifies(place: Place) -> None:
    who = "signed@people.example"
    ask(place, who)
    received, _ = place.letter(who)
    heads = re.findall(rb"DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", received.data)
    assert len(heads) == 2
    plain = received.data
    for head in heads:
        plain = plain.replace(head, b"")
    for head in heads:
        look_up = lambda name, timeout=0: place.keys.get(name.decode().rstrip("."))  # noqa: E731
        assert dkim.DKIM(head + plain).verify(dnsfunc=look_up)
        assert b"d=acme.example" in head


def ask(place: Place, address: str, **headers: str) -> httpx.Response:
    """What a browser without the test's window sends."""
    with httpx.Client(trust_env=False, timeout=20, headers=headers) as client:
        page = client.get(place.form["url"])
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        topic = re.search(r'name="topic" value="(\d+)"', page.text)
        assert topic
        return client.post(place.form["url"], data={**hidden, "email": address, "topic": topic[1], "remark": ""})


def test_in_the_persons_language(place: Place, browser: Browser) -> None:
    who = "mova@people.example"
    answer = ask(place, who, **{"accept-language": "uk-UA,uk;q=0.9,en;q=0.5"})
    assert "Перевірте" in answer.text
    _, letter = place.letter(who)
    assert letter["Subject"] == "Підтвердьте, будь ласка: листи від acme"
    assert letter["Content-Language"] == "uk"
    browser.open(links(letter)[0])  # the browser itself speaks English
    assert browser.text("h1") == "Підтвердьте підписку"
    assert browser.script("return document.documentElement.lang") == "uk"


def test_the_link_never_ask_me_again(place: Place, browser: Browser) -> None:
    who = "never@people.example"
    ask(place, who)
    _, never = links(place.letter(who)[1])
    browser.open(never)
    browser.click("#never")
    assert browser.text("h1") == "You won’t be asked again"  # noqa: RUF001
    assert place.rcpt(who).startswith("550 5.7.1 unsubscribed")
    ask(place, who)
    ask(place, "after@people.example")
    place.letter("after@people.example")
    assert len([m for m in place.sink.messages if who in m.recipients]) == 1
    refused = place.relay.run(
        "consent", "add", "acme", who, "--topic", "news", "--source", "the old shop", "--wording", "Yes"
    )
    assert refused.returncode == 1 and "unsubscribed" in refused.stderr


def test_pasted_into_a_page_of_another_origin(place: Place, browser: Browser, tmp_path: Path) -> None:
    who = "pasted@people.example"
    page = place.relay.json("form", "show", "acme", "news")["snippet"]
    (tmp_path / "join.html").write_text(f"<!doctype html><title>Shop</title><h1>Our shop</h1>{page}", "utf-8")
    handler = partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True).start()
        origin = f"http://127.0.0.1:{site.server_address[1]}"
        browser.open(f"{origin}/join.html")
        browser.press("input[name=email]", who)
        browser.click("input[name=topic]", wait=False)
        browser.click("form button")
        assert browser.text("h1") == "Please look into your mailbox"
        site.shutdown()
    confirm, _ = links(place.letter(who)[1])
    assert httpx.post(confirm, data={"answer": "confirm"}, trust_env=False).status_code == 200
    assert place.rcpt(who).startswith("250")
    (consent,) = place.relay.json("consent", "show", "acme", who)["consents"]
    assert consent["page"].startswith(origin)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Writes no log."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_dead_mailbox_is_not_written_to_again(place: Place) -> None:
    who = "dead@people.example"
    place.sink.replies[who] = "550 5.1.1 no such user"
    ask(place, who)
    until(lambda: any(who in line and "bounced" in line for line in place.relay.log), "it bounces")
    del place.sink.replies[who]
    ask(place, who)
    ask(place, "alive@people.example")
    place.letter("alive@people.example")
    assert not [m for m in place.sink.messages if who in m.recipients]
