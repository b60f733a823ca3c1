"""After the clock was set: waits stay as long as they were, windows too, and nothing is left parked."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from relay.observe.steady import Steady
from relay.queue import looks
from relay.queue.moved import Mover
from relay.queue.operator import Operator
from relay.store.database import transaction
from tests.unit.records import NOW, SHOP, open_shop, put

DAY_S = 86_400.0
HOUR_S = 3600.0
LONGEST_S = 4 * HOUR_S
PEOPLE = [f"p{number}@x{number % 3}.example" for number in range(6)]


class World:
    """A store with copies that wait, and the clocks of a process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.conn = open_shop(path)
        self.wall, self.even = NOW, 1000.0
        self.mover = self.start()

    def start(self) -> Mover:
        """The process, anew."""
        operator = Operator("relay.test", "relay.test", ())
        steady = Steady(lambda: self.wall, lambda: self.even)
        self.mover = Mover(self.path, operator, LONGEST_S, lambda: self.wall, steady)
        return self.mover

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.even += seconds

    def copies(self, due_at: float, *, attempts: int = 1, fence: int = 1, accepted_at: float = NOW) -> None:
        put(self.conn, PEOPLE, now=accepted_at)
        with transaction(self.conn):
            self.conn.execute("UPDATE recipient SET due_at = ?, attempts = ?, fence = ?", (due_at, attempts, fence))

    def campaign(self, started_at: float) -> None:
        with transaction(self.conn):
            self.conn.execute(
                "INSERT INTO campaign (tenant_id, stream_id, name, state, created_at, window_started_at)"
                " VALUES (?, 1, 'c', 'watching', ?, ?)",
                (SHOP, started_at, started_at),
            )

    def due(self) -> set[float]:
        return {due - self.wall for (due,) in self.conn.execute("SELECT due_at FROM recipient")}

    def window(self) -> float:
        """How long it has run."""
        return self.wall - float(self.conn.execute("SELECT window_started_at FROM campaign").fetchone()[0])

    def calls(self) -> list[str]:
        return [detail for (detail,) in self.conn.execute("SELECT detail FROM event WHERE kind = 'operator.called'")]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "relay.db")


@pytest.mark.parametrize("by", [10 * DAY_S, -10 * DAY_S, 3 * HOUR_S, -HOUR_S], ids=lambda by: f"{by / HOUR_S:+.0f}h")
def test_a_jump_leaves_waits_and_windows_as_they_were(world: World, by: float) -> None:
    world.mover.look()
    world.copies(NOW + HOUR_S)
    world.campaign(NOW - HOUR_S)
    world.go(600)
    world.mover.look()
    world.wall += by
    world.mover.look()
    assert world.due() == {HOUR_S - 600}
    assert world.window() == HOUR_S + 600
    assert len(world.calls()) == 1 and "timedatectl" not in world.calls()[0]
    world.mover.look()
    assert world.due() == {HOUR_S - 600}, "once"


@pytest.mark.parametrize("by", [6 * HOUR_S, -6 * HOUR_S])
def test_looks_hours_apart_are_not_made_by_the_clock(world: World, by: float) -> None:
    """A domain that seemed to be gone a minute ago is not final because the clock was set."""
    world.mover.look()
    looks.missing(world.conn, "x.example", "nxdomain", world.wall, 4 * HOUR_S)
    world.go(60)
    world.wall += by
    world.mover.look()
    found = looks.missing(world.conn, "x.example", "nxdomain", world.wall, 4 * HOUR_S)
    assert found.first_at == world.wall


def test_a_clock_that_was_set_back_while_nothing_ran(world: World) -> None:
    world.copies(NOW + HOUR_S)
    world.campaign(NOW - HOUR_S)
    world.mover.look()
    world.wall -= 10 * DAY_S
    world.even += 5
    world.start().look()
    assert world.due() == {HOUR_S}
    assert world.window() == HOUR_S
    assert "back by 10 days while no relay ran" in world.calls()[0]


def test_days_without_the_relay_are_no_days_of_watching(world: World) -> None:
    """Whether they have passed or the clock is wrong. Copies are due: one try is no harm."""
    world.copies(NOW + HOUR_S)
    world.campaign(NOW - HOUR_S)
    world.mover.look()
    world.wall += 10 * DAY_S
    world.start().look()
    assert world.window() == HOUR_S
    assert max(world.due()) < 0


def test_a_clock_that_was_wrong_at_the_start_and_then_set_right(world: World) -> None:
    """Ten days ahead, and NTP sets it back a minute later: what came in meanwhile is not parked."""
    world.wall += 10 * DAY_S
    world.start().look()
    ahead = world.wall
    world.copies(ahead, attempts=0, fence=0, accepted_at=ahead)
    world.go(60)
    world.wall -= 10 * DAY_S
    world.mover.look()
    assert max(world.due()) <= 0


@pytest.mark.parametrize(
    ("what", "copy", "due"),
    [
        ("a retry", {"due_at": NOW + 10 * DAY_S}, 0),
        ("within the longest wait", {"due_at": NOW + LONGEST_S - 1}, LONGEST_S - 1),
        ("released by a clock that was ahead", {"due_at": NOW + 10 * DAY_S, "attempts": 0}, 0),
        ("never leased", {"due_at": NOW + DAY_S, "attempts": 0, "fence": 0, "accepted_at": NOW + DAY_S}, 0),
        ("for later, by the tenant's wish", {"due_at": NOW + 30 * DAY_S, "attempts": 0, "fence": 0}, 30 * DAY_S),
    ],
)
def test_nothing_is_left_parked_at_a_start(world: World, what: str, copy: dict[str, float], due: float) -> None:
    world.copies(**copy)  # type: ignore[arg-type]
    world.start().look()
    assert world.due() == {due}, what


def test_what_is_leased_is_left_alone(world: World) -> None:
    world.mover.look()
    world.copies(NOW + HOUR_S)
    with transaction(world.conn):
        world.conn.execute("UPDATE recipient SET owner = 'w' WHERE number < 2")
    world.wall += 10 * DAY_S
    world.mover.look()
    assert world.due() == {HOUR_S, HOUR_S - 10 * DAY_S}


def test_a_clock_a_hundred_times_as_fast_makes_no_retry_come_early(world: World) -> None:
    world.mover.look()
    world.copies(NOW + HOUR_S)
    for _ in range(60):
        world.wall += 200
        world.even += 2
        world.mover.look()
    assert min(world.due()) >= HOUR_S - 60 * 2 - 200
    assert len(world.calls()) == 0, "each step alone is a small one"


def test_the_store_isn_t_written_at_each_look(world: World) -> None:
    world.mover.look()
    before = world.conn.execute("PRAGMA data_version").fetchone()
    for _ in range(20):
        world.go(2)
        world.mover.look()
    assert world.conn.execute("PRAGMA data_version").fetchone() == before
    world.go(30)
    world.mover.look()
    assert world.conn.execute("PRAGMA data_version").fetchone() != before
    assert sqlite3.connect(world.path).execute("SELECT value FROM meta WHERE name = 'clock'").fetchone() == (
        int(world.wall),
    )
