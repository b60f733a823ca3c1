"""Processes that end or hang are started again, beside the others and with their ports open all the while."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.test_parent import Served, answers, children
from tests.support.peers import listening, until
from tests.support.relay import Relay
from tests.support.smtp import Dialog

WAIT_S = 60
WATCHDOG_S = 2

KILLED_EARLY = """
import os, signal
fork, forks = os.fork, [0]
def killing():
    forks[0] += 1
    pid = fork()
    if not pid and forks[0] in {numbers}:
        os.kill(os.getpid(), signal.SIGKILL)
    return pid
os.fork = killing
"""
"""Of the processes that are forked, those with these numbers are killed before they have done anything."""


@pytest.fixture(scope="module", params=[1, 2], ids=["alone", "two"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Relay:
    settings = {"server": {"workers": request.param, "watchdog": WATCHDOG_S}}
    relay = Relay(tmp_path_factory.mktemp("restart"), settings)
    relay.workers = request.param  # type: ignore[attr-defined]
    return relay


class Starts:
    def __init__(self, relay: Relay, directory: Path) -> None:
        self.relay, self._directory = relay, directory
        self.made: list[Served] = []

    def __call__(self, prelude: str = "") -> Served:
        self.made.append(Served(self.relay, self._directory, "", prelude))
        return self.made[-1]


@pytest.fixture
def starts(made: Relay, tmp_path: Path) -> Iterator[Starts]:
    found = Starts(made, tmp_path)
    yield found
    for served in found.made:
        served.close()


def stopped(served: Served) -> None:
    served.process.terminate()
    assert served.process.wait(WAIT_S) == 0, served.log.read_text()
    served.gone()


def new_one(served: Served, known: list[int]) -> int:
    found: list[int] = until(lambda: [pid for pid in children(served.pid) if pid not in known], "another", WAIT_S)
    served.watch(found)
    return found[0]


def test_mail_processes_killed_again_and_again(starts: Starts) -> None:
    served = starts()
    known = served.ready()
    mail = known[0]
    for when in ("at once", "in 0.5 s", "in 1 s"):
        assert mail in children(served.pid), served.log.read_text()
        os.kill(mail, signal.SIGKILL)
        mail = new_one(served, known)
        known.append(mail)
        until(lambda when=when: served.says(f"is started again {when}"), when)  # type: ignore[misc]
        session = Dialog(starts.relay.submission)  # not refused: it waits until somebody is there
        assert session.greeting.code == 220
        assert session.say("QUIT").code == 221
    until(lambda: answers(starts.relay.http) == 200, "ready", WAIT_S)
    stopped(served)
    assert not listening(starts.relay.submission)


def test_all_killed_at_once(starts: Starts) -> None:
    served = starts()
    known = served.ready()
    for pid in known:
        os.kill(pid, signal.SIGKILL)
    assert Dialog(starts.relay.inbound).greeting.code == 220
    until(lambda: answers(starts.relay.http) == 200, "ready", WAIT_S)
    served.watch(children(served.pid))
    assert len(children(served.pid)) == len(known)
    stopped(served)


def test_killed_before_they_serve(starts: Starts) -> None:
    """The first of each kind, and the second time too: started again until they serve."""
    count = starts.relay.workers + 1  # type: ignore[attr-defined]
    served = starts(KILLED_EARLY.format(numbers={1, count, count + 1}))
    assert len(served.ready()) == count
    assert served.says("the mail process was killed (-9) before it served, and is started again")
    assert served.says("the web process was killed (-9) before it served, and is started again")
    assert answers(starts.relay.http) == 200
    stopped(served)


def test_one_that_is_always_killed_before_it_serves_ends_the_start(starts: Starts) -> None:
    served = starts(KILLED_EARLY.format(numbers=set(range(1, 20))))
    assert served.process.wait(WAIT_S) == 1
    assert served.says("the mail process was killed 5 times before it served")
    assert not listening(starts.relay.submission)


@pytest.mark.parametrize("number", [1, 2])
def test_one_that_stands_still_before_it_serves_ends_the_start_soon(starts: Starts, number: int) -> None:
    """So that the service manager begins anew, instead of a relay that is half there for minutes."""
    hanging = KILLED_EARLY.format(numbers={number}).replace("SIGKILL", "SIGSTOP")
    served = starts("import relay.serve\nrelay.serve.START_TIMEOUT_S = 5\n" + hanging)
    assert served.process.wait(WAIT_S) == 1
    assert served.says("process did not start in 5 s")
    assert not listening(starts.relay.submission)


def test_an_http_process_that_stands_still_is_killed_and_started_again(starts: Starts) -> None:
    """Or nobody could unsubscribe by a link any more, and nothing would say so."""
    served = starts()
    known = served.ready()
    os.kill(known[-1], signal.SIGSTOP)
    new_one(served, known)
    assert served.says(f"the web process {known[-1]} has stood still for {WATCHDOG_S} s")
    until(lambda: answers(starts.relay.http) == 200, "ready", WAIT_S)
    assert known[0] in children(served.pid)
    stopped(served)


def test_a_mail_process_that_stands_still_is_killed_and_started_again(starts: Starts) -> None:
    served = starts()
    known = served.ready()
    os.kill(known[0], signal.SIGSTOP)
    new_one(served, known)
    assert served.says(f"has stood still for {WATCHDOG_S} s (it hangs, or was stopped) and is killed")
    until(lambda: answers(starts.relay.http) == 200, "ready", WAIT_S)
    stopped(served)
