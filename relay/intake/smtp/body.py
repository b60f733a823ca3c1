"""Collecting a mail object from the connection's buffer: DATA up to its dot, BDAT by its size.

A body that is refused, for its size or for want of memory, is read to its end
and thrown away, so that the session goes on in step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from relay.mail.scan import is_clean
from relay.mail.status import Status

_Room = Callable[[int], Status | None]
"""Asks for memory for so many octets in all; a Status refuses the body."""


class Body(Protocol):
    """A mail object, or a part of one, on its way in."""

    refused: Status | None
    """Why it is not taken; told once it has been read."""

    def take(self, buffer: bytearray) -> bytes | None:
        """Take what is there from the buffer; None until the end is reached."""

    def refuse(self, status: Status, buffer: bytearray) -> None:
        """Take it no further: what is there is thrown away, and so is what comes."""


class Dotted:
    """Everything up to ``CRLF . CRLF``; nothing else ends a message (RFC 5321 §4.1.1.4)."""

    __slots__ = ("_begun", "_room", "_start", "_stuffed", "clean", "refused")

    def __init__(self, room: _Room) -> None:
        self.refused: Status | None = None
        self.clean = True
        """Of what was thrown away: no bare CR or LF, nor NUL, so that others see its end where we do."""
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
            if self.refused is not None:
                self._throw_away(buffer, len(buffer) - 4)
            return None
        if self.refused is None:
            raw = self._message(buffer, end)
        else:
            raw = b""
            self.clean = self.clean and is_clean(bytes(buffer[: end + 2]))
        del buffer[: end + 5]
        return raw

    def refuse(self, status: Status, buffer: bytearray) -> None:
        self.refused = status
        if self._begun:
            self._throw_away(buffer, len(buffer) - 4)

    def _throw_away(self, buffer: bytearray, octets: int) -> None:
        """All but the last few octets, which may be the beginning of the end; never between CR and LF."""
        if octets > 0 and buffer[octets - 1] == 0x0D:
            octets -= 1
        if octets > 0:
            self.clean = self.clean and is_clean(bytes(buffer[:octets]))
            del buffer[:octets]
            self._start = 0

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

    __slots__ = ("_before", "_left", "_parts", "_room", "last", "refused")

    def __init__(self, octets: int, last: bool, before: int, room: _Room, refused: Status | None = None) -> None:
        """``before``: octets of the message in earlier chunks; ``refused``: known already, nothing is kept."""
        self.refused = refused
        self.last = last
        self._left = octets
        self._before = before
        self._room = room
        self._parts = bytearray()

    def take(self, buffer: bytearray) -> bytes | None:
        taken = min(self._left, len(buffer))
        if self.refused is None:
            # Octets count once they are here; how many were announced costs nobody anything.
            self.refused = self._room(self._before + len(self._parts) + taken)
            if self.refused is None:
                self._parts += buffer[:taken]
            else:
                self._parts.clear()
        del buffer[:taken]
        self._left -= taken
        if self._left:
            return None
        return b"" if self.refused is not None else bytes(self._parts)

    def refuse(self, status: Status, buffer: bytearray) -> None:
        self.refused = status
        self._parts.clear()
