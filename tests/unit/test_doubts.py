"""What is said of living addresses too counts when it is said again a day later, on the wire and in reports alike."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.delivery.outcome import Bounced, Where
from relay.delivery.smtp.classify import decide
from relay.delivery.smtp.reply import Reply
from relay.feedback.analyse import FeedbackKind, Finding
from relay.feedback.record import Item, record
from relay.keys.tokens import Mark
from relay.mail.address import parse_address
from relay.people import doubts, suppressions
from relay.store.database import connect, migrate, transaction
from relay.tenants import tenants
from relay.values.states import State

NOW = 1_700_000_000.0
DAY = doubts.AGAIN_S
SAID = "unknown-address"
MICROSOFT = "5.4.1 Recipient address rejected: Access denied. [x.prod.protection.outlook.com]"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    migrate(tmp_path / "relay.db")
    conn = connect(tmp_path / "relay.db")
    with transaction(conn):
        assert tenants.add(conn, "shop", parse_address("o@shop.example"), actor="ann", now=NOW).id == 1
    yield conn
    conn.close()


def person(conn: sqlite3.Connection, number: int, domain: str = "example.net") -> int:
    conn.execute(
        "INSERT INTO subscriber (id, tenant_id, address, created_at) VALUES (?, 1, ?, 0) ON CONFLICT DO NOTHING",
        (number, f"p{number}@{domain}"),
    )
    return number


def copy(conn: sqlite3.Connection, subscriber: int, at: float, state: State, domain: str = "example.net") -> int:
    """A copy as it stands in the store; its submission's id."""
    id_ = conn.execute("SELECT coalesce(max(submission_id), 0) + 1 FROM recipient").fetchone()[0]
    conn.execute(
        "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
        " changed_at) VALUES (?, 0, 1, ?, ?, ?, ?, 0, ?)",
        (id_, subscriber, f"p{subscriber}@{domain}", domain, int(state), at),
    )
    return int(id_)


def again(conn: sqlite3.Connection, subscriber: int, at: float, kind: str = SAID, domain: str = "example.net") -> bool:
    return doubts.again(conn, person(conn, subscriber, domain), domain, kind, at)


def test_the_first_answer_is_only_remembered(conn: sqlite3.Connection) -> None:
    assert not again(conn, 1, NOW)
    assert not again(conn, 1, NOW + DAY - 1)
    assert again(conn, 1, NOW + DAY)


def test_answers_of_several_kinds_add_up(conn: sqlite3.Connection) -> None:
    assert not again(conn, 1, NOW, "disabled")
    assert again(conn, 1, NOW + 2 * DAY, "unknown-address")


def test_who_took_mail_meanwhile_begins_anew(conn: sqlite3.Connection) -> None:
    assert not again(conn, 1, NOW)
    copy(conn, 1, NOW + DAY, State.DELIVERED)
    assert not again(conn, 1, NOW + 3 * DAY)
    assert not again(conn, 1, NOW + 3 * DAY + 5)
    assert again(conn, 1, NOW + 4 * DAY)


def test_a_copy_whose_report_may_still_come_is_no_sign_of_life(conn: sqlite3.Connection) -> None:
    assert not again(conn, 1, NOW)
    copy(conn, 1, NOW + 3 * DAY - 60, State.DELIVERED)
    assert again(conn, 1, NOW + 3 * DAY)


def test_an_old_answer_is_forgotten(conn: sqlite3.Connection) -> None:
    assert not again(conn, 1, NOW)
    assert not again(conn, 1, NOW + doubts.KEPT_S + DAY)
    assert doubts.forget(conn, NOW + doubts.KEPT_S) == 0
    assert doubts.forget(conn, NOW + 3 * doubts.KEPT_S) == 1
    assert conn.execute("SELECT count(*) FROM doubt").fetchone() == (0,)


def test_a_clock_that_went_back_proves_nothing(conn: sqlite3.Connection) -> None:
    assert not again(conn, 1, NOW)
    assert not again(conn, 1, NOW - 10 * DAY)
    assert not again(conn, 1, NOW - 10 * DAY + 60)


@pytest.mark.parametrize(
    ("doubted", "living", "believed"),
    [(1, 0, True), (1, 5, True), (2, 0, False), (3, 2, False), (3, 3, True), (5, 0, False), (2, 9, True)],
)
def test_never_where_most_of_a_domain_answers_so(
    conn: sqlite3.Connection, doubted: int, living: int, believed: bool
) -> None:
    for number in range(1, living + 1):
        copy(conn, person(conn, 100 + number), NOW, State.DELIVERED)
    copy(conn, person(conn, 500, "elsewhere.example"), NOW, State.DELIVERED, "elsewhere.example")
    for number in range(1, doubted + 1):
        assert not again(conn, number, NOW)
    assert [again(conn, number, NOW + 2 * DAY) for number in range(1, doubted + 1)] == [believed] * doubted


def test_a_gone_domain_is_gone_for_all_its_people(conn: sqlite3.Connection) -> None:
    for number in (1, 2, 3):
        assert not again(conn, number, NOW, "no-mail-domain")
    assert all(again(conn, number, NOW + DAY, "no-mail-domain") for number in (1, 2, 3))


def report(conn: sqlite3.Connection, subscriber: int, at: float, finding: Finding) -> bool:
    """A report about a copy that was taken a minute before; True if it suppressed."""
    person(conn, subscriber)
    id_ = copy(conn, subscriber, at - 60, State.DELIVERED)
    with transaction(conn):
        assert record(conn, Item(Mark(subscriber, 0, id_, 0), finding), at)
    rows = conn.execute("SELECT 1 FROM suppression WHERE subscriber_id = ?", (subscriber,)).fetchall()
    return len(rows) == 1


def test_reports_count_as_answers_do(conn: sqlite3.Connection) -> None:
    finding = Finding(FeedbackKind.HARD, SAID, "5.4.1", 550, MICROSOFT, "mx", "report", doubt=SAID)
    assert not report(conn, 1, NOW, finding)
    assert not report(conn, 1, NOW + 60, finding)
    assert report(conn, 1, NOW + DAY, finding)


def test_an_answer_and_a_report_add_up(conn: sqlite3.Connection) -> None:
    outcome = decide(Where.RCPT, Reply(550, MICROSOFT), "mx", ["p1@example.net"])
    assert isinstance(outcome, Bounced) and not outcome.address_dead
    assert not again(conn, 1, NOW, outcome.doubt)
    assert report(conn, 1, NOW + DAY, Finding(FeedbackKind.HARD, SAID, "5.4.1", 550, MICROSOFT, doubt=SAID))


def test_the_same_report_twice_is_one_answer(conn: sqlite3.Connection) -> None:
    finding = Finding(FeedbackKind.HARD, SAID, "5.4.1", 550, MICROSOFT, doubt=SAID)
    person(conn, 1)
    id_ = copy(conn, 1, NOW - 60, State.DELIVERED)
    with transaction(conn):
        assert record(conn, Item(Mark(1, 0, id_, 0), finding), NOW)
        assert not record(conn, Item(Mark(1, 0, id_, 0), finding), NOW + 2 * DAY)
    assert conn.execute("SELECT count(*) FROM suppression").fetchone() == (0,)


def test_a_lifted_suppression_begins_anew(conn: sqlite3.Connection) -> None:
    finding = Finding(FeedbackKind.HARD, SAID, "5.4.1", 550, MICROSOFT, doubt=SAID)
    report(conn, 1, NOW, finding)
    assert report(conn, 1, NOW + DAY, finding)
    with transaction(conn):
        suppressions.remove(conn, 1, "p1@example.net", why="it is back", actor="ann", now=NOW + DAY)
    assert not report(conn, 1, NOW + 2 * DAY, finding)
