"""The pieces that scanning finds: header fields and MIME parts, as offsets into the message."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from relay.mail.mime import Parametrized, parse_content_type, parse_token
from relay.mail.status import Status, permanent

_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:[^\r\n]*+\r\n(?:[ \t][^\r\n]*+\r\n)*+")


class Malformed(Exception):
    """The message can't be accepted; ``status`` says what is wrong and where."""

    def __init__(self, text: str, *, detail: int = 0, subject: int = 6) -> None:
        self.status: Status = permanent(54, subject, detail, text)
        super().__init__(self.status.reply)


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """Hard limits of one message; ``header_octets`` and ``header_fields`` hold for each header block."""

    header_octets: int = 256 * 1024
    header_fields: int = 1000
    parts: int = 1000
    depth: int = 50
    hops: int = 50
    """Most ``Received`` fields (RFC 5321 §6.3)."""


@final
class Field:  # compiled, a header is read a fifth faster than with a named tuple
    """One header field: its name in lower case, and offsets into the message."""

    __slots__ = ("end", "name", "start", "value")

    def __init__(self, name: bytes, start: int, value: int, end: int) -> None:
        """``value``: right after the colon; ``end``: after the field's last CRLF."""
        self.name = name
        self.start = start
        self.value = value
        self.end = end


@final
class Part:  # no dataclass: mypyc would leave its __init__ interpreted, and each message has some
    """One MIME entity; the message itself is part 0. Offsets are into the message."""

    def __init__(
        self,
        index: int,
        parent: int,
        depth: int,
        header_start: int,
        fields: list[Field],
        header_end: int,
        body_start: int,
    ) -> None:
        """``parent``: index of the multipart it stands in, -1 for the message itself; ``header_end``: after the last
        header field, before the empty line."""
        self.index = index
        self.parent = parent
        self.depth = depth
        self.header_start = header_start
        self.fields = fields
        self.header_end = header_end
        self.body_start = body_start
        self.body_end = -1
        self.content_type = "text/plain"
        self.parameters: dict[str, str] = {}
        """Of Content-Type, names in lower case, values in latin-1 view."""
        self.encoding = "7bit"
        """Content-Transfer-Encoding in lower case."""
        self.disposition = ""
        self.filename = False
        """Whether it is named as a file (``filename`` or ``name``)."""
        self.ambiguous = False
        """Two Content-Type or Content-Transfer-Encoding fields, which readers take differently."""
        self.hollow = False
        """No room for a body: its header ends right at the next delimiter."""
        self.boundary = b""
        self.children: list[int] = []

    @property
    def charset(self) -> str:
        """As declared, in lower case; ``""`` if it isn't."""
        return self.parameters.get("charset", "").lower()

    @property
    def is_multipart(self) -> bool:
        """A multipart whose delimiters were found; any other part is a leaf."""
        return bool(self.children)


def read_fields(
    message: bytes, position: int, stop: int, limits: ScanLimits, is_delimiter: Callable[[int], bool] | None = None
) -> list[Field]:
    """Header fields from ``position`` on, as far as they go before ``stop`` or a delimiter line."""
    fields: list[Field] = []
    match = _FIELD.match(message, position, stop)
    while match is not None:
        name = match[1].lower()
        start, end = match.span()
        if is_delimiter is not None and message.startswith(b"--", start) and is_delimiter(start):
            break
        # Blanks may stand between name and colon (RFC 5322 §4.5); no name holds a colon.
        fields.append(Field(name, start, message.index(b":", start) + 1, end))
        if len(fields) > limits.header_fields:
            raise Malformed(f"a header has more than {limits.header_fields} fields (at offset {start})")
        match = _FIELD.match(message, end, stop)
    return fields


def _single(message: bytes, index: dict[bytes, list[Field]], name: bytes) -> tuple[bytes | None, bool]:
    """(value of the first such field, whether there are several)."""
    found = index.get(name)
    if not found:
        return None, False
    return message[found[0].value : found[0].end], len(found) > 1


def describe(part: Part, message: bytes, index: dict[bytes, list[Field]], default: str) -> None:
    """Fill in what the part's Content-* fields say."""
    part.content_type = default
    value, several_types = _single(message, index, b"content-type")
    parsed: Parametrized | None = parse_content_type(value) if value is not None else None
    if parsed is not None:
        part.content_type, part.parameters = parsed
        part.filename = "name" in part.parameters
    value, several_encodings = _single(message, index, b"content-transfer-encoding")
    if value is not None:
        part.encoding = value.strip(b" \t\r\n").lower().decode("latin-1")
        if part.encoding not in ("7bit", "8bit", "quoted-printable", "base64", "binary"):
            part.encoding = parse_token(value).value or "7bit"
    value, _ = _single(message, index, b"content-disposition")
    if value is not None:
        part.disposition, parameters = parse_token(value)
        part.filename = part.filename or "filename" in parameters
    part.ambiguous = several_types or several_encodings
    if part.content_type.startswith("multipart/") and not part.ambiguous:
        part.boundary = part.parameters.get("boundary", "").rstrip(" \t").encode("latin-1", "ignore")
