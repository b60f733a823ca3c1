"""The clock on the wall against one that nobody sets."""

from __future__ import annotations

import time

import pytest

from relay.observe.steady import JUMP_S, Steady, uptime

DAY_S = 86_400.0


class Clocks:
    def __init__(self) -> None:
        self.wall, self.even = 1_790_000_000.0, 1000.0

    def go(self, seconds: float, speed: float = 1.0) -> None:
        self.even += seconds
        self.wall += seconds * speed


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def steady(clocks: Clocks) -> Steady:
    return Steady(lambda: clocks.wall, lambda: clocks.even)


@pytest.mark.parametrize("by", [10 * DAY_S, -10 * DAY_S, JUMP_S, -JUMP_S])
def test_a_clock_that_is_set_is_seen_once(clocks: Clocks, steady: Steady, by: float) -> None:
    began = clocks.wall
    clocks.go(3600)
    assert steady.jumped() == 0 and steady.since() == began
    clocks.wall += by
    assert steady.jumped() == pytest.approx(by)
    assert steady.jumped() == 0
    clocks.go(3600)
    assert steady.since() == began + 3600 + by


def test_who_asks_since_when_hears_of_a_jump_that_nobody_looked_for(clocks: Clocks, steady: Steady) -> None:
    clocks.wall += DAY_S
    assert steady.since() == clocks.wall


def test_small_steps_are_none_until_they_add_up(clocks: Clocks, steady: Steady) -> None:
    steps = []
    for _ in range(4):
        clocks.wall += 25
        clocks.go(3600)
        steps.append(steady.jumped())
    assert steps == [0, 0, 75, 0]


def test_a_clock_that_runs_fast_never_counts(clocks: Clocks, steady: Steady) -> None:
    """A hundred times as fast: what it says has passed has not."""
    for _ in range(100):
        clocks.go(1, 100)
        steady.jumped()
    assert clocks.wall - steady.since() <= 100


def test_uptime_goes_on() -> None:
    before = uptime()
    assert uptime() >= before > 0
    assert Steady(time.time).jumped() == 0
