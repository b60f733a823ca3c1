"""The way back from a server to a file, most of it beside the relay at work: what came meanwhile is there, no more."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from relay.store.copy.ahead import copy_ahead
from relay.store.copy.places import notes_ended
from relay.store.copy.run import copy_store
from relay.store.database import connect
from relay.store.postgres import changes
from relay.store.postgres.whole import ServerNotedSnapshot
from relay.store.sqlite.whole import tables
from relay.store.whole import CopyRefused
from tests.support.postgres import server
from tests.unit.test_store_copy import CutShort, ends_at, named, pattern, sums
from tests.unit.test_store_copy_ahead import children, stepping

__all__ = ["pattern"]


@pytest.fixture(scope="module")
def there(pattern: Path) -> str:
    url = server().empty()
    copy_store(pattern, url)
    with psycopg.connect(url) as conn:  # the schema's triggers refuse or change what these tests do to rows
        for table in tables():
            conn.execute(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER'.encode())
    return url


@pytest.fixture
def url(there: str) -> str:
    return server().like(there)


@pytest.fixture
def free(pattern: Path) -> Iterator[dict[str, tuple[str, bool]]]:
    """Table: a column that any number may stand in, and whether rows may go."""
    with closing(sqlite3.connect(pattern)) as conn:
        found = {}
        for table in tables():
            kinds = zip(table.columns, table.types, strict=True)
            bound = named(conn, table) | set(table.key)
            numbers = [name for name, kind in kinds if kind == "INTEGER" and name not in bound]
            found[table.name] = (numbers[0] if numbers else "", not children(conn, table))
        yield found


def noisy(url: str, free: dict[str, tuple[str, bool]], dice: random.Random) -> None:
    """Some rows of every table go, come under another key, and change; two write at a time."""
    with psycopg.connect(url, autocommit=True) as conn, psycopg.connect(url, autocommit=True) as other:
        for table in tables():
            keys = conn.execute(f'SELECT {table.order} FROM "{table.name}"'.encode()).fetchall()
            if len(keys) < 4:
                continue
            column, leaves = free[table.name]
            same = " AND ".join(f'"{name}" = %s' for name in table.key)
            touched = dice.sample(keys, 3)
            if column:
                change = f'UPDATE "{table.name}" SET "{column}" = coalesce("{column}", 0) %% 1000 + 1 WHERE {same}'
                for one, key in ((conn, touched[0]), (other, touched[2])):
                    one.execute("BEGIN")
                    try:
                        one.execute(change.encode(), key)
                        one.execute("COMMIT")
                    except psycopg.errors.CheckViolation:
                        one.execute("ROLLBACK")
            if leaves:
                other.execute(f'DELETE FROM "{table.name}" WHERE {same}'.encode(), touched[1])


def whole(path: Path, url: str) -> None:
    with psycopg.connect(url) as conn:
        for table in tables():
            conn.execute(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER'.encode())
    assert sums(path) == sums(url)
    with closing(connect(path)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_comes_during_the_copy_is_carried_over(
    url: str, free: dict[str, tuple[str, bool]], tmp_path: Path
) -> None:
    dice, path = random.Random(5), tmp_path / "to.db"
    first = copy_ahead(url, path, stepping("copied", {2, 20, 60}, lambda: noisy(url, free, dice)))
    assert not first.resumed and first.changed > 50 and len(first.tables) == len(tables())
    assert not path.exists()
    noisy(url, free, dice)
    again = copy_ahead(url, path)
    assert again.resumed and again.changed > 50 and not again.tables
    assert copy_ahead(url, path).changed == 0
    noisy(url, free, dice)
    done = copy_store(url, path)
    assert done.changed > 50 and done.stopped_s > 0
    assert not notes_ended(url)
    whole(path, url)
    fresh = tmp_path / "plain.db"
    copy_store(url, fresh)
    assert described(path) == described(fresh)


def described(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as conn:
        return conn.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()


@pytest.mark.parametrize(("what", "number"), [("copied", 40), ("indexes", 1), ("carried over", 2)])
def test_what_was_cut_short_goes_on(
    url: str, free: dict[str, tuple[str, bool]], tmp_path: Path, what: str, number: int
) -> None:
    dice, path = random.Random(number), tmp_path / "to.db"
    with pytest.raises(CutShort):
        if what == "carried over":
            copy_ahead(url, path)
            noisy(url, free, dice)
        copy_ahead(url, path, ends_at(what, number, []))
    noisy(url, free, dice)
    assert copy_ahead(url, path).resumed
    noisy(url, free, dice)
    copy_store(url, path)
    whole(path, url)


def test_a_change_that_was_not_committed_when_the_snapshot_was_taken_is_no_loss(url: str, tmp_path: Path) -> None:
    """It has the smaller number of a transaction, and is seen by the next round only."""
    path = tmp_path / "to.db"
    copy_ahead(url, path)
    with psycopg.connect(url) as slow, psycopg.connect(url, autocommit=True) as quick:
        (a,), (b,), *_ = quick.execute("SELECT site FROM rate_reporter ORDER BY site").fetchall()
        slow.execute("UPDATE rate_reporter SET at = 71 WHERE site = %s", (a,))
        quick.execute("UPDATE rate_reporter SET at = 72 WHERE site = %s", (b,))
        assert copy_ahead(url, path).changed == 1
        slow.commit()
    assert copy_store(url, path).changed == 1
    whole(path, url)


def test_notes_begin_once_those_who_write_have_ended(url: str, tmp_path: Path) -> None:
    with psycopg.connect(url) as slow:
        slow.execute("UPDATE rate_reporter SET at = 70")
        began = threading.Event()

        def copy() -> None:
            began.set()
            copy_ahead(url, tmp_path / "to.db")

        copying = threading.Thread(target=copy)
        copying.start()
        began.wait(60)
        slow.execute("UPDATE rate_reporter SET at = 73")
        slow.commit()
        copying.join(60)
    copy_store(url, tmp_path / "to.db")
    whole(tmp_path / "to.db", url)


def test_notes_are_ended_beside_whoever_runs(url: str, tmp_path: Path) -> None:
    with closing(ServerNotedSnapshot(url, tables(), anew=True)) as read:
        read.let_go()
    with psycopg.connect(url) as conn:
        conn.execute("UPDATE rate_reporter SET at = 7")
        assert changes.noting(conn)
    assert notes_ended(url) and not notes_ended(url)
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'store_copy%'").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM pg_proc WHERE proname LIKE 'store_copy%'").fetchone() == (0,)


def test_without_notes_or_with_another_file_nothing_goes_on(url: str, tmp_path: Path) -> None:
    path = tmp_path / "to.db"
    copy_ahead(url, path)
    notes_ended(url)
    with pytest.raises(CopyRefused, match="has no notes of what changed since"):
        copy_store(url, path)
    other = tmp_path / "other.db"
    with pytest.raises(CutShort):
        copy_store(url, other, ends_at("copied", 3, []))
    with pytest.raises(CopyRefused, match="was begun with the relay stopped"):
        copy_ahead(url, other)


def test_rows_that_exchange_what_is_unique_are_told(url: str, tmp_path: Path) -> None:
    path = tmp_path / "to.db"
    copy_ahead(url, path)
    with psycopg.connect(url, autocommit=True) as conn:
        (a, first), (b, second), *_ = conn.execute("SELECT id, name FROM tenant ORDER BY id").fetchall()
        for name, key in (("~", a), (first, b), (second, a)):
            conn.execute("UPDATE tenant SET name = %s WHERE id = %s", (name, key))
    with pytest.raises(CopyRefused, match="rows of tenant have exchanged what only one may have"):
        copy_store(url, path)
    assert not path.exists()


Place = Callable[[Path], str | Path]


@pytest.mark.parametrize("place", [lambda path: path / "to.db", lambda path: server().empty()], ids=["file", "server"])
def test_to_another_of_the_same_kind_too(pattern: Path, url: str, tmp_path: Path, place: Place) -> None:
    source, target = (pattern if place(tmp_path) == tmp_path / "to.db" else url), place(tmp_path)
    copy_ahead(source, target)
    copy_store(source, target)
    assert sums(target) == sums(source)
