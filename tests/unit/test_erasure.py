"""An erased person (R5, R26): nothing names it any more, and no list brings it back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.audit import actions
from relay.audit.verify import verify
from relay.keys.secrets import Secrets
from relay.lists import consent_import
from relay.lists.consent_import import UNSUBSCRIBED, Order
from relay.lists.list_file import Bad, open_list
from relay.mail.address import parse_address
from relay.people import consents, erased, profiles, suppressions
from relay.people.consent_rules import ConsentRefused, terms
from relay.people.standing import standing
from relay.rights import erasure
from relay.signup.ask import closed
from relay.store.database import transaction
from relay.tenants import idempotency
from relay.values.facts import Reason
from tests.support import store
from tests.unit.records import NOW, SECRETS, SHOP, agree, open_shop, put

ANN = "ann.b@gmail.com"
OTHER = "annb+shop@googlemail.com"
BOB = "bob@people.example"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = open_shop(tmp_path / "relay.db")
    yield found
    found.close()


def dump(conn: sqlite3.Connection) -> str:
    """All that is stored, as text."""
    return "\n".join(store.dump(conn)).lower()


def gone(conn: sqlite3.Connection, canonical: str = ANN, secrets: Secrets = SECRETS) -> erasure.Erasure:
    return erasure.erase(conn, secrets, SHOP, canonical, actor="root", now=NOW + 10)


def give(conn: sqlite3.Connection, email: str, *, means: str = "hand", at: float = NOW + 20) -> None:
    with transaction(conn):
        consents.give(
            conn, SECRETS, SHOP, parse_address(email), topic="news", source="form on shop.example", wording="Yes.",
            means=means, given_at=at, now=NOW + 20,
        )  # fmt: skip


def test_nothing_names_the_person_any_more(conn: sqlite3.Connection) -> None:
    person, spelling = agree(conn, ANN), agree(conn, OTHER)
    agree(conn, BOB)
    with transaction(conn):
        profiles.change(conn, SHOP, person, attributes={"city": "Narva"}, join=["choir"], leave=[], now=NOW)
        suppressions.add(conn, spelling, Reason.COMPLAINT, detail=f"from {OTHER}", now=NOW)
        answer = idempotency.KeptAnswer(201, "", f'{{"email":"{OTHER}"}}'.encode())
        idempotency.keep(conn, SHOP, "key", b"request", answer, NOW)
        conn.executemany(
            "INSERT INTO event (tenant_id, at, kind, detail) VALUES (?, ?, 'refused', ?)",
            [(SHOP, NOW, f'{{"to": "{who}"}}') for who in (ANN.upper(), OTHER, f"jo{ANN}", f"{ANN}.example")],
        )
    put(conn, [ANN, BOB], due_at=NOW + 5000)
    put(conn, [ANN], due_at=NOW + 5000, campaign="ann", random=1)
    found = gone(conn)
    assert (found.people, found.copies, found.cancelled, found.busy) == (2, 2, 2, 0) and found.records >= 3
    left = dump(conn)
    for others in (f"jo{ANN}", f"{ANN}.example"):  # whoever else is called much the same
        assert left.count(others) == 1
        left = left.replace(others, "")
    assert not any(text in left for text in (ANN, OTHER, "narva")) and BOB in left
    assert conn.execute("SELECT count(*) FROM idempotency").fetchone() == (0,)
    assert [row[0] for row in conn.execute("SELECT subject <> '' FROM submission ORDER BY id")] == [1, 0]
    assert standing(conn, SHOP, ANN, "").subscriber_id is None
    assert conn.execute("SELECT count(*) FROM recipient WHERE state = 0").fetchone() == (1,)


def test_a_copy_on_its_way_is_left_and_told(conn: sqlite3.Connection) -> None:
    agree(conn, ANN)
    put(conn, [ANN])
    with transaction(conn):
        conn.execute("UPDATE recipient SET state = 0, owner = 'w', due_at = ?", (NOW + 1800,))
    assert gone(conn).busy == 1
    assert conn.execute("SELECT address FROM recipient").fetchone()[0] == ANN
    with transaction(conn):
        conn.execute("UPDATE recipient SET state = 2, owner = NULL")
    assert (again := gone(conn)).copies == 1 and again.busy == 0
    assert "ann.b" not in dump(conn)


@pytest.mark.parametrize("email", [ANN, OTHER, "AnnB@gmail.com"])
def test_nobody_brings_the_person_back(conn: sqlite3.Connection, tmp_path: Path, email: str) -> None:
    agree(conn, ANN)
    gone(conn)
    with pytest.raises(ConsentRefused, match="only a fresh consent by the person"):
        give(conn, email)
    with pytest.raises(ConsentRefused):  # asked for before the erasure
        give(conn, email, means="double-opt-in", at=NOW + 5)
    path = tmp_path / "list.txt"
    path.write_text(f"{email}\n{BOB}\n", "utf-8")
    bad: list[Bad] = []
    said = terms(topic="news", source="form on shop.example", wording="Yes.", means="import")
    order = Order(SHOP, SECRETS, said, "root", NOW + 30)
    report = consent_import.run(conn, open_list(path), order, refused=bad.append)
    assert report.taken == 1 and [one.why for one in bad] == [UNSUBSCRIBED]


def test_the_person_itself_may_come_back(conn: sqlite3.Connection) -> None:
    agree(conn, ANN)
    gone(conn)
    give(conn, ANN, means="double-opt-in")
    assert not erased.anyone(conn, SHOP)
    give(conn, ANN)


def test_coming_back_lifts_no_complaint(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    with transaction(conn):
        suppressions.add(conn, person, Reason.COMPLAINT, detail="", now=NOW)
    gone(conn)
    assert closed(conn, SECRETS, SHOP, parse_address(OTHER))  # so it isn't even asked
    give(conn, ANN, means="double-opt-in")
    assert [one.reason for one in standing(conn, SHOP, ANN, "").suppressions] == [Reason.HAND]


def test_a_rotated_key_still_knows_the_person(conn: sqlite3.Connection) -> None:
    gone(conn)
    later = Secrets({2: b"new key" * 5, **SECRETS.keys}, 2)
    assert erased.find(conn, later, SHOP, OTHER) is not None
    assert erased.find(conn, later, SHOP, BOB) is None and erased.find(conn, later, SHOP + 1, ANN) is None


@pytest.mark.parametrize(("reason", "stops"), [(Reason.COMPLAINT, True), (Reason.UNSUBSCRIBED, False)])
def test_what_stopped_service_mail_still_does(conn: sqlite3.Connection, reason: Reason, stops: bool) -> None:
    person = agree(conn, ANN)
    with transaction(conn):
        suppressions.add(conn, person, reason, detail="", now=NOW)
    gone(conn)
    unknown = standing(conn, SHOP, ANN, "")
    found = erased.standing(conn, SECRETS, SHOP, ANN, unknown)
    assert [one.reason for one in found.suppressions] == ([Reason.HAND] if stops else [])


def test_what_administrators_did_about_a_stranger_names_it_no_more(conn: sqlite3.Connection) -> None:
    """Who said never after its request was deleted is no subscriber, and an administrator may lift that."""
    with transaction(conn):
        detail = {"address": BOB, "reason": "asked to"}
        actions.record(conn, "root", "form-ask-again", SHOP, detail, NOW)
        actions.record(conn, "root", "form-ask-again", 2, detail, NOW)
    found = gone(conn, BOB)
    assert (found.people, found.records) == (0, 1) and not found.nothing
    assert [row[0] for row in conn.execute("SELECT tenant_id FROM audit WHERE detail LIKE '%bob@%'")] == [2]
    assert verify(conn).count == 0


def test_an_unknown_person_is_remembered_too(conn: sqlite3.Connection) -> None:
    assert gone(conn).nothing
    with pytest.raises(ConsentRefused):
        give(conn, ANN)
