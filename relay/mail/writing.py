"""Messages written from their parts: header fields, text, HTML, files (RFC 5322, 2045 to 2047, 2231, 2387).

``email`` of the standard library takes 2.5 ms for 10 KB and can't leave places
open. This writer knows the few shapes that an API's messages have, and its
text may hold marks: places that differ from copy to copy. Lines end with CRLF
and have at most 76 octets where that can be.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from relay.mail.address import Address
from relay.mail.slots import encoded_words, joined, quoted_printable
from relay.mail.stored import Piece, Slot, SlotForm
from relay.mail.transfer import with_crlf

PREFERRED_OCTETS: Final = 78
LONGEST_LINE: Final = 990
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,60}")

TextWithPlaces = Sequence[str | int]
"""Literal text, and the numbers of places that differ."""


class Mailbox(NamedTuple):
    """Who is named in a field: an address with the name that people see."""

    address: Address
    name: str = ""


class Enclosure(NamedTuple):
    """A file that goes along; with ``content_id`` it is shown within the HTML."""

    filename: str
    content_type: str
    """``type/subtype`` of known form."""
    content: bytes
    content_id: str = ""


class Draft(NamedTuple):
    """What a message is written from."""

    fields: tuple[tuple[str, str], ...]
    """Names and unfolded values, each ready: ``unstructured`` or ``mailboxes`` made them."""
    text: TextWithPlaces = ()
    html: TextWithPlaces = ()
    enclosures: tuple[Enclosure, ...] = ()
    mark: str = ""
    """Begins the octets that stand for a place in ``text``, ``html`` and ``fields``; letters and digits only."""


def mark_of(mark: str, number: int) -> str:
    """What stands for a place until the message is compiled."""
    return f"{mark}x{number:04d}z"


def write(draft: Draft) -> bytes:
    """The whole message."""
    seed = hashlib.sha256(repr(draft.fields).encode("utf-8", "replace")).hexdigest()[:24]
    entity = _body(draft, seed)
    header = b"".join(_folded(name, value) for name, value in draft.fields)
    return b"".join((header, b"MIME-Version: 1.0\r\n", *entity))


# --- header fields -------------------------------------------------------------


def unstructured(text: str) -> str:
    """A text as it stands in a field (RFC 2047); control characters must be gone already."""
    if text.isascii() and "=?" not in text and len(max(text.split(" "), key=len, default="")) < LONGEST_LINE:
        return text
    return " ".join(word.decode("ascii") for word in encoded_words(text))


def mailbox(one: Mailbox) -> str:
    """``Name <local@domain>``; a name beyond ASCII becomes encoded words, a local part beyond it stays (RFC 6532)."""
    if not one.name:
        return str(one.address)
    name = one.name
    if not name.isascii() or "=?" in name:
        name = unstructured(name) if not name.isascii() else " ".join(w.decode() for w in encoded_words(name))
    elif not _ATOMS.fullmatch(name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{one.address}>"


def mailboxes(all_: Iterable[Mailbox]) -> str:
    return ", ".join(map(mailbox, all_))


def _folded(name: str, value: str) -> bytes:
    """The field with lines of at most 78 octets where blanks allow it."""
    lines = [f"{name}:"]
    for word in value.split(" "):
        if len(lines[-1]) + 1 + len(word) > PREFERRED_OCTETS and lines[-1] != f"{name}:" and word and lines[-1].strip():
            lines.append("")
        lines[-1] += " " + word
    return ("\r\n".join(lines) + "\r\n").encode("utf-8")


# --- the body ------------------------------------------------------------------


def _body(draft: Draft, seed: str) -> list[bytes]:
    """Content fields, an empty line and the body."""
    readable = [_text(one, kind, draft.mark) for one, kind in ((draft.text, "plain"), (draft.html, "html")) if one]
    if not readable:
        readable = [_text((), "plain", draft.mark)]
    shown = [one for one in draft.enclosures if one.content_id and draft.html]
    if shown:
        # The pictures belong to the HTML alone (RFC 2387).
        readable[-1] = _multipart("related", seed + "r", [readable[-1], *map(_enclosure, shown)])
    entity = readable[0] if len(readable) == 1 else _multipart("alternative", seed + "a", readable)
    attached = [one for one in draft.enclosures if one not in shown]
    return _multipart("mixed", seed + "m", [entity, *map(_enclosure, attached)]) if attached else entity


def _multipart(kind: str, boundary: str, parts: Sequence[list[bytes]]) -> list[bytes]:
    """The boundary can't stand in a part: text and files are in encodings that have no ``=_``."""
    line = f"=_{boundary}".encode()
    # The type of a related's root is asked for by RFC 2387 §3.1.
    more = b'; type="text/html"' if kind == "related" else b""
    out = [b'Content-Type: multipart/%s; boundary="%s"%s\r\n\r\n' % (kind.encode(), line, more)]
    for part in parts:
        out += [b"--", line, b"\r\n", *part]
        if not part[-1].endswith(b"\r\n"):
            out.append(b"\r\n")
    out += [b"--", line, b"--\r\n"]
    return out


def _text(text: TextWithPlaces, kind: str, mark: str) -> list[bytes]:
    """A text in UTF-8: as it is where that is short lines of ASCII, else quoted-printable."""
    pieces: list[Piece] = []
    for one in text:
        if isinstance(one, str):
            pieces.append(with_crlf(one.encode("utf-8", "replace")))
        else:
            pieces.append(Slot(mark_of(mark, one), "html" if kind == "html" else "text"))
    head = b"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n"
    whole = joined(pieces)
    plain = len(whole) == 0 or (len(whole) == 1 and isinstance(whole[0], bytes) and _is_plain(whole[0]))
    if plain:
        octets = whole[0] if whole and isinstance(whole[0], bytes) else b""
        return [head % (kind.encode(), b"7bit"), octets, b"" if octets.endswith(b"\r\n") else b"\r\n"]
    encoded = quoted_printable(whole, line_start=True)
    body = [one.name.encode() if isinstance(one, Slot) else one.replace(b"=_", b"=3D_") for one in encoded]
    return [head % (kind.encode(), b"quoted-printable"), *body, b"\r\n"]


def _is_plain(octets: bytes) -> bool:
    """``=_`` begins boundaries, and ``From `` at a line's start gets an angle bracket in some mailboxes."""
    return (
        octets.isascii()
        and max(map(len, octets.split(b"\n"))) < LONGEST_LINE  # a pattern would look at each octet many times
        and b"=_" not in octets
        and b"\nFrom " not in octets
        and not octets.startswith(b"From ")
    )


def _enclosure(one: Enclosure) -> list[bytes]:
    name = _parameter("filename", one.filename)
    where = "inline" if one.content_id else "attachment"
    fields = [
        f"Content-Type: {one.content_type}{_parameter('name', one.filename) if one.filename.isascii() else ''}",
        f"Content-Disposition: {where}{name}",
        "Content-Transfer-Encoding: base64",
    ]
    if one.content_id:
        fields.append(f"Content-ID: <{one.content_id}>")
    head = ("\r\n".join(fields) + "\r\n\r\n").encode("ascii")
    return [head, base64.encodebytes(one.content).replace(b"\n", b"\r\n") or b"\r\n"]


def _parameter(name: str, value: str) -> str:
    """RFC 2045 §5.1 where that can be, else RFC 2231. Not both: some programs would show the plain one."""
    if not value:
        return ""
    if _PLAIN_NAME.fullmatch(value):
        return f';\r\n {name}="{value}"'
    encoded = quote(value, safe="")
    if len(encoded) <= 60:
        return f";\r\n {name}*=utf-8''{encoded}"
    pieces = re.findall(r"(?:%[0-9A-F]{2}|[^%]){1,20}", encoded)
    sections = [f"{name}*{number}*={piece}" for number, piece in enumerate(pieces)]
    sections[0] = sections[0].replace("*=", "*=utf-8''", 1)
    return "".join(f";\r\n {one}" for one in sections)


# --- places --------------------------------------------------------------------


class TextPlace(NamedTuple):
    """A place of a draft by its number."""

    name: str
    """Of the slot."""
    form: SlotForm
    utf8: bool = False
    """In a header field: an address beyond ASCII stands as it is."""


def with_slots(pieces: Sequence[Piece], mark: str, places: Sequence[TextPlace]) -> tuple[Piece, ...]:
    """Pieces in which marks have become slots. In a body they stand at a line's start before a soft break."""
    token = re.compile(rf"{mark}x(\d{{4}})z".encode())
    out: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Slot) or mark.encode() not in piece:
            out.append(piece)
            continue
        for number, item in enumerate(token.split(piece)):
            if number % 2:
                place = places[int(item)]
                header = place.form == "header"
                charset = "utf-8" if place.utf8 or not header else "ascii"
                out.append(Slot(place.name, place.form, charset, qp=not header))
            elif item:
                out.append(item)
    return tuple(out)
