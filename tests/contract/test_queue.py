"""What every store must keep: all or nothing, stages, leases with fences, outcomes once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from relay.campaigns import campaigns
from relay.mail.status import refusal
from relay.pipeline.contract import Add, AddDistinct, Effect, Hold, Stage
from relay.queue import verdicts
from relay.queue.complete import complete
from relay.queue.count import Refused
from relay.queue.enqueue import enqueue
from relay.queue.lanes import waiting
from relay.queue.lease import LEASE_S, owners, take_back
from relay.queue.values import Claim, Lease, NewRecipient, NewSubmission, Result, Written
from relay.store.database import connect, migrate, transaction
from relay.values.facts import Recipient, Standing
from relay.values.states import State
from tests.support.leases import lease_all

pytestmark = pytest.mark.usefixtures("lots_in_order")

NOW = 1_790_000_000.0
QUOTA = "messages/2026-11"
FULL = refusal("quota-messages", "full")


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "relay.db"
    migrate(path)
    made = connect(path)
    made.execute(
        "INSERT INTO tenant (id, name, contact, plan_started_at, created_at) VALUES (1, 't', 'c@t.example', 0, 0)"
    )
    made.execute(
        "INSERT INTO stream (id, tenant_id, name, kind, consent, created_at) VALUES (1, 1, 's', 'bulk', 'required', 0)"
    )
    yield made
    made.close()


def new(
    submission_id: int = 1,
    count: int = 1,
    effects: tuple[Effect, ...] = (),
    *,
    first: int = 0,
    hold: Hold | None = None,
    campaign: str = "c",
) -> NewSubmission:
    people = [
        Recipient(f"r{first + i}@x.example", f"r{first + i}@x.example", "x.example", Standing()) for i in range(count)
    ]
    return NewSubmission(
        id=submission_id,
        tenant_id=1,
        stream_id=1,
        campaign=campaign,
        campaign_explicit=True,
        topic="news",
        reverse_path="b@t.example",
        message_id=f"<{submission_id}@t.example>",
        from_address="n@t.example",
        from_domain="t.example",
        subject="Hi",
        size_octets=10,
        accepted_at=NOW,
        due_at=NOW,
        expires_at=NOW + 1000,
        template=b"T",
        recipients=tuple(NewRecipient(p, {"reason": "r"}, effects, hold) for p in people),
    )


def put(conn: sqlite3.Connection, submission: NewSubmission, claim: Claim | None = None) -> tuple[State, ...]:
    with transaction(conn):
        return enqueue(conn, submission, claim).states


def states(conn: sqlite3.Connection) -> list[State]:
    return [State(r[0]) for r in conn.execute("SELECT state FROM recipient ORDER BY submission_id, number")]


def counter(conn: sqlite3.Connection, name: str) -> int:
    row = conn.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return row[0] if row else 0


def lease(conn: sqlite3.Connection, now: float = NOW, owner: str = "me", most: int = 100) -> list[Lease]:
    with transaction(conn):
        return lease_all(conn, owner, now, most)


def finish(conn: sqlite3.Connection, *results: Result) -> Written:
    told: list[Result] = []
    with transaction(conn):
        written = complete(conn, results, lambda _, r: told.append(r))
    assert all(r.state in (State.BOUNCED, State.EXPIRED) for r in told)
    return written


# --- enqueue -------------------------------------------------------------------


def test_a_limit_passed_in_the_commit_refuses_who_doesn_t_fit(conn: sqlite3.Connection) -> None:
    effects = (Add(QUOTA, 1, 3, FULL),)
    put(conn, new(1, 2, effects))
    with transaction(conn):
        stored = enqueue(conn, new(2, 2, effects), None)
    assert (len(stored.states), [status for _, status in stored.refused]) == (1, [FULL])
    assert counter(conn, QUOTA) == 3
    with pytest.raises(Refused) as caught:
        put(conn, new(3, 2, effects))
    assert caught.value.status == FULL
    assert counter(conn, QUOTA) == 3
    assert conn.execute("SELECT count(*) FROM submission").fetchone()[0] == 2, "where nobody is left nothing is kept"
    assert conn.execute("SELECT count(*) FROM body").fetchone()[0] == 2


def test_different_subscribers_are_counted_once(conn: sqlite3.Connection) -> None:
    effects = (AddDistinct("subscribers/2026-11", 3, FULL),)
    put(conn, new(1, 2, effects))
    put(conn, new(2, 2, effects))
    assert counter(conn, "subscribers/2026-11") == 2
    put(conn, new(3, 2, effects, first=1))
    assert counter(conn, "subscribers/2026-11") == 3
    with pytest.raises(Refused):
        put(conn, new(4, 1, effects, first=9))
    assert counter(conn, "subscribers/2026-11") == 3


def test_a_stage_lets_every_tenth_through_up_to_a_limit_across_submissions(conn: sqlite3.Connection) -> None:
    effects = (Stage(10, 3),)
    taken = list(put(conn, new(1, 15, effects)))
    taken += put(conn, new(2, 30, effects, first=15))
    assert [i + 1 for i, s in enumerate(taken) if s is State.READY] == [1, 11, 21]
    assert conn.execute("SELECT state, recipients, passed FROM campaign").fetchone() == ("staged", 45, 3)


def test_after_a_release_all_goes_and_after_a_decline_nothing_comes_in(conn: sqlite3.Connection) -> None:
    effects = (Stage(10, 1000), Add(QUOTA, 1, None, FULL))
    put(conn, new(1, 12, effects))
    with transaction(conn):
        verdicts.release(conn, 1, "admin", "fine", NOW)
    assert set(states(conn)) == {State.READY}
    assert set(put(conn, new(2, 12, effects))) == {State.READY}

    put(conn, new(3, 12, effects, campaign="d"))
    assert counter(conn, QUOTA) == 36
    with transaction(conn):
        verdicts.decline(conn, 2, "admin", "spam", NOW)
    assert states(conn)[24:].count(State.DECLINED) == 10
    assert counter(conn, QUOTA) == 26
    with pytest.raises(Refused, match="campaign-declined"):
        put(conn, new(4, 1, effects, campaign="d"))
    assert counter(conn, QUOTA) == 26


def test_a_policy_s_hold_is_kept_with_its_reason(conn: sqlite3.Connection) -> None:
    assert put(conn, new(hold=Hold("content"))) == (State.HELD,)
    assert conn.execute("SELECT hold_reason FROM recipient").fetchone()[0] == "content"


# --- leases --------------------------------------------------------------------


def end_leases(conn: sqlite3.Connection) -> None:
    with transaction(conn):
        take_back(conn, owners(conn), NOW)


def test_a_lease_is_exclusive_until_it_ends(conn: sqlite3.Connection) -> None:
    put(conn, new(1, 3))
    first = lease(conn)
    assert [x.number for x in first] == [0, 1, 2] and first[0].slots == {"reason": "r"}
    assert lease(conn, owner="other") == []
    assert [one.due_at for one in waiting(conn)] == [NOW + LEASE_S]
    assert lease(conn, NOW + 10 * 86_400, owner="other") == [], "whatever the clock says"
    end_leases(conn)
    again = lease(conn, owner="other")
    assert {x.fence for x in again} == {2}


def test_an_outcome_under_an_old_fence_changes_nothing(conn: sqlite3.Connection) -> None:
    put(conn, new())
    (old,) = lease(conn)
    end_leases(conn)
    (now_mine,) = lease(conn, owner="other")
    written = finish(conn, Result(old, State.BOUNCED, NOW, "550"))
    assert written.lost and not written.applied and states(conn) == [State.READY]
    finish(conn, Result(now_mine, State.DELIVERED, NOW, "250"))
    assert states(conn) == [State.DELIVERED]
    assert finish(conn, Result(now_mine, State.DELIVERED, NOW, "250")).lost


def test_the_acceptor_s_claim_is_a_lease_like_any_other(conn: sqlite3.Connection) -> None:
    put(conn, new(1, 2), Claim("me", NOW + LEASE_S))
    assert lease(conn) == []
    rows = conn.execute("SELECT owner, fence, due_at FROM recipient").fetchall()
    assert rows == [("me", 1, NOW + LEASE_S)] * 2


def test_a_dead_process_s_leases_come_back_at_start(conn: sqlite3.Connection) -> None:
    put(conn, new(1, 2), Claim("dead", NOW + LEASE_S))
    put(conn, replace(new(2, 1), due_at=NOW + 60))
    assert owners(conn) == ["dead"]
    with transaction(conn):
        assert take_back(conn, ["dead"], NOW + 5) == 2
    assert len(lease(conn, NOW + 5)) == 2


# --- outcomes --------------------------------------------------------------------


def test_bodies_go_with_the_last_copy_and_figures_follow(conn: sqlite3.Connection) -> None:
    put(conn, new(1, 3, (Stage(1, 100), Add(QUOTA, 1, None, FULL))))
    one, two, three = lease(conn)
    finish(conn, Result(one, State.DELIVERED, NOW + 1, "250", bulk=True))
    assert conn.execute("SELECT count(*) FROM body").fetchone()[0] == 1
    written = finish(
        conn,
        Result(two, State.BOUNCED, NOW + 2, "550 5.1.1 no", event="bounced", address_dead=True),
        Result(three, State.WITHDRAWN, NOW + 2, "550 5.7.1 unsubscribed", event="withdrawn"),
    )
    assert written.finished == [1]
    assert conn.execute("SELECT count(*) FROM body").fetchone()[0] == 0
    campaign = "SELECT state, delivered, bounced, tried, window_started_at FROM campaign"
    assert conn.execute(campaign).fetchone() == ("staged", 1, 1, 3, None)
    with transaction(conn):
        campaigns.begin_windows(conn, NOW + 9)  # all of the first part were tried once, or are taken back
    assert conn.execute(campaign).fetchone() == ("watching", 1, 1, 3, NOW + 9)
    assert counter(conn, "delivered/bulk") == 1
    assert counter(conn, QUOTA) == 2  # the withdrawn one was never sent
    assert conn.execute("SELECT reason FROM suppression").fetchall() == [("hard-bounce",)]


def test_a_doubted_address_is_suppressed_when_it_is_doubted_again_a_day_later(conn: sqlite3.Connection) -> None:
    for number, at, suppressed in ((1, NOW, 0), (2, NOW + 3600, 0), (3, NOW + 86_400, 1)):
        put(conn, new(number, 1))
        (one,) = lease(conn, at)
        finish(conn, Result(one, State.BOUNCED, at, "550 5.4.1 denied", event="bounced", doubt="unknown-address"))
        assert conn.execute("SELECT count(*) FROM suppression").fetchone() == (suppressed,)


def test_a_retry_is_due_later_and_keeps_count(conn: sqlite3.Connection) -> None:
    put(conn, new())
    (mine,) = lease(conn)
    finish(conn, Result(mine, State.READY, NOW, "451 later", event="deferred", due_at=NOW + 60, attempts=1))
    assert lease(conn, NOW + 59) == []
    (again,) = lease(conn, NOW + 60)
    assert (again.attempts, again.fence) == (1, 2)


def test_a_cancelled_copy_turns_the_late_outcome_away(conn: sqlite3.Connection) -> None:
    put(conn, new())
    (mine,) = lease(conn)
    conn.execute("UPDATE recipient SET state = ?, owner = NULL, fence = fence + 1", (int(State.CANCELLED),))
    assert finish(conn, Result(mine, State.DELIVERED, NOW, "250")).lost
