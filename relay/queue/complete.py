"""Writing down how attempts ended: the only way out of a lease.

Each result is applied only under the fence of its lease, so an owner that
lost its lease changes nothing. One call writes a whole batch in one
transaction; figures of a campaign or a tenant are added up first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from relay.campaigns import counts, sites
from relay.events import write as events
from relay.ledger import counters
from relay.people import doubts, suppressions
from relay.queue import unsent
from relay.queue.last import LAST_TYPE
from relay.queue.values import Result, Written
from relay.store.contract import Tx
from relay.values.facts import Reason
from relay.values.sandbox import SANDBOX
from relay.values.states import BOUNCED_EARLY, State

_EARLY: Final = f"?1 = {State.DELIVERED:d} AND hold_reason = '{BOUNCED_EARLY}'"
_APPLY: Final = (
    f"UPDATE recipient SET state = CASE WHEN {_EARLY} THEN {State.BOUNCED:d} ELSE ?1 END, owner = NULL,"
    " due_at = ?2, attempts = ?3,"
    f" status = CASE WHEN {_EARLY} THEN status ELSE ?4 END, remote = ?5, hold_reason = ?6, changed_at = ?7,"
    " held_by = ?11, held_until = ?12"
    " WHERE submission_id = ?8 AND number = ?9 AND fence = ?10 AND state = 0 AND owner IS NOT NULL"
)
Notify = Callable[[Tx, Result], None]
"""Called inside the transaction for a result with a report, to enqueue a notice where one is wanted."""


def complete(conn: Tx, results: Sequence[Result], notify: Notify) -> Written:
    """Apply the results of one batch."""
    written = Written()
    closed: Counter[int] = Counter()
    delivered: Counter[int] = Counter()
    bounced: Counter[int] = Counter()
    bulk: Counter[int] = Counter()
    tried: Counter[int] = Counter()
    blind: Counter[int] = Counter()
    tracked: Counter[int] = Counter()
    taken: list[events.ToldCopy] = []
    places: Counter[tuple[int, int, str, int]] = Counter()
    for result in results:
        if not _apply(conn, result):
            written.lost.append(result)
            continue
        written.applied.append(result)
        submission = result.lease.submission
        if result.lease.domain == SANDBOX:
            closed[submission.id] += result.state is not State.READY
            _of_sandbox(conn, result)
            continue
        if result.state is not State.READY and result.state is not State.HELD:
            closed[submission.id] += 1
            first = not result.lease.attempts
        else:
            first = not result.lease.attempts and result.attempts > 0
        if first and submission.campaign_id is not None:
            tried[submission.campaign_id] += 1
        if result.event:
            events.of_copy(
                conn,
                submission.tenant_id,
                result.event,
                submission.id,
                result.lease.number,
                submission.campaign_id,
                {"status": result.status, "remote": result.remote, **result.detail},
                result.at,
                amount=1 if result.lease.subscriber_id else 0,  # the relay's own letters count nowhere
            )
        if result.report is not None:
            notify(conn, result)
        if result.state is State.DELIVERED:
            stream_id = submission.stream_id if result.lease.subscriber_id else 0  # of nobody's figures
            taken.append((submission.tenant_id, stream_id, submission.id, result.lease.number))
            if result.lease.subscriber_id:
                where = (submission.tenant_id, submission.stream_id, result.lease.domain, submission.campaign_id or 0)
                places[where] += 1
            if submission.campaign_id is not None:
                delivered[submission.campaign_id] += 1
                if sites.blind(result.lease.domain, result.remote):
                    blind[submission.campaign_id] += 1
                if result.tracked:
                    tracked[submission.campaign_id] += 1
            if result.bulk:
                bulk[submission.tenant_id] += 1
        elif result.state is State.EXPIRED and (not result.attempts or result.detail.get("type") == LAST_TYPE):
            # Its time was over before it could leave.
            _give_back(conn, result)
        elif result.state in (State.BOUNCED, State.EXPIRED):
            if submission.campaign_id is not None:
                bounced[submission.campaign_id] += 1
            if result.lease.subscriber_id:  # a notice's recipient is no subscriber
                _suppress(conn, result)
        elif result.state in (State.WITHDRAWN, State.DECLINED, State.CANCELLED):
            _give_back(conn, result)
    _figures(conn, delivered, bounced, tried, blind, tracked, bulk)
    _close(conn, closed, written)
    if taken:
        events.told(conn, events.DELIVERED, taken, results[0].at)
    if places:
        events.places(conn, places, results[0].at)
    return written


def _of_sandbox(conn: Tx, result: Result) -> None:
    """What is told of a copy that reached nobody; it counts nowhere."""
    submission, number = result.lease.submission, result.lease.number
    told = {"status": result.status, "remote": result.remote, **result.detail}
    kinds = [events.DELIVERED] if result.state is State.DELIVERED else []
    for kind in (*kinds, result.event) if result.event else kinds:
        events.of_copy(conn, submission.tenant_id, kind, submission.id, number, None, told, result.at, 0)


def _apply(conn: Tx, result: Result) -> bool:
    lease = result.lease
    return (
        conn.execute(
            _APPLY,
            (
                int(result.state),
                result.due_at,
                result.attempts,
                result.status,
                result.remote,
                result.hold_reason,
                result.at,
                lease.submission.id,
                lease.number,
                lease.fence,
                result.held_by,
                result.held_until,
            ),
        ).rowcount
        == 1
    )


def _give_back(conn: Tx, result: Result) -> None:
    lease = result.lease
    unsent.give_back(conn, lease.submission.tenant_id, lease.submission.id, [lease.subscriber_id])


def _suppress(conn: Tx, result: Result) -> None:
    """Where the address is dead, or was doubted before."""
    person = result.lease.subscriber_id
    if not result.address_dead and not (
        result.doubt and doubts.again(conn, person, result.lease.domain, result.doubt, result.at)
    ):
        return
    suppressions.add(conn, person, Reason.HARD_BOUNCE, detail=result.status, now=result.at)


def _figures(
    conn: Tx,
    delivered: Counter[int],
    bounced: Counter[int],
    tried: Counter[int],
    blind: Counter[int],
    tracked: Counter[int],
    bulk: Counter[int],
) -> None:
    for campaign_id in delivered.keys() | bounced.keys() | tried.keys():
        ends = delivered[campaign_id], bounced[campaign_id], tried[campaign_id], blind[campaign_id]
        counts.ended(conn, campaign_id, *ends, tracked[campaign_id])
    for tenant_id, number in bulk.items():
        counters.add(conn, tenant_id, "delivered/bulk", number)


def _close(conn: Tx, closed: Counter[int], written: Written) -> None:
    """Bodies are kept only until the last copy came to an end (R27)."""
    for submission_id, number in closed.items():
        left = conn.execute(
            "UPDATE submission SET open_recipients = open_recipients - ? WHERE id = ? RETURNING open_recipients",
            (number, submission_id),
        ).fetchone()
        if left is not None and left[0] <= 0:
            conn.execute("DELETE FROM body WHERE submission_id = ?", (submission_id,))
            written.finished.append(submission_id)
