"""How are the mail processes? Shared memory that each of them writes and the HTTP process reads.

No file, no lock, no query: a mail process's event loop writes the time a few
times a second, and what troubles it, so a loop that hangs is seen as well as a
process that is gone, and one that lives but can't store mail.
"""

from __future__ import annotations

import mmap
import time
from typing import Final

from relay.observe.memory import unnamed
from relay.observe.trouble import Trouble
from relay.processes.process import SLOT_OCTETS

STALE_AFTER_S: Final = 10.0
_BEAT, _TROUBLE, _COMING, _FIELDS = 0, 1, 2, SLOT_OCTETS // 8


class BeatSlot:
    """Of one mail process."""

    def __init__(self, heartbeat: Heartbeat, index: int) -> None:
        self._heartbeat = heartbeat
        self._index = index
        self._cells = heartbeat.cells[index * _FIELDS : (index + 1) * _FIELDS]

    def beat(self, trouble: Trouble = Trouble.NONE) -> None:
        """Call this from the event loop every second or so."""
        self._cells[_TROUBLE] = float(trouble)
        self._cells[_BEAT] = time.monotonic()  # CLOCK_MONOTONIC is one clock for all processes

    def tell(self, octets: int) -> None:
        """What this process is about to write."""
        self._cells[_COMING] = float(octets)

    def others(self) -> int:
        """Octets that the other mail processes are about to write."""
        cells, now = self._heartbeat.cells, time.monotonic()
        return sum(
            int(cells[start + _COMING])
            for start in self._heartbeat.slots
            if start != self._index * _FIELDS and now - cells[start] < STALE_AFTER_S
        )


class Heartbeat:
    """Made by the parent before it forks; ``fd`` makes it anew in a process that inherited no more than that."""

    def __init__(self, processes: int = 1, fd: int | None = None) -> None:
        octets = (processes + 1) * SLOT_OCTETS
        self._processes = processes
        self.fd = unnamed(bytes(octets)) if fd is None else fd
        self.cells = memoryview(mmap.mmap(self.fd, octets)).cast("d")
        self.slots = range(0, processes * _FIELDS, _FIELDS)
        """Where each begins, but for the last one, the HTTP process's: only the parent looks at that."""
        if fd is None:
            for index in range(processes + 1):
                self.slot(index).beat()

    def slot(self, index: int) -> BeatSlot:
        """Mail process ``index``, from 0."""
        return BeatSlot(self, index)

    def web(self) -> BeatSlot:
        """The HTTP process."""
        return BeatSlot(self, self._processes)

    def alive(self) -> bool:
        """All of them."""
        return time.monotonic() - min(self.cells[start] for start in self.slots) < STALE_AFTER_S

    def troubles(self) -> list[Trouble]:
        """What troubles one or more of them."""
        found = {int(self.cells[start + _TROUBLE]) for start in self.slots}
        return [trouble for trouble in Trouble if trouble and trouble in found]
