"""Copies on their way through the engine, and the parcels they travel in.

A parcel is one transaction's worth: one copy, or several recipients who share
one. Here is what can be done to it; who does it, and when, is in ``line.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from relay.delivery.outcome import Attempt, Outcome, Prepared

FRESH_S = 60.0
"""A prepared copy that waited longer is prepared again: its signature and its keys may be out of date."""
LIGHT_OCTETS = 256 * 1024
"""A larger message is prepared when its turn comes, not before."""
MOST_RECIPIENTS = 50
"""In one transaction; every server takes 100 (RFC 5321 §4.5.3.1.8)."""


class Copy:
    """An attempt with its engine's side; ends exactly once."""

    __slots__ = ("_ended", "alone", "attempt", "interruptions")

    def __init__(self, attempt: Attempt, ended: Callable[[Copy, Outcome | None], None]) -> None:
        self.attempt = attempt
        self.interruptions = 0
        """Sessions that died under it."""
        self.alone = attempt.group is None
        """Travels in a parcel of its own."""
        self._ended: Callable[[Copy, Outcome | None], None] | None = ended

    def end(self, outcome: Outcome | None) -> None:
        """``None``: withdrawn."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(self, outcome)


class Parcel:
    """Copies that go in one transaction."""

    __slots__ = ("_eight_bit", "_made", "_making", "_stale_at", "copies")

    def __init__(self, copies: list[Copy]) -> None:
        self.copies = copies
        self._made: Prepared | None = None
        self._making: asyncio.Future[Prepared] | None = None
        self._stale_at = 0.0
        self._eight_bit = True

    def add(self, copy: Copy, most: int) -> bool:
        """Take one more along if it shares what is in here; False: it needs a parcel of its own."""
        first = self.copies[0] if self.copies else None
        if first is None or first.alone or copy.alone or len(self.copies) >= most:
            return False
        if self._made is not None or self._making is not None or first.attempt.group != copy.attempt.group:
            return False
        self.copies.append(copy)
        return True

    def begin(self, now: float, eight_bit: bool) -> None:
        """Start to prepare, unless what was begun is still good for this kind of remote. May raise."""
        making = self._making
        if making is not None:
            if not making.done():
                return
            self._making = None
            if not making.cancelled() and making.exception() is None:
                self._made = making.result()
        if self._made is not None and now <= self._stale_at and eight_bit == self._eight_bit:
            return
        self._made = None
        self._stale_at = now + FRESH_S
        self._eight_bit = eight_bit
        made = self.copies[0].attempt.prepare(eight_bit, len(self.copies) > 1)
        if made is None or isinstance(made, Prepared):
            self._made = made
        else:
            self._making = asyncio.ensure_future(made)

    @property
    def begun(self) -> bool:
        return self._made is not None or self._making is not None

    def ready(self, now: float, eight_bit: bool) -> Prepared | None:
        """The copy, if it can go out at once: prepared, and wanted for all of ``copies``. May raise."""
        if self._asks:
            return None
        self.begin(now, eight_bit)
        made, count = self._made, len(self.copies)
        self.copies = [copy for copy in self.copies if made is None or _wanted(copy)]
        return made if len(self.copies) == count else None

    def still_wanted(self) -> bool:
        """Once more for a copy that was ready a moment ago; those that are not wanted any more are gone."""
        count = len(self.copies)
        self.copies = [copy for copy in self.copies if _still_wanted(copy)]
        return len(self.copies) == count

    async def prepared(self, now: float, eight_bit: bool) -> Prepared | None:
        """The copy to send to ``copies``, all of them checked just now; None if none of them is wanted any more.

        Raises what preparing raised.
        """
        while self.copies:
            self.begin(now, eight_bit)
            if self._making is not None:
                self._made = await self._making
                self._making = None
            if self._asks:
                await asyncio.gather(*[copy.attempt.ask() for copy in self.copies])
            shared = len(self.copies) > 1
            self.copies = [copy for copy in self.copies if _wanted(copy)]
            if self._made is not None and shared == (len(self.copies) > 1):
                break
            self._made = None  # it speaks of several, or is gone
        return self._made if self.copies else None

    @property
    def _asks(self) -> bool:
        """Its re-check has to wait."""
        return bool(self.copies) and self.copies[0].attempt.asks

    @property
    def light(self) -> bool:
        """It may be prepared before its turn."""
        return not self.copies or self.copies[0].attempt.octets <= LIGHT_OCTETS

    def end(self, outcome: Outcome) -> None:
        """End all copies alike."""
        making, self._making = self._making, None
        if making is not None:
            making.cancel()
        copies, self.copies = self.copies, []
        for copy in copies:
            copy.end(outcome)


def _wanted(copy: Copy) -> bool:
    if copy.attempt.wanted():
        return True
    copy.end(None)
    return False


def _still_wanted(copy: Copy) -> bool:
    if copy.attempt.still_wanted():
        return True
    copy.end(None)
    return False
