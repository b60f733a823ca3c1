"""Space is given back piece by piece, each in its turn, and the log stays bounded whoever reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.database import StoreError, connect, migrate, transaction
from relay.store.sqlite import checkpoint
from relay.store.sqlite.anew import compact
from relay.store.sqlite.checkpoint import Checkpointer
from relay.store.sqlite.room import log_octets
from relay.store.sqlite.shrink import MUCH_PAGES, SPARE_PAGES, WHILE_S, Shrinker
from relay.store.sqlite.turn import PatientTurn, Turn

PAGE = 4096


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "relay.db"
    migrate(path)
    return path


@pytest.fixture
def turn(db: Path) -> Iterator[PatientTurn]:
    turn = PatientTurn(db.with_name("relay.db-turn"))
    yield turn
    turn.close()


def grown(path: Path, pages: int) -> None:
    """Pages that were used and are free now."""
    with closing(connect(path)) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS filler (a BLOB)")
        with transaction(conn):
            for _ in range(pages // 256):
                conn.execute("INSERT INTO filler VALUES (zeroblob(?))", (256 * PAGE,))
        with transaction(conn):
            conn.execute("DELETE FROM filler")


def free(conn: sqlite3.Connection) -> int:
    return int(conn.execute("PRAGMA freelist_count").fetchone()[0])


def test_where_space_is_short_all_but_the_spare_pages_are_given_back(db: Path, turn: PatientTurn) -> None:
    grown(db, 3 * SPARE_PAGES)
    before = db.stat().st_size
    with closing(connect(db)) as conn, closing(connect(db)) as mail:
        shrinker = Shrinker(conn, turn)
        steps = 0
        while shrinker.step(True, 0.0):
            steps += 1
            with transaction(mail):  # nobody is kept out between two steps
                mail.execute("INSERT INTO counter VALUES (1, ?, 1)", (f"m{steps}",))
        assert free(conn) <= SPARE_PAGES
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert db.stat().st_size < before - SPARE_PAGES * PAGE


def test_a_piece_is_no_larger_than_its_time(db: Path, turn: PatientTurn) -> None:
    """A slow disk gets one page at a time in the end."""
    grown(db, 2 * SPARE_PAGES)
    now = 0.0

    def slow() -> float:
        nonlocal now
        now += 0.02
        return now

    with closing(connect(db)) as conn:
        shrinker = Shrinker(conn, turn, slow)
        pieces = []
        for _ in range(12):
            before = free(conn)
            shrinker.step(True, 0.0)
            pieces.append(before - free(conn))
    assert pieces[0] > pieces[-1] == 1


def test_where_there_is_room_only_much_and_long_is_given_back(db: Path, turn: PatientTurn) -> None:
    grown(db, MUCH_PAGES // 2)
    with closing(connect(db)) as conn:
        shrinker = Shrinker(conn, turn)
        assert not shrinker.step(False, 0.0) and not shrinker.step(False, 10 * WHILE_S)
        grown(db, MUCH_PAGES + 512)
        assert not shrinker.step(False, 1000.0)
        assert not shrinker.step(False, 1000.0 + WHILE_S / 2)
        assert shrinker.step(False, 1000.0 + WHILE_S)


def test_a_database_of_before_keeps_its_size_until_it_is_written_anew(tmp_path: Path, turn: PatientTurn) -> None:
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as conn:
        conn.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
        conn.execute("CREATE TABLE IF NOT EXISTS filler (a BLOB)")
        conn.executemany("INSERT INTO filler VALUES (zeroblob(?))", [(100 * PAGE,)] * 100)
        conn.commit()
        conn.execute("DELETE FROM filler")
        conn.commit()
        assert conn.execute("PRAGMA auto_vacuum").fetchone() == (0,)
        assert not Shrinker(conn, turn).step(True, 0.0)
        conn.execute("PRAGMA user_version = 50")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("relay.store.database.newest_schema", lambda: 50)
        before, after = compact(old)
    assert after < before / 50
    with closing(sqlite3.connect(old)) as conn:
        assert conn.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_a_database_is_not_written_anew_without_the_space(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.store.sqlite.anew.free_octets", lambda path: 4096)
    with pytest.raises(StoreError, match="are free"):
        compact(db)


def test_the_log_begins_anew_beyond_its_bound(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "free_octets", lambda path: 0)  # short: the low bound, and the file is cut
    monkeypatch.setattr(checkpoint, "SHORT_LOG_OCTETS", 100_000)
    with closing(Checkpointer(db)) as checkpointer, closing(connect(db)) as keeper:
        keeper.execute("SELECT 1 FROM meta").fetchone()
        grown(db, 256)
        assert log_octets(db) > 100_000
        checkpointer.step()
        assert log_octets(db) == 0


def test_a_reader_that_keeps_the_log_is_told(
    db: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(checkpoint, "LOG_OCTETS", 100_000)
    monkeypatch.setattr(checkpoint, "SHORT_LOG_OCTETS", 100_000)
    with closing(Checkpointer(db)) as checkpointer, closing(connect(db)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT 1 FROM meta").fetchone()
        grown(db, 256)
        checkpointer.step()
        assert "another program has been reading the database" in caplog.text
        reader.execute("COMMIT")
        checkpointer.step()
        grown(db, 256)
        checkpointer.step()
    assert caplog.text.count("can't begin anew") == 1


def test_while_a_reader_keeps_the_log_giving_back_does_not_lengthen_it(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take the room that it is to make: the disk filled by it."""
    monkeypatch.setattr(checkpoint, "free_octets", lambda path: 0)
    monkeypatch.setattr(checkpoint, "SHORT_LOG_OCTETS", 100_000)
    with closing(Checkpointer(db)) as checkpointer, closing(connect(db)) as reader:
        grown(db, 20_000)
        with closing(connect(db)) as conn:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        reader.execute("BEGIN")
        reader.execute("SELECT 1 FROM meta").fetchone()
        grown(db, 256)
        long = log_octets(db)
        for _ in range(20):
            checkpointer.step()
        assert log_octets(db) <= long
        size = db.stat().st_size
        reader.execute("COMMIT")
        for _ in range(20):
            checkpointer.step()
        assert db.stat().st_size < size


def test_a_turn_is_waited_for_no_longer_than_said_and_not_kept_afterwards(db: Path) -> None:
    path = db.with_name("relay.db-turn")
    held, patient = Turn(path), PatientTurn(path)
    assert held.take()
    assert not patient.wait_at_most(0.01)
    held.give()
    assert patient.wait_at_most(5)
    assert not held.take()
    patient.give()
    assert held.take()
    assert not patient.wait_at_most(0.01)
    held.close()
    assert patient.wait_at_most(5)
    patient.close()
