"""Messages compared octet by octet: what the relay added, removed and left alone."""

from __future__ import annotations

import re

ADDED = frozenset({"dkim-signature", "received", "x-sender-contact", "x-report-abuse", "feedback-id"})
"""Header fields that every message gets."""
ADDED_TO_BULK = ADDED | {"list-unsubscribe", "list-unsubscribe-post", "permission"}

_FIELD = re.compile(rb"[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")


def split(message: bytes) -> tuple[list[bytes], bytes]:
    """Header fields as they stand, each with its folds and CRLF, and the body."""
    head, _, body = message.partition(b"\r\n\r\n")
    return _FIELD.findall(head + b"\r\n"), body


def name_of(field: bytes) -> str:
    return field.partition(b":")[0].decode("latin-1").strip().lower()


def values(message: bytes, name: str) -> list[str]:
    """Values of a field, unfolded."""
    found = [field for field in split(message)[0] if name_of(field) == name.lower()]
    return [re.sub(rb"\r\n(?=[ \t])", b"", f.partition(b":")[2]).decode("utf-8").strip() for f in found]


def added_fields(sent: bytes, got: bytes, removed: frozenset[str] = frozenset()) -> list[str]:
    """Names of the fields that ``got`` has more; AssertionError if one that was sent is changed, lost or moved."""
    rest = [field for field in split(sent)[0] if name_of(field) not in removed]
    added = []
    for field in split(got)[0]:
        if rest and field == rest[0]:
            rest.pop(0)
        else:
            added.append(name_of(field))
    assert not rest, f"changed or lost: {rest[0]!r}"
    return added


def assert_kept(sent: bytes, got: bytes) -> None:
    """Transactional mail: every field and the body are those sent; only the declared fields came on top."""
    extra = set(added_fields(sent, got)) - ADDED
    assert not extra, f"added without need: {extra}"
    assert split(got)[1] == split(sent)[1]
