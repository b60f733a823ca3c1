"""Fairness between tenants and domains: room in memory, lanes in the store, and whose turn it is."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.backlog import MOST_LEASES, Backlog
from relay.delivery.room import Room
from relay.queue.lanes import BEFORE_ALL, Lane, Waiting, waiting
from relay.store.database import connect, migrate, transaction

BIG = Lane(1, "big.example")
SMALL = Lane(2, "small.example")


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "relay.db"
    migrate(path)
    found = connect(path)
    yield found
    found.close()


def put(conn: sqlite3.Connection, *rows: tuple[int, str, int, float]) -> None:
    """(tenant, domain, state, due_at)"""
    with transaction(conn):
        conn.executemany(
            "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
            " changed_at) VALUES (?, 0, ?, 0, '', ?, ?, ?, 0)",
            [(number, *row) for number, row in enumerate(rows)],
        )


def fill(room: Room, lane: Lane) -> int:
    """As much as the lane gets."""
    held = 0
    while room.for_lane(lane) > 0:
        room.add(lane, 1)
        held += 1
    return held


# --- room ----------------------------------------------------------------------------------


def test_a_lane_alone_gets_a_third() -> None:
    room = Room(900)
    assert fill(room, BIG) == 300


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from("abcdef")), max_size=24))
def test_whoever_comes_finds_room_and_no_bound_is_passed(lanes: list[tuple[int, str]]) -> None:
    room = Room(1000)
    for lane in lanes:
        fill(room, Lane(*lane))
        assert room.used <= 1000
        assert room.for_lane(Lane(5, "new")) >= 20


def test_a_submission_gets_room_for_all_copies_or_none() -> None:
    room = Room(30)
    assert room.take(1, ["a"] * 10) and room.used == 10
    assert not room.take(1, ["a"]) and room.used == 10
    assert not room.take(1, ["b"] * 5)
    assert not room.take(1, ["b", "a"]) and room.used == 10
    assert room.take(1, ["b", "c", "b"]) and room.held(Lane(1, "b")) == 2
    assert room.take(2, ["a"] * 6)
    room.add(Lane(1, "a"), -10)
    assert room.used == 9


# --- lanes in the store -----------------------------------------------------------------------


def test_each_lane_comes_with_its_earliest_copy(conn: sqlite3.Connection) -> None:
    put(conn, (1, "b", 0, 7.0), (1, "b", 0, 5.0), (1, "a", 1, 1.0), (2, "a", 0, 9.0), (1, "c", 4, 0.0))
    found = [Waiting(Lane(1, "b"), 5.0), Waiting(Lane(2, "a"), 9.0)]
    assert list(waiting(conn)) == found
    assert list(waiting(conn, Lane(1, "b"))) == found[1:]


def _steps(conn: sqlite3.Connection) -> int:
    """SQLite's instructions for a look at all lanes, in tens."""
    count = itertools.count()
    conn.set_progress_handler(lambda: next(count) and None, 10)
    assert len(list(waiting(conn))) == 2
    conn.set_progress_handler(None, 0)
    return next(count)


def test_a_look_costs_the_same_however_long_the_lanes_are(conn: sqlite3.Connection) -> None:
    put(conn, (1, "b", 0, 5.0), (2, "b", 0, 5.0))
    before = _steps(conn)
    conn.execute("DELETE FROM recipient")
    put(conn, *[(tenant, "b", 0, float(n)) for n in range(2_000) for tenant in (1, 2)])
    assert _steps(conn) <= before + 2


# --- turns -----------------------------------------------------------------------------------


def backlog(*lanes: Lane) -> Backlog:
    made = Backlog()
    made.looked([Waiting(lane, float(number)) for number, lane in enumerate(lanes)], 100.0)
    return made


def test_a_small_tenant_is_served_beside_a_full_lane() -> None:
    room = Room(90)
    lanes = backlog(BIG, SMALL)
    fill(room, BIG)
    assert lanes.choose(room, lambda domain: 0) == {SMALL: 20}
    assert room.used == 30  # the caller takes it


def test_a_lane_comes_again_at_half() -> None:
    room = Room(90)
    lanes = backlog(BIG)
    room.add(BIG, 25)
    assert lanes.choose(room, lambda domain: 0) == {}
    room.add(BIG, -10)
    assert lanes.choose(room, lambda domain: 0) == {BIG: 15}


def test_lanes_take_turns() -> None:
    room = Room(9 * MOST_LEASES)
    lanes = backlog(BIG, SMALL)
    assert lanes.choose(room, lambda domain: 0) == {BIG: MOST_LEASES}
    assert lanes.choose(room, lambda domain: 0) == {SMALL: MOST_LEASES}
    lanes.exhausted(BIG)
    lanes.exhausted(SMALL)
    assert lanes.choose(room, lambda domain: 0) == {}


def test_a_site_that_is_left_alone_or_full_gets_no_more() -> None:
    other = Lane(1, "other.example")
    ahead = {BIG.domain: None, other.domain: 1000, SMALL.domain: 3}
    assert list(backlog(BIG, other, SMALL).choose(Room(90), lambda domain: ahead[domain])) == [SMALL]


def test_what_came_while_looking_is_not_forgotten() -> None:
    lanes = backlog(BIG)
    lanes.look()
    lanes.hint(SMALL)
    lanes.looked([], 100.0)
    assert list(lanes.choose(Room(90), lambda domain: 0)) == [SMALL]
    lanes.look()
    lanes.looked([Waiting(BIG, 200.0)], 100.0)
    assert lanes.choose(Room(90), lambda domain: 0) == {}


def test_looks_go_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.delivery.backlog.MOST_LANES", 2)
    other = Lane(3, "other.example")
    lanes = backlog(BIG, SMALL)
    assert lanes.after == SMALL
    lanes.looked([Waiting(other, 5.0)], 100.0)
    assert lanes.after == BEFORE_ALL
    # None is lost while others are looked at.
    assert set(lanes.choose(Room(90), lambda domain: 0)) == {BIG, SMALL, other}
    lanes.looked([Waiting(BIG, 5.0)], 100.0)  # a whole look, in which the others are no more
    assert set(lanes.choose(Room(90), lambda domain: 0)) == {BIG}
