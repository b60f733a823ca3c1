"""Events have one writer, and followers read them behind a cursor: all of them, once, however a follower dies."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.campaigns import figures
from relay.events import daily, follow, forget, write
from relay.events.follow import Follower
from relay.feedback.analyse import FeedbackKind, Finding
from relay.feedback.record import Item, record
from relay.keys.tokens import Mark
from relay.mail.dsn_report import Action, RecipientReport
from relay.people import consents
from relay.pipeline.contract import Stage
from relay.queue.complete import complete
from relay.queue.notices import enqueue_notice
from relay.queue.values import Lease, Result
from relay.store.database import connect, migrate, migrations, transaction
from relay.values.states import State
from tests.support.leases import lease_all
from tests.unit.records import NOW, SHOP, agree, column, one, open_shop, put

DAY = 86_400.0
TODAY = int(NOW // DAY)
ANN, BOB, CY = "ann@people.example", "bob@people.example", "cy@people.example"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay.db"


@pytest.fixture
def conn(path: Path) -> Iterator[sqlite3.Connection]:
    made = open_shop(path)
    yield made
    made.close()


def leased(conn: sqlite3.Connection, now: float = NOW) -> list[Lease]:
    with transaction(conn):
        return sorted(lease_all(conn, "me", now, 100), key=lambda one: (one.submission.id, one.number))


def end(conn: sqlite3.Connection, *results: Result) -> None:
    with transaction(conn):
        complete(conn, results, lambda _, result: None)


def delivered(lease: Lease, at: float = NOW) -> Result:
    return Result(lease, State.DELIVERED, at, "250 ok", "mx.example", attempts=1)


def happened(conn: sqlite3.Connection) -> dict[str, int]:
    """A bit of everything; what it comes to."""
    for email in (ANN, BOB, CY):
        agree(conn, email)
    put(conn, [ANN, BOB, CY])
    one_, two, three = leased(conn)
    end(
        conn,
        delivered(one_),
        Result(two, State.BOUNCED, NOW, "550 5.1.1 no", "mx", event="bounced", detail={"type": "hard"}),
        Result(three, State.READY, NOW, "451", "mx", event="deferred", due_at=NOW + 60, attempts=1),
    )
    (again,) = leased(conn, NOW + 60)
    end(conn, Result(again, State.EXPIRED, NOW + 60, "451", "mx", event="expired"))
    put(conn, [ANN, CY], random=1, hold="staged")
    with transaction(conn):
        person = consents.subscriber(conn, SHOP, ANN, NOW)
        consents.withdraw(conn, SHOP, person, topic_id=1, means="link", now=NOW, evidence={})
    return {"accepted": 5, "delivered": 1, "bounced": 1, "deferred": 1, "expired": 1, "unsubscribed": 1}


def sums(conn: sqlite3.Connection) -> dict[str, int]:
    rows = conn.execute("SELECT kind, sum(value) FROM daily WHERE tenant_id = ? GROUP BY kind", (SHOP,))
    return dict(rows.fetchall())


def test_the_first_follower_adds_up_events_and_outcomes_alike(conn: sqlite3.Connection) -> None:
    expected = happened(conn)
    assert follow.catch_up(conn) > 0
    assert sums(conn) == expected
    assert set(conn.execute("SELECT tenant_id, day, stream_id FROM daily WHERE kind <> 'unsubscribed'")) == {
        (SHOP, TODAY, 1)
    }
    assert follow.catch_up(conn) == 0 and sums(conn) == expected


def test_days_are_of_utc_and_streams_stand_apart(conn: sqlite3.Connection) -> None:
    conn.execute(
        "INSERT INTO stream (id, tenant_id, name, kind, topic, consent, created_at)"
        " VALUES (9, 1, 'more', 'bulk', '*', 'required', 0)"
    )
    midnight = (TODAY + 1) * DAY
    for number, at in enumerate((midnight - 0.5, midnight, midnight + 1)):
        put(conn, [ANN], now=at, random=number)
    conn.execute("UPDATE submission SET stream_id = 9 WHERE accepted_at = ?", (midnight + 1,))
    follow.catch_up(conn)
    rows = conn.execute("SELECT day, stream_id, value FROM daily WHERE kind = 'accepted' ORDER BY 1, 2")
    assert rows.fetchall() == [(TODAY, 1, 1), (TODAY + 1, 1, 1), (TODAY + 1, 9, 1)]


def test_figures_are_of_this_moment_whether_the_follower_had_its_turn_or_not(conn: sqlite3.Connection) -> None:
    happened(conn)
    before = figures.of_tenant(conn, SHOP)
    assert before == figures.Figures(
        accepted=5, delivered=1, bounced=2, deferred=0, held=2, unsubscribed=1, complained=0
    )
    follow.step(conn, follow.ALL[0], most=3)
    assert figures.of_tenant(conn, SHOP) == before
    follow.catch_up(conn)
    assert figures.of_tenant(conn, SHOP) == before
    assert figures.of_tenant(conn, 2) == figures.Figures(0, 0, 0, 0, 0, 0, 0)


def test_figures_outlast_copies_and_events(conn: sqlite3.Connection) -> None:
    happened(conn)
    before = figures.of_tenant(conn, SHOP)
    follow.catch_up(conn)
    conn.execute("DELETE FROM recipient WHERE state > 1")
    forget.forget(conn, NOW + 9 * DAY)
    assert figures.of_tenant(conn, SHOP) == before


def test_what_waits_is_counted_by_tenant(conn: sqlite3.Connection) -> None:
    for email in (ANN, BOB, CY):
        agree(conn, email)
    put(conn, [ANN, BOB, CY], campaign="autumn", stage=Stage(10, 1))
    put(conn, [ANN], hold="x", random=1)
    put(conn, [ANN], tenant_id=2, hold="x", random=2)
    held = one(conn, "SELECT count(*) FROM recipient WHERE state = 1 AND tenant_id = 1")
    in_campaign = one(conn, "SELECT count(*) FROM recipient WHERE state = 1 AND campaign_id IS NOT NULL")
    assert in_campaign and held == int(str(in_campaign)) + 1
    assert (figures.of_tenant(conn, SHOP).held, figures.of_tenant(conn, 2).held) == (held, 1)


def test_the_figures_read_no_copy_that_has_ended(conn: sqlite3.Connection) -> None:
    read: list[str] = []
    conn.set_trace_callback(read.append)
    figures.of_tenant(conn, SHOP)
    conn.set_trace_callback(None)
    plans = {step[3] for sql in read if sql.startswith("SELECT") for step in conn.execute(f"EXPLAIN QUERY PLAN {sql}")}
    touched = {plan for plan in plans if " recipient" in plan or " event" in plan or " daily" in plan}
    assert touched and not [plan for plan in touched if plan.startswith("SCAN") and "USING" not in plan]


def test_a_copy_that_comes_back_counts_as_bounced_and_not_as_delivered(conn: sqlite3.Connection) -> None:
    """Also where the report is here before the outcome of the delivery, or twice, or in other words."""
    for email in (ANN, BOB, CY):
        agree(conn, email)
    put(conn, [ANN, BOB, CY])
    early, late, well = leased(conn)
    reports = [(early, "5.1.1"), (late, "5.1.1"), (early, "5.1.1"), (early, "5.2.1"), (late, "5.2.1")]
    seen = []
    for number, (lease, status) in enumerate(reports):
        if number == 1:
            end(conn, delivered(early), delivered(late), delivered(well))
        mark = Mark(lease.subscriber_id, 1, lease.submission.id, lease.number)
        finding = Finding(FeedbackKind.HARD, "unknown-address", status, source="report", dead=True)
        with transaction(conn):
            record(conn, Item(mark, finding), NOW + 5)
        found = figures.of_tenant(conn, SHOP)
        seen.append((found.delivered, found.bounced))
    assert seen == [(0, 1), (1, 2), (1, 2), (1, 2), (1, 2)]
    follow.catch_up(conn)
    found = figures.of_tenant(conn, SHOP)
    assert (found.accepted, found.delivered, found.bounced) == (3, 1, 2)
    assert column(conn, "SELECT state FROM recipient ORDER BY number") == [3, 3, 2]


def test_notices_to_the_tenant_are_not_its_mail(conn: sqlite3.Connection) -> None:
    with transaction(conn):
        enqueue_notice(
            conn,
            hostname="relay.example",
            tenant_id=SHOP,
            reverse_path=ANN,
            reports=(RecipientReport(BOB, Action.FAILED, "5.1.1"),),
            original=b"",
            ret="",
            envelope_id="",
            arrival=NOW,
            now=NOW,
        )
    end(conn, *(delivered(one) for one in leased(conn)))
    assert figures.of_tenant(conn, SHOP) == figures.Figures(0, 0, 0, 0, 0, 0, 0)
    follow.catch_up(conn)
    assert sums(conn) == {}


# --- followers ----------------------------------------------------------------------------------


DIES = """
import os, signal, sys
from pathlib import Path
from relay.events import daily, follow
from relay.store.database import connect

def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)

def read(conn, after, until):
    return die() if where == "reading" else daily.read(conn, after, until)

def write(conn, made):
    if where == "before it is written":
        die()
    daily.write(conn, made)
    if where == "between batch and cursor's commit":
        die()

where = sys.argv[2]
conn = connect(Path(sys.argv[1]))
one = follow.Follower(daily.NAME, read, write)
follow.step(conn, one, most=3)
if where == "after the commit":
    die()
"""


@pytest.mark.parametrize(
    ("where", "ahead"),
    [
        ("reading", 0),
        ("before it is written", 0),
        ("between batch and cursor's commit", 0),
        ("after the commit", 3),
    ],
)
def test_a_follower_that_is_killed_counts_nothing_twice_and_loses_nothing(
    path: Path, conn: sqlite3.Connection, where: str, ahead: int
) -> None:
    expected = happened(conn)
    begun = follow.position(conn, daily.NAME)
    assert begun is not None
    done = subprocess.run([sys.executable, "-c", DIES, path, where], timeout=60, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    assert follow.position(conn, daily.NAME) == begun + ahead
    assert figures.of_tenant(conn, SHOP).accepted == expected["accepted"]
    follow.catch_up(conn)
    assert sums(conn) == expected


def test_batches_are_bounded_and_in_the_order_of_the_events(conn: sqlite3.Connection) -> None:
    with transaction(conn):
        for number in range(25):
            write.of_account(conn, SHOP, f"n{number}", {}, NOW)
    seen: list[tuple[int, int]] = []
    kinds: list[str] = []

    def read(conn: Any, after: int, until: int) -> None:
        seen.append((after, until))
        kinds.extend(column(conn, "SELECT kind FROM event WHERE id > ? AND id <= ? ORDER BY id", after, until))  # type: ignore[arg-type]

    one_ = Follower("daily", read, lambda conn, made: None)
    while follow.step(conn, one_, most=10):
        pass
    assert [until - after for after, until in seen] == [10, 10, 5]
    assert kinds == [f"n{number}" for number in range(25)]


def test_one_who_fails_stays_where_it_was(conn: sqlite3.Connection) -> None:
    happened(conn)
    before = follow.position(conn, daily.NAME)

    def fails(conn: Any, made: Any) -> None:
        daily.write(conn, made)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        follow.step(conn, Follower(daily.NAME, daily.read, fails))
    assert follow.position(conn, daily.NAME) == before and sums(conn) == {}


def test_of_two_at_once_one_moves_on(path: Path, conn: sqlite3.Connection) -> None:
    expected = happened(conn)
    other = connect(path)

    def read(conn: Any, after: int, until: int) -> Counter[Any]:
        made = daily.read(conn, after, until)
        assert follow.step(other, follow.ALL[0]) > 0  # meanwhile
        return made

    assert follow.step(conn, Follower(daily.NAME, read, daily.write)) == 0
    other.close()
    assert sums(conn) == expected


def test_a_new_follower_begins_now_and_what_was_told_of_copies_stays_for_the_stream(conn: sqlite3.Connection) -> None:
    happened(conn)
    assert follow.step(conn, Follower("new", daily.read, lambda conn, made: None)) == 0
    assert follow.position(conn, "new") == follow.newest(conn)
    put(conn, [BOB], random=7)
    end(conn, *(delivered(one) for one in leased(conn)))
    follow.catch_up(conn)
    told = "SELECT count(*) FROM event WHERE tenant_id = 1 AND number = -1"
    assert one(conn, told) == 2
    follow.step(conn, Follower("new", daily.read, lambda conn, made: None))
    put(conn, [BOB], random=8)
    follow.catch_up(conn)
    assert one(conn, told) == 2


def test_the_newest_event_stays_so_that_no_id_is_given_out_twice(conn: sqlite3.Connection) -> None:
    happened(conn)
    follow.catch_up(conn)
    newest = follow.newest(conn)
    assert forget.forget(conn, NOW + 90 * DAY) > 0
    assert column(conn, "SELECT id FROM event") == [newest]
    put(conn, [BOB], now=NOW + 91 * DAY, random=3)
    assert follow.newest(conn) == newest + 1
    follow.catch_up(conn)
    assert sums(conn)["accepted"] == 6


# --- the writer ---------------------------------------------------------------------------------


def test_details_are_json_whatever_other_people_wrote(conn: sqlite3.Connection) -> None:
    details: list[dict[str, object]] = [
        {"b": 1, "a": "zażółć"},
        {"diagnostic": "half \udcff a character"},
        {"line": 'quote " and \\ and \x00 and \u2028'},
        {},
    ]
    with transaction(conn):
        for number, detail in enumerate(details):
            write.of_copy(conn, SHOP, "bounced", 5, number, None, detail, NOW)
    assert [json.loads(str(text)) for text in column(conn, "SELECT detail FROM event ORDER BY id")] == details
    assert column(conn, "SELECT detail FROM event WHERE number = 0") == ['{"a":"zażółć","b":1}']


def test_outcomes_cost_two_statements_a_commit_however_many_they_are(conn: sqlite3.Connection) -> None:
    people = [f"p{number}@people.example" for number in range(20)]
    for number, email in enumerate(people):
        agree(conn, email)
        put(conn, [email], random=number)
    said: list[str] = []
    results = [delivered(lease) for lease in leased(conn)]
    conn.set_trace_callback(said.append)
    end(conn, *results)
    conn.set_trace_callback(None)
    assert len(results) == 20 and len([sql for sql in said if "event" in sql]) == 2
    copies = json.loads(str(one(conn, "SELECT detail FROM event WHERE number = -1")))
    assert [(copy[0], copy[1], copy[3]) for copy in copies] == [(SHOP, 1, 0)] * 20
    places = json.loads(str(one(conn, "SELECT detail FROM event WHERE tenant_id = -2")))
    assert places == [[SHOP, 1, "people.example", 20, 0]]


# --- a database that has seen some mail ---------------------------------------------------------


def test_an_older_database_brings_its_figures_along(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old = sqlite3.connect(path, isolation_level=None)
    for number, sql in migrations():
        if number < 80:
            old.executescript(f"BEGIN;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
    old.execute("INSERT INTO tenant (id, name, contact, plan_started_at, created_at) VALUES (1, 't', 'c', 0, 0)")
    submission = (
        "INSERT INTO submission (id, tenant_id, stream_id, reverse_path, message_id, from_domain, size_octets,"
        " accepted_at, expires_at, open_recipients) VALUES (?, 1, ?, '', '', '', 1, ?, 0, 0)"
    )
    old.execute(submission, (1, 1, NOW))
    old.execute(submission, (2, 0, NOW))  # a notice
    copy = (
        "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
        " changed_at) VALUES (?, ?, 1, 1, 'a@x.example', 'x.example', ?, 0, ?)"
    )
    for number, state in enumerate((State.READY, State.HELD, State.DELIVERED, State.BOUNCED, State.EXPIRED)):
        old.execute(copy, (1, number, int(state), NOW + DAY))
    old.execute(copy, (2, 0, int(State.DELIVERED), NOW))
    event = "INSERT INTO event (tenant_id, at, kind, submission_id) VALUES (1, ?, ?, ?)"
    for kind, of in (("accepted", 1), ("bounced", 1), ("expired", 1), ("unsubscribed", None), ("complained", 1)):
        old.execute(event, (NOW, kind, of))
    old.close()
    migrate(path)
    conn = connect(path)
    assert figures.of_tenant(conn, 1) == figures.Figures(
        accepted=5, delivered=1, bounced=2, deferred=0, held=1, unsubscribed=1, complained=1
    )
    follow.catch_up(conn)
    assert figures.of_tenant(conn, 1).accepted == 5
    rows = conn.execute("SELECT day, kind FROM daily WHERE kind IN ('accepted', 'delivered') ORDER BY kind")
    assert rows.fetchall() == [(TODAY, "accepted"), (TODAY + 1, "delivered")]
    conn.close()
