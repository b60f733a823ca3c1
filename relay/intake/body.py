"""Collecting a mail object from the connection's buffer: DATA up to its dot, BDAT by its size.

A body that is refused, for its size or for want of memory, is read to its end
and thrown away, so that the session goes on in step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from relay.mail.status import Status

Room = Callable[[int], Status | None]
"""Asks for memory for so many octets in all; a Status refuses the body."""


class Body(Protocol):
    """A mail object, or a part of one, on its way in."""

    refused: Status | None
    """Why it is not taken; told once it has been read."""

    def take(self, buffer: bytearray) -> bytes | None:
        """Take what is there from the buffer; None until the end is reached."""


class Dotted:
    """Everything up to ``CRLF . CRLF``; nothing else ends a message (RFC 5321 §4.1.1.4)."""

    __slots__ = ("_begun", "_room", "_start", "_stuffed", "refused")

    def __init__(self, room: Room) -> None:
        self.refused: Status | None = None
        self._room = room
        self._begun = False
        self._start = 0
        self._stuffed = False
        """A line began with a dot that is not the end."""

    def take(self, buffer: bytearray) -> bytes | None:
        if not self._begun:
            # So that an empty message and a dot on the first line are no special cases.
            buffer[:0] = b"\r\n"
            self._begun = True
        end = self._end(buffer)
        if self.refused is None:
            self.refused = self._room(len(buffer) if end < 0 else end)
        if end < 0:
            if self.refused is not None and len(buffer) > 4:
                del buffer[:-4]
                self._start = 0
            return None
        raw = b"" if self.refused is not None else self._message(buffer, end)
        del buffer[: end + 5]
        return raw

    def _end(self, buffer: bytearray) -> int:
        """Where the final ``CRLF . CRLF`` begins; -1 if it is not there yet."""
        if not self._stuffed:
            at = buffer.find(b"\r\n.", self._start)
            if at >= 0 and buffer.startswith(b"\r\n", at + 3):
                return at
            if at < 0 or len(buffer) < at + 5:
                self._start = max(0, len(buffer) - 4)
                return -1
            self._stuffed = True
        end = buffer.find(b"\r\n.\r\n", self._start)
        if end < 0:
            self._start = max(0, len(buffer) - 4)
        return end

    def _message(self, buffer: bytearray, end: int) -> bytes:
        with memoryview(buffer) as view:
            raw = bytes(view[2 : end + 2])
        if self._stuffed:
            raw = raw.replace(b"\r\n.", b"\r\n")
            if raw.startswith(b"."):
                raw = raw[1:]
        return raw


class Chunk:
    """The next ``octets`` octets as they are: one BDAT (RFC 3030 §2)."""

    __slots__ = ("_before", "_left", "_parts", "_room", "_size", "last", "refused")

    def __init__(self, octets: int, last: bool, before: int, room: Room, refused: Status | None = None) -> None:
        """``before``: octets of the message in earlier chunks; ``refused``: known already, nothing is kept."""
        self.refused = refused
        self.last = last
        self._size = octets
        self._left = octets
        self._before = before
        self._room = room
        self._parts = bytearray()

    def take(self, buffer: bytearray) -> bytes | None:
        if self.refused is None:
            self.refused = self._room(self._before + self._size)
        if self.refused is None:
            self._parts += buffer[: self._left]
        taken = min(self._left, len(buffer))
        del buffer[:taken]
        self._left -= taken
        if self._left:
            return None
        return b"" if self.refused is not None else bytes(self._parts)
