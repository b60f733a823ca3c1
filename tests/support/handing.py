"""A small service manager: opens ports and hands them over, as systemd does (sd_listen_fds(3))."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

PARENT = """
import os, sys
names, fds, command = sys.argv[1], [int(one) for one in sys.argv[2].split(",")], sys.argv[3:]
# They may lie among the numbers that they are to get.
high = [os.dup2(fd, 100 + n, inheritable=False) for n, fd in enumerate(fds)]
for n, fd in enumerate(high):
    os.dup2(fd, 3 + n, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=names)
os.execv(command[0], command)
"""
"""Executes the service as its own process: the number of the process is in ``LISTEN_PID``."""


def handing(sockets: Sequence[tuple[str, socket.socket]], command: Sequence[str]) -> list[str]:
    """What to start instead of ``command``, with ``pass_fds`` = all of these sockets."""
    names = ":".join(name for name, _ in sockets)
    fds = ",".join(str(sock.fileno()) for _, sock in sockets)
    return [sys.executable, "-S", "-c", PARENT, names, fds, *command]
