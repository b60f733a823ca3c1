"""What comes with a lease: standings, read once for all of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from relay.people import consents, suppressions
from relay.people.standing import standings_by_id
from relay.queue.lanes import Lane
from relay.queue.lease import lease_due
from relay.store.as_of import look
from relay.values.facts import Reason
from tests.support.leases import lease_all
from tests.unit.records import NOW, SHOP, agree, open_shop, put

PEOPLE = ["ann@x.example", "bob@x.example", "cy@x.example", "dee@x.example"]


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def test_standings_come_with_the_leases(conn: sqlite3.Connection) -> None:
    ids = [agree(conn, email) for email in PEOPLE[:3]]
    agree(conn, PEOPLE[0], topic="offers")
    suppressions.add(conn, ids[1], Reason.COMPLAINT, now=NOW)
    put(conn, PEOPLE)
    leases = {lease.address: lease for lease in lease_all(conn, "w", NOW, 9)}
    ann, bob, cy, dee = (leases[email] for email in PEOPLE)
    alone = consents.standing_by_id(conn, ids[0])
    assert ann.standing and set(ann.standing.consents) == set(alone.consents) and len(ann.standing.consents) == 2
    assert ann.standing.suppressions == alone.suppressions == ()
    assert bob.standing is None, "who has suppressions is asked for alone"
    assert cy.standing == consents.standing_by_id(conn, ids[2])
    assert dee.standing is not None and dee.standing.consents == ()
    assert {lease.as_of for lease in leases.values()} == {look(conn, NOW)}


def test_who_was_erased_has_none(conn: sqlite3.Connection) -> None:
    put(conn, PEOPLE[:1])
    conn.execute("DELETE FROM subscriber")
    (lease,) = lease_all(conn, "w", NOW, 9)
    assert lease.standing is None


def test_a_damaged_row_is_held_and_the_others_are_leased(conn: sqlite3.Connection) -> None:
    put(conn, PEOPLE)
    conn.execute("UPDATE recipient SET subscriber_id = 'x', slots = '{' WHERE number = 1")
    assert [lease.number for lease in lease_all(conn, "w", NOW, 9)] == [0, 2, 3]
    assert conn.execute("SELECT state, held_by FROM recipient WHERE number = 1").fetchone() == (1, 16)


def test_nothing_due_is_nothing_leased(conn: sqlite3.Connection) -> None:
    assert lease_due(conn, "w", NOW, {Lane(SHOP, "x.example"): 5}) == []
    assert standings_by_id(conn, []) == {}


def test_many_people_at_once_need_no_scan(conn: sqlite3.Connection) -> None:
    for number in range(50):
        agree(conn, f"p{number}@x.example")
    plans: list[str] = []
    conn.set_trace_callback(plans.append)
    found = standings_by_id(conn, range(1, 30))
    conn.set_trace_callback(None)
    (statement,) = [line for line in plans if "json_each" in line]
    steps = [row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert not [step for step in steps if step.startswith("SCAN") and "json_each" not in step], steps
    assert len(found) == 29
    assert found[7] == consents.standing_by_id(conn, 7)
