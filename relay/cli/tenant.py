"""``relay tenant``: customers, and what the operator does to them (R24)."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli import enforcing
from relay.cli.common import EMAIL, Store, actor, done, fail, json_option, note, open_store, output, show
from relay.cli.moments import shown
from relay.cli.tenant_view import details
from relay.cli.uploads import looked_at
from relay.conduct import account, admission, tenant_notes
from relay.conduct import contact as contact_address
from relay.ledger import plans
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.tenants import streams, tenants
from relay.tenants import watch as watching
from relay.tenants.logos import MAX_OCTETS
from relay.tenants.plan import change
from relay.values.tenant import TenantRow

if TYPE_CHECKING:
    from relay.mail.address import Address

COLUMNS = ("name", "title", "contact", "plan", "freeze", "freeze_reason", "created_at")


@click.group()
def command() -> None:
    """Customers: add, edit, list, show, warn, freeze, unfreeze, terminate, reinstate, establish, watch, note."""


@command.command()
@click.argument("name")
@click.option("--contact", type=EMAIL, required=True, help="The tenant's true, working e-mail address.")
@click.option("--postal", default="", help="Postal address, for the footer.")
@click.option("--title", default="", help="The name that people read, e.g. 'Shop Ltd'.")
@click.option("--language", default="", help="Of people whose own isn't known: en, de, es, et, fr, ru or uk.")
@click.option("--plan", default=plans.FREE, show_default=True, help="One of `relay plan list`; it begins now.")
@click.option("--transactional", is_flag=True, help="Also a stream for service mail, freed from consent by contract.")
@click.option("--client", default="", metavar="IP", help="Address that it signed up from, to know it again by.")
@click.option(
    "--ask-contact", is_flag=True, help="Don't vouch for the contact: a letter asks it before the first bulk."
)
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    name: str,
    contact: Address,
    postal: str,
    title: str,
    language: str,
    plan: str,
    transactional: bool,
    client: str,
    ask_contact: bool,
    as_json: bool,
) -> None:
    """Add a tenant, with the stream `bulk` (any topic, consent required)."""
    store, now = open_store(ctx), time.time()
    tenants.working(contact, inside=store.settings.delivery.allow_private)
    with transaction(store.conn) as conn:
        found = admission.check(conn, str(contact), postal=postal, client=client)
        tenant = tenants.add(conn, name, contact, postal=postal, title=title, language=language, actor=actor(), now=now)
        streams.add_defaults(conn, tenant, transactional=transactional, actor=actor(), now=now)
        state = account.ASKED if ask_contact else account.CONFIRMED
        admission.admitted(conn, tenant, found, client=client, state=state, actor=actor(), now=now)
        _contact(store, tenant, ask_contact, "added by the operator", now)
        if plan != plans.FREE:
            held = plans.HeldPlan(tenant.plan, tenant.plan_started_at, tenant.plan_ends_at)
            change(conn, tenant.id, held, plan, store.settings.plans, now)
    text = f"tenant {name} added, plan {plan}; next: `relay domain add {name} DOMAIN`"
    done(ctx, text, details(store, name, now), as_json)
    if found and not as_json:
        common = ", ".join(f"the {match.what} {match.value} of {match.tenant}" for match in found)
        note(f"it may be a second account: it has {common}")


def _contact(store: Store, tenant: TenantRow, ask: bool, why: str, now: float) -> None:
    """Vouched for, or asked."""
    if not ask:
        contact_address.vouch(store.conn, tenant, why, actor=actor(), now=now)
        return
    operator, base_url = Operator.of(store.settings), store.settings.links.base_url
    contact_address.ask(store.conn, store.secrets, operator, base_url, tenant, actor=actor(), now=now, anew=True)


@command.command()
@click.argument("name")
@click.option("--contact", type=EMAIL, help="The tenant's true, working e-mail address.")
@click.option("--title", help="The name that people read; empty: the short one.")
@click.option("--postal", help="Postal address, for the footer; empty: none.")
@click.option("--language", help="Of people whose own isn't known; empty: each reader's own, in mail English.")
@click.option("--colour", help="Of buttons and links on its pages, e.g. #1f5fbf; empty: the pages' own.")
@click.option("--logo", type=click.Path(path_type=Path), help="PNG, JPEG or WebP file of 64 KiB at most; '' for none.")
@click.option("--privacy", metavar="URL", help="Its privacy notice, on a verified domain; empty: none.")
@click.option(
    "--ask-contact", is_flag=True, help="Don't vouch for the new contact: a letter asks it, bulk waits for that."
)
@json_option
@click.pass_context
def edit(
    ctx: click.Context,
    /,
    name: str,
    contact: Address | None,
    logo: Path | None,
    ask_contact: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    """Change what people read of a tenant; its short name stays. What is left out stays as it is.

    The old contact is told of a new one.
    """
    if contact is None and logo is None and all(value is None for value in given.values()):
        fail("say what to change: see `relay tenant edit --help`")
    picture = None if logo is None else _picture(logo)
    if picture and logo is not None:
        looked_at(ctx, logo.name, picture)
    store, now = open_store(ctx), time.time()
    if contact is not None:
        tenants.working(contact, inside=store.settings.delivery.allow_private)
    with transaction(store.conn) as conn:
        changes = tenants.Changes(contact=contact, logo=picture, **given)
        before = tenants.find(conn, name)
        tenant = tenants.edit(conn, before, changes, actor=actor(), now=now)
        contact_address.changed(
            conn, store.secrets, Operator.of(store.settings), store.settings.links.base_url, before, tenant,
            vouched="" if ask_contact else "changed by the operator", actor=actor(), now=now,
        )  # fmt: skip
    done(ctx, f"{name} changed", details(store, name, now), as_json)


def _picture(path: Path) -> bytes:
    if str(path) in ("", "."):
        return b""
    with path.open("rb") as file:
        return file.read(MAX_OCTETS + 1)


@command.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List all tenants."""
    output(ctx, [asdict(row) for row in tenants.all_tenants(open_store(ctx).conn)], COLUMNS, as_json)


@command.command("show")
@click.argument("name")
@json_option
@click.pass_context
def show_(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show a tenant: state, quota, streams, rates, warnings and freezes."""
    store, now = open_store(ctx), time.time()
    fields = details(store, name, now)
    found = watching.report(store.conn, tenants.find(store.conn, name), now)
    if found is not None and not as_json:
        fields["watch"] = found.sentence
    show(ctx, fields, as_json)


@command.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why you know this sender; it is kept in the audit log.")
@json_option
@click.pass_context
def establish(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Send a known tenant's campaigns whole, as if one had been released after a stage."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        tenants.establish(conn, tenants.find(conn, name), reason=reason, actor=actor(), now=now)
    text = f"campaigns of {name} go out whole from now on; what is staged already waits for `relay campaign release`"
    done(ctx, text, details(store, name, now), as_json)


@command.command()
@click.argument("name")
@click.option(
    "--days", type=click.IntRange(0, watching.MOST_DAYS), required=True, help="From now on; 14 in all. 0 ends it."
)
@json_option
@click.pass_context
def watch(ctx: click.Context, name: str, days: int, as_json: bool) -> None:
    """Record whom a tenant that moves in may not mail, and don't refuse them yet; who left is refused as ever."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        tenant = watching.begin(conn, tenants.find(conn, name), days, actor=actor(), now=now)
    end = shown(tenant.watched_until or now)
    text = f"{name} is watched until {end}; `relay tenant show {name}` says whom the rules would refuse"
    done(ctx, text if days else f"{name} is watched no more", details(store, name, now), as_json)


@command.command("note")
@click.argument("name")
@click.argument("text", required=False)
@click.option("--remove", type=click.IntRange(1), metavar="N", help="Remove the note of that number instead.")
@json_option
@click.pass_context
def note_(ctx: click.Context, name: str, text: str | None, remove: int | None, as_json: bool) -> None:
    """Write something down of a tenant for the staff; the tenant never reads it. `relay tenant show` lists notes."""
    if (text is None) == (remove is None):
        raise click.UsageError("give the text of a note, or --remove N")
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        tenant = tenants.find(conn, name)
        if remove is not None:
            tenant_notes.remove(conn, tenant.id, remove, actor=actor(), now=now)
            said = f"note {remove} of {name} removed"
        else:
            said = f"note {tenant_notes.add(conn, tenant.id, text or '', actor=actor(), now=now).id} of {name} kept"
    done(ctx, said, details(store, name, now), as_json)


for one in (enforcing.freeze, enforcing.unfreeze, enforcing.warn, enforcing.terminate, enforcing.reinstate):
    command.add_command(one)
