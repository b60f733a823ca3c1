"""Ports on 127.0.0.1 that nobody else takes, however many test processes run at once on this machine.

A port asked of the kernel (bind to 0, close) is anybody's again until it is bound: the next outgoing connection may get
it. These lie below the range the kernel gives out, and each process claims blocks of them for itself.
"""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterator

FIRST, LAST = 15_000, 32_000
"""Below the kernel's own range, 32768 and up on Linux (``net.ipv4.ip_local_port_range``)."""
BLOCK = 100


class Ports:
    """Each port is given out once. A claim is an abstract Unix socket: the kernel drops it with the process."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []
        self._free: Iterator[int] = iter(())

    def take(self) -> int:
        """A port that nothing listens on. Raises RuntimeError if all blocks are claimed."""
        while True:
            for port in self._free:
                if _bindable(port):
                    return port
            self._free = iter(self._claim())

    def _claim(self) -> range:
        starts = list(range(FIRST, LAST, BLOCK))
        random.SystemRandom().shuffle(starts)
        for start in starts:
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f"\0relay-tests-ports-{start}")
            except OSError as error:
                claim.close()
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            self._claims.append(claim)
            return range(start, start + BLOCK)
        raise RuntimeError(f"all ports from {FIRST} to {LAST} are claimed by running tests")


def _bindable(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


free_port = Ports().take
