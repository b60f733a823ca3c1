"""What a copy needs to know of its person, asked about its message's neighbours by one statement.

Enters: a message, and a copy's number in it. Leaves: what was found of that
copy and those around it. An answer holds as long as the latest look at the
store does: for a moment, and until anybody's standing gets worse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from relay.store.as_of import NEVER, AsOf

NEIGHBOURS: Final = 64
"""Copies of one message that are asked about together."""
MOST_ANSWERS: Final = 256
"""Kept at a time."""

_Key = TypeVar("_Key")
_Answer = TypeVar("_Answer")


class Together(Generic[_Key, _Answer]):
    """A key is what tells a message apart, and all that asking needs besides the numbers of its copies."""

    __slots__ = ("_answers", "_as_of", "_ask")

    def __init__(self, ask: Callable[[_Key, range], _Answer]) -> None:
        self._ask = ask
        self._answers: dict[tuple[_Key, int], _Answer] = {}
        self._as_of = NEVER

    def about(self, message: _Key, number: int, as_of: AsOf) -> _Answer:
        """``as_of``: the latest look at the store."""
        if as_of is not self._as_of or len(self._answers) >= MOST_ANSWERS:
            self._as_of = as_of
            self._answers.clear()
        span = number // NEIGHBOURS
        found = self._answers.get((message, span))
        if found is None:
            found = self._ask(message, range(span * NEIGHBOURS, (span + 1) * NEIGHBOURS))
            self._answers[(message, span)] = found
        return found
