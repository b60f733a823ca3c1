"""Sessions in even shares among the mail processes.

All of them wait at the same ports, and whoever wakes first takes whatever waits
there: with short sessions that is the one that has time, which is as it
should be. With sessions that stay, one process may get nearly all of them and
work alone on one core. So a process that has many more than another passes a
new connection on, before a word is said on it: its socket goes over a Unix
socket (``SCM_RIGHTS``), how many each has stands in memory they share.
"""

from __future__ import annotations

import asyncio
import logging
import mmap
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

from relay.observe.memory import unnamed

_log = logging.getLogger("relay")

_HERE: Final = 1
_GAVE: Final = 2
SLACK: Final = 6
"""So many more than one and a half times another's sessions are no reason yet to pass one on."""


class Balance:
    """Made by the parent before it forks; each mail process then joins with its index."""

    def __init__(self, workers: int, kept: Sequence[int] = ()) -> None:
        """``kept``: of the balance that this is, in a process that has inherited no more than its descriptors."""
        self._workers = workers
        self._index = 0
        # A row for each process, which only that one writes: its sessions, whether it takes what others pass on, and
        # how many it gave to and took from each.
        self._width = _GAVE + 2 * workers
        octets = 8 * workers * self._width
        self.memory = kept[0] if kept else unnamed(bytes(octets))
        self._cells = memoryview(mmap.mmap(self.memory, octets)).cast("q")
        if kept:
            sockets = [socket.socket(fileno=fd) for fd in kept[1:]]
        else:
            pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(workers)]
            sockets = [give for give, _ in pairs] + [take for _, take in pairs]
        self._give, self._take = sockets[:workers], sockets[workers:]
        for one in sockets:
            one.setblocking(False)
        # uvloop's remove_reader doesn't keep to asyncio's type, which compiled code would insist on.
        self._loop: Any = None
        self._adopt: Sequence[Callable[[socket.socket], None]] = ()
        self._handed_over = False

    def join(self, index: int) -> None:
        """In the process with that index, once. The sessions of the one before it are gone with it."""
        self._index = index
        self._cells[index * self._width] = 0
        for other, take in enumerate(self._take):
            if other != index:
                take.close()

    def leave(self) -> None:
        """In processes that have no sessions."""
        for one in (*self._give, *self._take):
            one.close()
        os.close(self.memory)

    def kept(self) -> list[int]:
        """In the parent: the descriptors from which a process makes it again; they stay open without this object."""
        return [self.memory, *(one.detach() for one in (*self._give, *self._take))]

    def here(self) -> list[int]:
        """Where each process says, in the memory, that it takes what others pass on."""
        return [8 * (index * self._width + _HERE) for index in range(self._workers)]

    # -- counting ------------------------------------------------------------------

    def opened(self) -> None:
        self._cells[self._index * self._width] += 1

    def closed(self) -> None:
        if self._handed_over:
            return
        self._cells[self._index * self._width] -= 1

    def sessions(self, index: int) -> int:
        """How many a process has, with those that are on their way to it."""
        cells, width, workers = self._cells, self._width, self._workers
        row = index * width
        found = cells[row]
        for other in range(workers):
            found += cells[other * width + _GAVE + index] - cells[row + _GAVE + workers + other]
        return found

    def _lightest(self) -> int | None:
        """Whom to pass a connection on to; None: keep it."""
        mine = self.sessions(self._index)
        if mine <= SLACK:
            return None
        least, chosen = mine, -1
        for other in range(self._workers):
            if other != self._index and self._cells[other * self._width + _HERE]:
                theirs = self.sessions(other)
                if theirs < least:
                    least, chosen = theirs, other
        return chosen if chosen >= 0 and 2 * mine > 3 * least + 2 * SLACK else None

    # -- passing on ----------------------------------------------------------------

    def passed_on(self, role: int, transport: Any) -> bool:
        """Whether a fresh connection went to another process; then the transport is to be closed without a word."""
        target = self._lightest()
        if target is None:
            return False
        try:
            fd = transport.get_extra_info("socket").fileno()
            socket.send_fds(self._give[target], [bytes((self._index, role))], [fd])
        except OSError:
            return False  # its buffer is full, or it is gone: the connection stays here
        self._cells[self._index * self._width + _GAVE + target] += 1
        return True

    def adopt(self, loop: asyncio.AbstractEventLoop, roles: Sequence[Callable[[socket.socket], None]]) -> None:
        """From now on take what others pass on: ``roles[number]`` is called with the connection."""
        self._loop = loop
        self._adopt = roles
        loop.add_reader(self._take[self._index], self._taken)
        self._cells[self._index * self._width + _HERE] = 1

    def _taken(self) -> None:
        connection, role = self._next()
        if connection is not None:
            self._adopt[role](connection)

    def _next(self) -> tuple[socket.socket | None, int]:
        try:
            data, fds, _, _ = socket.recv_fds(self._take[self._index], 2, 1)
        except OSError:
            return None, 0  # nothing is there
        if len(data) == 2:
            self._cells[self._index * self._width + _GAVE + self._workers + data[0]] += 1
        if not fds:
            if data:
                _log.error("a connection from another mail process was lost: too many open files")
            return None, 0
        connection = socket.socket(fileno=fds[0])
        connection.setblocking(False)
        return connection, data[1]

    def hand_over(self) -> None:
        """Another process has this one's index from now on: it takes what is passed on, and counts."""
        if self._loop is not None:
            self._loop.remove_reader(self._take[self._index])
            self._loop = None
        self._handed_over = True

    def close(self) -> None:
        """Nothing more is taken; what is still on its way is closed, as if it had come a moment later."""
        if self._handed_over:
            return
        self._cells[self._index * self._width + _HERE] = 0
        if self._loop is not None:
            self._loop.remove_reader(self._take[self._index])
            self._loop = None
        connection, _ = self._next()
        while connection is not None:
            connection.close()
            connection, _ = self._next()
        self._take[self._index].close()
        for one in self._give:
            one.close()
