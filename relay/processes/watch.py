"""Who stands still: the parent looks at the beats that its processes write, and tells systemd that they go on.

Loaded by the parent that has let go of everything else, so it imports next to nothing.
"""

from __future__ import annotations

import logging
import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from relay.observe.sdnotify import notify
from relay.observe.trouble import Trouble
from relay.processes.process import SLOT_OCTETS

_log = logging.getLogger("relay")

START_S = 60.0
"""What a process has to start, before it is watched."""
LOOKS = 20
"""In the time after which a process hangs: so often the parent itself must have seen that it stands still."""
LOOKS_A_TERM: Final = 8
"""In the term after which systemd takes the service for dead (``WatchdogSec=``)."""
LEFT: Final = 4
"""So many of them a process may stand still before nothing is told any more: the rest is for one that comes late."""


class Watch:
    """Which processes stand still: their beats are the same as many looks ago.

    Looks are counted, not seconds: where the parent was stopped as well, all of them have only rested.
    """

    def __init__(self, beats: int, processes: int, every_s: float) -> None:
        self._fd = beats
        self._every_s = every_s
        self._known = [b""] * processes
        self._same = [0] * processes
        self.due = time.monotonic() + every_s

    def forget(self, index: int) -> None:
        """There is a new one, which has its time to start."""
        self._known[index] = self._beat(index)
        self._same[index] = -int(START_S / self._every_s)

    def hanging(self) -> list[int]:
        """Their indices, if it is time to look."""
        if time.monotonic() < self.due:
            return []
        self.due = time.monotonic() + self._every_s
        found = []
        for index, known in enumerate(self._known):
            beat = self._beat(index)
            self._known[index] = beat
            self._same[index] = self._same[index] + 1 if beat == known else 0
            if self._same[index] >= LOOKS:
                self._same[index] = 0
                found.append(index)
        return found

    def _beat(self, index: int) -> bytes:
        return os.pread(self._fd, 8, SLOT_OCTETS * index)


def waits_for_the_disk(pid: int, threads: str = "") -> bool:
    """A disk that doesn't answer is nothing that a kill would mend. ``threads="*"``: any of its threads counts."""
    for path in Path(f"/proc/{pid}/task").glob(f"{threads or pid}/stat"):
        try:
            if path.read_text().rpartition(")")[2].split()[0] == "D":
                return True
        except (OSError, IndexError):
            continue
    return False


class KeepAlive:
    """``WATCHDOG=1`` to systemd (sd_watchdog_enabled(3)), as long as every mail process goes on.

    It does if its loop beats, and if no write has been waiting in its committer all the time: a loop that answers
    clients but can't promise anything is no service. Not the disk itself: where that doesn't answer, no end of a
    process helps.
    """

    def __init__(self, beats: int, workers: int, term_s: float) -> None:
        self._fd = beats
        self._every_s = term_s / LOOKS_A_TERM
        self._known = [b""] * workers
        self._still = [0] * workers
        self.due = time.monotonic()

    @classmethod
    def asked(cls, beats: int, workers: int) -> KeepAlive | None:
        """None where systemd doesn't ask this very process."""
        try:
            term_us = int(os.environ["WATCHDOG_USEC"])
        except (KeyError, ValueError):
            return None
        meant = os.environ.get("WATCHDOG_PID", "")
        return cls(beats, workers, term_us / 1e6) if term_us > 0 and meant in ("", str(os.getpid())) else None

    def forget(self, index: int) -> None:
        """There is a new one, which has its time to start."""
        self._still[index] = -int(START_S / self._every_s)

    def look(self, mail: Mapping[int, int]) -> None:
        """Told once in a while; ``mail``: process ids by index."""
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + self._every_s
        for index, known in enumerate(self._known):
            beat, trouble = struct.unpack("=8sd", os.pread(self._fd, 16, SLOT_OCTETS * index))
            self._known[index] = beat
            if (beat != known and int(trouble) != Trouble.WAITING) or waits_for_the_disk(mail.get(index, 0), "*"):
                self._still[index] = 0
            else:
                self._still[index] += 1
                if self._still[index] == LEFT:
                    _log.error("mail process %d does not go on: systemd is told no more that all is well", index)
        if all(still < LEFT for still in self._still):
            notify("WATCHDOG=1")
