"""Warning, freezing, unfreezing: the deed, its statement of reasons, and the letter to the tenant in one transaction.

Each is logged with reason, actor and time (R24, R30), told to the tenant as an
event and by mail in its language, and undone the same way where it can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from relay.conduct import account, letters, statements
from relay.conduct.statements import Statement
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.values.facts import Freeze
from relay.values.tenant import TenantRow

RULE = "R24"
StatedFacts = Sequence[Mapping[str, object]]


def warn(
    conn: Tx,
    operator: Operator,
    tenant: TenantRow,
    *,
    reason: str,
    actor: str,
    now: float,
    rule: str = RULE,
    facts: StatedFacts = (),
    automatic: bool = False,
) -> Statement:
    """Mail goes on; the tenant knows what will follow otherwise."""
    tenants.warn(conn, tenant, reason=reason, actor=actor, now=now)
    statement = statements.add(
        conn, tenant.id, "warned", rule=rule, reason=tenants.line(reason, "reason"), facts=facts,
        automatic=automatic, actor=actor, now=now,
    )  # fmt: skip
    letters.tell(conn, operator, tenant, statement, now)
    return statement


def freeze(
    conn: Tx,
    operator: Operator,
    tenant: TenantRow,
    *,
    everything: bool,
    reason: str,
    actor: str,
    now: float,
    rule: str = RULE,
    facts: StatedFacts = (),
    automatic: bool = False,
) -> Statement:
    """Stop bulk streams, or all, at once, also what is queued; it goes on where it is unfrozen."""
    tenants.freeze(conn, tenant, everything=everything, reason=reason, actor=actor, now=now)
    statements.end(conn, tenant.id, ("frozen", "frozen_all"), "", actor=actor, now=now)
    statement = statements.add(
        conn, tenant.id, "frozen_all" if everything else "frozen", rule=rule,
        reason=tenants.line(reason, "reason"), facts=facts, automatic=automatic, actor=actor, now=now,
    )  # fmt: skip
    letters.tell(conn, operator, tenant, statement, now)
    return statement


def unfreeze(conn: Tx, operator: Operator, tenant: TenantRow, *, reason: str = "", actor: str, now: float) -> Statement:
    """Let a frozen tenant send again. What was counted before has been judged by a person and counts no more (R25)."""
    account.alive(conn, tenant)
    everything = tenant.freeze is Freeze.ALL
    tenants.unfreeze(conn, tenant, reason=reason, actor=actor, now=now)
    statements.end(conn, tenant.id, ("frozen", "frozen_all"), "", actor=actor, now=now)
    statement = statements.add(
        conn, tenant.id, "unfrozen_all" if everything else "unfrozen", rule=RULE,
        reason=tenants.line(reason, "reason") if reason else "", automatic=False, actor=actor, now=now,
    )  # fmt: skip
    statements.end(conn, tenant.id, (statement.action,), "", actor=actor, now=now)
    letters.tell(conn, operator, tenant, statement, now)
    return statements.by_id(conn, statement.id)
