"""``relay`` commands for tests, each in a process of its own, that need not import the program first.

To start Python and import the program takes ten times as long as most commands, and the tests give hundreds of them. So
a process that has imported everything is kept, and forks for each (``tests.support.forker``).
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_FORKER = Path(__file__).with_name("forker.py")


@cache
def _forker() -> socket.socket:
    """The line to this process's forker; it ends with this process."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen([sys.executable, "-P", str(_FORKER)], stdin=its.fileno(), stdout=subprocess.DEVNULL)
    atexit.register(process.wait, 10)
    atexit.register(ours.close)
    return ours


def command(words: Sequence[str], directory: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """``relay WORDS`` in ``directory``, with this environment. Raises subprocess.TimeoutExpired."""
    asked = json.dumps({"words": words, "directory": str(directory), "environment": dict(os.environ)})
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        told, telling = os.pipe()
        try:
            try:
                socket.send_fds(_forker(), [asked.encode()], [out.fileno(), err.fileno(), telling])
            finally:
                os.close(telling)
            pid = int(_line(told, timeout_s))
            try:
                status = int(_line(told, timeout_s))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(["relay", *words], timeout_s) from None
        finally:
            os.close(told)
        texts = [(file.seek(0), file.read())[1] for file in (out, err)]
    return subprocess.CompletedProcess(["relay", *words], status, *texts)


def _line(pipe: int, timeout_s: float) -> bytes:
    """The next line of digits. Raises TimeoutError."""
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([pipe], [], [], timeout_s)[0]:
            raise TimeoutError
        octet = os.read(pipe, 1)
        assert octet, "the forker has ended"
        line += octet
    return line
