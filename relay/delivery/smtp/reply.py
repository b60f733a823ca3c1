"""Replies of a remote server, parsed strictly (RFC 5321 §4.2).

What is no reply ends the session: guessing would pair an answer with the
wrong command. What is a reply beyond doubt is read, though some servers bend
the grammar: a bare LF ends a line, as for Postfix, since here it can't start a
message of its own; a tab may follow the code; in a reply of several lines the
last code counts (``554-…`` then ``550 …``), and a line without any is text.
Only "taken" and "refused" in one are no reply: nobody could tell whether the
message is there.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_REPLY_OCTETS = 64 * 1024
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:[ \n:]|\Z)")
_CODES: Final = frozenset(b"%d" % code for code in range(200, 600))
_MARKS: Final = frozenset({b"", b" ", b"-", b"\r", b"\t"})
"""What may follow the code."""
_KEPT_OCTETS: Final = 80
_MOST_KEPT: Final = 256


class ReplyError(Exception):
    """The remote sent something that is no reply; the text says what."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.before: list[Reply] = []
        """Whole replies that came with it, before it."""


class Reply(NamedTuple):
    """One whole reply; the lines of ``text`` are parted by LF, without codes."""

    code: int
    text: str

    @property
    def enhanced(self) -> tuple[int, int, int] | None:
        """Class, subject, detail of the reply's enhanced status code, if there is one."""
        found = _ENHANCED.match(self.text)
        return (int(found[1]), int(found[2]), int(found[3])) if found else None

    @property
    def line(self) -> str:
        """The reply on one line, as a diagnostic: ``550 5.1.1 no such user``."""
        return one_line(f"{self.code} {self.text}")


def one_line(text: str, most: int = 500) -> str:
    """``text`` bounded, on one line, without control characters."""
    text = text[:most]
    if text.isprintable():
        return text
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


_kept: Final[dict[bytes, Reply]] = {}
"""Short replies of one line that came lately: a server answers most commands in the same words."""


class ReplyParser:
    """Turns received bytes into replies; keeps at most ``MAX_REPLY_OCTETS``."""

    __slots__ = ("_code", "_lines", "_octets", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._code = b""
        self._lines: list[bytes] = []
        self._octets = 0

    @property
    def empty(self) -> bool:
        """Nothing of an unfinished reply is held."""
        return not self._rest and not self._lines

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that ``data`` completed; raises ReplyError."""
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        if self._octets + len(self._rest) > MAX_REPLY_OCTETS:
            raise ReplyError(f"a reply longer than {MAX_REPLY_OCTETS} octets")
        replies: list[Reply] = []
        try:
            for line in lines:
                reply = self._line(line)
                if reply is not None:
                    replies.append(reply)
        except ReplyError as error:
            error.before = replies
            raise
        return replies

    def _line(self, line: bytes) -> Reply | None:
        if not self._lines:
            reply = _kept.get(line)
            if reply is not None:
                return reply
        if len(line) > MAX_REPLY_OCTETS:
            raise ReplyError(f"a reply longer than {MAX_REPLY_OCTETS} octets")
        code, mark = line[:3], line[3:4]
        if code not in _CODES or mark not in _MARKS:
            if not self._lines:
                raise ReplyError(f"no reply: {line[:60].decode('latin-1')!a}")
            self._more(self._code, line)
            return None  # the last line is still to come
        if mark == b"-" or self._lines:
            return self._part(code, mark, line)
        reply = Reply(int(code), line[4:].rstrip(b"\r ").decode("utf-8", "replace"))
        if len(line) <= _KEPT_OCTETS:
            if len(_kept) >= _MOST_KEPT:
                _kept.clear()
            _kept[line] = reply
        return reply

    def _part(self, code: bytes, mark: bytes, line: bytes) -> Reply | None:
        """A line of a reply with several."""
        if self._lines and (self._code < b"400") != (code < b"400"):
            raise ReplyError(f"a reply that starts with {self._code.decode()} goes on with {code.decode()}")
        self._more(code, line[4:])
        if mark == b"-":
            return None
        text = b"\n".join(self._lines).decode("utf-8", "replace")
        self._lines, self._octets = [], 0
        return Reply(int(code), text)

    def _more(self, code: bytes, text: bytes) -> None:
        self._octets += len(text) + 4
        if self._octets > MAX_REPLY_OCTETS:
            raise ReplyError(f"a reply longer than {MAX_REPLY_OCTETS} octets")
        self._code = code
        self._lines.append(text.rstrip(b"\r "))
