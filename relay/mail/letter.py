"""A letter of the relay's own: plain text and HTML, put together as octets.

Enters: facts and two texts. Leaves: a whole mail object with CRLF. Values
become one line each, so that nothing of them can start a field; texts are
encoded, so that nothing of them can end a part.
"""

from __future__ import annotations

import base64
import hashlib
import quopri
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from relay.mail.address import Address
from relay.mail.slots import clean, encoded_words

_FOLD_AT = 76
_ATOM = " !#$%&'*+-/=?^_`{|}~"
"""What may stand in atoms beside letters and digits (RFC 5322 §3.2.3), and the blank between them."""


@dataclass(frozen=True, slots=True)
class Letter:
    """Facts of one letter; ``date`` in seconds UTC."""

    author: str
    """Display name, any line of text."""
    from_address: Address
    to: Address
    subject: str
    date: float
    message_id: str
    """With angle brackets."""
    language: str
    text: str
    html: str
    reply_to: Address | None = None
    fields: Sequence[tuple[str, str]] = ()
    """More header fields, printable."""


def build(letter: Letter) -> bytes:
    """The whole mail object (RFC 5322, RFC 2046 §5.1.4), ASCII but for addresses that are not."""
    boundary = "=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]  # neither encoding can write it
    fields = [
        ("From", f"{phrase(letter.author)} <{letter.from_address}>"),
        *([("Reply-To", f"<{letter.reply_to}>")] if letter.reply_to is not None else []),
        ("To", f"<{letter.to}>"),
        ("Subject", _words(letter.subject)),
        ("Date", format_datetime(datetime.fromtimestamp(letter.date, UTC))),
        ("Message-ID", letter.message_id),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", letter.language),
        *letter.fields,
        ("MIME-Version", "1.0"),
    ]
    head = b"".join(_field(name, value) for name, value in fields)
    kind = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode()
    mark = f"--{boundary}".encode()
    parts = b"".join(
        mark + b"\r\n" + _part(f"text/{name}", text) for name, text in (("plain", letter.text), ("html", letter.html))
    )
    return head + kind + b"\r\n" + parts + mark + b"--\r\n"


def phrase(name: str) -> str:
    """A display name as it stands before ``<address>``, always ASCII (RFC 5322 §3.2.5, RFC 2047 §5)."""
    name = clean(name)
    if not name.isascii():
        return " ".join(word.decode("ascii") for word in encoded_words(name))
    if all(c.isalnum() or c in _ATOM for c in name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(text: str) -> str:
    text = clean(text)
    return text if text.isascii() else " ".join(word.decode("ascii") for word in encoded_words(text))


def _field(name: str, value: str) -> bytes:
    """One field, folded at blanks (RFC 5322 §2.2.3)."""
    return ("\r\n".join(_folded(name, clean(value))) + "\r\n").encode()


def _folded(name: str, value: str) -> Iterator[str]:
    line = f"{name}:"
    for number, word in enumerate(value.split(" ")):
        if number and len(line) + 1 + len(word) > _FOLD_AT:
            yield line
            line = ""
        line += " " + word
    yield line


def _part(kind: str, text: str) -> bytes:
    """A part in the encoding that is shorter: base64 for what is mostly beyond ASCII."""
    octets = text.encode("utf-8", "replace")
    beyond = sum(octet > 127 for octet in octets)
    if beyond * 6 > len(octets):
        encoding, body = b"base64", base64.encodebytes(octets.replace(b"\n", b"\r\n"))
    else:
        encoding, body = b"quoted-printable", quopri.encodestring(octets)
    head = f"Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: ".encode() + encoding
    return head + b"\r\n\r\n" + body.rstrip(b"\n").replace(b"\n", b"\r\n") + b"\r\n"
