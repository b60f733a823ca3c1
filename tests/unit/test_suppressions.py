"""Suppressions by hand, bounce and complaint; the person's own word stays (R8)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from relay.lists.suppression_import import suppress
from relay.people import consents, suppressions
from relay.values.errors import RegistryError
from relay.values.facts import Reason
from tests.unit.records import NOW, SHOP, agree, column, one, open_shop

ANN = "ann@people.example"


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def listed(conn: sqlite3.Connection, **only: object) -> list[tuple[str, str, str | None, float, str]]:
    rows = suppressions.list_(conn, SHOP, **only)  # type: ignore[arg-type]
    return [(row.address, row.reason.value, row.topic, row.since_at, row.detail) for row in rows]


def remove(conn: sqlite3.Connection, why: str = "mailbox works again") -> tuple[Reason, ...]:
    return suppressions.remove(conn, SHOP, ANN, why=why, actor="root", now=NOW)


def test_the_first_of_a_reason_stays(conn: sqlite3.Connection) -> None:
    person = consents.subscriber(conn, SHOP, ANN, NOW)
    assert suppressions.add(conn, person, Reason.HARD_BOUNCE, detail="550 no such user", now=NOW)
    assert not suppressions.add(conn, person, Reason.HARD_BOUNCE, detail="other", now=NOW + 5)
    assert suppressions.add(conn, person, Reason.COMPLAINT, detail="y" * 900, now=NOW + 6)
    assert listed(conn) == [
        (ANN, "complaint", None, NOW + 6, "y" * 500),
        (ANN, "hard-bounce", None, NOW, "550 no such user"),
    ]
    assert listed(conn, reason=Reason.COMPLAINT) == listed(conn)[:1] == listed(conn, limit=1)


def test_removing_is_audited(conn: sqlite3.Connection) -> None:
    person = consents.subscriber(conn, SHOP, ANN, NOW)
    suppressions.add(conn, person, Reason.HARD_BOUNCE, now=NOW)
    suppressions.add(conn, person, Reason.HAND, now=NOW)
    assert remove(conn) == (Reason.HAND, Reason.HARD_BOUNCE)
    assert listed(conn) == []
    action, actor, detail = conn.execute("SELECT action, actor, detail FROM audit").fetchone()
    assert (action, actor) == ("suppression-removed", "root")
    assert json.loads(detail)["reason"] == "mailbox works again"


def test_unsubscribing_is_not_removed(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    suppress(conn, SHOP, ANN, Reason.UNSUBSCRIBED, detail="", means="hand", now=NOW)
    with pytest.raises(RegistryError, match="double opt-in"):
        remove(conn)
    suppressions.add(conn, person, Reason.COMPLAINT, now=NOW)
    assert remove(conn) == (Reason.COMPLAINT,)
    assert [row[1] for row in listed(conn)] == ["unsubscribed"]


@pytest.mark.parametrize("why", ["", "  ", "a\x1bb", "x" * 1001])
def test_removing_needs_a_reason(conn: sqlite3.Connection, why: str) -> None:
    suppress(conn, SHOP, ANN, Reason.HAND, detail="", means="hand", now=NOW)
    with pytest.raises(RegistryError, match="reason"):
        remove(conn, why)
    assert len(listed(conn)) == 1


def test_removing_what_is_not_there_is_said(conn: sqlite3.Connection) -> None:
    with pytest.raises(RegistryError, match="not suppressed"):
        remove(conn)


def test_unsubscribed_by_the_operator_ends_the_consents(conn: sqlite3.Connection) -> None:
    agree(conn, ANN)
    assert suppress(conn, SHOP, ANN, Reason.UNSUBSCRIBED, detail="phone call", means="hand", now=NOW + 1)
    assert column(conn, "SELECT withdrawn_at FROM consent") == [NOW + 1]
    assert json.loads(str(one(conn, "SELECT evidence FROM consent_history WHERE action = 'withdrawn'"))) == {
        "detail": "phone call",
        "means": "hand",
    }
    assert not suppress(conn, SHOP, ANN, Reason.UNSUBSCRIBED, detail="", means="hand", now=NOW + 2)
