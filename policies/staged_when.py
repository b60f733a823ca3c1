"""When a known sender's mail is staged (R13): the list, the record, the size. Each with its figure and its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from policies.settings import PolicyTable
from relay.mail.status import UNEXPECTED
from relay.pipeline.contract import Add, Transaction
from relay.values.facts import Consent, Recipient, Record

DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class ListFacts:
    """What a message's recipients are, and what those of this day were; counted in recipients."""

    claimed: frozenset[Recipient]
    """On the list by the customer's word alone (grade C), and in no released campaign yet."""
    fresh: frozenset[Recipient]
    """Recorded lately otherwise, but by their own double opt-in, and in no released campaign yet."""
    claimed_today: int
    fresh_today: int
    all_today: int
    source: str
    """Of the first of the claimed or fresh ones."""


@dataclass(frozen=True, slots=True)
class WhenLimits:
    first: int
    new_s: float
    claimed_share: float
    fresh_share: float
    bounces: float
    complaints: float
    factor: float
    least: int

    @classmethod
    def read(cls, table: PolicyTable, first: int) -> WhenLimits:
        return cls(
            first=first,
            new_s=table.duration("new_list", 30 * DAY_S),
            claimed_share=table.number("claimed_percent", 10, 0.001, 100) / 100,
            fresh_share=table.number("new_list_percent", 50, 0.001, 100) / 100,
            bounces=table.number("poor_bounces_percent", 5, 0.001, 99) / 100,
            complaints=table.number("poor_complaints_percent", 0.3, 0.001, 99) / 100,
            factor=table.number("large_factor", 5, 1, 10**6),
            least=table.whole("large_least", 300, 1, 10**9),
        )

    def why(self, record: Record, found: ListFacts) -> str:
        """Why a sender with a released campaign is staged all the same; empty if it isn't."""
        for share, limit, what in (
            (record.bounces, self.bounces, "bounced"),
            (record.complaints, self.complaints, "was complained about"),
        ):
            if share >= limit:
                return f"{_percent(share)} of this sender's mail {what} in 30 days, {_percent(limit)} is poor"
        proof = "and were in no released campaign yet"
        if found.claimed and _many(found.claimed_today, found.all_today, self.first, self.claimed_share):
            who = f"{found.claimed_today} of this day's {found.all_today} recipients"
            return f"a new list: {who} are on it by the sender's word alone (grade C{found.source}), {proof}"
        if found.fresh and _many(found.fresh_today, found.all_today, self.first, self.fresh_share):
            who = f"{found.fresh_today} of this day's {found.all_today} recipients"
            return f"a new list: {who} were recorded in the last {self.new_s / DAY_S:.0f} days{found.source}, {proof}"
        if record.usual and found.all_today > max(self.least, self.factor * record.usual):
            return f"{found.all_today} recipients today, and {record.usual} were the most on any day of the last 90"
        return ""


def _many(count: int, of: int, first: int, share: float) -> bool:
    return count > first and count >= share * of


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def day_of(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"


def counted(name: str, day: str) -> Add:
    """One more recipient of the day; read back as ``Record.today`` and its like."""
    return Add(f"campaigns/{name}-{day}", 1, None, UNEXPECTED, gives_back=False)


def list_facts(txn: Transaction, topic: str, new_s: float) -> ListFacts:
    """Whom the message goes to; its own recipients are counted with those of the day before it."""
    record = txn.tenant.record
    claimed, fresh, source = set[Recipient](), set[Recipient](), ""
    for one in txn.recipients:
        standing = one.standing
        if standing.proved:
            continue
        consent = standing.consent(topic) or next((c for c in standing.consents if c.live), None)
        if consent is None or consent.recorded_at <= record.proven_at:
            continue
        if consent.grade == "C":
            claimed.add(one)
        elif consent.grade == "B" and txn.now - consent.recorded_at < new_s:
            fresh.add(one)
        else:
            continue
        source = source or _source(consent)
    return ListFacts(
        claimed=frozenset(claimed),
        fresh=frozenset(fresh),
        claimed_today=record.claimed_today + len(claimed),
        fresh_today=record.fresh_today + len(fresh),
        all_today=record.today + len(txn.recipients),
        source=source,
    )


def _source(consent: Consent) -> str:
    text = " ".join(consent.source.split())[:60]
    return f", “{text}”" if text else ""
