"""Domains are looked at every day: is what proves them the tenant's still in DNS (R14)?

One whose records are gone is told at once (event ``domain.failing``, letter) and
goes on for a grace time, then it isn't the tenant's any more: new mail is refused, what waits is
held, and all goes on by itself once the records are back. A look-up that fails
says nothing. Domains that the operator vouched for are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.conduct import letters, statements
from relay.conduct.statements import Statement
from relay.events import write as events
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.tenants import domain_check, domains, tenants
from relay.tenants.domain_check import RecordFinding, RecordState
from relay.tenants.domains import DomainRow
from relay.tenants.lookup import RecordLookup

if TYPE_CHECKING:
    from config.settings import Settings

ACTOR: Final = "relay"
MOST: Final = 200
"""Domains looked at in one turn."""
SOON_S: Final = 3600.0
"""One that fails is looked at so often."""


@dataclass(frozen=True, slots=True)
class WatchedDomain:
    """Times in seconds UTC."""

    id: int
    failing_at: float | None
    lost_at: float | None


def due(conn: Tx, every_s: float, now: float) -> list[WatchedDomain]:
    """Those proved by DNS, or lost, that were not looked at for so long; a clock that was set back counts as that."""
    rows = conn.execute(
        "SELECT d.id, w.failing_at, w.lost_at FROM domain d LEFT JOIN domain_watch w ON w.domain_id = d.id"
        " WHERE d.removed_at IS NULL AND (d.verified_at IS NOT NULL AND d.verified_by = 'dns' OR w.lost_at IS NOT NULL)"
        " AND (w.checked_at IS NULL OR w.checked_at > ?1"
        " OR w.checked_at <= ?1 - CASE WHEN w.failing_at IS NULL THEN 0.0 + ?2 ELSE 0.0 + ?3 END)"
        " ORDER BY coalesce(w.checked_at, 0), d.id LIMIT ?4",
        (now, every_s, min(every_s, SOON_S), MOST),
    )
    return [WatchedDomain(*row) for row in rows]


def look(
    conn: Tx, operator: Operator, settings: Settings, lookup: RecordLookup, watched: WatchedDomain, now: float
) -> bool:
    """One domain, in a transaction of its own after the look-ups; True if held copies may go again."""
    domain = domains.by_id(conn, watched.id)
    findings = domain_check.check(domains.records(conn, settings, domain), lookup)
    needed = [one for one in findings if one.record.purpose in ("verification", "dkim")]
    proved = domain_check.proves(findings)
    unknown = not proved and any(one.state is RecordState.UNKNOWN for one in needed)
    with transaction(conn):
        failing_at, lost_at = watched.failing_at, watched.lost_at
        back = False
        if proved:
            back = lost_at is not None
            if failing_at is not None:
                _recovered(conn, operator, domain, back, now)
            failing_at = lost_at = None
        elif not unknown and failing_at is None:
            failing_at = now
            _failing(conn, operator, domain, needed, now + settings.domains.grace, now)
        elif not unknown and lost_at is None and now - (failing_at or now) >= settings.domains.grace:
            lost_at = now
            _lost(conn, operator, domain, needed, now)
        conn.execute(
            "INSERT INTO domain_watch (domain_id, checked_at, failing_at, lost_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (domain_id) DO UPDATE SET checked_at = excluded.checked_at,"
            " failing_at = excluded.failing_at, lost_at = excluded.lost_at",
            (domain.id, now, failing_at, lost_at),
        )
        for one in findings:
            if one.record.purpose == "links" and one.state is not RecordState.UNKNOWN:
                domains.mark_links(conn, domain, one.state is RecordState.OK, now)
    return back


def forget(conn: Tx) -> int:
    """Rows of domains that are gone."""
    return conn.execute("DELETE FROM domain_watch WHERE domain_id NOT IN (SELECT id FROM domain)").rowcount


def _failing(
    conn: Tx, operator: Operator, domain: DomainRow, needed: list[RecordFinding], until: float, now: float
) -> None:
    told = [{"name": f.record.name, "type": f.record.type, "state": f.state.value} for f in _wrong(needed)]
    detail = {"domain": domain.name, "records": told, "until": until}
    events.of_account(conn, domain.tenant_id, "domain.failing", detail, now)
    _tell(conn, operator, domain, "domain_failing", needed, now, until)


def _lost(conn: Tx, operator: Operator, domain: DomainRow, needed: list[RecordFinding], now: float) -> None:
    domains.lose(conn, domain, actor=ACTOR, now=now)
    events.of_account(conn, domain.tenant_id, "domain.lost", {"domain": domain.name}, now)
    statements.end(conn, domain.tenant_id, ("domain_failing",), f"domain:{domain.name}", actor=ACTOR, now=now)
    _tell(conn, operator, domain, "domain_lost", needed, now)


def _recovered(conn: Tx, operator: Operator, domain: DomainRow, was_lost: bool, now: float) -> None:
    if was_lost:
        domains.mark_verified(conn, domain, "dns", actor=ACTOR, now=now)
    events.of_account(conn, domain.tenant_id, "domain.recovered", {"domain": domain.name}, now)
    ended = ("domain_failing", "domain_lost")
    statements.end(conn, domain.tenant_id, ended, f"domain:{domain.name}", actor=ACTOR, now=now)


def _tell(
    conn: Tx,
    operator: Operator,
    domain: DomainRow,
    action: str,
    needed: list[RecordFinding],
    now: float,
    until: float | None = None,
) -> Statement:
    facts: list[dict[str, object]] = [
        {"fact": "record", "name": one.record.name, "type": one.record.type, "value": one.record.value}
        for one in _wrong(needed)
    ]
    if until is not None:
        facts.append({"fact": "until", "until": until})
    statement = statements.add(
        conn, domain.tenant_id, action, rule="R14", reason="", facts=facts, about=f"domain:{domain.name}",
        automatic=True, actor=ACTOR, now=now,
    )  # fmt: skip
    letters.tell(conn, operator, tenants.by_id(conn, domain.tenant_id), statement, now)
    return statement


def _wrong(needed: list[RecordFinding]) -> list[RecordFinding]:
    """Records that aren't there; of the keys none is named while one of them is."""
    signs = any(one.record.purpose == "dkim" and one.state is RecordState.OK for one in needed)
    return [one for one in needed if one.state is not RecordState.OK and not (signs and one.record.purpose == "dkim")]
