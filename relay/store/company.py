"""Units that can wait a moment go along in the commit of units that can't.

Each commit holds up all others for as long as the disk takes. Where some of
what is written has a person's connection waiting for it and the rest has a
program that asks many things at a time, the rest costs no commits of its own:
it waits for the next one, at most ``WAIT_S``, and only while such come. By
itself it is written at once, as everything is.
"""

from __future__ import annotations

import asyncio
from typing import Final

from relay.store.batch import tell
from relay.store.units import Done, GroupCommit, StoreBusy, Work

WAIT_S = 0.01
LATELY_S = 0.1
"""So long after somebody's commit another one is worth waiting for."""
MOST: Final = 32
"""That many don't wait any longer."""


class Company:
    """Between those who write and the one writer. Use from the loop's thread."""

    def __init__(self, committer: GroupCommit) -> None:
        self._committer = committer
        self._waiting: list[tuple[Work, Done]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._others_at = 0.0
        committer.riders.append(self.go)

    def at_once(self, work: Work, done: Done) -> None:
        """Raises StoreBusy, as ``GroupCommit.enqueue``."""
        self._others_at = asyncio.get_running_loop().time()
        self._committer.enqueue(work, done)

    def along(self, work: Work, done: Done) -> None:
        """With others, if there are any soon. Raises StoreBusy."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._others_at > LATELY_S and not self._waiting:
            self._committer.enqueue(work, done)
            return
        self._waiting.append((work, done))
        if len(self._waiting) >= MOST:
            self.go()
        elif self._timer is None:
            self._timer = loop.call_later(WAIT_S, self.go)

    def go(self) -> None:
        """All that wait are taken to the writer now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for place, (work, done) in enumerate(waiting):
            try:
                self._committer.enqueue(work, done)
            except StoreBusy as error:
                tell([(refused, None, error) for _, refused in waiting[place:]])
                return
