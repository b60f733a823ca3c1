"""The same message by SMTP and by the API: the same verdict on each recipient, the same words, the same octets."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.dialogs.conftest import House
from tests.support.peers import until
from tests.support.smtp import Dialog, Reply

AUTHOR = "news@acme.example"


def raw(author: str = AUTHOR, to: str = "a@rcpt.example", more: str = "", body: str = "Hello there\r\n") -> bytes:
    return f"From: {author}\r\nTo: {to}\r\nSubject: News\r\n{more}\r\n{body}".encode()


def by_smtp(house: House, stream: str, reverse_path: str, to: list[str], message: bytes) -> dict[str, str]:
    """Recipient → ``ok`` or the word of the reply that refused it."""
    who = {"bulk": house.bulk, "news": house.news, "transactional": house.direct}[stream]
    utf8 = " SMTPUTF8" if not "".join([reverse_path, *to]).isascii() else ""
    found: dict[str, str] = {}
    with house.session(who) as session:
        reply = session.say(f"MAIL FROM:<{reverse_path}>{utf8}".encode())
        if reply.code != 250:
            return dict.fromkeys(to, _word(reply))
        for one in to:
            reply = session.say(f"RCPT TO:<{one}>".encode())
            found[one] = "ok" if reply.code == 250 else _word(reply)
        if "ok" in found.values():
            reply = _data(session, message)
            if reply.code != 250:
                found = {one: _word(reply) if word == "ok" else word for one, word in found.items()}
    return found


def _data(session: Dialog, message: bytes) -> Reply:
    return session.data(message)


_CODES = {"5.3.4": "too-large", "5.4.6": "loop", "5.1.3": "address", "5.1.1": "address"}


def _word(reply: Reply) -> str:
    text = str(reply)
    found = re.match(r"\d{3} (\d\.\d+\.\d+) (?:([a-z-]+): )?", text)
    assert found is not None, text
    code, word = found.groups()
    return word or _CODES.get(code) or ("malformed" if code.startswith("5.6.") else "busy")


def by_api(house: House, stream: str, to: list[str], message: bytes) -> dict[str, str]:
    answer = house.http.post(
        "/messages/raw",
        params={"stream": stream, "to": to},
        content=message,
        headers={"content-type": "message/rfc822"},
    )
    told: dict[str, Any] = answer.json()
    if answer.status_code == 202:
        found = dict.fromkeys(told["accepted"], "ok")
    else:
        assert answer.status_code == (422 if "busy" not in answer.text else 503), answer.text
        assert told["type"].endswith("/" + told["refused"][0]["code"])
        found = {}
    return found | {one["email"]: one["code"] for one in told["refused"]}


CASES: dict[str, tuple[str, list[str], bytes]] = {
    "agreed": ("news", ["a@rcpt.example"], raw()),
    "several": ("news", ["a@rcpt.example", "b@rcpt.example", "c@rcpt.example"], raw()),
    "stranger": ("news", ["stranger@rcpt.example"], raw()),
    "one of two": ("news", ["stranger@rcpt.example", "a@rcpt.example"], raw()),
    "left": ("news", ["gone@rcpt.example"], raw()),
    "left the topic": ("news", ["partly@rcpt.example"], raw()),
    "left a topic of several": ("bulk", ["partly@rcpt.example"], raw(more="Relay-Topic: news\r\n")),
    "the other topic": ("bulk", ["partly@rcpt.example"], raw(more="Relay-Topic: offers\r\n")),
    "suppressed": ("news", ["dead@rcpt.example"], raw()),
    "suppressed, service mail": ("transactional", ["dead@rcpt.example"], raw()),
    "all kinds": ("news", ["a@rcpt.example", "gone@rcpt.example", "dead@rcpt.example", "x@rcpt.example"], raw()),
    "service mail": ("transactional", ["anybody@rcpt.example"], raw()),
    "no such topic": ("bulk", ["a@rcpt.example"], raw(more="Relay-Topic: sport\r\n")),
    "another topic than the stream's": ("news", ["a@rcpt.example"], raw(more="Relay-Topic: offers\r\n")),
    "no topic named": ("bulk", ["a@rcpt.example"], raw()),
    "foreign From": ("news", ["a@rcpt.example"], raw("x@other.example")),
    "two From": ("news", ["a@rcpt.example"], raw(more="From: b@acme.example\r\n")),
    "no From": ("news", ["a@rcpt.example"], b"Subject: x\r\n\r\nx\r\n"),
    "unknown wish": ("news", ["a@rcpt.example"], raw(more="Relay-Colour: red\r\n")),
    "campaign named twice": ("news", ["a@rcpt.example"], raw(more="Relay-Campaign: a\r\nRelay-Campaign: b\r\n")),
    "meta": ("news", ["a@rcpt.example"], raw(more="Relay-Meta-Order: 17\r\nRelay-Tag: t\r\n")),
    "too far ahead": ("news", ["a@rcpt.example"], raw(more="Relay-Send-At: 2099-01-01T00:00:00Z\r\n")),
    "no time": ("news", ["a@rcpt.example"], raw(more="Relay-Send-At: tomorrow\r\n")),
    "too many hops": ("news", ["a@rcpt.example"], raw(more="Received: by x; now\r\n" * 12)),
    "too large": ("news", ["a@rcpt.example"], raw(body="x" * 70 + "\r\n") + b"y" * 250_000),
    "too large a header": ("news", ["a@rcpt.example"], raw(more="X-A: " + "b" * 900 + "\r\n" + "X-B: c\r\n" * 3000)),
    "no address": ("news", ["a@@rcpt.example"], raw()),
    "no domain": ("news", ["a"], raw()),
    "long local part": ("news", ["a" * 65 + "@rcpt.example"], raw()),
    "capitals": ("news", ["A@RCPT.example"], raw()),
    "twice": ("news", ["a@rcpt.example", "A@rcpt.example"], raw()),
    "sandbox": ("news", ["delivered@sandbox.invalid", "bounced@sandbox.invalid"], raw()),
    "sandbox and people": ("news", ["delivered@sandbox.invalid", "a@rcpt.example", "x@rcpt.example"], raw()),
    "sandbox without a topic": ("bulk", ["complained@sandbox.invalid"], raw(more="Relay-Topic: sport\r\n")),
    "unknown in the sandbox": ("news", ["somebody@sandbox.invalid"], raw()),
    "international": ("transactional", ["jörg@rcpt.example"], raw()),
    "international domain": ("transactional", ["joerg@bücher.example"], raw()),
}


@pytest.mark.parametrize("case", CASES)
def test_both_doors_say_the_same(house: House, case: str) -> None:
    stream, to, message = CASES[case]
    found = re.search(rb"^From: (.*)\r\n", message)
    reverse_path = found[1].decode() if found else AUTHOR
    by_mail = by_smtp(house, stream, reverse_path if reverse_path.endswith("acme.example") else AUTHOR, to, message)
    if case == "twice":
        by_mail.pop("A@rcpt.example")
    assert by_api(house, stream, to, message) == by_mail
    expected = {"agreed": "ok", "stranger": "no-consent", "left": "unsubscribed", "suppressed": "suppressed"}
    if case in expected:
        assert set(by_mail.values()) == {expected[case]}


def test_both_doors_send_the_same_octets(house: House) -> None:
    body = "Grüße,\r\n.a line with a dot\r\n" + "x" * 1500 + "\r\n"
    message = raw(to="b@rcpt.example", more="X-Mark: {}\r\nContent-Type: text/plain; charset=utf-8\r\n", body=body)
    by_mail, by_web = (message.replace(b"{}", mark) for mark in (b"by mail", b"by web!"))
    assert by_smtp(house, "news", AUTHOR, ["b@rcpt.example"], by_mail) == {"b@rcpt.example": "ok"}
    assert by_api(house, "news", ["b@rcpt.example"], by_web) == {"b@rcpt.example": "ok"}
    until(
        lambda: len(arrived(house, b"X-Mark: by mail")) == len(arrived(house, b"X-Mark: by web!")) == 1, "both arrived"
    )
    first, second = arrived(house, b"X-Mark: by mail")[0], arrived(house, b"X-Mark: by web!")[0]
    assert _alike(first) == _alike(second)


def arrived(house: House, mark: bytes) -> list[bytes]:
    return [one.data for one in house.sink.messages if mark in one.data]


def _alike(octets: bytes) -> list[bytes]:
    """Without what names the copy itself: tokens, ids, times, signatures."""
    octets = re.sub(rb"X-Mark: [^\r]*", b"", octets)
    octets = re.sub(rb"(?m)^(?:Received|DKIM-Signature|Message-ID|Date):.*\r\n(?:[ \t].*\r\n)*", b"", octets)
    octets = re.sub(rb"/(u|p|report|why)/=?(?:\r\n)?[A-Za-z0-9_=\r\n-]+", rb"/\1/", octets)
    return re.sub(rb"u-[A-Za-z0-9=._-]+@", b"u@", octets).split(b"\r\n")
