"""What a header field says: encoded words and addresses, read by hand.

``email.utils.parseaddr`` guesses (``alice@example.org)bob@example.com``
becomes an address nobody wrote); here a field either follows RFC 5322 §3.4
with the departures that mail programs agree on, or it is refused.
"""

from __future__ import annotations

import base64
import binascii
import re

from relay.mail.address import AddressError, parse_address
from relay.mail.charset import codec

MAX_FIELD_OCTETS = 64 * 1024
"""Longer fields are decoded up to here."""
MAX_ADDRESSES = 1000

_WORD = re.compile(rb"=\?([!->@-~]{1,60})\?([bBqQ])\?([!->@-~ ]*+)\?=")
_BLANK = b" \t"
_CONTROL = re.compile("[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_PLAIN = re.compile(rb"([A-Za-z0-9!#$%&'*+/=?^_`{|}~ .\-]*+)<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]+@[A-Za-z0-9.\-]+)>\Z")
_BARE = re.compile(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]+@[A-Za-z0-9.\-]+\Z")
_TOKEN = re.compile(
    r"""(?P<blank>[ \t]++)
      | (?P<quoted>"(?:[^"\\]|\\.)*+")
      | (?P<literal>\[[^\[\]\\]*+\])
      | (?P<special>[<>,;:@()])
      | (?P<atom>[^ \t"<>,;:@()\[\]\\]++)""",
    re.X | re.S,
)
_ESCAPE = re.compile(r"\\(.)", re.S)


def decode_field(value: bytes) -> str:
    """A field's text with its encoded words decoded (RFC 2047); never any CR, LF, NUL or other control.

    Raw octets beyond ASCII count as UTF-8 (RFC 6532), else as latin-1. At most 64 KiB are read.
    """
    value = value[:MAX_FIELD_OCTETS].translate(None, b"\r\n\0").strip(_BLANK)
    text = _decode_words(value) if b"=?" in value else _raw(value)
    return _CONTROL.sub(" ", text)


def _raw(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _decode_words(value: bytes) -> str:
    out: list[str] = []
    position = 0
    pending: list[bytes] = []
    charset = ""
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        # A language may follow the charset: =?us-ascii*en?Q?…?= (RFC 2231 §5).
        name = match[1].partition(b"*")[0].lower().decode("ascii")
        # Blanks between two encoded words vanish, and one character may be split over them.
        joins = bool(pending) and not between.strip(_BLANK)
        if pending and not (joins and name == charset):
            out.append(_text(b"".join(pending), charset))
            pending = []
        if not joins:
            out.append(_raw(between))
        pending.append(_word(match[2], match[3]))
        charset = name
        position = match.end()
    if pending:
        out.append(_text(b"".join(pending), charset))
    out.append(_raw(value[position:]))
    return "".join(out)


def _word(kind: bytes, payload: bytes) -> bytes:
    if kind in b"qQ":
        return binascii.a2b_qp(payload, header=True)
    try:
        return base64.b64decode(payload + b"=" * (-len(payload) % 4))
    except (binascii.Error, ValueError):
        return b"\xef\xbf\xbd"


def _text(octets: bytes, charset: str) -> str:
    return octets.decode(codec(charset) or "utf-8", "replace")


def addresses_of(value: bytes) -> list[tuple[str, str]]:
    """(display name, canonical address) of each mailbox in a From, To, … field, groups included.

    Comments are part of the name, as some programs show them in its place.

    Departures from RFC 5322 §3.4, which mail programs share: dots, ``@`` and ``[]`` in an unquoted display name,
    encoded words in quotes, empty list members. Raises AddressError with what is wrong, for the field as a whole.
    """
    value = value.translate(None, b"\r\n").strip(_BLANK)
    plain = _PLAIN.match(value)
    if plain is not None and b"=?" not in value:
        return [(plain[1].decode().strip(), parse_address(plain[2].decode()).canonical)]
    if _BARE.match(value):
        return [("", parse_address(value.decode()).canonical)]
    if len(value) > MAX_FIELD_OCTETS:
        raise AddressError(f"an address field has more than {MAX_FIELD_OCTETS} octets")
    return _List(_raw(value)).read()


class _List:
    """An address-list, read token by token; a state for each thing the grammar knows."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[tuple[str, str]] = []
        self.words: list[str] = []
        """Words of the display name or of a bare address so far, with blanks between."""
        self.angle: list[str] | None = None
        """The address within ``<>`` while it is open."""
        self.closed: str | None = None
        """The address within ``<>`` once it is closed."""
        self.group = False
        self.comments: list[str] = []
        """Of the mailbox that is read."""

    def read(self) -> list[tuple[str, str]]:
        position, end = 0, len(self.text)
        while position < end:
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise AddressError(f"unexpected {self.text[position]!a} at offset {position} of an address field")
            position = match.end()
            kind, token = match.lastgroup, match.group()
            if token == "(":
                position = self._comment(position)
            elif kind == "special":
                self._special(token)
            else:
                self._word(token, kind == "blank")
        if self.angle is not None:
            raise AddressError("an address field lacks a closing >")
        if self.group:
            raise AddressError("a group of addresses isn't closed with ;")
        self._member()
        return self.found

    def _comment(self, position: int) -> int:
        depth = 1
        for match in re.compile(r"\\.|[()]", re.S).finditer(self.text, position):
            token = match.group()
            depth += (token == "(") - (token == ")")
            if depth == 0:
                self.comments += (" ", self.text[position : match.start()])
                self._word(" ", True)
                return match.end()
        raise AddressError("a comment in an address field isn't closed with )")

    def _word(self, token: str, blank: bool) -> None:
        if self.angle is not None:
            self.angle.append(token)
        elif self.closed is None:
            self.words.append(" " if blank else token)
        elif not blank:
            raise AddressError("text after the closing > of an address")

    def _special(self, token: str) -> None:
        if self.angle is not None:
            self._inside(token)
        elif token == "<":
            if self.closed is not None:
                raise AddressError("two addresses without a comma between them")
            self.angle = []
        elif token in ",;":
            self._member()
            if token == ";":
                if not self.group:
                    raise AddressError("a semicolon without a group of addresses")
                self.group = False
        elif token == ":":
            if self.group or self.closed is not None or not "".join(self.words).strip():
                raise AddressError("a colon where no group of addresses can begin")
            self.group, self.words = True, []
        elif token == "@" and self.closed is None:
            self.words.append(token)
        else:
            raise AddressError(f"unexpected {token} in an address field")

    def _inside(self, token: str) -> None:
        assert self.angle is not None
        if token == ">":
            self.closed, self.angle = "".join(self.angle).strip(" \t"), None
        elif token == "@" or (token in ",:" and self.angle[:1] == ["@"]):
            self.angle.append(token)  # a source route is dropped below (RFC 5322 §4.4)
        else:
            raise AddressError(f"unexpected {token} between < and >")

    def _member(self) -> None:
        """A comma, semicolon or the end: what was read is one mailbox, or nothing."""
        words, closed, comments = self.words, self.closed, self.comments
        self.words, self.closed, self.comments = [], None, []
        if closed is None and not "".join(words).strip():
            return
        if len(self.found) >= MAX_ADDRESSES:
            raise AddressError(f"an address field has more than {MAX_ADDRESSES} addresses")
        if closed is None:
            self.found.append((_phrase(comments), parse_address(_spec("".join(words).strip())).canonical))
            return
        if closed.startswith("@"):
            closed = closed.rpartition(":")[2]
        self.found.append((_phrase(words + comments), parse_address(_spec(closed)).canonical))


def _spec(text: str) -> str:
    """Blanks around the ``@`` and dots of an address are obsolete but allowed (RFC 5322 §4.4)."""
    if '"' in text or (" " not in text and "\t" not in text):
        return text
    return re.sub(r"[ \t]*([.@])[ \t]*", r"\1", text)


def _phrase(words: list[str]) -> str:
    parts = [_ESCAPE.sub(r"\1", word[1:-1]) if word.startswith('"') else word for word in words]
    return " ".join(decode_field("".join(parts).encode("utf-8", "surrogatepass")).split())
