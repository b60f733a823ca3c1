"""What a TLS client says first: for which name it comes, and what it wants to speak (RFC 8446 §4.1.2, 6066, 7301)."""

from __future__ import annotations

from typing import Final, NamedTuple

HELLO_OCTETS: Final = 17_000
"""One record holds 16 KiB at most; what is longer is taken as one that names nothing."""
_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _PROTOCOLS = 22, 1, 0, 16


class HelloError(Exception):
    """It is no TLS."""


class ClientHello(NamedTuple):
    name: str
    """Lower case; empty: it names none."""
    protocols: tuple[str, ...]


class _Part:
    """Octets, taken from the front; raises IndexError where there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise IndexError
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def block(self, octets: int) -> _Part:
        """What follows a length of so many octets."""
        return _Part(self.take(self.number(octets)))

    @property
    def left(self) -> bool:
        return self._at < len(self._data)


def read_hello(seen: bytes) -> ClientHello | None:
    """None: it hasn't all come yet. Raises HelloError. One that is broken names nothing: TLS itself refuses it."""
    if seen[:1] != bytes([_HANDSHAKE]) or (len(seen) > 1 and seen[1] != 3):
        raise HelloError
    said, complete = _handshake(seen)
    if not complete and len(seen) < HELLO_OCTETS:
        return None
    try:
        return _read(_Part(said))
    except IndexError:
        return ClientHello("", ())


def _handshake(seen: bytes) -> tuple[bytes, bool]:
    """The message, put together from the records that hold it (it may stand in several), and whether it is whole."""
    said, at = b"", 0
    while len(seen) >= at + 5 and seen[at] == _HANDSHAKE:
        size = int.from_bytes(seen[at + 3 : at + 5], "big")
        said += seen[at + 5 : at + 5 + size]
        at += 5 + size
        if len(said) >= 4 and len(said) >= 4 + int.from_bytes(said[1:4], "big"):
            return said, True
    broken = len(seen) >= at + 5 and seen[at] != _HANDSHAKE
    return said, broken


def _read(part: _Part) -> ClientHello:
    if part.number(1) != _CLIENT_HELLO:
        return ClientHello("", ())
    body = part.block(3)
    body.take(2 + 32)
    body.block(1)
    body.block(2)
    body.block(1)
    name, protocols = "", tuple[str, ...]()
    extensions = body.block(2) if body.left else _Part(b"")
    while extensions.left:
        kind, content = extensions.number(2), extensions.block(2)
        if kind == _SERVER_NAME:
            name = _name(content.block(2))
        elif kind == _PROTOCOLS:
            protocols = _protocols(content.block(2))
    return ClientHello(name, protocols)


def _name(names: _Part) -> str:
    while names.left:
        kind, name = names.number(1), names.block(2)
        if kind == 0:
            return name.take(len(name._data)).decode("ascii", "replace").lower()
    return ""


def _protocols(listed: _Part) -> tuple[str, ...]:
    found = []
    while listed.left:
        one = listed.block(1)
        found.append(one.take(len(one._data)).decode("latin-1"))
    return tuple(found)
