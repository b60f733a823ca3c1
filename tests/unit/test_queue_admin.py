"""The operator's hand on the queue, also against copies that are being delivered."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from relay.pipeline.contract import Stage
from relay.queue import admin, told, verdicts, view
from relay.queue.admin import QueueAction, QueueChange, Selection, act
from relay.queue.complete import complete
from relay.queue.lease import take_back
from relay.queue.values import Claim, Result
from relay.store.database import transaction
from relay.values.errors import RegistryError
from relay.values.states import State
from tests.support.leases import lease_all
from tests.unit.records import COUNTER, NOW, SHOP, column, one, open_shop, put

pytestmark = pytest.mark.usefixtures("lots_in_order")

LATER = NOW + 100


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def do(
    conn: sqlite3.Connection, action: QueueAction, why: str = "", now: float = LATER, **selection: object
) -> QueueChange:
    return act(conn, action, Selection(**selection), actor="root", why=why, now=now, pause=lambda: None)  # type: ignore[arg-type]


def states(conn: sqlite3.Connection) -> list[State]:
    return [State(s) for s in column(conn, "SELECT state FROM recipient ORDER BY submission_id, number")]  # type: ignore[arg-type]


def events(conn: sqlite3.Connection, kind: str) -> list[tuple[int, dict[str, object]]]:
    rows = conn.execute("SELECT number, detail FROM event WHERE kind = ? ORDER BY id", (kind,))
    return [(number, json.loads(detail)) for number, detail in rows]


def test_hold_and_release(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, ["a@x.example", "b@y.example"])
    assert do(conn, QueueAction.HOLD, "looks odd", submission_id=id_) == QueueChange(2, 0, 0)
    assert states(conn) == [State.HELD, State.HELD]
    assert column(conn, "SELECT DISTINCT held_by || '/' || status FROM recipient") == ["8/looks odd"]
    assert lease_all(conn, "w", LATER, 9) == []
    assert events(conn, "held") == [(n, {"actor": "root", "reason": "operator", "status": "looks odd"}) for n in (0, 1)]
    assert do(conn, QueueAction.RELEASE, submission_id=id_) == QueueChange(2, 0, 0)
    assert len(lease_all(conn, "w", LATER, 9)) == 2
    assert column(conn, "SELECT action FROM audit") == ["queue-hold", "queue-release"]


def test_release_takes_a_policys_hold_too(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, ["a@x.example"], hold="content looks forbidden")
    assert states(conn) == [State.HELD]
    do(conn, QueueAction.RELEASE, submission_id=id_)
    assert states(conn) == [State.READY]


def test_staged_copies_wait_for_their_campaign(conn: sqlite3.Connection) -> None:
    id_, done = put(conn, ["a@x.example", "b@x.example"], campaign="autumn", stage=Stage(10, 1))
    assert do(conn, QueueAction.RELEASE, submission_id=id_) == QueueChange(0, 0, 1)
    assert states(conn) == [State.READY, State.HELD]
    assert done.campaign_id is not None
    verdicts.release(conn, done.campaign_id, "root", "", LATER, most=0)
    assert do(conn, QueueAction.RELEASE, submission_id=id_) == QueueChange(1, 0, 0)


def test_a_release_ends_the_operators_hold_beside_a_campaigns_and_says_so(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, ["a@x.example", "b@x.example"], campaign="autumn", stage=Stage(10, 1))
    assert do(conn, QueueAction.HOLD, submission_id=id_) == QueueChange(2, 0, 0)
    result = do(conn, QueueAction.RELEASE, submission_id=id_)
    assert result == QueueChange(1, 0, 1, lifted=1) and not result.nothing
    assert told.changed(QueueAction.RELEASE, result).endswith(
        "1 held by hand no more, but for what follows; 1 left to their campaign's verdict"
    )
    again = do(conn, QueueAction.RELEASE, submission_id=id_)
    assert again == QueueChange(0, 0, 1) and again.nothing


def test_retry_makes_waiting_copies_due(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, ["a@x.example"], due_at=NOW + 9999)
    assert lease_all(conn, "w", LATER, 9) == []
    assert do(conn, QueueAction.RETRY, submission_id=id_) == QueueChange(1, 0, 0)
    assert len(lease_all(conn, "w", LATER, 9)) == 1


def test_cancel_gives_back_and_forgets_the_body(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, ["a@x.example", "b@x.example", "c@y.example"])
    other, _ = put(conn, ["a@x.example"], tenant_id=2, random=1)
    assert do(conn, QueueAction.CANCEL, "sent by mistake", submission_id=id_, domain="x.example") == QueueChange(
        2, 0, 0
    )
    assert states(conn) == [State.CANCELLED, State.CANCELLED, State.READY, State.READY]
    assert one(conn, "SELECT value FROM counter WHERE tenant_id = ? AND name = ?", SHOP, COUNTER) == 1
    assert column(conn, "SELECT submission_id FROM body ORDER BY 1") == [id_, other]
    do(conn, QueueAction.CANCEL, submission_id=id_)
    assert column(conn, "SELECT submission_id FROM body") == [other]
    assert one(conn, "SELECT open_recipients FROM submission WHERE id = ?", id_) == 0
    assert column(conn, "SELECT value FROM counter ORDER BY tenant_id") == [0, 1]
    assert [n for n, _ in events(conn, "cancelled")] == [0, 1, 2]
    assert events(conn, "cancelled")[0][1]["status"] == "sent by mistake"
    with pytest.raises(RegistryError, match="nothing of this message to cancel: it is cancelled"):
        do(conn, QueueAction.CANCEL, submission_id=id_)


def test_held_copies_can_be_cancelled(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, ["a@x.example"], hold="odd")
    assert do(conn, QueueAction.CANCEL, submission_id=id_) == QueueChange(1, 0, 0)


@pytest.mark.parametrize("action", [QueueAction.CANCEL, QueueAction.HOLD, QueueAction.RETRY])
def test_what_is_being_delivered_is_left_alone(conn: sqlite3.Connection, action: QueueAction) -> None:
    id_, _ = put(conn, ["a@x.example"])
    with transaction(conn):
        (lease,) = lease_all(conn, "worker", NOW, 1)
    row = conn.execute("SELECT * FROM recipient").fetchone()
    assert do(conn, action, submission_id=id_) == QueueChange(0, 1, 0)
    assert conn.execute("SELECT * FROM recipient").fetchone() == row
    assert events(conn, "cancelled") == []
    with transaction(conn):
        written = complete(conn, [Result(lease, State.DELIVERED, LATER)], lambda c, r: None)
    assert len(written.applied) == 1 and states(conn) == [State.DELIVERED]
    assert one(conn, "SELECT value FROM counter WHERE name = ?", COUNTER) == 1


def test_a_copy_claimed_at_acceptance_is_being_delivered(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, ["a@x.example"], claim=Claim("worker", NOW + 1800))
    assert do(conn, QueueAction.CANCEL, submission_id=id_) == QueueChange(0, 1, 0)


@pytest.mark.parametrize("action", [QueueAction.CANCEL, QueueAction.HOLD])
def test_a_dead_owners_copy_is_taken_and_its_outcome_fenced_off(conn: sqlite3.Connection, action: QueueAction) -> None:
    """The clock alone, set on by ten days, makes nobody dead."""
    id_, _ = put(conn, ["a@x.example"])
    with transaction(conn):
        (lease,) = lease_all(conn, "worker", NOW, 1, -10 * 86_400.0)
    assert do(conn, action, submission_id=id_) == QueueChange(0, 1, 0)
    with transaction(conn):
        assert take_back(conn, ["worker"], NOW) == 1
    assert do(conn, action, submission_id=id_) == QueueChange(1, 0, 0)
    with transaction(conn):
        written = complete(conn, [Result(lease, State.DELIVERED, LATER)], lambda c, r: None)
    assert len(written.lost) == 1
    assert states(conn) == [State.CANCELLED if action is QueueAction.CANCEL else State.HELD]


def test_many_copies_go_in_short_transactions(conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "CHUNK", 2)
    put(conn, [f"u{i}@x.example" for i in range(7)])
    put(conn, ["a@x.example"], tenant_id=2, random=1)
    pauses: list[int] = []
    done = act(
        conn,
        QueueAction.HOLD,
        Selection(tenant_id=SHOP),
        actor="root",
        why="",
        now=LATER,
        pause=lambda: pauses.append(conn.in_transaction),
    )
    assert done == QueueChange(7, 0, 0) and pauses == [False] * 3
    assert states(conn).count(State.HELD) == 7
    assert json.loads(str(one(conn, "SELECT detail FROM audit")))["copies"] == 7


def test_wrong_orders_are_said(conn: sqlite3.Connection) -> None:
    with pytest.raises(RegistryError, match="name a queue id"):
        do(conn, QueueAction.CANCEL)
    with pytest.raises(RegistryError, match="no such message"):
        do(conn, QueueAction.CANCEL, submission_id=5)
    with pytest.raises(RegistryError, match="nothing there to hold"):
        do(conn, QueueAction.HOLD, domain="x.example")
    with pytest.raises(RegistryError, match="printable"):
        do(conn, QueueAction.HOLD, "a\x1bb", domain="x.example")


def test_waiting_and_held_copies_are_found_by_their_indexes(conn: sqlite3.Connection) -> None:
    for state, index in ((State.READY, "recipient_due"), (State.HELD, "recipient_held")):
        walk = admin._walk(Selection(tenant_id=1), state)
        plan = conn.execute(
            f"EXPLAIN QUERY PLAN SELECT r.number FROM recipient r"
            f" WHERE r.state = {int(state)}{walk} AND r.tenant_id = 1"
        ).fetchall()
        assert index in str(plan)


# --- view ---------------------------------------------------------------------------------


@pytest.fixture
def mixed(conn: sqlite3.Connection) -> sqlite3.Connection:
    put(conn, ["a@x.example", "b@x.example", "c@y.example"], now=NOW)
    put(conn, ["d@y.example"], tenant_id=2, now=NOW + 1, hold="odd")
    put(conn, ["e@x.example"], now=NOW + 2, due_at=NOW + 900)
    conn.execute("UPDATE recipient SET owner = 'w', due_at = ? WHERE address = 'a@x.example'", (LATER + 50,))
    conn.execute("UPDATE recipient SET owner = 'dead', due_at = ? WHERE address = 'b@x.example'", (LATER - 50,))
    conn.execute("UPDATE recipient SET state = 2, status = '250 ok' WHERE address = 'c@y.example'")
    conn.execute("UPDATE recipient SET attempts = 2, status = '451 later' WHERE address = 'e@x.example'")
    return conn


@pytest.mark.parametrize(
    ("selection", "state", "expected"),
    [
        (Selection(), None, "abde"),
        (Selection(), "ready", "e"),
        (Selection(), "leased", "ab"),
        (Selection(), "held", "d"),
        (Selection(), "delivered", "c"),
        (Selection(), "bounced", ""),
        (Selection(tenant_id=2), None, "d"),
        (Selection(domain="x.example"), None, "abe"),
        (Selection(tenant_id=1, domain="y.example"), "delivered", "c"),
    ],
)
def test_listing(mixed: sqlite3.Connection, selection: Selection, state: str | None, expected: str) -> None:
    rows = list(view.list_(mixed, selection, state=state))
    assert "".join(row.address[0] for row in rows) == expected
    assert [row.address for row in view.list_(mixed, selection, state=state, limit=1)] == [
        row.address for row in rows[:1]
    ]


def test_listed_rows_say_why(mixed: sqlite3.Connection) -> None:
    found = {row.address[0]: (row.tenant, row.state, row.reason) for row in view.list_(mixed, Selection())}
    assert found == {
        "a": ("shop", "leased", ""),
        "b": ("shop", "leased", ""),
        "d": ("rival", "held", "odd"),
        "e": ("shop", "ready", "451 later"),
    }


def test_stats(mixed: sqlite3.Connection) -> None:
    assert view.stats(mixed) == view.Stats(
        ready=0,
        deferred=1,
        leased=2,
        held={"odd": 1},
        oldest_at=NOW,
        due_at=NOW + 900,
        finished={"delivered": 1},
        domains=(("x.example", 3),),
        tenants={1: 3, 2: 1},
    )


def test_what_waits_is_counted_without_what_is_kept(mixed: sqlite3.Connection) -> None:
    """From the indexes of what waits and is held; nothing scans the table."""
    asked: list[str] = []
    mixed.set_trace_callback(asked.append)
    found = view.stats(mixed, finished=False)
    mixed.set_trace_callback(None)
    assert found == replace(view.stats(mixed), finished={})
    plans = [row[3] for sql in asked if "recipient" in sql for row in mixed.execute(f"EXPLAIN QUERY PLAN {sql}")]
    looked = [plan for plan in plans if "recipient" in plan]
    assert looked and not [plan for plan in looked if "INDEX recipient_" not in plan], looked


def test_stats_of_an_empty_queue(conn: sqlite3.Connection) -> None:
    assert view.stats(conn) == view.Stats(0, 0, 0, {}, None, None, {}, ())
