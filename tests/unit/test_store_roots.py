"""A damaged database is named at the start, with what to do; an index or a trigger can be made anew."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.database import StoreError, connect, migrate
from relay.store.sqlite import roots

PAGE = 4096


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("made") / "relay.db"
    migrate(path)
    return path.read_bytes()


@pytest.fixture
def db(tmp_path: Path, made: bytes) -> Path:
    path = tmp_path / "relay.db"
    path.write_bytes(made)
    return path


def objects(made: bytes, tmp_path: Path) -> list[tuple[str, str, int]]:
    path = tmp_path / "looked-at.db"
    path.write_bytes(made)
    with closing(sqlite3.connect(path)) as conn:
        return conn.execute(
            "SELECT type, name, rootpage FROM sqlite_master WHERE rootpage > 1 AND name NOT LIKE 'sqlite_s%'"
        ).fetchall()


def refused(path: Path) -> str:
    """What the start says."""
    with pytest.raises(StoreError) as caught, closing(connect(path)) as conn:
        roots.refuse_damaged(conn, path)
    return str(caught.value)


@pytest.mark.parametrize("page", [bytes(PAGE), b"\x5a" * PAGE], ids=["zeroed", "overwritten"])
def test_each_root_is_looked_at(made: bytes, tmp_path: Path, page: bytes) -> None:
    found = objects(made, tmp_path)
    assert len(found) > 40
    path = tmp_path / "relay.db"
    unseen = []
    for kind, name, root in found:
        path.write_bytes(made[: (root - 1) * PAGE] + page + made[root * PAGE :])
        with closing(sqlite3.connect(path)) as conn:
            try:
                named = [str(fault) for fault in roots.faults(conn)]
            except sqlite3.DatabaseError:
                continue
        if not any(name in text for text in named) and not (kind == "index" and named):
            unseen.append((kind, name, named))
    assert unseen == []


def test_a_sound_database_is_taken(db: Path) -> None:
    with closing(connect(db)) as conn:
        roots.refuse_damaged(conn, db)


@pytest.mark.parametrize("table", ["event", "recipient", "body", "audit_leaf"])
def test_a_missing_table_is_named_and_a_backup_advised(db: Path, table: str) -> None:
    with closing(sqlite3.connect(db)) as conn:
        conn.execute(f"DROP TABLE {table}")
    assert f"table {table} is missing" in refused(db)
    assert "restore a backup" in refused(db)
    with pytest.raises(StoreError, match="can't be made anew"), closing(connect(db)) as conn:
        roots.mend(conn)


@pytest.mark.parametrize("drop", ["INDEX recipient_due", "TRIGGER {trigger}"])
def test_what_can_be_made_anew_is(db: Path, drop: str) -> None:
    with closing(sqlite3.connect(db)) as conn:
        trigger = conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchone()[0]
        conn.execute(f"DROP {drop.format(trigger=trigger)}")
    assert "no row is lost: `relay migrate --mend`" in refused(db)
    with closing(connect(db)) as conn:
        assert len(roots.mend(conn)) == 1
        roots.refuse_damaged(conn, db)


def test_a_damaged_index_is_made_anew(db: Path) -> None:
    with closing(sqlite3.connect(db)) as conn:
        [(root,)] = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'recipient_due'").fetchall()
    with db.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(os.urandom(PAGE))
    assert "index recipient_due can't be read" in refused(db)
    with closing(connect(db)) as conn:
        assert roots.mend(conn) == ["index recipient_due"]
        roots.refuse_damaged(conn, db)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(lambda whole: whole[: len(whole) // (2 * PAGE) * PAGE], "restore a backup", id="half"),
        pytest.param(lambda whole: whole + bytes(1000), "the end of its file is cut off", id="cut within a page"),
        pytest.param(lambda whole: bytes(PAGE) + whole[PAGE:], "restore it from a backup", id="first page zeroed"),
        pytest.param(lambda whole: b"hello world\n" * 500, "is no SQLite database", id="text"),
    ],
)
def test_a_file_that_is_no_whole_database(db: Path, made: bytes, content: object, said: str) -> None:
    assert callable(content)
    db.write_bytes(content(made))
    assert said in refused(db)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE bookmarks (url TEXT)")
    assert "is none of a relay" in refused(path)
    with pytest.raises(StoreError, match="none of a relay"):
        migrate(path)
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]


def test_a_look_reads_the_ends_and_not_the_whole(db: Path) -> None:
    """The steps of SQLite's machine don't grow with the rows."""

    def steps(conn: sqlite3.Connection) -> int:
        count = 0

        def counted() -> int:
            nonlocal count
            count += 1
            return 0

        conn.set_progress_handler(counted, 1)
        assert roots.faults(conn) == []
        conn.set_progress_handler(None, 0)
        return count

    with closing(connect(db)) as conn:
        few = steps(conn)
        conn.executemany(
            "INSERT INTO event (tenant_id, at, kind, detail) VALUES (1, ?, 'accepted', '{}')",
            [(n,) for n in range(5000)],
        )
        assert steps(conn) <= few + 50
