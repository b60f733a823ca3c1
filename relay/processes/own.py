"""What a program of the relay's own needs to be started as this one was."""

from __future__ import annotations

import os
import sys


def own_python() -> dict[str, str]:
    """The environment of a process that imports what this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "RUST_BACKTRACE": "0"}
