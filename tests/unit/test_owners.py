"""Leases end with the process that holds them, or by its own count of time."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relay.queue.lease import owners
from relay.queue.owners import Owners, end_leases, process_of
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


@contextmanager
def another(path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A process that is one of the owners: its name, and what kills it."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        entered = Owners(path)
        entered.enter("relay.test", 1, LEASE_S)
        os.write(write, entered.name().encode())
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
        assert end_leases(path, NOW + 10 * 86_400) == (0, [name]), "whatever the clock says"
        assert lease_all(conn, "other", NOW + 10 * 86_400, 9) == []
        kill()
        assert end_leases(path, NOW) == (2, [])
    assert len(lease_all(conn, "other", NOW, 9)) == 2


@pytest.mark.parametrize(
    "name", ["relay.test/0/4711/1790000000", "w", "", "a/b/c/-1/2", f"n/0/1/{1 << 63}/0", "a/0/1/x/y"]
)
def test_who_holds_no_lock_is_gone(path: Path, name: str) -> None:
    assert Owners(path.parent / "fresh.db").gone([name]) == [name]


def test_what_a_process_has_forgotten_ends_by_its_own_time(path: Path) -> None:
    time = 5 * LEASE_S + 1
    mine = Owners(path, lambda: time)
    mine.enter("relay.test", 0, LEASE_S)
    name = mine.name()
    time += LEASE_S
    assert mine.gone([name]) == [] and mine.name() != name
    time += LEASE_S
    assert mine.gone([name, mine.name()]) == [name]


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
