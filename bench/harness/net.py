"""Ports on loopback."""

from __future__ import annotations

import random
import socket
import time

from bench.harness.errors import BenchError

_PORTS = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections, of which a load makes thousands."""


def free_port() -> int:
    for port in random.sample(_PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BenchError("no free port on 127.0.0.1 between 20000 and 32000")


def wait_for_smtp(port: int, seconds: float, who: str) -> None:
    """Return once a greeting came; raises BenchError after that many seconds."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        try:
            with socket.create_connection(("127.0.0.1", port), 2) as connection:
                if connection.recv(100).startswith(b"220"):
                    connection.sendall(b"QUIT\r\n")
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise BenchError(f"{who} doesn't greet on port {port} within {seconds:.0f} s")
