"""A list's own story: its number, what became of its people, freezing it and taking it back (R8b)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from relay.audit import sequence
from relay.audit.verify import verify
from relay.events import follow
from relay.events import write as events
from relay.lists import consent_import, fates, runs
from relay.lists.consent_import import Order
from relay.lists.list_file import open_list
from relay.mail.address import parse_address
from relay.people import consents
from relay.people.consent_rules import terms
from relay.people.standing import standing
from relay.store.database import transaction
from relay.values.errors import RegistryError
from tests.unit.records import NOW, SECRETS, SHOP, column, make_topic, one, open_shop, put

TERMS = terms(topic="news", source="sign-up form", wording="Send me news.", means="import")
PEOPLE = [f"p{number}@people.example" for number in range(6)]


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    conn = open_shop(tmp_path / "relay.db")
    make_topic(conn, "news")
    return conn


def take(conn: sqlite3.Connection, tmp_path: Path, people: list[str], name: str = "list.txt") -> int:
    """Import them; the list's number."""
    path = tmp_path / name
    path.write_text("\n".join(people) + "\n")
    order = Order(SHOP, SECRETS, TERMS, "root", NOW, dry_run=False)
    consent_import.run(conn, open_list(path), order, refused=lambda bad: None)
    return runs.of_tenant(conn, SHOP)[0].id


def live(conn: sqlite3.Connection, email: str) -> bool:
    found = standing(conn, SHOP, email, "").consent("news")
    return found is not None and found.live


def prove(conn: sqlite3.Connection, email: str, means: str = "double-opt-in", ip: str = "") -> None:
    with transaction(conn):
        consents.give(
            conn, SECRETS, SHOP, parse_address(email), topic="news", source="own form", wording="Yes.", means=means,
            given_at=NOW + 5, now=NOW + 5, ip=ip,
        )  # fmt: skip


def test_each_list_has_a_number_and_its_people_carry_it(conn: sqlite3.Connection, tmp_path: Path) -> None:
    first = take(conn, tmp_path, PEOPLE[:3])
    second = take(conn, tmp_path, PEOPLE, "again.txt")
    assert [(run.id, run.file, run.taken, run.state) for run in runs.of_tenant(conn, SHOP)] == [
        (second, "again.txt", 3, "taken"),
        (first, "list.txt", 3, "taken"),
    ]
    assert column(conn, "SELECT import_id FROM consent ORDER BY subscriber_id") == [first] * 3 + [second] * 3


def test_a_dry_run_is_no_list(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(PEOPLE[0] + "\n")
    order = Order(SHOP, SECRETS, TERMS, "root", NOW, dry_run=True)
    consent_import.run(conn, open_list(path), order, refused=lambda bad: None)
    assert runs.of_tenant(conn, SHOP) == []


def test_what_became_of_them_is_added_up(conn: sqlite3.Connection, tmp_path: Path) -> None:
    number = take(conn, tmp_path, PEOPLE)
    follow.step(conn, fates.FOLLOWER)
    submission, _ = put(conn, [*PEOPLE, "stranger@people.example"])
    copies = [(SHOP, 1, submission, at) for at in range(7)]
    with transaction(conn):
        events.told(conn, events.DELIVERED, copies[:5], NOW)
        events.told(conn, events.RETURNED, copies[:1], NOW)
        for at, kind in enumerate(("bounced", "unsubscribed", "complained", "contested", "opened")):
            events.of_copy(conn, SHOP, kind, submission, 5 - at, None, {}, NOW)
        events.of_copy(conn, SHOP, "bounced", submission, 6, None, {}, NOW)  # nobody's of the list
        events.of_copy(conn, SHOP, "contested", submission, 2, None, {}, NOW, amount=0)  # told once more
    while follow.step(conn, fates.FOLLOWER):
        pass
    assert fates.of_import(conn, number) == {
        "sent": 6, "bounced": 2, "unsubscribed": 1, "complained": 1, "contested": 1,
    }  # fmt: skip


def test_a_frozen_list_counts_nowhere_until_it_is_thawed(conn: sqlite3.Connection, tmp_path: Path) -> None:
    number = take(conn, tmp_path, PEOPLE[:3])
    prove(conn, PEOPLE[0])
    with transaction(conn):
        assert runs.freeze(conn, SHOP, number, reason="contested", actor="root", now=NOW + 9) == 2
    assert [live(conn, email) for email in PEOPLE[:3]] == [True, False, False]
    prove(conn, PEOPLE[1], "api")  # the tenant's word once more lifts nothing
    assert not live(conn, PEOPLE[1])
    take(conn, tmp_path, PEOPLE[:3], "again.txt")
    assert not live(conn, PEOPLE[2])
    prove(conn, PEOPLE[2], "form", ip="192.0.2.7")  # better proof does
    assert live(conn, PEOPLE[2])
    with pytest.raises(RegistryError, match="is frozen"), transaction(conn):
        runs.freeze(conn, SHOP, number, reason="again", actor="root", now=NOW)
    with transaction(conn):
        assert runs.thaw(conn, SHOP, number, reason="cleared", actor="root", now=NOW + 20) == 1
    assert live(conn, PEOPLE[1])
    assert column(conn, "SELECT grade FROM consent ORDER BY subscriber_id") == ["A", "C", "B"]


def test_a_list_is_taken_back_whole_but_who_confirmed_since(conn: sqlite3.Connection, tmp_path: Path) -> None:
    number = take(conn, tmp_path, PEOPLE)
    other = take(conn, tmp_path, ["else@people.example"], "else.txt")
    prove(conn, PEOPLE[0])
    done: list[int] = []
    assert runs.undo(conn, SHOP, number, reason="bought", actor="root", now=NOW + 9, progress=done.append) == 5
    assert [live(conn, email) for email in PEOPLE] == [True, *[False] * 5]
    assert live(conn, "else@people.example")
    assert [(run.id, run.state) for run in runs.of_tenant(conn, SHOP)] == [(other, "taken"), (number, "undone")]
    told = one(conn, "SELECT evidence FROM consent_history WHERE action = 'undone' LIMIT 1")
    assert json.loads(told[0] if isinstance(told, tuple) else str(told))["means"] == "import-undone"
    assert take(conn, tmp_path, PEOPLE, "again.txt") and not live(conn, PEOPLE[3])
    sequence.sequence(conn, SECRETS, lambda: NOW + 20)
    assert verify(conn, SECRETS).count == 0
    with pytest.raises(RegistryError, match="is undone"):
        runs.undo(conn, SHOP, number, reason="again", actor="root", now=NOW)


def test_stopped_half_way_it_goes_on(conn: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number = take(conn, tmp_path, PEOPLE)
    monkeypatch.setattr(runs, "STEP", 2)

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.undo(conn, SHOP, number, reason="bought", actor="root", now=NOW + 9, progress=stop)
    assert not any(live(conn, email) for email in PEOPLE), "nothing of it counts from the first moment on"
    assert runs.undo(conn, SHOP, number, reason="bought", actor="root", now=NOW + 10) == 4


@pytest.mark.parametrize("reason", ["", "  ", "a\x00b", "x" * 501])
def test_a_reason_is_needed(conn: sqlite3.Connection, tmp_path: Path, reason: str) -> None:
    number = take(conn, tmp_path, PEOPLE)
    with pytest.raises(RegistryError, match="say why"):
        runs.undo(conn, SHOP, number, reason=reason, actor="root", now=NOW)
    assert all(live(conn, email) for email in PEOPLE)
    with pytest.raises(RegistryError, match="there is no import"), transaction(conn):
        runs.freeze(conn, SHOP + 1, number, reason="mine", actor="root", now=NOW)
