"""``workers = N``: sessions that stay are spread over the mail processes, whoever of them accepted the connections."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from relay.intake.smtp.balance import SLACK
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog

SESSIONS = 30
WORKERS = 2


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    relay = Relay(tmp_path_factory.mktemp("balance"), {"server": {"workers": WORKERS}})
    relay.start()
    yield relay
    assert relay.stop() == 0


def workers(relay: Relay) -> list[int]:
    """Process ids, in the order in which they were started."""
    assert relay.process is not None
    pid = relay.process.pid
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[:WORKERS]]


def connections(port: int) -> set[str]:
    """Inodes of the server's ends at that port; ``0`` for those that nobody has accepted yet."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"}


def held(pid: int, port: int) -> int:
    """How many of the port's connections a process has."""
    links = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(one.readlink()))
        except FileNotFoundError:
            continue
    return len({f"socket:[{inode}]" for inode in connections(port)} & set(links))


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        state = Path(f"/proc/{pid}/stat")
        until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "the process stands still")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Late(Dialog):
    """A session whose greeting is read when it is asked for."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 20)
        self._buffer = b""


@pytest.mark.parametrize("resting", range(WORKERS))
@pytest.mark.parametrize("listener", ["submission", "submissions", "inbound"])
def test_one_that_accepts_all_passes_some_on(relay: Relay, resting: int, listener: str) -> None:
    port: int = getattr(relay, listener)
    pids = workers(relay)
    with ExitStack() as open_sessions:
        with stopped(pids[resting]):
            sessions: list[Late] = []
            for _ in range(SESSIONS):
                sessions.append(Late(port))
                open_sessions.callback(sessions[-1].close)
            until(lambda: "0" not in connections(port), "the other process has accepted all")
        for one in sessions:
            if listener == "submissions":
                one._wrap()
            assert one.read().code == 220
            hello = one.ehlo()
            assert hello.code == 250
            assert ("AUTH" in hello.text) == (listener != "inbound")
        shares = sorted(held(pid, port) for pid in pids)
        assert sum(shares) == SESSIONS
        assert 2 * shares[1] <= 3 * shares[0] + 2 * SLACK + 2, shares
    until(lambda: not connections(port), "the sessions have ended")


def test_few_sessions_stay_where_they_were_accepted(relay: Relay) -> None:
    pids = workers(relay)
    with stopped(pids[1]), ExitStack() as open_sessions:
        for _ in range(SLACK):
            session = Dialog(relay.submission)
            open_sessions.callback(session.close)
            assert session.greeting.code == 220  # by the process that runs
        assert held(pids[0], relay.submission) == SLACK
    until(lambda: not connections(relay.submission), "the sessions have ended")
