"""How a process of the relay is made: forked, tied to its parent, and ended with a status that tells how it went."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import NamedTuple, NoReturn

_log = logging.getLogger("relay")

_PR_SET_PDEATHSIG = 1

READY, CLOSED = b"r", b"c"


class Tell:
    """How a process tells its parent how far it is: octets in a pipe, whose end of file says that it is gone."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def ready(self) -> None:
        """It serves."""
        self._say(READY)

    def closed(self) -> None:
        """It is being stopped, and has closed its ports: another relay may take them."""
        self._say(CLOSED)

    def _say(self, octet: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._fd, octet)


Body = Callable[[Tell], None]
"""What a process does."""


class Child(NamedTuple):
    name: str
    """``mail`` or ``web``."""
    number: int
    """Which of the mail processes; 0 for the other."""
    pid: int
    ready: int
    """Read end of what it tells."""

    @property
    def place(self) -> tuple[str, int]:
        """What the process that is started in its stead shares with it."""
        return self.name, self.number


def fork(name: str, number: int, body: Body) -> Child:
    ready, tell = os.pipe()
    parent = os.getpid()
    pid = branch()
    if pid:
        os.close(tell)
        return Child(name, number, pid, ready)
    os.close(ready)
    die_with(parent)
    usual_signals()
    live(name, body, tell)


def branch() -> int:
    """``os.fork`` with nothing in the buffers that both would write."""
    sys.stdout.flush()
    sys.stderr.flush()
    return os.fork()


def die_with(parent: int) -> None:
    """Linux: end this process when its parent is gone, however it went."""
    import ctypes  # here, since the parent itself has no need of it

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def usual_signals() -> None:
    """As in a process that nobody forked."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)


def live(name: str, body: Body, tell: int) -> NoReturn:
    """Do it and end, with a line in the log if it failed."""
    code = 1
    try:
        body(Tell(tell))
        code = 0
    except KeyboardInterrupt:
        code = 0
    except Exception as error:
        kind = type(error).__module__
        if kind == "sqlite3":
            _log.error("the database refused: %s; `relay check` tells more", error)
        elif kind.startswith(("relay.", "config.")):
            for line in str(error).splitlines():
                _log.error("%s", line)
        else:
            _log.exception("%s ended by an error", name)
    finally:
        logging.shutdown()
        os._exit(code)
