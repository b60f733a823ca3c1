"""What the operator does where rules are broken: ``relay tenant warn``, ``freeze``, ``terminate``, and back (R24)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypedDict

import click

from relay.cli.common import Store, actor, done, json_option, open_store
from relay.cli.tenant_view import details
from relay.conduct import enforcement, termination
from relay.queue.admin import QueueAction, Selection, act
from relay.queue.operator import Operator
from relay.queue.thaw import thaw
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

REASON = "Why; the tenant reads it in a letter, and its clients in their replies."


class OnRecord(TypedDict):
    """What each of these acts puts on record."""

    reason: str
    actor: str
    now: float


@dataclass(frozen=True, slots=True)
class Enforcement:
    """One act against or for a tenant."""

    ctx: click.Context
    store: Store
    tenant: TenantRow
    operator: Operator
    why: OnRecord

    @property
    def conn(self) -> Tx:
        return self.store.conn

    @property
    def now(self) -> float:
        return self.why["now"]

    def done(self, text: str, as_json: bool) -> None:
        """Say what happened, and show the tenant as it is now."""
        done(self.ctx, text, details(self.store, self.tenant.name, self.now), as_json)


@contextmanager
def enforcing(ctx: click.Context, name: str, reason: str) -> Iterator[Enforcement]:
    """In one transaction."""
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        why = OnRecord(reason=reason, actor=actor(), now=time.time())
        yield Enforcement(ctx, store, tenants.find(conn, name), Operator.of(store.settings), why)


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help=REASON)
@click.option("--all-streams", is_flag=True, help="Stop transactional mail too.")
@json_option
@click.pass_context
def freeze(ctx: click.Context, name: str, reason: str, all_streams: bool, as_json: bool) -> None:
    """Stop a tenant's bulk mail at once, also what is queued."""
    with enforcing(ctx, name, reason) as case:
        enforcement.freeze(case.conn, case.operator, case.tenant, everything=all_streams, **case.why)
    case.done(f"{'all streams' if all_streams else 'bulk streams'} of {name} frozen", as_json)


@click.command()
@click.argument("name")
@click.option("--reason", default="", help="Why; the tenant reads it in a letter.")
@json_option
@click.pass_context
def unfreeze(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Let a frozen tenant send again; what was queued goes out, and its rates begin anew."""
    with enforcing(ctx, name, reason) as case:
        enforcement.unfreeze(case.conn, case.operator, case.tenant, **case.why)
    freed = thaw(case.conn, case.now, case.tenant.id)
    case.done(f"{name} may send again{f', {freed} held copies are due' if freed else ''}", as_json)


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; the tenant reads it in a letter and among its events.")
@json_option
@click.pass_context
def warn(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Warn a tenant by mail; its mail goes on."""
    with enforcing(ctx, name, reason) as case:
        enforcement.warn(case.conn, case.operator, case.tenant, **case.why)
    case.done(f"{name} warned", as_json)


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; the tenant reads it in a letter.")
@click.option("--yes", is_flag=True, help="Don't ask: its log-ins, tokens and forms are gone for good.")
@json_option
@click.pass_context
def terminate(ctx: click.Context, name: str, reason: str, yes: bool, as_json: bool) -> None:
    """End an account: credentials, tokens and forms are dead at once, what waits is cancelled; nobody gets new ones.

    Links of people to unsubscribe go on to work; what is held of them goes as retention says.
    """
    tenants.find(open_store(ctx).conn, name)
    if not yes and not as_json:
        _ask(f"End the account of {name}, with its credentials, tokens and forms?")
    with enforcing(ctx, name, reason) as case:
        termination.terminate(case.conn, case.operator, case.tenant, **case.why)
    try:
        selected = Selection(tenant_id=case.tenant.id)
        cancelled = act(case.conn, QueueAction.CANCEL, selected, actor=actor(), why=reason, now=case.now).changed
    except RegistryError:  # nothing waits
        cancelled = 0
    more = f", {cancelled} copies that waited are cancelled" if cancelled else ""
    case.done(f"the account of {name} is ended{more}", as_json)


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; the tenant reads it in a letter.")
@json_option
@click.pass_context
def reinstate(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Undo a termination; the tenant needs new credentials, tokens and forms."""
    with enforcing(ctx, name, reason) as case:
        termination.reinstate(case.conn, case.operator, case.tenant, **case.why)
    case.done(f"{name} may send again, with new credentials", as_json)


def _ask(question: str) -> None:
    """Goes on where somebody says yes."""
    try:
        sure = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("nobody is there to answer; say --yes") from None
    if not sure:
        raise click.Abort
