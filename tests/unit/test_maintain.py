"""Retention (R27): what is done and old goes, in short transactions; what is open or young stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.events import forget as events
from relay.mail.address import parse_address
from relay.observe.steady import Steady
from relay.queue import forget as queue
from relay.queue.holds import CAMPAIGN, FREEZE
from relay.queue.lease import NEXT_OWNER, TAKE_BACK
from relay.queue.thaw import thaw
from relay.rights import retention
from relay.store.database import connect, migrate, transaction
from relay.tenants import streams, tenants
from relay.values.ids import first_id, new_submission_id
from relay.values.states import State

NOW = 1_790_000_000.0
DAY_S = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(tmp_path / "relay.db")
    return tmp_path / "relay.db"


@pytest.fixture
def conn(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(path)
    for name in ("shop", "club"):
        tenant = tenants.add(connection, name, parse_address("o@shop.example"), actor="anna", now=NOW)
        streams.add_defaults(connection, tenant, transactional=True, actor="anna", now=NOW)
    connection.execute("DELETE FROM event")
    yield connection
    connection.close()


def _submission(conn: sqlite3.Connection, at: float, *, open_: int = 0, recipients: int = 1, hold: int = 0) -> int:
    id_ = new_submission_id(at, lambda bits: conn.execute("SELECT count(*) FROM submission").fetchone()[0])
    conn.execute(
        "INSERT INTO submission (id, tenant_id, stream_id, topic, reverse_path, message_id, from_domain, subject,"
        " size_octets, accepted_at, expires_at, open_recipients) VALUES (?, 1, 1, '', '', '', '', '', 1, ?, ?, ?)",
        (id_, at, at + DAY_S, open_),
    )
    conn.execute("INSERT INTO body (submission_id, template) VALUES (?, x'00')", (id_,))
    conn.executemany(
        "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
        " held_by, changed_at) VALUES (?, ?, 1, 1, 'a@x.example', 'x.example', ?, ?, ?, ?)",
        [(id_, n, State.HELD if hold else State.DELIVERED, at, hold, at) for n in range(recipients)],
    )
    return id_


def _event(conn: sqlite3.Connection, tenant_id: int, at: float) -> int:
    sql = "INSERT INTO event (tenant_id, at, kind) VALUES (?, ?, 'accepted')"
    return int(conn.execute(sql, (tenant_id, at)).lastrowid or 0)


def _ids(conn: sqlite3.Connection, sql: str) -> list[int]:
    return [row[0] for row in conn.execute(sql)]


def test_what_is_done_and_old_goes(path: Path, conn: sqlite3.Connection) -> None:
    for n in range(3):
        _submission(conn, NOW - 31 * DAY_S + n, recipients=retention.STEP)
    stays = [_submission(conn, NOW - 31 * DAY_S, open_=1), _submission(conn, NOW - 29 * DAY_S)]
    assert retention.clean(path, 30 * DAY_S, 30 * DAY_S, NOW) == 3
    assert _ids(conn, "SELECT id FROM submission ORDER BY id") == stays
    assert _ids(conn, "SELECT submission_id FROM recipient ORDER BY 1") == stays
    assert _ids(conn, "SELECT submission_id FROM body ORDER BY 1") == stays


def test_more_than_a_step_goes(path: Path, conn: sqlite3.Connection) -> None:
    for n in range(retention.STEP + 20):
        _submission(conn, NOW - 31 * DAY_S + n)
    assert retention.clean(path, 30 * DAY_S, 30 * DAY_S, NOW) == retention.STEP + 20
    assert _ids(conn, "SELECT count(*) FROM recipient") == [0]


def test_old_events_of_all_tenants_go_whatever_their_order(path: Path, conn: sqlite3.Connection) -> None:
    young = _event(conn, 1, NOW + DAY_S)  # the clock was wrong
    for tenant_id in (1, 2, 77):
        _event(conn, tenant_id, NOW - 8 * DAY_S)
        for n in range(retention.STEP):
            _event(conn, tenant_id, NOW - 9 * DAY_S + n)
    stays = [young, _event(conn, 2, NOW - 6 * DAY_S)]
    assert retention.clean(path, 30 * DAY_S, 7 * DAY_S, NOW) == 3 * (retention.STEP + 1)
    assert _ids(conn, "SELECT id FROM event ORDER BY id") == stays


def test_what_stays_is_not_read(conn: sqlite3.Connection) -> None:
    plans = [
        conn.execute(f"EXPLAIN QUERY PLAN {sql}", (1, 2.0, 3)).fetchall()[0][3] for sql in (queue.DONE, events.OLD)
    ]
    assert plans == [
        "SEARCH submission USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        "SEARCH event USING COVERING INDEX event_by_tenant (tenant_id=? AND at<?)",
    ]


def test_leases_of_the_dead_are_found_without_reading_the_queue(conn: sqlite3.Connection) -> None:
    plan = conn.execute(f"EXPLAIN QUERY PLAN {NEXT_OWNER}", ("w",)).fetchall()
    told = [row[3].replace("COVERING ", "") for row in plan]  # what newer releases of SQLite call it
    assert told == ["SEARCH recipient USING INDEX recipient_leased (owner>?)"]
    plan = conn.execute(f"EXPLAIN QUERY PLAN {TAKE_BACK}", (1.0, "w")).fetchall()
    assert plan[0][3] == "SEARCH recipient USING INDEX recipient_leased (owner=?)"


def test_ids_sort_by_age(conn: sqlite3.Connection) -> None:
    assert first_id(NOW) <= new_submission_id(NOW, lambda bits: 0) < first_id(NOW + 0.002)
    assert first_id(0) == 0


def test_nothing_to_delete_waits_for_no_lock(path: Path, conn: sqlite3.Connection) -> None:
    """While another process writes, looking goes on."""
    _submission(conn, NOW - 29 * DAY_S, open_=1, hold=CAMPAIGN)
    reader = connect(path)
    reader.execute("PRAGMA busy_timeout = 0")
    conn.execute("BEGIN IMMEDIATE")
    assert thaw(reader, NOW) == 0
    assert retention._submissions(reader, NOW) == 0 == events.forget(reader, NOW)
    reader.close()


def test_frozen_copies_are_let_go_in_steps(conn: sqlite3.Connection) -> None:
    kept = _submission(conn, NOW, open_=1, hold=CAMPAIGN)
    _submission(conn, NOW + 1, open_=1, hold=FREEZE, recipients=2_500)
    conn.execute("UPDATE tenant SET freeze = 'all' WHERE id = 1")
    assert thaw(conn, NOW + 5) == 0
    conn.execute("UPDATE tenant SET freeze = 'none' WHERE id = 1")
    assert thaw(conn, NOW + 5) == 2_500
    assert _ids(conn, "SELECT submission_id FROM recipient WHERE state = 1") == [kept]


class Kept:
    completed = 30 * DAY_S
    tracking = 90 * DAY_S
    events = 90 * DAY_S
    exemplars = 90 * DAY_S
    registrations = 30 * DAY_S
    support = 730 * DAY_S
    announcements = 730 * DAY_S


def _steady(stood_s: float, now: float) -> Steady:
    """Of a process that has seen the clock go as it should for so long."""
    wall, even = now - stood_s, 0.0
    steady = Steady(lambda: wall, lambda: even)
    wall, even = now, stood_s
    return steady


@pytest.mark.parametrize(
    ("ahead", "stood_s", "left"),
    [
        (3600.0, 0.0, 0),
        (10 * DAY_S, 0.0, 1),
        (3650 * DAY_S, 0.0, 1),
        (3650 * DAY_S, DAY_S - 60, 1),
        (10 * DAY_S, DAY_S, 0),
        (-10 * DAY_S, 0.0, 1),
    ],
)
def test_a_clock_that_was_set_deletes_nothing(
    path: Path, conn: sqlite3.Connection, ahead: float, stood_s: float, left: int
) -> None:
    """Until it has stood for a day; a clean-up that was a moment ago is believed at once."""
    with transaction(conn):
        conn.execute("INSERT INTO meta (name, value) VALUES ('cleaned', ?)", (int(NOW),))
    _submission(conn, NOW - 30 * DAY_S + 600)
    now = NOW + ahead
    retention._turn(path, Kept(), now, _steady(stood_s, now))
    assert conn.execute("SELECT count(*) FROM submission").fetchone()[0] == left


def test_a_clean_up_is_remembered(path: Path, conn: sqlite3.Connection) -> None:
    retention._turn(path, Kept(), NOW, _steady(0.0, NOW))
    assert not retention.believed(path, NOW + 3 * DAY_S, 0.0)
    assert retention.believed(path, NOW + DAY_S, 0.0)
