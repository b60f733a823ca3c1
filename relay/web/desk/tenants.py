"""``/desk/tenants``: customers, how they stand, and what the operator does to them, as ``relay tenant`` does it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts import logins
from relay.accounts.roles import Deed
from relay.audit import actions
from relay.campaigns import campaigns, record
from relay.conduct import (
    account,
    enforcement,
    judge,
    rates,
    second_accounts,
    statements,
    tenant_notes,
    termination,
)
from relay.conduct import history as conduct
from relay.ledger import plans, quota
from relay.queue.admin import QueueAction, Selection
from relay.queue.admin import act as queue_act
from relay.queue.thaw import thaw
from relay.registration import book as registrations
from relay.store.contract import Tx
from relay.tenants import domains, streams, tenants, terms
from relay.tenants.plan import change
from relay.values.errors import RegistryError
from relay.values.facts import Freeze
from relay.values.tenant import TenantRow
from relay.web.inside.gate import PageRequest, act, show

LENGTH: Final = 50
LATEST: Final = 10


def listing(asked: PageRequest) -> Response:
    """By name, page by page; a part of name, title or contact finds."""
    wanted, after = asked.query("q", 100), asked.query("after", 63)
    with asked.context.storage.read() as conn:
        rows = tenants.page(conn, wanted, after, LENGTH + 1)
        shown = [(one, account.of(conn, one.id)) for one in rows[:LENGTH]]
    following = rows[LENGTH - 1].name if len(rows) > LENGTH else ""
    return asked.page("desk/tenants.html", {"rows": shown, "wanted": wanted, "following": following})


def one(asked: PageRequest) -> Response:
    """Everything that the desk knows of one; that somebody looked is in their log."""
    response = _page(asked)
    with asked.context.storage.write() as conn:
        asked.note(conn, "looked", f"tenant {asked.request.path_params['name']}")
    return response


@dataclass(frozen=True, slots=True)
class _Done:
    """What was asked for, in the transaction of it."""

    conn: Tx
    asked: PageRequest
    tenant: TenantRow
    reason: str

    @property
    def by(self) -> dict[str, Any]:
        return {"reason": self.reason, "actor": self.asked.visitor.shown, "now": self.asked.now}


def _warn(done: _Done) -> None:
    enforcement.warn(done.conn, done.asked.context.office.operator, done.tenant, **done.by)


def _freeze(done: _Done) -> None:
    everything = done.asked.field("all", 3) == "yes"
    enforcement.freeze(done.conn, done.asked.context.office.operator, done.tenant, everything=everything, **done.by)


def _unfreeze(done: _Done) -> None:
    enforcement.unfreeze(done.conn, done.asked.context.office.operator, done.tenant, **done.by)


def _terminate(done: _Done) -> None:
    if done.asked.field("sure", 63) != done.tenant.name:
        raise RegistryError(f"type the name {done.tenant.name} to end the account; nothing was changed")
    termination.terminate(done.conn, done.asked.context.office.operator, done.tenant, **done.by)


def _reinstate(done: _Done) -> None:
    termination.reinstate(done.conn, done.asked.context.office.operator, done.tenant, **done.by)


def _establish(done: _Done) -> None:
    tenants.establish(done.conn, done.tenant, **done.by)


def _plan(done: _Done) -> None:
    tenant, now = done.tenant, done.asked.now
    before = plans.HeldPlan(tenant.plan, tenant.plan_started_at, tenant.plan_ends_at)
    plan = done.asked.field("plan", 63)
    after = change(done.conn, tenant.id, before, plan, done.asked.context.settings.plans, now)
    detail = {"from": before.plan, "to": plan, "ends_at": after.ends_at}
    actions.record(done.conn, done.asked.visitor.shown, "plan-set", tenant.id, detail, now)


DEEDS: Final[dict[str, Callable[[_Done], None]]] = {
    "warn": _warn,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "terminate": _terminate,
    "reinstate": _reinstate,
    "establish": _establish,
    "plan": _plan,
}


def do(asked: PageRequest) -> Response:
    """One of DEEDS, then the tenant's page."""
    word = asked.request.path_params["deed"]
    if word not in DEEDS:
        raise HTTPException(404)
    with asked.context.storage.write() as conn:
        tenant = _find(conn, asked)
        DEEDS[word](_Done(conn, asked, tenant, asked.field("reason", 1_000)))
        asked.note(conn, "did", f"tenant {tenant.name}: {word}")
    if word in ("unfreeze", "reinstate", "terminate"):
        _after(asked, tenant, word)
    return asked.to(f"/desk/tenants/{tenant.name}")


def note(asked: PageRequest) -> Response:
    """Written down for the others at the desk."""
    with asked.context.storage.write() as conn:
        tenant = _find(conn, asked)
        text = asked.field("note", tenant_notes.MOST_LETTERS + 1)
        tenant_notes.add(conn, tenant.id, text, actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"tenant {tenant.name}: note")
    return asked.to(f"/desk/tenants/{tenant.name}#notes")


def remove_note(asked: PageRequest) -> Response:
    """One that is over."""
    with asked.context.storage.write() as conn:
        tenant = _find(conn, asked)
        tenant_notes.remove(conn, tenant.id, asked.number(), actor=asked.visitor.shown, now=asked.now)
        asked.note(conn, "did", f"tenant {tenant.name}: note removed")
    return asked.to(f"/desk/tenants/{tenant.name}#notes")


ROUTES = [
    show("/desk/tenants", listing, Deed.DESK),
    show("/desk/tenants/{name}", one, Deed.DESK),
    act("/desk/tenants/{name}/notes", note, Deed.DESK),
    act("/desk/tenants/{name}/notes/{id}/remove", remove_note, Deed.DESK),
    act("/desk/tenants/{name}/{deed}", do, Deed.OPERATE),
]


def _after(asked: PageRequest, tenant: TenantRow, word: str) -> None:
    """Its copies, in short transactions on a connection of their own."""
    with asked.context.storage.own() as conn:
        if word != "terminate":
            thaw(conn, asked.now, tenant.id)
            return
        with contextlib.suppress(RegistryError):  # nothing waits
            reason = asked.field("reason", 1_000)
            wanted = Selection(tenant_id=tenant.id)
            queue_act(conn, QueueAction.CANCEL, wanted, actor=asked.visitor.shown, why=reason, now=asked.now)


def _find(conn: Tx, asked: PageRequest) -> TenantRow:
    try:
        return tenants.find(conn, asked.request.path_params["name"])
    except RegistryError:
        raise HTTPException(404) from None


def _page(asked: PageRequest) -> Response:
    settings = asked.context.settings
    with asked.context.storage.read() as conn:
        tenant = _find(conn, asked)
        points = judge.standpoints(conn, tenant.id, settings.rates, asked.now, rates.pending(conn))
        values = {
            "tenant": tenant,
            "account": account.of(conn, tenant.id),
            "frozen": tenant.freeze is not Freeze.NONE,
            "use": quota.report(conn, tenant, settings.plans, asked.now),
            "points": [one for one in points if one.of and one.telling],
            "rest": [one for one in points if one.of and not one.telling],
            "level": max(point.level for point in points).word,
            "record": record.of(conn, tenant.id, asked.now),
            "latest": campaigns.page(conn, tenant.id, None, LATEST),
            "streams": streams.of_tenant(conn, tenant.id),
            "domains": domains.listing(conn, tenant.id),
            "logins": logins.listing(conn, tenant.id),
            "statements": statements.listing(conn, tenant.id, limit=LATEST),
            "history": actions.of_tenant(conn, tenant.id, conduct.HISTORY, 2 * LATEST)[::-1],
            "resembles": second_accounts.of_tenant(conn, tenant.id),
            "plans": list(settings.plans),
            "registration": registrations.of_tenant(conn, tenant.id),
            "terms": terms.of_tenant(conn, tenant.id)[:1],
            "notes": tenant_notes.listing(conn, tenant.id),
            "most_letters": tenant_notes.MOST_LETTERS,
            "operates": asked.visitor.may(Deed.OPERATE),
        }
    return asked.page("desk/tenant.html", values)
