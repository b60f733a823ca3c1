"""HTTP/1.1 heads and framing, read strictly: what servers could read differently is refused, and ends the connection.

h11 reads what clients in the wild send: bare line feeds, folded fields,
repeated lengths, a length beside chunks. Behind a proxy that reads one of
these otherwise, a second request hides in a first one's body. So a head is
judged here, octet by octet, before h11 sees it (RFC 9112 §2.2, §5, §6, §11.2).
"""

from __future__ import annotations

import re
from typing import Any, Final

import h11

HEADER_OCTETS: Final = 16 * 1024
"""Largest head of a request."""
MOST_FIELDS: Final = 100

FramingFault = tuple[int, str]
"""Status and what is wrong, for the client."""

NO_HTTP: Final[FramingFault] = (400, "not a valid HTTP request")
_TOO_LARGE: Final[FramingFault] = (
    431,
    f"the request's header is larger than {HEADER_OCTETS} octets or {MOST_FIELDS} fields",
)

_END: Final = re.compile(rb"\n\r?\n")
_BARE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_LINE: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40} [!\"$-~]+ HTTP/(\d)\.(\d)")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_ABSOLUTE: Final = re.compile(rb"https?://[0-9A-Za-z._~:\[\]%-]+", re.I)
_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z._~!$&'()*+,;=%-]{0,255})(?::[0-9]{0,5})?")


class Framing(h11.Connection):
    """The server's side of one connection; ``fault`` says why ``next_event`` raised."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, HEADER_OCTETS)
        self.fault: FramingFault = NO_HTTP
        self._chunked = False

    def next_event(self) -> Any:
        """As h11's; raises RemoteProtocolError for what isn't framed beyond doubt."""
        if self.their_state is h11.IDLE:
            self._judge_head()
        before, held = self._first(HEADER_OCTETS) if self._chunked else b"", len(self._receive_buffer)
        event = super().next_event()
        if type(event) is h11.Request:
            self._chunked = any(name == b"transfer-encoding" for name, _ in event.headers)
            return _in_origin_form(event)
        elif self._chunked and type(event) is h11.EndOfMessage:
            # What ends the body: the last chunk's size and the trailer, where h11 takes a bare line feed.
            self._chunked = False
            taken = held - len(self._receive_buffer)
            if taken > len(before):
                self._refuse(_TOO_LARGE)
            if _BARE.search(before[:taken]):
                self._refuse((400, "the trailer has a bare CR or LF"))
        return event

    def _first(self, octets: int) -> bytes:
        """The beginning of what wasn't read yet; ``trailing_data`` would copy all of it, for each tiny chunk."""
        return bytes(self._receive_buffer._data[:octets])

    def _judge_head(self) -> None:
        octets = self._first(HEADER_OCTETS + 1)
        end = _END.search(octets)
        if (end.end() if end else len(octets)) > HEADER_OCTETS:
            self._refuse(_TOO_LARGE)
        if end is not None and (fault := head_fault(octets[: end.end()])) is not None:
            self._refuse(fault)

    def _refuse(self, fault: FramingFault) -> None:
        self.fault = fault
        raise h11.RemoteProtocolError(fault[1], error_status_hint=fault[0])


def _in_origin_form(request: h11.Request) -> h11.Request:
    """A target with scheme and host, as any server must take it (RFC 9112 §3.2.2); it matters not which host."""
    found = _ABSOLUTE.match(request.target)
    rest = request.target[found.end() :] if found else b""
    if found is None or rest[:1] not in (b"", b"/", b"?"):
        return request
    target = rest if rest[:1] == b"/" else b"/" + rest
    return h11.Request(
        method=request.method, headers=list(request.headers), target=target, http_version=request.http_version
    )


def head_fault(head: bytes) -> FramingFault | None:
    """What is wrong with a head, up to and with its empty line; None if there is one way to read it."""
    if _BARE.search(head):
        return 400, "a bare CR or LF; lines end with CRLF"
    line, *lines = head[:-4].split(b"\r\n")
    version = _LINE.fullmatch(line)
    if version is None:
        return NO_HTTP
    if version[1] != b"1":
        return 505, "the relay speaks HTTP/1.1"
    if len(lines) > MOST_FIELDS:
        return _TOO_LARGE
    fields: dict[bytes, list[bytes]] = {}
    for one in lines:
        found = _FIELD.fullmatch(one)
        if found is None:
            return 400, "a field of the header is malformed, folded or holds a control character"
        fields.setdefault(found[1].lower(), []).append(found[2].strip(b" \t"))
    return _framing_fault(fields, old=version[2] == b"0") or _host_fault(fields, old=version[2] == b"0")


def _framing_fault(fields: dict[bytes, list[bytes]], *, old: bool) -> FramingFault | None:
    """RFC 9112 §6.1 and §6.3; ``old``: HTTP/1.0, which knows no chunks."""
    lengths, codings = fields.get(b"content-length", []), fields.get(b"transfer-encoding", [])
    if lengths and codings:
        return 400, "Content-Length and Transfer-Encoding contradict each other"
    if codings and old:
        return 400, "HTTP/1.0 has no Transfer-Encoding"
    if len(lengths) > 1 or any(_LENGTH.fullmatch(one) is None for one in lengths):
        return 400, "Content-Length must be one number"
    if codings and [one.lower() for one in codings] != [b"chunked"]:
        return 501, "Transfer-Encoding must be chunked"
    return None


def _host_fault(fields: dict[bytes, list[bytes]], *, old: bool) -> FramingFault | None:
    """RFC 9112 §3.2."""
    hosts = fields.get(b"host", [])
    if len(hosts) > 1 or (not hosts and not old) or any(_HOST.fullmatch(one) is None for one in hosts):
        return 400, "Host must be one name"
    return None
