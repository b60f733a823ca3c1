"""Leases end with the process that holds them, by its own count of time, or with the heartbeat of its node."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from relay.queue.lease import owners
from relay.queue.nodes import BEAT_S, Node, beat, nodes
from relay.queue.owners import EndedLeases, Owners, bury, end_leases, process_of
from relay.store.units import StoreBusy
from tests.support.leases import lease_all
from tests.unit.records import NOW, open_shop, put

LEASE_S = 1800.0
PEOPLE = ["ann@x.example", "bob@y.example"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay.db"


@pytest.fixture
def conn(path: Path) -> sqlite3.Connection:
    return open_shop(path)


def beats(owners: Owners, conn: sqlite3.Connection | None = None) -> None:
    """If it is time."""

    async def submit(work: Callable[[sqlite3.Connection], None]) -> None:
        if conn is not None:
            work(conn)

    asyncio.run(owners.beat(submit, NOW))


@contextmanager
def another(path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A process that is one of the owners: its name, and what kills it."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        entered = Owners(path)
        entered.enter("relay.test", 1, LEASE_S, NOW)
        beats(entered)
        os.write(write, str(entered.name()).encode())
        signal.pause()
    os.close(write)
    name = os.read(read, 1000).decode()
    os.close(read)
    ended = False

    def kill() -> None:
        nonlocal ended
        if not ended:
            ended = True
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    try:
        yield name, kill
    finally:
        kill()


def test_what_a_process_leased_comes_back_when_it_is_gone(path: Path, conn: sqlite3.Connection) -> None:
    put(conn, PEOPLE)
    with another(path) as (name, kill):
        assert len(lease_all(conn, name, NOW, 9)) == 2
        assert process_of(name).isdecimal()
        assert end_leases(path, NOW + 10 * 86_400) == EndedLeases(0, [name], []), "whatever the clock says"
        assert end_leases(path, NOW - 10 * 86_400) == EndedLeases(0, [name], [])
        assert lease_all(conn, "other", NOW + 10 * 86_400, 9) == []
        kill()
        assert end_leases(path, NOW) == EndedLeases(2, [], [])
    assert len(lease_all(conn, "other", NOW, 9)) == 2


@pytest.mark.parametrize(
    "name", ["relay.test/0/4711/1790000000", "w", "", "a/b/c/-1/2", f"n/0/1/{1 << 63}/0", "a/0/1/x/y"]
)
def test_who_holds_no_lock_is_gone(path: Path, name: str) -> None:
    assert Owners(path.parent / "fresh.db").gone([name]) == [name]


def test_what_a_process_has_forgotten_ends_by_its_own_time(path: Path) -> None:
    time = 5 * LEASE_S + 1
    mine = Owners(path, lambda: time)
    mine.enter("relay.test", 0, LEASE_S, NOW)

    def name() -> str:
        beats(mine)
        return str(mine.name())

    first = name()
    time += LEASE_S
    assert mine.gone([first]) == [] and name() != first
    time += LEASE_S
    assert mine.gone([first, name()]) == [first]


def test_two_that_look_at_once_see_who_is_there(path: Path) -> None:
    with another(path) as (first, kill), another(path) as (second, _):
        look = Owners(path)
        assert look.gone([first, second]) == []
        kill()
        assert look.gone([first, second]) == [first]


def test_owners_are_told_once_each(conn: sqlite3.Connection) -> None:
    put(conn, PEOPLE)
    conn.execute("UPDATE recipient SET owner = 'b'")
    put(conn, PEOPLE, now=NOW + 1)
    conn.execute("UPDATE recipient SET owner = 'a' WHERE owner IS NULL")
    assert owners(conn) == ["a", "b"]


# --- other nodes ----------------------------------------------------------------------


TERM_S = LEASE_S + 2 * BEAT_S
DAY_S = 86_400.0


class Other:
    """Another machine on the same store: its heartbeat and its leases, with a clock of its own."""

    def __init__(self, conn: sqlite3.Connection, id_: str = "b1f0", clock: float = NOW) -> None:
        self.conn = conn
        self.me = Node(id_, f"{id_}.example", clock, clock, 0, LEASE_S)
        self.owner = f"{id_}/0/77/4711/3"

    def beats(self, clock: float = NOW) -> None:
        beat(self.conn, replace(self.me, seen_at=clock))


class Looker:
    """This machine: ``time`` is what nobody can set."""

    def __init__(self, path: Path, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self.time = 1_000.0
        self.owners = Owners(path, lambda: self.time)
        self.owners.enter("relay.test", 0, LEASE_S, NOW)
        beats(self.owners)

    def after(self, seconds: float) -> list[str]:
        self.time += seconds
        return self.owners.look(self.conn).owners


@pytest.fixture
def looker(path: Path, conn: sqlite3.Connection) -> Iterator[Looker]:
    made = Looker(path, conn)
    yield made
    made.owners.close()


@pytest.mark.parametrize("jump_s", [0.0, 10 * DAY_S, -10 * DAY_S])
def test_a_node_whose_heart_beats_keeps_its_leases(conn: sqlite3.Connection, looker: Looker, jump_s: float) -> None:
    """However wrong its clock is, or becomes."""
    other = Other(conn)
    other.beats()
    put(conn, PEOPLE)
    lease_all(conn, other.owner, NOW, 9)
    for turn in range(100):
        other.beats(NOW + jump_s * turn)
        assert looker.after(BEAT_S) == []


@pytest.mark.parametrize("clock", [NOW, NOW + 10 * DAY_S, NOW - 10 * DAY_S])
def test_a_dead_nodes_leases_come_back_after_its_term(conn: sqlite3.Connection, looker: Looker, clock: float) -> None:
    """A last beat dated ten days on makes no dead node live, one dated back kills none before its time."""
    other = Other(conn, clock=clock)
    other.beats(clock)
    put(conn, PEOPLE)
    lease_all(conn, other.owner, NOW, 9)
    assert looker.after(0) == [], "who has just begun to look knows of nobody dead"
    assert looker.after(TERM_S) == []
    assert looker.after(1) == [other.owner]
    gone = looker.owners.look(conn)
    assert [node.id for node in gone.nodes] == ["b1f0"]
    assert bury(conn, gone, NOW) == 2 and nodes(conn) == []
    beats(looker.owners)
    assert len(lease_all(conn, str(looker.owners.name()), NOW, 9)) == 2
    assert looker.after(BEAT_S) == []


def test_a_node_that_beats_again_is_there_again(conn: sqlite3.Connection, looker: Looker) -> None:
    other = Other(conn)
    other.beats()
    put(conn, PEOPLE)
    lease_all(conn, other.owner, NOW, 9)
    looker.after(0)
    looker.after(TERM_S)
    other.beats()
    assert looker.after(10) == [] and looker.after(TERM_S) == []
    assert looker.after(1) == [other.owner]
    other.beats()
    assert looker.after(1) == []


def test_a_start_takes_nothing_of_another_node(path: Path, conn: sqlite3.Connection) -> None:
    """Its own dead processes' leases at once; the other's stay, though no file here is locked for it."""
    other = Other(conn)
    other.beats(NOW - 10 * DAY_S)
    put(conn, PEOPLE)
    lease_all(conn, other.owner, NOW, 1)
    with another(path) as (name, kill):
        lease_all(conn, name, NOW, 1)
        kill()
    found = end_leases(path, NOW)
    assert (found.copies, found.others, [node.id for node in found.nodes]) == (1, [], ["b1f0"])
    assert owners(conn) == [other.owner]


def test_each_node_takes_back_its_own(tmp_path: Path, conn: sqlite3.Connection, path: Path) -> None:
    """The other one starts anew: its earlier process is gone from its own file, and this one's is left alone."""
    put(conn, PEOPLE)
    other = Other(conn)
    other.beats()
    with another(path) as (name, _):
        Other(conn, "here").beats()
        lease_all(conn, name, NOW, 1)
        lease_all(conn, other.owner, NOW, 1)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        look = Owners(elsewhere / "relay.db", node="b1f0")
        gone = look.look(conn)
        look.close()
        assert gone.owners == [other.owner] and gone.nodes == []


def test_a_node_that_is_heard_of_while_it_is_buried_keeps_its_leases(conn: sqlite3.Connection, looker: Looker) -> None:
    """It came back to the store between the look and the commit, and has leased anew."""
    other, third = Other(conn), Other(conn, "c2e1")
    for node in (other, third):
        node.beats()
    put(conn, PEOPLE)
    lease_all(conn, other.owner, NOW, 1)
    lease_all(conn, third.owner, NOW, 1)
    looker.after(0)
    looker.time += TERM_S + 1
    gone = looker.owners.look(conn)
    assert sorted(gone.owners) == [other.owner, third.owner]
    other.beats()
    assert bury(conn, gone, NOW) == 1
    assert owners(conn) == [other.owner] and [node.id for node in nodes(conn)] == [other.me.id]


def test_who_is_not_heard_of_leases_nothing(path: Path, conn: sqlite3.Connection) -> None:
    """Before its first beat, and once its beats could not be written for as long as a lease lasts."""
    time = 5_000.0
    mine = Owners(path, lambda: time)
    mine.enter("relay.test", 0, LEASE_S, NOW)
    assert mine.name() is None
    beats(mine, conn)
    assert str(mine.name()).startswith("here/0/")
    time += LEASE_S - 1
    assert mine.name() is not None
    time += 1
    assert mine.name() is None
    beats(mine, conn)
    assert mine.name() is not None
    mine.close()


def test_a_beat_is_written_once_in_its_time(conn: sqlite3.Connection, looker: Looker) -> None:
    """Not with every look, and again soon where it could not be written."""
    asked: list[object] = []

    async def submit(work: Callable[[sqlite3.Connection], None]) -> None:
        asked.append(work)
        if len(asked) == 2:
            raise StoreBusy("a full disk")
        work(conn)

    def turn(seconds: float) -> int:
        looker.time += seconds
        with suppress(StoreBusy):
            asyncio.run(looker.owners.beat(submit, NOW + len(asked)))
        return len(asked)

    looker.time += BEAT_S
    assert [turn(seconds) for seconds in (0, 10, BEAT_S - 11, 1, 1, 1, BEAT_S - 2, 1)] == [1, 1, 1, 2, 3, 3, 3, 4]
    (node,) = nodes(conn)
    assert (node.id, node.name, node.beats, node.started_at, node.seen_at) == ("here", "relay.test", 2, NOW, NOW + 3)


def test_the_longest_lease_of_a_node_counts(conn: sqlite3.Connection) -> None:
    """An old process with longer leases beats beside a new one."""
    for lease_s in (LEASE_S, 2 * LEASE_S, LEASE_S):
        beat(conn, Node("n", "n", NOW, NOW, 0, lease_s))
    assert [node.lease_s for node in nodes(conn)] == [2 * LEASE_S]
