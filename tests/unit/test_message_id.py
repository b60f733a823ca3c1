"""A Message-ID that is none gives way to the relay's own, on the wire, in the store and in the log."""

from __future__ import annotations

import pytest

from relay.intake.reading import message_id
from relay.mail.additions import Additions
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import compile_template


def read(field: bytes) -> str:
    return message_id(scan(b"From: a@x.example\r\n" + field + b"\r\n\r\nx\r\n", ScanLimits()))


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (b" <a@x.example>", "<a@x.example>"),
        (b"<a@x.example>", "<a@x.example>"),
        (b"\r\n <folded.first@x.example>", "<folded.first@x.example>"),
        (b" <a@x.example> \t", "<a@x.example>"),
        (b" no-brackets@x.example", "no-brackets@x.example"),
        (b' <"odd\\!"@[192.0.2.1]>', '<"odd\\!"@[192.0.2.1]>'),
        (" <ж@пример.example>".encode(), "<ж@пример.example>"),
        (b" <" + b"a" * 400 + b"@x.example>", "<" + "a" * 299),
    ],
)
def test_what_applications_give_is_kept(value: bytes, stored: str) -> None:
    assert read(b"Message-ID:" + value) == stored


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"   ",
        b" <a\x1b[2J\x1b[31mFAKE@x.example>",
        b" <a\x07b@x.example>",
        b" <del\x7f\x08@x.example>",
        " <c1\u009b31m@x.example>".encode(),
        " <bidi\u202ecba@x.example>".encode(),
        " <zero\u200bwidth@x.example>".encode(),
        " <bom\ufeff@x.example>".encode(),
        " <tag\U000e0041@x.example>".encode(),
        " <nbsp\u00a0@x.example>".encode(),
        " <line\u2028@x.example>".encode(),
        b" <latin\xe9@x.example>",
        b" <surrogate\xed\xa0\x80@x.example>",
        b" <a b@x.example>",
        b" <a\tb@x.example>",
        b"\r\n <folded\r\n 2026-11-29T00:00:00.000Z info    relay.accept: id=forged@x.example>",
    ],
)
def test_what_no_message_id_can_hold_is_replaced(value: bytes) -> None:
    assert read(b"Message-ID:" + value) == ""


def test_the_replaced_field_leaves_once() -> None:
    raw = b"From: a@x.example\r\nMessage-ID: <\x1b[2J@x>\r\nMessage-Id: <\x1bb@x>\r\n\r\nx\r\n"
    made = compile_template(
        scan(raw, ScanLimits()), Additions(), frozenset({"message-id"}), if_missing=(("Message-ID", "<own@relay>"),)
    )
    head = b"".join(piece for field in made.fields for piece in field if isinstance(piece, bytes))
    assert head.lower().count(b"message-id:") == 1 and b"<own@relay>" in head and b"\x1b" not in head
