"""What ``relay check`` notices about a database that was changed or damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.store.database import StoreError, connect, migrate
from relay.store.sqlite.schema import damage, differences


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(tmp_path / "relay.db")
    return tmp_path / "relay.db"


def test_a_fresh_database_is_as_it_should_be(path: Path) -> None:
    conn = connect(path)
    assert differences(conn) == [] and damage(conn) == []


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("DROP TRIGGER tenant_u", "trigger tenant_u is missing"),
        ("DROP INDEX recipient_due", "index recipient_due is missing"),
        ("DROP VIEW spelling", "view spelling is missing"),
        ("ALTER TABLE tenant ADD COLUMN scent TEXT", "table tenant was changed"),
        ("CREATE TABLE notes (x)", "table notes is not the relay's"),
    ],
)
def test_changes_by_hand_are_named(path: Path, sql: str, fault: str) -> None:
    conn = connect(path)
    conn.execute(sql)
    assert fault in differences(conn)


def test_a_damaged_page_is_noticed(path: Path) -> None:
    conn = connect(path)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    root = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event'").fetchone()[0]
    conn.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 200)
    assert damage(connect(path))


def test_a_newer_and_an_older_schema_are_refused_with_what_to_do(path: Path) -> None:
    conn = connect(path)
    conn.execute("PRAGMA user_version = 999")
    conn.close()
    with pytest.raises(StoreError, match="install the newer release"):
        connect(path)
    older = path.with_name("older.db")
    migrate(older)
    conn = connect(older)
    conn.execute("PRAGMA user_version = 0")
    conn.close()
    with pytest.raises(StoreError, match="relay migrate"):
        connect(older)
