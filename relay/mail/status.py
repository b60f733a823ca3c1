"""One status, from which the SMTP reply and the enhanced code both derive.

Permanence is stored once (the class digit), so a contradiction such as
``451 5.7.1`` cannot be built. Sources: RFC 5321 §4.2, RFC 3463.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Class(IntEnum):
    """Class digit shared by reply code and enhanced status code."""

    OK = 2
    TEMPORARY = 4
    PERMANENT = 5


@dataclass(frozen=True, slots=True)
class Status:
    """Class, last two digits of the reply, subject and detail, public text.

    ``text`` is one line of printable ASCII or UTF-8 without internals; it is
    what the client sees. Private causes go to the log, never in here.
    """

    klass: Class
    basic: int
    subject: int
    detail: int
    text: str

    def __post_init__(self) -> None:
        if not 0 <= self.basic <= 99:
            raise ValueError(f"reply digits {self.basic} are not between 00 and 99")
        if any(c in self.text for c in "\r\n\0"):
            raise ValueError("a status text is one line")

    @property
    def permanent(self) -> bool:
        return self.klass is Class.PERMANENT

    @property
    def code(self) -> int:
        """Three-digit reply code, e.g. 550."""
        return self.klass * 100 + self.basic

    @property
    def enhanced(self) -> str:
        """Enhanced status code, e.g. ``5.7.1`` (RFC 3463)."""
        return f"{int(self.klass)}.{self.subject}.{self.detail}"

    @property
    def reply(self) -> str:
        """The whole reply line without CRLF."""
        return f"{self.code} {self.enhanced} {self.text}"


def ok(basic: int, subject: int, detail: int, text: str) -> Status:
    return Status(Class.OK, basic, subject, detail, text)


def temporary(basic: int, subject: int, detail: int, text: str) -> Status:
    return Status(Class.TEMPORARY, basic, subject, detail, text)


def permanent(basic: int, subject: int, detail: int, text: str) -> Status:
    return Status(Class.PERMANENT, basic, subject, detail, text)


UNEXPECTED = temporary(51, 3, 0, "internal error, nothing was stored; try again later")
"""For every unknown error (RFC 5321 §4.2: temporary when in doubt)."""
STORE_AWAY = temporary(51, 3, 0, "the store is not available, try again later")


def refusal(word: str, text: str) -> Status:
    """``550 5.7.1 word: text``, the form of every policy refusal."""
    return permanent(50, 7, 1, f"{word}: {text}")
