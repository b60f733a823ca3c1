"""A store that is copied while it is written to: what came meanwhile is there in the end, and nothing else."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from relay.store.copy.ahead import copy_ahead
from relay.store.copy.places import notes_ended
from relay.store.copy.run import copy_store
from relay.store.database import StoreError, connect
from relay.store.sqlite import changes
from relay.store.sqlite.whole import FileSnapshot, tables
from relay.store.whole import CopyRefused, TableShape
from tests.support.postgres import server
from tests.unit.test_store_copy import CutShort, described, ends_at, named, pattern, source, sums

__all__ = ["pattern", "source"]


def noisy(conn: sqlite3.Connection, dice: random.Random) -> None:
    """Some rows of every table go, come and change."""
    conn.execute("PRAGMA foreign_keys = OFF")  # what the relay writes is right; here any row will do
    conn.execute("BEGIN IMMEDIATE")
    for table in tables():
        keys = conn.execute(f'SELECT {table.order} FROM "{table.name}"').fetchall()
        if len(keys) < 4:
            continue
        free = [
            c
            for c, t in zip(table.columns, table.types, strict=True)
            if t == "INTEGER" and c not in constrained(conn, table)
        ]
        touched = dice.sample(keys, 3)
        same = " AND ".join(f'"{name}" = ?' for name in table.key)
        if free:
            conn.execute(
                f'UPDATE OR IGNORE "{table.name}" SET "{free[0]}" = "{free[0]}" % 1000 + 1 WHERE {same}', touched[0]
            )
        if not children(conn, table):
            conn.execute(f'DELETE FROM "{table.name}" WHERE {same}', touched[1])
            conn.execute(f'DELETE FROM "{table.name}" WHERE {same}', touched[2])
    conn.execute("COMMIT")


def constrained(conn: sqlite3.Connection, table: TableShape) -> set[str]:
    return named(conn, table) | set(table.key)


def children(conn: sqlite3.Connection, table: TableShape) -> bool:
    """Whether a row may be named by one of another table."""
    return any(
        row[2] == table.name
        for other in tables()
        for row in conn.execute(f"PRAGMA foreign_key_list({other.name})").fetchall()
    )


def without_checks(path: Path) -> sqlite3.Connection:
    """The schema's triggers refuse or change what these tests do to rows; the copy has nothing to do with them."""
    conn = sqlite3.connect(path, isolation_level=None)
    for (name,) in conn.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'store_copy%'"
    ).fetchall():
        conn.execute(f"DROP TRIGGER {name}")
    return conn


def stepping(what: str, at: set[int], work: Callable[[], None]) -> Callable[[str, int, int], None]:
    """Do something at the so many-th step of a kind."""
    number = 0

    def step(now: str, done: int, all_: int) -> None:
        nonlocal number
        if now == what:
            number += 1
            if number in at:
                work()

    return step


def test_what_comes_during_the_copy_is_carried_over(source: Path) -> None:
    url, dice = server().empty(), random.Random(5)
    with closing(without_checks(source)) as conn:
        first = copy_ahead(source, url, stepping("copied", {2, 20, 60, 88}, lambda: noisy(conn, dice)))
        assert not first.resumed and first.changed > 100 and len(first.tables) == len(tables())
        with pytest.raises(StoreError, match="isn't whole"):
            connect(url)
        noisy(conn, dice)
        again = copy_ahead(source, url)
        assert again.resumed and again.changed > 50 and not again.tables
        assert copy_ahead(source, url).changed == 0
        noisy(conn, dice)
        done = copy_store(source, url)
        assert done.changed > 50 and done.stopped_s > 0
        assert not changes.noting(conn)
    assert sums(url) == sums(source)
    assert described(url) == described(server().made())


def test_the_last_change_of_a_row_counts(source: Path) -> None:
    """Changed again after it was carried over; gone and come back; come and gone; under another key."""
    url = server().empty()
    with closing(without_checks(source)) as conn:
        copy_ahead(source, url)
        site = conn.execute("SELECT site FROM rate_reporter ORDER BY site").fetchall()
        conn.execute("UPDATE rate_reporter SET at = 7 WHERE site = ?", site[0])
        copy_ahead(source, url)
        conn.execute("UPDATE rate_reporter SET at = 8 WHERE site = ?", site[0])
        conn.execute("DELETE FROM rate_reporter WHERE site = ?", site[1])
        conn.execute("INSERT INTO rate_reporter (site, at) VALUES (?, 9)", site[1])
        conn.execute("INSERT INTO rate_reporter (site, at) VALUES ('~short', 1)")
        conn.execute("DELETE FROM rate_reporter WHERE site = '~short'")
        conn.execute("UPDATE rate_reporter SET site = '~other' WHERE site = ?", site[2])
        conn.execute("INSERT OR IGNORE INTO rate_reporter (site, at) VALUES (?, 3)", site[3])
        conn.execute(
            "INSERT INTO rate_reporter (site, at) VALUES (?, 3) ON CONFLICT (site) DO UPDATE SET at = 11", site[4]
        )
    done = copy_store(source, url)
    assert done.changed == 6  # sites 0 and 1, the two names of 2, 4, and what came and went
    assert sums(url) == sums(source)


@pytest.mark.parametrize(("what", "number"), [("copied", 40), ("indexes", 1), ("carried over", 2)])
def test_what_was_cut_short_goes_on(source: Path, what: str, number: int) -> None:
    url, dice = server().empty(), random.Random(number)
    with closing(without_checks(source)) as conn:
        with pytest.raises(CutShort):
            if what == "carried over":
                copy_ahead(source, url)
                noisy(conn, dice)
            copy_ahead(source, url, ends_at(what, number, []))
        noisy(conn, dice)
        assert copy_ahead(source, url).resumed
        noisy(conn, dice)
        copy_store(source, url)
    assert sums(url) == sums(source)
    assert described(url) == described(server().made())


def test_a_first_part_that_was_cut_short_may_be_ended_with_the_relay_stopped(source: Path) -> None:
    url = server().empty()
    with closing(without_checks(source)) as conn:
        with pytest.raises(CutShort):
            copy_ahead(source, url, ends_at("copied", 30, []))
        noisy(conn, random.Random(1))
        copy_store(source, url)
        assert not changes.noting(conn)
    assert sums(url) == sums(source)


def test_the_last_part_fails_whole_and_comes_again(source: Path) -> None:
    url = server().empty()
    copy_ahead(source, url)
    with closing(without_checks(source)) as conn:
        noisy(conn, random.Random(2))
        with pytest.raises(CutShort):
            copy_store(source, url, ends_at("carried over", 3, []))
        assert changes.number(conn) > 10
    copy_store(source, url)
    assert sums(url) == sums(source)


def test_nobody_is_kept_from_writing_by_the_first_part(source: Path) -> None:
    wrote = 0

    def write() -> None:
        nonlocal wrote
        with closing(sqlite3.connect(source, isolation_level=None, timeout=0.05)) as conn:
            conn.execute("BEGIN IMMEDIATE")
            conn.execute("INSERT INTO rate_reporter (site, at) VALUES (?, 1)", (f"~{wrote}",))
            conn.execute("COMMIT")
        wrote += 1

    def step(what: str, done: int, all_: int) -> None:
        write()

    url = server().empty()
    copy_ahead(source, url, step)
    assert wrote > len(tables())
    copy_store(source, url)
    assert sums(url) == sums(source)


def test_what_does_not_belong_together_is_refused(source: Path) -> None:
    url, other = server().empty(), server().empty()
    with pytest.raises(CopyRefused, match="holds a relay's data already"):
        copy_ahead(source, server().made())
    with pytest.raises(CutShort):
        copy_store(source, other, ends_at("copied", 3, []))
    with pytest.raises(CopyRefused, match="was begun with the relay stopped"):
        copy_ahead(source, other)
    copy_ahead(source, url)
    assert notes_ended(source) and not notes_ended(source)
    with pytest.raises(CopyRefused, match="has no notes of what changed since"):
        copy_store(source, url)


def test_rows_that_exchange_what_is_unique_are_told(source: Path) -> None:
    """Rare, and no order of single rows is right."""
    url = server().empty()
    copy_ahead(source, url)
    with closing(without_checks(source)) as conn:
        (a, first), (b, second) = conn.execute("SELECT id, name FROM tenant ORDER BY id LIMIT 2").fetchall()
        conn.execute("UPDATE tenant SET name = '~' WHERE id = ?", (a,))
        conn.execute("UPDATE tenant SET name = ? WHERE id = ?", (first, b))
        conn.execute("UPDATE tenant SET name = ? WHERE id = ?", (second, a))
    with pytest.raises(CopyRefused, match="rows of tenant have exchanged what only one may have"):
        copy_store(source, url)
    with psycopg.connect(url) as there:
        assert there.execute("SELECT name FROM tenant WHERE id = %s", (a,)).fetchone() == (first,)


def test_notes_tell_each_row_once(source: Path) -> None:
    with closing(FileSnapshot(source, anew=True)) as read, closing(without_checks(source)) as conn:
        for number in range(50):
            conn.execute("UPDATE rate_reporter SET at = ?", (number,))
        [(rows,)] = conn.execute("SELECT count(*) FROM rate_reporter")
        assert changes.number(conn) == rows and changes.last(conn) == 50 * rows
        assert list(read.changed(next(one for one in tables() if one.name == "rate_reporter"))) == []  # as of before
