"""The end of an account: log-ins, tokens and forms are dead at once, nothing leaves any more (R24).

People keep their rights: links to unsubscribe and preferences work on. What is
held of them goes as retention says. It is undone by ``reinstate``: the account
may send again, with new credentials, tokens and forms.
"""

from __future__ import annotations

from relay.audit import actions
from relay.conduct import account, letters, statements
from relay.conduct.statements import Statement
from relay.events import write as events
from relay.queue.operator import Operator
from relay.signup import forms
from relay.store.contract import Tx
from relay.tenants import api_tokens, credentials, tenants
from relay.values.errors import RegistryError
from relay.values.facts import Freeze
from relay.values.tenant import TenantRow

RULE = "R24"


def terminate(conn: Tx, operator: Operator, tenant: TenantRow, *, reason: str, actor: str, now: float) -> Statement:
    """In the caller's transaction. What is queued is held, and cancelled by ``work_off``."""
    if account.of(conn, tenant.id).terminated_at is not None:
        raise RegistryError(f"{tenant.name} was terminated already")
    reason = tenants.line(reason, "reason")
    if tenant.freeze is not Freeze.ALL:
        tenants.freeze(conn, tenant, everything=True, reason=reason, actor=actor, now=now)
    ended = _end_access(conn, tenant, actor, now)
    account.terminate(conn, tenant.id, now)
    actions.record(conn, actor, "tenant-terminated", tenant.id, {"reason": reason, **ended}, now)
    events.of_account(conn, tenant.id, "tenant.terminated", {"reason": reason, "actor": actor}, now)
    statements.end(conn, tenant.id, ("frozen", "frozen_all"), "", actor=actor, now=now)
    statement = statements.add(
        conn, tenant.id, "terminated", rule=RULE, reason=reason, automatic=False, actor=actor, now=now
    )
    letters.tell(conn, operator, tenant, statement, now)
    return statement


def reinstate(conn: Tx, operator: Operator, tenant: TenantRow, *, reason: str, actor: str, now: float) -> Statement:
    """Undo a termination, as far as that can be: what was revoked is made anew."""
    if account.of(conn, tenant.id).terminated_at is None:
        raise RegistryError(f"{tenant.name} was not terminated")
    reason = tenants.line(reason, "reason")
    account.terminate(conn, tenant.id, None)
    if tenant.freeze is not Freeze.NONE:
        tenants.unfreeze(conn, tenant, reason=reason, actor=actor, now=now)
    actions.record(conn, actor, "tenant-reinstated", tenant.id, {"reason": reason}, now)
    events.of_account(conn, tenant.id, "tenant.reinstated", {"reason": reason, "actor": actor}, now)
    statements.end(conn, tenant.id, ("terminated", "frozen", "frozen_all"), "", actor=actor, now=now)
    statement = statements.add(
        conn, tenant.id, "reinstated", rule=RULE, reason=reason, automatic=False, actor=actor, now=now
    )
    statements.end(conn, tenant.id, ("reinstated",), "", actor=actor, now=now)
    letters.tell(conn, operator, tenant, statement, now)
    return statement


def _end_access(conn: Tx, tenant: TenantRow, actor: str, now: float) -> dict[str, int]:
    """How many of each ended."""
    live = [row for row in credentials.listing(conn, tenant.id) if row.revoked_at is None]
    for credential in live:
        credentials.revoke(conn, credential, actor=actor, now=now)
    tokens = [row for row in api_tokens.of_tenant(conn, tenant.id) if row.revoked_at is None]
    for token in tokens:
        api_tokens.revoke(conn, tenant, token.name, actor=actor, now=now)
    asked = forms.of_tenant(conn, tenant.id)
    for form in asked:
        forms.remove(conn, tenant, form.name, actor=actor, now=now)
    return {"credentials": len(live), "tokens": len(tokens), "forms": len(asked)}
