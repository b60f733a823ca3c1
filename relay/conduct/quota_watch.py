"""The watch over plans: who has used most of what it may send is told, by event and by mail, once a period and mark.

It follows acceptances, and what it tells is in the commit that moves its
cursor: each mark is told exactly once, however the process ends, and no
message waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from relay.events import write as events
from relay.events.follow import Follower
from relay.ledger import quota
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import choose
from relay.values.errors import RegistryError
from relay.values.facts import Allowance
from relay.values.tenant import TenantRow

if TYPE_CHECKING:
    from config.settings import Settings

NAME: Final = "quota"
FULL: Final = 100
"""Percent: nothing is left."""


class QuotaMark(NamedTuple):
    """How far a tenant has come with one of its plan's limits."""

    measure: str
    """``messages`` or ``subscribers``."""
    used: int
    limit: int
    percent: int
    """The highest mark that was reached, not the exact share."""


def follower(settings: Settings, clock: Callable[[], float]) -> Follower:
    """To be run with the others (``events.follow.run``)."""
    operator = Operator.of(settings)

    def write(conn: Tx, tenant_ids: list[int]) -> None:
        for tenant_id in tenant_ids:
            look(conn, operator, settings, tenant_id, clock())

    return Follower(NAME, _read, write)


def _read(conn: Tx, after: int, until: int) -> list[int]:
    """Tenants whose mail was accepted meanwhile."""
    rows = conn.execute(
        "SELECT DISTINCT tenant_id FROM event WHERE id > ? AND id <= ? AND kind = 'accepted' AND tenant_id > 0"
        " ORDER BY tenant_id",
        (after, until),
    )
    return [int(row[0]) for row in rows]


def look(conn: Tx, operator: Operator, settings: Settings, tenant_id: int, now: float) -> list[QuotaMark]:
    """What is told anew of one tenant, in the caller's transaction."""
    try:
        tenant = tenants.by_id(conn, tenant_id)
    except RegistryError:
        return []  # gone meanwhile
    allowed = quota.allowance(conn, tenant, settings.plans, now)
    found = [mark for mark in _reached(conn, tenant, allowed, settings.quota.near) if _new(conn, tenant, allowed, mark)]
    for mark in found:
        detail = {**mark._asdict(), "plan": allowed.plan, "period": allowed.period, "renews_at": allowed.renews_at}
        events.of_account(conn, tenant.id, "quota.near", detail, now)
    if found:
        _tell(conn, operator, tenant, allowed, found, now)
    return found


def _reached(conn: Tx, tenant: TenantRow, allowed: Allowance, near: int) -> Iterator[QuotaMark]:
    used = quota.usage(conn, tenant.id, allowed.period)
    sides = (("messages", used.messages, allowed.messages), ("subscribers", used.subscribers, allowed.subscribers))
    for measure, amount, limit in sides:
        percent = next((one for one in (FULL, near) if limit and amount * 100 >= limit * one), 0)
        if limit and percent:
            yield QuotaMark(measure, amount, limit, percent)


def _new(conn: Tx, tenant: TenantRow, allowed: Allowance, mark: QuotaMark) -> bool:
    """Whether nothing as high was told in this period; then it is now."""
    done = conn.execute(
        "INSERT INTO quota_told (tenant_id, measure, period, percent) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, measure) DO UPDATE SET period = excluded.period, percent = excluded.percent"
        " WHERE quota_told.period <> excluded.period OR quota_told.percent < excluded.percent",
        (tenant.id, mark.measure, allowed.period, mark.percent),
    )
    return done.rowcount == 1


def _tell(
    conn: Tx, operator: Operator, tenant: TenantRow, allowed: Allowance, marks: list[QuotaMark], now: float
) -> None:
    language = choose(tenant.language)
    say = language.plain
    until = language.date(allowed.renews_at)
    lines = [
        say(
            f"quota.{'full' if mark.percent == FULL else 'near'}.{mark.measure}",
            used=mark.used, limit=mark.limit, plan=allowed.plan, date=until,
        )
        for mark in marks
    ]  # fmt: skip
    full = any(mark.percent == FULL for mark in marks)
    subject = say("quota.full.subject" if full else "quota.near.subject", tenant=tenant.shown, plan=allowed.plan)
    paragraphs = [say("mail.hello"), *lines, say("quota.todo", date=until)]
    to_tenant.tell(conn, operator, tenant.contact, language.code, subject, paragraphs, now=now, note="quota told")
