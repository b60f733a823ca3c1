"""What waits in the store: which lanes are due, and how much of each comes in next."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from relay.delivery.room import Room
from relay.queue.lanes import BEFORE_ALL, Lane, Waiting

MOST_LANES: Final = 10_000
"""Lanes looked at in one go; the next look goes on behind them."""
MOST_KEPT: Final = 50_000
"""Lanes in line; the others come with a later look."""
MOST_LEASES: Final = 250
"""Leased in one transaction, so that a full queue doesn't hold up what comes in."""
MOST_EXAMINED: Final = 1_000
"""Lanes examined for one lease: this is on the event loop."""

Ahead = Callable[[str], int | None]
"""Copies that already wait for a domain's site; None: the site is left alone for now."""


class Backlog:
    """The lanes known to be due, in turn. Filled by a look into the store and by what was accepted without room."""

    def __init__(self) -> None:
        self._due: OrderedDict[Lane, None] = OrderedDict()
        self._hints: dict[Lane, None] = {}
        self.after = BEFORE_ALL
        """Where the next look begins."""

    def hint(self, lane: Lane) -> None:
        """There is something due in this lane, whatever a look that is under way will say."""
        if len(self._hints) < MOST_LANES:
            self._hints[lane] = None
            self._due.setdefault(lane)

    def look(self) -> None:
        """A look begins: it will see all that was hinted at before."""
        self._hints.clear()

    def looked(self, found: Sequence[Waiting], now: float) -> None:
        """A look has ended, with up to MOST_LANES lanes behind ``after``; the longest due come first.

        Lanes in line stay there if they are due, or lie where this look didn't reach.
        """
        begin, end = self.after, found[-1].lane if len(found) == MOST_LANES else None
        due = sorted((one for one in found if one.due_at <= now), key=lambda one: one.due_at)
        there = self._hints | dict.fromkeys(one.lane for one in due)
        in_line = [lane for lane in self._due if lane in there or lane <= begin or (end is not None and lane > end)]
        self._due = OrderedDict.fromkeys(itertools.islice(itertools.chain(in_line, there), MOST_KEPT))
        self.after = BEFORE_ALL if end is None else end

    def exhausted(self, lane: Lane) -> None:
        self._due.pop(lane, None)

    def choose(self, room: Room, ahead: Ahead) -> dict[Lane, int]:
        """Copies to lease of each lane, one lane after the other.

        A lane comes again when it has worked off half of what it may hold, so that leases come by the dozen.
        """
        chosen: dict[Lane, int] = {}
        left = MOST_LEASES
        for lane in list(itertools.islice(self._due, MOST_EXAMINED)):
            self._due.move_to_end(lane)
            free = room.for_lane(lane)
            if free < max(1, room.held(lane)) or (waiting := ahead(lane.domain)) is None or free < waiting:
                continue
            chosen[lane] = copies = min(free, left)
            left -= copies
            room.add(lane, copies)
            if not left:
                break
        for lane, copies in chosen.items():
            room.add(lane, -copies)
        return chosen
