"""Watching a tenant that moves in: consent refusals are recorded, not yet given (R1).

For 14 days at most in all, by the operator alone, on record. Who unsubscribed
or is suppressed is refused as ever, and once it is over so is what still
waits for somebody without a consent (``policies/consent.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from relay.audit import actions
from relay.events import write as events
from relay.ledger import quota
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow
from relay.values.watch import ASKED, OTHERS, prefix

MOST_DAYS: Final = 14
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class WithoutConsent:
    """Recipients of mail on a topic whom the rules would refuse."""

    topic: str
    why: str
    recipients: int


@dataclass(frozen=True, slots=True)
class WatchReport:
    """What a watch has found so far; times in seconds UTC."""

    began_at: float
    ends_at: float
    running: bool
    asked: int
    """Recipients of mail that needs consent, without those who were refused."""
    would_be_refused: int
    why: tuple[WithoutConsent, ...]
    """The most frequent first."""

    @property
    def sentence(self) -> str:
        """For people."""
        found = f"{self.would_be_refused:,} of {self.asked:,} would be refused"
        if self.why:
            found += ": " + ", ".join(f"{one.recipients:,} {one.why}" for one in self.why)
        return f"{found}; {'until' if self.running else 'ended'} {_day(self.ends_at)}"


def begin(conn: Tx, tenant: TenantRow, days: int, *, actor: str, now: float) -> TenantRow:
    """Watch for so many days from now, or end it with 0; raises RegistryError past 14 days since it first began."""
    running = (tenant.watched_until or 0.0) > now
    if not 0 <= days <= MOST_DAYS:
        raise RegistryError(f"a tenant is watched for 1 to {MOST_DAYS} days; 0 ends it")
    if days == 0 and not running:
        raise RegistryError(f"{tenant.name} is not watched")
    began = now if tenant.watched_at is None else tenant.watched_at
    last = began + MOST_DAYS * DAY_S
    until = now + days * DAY_S
    if until > last:
        raise RegistryError(
            f"{tenant.name} was watched from {_day(began)} on, and {MOST_DAYS} days in all end {_day(last)}:"
            f" after that only people who agreed are mailed; import their consents with `relay consent import`"
        )
    conn.execute("UPDATE tenant SET watched_at = ?, watched_until = ? WHERE id = ?", (began, until, tenant.id))
    detail = {"days": days, "until": until} | ({"reason": f"until {_day(until)}"} if days else {})
    action = "tenant-watched" if days else "tenant-watch-ended"
    actions.record(conn, actor, action, tenant.id, detail, now)
    events.of_account(conn, tenant.id, action, detail | {"actor": actor}, now)
    return tenants.by_id(conn, tenant.id)


def report(conn: Tx, tenant: TenantRow, now: float) -> WatchReport | None:
    """None for a tenant that was never watched."""
    if tenant.watched_at is None or tenant.watched_until is None:
        return None
    start = prefix(tenant.watched_at)
    asked, found = 0, list[WithoutConsent]()
    for name, value in quota.counters(conn, tenant.id, start).items():
        why, _, topic = name.removeprefix(start).partition("/")
        if why == ASKED:
            asked = value
        elif value:
            said = f"agreed to other topics than {topic}" if why == OTHERS else f"gave no consent for {topic}"
            found.append(WithoutConsent(topic, said, value))
    found.sort(key=lambda one: (-one.recipients, one.topic, one.why))
    total = sum(one.recipients for one in found)
    return WatchReport(tenant.watched_at, tenant.watched_until, tenant.watched_until > now, asked, total, tuple(found))


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
