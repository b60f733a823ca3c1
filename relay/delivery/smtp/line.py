"""A site's parcels in line, and all that happens to one before it is sent: who begins, prepares and re-checks it.

A parcel is *begun* when its copy is rendered and on its way to be signed:

- when its turn has come (``prepared``);
- along with another whose turn it is, where that fills a set for signing, or the next in line, where signing runs
  beside the loop (both: ``_begin_more``, after ``prepared`` and ``at_once``);
- while the one before it is on the wire, by the courier that will carry it (``take_begun``).

It is *re-checked* right before its envelope goes out (``prepared``, ``at_once``); and once more before its message
does, where the envelope went out behind an earlier message, a while before (``still_wanted``). What was begun too long
ago, or for another kind of remote, is made anew; a copy that isn't wanted any more leaves the parcel.

Nobody else begins, prepares or re-checks a parcel.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Protocol

from relay.delivery.outcome import Outcome, Prepared, Reach, Retry, Returned
from relay.delivery.smtp.judge import Log
from relay.delivery.smtp.parcel import MOST_RECIPIENTS, Copy, Parcel
from relay.mail.status import UNEXPECTED

FORESEEN = 16
"""Parcels next in turn that may be prepared along with another."""


class Signing(Protocol):
    """How copies are signed here, and what else is the same for all sites: the engine."""

    together: int
    """Copies in a full set for signing; 0: each is signed by itself."""
    places: Callable[[], int]
    """Copies that can be prepared now almost for nothing, along with what is being prepared."""
    look_ahead: bool
    """Signing runs beside the loop: the next parcel is prepared while one is on the wire."""
    log: Log

    def now(self) -> float:
        """Monotonic seconds."""


class CopyLine:
    """Begins empty; one for each site."""

    def __init__(self, signing: Signing) -> None:
        self._signing = signing
        self.looks_ahead = signing.look_ahead
        self.ready: deque[Parcel] = deque()
        self.most_recipients = MOST_RECIPIENTS
        """In a transaction; less once the remote said that it takes fewer."""
        self.closed = False

    # -- in and out ------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Copies that no courier has taken yet."""
        return sum([len(parcel.copies) for parcel in self.ready])

    def add(self, copy: Copy) -> bool:
        """To the end; False: it travels along with the one before it."""
        if self.ready and self.ready[-1].add(copy, self.most_recipients):
            return False
        self.ready.append(Parcel([copy]))
        return True

    def take(self) -> Parcel | None:
        return self.ready.popleft() if self.ready else None

    def put_back(self, parcel: Parcel) -> None:
        """A parcel that was taken but not tried; it keeps its place."""
        if self.closed:
            parcel.end(Returned())
        elif parcel.copies:
            self.ready.appendleft(parcel)

    def put_again(self, copies: list[Copy]) -> None:
        """Copies whose transaction came to nothing: at once by another connection, before all others."""
        if self.closed:
            Parcel(copies).end(Returned())
            return
        again: list[Parcel] = []
        for copy in copies:
            if not again or not again[-1].add(copy, self.most_recipients):
                again.append(Parcel([copy]))
        self.ready.extendleft(reversed(again))

    def drain(self, outcome: Outcome) -> None:
        """End everything that is ready."""
        waiting, self.ready = self.ready, deque()
        for parcel in waiting:
            parcel.end(outcome)

    def close(self) -> None:
        """Hand back what is ready, and what is put back from now on."""
        self.closed = True
        self.drain(Returned())

    # -- before it is sent -----------------------------------------------------------

    async def prepared(self, parcel: Parcel, eight_bit: bool) -> Prepared | None:
        """Its turn has come: what to send to its copies, all of them checked just now. None: they have all ended."""
        now = self._signing.now()
        try:
            parcel.begin(now, eight_bit)
            self._begin_more(now, eight_bit)
            return await parcel.prepared(now, eight_bit)
        except Exception as error:
            self._failed(parcel, error)
            return None

    def at_once(self, parcel: Parcel, eight_bit: bool) -> Prepared | None:
        """What to send, if that can be said without waiting: its envelope may go out behind another's message."""
        signing = self._signing
        now = signing.now()
        try:
            made = parcel.ready(now, eight_bit)
        except Exception as error:
            self._failed(parcel, error)
            return None
        if made is not None:
            if signing.together:  # this message goes out first
                asyncio.get_running_loop().call_soon(self._begin_more, now, eight_bit)
            else:
                self._begin_more(now, eight_bit)
        return made

    def still_wanted(self, parcel: Parcel) -> bool:
        """Before the message whose envelope is out. False: some copies are not wanted any more, and have left."""
        return parcel.still_wanted()

    def take_begun(self, eight_bit: bool) -> Parcel | None:
        """The next one, begun while another is on the wire; None where that gains nothing."""
        parcel = self.take() if self.looks_ahead else None
        if parcel is None:
            return None
        try:
            parcel.begin(self._signing.now(), eight_bit)
        except Exception as error:
            self._failed(parcel, error)
            return None
        return parcel

    @property
    def at_hand(self) -> bool:
        """The next one could be prepared now without being signed by itself where sets are signed."""
        return bool(self.ready) and (not self._signing.together or self.ready[0].begun)

    def _begin_more(self, now: float, eight_bit: bool) -> None:
        """Begin what it costs little to begin now."""
        if self._signing.together or not self.looks_ahead:
            self._fill_set(now, eight_bit)
        elif self.ready and self.ready[0].light:
            with suppress(Exception):  # it is told when its turn comes
                self.ready[0].begin(now, eight_bit)

    def _fill_set(self, now: float, eight_bit: bool) -> None:
        """A set that is begun is filled; if none is, and the next isn't prepared, one is begun that will be full."""
        places, full = self._signing.places, self._signing.together
        if not places() and (not full or len(self.ready) < full or self.ready[0].begun):
            return
        for parcel in islice(self.ready, FORESEEN):
            if parcel.light and not parcel.begun:
                with suppress(Exception):  # it is told when its turn comes
                    parcel.begin(now, eight_bit)
                if not places():
                    return

    def _failed(self, parcel: Parcel, error: Exception) -> None:
        for copy in parcel.copies:
            self._signing.log("prepare-failed", {"to": copy.attempt.address, "cause": repr(error)})
        parcel.end(Retry(UNEXPECTED, "", Reach.MESSAGE))
