"""A tenant or a stranger writes to the operator's terminal: by header fields, addresses, names, requests (R25a)."""

from __future__ import annotations

import json
import unicodedata

import pytest

from tests.attacks.conftest import Ground
from tests.support.smtp import Reply

ESCAPES = "\x1b[2J\x1b[31m\x1b]0;title\x07"
HOSTILE = {
    "CSI by octet": "\u009b31m",
    "bidi": "\u202egnp.exe\u202c\u2066x\u2069\u200f\u061c",
    "separators": "\u2028\u2029\u0085",
    "zero width": "\u200b\u200d\ufeff",
    "tags": "\U000e0041\U000e007f",
    "DEL and BS": "\x7f\x08\x08",
    "ESC": ESCAPES,
}

CONTROLS = ("CSI by octet", "separators", "DEL and BS", "ESC")


def steering(text: str) -> list[str]:
    """What a terminal or a reader's eye obeys; line feeds and the indentation of a traceback are layout."""
    return [hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def log(ground: Ground) -> str:
    return "\n".join(ground.relay.log)


def send(ground: Ground, head: str) -> Reply:
    message = f"From: news@acme.example\r\nTo: v@people.example\r\n{head}\r\n\r\nx\r\n".encode(
        "utf-8", "surrogateescape"
    )
    return ground.send(message, "v@people.example", stream="transactional")


def queue_id(ground: Ground, head: str) -> str:
    reply = send(ground, head)
    assert reply.code == 250, reply
    return reply.text.split()[1]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("field", ["Subject", "Message-ID", "Comments"])
def test_by_header_fields(ground: Ground, name: str, field: str) -> None:
    text = HOSTILE[name]
    value = f"<a{text}@acme.example>" if field == "Message-ID" else f"a{text}é"
    if field != "Message-ID" and name in CONTROLS:  # raw ones in a field that would have to be encoded
        reply = send(ground, f"{field}: {value}")
        assert str(reply).startswith("554 5.6.0") and "control characters" in str(reply) and not steering(str(reply))
        return
    id_ = queue_id(ground, f"{field}: {value}")
    ground.settled()
    for command in (("trace", id_), ("queue", "show", id_)):
        assert not steering(ground.relay.cli(*command))
        printed = ground.relay.cli(*command, "--json")
        assert not steering(printed)
        told = json.loads(printed)
        if field == "Subject":
            assert told["subject"] == value  # what is kept is what was written
        if field == "Message-ID":
            assert told["message_id"] == f"<{id_}@relay.test>"
    copy = next(one for one in ground.copies("v@people.example") if id_.encode() in one.head)
    if field == "Message-ID":
        assert copy.field("Message-ID") == f"<{id_}@relay.test>"


def test_by_encoded_words_and_folds(ground: Ground) -> None:
    forged = "2026-11-29T00:00:00.000Z info    relay.accept: id=forged"
    ids = [
        queue_id(ground, "Subject: =?utf-8?q?=C2=9B31m=E2=80=AE=1B[2J?="),
        queue_id(ground, f"Subject: s\r\nMessage-ID:\r\n <folded\r\n {forged}@acme.example>"),
        queue_id(ground, f"Subject: a\r\n {forged}"),
    ]
    for id_ in ids:
        assert not steering(ground.relay.cli("trace", id_) + ground.relay.cli("trace", id_, "--json"))
    assert "relay.accept: id=forged" not in log(ground)


def test_by_what_strangers_ask(ground: Ground) -> None:
    """Paths, methods, browsers and forms of the pages; commands of the inbound port."""
    for path in ("/u/%1b%5b2J", "/s/%C2%9B31m", "/%E2%80%AE", "/v1/forms/%1b"):
        ground.get(path)
    ground.api("POST", "/consents", {"email": f"{ESCAPES}@x.example", "topic": ESCAPES, ESCAPES: 1})
    problem = ground.api("POST", "/consents", {"email": "a@x.example", "topic": "news", HOSTILE["bidi"]: 1})
    assert not steering(problem.text) and problem.status_code == 422
    assert not steering(log(ground))


def test_by_names_in_listings(ground: Ground) -> None:
    with_bidi = "أخبار\u200f المتجر"
    assert ground.api("POST", "/topics", {"name": with_bidi}).status_code == 422
    said = {"name": "shown", "topics": ["news"], "wording": f"Yes, send me news.{HOSTILE['bidi']}{HOSTILE['tags']}"}
    assert ground.api("POST", "/forms", said).status_code == 201
    for command in (("form", "show", "acme", "shown"), ("wording", "list", "acme"), ("form", "list", "acme")):
        assert not steering(ground.relay.cli(*command))
        assert not steering(ground.relay.cli(*command, "--json"))
    assert json.loads(ground.relay.cli("form", "show", "acme", "shown", "--json"))["wording"] == said["wording"]
