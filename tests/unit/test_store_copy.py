"""A whole store copied into another one: every row of every table, ids that go on, and no half copy that is usable."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from relay.store.copy import rows as copied_rows
from relay.store.copy.run import copy_store
from relay.store.database import StoreError, connect, migrate, migrations, schema_of, waits
from relay.store.engines import StoreAddress
from relay.store.postgres.whole import ServerReader
from relay.store.sqlite.roots import expected
from relay.store.sqlite.schema import damage, differences
from relay.store.sqlite.whole import FileReader, tables
from relay.store.whole import CopyRefused, TableShape, summed
from tests.support.postgres import server

ODD: Mapping[str, tuple[Any, ...]] = {
    "INTEGER": (0, 1, -1, 2**63 - 1, -(2**63), 2**31, 255),
    "REAL": (0.0, -0.0, 0.1, 1e308, 5e-324, 1764374400.123456, float("inf"), -1.5, 3.0),
    "TEXT": (
        "",
        "a",
        "ü",
        "\U0001d518",
        "'\"\\",
        "%s ?1 :x",
        "\t\n\r",
        "{}",
        "\\N",
        "é" * 500,
        "\uff10",
        "\ufeff",
        "\x7f\x01",
    ),
    "BLOB": (b"", b"\0", b"\xff\xfe", bytes(range(256)), b"\\x41", b"x" * 100_000),
}


def value(type_: str, number: int, place: int) -> Any:
    values = ODD[type_]
    return values[(number + place) % len(values)]


def rows_of(table: TableShape, named: set[str], count: int) -> Iterator[tuple[Any, ...]]:
    """Each with another key, and the same one in ``named``; all kinds of values in the other columns."""
    for number in range(count):
        row = [value(type_, number, place) for place, type_ in enumerate(table.types)]
        for name in {*table.key, *named}:
            at = table.columns.index(name)
            key: Mapping[str, Any] = {
                "INTEGER": number * 3 - 9,
                "TEXT": f"é{number}",
                "BLOB": number.to_bytes(3, "big"),
            }
            row[at] = key[table.types[at]]
        yield tuple(row)


def named(conn: sqlite3.Connection, table: TableShape) -> set[str]:
    """Columns that are unique or name a row of another table."""
    found = {str(row[3]) for row in conn.execute(f"PRAGMA foreign_key_list({table.name})")}
    for _, index, unique, *_ in conn.execute(f"PRAGMA index_list({table.name})").fetchall():
        found |= {str(row[2]) for row in conn.execute(f"PRAGMA index_info({index})") if unique and row[2]}
    return found


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which every table has rows of all kinds, and ids that were given and taken out again."""
    path = tmp_path_factory.mktemp("pattern") / "relay.db"
    migrate(path)
    with closing(connect(path)) as conn:
        conn.execute("PRAGMA foreign_keys = OFF")
        conn.execute("BEGIN")
        for (trigger,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            conn.execute(f"DROP TRIGGER {trigger}")
        for table in tables():
            places = ", ".join("?" * len(table.columns))
            rows = rows_of(table, named(conn, table), 40)
            conn.executemany(f"INSERT OR REPLACE INTO {table.name} ({table.listed}) VALUES ({places})", rows)
        conn.execute("COMMIT")
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
    return path


@pytest.fixture
def source(pattern: Path, tmp_path: Path) -> Path:
    return with_triggers(pattern, tmp_path / "from.db")


def with_triggers(pattern: Path, path: Path) -> Path:
    """The pattern as a store that is whole."""
    with closing(sqlite3.connect(pattern)) as old, closing(sqlite3.connect(path)) as new:
        old.backup(new)
        for kind, sql in expected().values():
            if kind == "trigger":
                new.execute(sql)
        new.commit()
    return path


def sums(where: StoreAddress) -> dict[str, tuple[int, str]]:
    read = FileReader(where) if isinstance(where, Path) else ServerReader(where)
    with closing(read):
        found = {table.name: summed(read.rows(table)) for table in tables()}
    return {name: (one.rows, one.digest) for name, one in found.items()}


def test_there_is_something_in_every_table(pattern: Path) -> None:
    assert [name for name, (rows, _) in sums(pattern).items() if not rows] == []


def described(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(
            "SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || conname || pg_get_constraintdef(oid)"
            " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            " UNION ALL SELECT tgenabled::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
            " UNION ALL SELECT relkind::text, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " ORDER BY 1, 2"
        ).fetchall()


def test_there_and_back(source: Path, tmp_path: Path) -> None:
    url, back = server().empty(), tmp_path / "back.db"
    before = sums(source)
    there = copy_store(source, url)
    assert not there.resumed and there.anew == []
    assert {name: (one.rows, one.digest) for name, one in there.tables.items()} == before == sums(url)
    assert described(url) == described(server().made())
    copy_store(url, back)
    assert sums(back) == before == sums(source)
    with closing(connect(back)) as conn:
        assert differences(conn) == [] and damage(conn) == []
        assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert conn.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert back.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("back.db*")) == ["back.db"]
    assert schema_of(url) == schema_of(back) == migrations()[-1][0]


def test_ids_go_on_behind_all_that_were_given(source: Path) -> None:
    """Links and tokens carry a form's id, so none is given twice, though its row is gone."""
    last = 1000
    with closing(sqlite3.connect(source)) as conn:
        conn.execute("DELETE FROM form_topic")
        conn.execute("DELETE FROM opt_in")
        conn.execute("DELETE FROM form")
        conn.execute("DELETE FROM event")
        conn.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'form'", (last,))
        conn.execute("INSERT INTO event (id, tenant_id, at, kind) VALUES (41, 1, 0, 'accepted')")
        conn.commit()
    url, back = server().empty(), source.with_name("back.db")
    copy_store(source, url)
    with psycopg.connect(url, autocommit=True) as there:
        assert there.execute("SELECT nextval(pg_get_serial_sequence('form', 'id'))").fetchone() == (last + 1,)
        assert there.execute("SELECT nextval(pg_get_serial_sequence('event', 'id'))").fetchone() == (42,)
    copy_store(url, back)
    with closing(sqlite3.connect(back)) as conn:
        assert conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'form'").fetchone() == (last + 1,)


class CutShort(Exception):
    """As if the process had been ended there."""


def ends_at(what: str, number: int, rows: list[int]) -> Callable[[str, int, int], None]:
    left = number

    def step(now: str, done: int, all_: int) -> None:
        nonlocal left
        if now == "copied":
            rows.append(done)
        if now == what:
            left -= 1
            if not left:
                raise CutShort

    return step


@pytest.fixture(scope="module")
def copied(pattern: Path) -> str:
    """The same store on the server."""
    url = server().empty()
    copy_store(with_triggers(pattern, pattern.with_name("whole.db")), url)
    return url


@pytest.fixture(params=["to the server", "to a file"])
def way(request: pytest.FixtureRequest, source: Path, tmp_path: Path) -> tuple[StoreAddress, StoreAddress]:
    if request.param == "to a file":
        return server().like(request.getfixturevalue("copied")), tmp_path / "to.db"
    return source, server().empty()


def test_a_copy_that_was_cut_short_goes_on(
    way: tuple[StoreAddress, StoreAddress], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first page, in the middle, near the end, and when all was compared; the source changed before the last."""
    monkeypatch.setattr(copied_rows, "PAGE_ROWS", 30)
    from_, to = way
    done = [0]
    for what, number in (("copied", 1), ("copied", 33), ("copied", 70), ("indexes", 1)):
        with pytest.raises(CutShort):
            copy_store(from_, to, ends_at(what, number, done))
        with pytest.raises(StoreError, match=r"isn't whole|no database at"):
            connect(to)
    assert done == sorted(done)  # nothing was copied a second time
    with closing(connect(from_)) as conn:
        conn.execute("UPDATE counter SET value = value + 1 WHERE name = (SELECT min(name) FROM counter)")
        conn.execute("DELETE FROM never_ask")
        conn.execute("INSERT INTO rate_reporter (site, at) VALUES ('~later', 1)")
    copied = copy_store(from_, to)
    assert copied.resumed and copied.anew == ["counter", "never_ask", "rate_reporter"]
    assert sums(to) == sums(from_)


@pytest.mark.parametrize("engine", ["file", "server"])
def test_nobody_writes_to_what_is_copied(engine: str, source: Path) -> None:
    where: StoreAddress = source if engine == "file" else server().made()
    read = FileReader(source) if engine == "file" else ServerReader(str(where))
    with closing(connect(where)) as other:
        waits(other, 0.05)
        with closing(read), pytest.raises(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")


def test_what_is_there_is_not_written_over(source: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.db"
    taken.write_text("mine")
    with pytest.raises(CopyRefused, match="is there already, nothing was changed"):
        copy_store(source, taken)
    assert taken.read_text() == "mine"
    with pytest.raises(CopyRefused, match="is no directory"):
        copy_store(source, tmp_path / "none" / "relay.db")
    made = server().made()
    with pytest.raises(CopyRefused, match="holds a relay's data already, nothing was changed"):
        copy_store(source, made)
    foreign = server().empty()
    with psycopg.connect(foreign, autocommit=True) as conn:
        conn.execute("CREATE TABLE customers (id INT)")
    with pytest.raises(StoreError, match="holds tables that are none of a relay's"):
        copy_store(source, foreign)
    with pytest.raises(StoreError, match="can't be reached"):
        copy_store(source, made.replace("/t", "/nobody", 1))


def test_a_copy_of_one_store_is_not_gone_on_with_from_another(source: Path, pattern: Path) -> None:
    url = server().empty()
    with pytest.raises(CutShort):
        copy_store(source, url, ends_at("copied", 3, []))
    with pytest.raises(CopyRefused, match=r"a copy of .*from\.db was begun: go on with that one"):
        copy_store(pattern, url)


def test_what_postgresql_cannot_keep_is_told_with_its_row(source: Path) -> None:
    with closing(sqlite3.connect(source)) as conn:
        conn.execute(
            "UPDATE rate_reporter SET site = 'a' || char(0) || 'b' WHERE site = (SELECT min(site) FROM rate_reporter)"
        )
        conn.commit()
    url = server().empty()
    with pytest.raises(CopyRefused, match=r"rate_reporter \(.*\) has a value that PostgreSQL can't keep"):
        copy_store(source, url)
    with closing(sqlite3.connect(source)) as conn:
        conn.execute("UPDATE rate_reporter SET site = 'ab' WHERE site LIKE 'a' || char(0) || 'b'")
        conn.commit()
    assert copy_store(source, url).resumed
    assert sums(url) == sums(source)


def test_a_relay_that_uses_the_server_from_elsewhere_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.store.postgres.whole._LEAVE_S", 0.2)
    url = server().made()
    with closing(connect(url)), pytest.raises(CopyRefused, match="in use by a relay or its commands"):
        copy_store(url, tmp_path / "to.db")
    copy_store(url, tmp_path / "to.db")


def test_pages_end_by_octets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copied_rows, "PAGE_ROWS", 3)
    monkeypatch.setattr(copied_rows, "PAGE_OCTETS", 10)
    rows = [(1, "a"), (2, "b"), (3, "c"), (4, b"x" * 11), (5, None), (6, "x" * 8), (7, "xyz"), (8, "")]
    assert [[row[0] for row in page] for page in copied_rows.pages(iter(rows))] == [[1, 2, 3], [4], [5, 6, 7], [8]]
