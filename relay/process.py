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

Body = Callable[[Callable[[], None]], None]
"""What a process does; it is handed what to call once it serves."""


class Child(NamedTuple):
    name: str
    pid: int
    ready: int
    """Read end of a pipe: one octet says ready, end of file says gone."""


def fork(name: str, body: Body) -> Child:
    ready, tell = os.pipe()
    parent = os.getpid()
    pid = branch()
    if pid:
        os.close(tell)
        return Child(name, pid, ready)
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
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)


def live(name: str, body: Body, tell: int) -> NoReturn:
    """Do it and end, with a line in the log if it failed."""
    code = 1
    try:
        body(lambda: _tell(tell))
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


def _tell(fd: int) -> None:
    with contextlib.suppress(OSError):
        os.write(fd, b"r")
