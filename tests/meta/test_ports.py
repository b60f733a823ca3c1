"""Ports for tests: none twice, in no process, and none that the kernel gives to others."""

from __future__ import annotations

import socket
import subprocess
import sys

from tests.meta.tree import ROOT
from tests.support.ports import BLOCK, FIRST, LAST, Ports

TAKE = f"from tests.support.ports import free_port; print(*(free_port() for _ in range({BLOCK + 20})))"


def test_processes_beside_each_other_have_ports_of_their_own() -> None:
    here = Ports()
    mine = [here.take() for _ in range(BLOCK + 20)]
    done = subprocess.run(
        [sys.executable, "-c", TAKE], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    theirs = [int(word) for word in done.stdout.split()]
    assert len({*mine, *theirs}) == len(mine) + len(theirs) == 2 * (BLOCK + 20)
    assert all(FIRST <= port < LAST for port in [*mine, *theirs])


def test_a_port_that_somebody_listens_on_is_left_out() -> None:
    ports = Ports()
    with socket.socket() as taken:
        first = ports.take()
        taken.bind(("127.0.0.1", first + 1))
        taken.listen()
        assert ports.take() > first + 1
