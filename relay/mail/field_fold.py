"""Folding a header field so that no line of it is too long (RFC 5322 §2.1.1, §2.2.3, §3.2.2)."""

from __future__ import annotations

import re

from relay.mail.field_words import ADDRESS_FIELDS, IDENTIFIERS

PREFERRED_OCTETS = 78
MAX_OCTETS = 998

_TOKEN = re.compile(rb"([ \t]*+)([^ \t]++)")
_LISTED = re.compile(rb'(?:"(?:[^"\\]|\\.)*+"|\((?:[^()\\]|\\.)*+\)|<[^<>]*+>|[^,;"(<])*+[,;]|.+', re.S)
_IDENTIFIERS = re.compile(rb"<[^<>]*+>|[^<]+", re.S)
_LISTS = frozenset((*ADDRESS_FIELDS, b"content-type", b"content-disposition", b"keywords", b"list-unsubscribe"))


def folded(name: bytes, field: bytes) -> bytes | None:
    """The whole ``field`` with CRLF, its too long lines cut at blanks, or where its grammar lets blanks be.

    ``name``: in lower case. Lines that are short enough stay. None if a word of it alone is too long.
    """
    out: list[bytes] = []
    for number, line in enumerate(field[:-2].split(b"\r\n")):
        if len(line) > MAX_OCTETS:
            label = line[: line.index(b":") + 1] if number == 0 else b""
            made = _cut(name, label, line[len(label) :])
            if made is None:
                return None
            line = made
        out.append(line)
    return b"\r\n".join(out) + b"\r\n"


def wrapped(label: bytes, value: bytes) -> bytes:
    """A field of ``label`` (with its colon) and an unfolded value, in lines of 78 octets as far as blanks allow."""
    return (_cut(b"", label, value) or label + value) + b"\r\n"


def _cut(name: bytes, label: bytes, text: bytes) -> bytes | None:
    lines: list[bytes] = []
    line = label
    for gap, word in _TOKEN.findall(text):
        for piece in [word] if len(word) < MAX_OCTETS - 1 else _pieces(name, word):
            if len(piece) > MAX_OCTETS - 1:
                return None
            fits = len(line) + len(gap) + len(piece) <= PREFERRED_OCTETS
            # A line of blanks alone, or none at all behind the name, would do harm (RFC 5322 §3.2.2).
            if not fits and line.strip() and (line is not label or len(label + gap + piece) > MAX_OCTETS):
                lines.append(line)
                line = b""
                gap = gap or b" "
            line += gap + piece
            gap = b""
            if len(line) > MAX_OCTETS:
                return None
    lines.append(line)
    return b"\r\n".join(lines)


def _pieces(name: bytes, word: bytes) -> list[bytes]:
    """Where the grammar of a list allows a blank although there is none."""
    if name in IDENTIFIERS:
        return _IDENTIFIERS.findall(word)
    return _LISTED.findall(word) if name in _LISTS else [word]
