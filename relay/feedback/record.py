"""Writing down what came back, inside the caller's transaction.

Everything here is idempotent: the same bounce, complaint or unsubscribe told
twice is recorded once, and one recipient counts once in its campaign.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from relay.campaigns import counts
from relay.events import write as events
from relay.feedback import essential
from relay.feedback.analyse import FeedbackKind, Finding
from relay.keys.tokens import Mark
from relay.people import apart, consents, doubts, suppressions
from relay.queue.operator import Operator, call
from relay.queue.returned import came_back
from relay.store.contract import Tx
from relay.values.facts import Reason

MAX_EVENTS = 20
"""Events kept of one recipient's feedback, then only new kinds; whoever holds a tag can't fill the store."""

MANY_APART = 10
DAY_S = 86_400.0
UNPROVED = "unproved"
"""Kind of the event for a report on a shared copy: it is told, and changes nothing (R25)."""

_FAILURES = (FeedbackKind.HARD, FeedbackKind.SOFT)
_KINDS = tuple(kind.value for kind in FeedbackKind if kind is not FeedbackKind.NOTHING)
_EARLIER = f"""
SELECT kind, detail FROM event WHERE submission_id = ? AND number = ? AND kind IN ({",".join("?" * len(_KINDS))})
"""


@dataclass(frozen=True, slots=True)
class Item:
    """What one message means for one recipient: a finding, or an unsubscription."""

    mark: Mark
    finding: Finding | None
    """None: the person asks to be unsubscribed."""
    evidence: tuple[tuple[str, str], ...] = ()
    unproved: bool = False
    """It is about a copy that several shared: each of them could have written it in another's name."""

    @property
    def says(self) -> str:
        """The kind of event that it is, or would be."""
        return "unsubscribed" if self.finding is None else self.finding.kind.value


def address_of(conn: Tx, subscriber_id: int) -> str | None:
    """Canonical address of a subscriber, None if it was erased."""
    row = conn.execute("SELECT address FROM subscriber WHERE id = ?", (subscriber_id,)).fetchone()
    return None if row is None else str(row[0])


def sharers(conn: Tx, submission_id: int) -> list[tuple[int, int, str]]:
    """(number, subscriber id, address) of all recipients of a submission whose copies may be shared."""
    return conn.execute(
        "SELECT r.number, r.subscriber_id, r.address FROM recipient r JOIN submission s ON s.id = r.submission_id"
        " WHERE r.submission_id = ? AND s.shared = 1 ORDER BY r.number",
        (submission_id,),
    ).fetchall()


def record(conn: Tx, item: Item, now: float, operator: Operator | None = None) -> bool:
    """Write one item; True if it changed anything. Unknown (erased) subscribers change nothing.

    ``operator``: as whom the relay writes to a tenant whose essential mail was complained about.
    """
    mark = item.mark
    if item.unproved:
        return _unproved(conn, item, now)
    row = conn.execute("SELECT tenant_id FROM subscriber WHERE id = ?", (mark.subscriber_id,)).fetchone()
    if row is None:
        return False
    tenant_id = int(row[0])
    if item.finding is None:
        return consents.withdraw(
            conn,
            tenant_id,
            mark.subscriber_id,
            topic_id=mark.topic_id,
            means="mail",
            now=now,
            evidence=dict(item.evidence),
            submission_id=mark.submission_id,
            number=mark.number,
        )
    if item.finding.kind is FeedbackKind.NOTHING:
        return False
    return _finding(conn, tenant_id, mark, item.finding, now, operator)


def repeated(conn: Tx, operator: Operator, submission_id: int, now: float) -> None:
    """Call the operator where reports on shared copies name many of a tenant's people: somebody may be forging them."""
    row = conn.execute(
        "SELECT t.id, t.name FROM submission s JOIN tenant t ON t.id = s.tenant_id WHERE s.id = ?", (submission_id,)
    ).fetchone()
    if row is None or apart.lately(conn, row[0], now - DAY_S) < MANY_APART:
        return
    call(
        conn,
        operator,
        f"unproved:{row[1]}",
        f"many reports on shared copies of {row[1]}",
        [
            f"In a day reports on messages that several people got in one copy named {MANY_APART} or more of"
            f" {row[1]}'s recipients as dead or complaining. Each of those who got the copy could have written them, so"
            " they suppressed nobody; the tenant sees them as events of the kind `unproved`.",
            "What these people get next goes to each of them alone, so that what comes back then counts. If it does not"
            " come back, somebody forges reports: `relay trace` of the messages shows when, and the log from where.",
        ],
        now=now,
        once_s=DAY_S,
    )


def _unproved(conn: Tx, item: Item, now: float) -> bool:
    """Tell the tenant, once a recipient and kind; what the person gets next goes to it alone, and proves something."""
    mark, finding = item.mark, item.finding
    if finding is not None and finding.kind not in (*_FAILURES, FeedbackKind.COMPLAINT):
        return False
    row = conn.execute("SELECT tenant_id, campaign_id FROM submission WHERE id = ?", (mark.submission_id,)).fetchone()
    if row is None:
        return False
    number = mark.number if mark.subscriber_id else None
    told = conn.execute(
        "SELECT detail FROM event WHERE submission_id = ? AND coalesce(number, -1) = ? AND kind = ?",
        (mark.submission_id, -1 if number is None else number, UNPROVED),
    )
    detail = {"says": item.says, **({} if finding is None else _detail(finding))}
    # By source too: a forged report must not use up the letter that the page sends.
    key = (item.says, detail.get("source") == "page")
    if any((old.get("says"), old.get("source") == "page") == key for old in (json.loads(row) for (row,) in told)):
        return False
    events.of_copy(conn, row[0], UNPROVED, mark.submission_id, number, row[1], detail, now)
    if mark.subscriber_id:
        apart.keep(conn, int(row[0]), mark.subscriber_id, now)
    return True


def _finding(conn: Tx, tenant_id: int, mark: Mark, finding: Finding, now: float, operator: Operator | None) -> bool:
    earlier = _earlier(conn, mark)
    kinds = {kind for kind, _ in earlier}
    if _known(earlier, finding) or (len(earlier) >= MAX_EVENTS and finding.kind in kinds):
        return False
    row = conn.execute(
        "SELECT campaign_id FROM submission WHERE id = ? AND tenant_id = ?", (mark.submission_id, tenant_id)
    ).fetchone()
    campaign_id = None if row is None else row[0]
    detail = _detail(finding)
    counted = bool(kinds & set(_FAILURES))
    if finding.kind in _FAILURES:
        status = f"{finding.status} {finding.diagnostic}".strip()[:500]
        back = came_back(conn, mark.submission_id, mark.number, mark.subscriber_id, status, now)
        counted = back.failed or counted
        if back.delivered and campaign_id is not None:
            counts.ended(conn, campaign_id, -1, 1, 0, -int(back.blind))
    amount = 0 if finding.kind is FeedbackKind.HARD else 1  # bounces are counted as the copies end, or come back
    complains = finding.kind is FeedbackKind.COMPLAINT
    if (complains and not _suppress(conn, mark, Reason.COMPLAINT, finding, now)) or counted:
        detail["again"] = True  # of a copy that had failed, or a person who had complained
    kind = finding.kind.value
    events.of_copy(conn, tenant_id, kind, mark.submission_id, mark.number, campaign_id, detail, now, amount)
    if complains:
        essential.complained(conn, tenant_id, mark, finding.type, operator, now)
        if campaign_id is not None and FeedbackKind.COMPLAINT not in kinds:
            counts.complained(conn, campaign_id)
    if finding.dead or (finding.doubt and _again(conn, mark, finding.doubt, now)):
        _suppress(conn, mark, Reason.HARD_BOUNCE, finding, now)
    return True


def _earlier(conn: Tx, mark: Mark) -> list[tuple[str, str]]:
    """Kind and status of the events that feedback wrote for this recipient."""
    rows = conn.execute(_EARLIER, (mark.submission_id, mark.number, *_KINDS))
    return [(kind, str(json.loads(detail or "{}").get("status", ""))) for kind, detail in rows]


def _known(earlier: list[tuple[str, str]], finding: Finding) -> bool:
    if finding.kind in (FeedbackKind.HARD, FeedbackKind.SOFT, FeedbackKind.DELAYED):
        return (finding.kind.value, finding.status) in earlier
    return any(kind == finding.kind for kind, _ in earlier)


def _detail(finding: Finding) -> dict[str, object]:
    detail: dict[str, object] = {
        "type": finding.type,
        "status": finding.status,
        "code": finding.reply,
        "diagnostic": finding.diagnostic,
        "remote": finding.remote,
        "source": finding.source,
    }
    kept = {name: value for name, value in detail.items() if value or name == "status"}
    if finding.kind in _FAILURES:
        kept["hard"] = finding.kind is FeedbackKind.HARD
    return kept


def _suppress(conn: Tx, mark: Mark, reason: Reason, finding: Finding, now: float) -> bool:
    """Whether it is new."""
    detail = f"{finding.status} {finding.diagnostic}".strip() if finding.diagnostic else finding.type
    return suppressions.add(conn, mark.subscriber_id, reason, detail=detail[:200], now=now)


def _again(conn: Tx, mark: Mark, doubt: str, now: float) -> bool:
    """Whether the same was said of the person before."""
    address = address_of(conn, mark.subscriber_id) or ""
    return doubts.again(conn, mark.subscriber_id, address.rpartition("@")[2], doubt, now)
