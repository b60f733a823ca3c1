"""How a process of the relay is made: forked, tied to its parent, and ended with a status that tells how it went."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

_log = logging.getLogger("relay")

_PR_SET_PDEATHSIG = 1
SLOT_OCTETS = 32
"""What each mail process has of the memory that processes share; its beat stands first."""
FILES = 65_536
HTTP_NICE = 2
"""Descriptors a process asks for."""

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


ProcessBody = Callable[[Tell], None]
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


def fork(name: str, number: int, body: ProcessBody) -> Child:
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
    flush()
    return os.fork()


def flush() -> None:
    """What was printed so far; whoever should read it may be gone, or its disk full."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def standard_streams() -> None:
    """Descriptors 0 to 2 stand for something: else the next file that is opened, a database, would get the log."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free
    nowhere = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the process's whole life
    sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere


def most_files() -> None:
    """As many descriptors as this user may have: each session, delivery and page needs one."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def die_with(parent: int) -> None:
    """Linux: end this process when its parent is gone, however it went."""
    import ctypes  # here, since the parent itself has no need of it

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def usual_signals() -> None:
    """As in a process that nobody forked."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)


def live(name: str, body: ProcessBody, tell: int) -> NoReturn:
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
            from relay.store.words import explained  # here, since the parent itself has no need of it

            why = explained(error, Path("server.data_dir"))
            _log.error("the database refused: %s; `relay check` tells more", why)
        elif isinstance(error, (OSError, MemoryError)):
            from relay.store.words import explained

            text = explained(error, Path("server.data_dir"))
            where = None if "; " in text else error  # what to do is known
            _log.error("%s can't go on: %s", name, text, exc_info=where)
        elif kind.startswith(("relay.", "config.")):
            for line in str(error).splitlines():
                _log.error("%s", line)
        else:
            _log.exception("%s ended by an error", name)
    finally:
        logging.shutdown()
        os._exit(code)


def step_back() -> None:
    """Where processors are short, mail goes before pages and API: who waits there sees it less than a server does."""
    with contextlib.suppress(OSError):
        os.nice(HTTP_NICE)
