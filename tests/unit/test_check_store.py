"""`relay check store`: what is wrong within a store that opens is found, and what to do about it is said."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from config.units import DAY
from relay.checks.result import CheckResult, Level
from relay.checks.walk import walk_store
from relay.store import marks
from tests.support.store import ON_SERVER
from tests.support.web import Shop

NOW = time.time()


def walked(shop: Shop) -> dict[str, CheckResult]:
    return {row.what: row for row in walk_store(shop.settings, NOW)}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.create(tmp_path)
    made.settings.secrets_file.chmod(0o600)
    made.consent("ann@people.example", "news")
    marks.write(made.conn, marks.BACKED_UP, int(NOW))
    return made


def test_all_is_well(shop: Shop) -> None:
    rows = walked(shop)
    assert {row.level for row in rows.values() if not row.what.startswith("database ")} == {Level.OK}, rows
    assert {"queue", "audit log", "backup"} <= rows.keys()


FAULTS: dict[str, tuple[str, str]] = {
    "a text without its message": ("INSERT INTO body (submission_id, template) VALUES (99, x'00')", "queue"),
    "a consent of nobody": ("UPDATE consent SET subscriber_id = 4711", "references"),
    "a leaf that was changed": (
        "DROP TRIGGER IF EXISTS audit_leaf_kept; UPDATE audit_leaf SET at = at + 1",
        "audit log",
    ),
    "a withdrawal taken out": ("UPDATE consent SET withdrawn_at = 1", "audit log"),
}


@pytest.mark.skipif(ON_SERVER, reason="done to SQLite's file")
@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_found(what: str, shop: Shop) -> None:
    sql, row = FAULTS[what]
    with closing(sqlite3.connect(shop.settings.database, isolation_level=None)) as conn:
        triggers = [name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        conn.execute("PRAGMA foreign_keys = OFF")
        for name in triggers:
            conn.execute(f"DROP TRIGGER {name}")
        conn.executescript(sql)
    found = walked(shop)
    assert found[row].level is Level.FAIL and found[row].todo, found


@pytest.mark.skipif(ON_SERVER, reason="done to SQLite's file")
def test_an_index_that_disagrees_with_its_table_is_found(shop: Shop) -> None:
    with closing(sqlite3.connect(shop.settings.database, isolation_level=None)) as conn:
        (sql,) = conn.execute("SELECT sql FROM sqlite_master WHERE name = 'event_by_submission'").fetchone()
        conn.execute("PRAGMA writable_schema = ON")
        conn.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'IS NOT NULL', 'IS NULL') WHERE name = 'event_by_submission'"
        )
    assert "event_by_submission" in sql
    found = walked(shop)
    assert found["database indexes"].level is Level.FAIL


AGES: list[tuple[float | None, Level]] = [(None, Level.WARN), (DAY, Level.OK), (8.5 * DAY, Level.WARN)]


@pytest.mark.parametrize(("age", "level"), AGES)
def test_the_age_of_the_newest_backup_is_told(age: float | None, level: Level, shop: Shop) -> None:
    marks.remove(shop.conn, [marks.BACKED_UP])
    if age is not None:
        marks.write(shop.conn, marks.BACKED_UP, int(NOW - age))
    assert walked(shop)["backup"].level is level


def test_a_store_that_can_not_be_opened_is_told_once(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    shop.settings.database.rename(tmp_path / "away")
    rows = list(walk_store(shop.settings, NOW))
    assert [row.level for row in rows] == [Level.FAIL]
