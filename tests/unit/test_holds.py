"""Holds: who holds a copy, until when, and that one's end never frees what another holds."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay.pipeline.contract import Hold, Stage
from relay.queue import held, holds, verdicts, watch
from relay.queue.admin import QueueAction, QueueChange, Selection, act
from relay.queue.complete import complete
from relay.queue.held import StageTerms
from relay.queue.holds import CAMPAIGN, DAMAGE, FREEZE, OPERATOR, POLICY
from relay.queue.thaw import thaw
from relay.queue.trace import trace
from relay.queue.values import Result
from relay.queue.view import copies, stats
from relay.store.database import connect, migrate, transaction
from relay.store.kept import KeptConnection
from relay.values.ids import encode_id
from relay.values.states import State
from tests.support.leases import lease_all
from tests.unit.records import NOW, SHOP, agree, column, one, open_shop, put

UNTIL = NOW + 3600
LATER = UNTIL + 5
ANN = "ann@people.example"
NONE_AT_ONCE = Stage(10, 0)


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def freeze(conn: sqlite3.Connection, how: str) -> None:
    with transaction(conn):
        conn.execute("UPDATE tenant SET freeze = ?, freeze_reason = 'complaints' WHERE id = ?", (how, SHOP))


def do(conn: sqlite3.Connection, action: QueueAction, id_: int, now: float = LATER, why: str = "") -> QueueChange:
    return act(conn, action, Selection(id_), actor="root", why=why, now=now, pause=lambda: None)


def state(conn: sqlite3.Connection) -> State:
    return State(int(str(one(conn, "SELECT state FROM recipient"))))


def test_a_hold_ends_by_itself_and_not_before(conn: sqlite3.Connection) -> None:
    put(conn, [ANN], hold=Hold("content looks odd", UNTIL))
    assert state(conn) is State.HELD and lease_all(conn, "w", LATER, 9) == []
    assert holds.end_timed(conn, UNTIL - 1) == 0 and state(conn) is State.HELD
    assert holds.end_timed(conn, UNTIL) == 1
    assert conn.execute("SELECT state, held_by, held_until, hold_reason, due_at FROM recipient").fetchone() == (
        *(0, 0, None, "", UNTIL),
    )
    assert holds.end_timed(conn, UNTIL) == 0
    assert len(lease_all(conn, "w", LATER, 9)) == 1


def test_the_watch_ends_holds_after_a_restart_too(tmp_path: Path, conn: sqlite3.Connection) -> None:
    """Nothing of a hold is in memory: any process that looks at the clock ends it."""
    put(conn, [ANN], hold=Hold("odd", UNTIL))
    conn.close()
    path = tmp_path / "relay.db"
    watch._turn(KeptConnection(path), None, lambda: UNTIL, lambda: None, None, finish=False)  # type: ignore[arg-type]
    assert state(connect(path)) is State.READY


def test_one_without_an_end_waits_for_somebody(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, [ANN], hold="odd")
    assert holds.end_timed(conn, 1e12) == 0 and state(conn) is State.HELD
    assert do(conn, QueueAction.RELEASE, id_) == QueueChange(1, 0, 0)


def test_a_hold_whose_end_is_past_holds_nothing(conn: sqlite3.Connection) -> None:
    put(conn, [ANN], hold=Hold("odd", NOW))
    assert state(conn) is State.READY
    assert conn.execute("SELECT held_by, held_until, hold_reason FROM recipient").fetchone() == (0, None, "")


def test_many_end_in_short_transactions(conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "CHUNK", 2)
    put(conn, [f"u{n}@x.example" for n in range(5)], hold=Hold("odd", UNTIL))
    put(conn, [f"v{n}@x.example" for n in range(3)], hold=Hold("odd", UNTIL + 9), random=1)
    assert holds.end_timed(conn, UNTIL) == 5
    assert column(conn, "SELECT state FROM recipient ORDER BY submission_id, number") == [0] * 5 + [1] * 3


def test_those_with_an_end_are_found_without_reading_the_queue(conn: sqlite3.Connection) -> None:
    plan = conn.execute(f"EXPLAIN QUERY PLAN {holds.ENDED}", (NOW, 9)).fetchall()
    told = [row[3].replace("COVERING ", "") for row in plan]  # what newer releases of SQLite call it
    assert told == ["SEARCH recipient USING INDEX recipient_held_until (held_until<?)"]


def test_nothing_to_end_waits_for_no_lock(tmp_path: Path, conn: sqlite3.Connection) -> None:
    put(conn, [ANN], hold=Hold("odd", UNTIL))
    reader = connect(tmp_path / "relay.db")
    reader.execute("PRAGMA busy_timeout = 0")
    conn.execute("BEGIN IMMEDIATE")
    assert holds.end_timed(reader, UNTIL - 1) == 0


def test_a_time_that_the_tenant_named_is_kept(conn: sqlite3.Connection) -> None:
    """A release, by whomever, is no reason to send before the time that Relay-Send-At names."""
    id_, done = put(conn, [ANN], due_at=NOW + 86_400, hold=Hold("odd", UNTIL), campaign="autumn", stage=NONE_AT_ONCE)
    other, _ = put(conn, ["b@x.example"], due_at=NOW + 86_400, hold="odd", random=1)
    assert holds.end_timed(conn, UNTIL) == 1
    do(conn, QueueAction.RELEASE, other)
    assert column(conn, "SELECT DISTINCT due_at FROM recipient WHERE state = 0") == [NOW + 86_400]
    assert done.campaign_id is not None and id_ != other


def test_what_was_tried_and_held_is_due_when_it_is_let_go(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, [ANN])
    conn.execute("UPDATE recipient SET attempts = 1, due_at = ?", (NOW + 86_400,))
    do(conn, QueueAction.HOLD, id_)
    do(conn, QueueAction.RELEASE, id_)
    assert column(conn, "SELECT due_at FROM recipient") == [LATER]


# --- several at once -------------------------------------------------------------------

Ends = dict[str, Callable[[sqlite3.Connection, int], Any]]
ENDS: Ends = {
    "policy": lambda conn, id_: holds.end_timed(conn, LATER),
    "campaign": lambda conn, id_: released(conn),
    "freeze": lambda conn, id_: thawed(conn),
    "operator": lambda conn, id_: do(conn, QueueAction.RELEASE, id_),
}


def thawed(conn: sqlite3.Connection) -> None:
    freeze(conn, "none")
    thaw(conn, LATER)


def released(conn: sqlite3.Connection) -> None:
    with transaction(conn):
        verdicts.release(conn, 1, "root", "", LATER)


def held_by_all(conn: sqlite3.Connection) -> int:
    """A copy that a policy holds until a time, whose campaign is staged, whose tenant is frozen, and the operator."""
    id_, _ = put(conn, [ANN], campaign="autumn", stage=NONE_AT_ONCE, hold=Hold("odd", UNTIL))
    assert do(conn, QueueAction.HOLD, id_, NOW, "a look at it") == QueueChange(1, 0, 0)
    freeze(conn, "all")
    conn.execute("UPDATE recipient SET held_by = (held_by | ?)", (FREEZE,))
    assert column(conn, "SELECT held_by FROM recipient") == [POLICY | CAMPAIGN | FREEZE | OPERATOR]
    return id_


@pytest.mark.parametrize("order", list(itertools.permutations(ENDS)), ids="-".join)
def test_a_copy_goes_only_when_all_holds_have_ended(conn: sqlite3.Connection, order: tuple[str, ...]) -> None:
    id_ = held_by_all(conn)
    # The operator's release ends a policy's hold too, as people may: that is said, and never more than that.
    left = set(ENDS)
    for who in order:
        ENDS[who](conn, id_)
        left -= {who, "policy"} if who == "operator" else {who}
        assert [one.by for one in held.of_message(conn, id_).get(0, [])] == [who for who in ENDS if who in left]
        assert state(conn) is (State.HELD if left else State.READY), (who, left)
    assert len(lease_all(conn, "w", LATER, 9)) == 1


def test_a_release_says_what_still_holds(conn: sqlite3.Connection) -> None:
    id_ = held_by_all(conn)
    assert do(conn, QueueAction.RELEASE, id_) == QueueChange(0, 0, 1, 1, lifted=1)
    assert column(conn, "SELECT held_by FROM recipient") == [CAMPAIGN | FREEZE]
    assert do(conn, QueueAction.RELEASE, id_) == QueueChange(0, 0, 1, 1)


def test_a_release_knows_what_the_re_check_would_hold_for(conn: sqlite3.Connection) -> None:
    """Released while its tenant is frozen, or its campaign stopped, it would be held again a moment later."""
    id_, _ = put(conn, [ANN], hold=Hold("odd", UNTIL), campaign="autumn")
    freeze(conn, "bulk")
    assert do(conn, QueueAction.RELEASE, id_) == QueueChange(0, 0, 0, 1, lifted=1)
    freeze(conn, "none")
    with transaction(conn):
        conn.execute("UPDATE campaign SET state = 'stopped'")
    assert thaw(conn, LATER) == 1
    do(conn, QueueAction.HOLD, id_)
    assert do(conn, QueueAction.RELEASE, id_) == QueueChange(0, 0, 1, 0, lifted=1)
    released(conn)
    assert state(conn) is State.READY


def test_the_operator_can_hold_what_would_go_by_itself(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, [ANN], hold=Hold("odd", UNTIL))
    assert do(conn, QueueAction.HOLD, id_, NOW, "not before I saw it") == QueueChange(1, 0, 0)
    assert do(conn, QueueAction.HOLD, id_, NOW) == QueueChange(0, 0, 0)
    assert holds.end_timed(conn, UNTIL) == 1
    assert (state(conn), one(conn, "SELECT held_by FROM recipient")) == (State.HELD, OPERATOR)
    assert column(conn, "SELECT status FROM recipient") == ["not before I saw it"]


def test_a_thaw_counts_what_goes(conn: sqlite3.Connection) -> None:
    put(conn, [ANN, "b@x.example"])
    conn.execute("UPDATE recipient SET state = 1, held_by = ?", (FREEZE,))
    conn.execute("UPDATE recipient SET held_by = ? WHERE number = 1", (FREEZE | OPERATOR,))
    assert thaw(conn, LATER) == 1
    assert column(conn, "SELECT held_by FROM recipient ORDER BY number") == [0, OPERATOR]


def test_a_declined_campaign_takes_all_along(conn: sqlite3.Connection) -> None:
    held_by_all(conn)
    with transaction(conn):
        verdicts.decline(conn, 1, "root", "spam", LATER)
    assert conn.execute("SELECT state, held_by, held_until FROM recipient").fetchone() == (6, 0, None)


def test_a_re_check_s_hold_has_its_end_and_its_words(conn: sqlite3.Connection) -> None:
    put(conn, [ANN])
    with transaction(conn):
        (lease,) = lease_all(conn, "w", NOW, 1)
        result = Result(
            lease, State.HELD, NOW + 1, "quiet hours", hold_reason="quiet hours", held_by=POLICY, held_until=UNTIL
        )
        complete(conn, [result], lambda c, r: None)
    (found,) = held.of_message(conn, lease.submission.id)[0]
    assert (found.by, found.why, found.until) == ("policy", "quiet hours", UNTIL)
    assert holds.end_timed(conn, UNTIL) == 1
    (again,) = lease_all(conn, "w", LATER, 1)
    with transaction(conn):
        complete(conn, [Result(again, State.DELIVERED, LATER)], lambda c, r: None)
    assert conn.execute("SELECT state, held_by, hold_reason FROM recipient").fetchone() == (2, 0, "")


# --- the clock ----------------------------------------------------------------------------


@pytest.mark.parametrize("by", [10 * 86_400.0, -10 * 86_400.0, 3600.0])
def test_a_clock_that_was_set_leaves_holds_as_long_as_they_were(conn: sqlite3.Connection, by: float) -> None:
    put(conn, [f"u{n}@x.example" for n in range(holds.STEP + 3)], hold=Hold("odd", UNTIL))
    put(conn, [ANN], hold="for good", random=1)
    assert holds.clock_set(conn, by) == holds.STEP + 3
    assert column(conn, "SELECT DISTINCT held_until FROM recipient ORDER BY 1") == [None, UNTIL + by]


# --- what people are told -------------------------------------------------------------------


def test_each_hold_says_who_why_until_when_and_what_ends_it(conn: sqlite3.Connection) -> None:
    id_ = held_by_all(conn)
    shown = encode_id(id_)
    told = [(one.by, one.why, one.until, one.ends) for one in held.of_message(conn, id_)[0]]
    assert told == [
        ("policy", "odd", UNTIL, held.AT_ONCE),
        ("campaign", "campaign 1 is staged", None, "the verdict: relay campaign release 1, or decline 1"),
        ("freeze", "complaints", None, "relay tenant unfreeze shop"),
        ("operator", "a look at it", None, f"relay queue release {shown}"),
    ]
    assert trace(conn, id_).copies[0].holds == tuple(held.of_message(conn, id_)[0])
    (row,) = copies(conn, id_)
    assert row.reason == "odd + staged + frozen + operator: a look at it"
    assert stats(conn).held == {"odd + staged + frozen + operator": 1}


@pytest.mark.parametrize(
    ("change", "why", "until", "ends"),
    [
        (
            "state = 'staged'",
            "campaign 1 is staged: new here",
            None,
            "the verdict, 6 h after its first part was tried: ",
        ),
        (
            f"state = 'watching', window_started_at = {NOW}",
            "campaign 1 is staged: new here",
            NOW + 21_600,
            "the verdict then, or sooner: ",
        ),
        ("state = 'stopped', why = 'dead addresses'", "campaign 1 is stopped: dead addresses", None, ""),
        ("state = 'undecided', why = 'few figures'", "campaign 1 is undecided: few figures", None, ""),
    ],
)
def test_a_stage_says_until_when(
    conn: sqlite3.Connection, change: str, why: str, until: float | None, ends: str
) -> None:
    agree(conn, ANN)
    id_, _ = put(conn, [ANN], campaign="autumn", stage=NONE_AT_ONCE)
    conn.execute(f"UPDATE campaign SET reason = 'new here', {change}")
    by_hand = "relay campaign release 1, or decline 1"
    (one,) = held.of_message(conn, id_, StageTerms(21_600.0))[0]
    assert (one.by, one.why, one.until, one.ends) == ("campaign", why, until, ends + by_hand)
    (whole,) = held.of_campaign(conn, 1, StageTerms(21_600.0))
    assert (whole.why, whole.until, whole.ends) == (why, until, ends + by_hand)


def test_a_freeze_is_told_though_it_came_later(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, [ANN], hold=Hold("odd", UNTIL))
    freeze(conn, "bulk")
    assert [one.by for one in held.of_message(conn, id_)[0]] == ["policy", "freeze"]


def test_a_campaign_s_holds_are_added_up(conn: sqlite3.Connection) -> None:
    for name in range(4):
        agree(conn, f"u{name}@x.example")
    put(conn, [f"u{n}@x.example" for n in range(4)], campaign="autumn", stage=NONE_AT_ONCE)
    put(conn, [ANN], campaign="autumn", stage=NONE_AT_ONCE, hold=Hold("odd", UNTIL), random=1)
    put(conn, ["b@x.example"], campaign="autumn", stage=NONE_AT_ONCE, hold=Hold("odd", UNTIL + 60), random=2)
    found = [(one.by, one.why, one.until, one.copies) for one in held.of_campaign(conn, 1)]
    assert found == [("campaign", "campaign 1 is staged", None, 6), ("policy", "odd", UNTIL + 60, 2)]
    assert held.of_campaign(conn, 99) == []


def test_the_story_tells_of_a_hold_that_has_ended(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, [ANN], hold=Hold("odd", UNTIL))
    holds.end_timed(conn, LATER)
    (accepted,) = trace(conn, id_).steps
    assert accepted.why == "1 recipient, 1 held (odd until 2026-09-21T15:13:20Z)"


# --- rows of before ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "campaign", "bits", "kept"),
    [
        ("staged", "staged", CAMPAIGN, ""),
        ("frozen", "", FREEZE, ""),
        ("operator", "watching", OPERATOR, ""),
        ("damaged", "", DAMAGE, ""),
        ("content looks odd", "", POLICY, "content looks odd"),
        ("content looks odd", "released", POLICY, "content looks odd"),
        ("content looks odd", "watching", POLICY | CAMPAIGN, "content looks odd"),
    ],
)
def test_rows_of_an_earlier_release_keep_what_holds_them(
    tmp_path: Path, reason: str, campaign: str, bits: int, kept: str
) -> None:
    conn = open_shop(tmp_path / "relay.db")
    put(conn, [ANN], campaign="autumn" if campaign else "")
    # As it was: without the columns, with a word for each.
    conn.executescript(
        "DROP INDEX recipient_held_until; DROP INDEX recipient_braked; DROP INDEX recipient_held;"
        " ALTER TABLE recipient DROP COLUMN held_by;"
        f" ALTER TABLE recipient DROP COLUMN held_until; UPDATE recipient SET state = 1, hold_reason = '{reason}';"
        f" UPDATE campaign SET state = '{campaign}'"
    )
    text = (Path(migrate.__globals__["__file__"]).parent / "migrations" / "0083_holds.sql").read_text()
    conn.executescript(text)
    assert conn.execute("SELECT held_by, hold_reason, held_until FROM recipient").fetchone() == (bits, kept, None)
    assert len(re.findall("CREATE INDEX", text)) == 1


def test_widening_a_stage_frees_nothing_that_others_hold(conn: sqlite3.Connection) -> None:
    put(conn, [f"u{n}@x.example" for n in range(20)], campaign="autumn", stage=NONE_AT_ONCE)
    conn.execute("UPDATE recipient SET held_by = (held_by | ?) WHERE number < 10", (OPERATOR,))
    with transaction(conn):
        assert verdicts.widen(conn, 1, 10, 10, "root", "all of it", LATER) == 10
    assert column(conn, "SELECT DISTINCT held_by FROM recipient WHERE state = 1") == [OPERATOR | CAMPAIGN]
    assert column(conn, "SELECT count(*) FROM recipient WHERE state = 0 AND held_by = 0") == [10]
