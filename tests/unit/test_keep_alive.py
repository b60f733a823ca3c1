"""When systemd is told that all is well: loops beat, and no write waits for good."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator

import pytest

from relay.observe.trouble import Trouble
from relay.processes import watch
from relay.processes.process import SLOT_OCTETS
from relay.processes.watch import LEFT, LOOKS_A_TERM, START_S, KeepAlive

TERM_S = 300.0


class Beats:
    """Two mail processes' memory, a clock, and what systemd was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fd = os.memfd_create("beats")
        os.ftruncate(self.fd, 3 * SLOT_OCTETS)
        self.now = 1000.0
        self.told = 0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(watch, "notify", self._notify)
        self.alive = KeepAlive(self.fd, 2, TERM_S)

    def _notify(self, state: str) -> None:
        assert state == "WATCHDOG=1"
        self.told += 1

    def look(self, *going: tuple[int, Trouble], times: int = 1) -> int:
        """So many looks, with the beats of those processes; how often systemd was told."""
        before = self.told
        for _ in range(times):
            self.now += TERM_S / LOOKS_A_TERM
            for index, trouble in going:
                os.pwrite(self.fd, struct.pack("=dd", self.now, float(trouble)), SLOT_OCTETS * index)
            self.alive.look({})
        return self.told - before


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> Iterator[Beats]:
    made = Beats(monkeypatch)
    yield made
    os.close(made.fd)


WELL = (0, Trouble.NONE), (1, Trouble.NONE)


def test_all_go_on(beats: Beats) -> None:
    assert beats.look(*WELL, times=20) == 20


@pytest.mark.parametrize("index", [0, 1])
def test_one_that_stands_still_ends_it(beats: Beats, index: int) -> None:
    beats.look(*WELL)
    other = ((1 - index, Trouble.NONE),)
    assert beats.look(*other, times=LEFT - 1) == LEFT - 1, "one look late is no hang"
    assert beats.look(*other, times=10) == 0
    assert beats.look(*WELL) == 1


def test_a_write_that_waits_for_good_ends_it(beats: Beats) -> None:
    """The loop beats all the time: clients are answered, and nothing can be promised."""
    beats.look(*WELL)
    stuck = ((0, Trouble.WAITING), (1, Trouble.NONE))
    assert beats.look(*stuck, times=LEFT - 1) == LEFT - 1
    assert beats.look(*stuck, times=10) == 0
    assert beats.look(*WELL) == 1


@pytest.mark.parametrize("trouble", [t for t in Trouble if t is not Trouble.WAITING])
def test_other_troubles_are_told_by_answers_not_by_an_end(beats: Beats, trouble: Trouble) -> None:
    assert beats.look((0, trouble), (1, Trouble.NONE), times=20) == 20


def test_a_disk_that_doesnt_answer_isnt_mended_by_an_end(beats: Beats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "waits_for_the_disk", lambda pid, threads="": True)
    assert beats.look((0, Trouble.WAITING), (1, Trouble.NONE), times=20) == 20


def test_a_new_process_has_its_time_to_start(beats: Beats) -> None:
    beats.look(*WELL)
    beats.alive.forget(0)
    looks = int(START_S / (TERM_S / LOOKS_A_TERM)) + LEFT - 1
    assert beats.look((1, Trouble.NONE), times=looks) == looks
    assert beats.look((1, Trouble.NONE), times=5) == 0


@pytest.mark.parametrize(
    ("term", "pid", "asked"),
    [
        ("300000000", "OWN", True),
        ("300000000", "", True),
        ("300000000", "1", False),
        ("0", "OWN", False),
        ("", "OWN", False),
        ("much", "OWN", False),
    ],
)
def test_only_who_is_asked_tells(monkeypatch: pytest.MonkeyPatch, term: str, pid: str, asked: bool) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", term)
    monkeypatch.setenv("WATCHDOG_PID", pid.replace("OWN", str(os.getpid())))
    assert (KeepAlive.asked(0, 1) is not None) == asked
