"""The HTTP process started again, by a parent that has kept nothing of what it was first forked with."""

from __future__ import annotations

import json
import os
import pickle
import socket
import sys
from collections.abc import Callable

from config.settings import Settings
from relay.observe.log import setup
from relay.process import live
from relay.web.liveness import Heartbeat, unnamed

_AGAIN = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from relay.web.again import main; main()"


def recipe(settings: Settings, http: int, beat: int) -> tuple[int, list[str]]:
    """A file that is to stay open, and the command that needs it, and the pipe for READY as one more argument."""
    # Not in its arguments, for the settings are nobody else's business; and those on disk may have been changed since.
    fd = unnamed(pickle.dumps((settings, http, beat)))
    return fd, [sys.executable, "-P", "-c", _AGAIN, json.dumps(sys.path), str(fd)]


def main() -> None:
    """What the command does."""
    written, tell = (int(word) for word in sys.argv[2:])
    settings, http, beat = pickle.loads(os.pread(written, os.fstat(written).st_size, 0))
    setup(settings.log.level, settings.log.format)
    for fd in (written, tell, http, beat):
        os.set_inheritable(fd, False)

    def body(ready: Callable[[], None]) -> None:
        from relay.web.process import run  # here, since what goes wrong below is logged

        run(settings, ready, socket.socket(fileno=http), Heartbeat(beat).alive)

    live("web", body, tell)
