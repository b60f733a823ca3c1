"""What commands show of a tenant: its account, how its mail fares, what was done about it and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from msgspec import structs

from relay.audit import actions
from relay.cli.common import Store
from relay.conduct import account, judge, rates, second_accounts, statements, tenant_notes
from relay.conduct.history import HISTORY
from relay.conduct.judge import Standpoint
from relay.ledger import quota
from relay.store.contract import Tx
from relay.store.database import reading
from relay.tenants import streams, tenants
from relay.tenants import watch as watching

if TYPE_CHECKING:
    from config.conduct import Rates

HISTORY_LENGTH = 50
MOST_STATEMENTS = 20


def details(store: Store, name: str, now: float) -> dict[str, object]:
    """Everything, as ``relay tenant show`` has it."""
    conn, settings = store.conn, store.settings
    tenant = tenants.find(conn, name)
    figures = quota.report(conn, tenant, settings.plans, now)
    history = actions.of_tenant(conn, tenant.id, HISTORY, HISTORY_LENGTH)
    with reading(conn):
        found = judge.standpoints(conn, tenant.id, settings.rates, now, rates.pending(conn))
    watch_found = watching.report(conn, tenant, now)
    fields = asdict(tenant)
    del fields["watched_at"], fields["watched_until"]
    return fields | {
        "watch": None if watch_found is None else asdict(watch_found),
        "plan_in_force": figures["plan"],
        "messages_used": figures["messages_used"],
        "messages_limit": figures["messages_limit"],
        "subscribers_used": figures["subscribers_used"],
        "subscribers_limit": figures["subscribers_limit"],
        "renews_at": figures["renews_at"],
        **_account(conn, tenant.id),
        "level": worst(found),
        "blind_percent": round(100 * found[0].counts.blind, 1),
        "streams": [structs.asdict(stream) for stream in streams.of_tenant(conn, tenant.id)],
        "rates": [rate_row(one, settings.rates) for one in found],
        "statements": [
            {"number": one.id, "at": one.at, "action": one.action, "about": one.about, "rule": one.rule,
             "reason": one.reason, "automatic": one.automatic, "answered_at": one.answered_at}
            for one in statements.listing(conn, tenant.id, limit=MOST_STATEMENTS)
        ],
        "notes": [asdict(one) for one in tenant_notes.listing(conn, tenant.id)],
        "history": [
            {"at": e.at, "action": e.action, "actor": e.actor, "reason": e.detail.get("reason", "")} for e in history
        ],
    }  # fmt: skip


def _account(conn: Tx, tenant_id: int) -> dict[str, object]:
    """As a customer: its contact, its end, and whom it resembles (R23)."""
    known = account.of(conn, tenant_id)
    return {
        "contact_state": known.contact_state,
        "contact_confirmed_at": known.contact_confirmed_at,
        "contact_by": known.contact_by,
        "origin": known.origin,
        "terminated_at": known.terminated_at,
        "resembles": [asdict(match) for match in second_accounts.of_tenant(conn, tenant_id)],
    }


def worst(found: list[Standpoint]) -> str:
    """The word for the highest level: fine, advice, review or pause."""
    return max(one.level for one in found).word


def rate_row(one: Standpoint, settings: Rates) -> dict[str, object]:
    """A rate as commands show it; percentages."""
    steps = rates.steps(settings, one.measure)
    return {
        "scope": one.counts.scope or "tenant",
        "name": one.counts.name,
        "measure": one.measure,
        "count": one.count,
        "of": one.of,
        "percent": one.percent,
        "level": one.level.word,
        "advice": round(steps.advice * 100, 3),
        "review": round(steps.review * 100, 3),
        "pause": round(steps.pause * 100, 3),
        "enough": one.of >= settings.least,
        "since_at": one.since,
    }
