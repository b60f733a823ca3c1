"""``relay consent``: who agreed to what (R1 to R4)."""

from __future__ import annotations

import dataclasses
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.audit import actions
from relay.cli import consent_imports, consent_list
from relay.cli.common import (
    EMAIL,
    MOMENT,
    Store,
    actor,
    done,
    fail,
    json_option,
    json_text,
    note,
    open_store,
    print_json,
    show,
)
from relay.cli.consent_list import pairs
from relay.cli.wording import heed
from relay.lists import consent_book
from relay.lists.list_write import write_text
from relay.people import consents, grades, profiles, suppressions, topics
from relay.rights import erasure
from relay.store.database import transaction
from relay.tenants import tenants
from relay.tracking import consents as track
from relay.values.facts import Reason

if TYPE_CHECKING:
    from relay.mail.address import Address
    from relay.values.tenant import TenantRow

TRACKING = "To being tracked (openings and clicks), a consent of its own."


@click.group()
def command() -> None:
    """Consents: add, import, imports, undo, freeze, thaw, show, proof, set, withdraw, erase, export, groups, demand."""


for _command in (
    consent_list.import_,
    consent_list.export,
    consent_list.groups,
    consent_imports.imports,
    consent_imports.freeze,
    consent_imports.thaw,
    consent_imports.undo,
):
    command.add_command(_command)


@command.command()
@click.argument("tenant")
@click.argument("email", type=EMAIL)
@click.option("--topic", help="What the person agreed to hear about.")
@click.option("--tracking", is_flag=True, help=TRACKING)
@click.option("--source", required=True, help="Where the person agreed, e.g. 'sign-up form on shop.example'.")
@click.option("--wording", required=True, help="The exact text that the person agreed to.")
@click.option("--ip", default="", help="The person's IP address then, where it is known.")
@click.option("--at", "at", type=MOMENT, help="When the person agreed; without it now.")
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    tenant: str,
    email: Address,
    topic: str | None,
    tracking: bool,
    source: str,
    wording: str,
    ip: str,
    at: float | None,
    as_json: bool,
) -> None:
    """Record one person's consent, to a topic or to tracking. Who ended it can't be added again."""
    _one_of(topic, tracking)
    store, now = open_store(ctx), time.time()
    gaps = "" if tracking else heed(store, wording)
    given_at = now if at is None else at
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        give = track.give if topic is None else partial(consents.give, topic=topic)
        give(
            conn,
            store.secrets,
            owner.id,
            email,
            source=source,
            wording=wording,
            means="hand",
            given_at=given_at,
            now=now,
            ip=ip,
            actor=actor(),
        )
    text = f"{email.canonical} agreed to {'being tracked by' if topic is None else f'{topic} of'} {tenant}"
    done(ctx, text, _person(store, owner, email), as_json)
    note(gaps)


@command.command("show")
@click.argument("tenant")
@click.argument("email", type=EMAIL)
@json_option
@click.pass_context
def show_(ctx: click.Context, tenant: str, email: Address, as_json: bool) -> None:
    """Show a person's consents, suppressions and their history."""
    store = open_store(ctx)
    show(ctx, _person(store, tenants.find(store.conn, tenant), email), as_json)


@command.command()
@click.argument("tenant")
@click.argument("email", type=EMAIL)
@click.option("--topic", help="What the person agreed to hear about.")
@click.option("--tracking", is_flag=True, help=TRACKING)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the document there: HTML, or JSON if it ends in .json.",
)
@json_option
@click.pass_context
def proof(
    ctx: click.Context, tenant: str, email: Address, topic: str | None, tracking: bool, out: Path | None, as_json: bool
) -> None:
    """Prove a person's consent by a signed document that stands alone (docs/PROOF.md)."""
    from relay.audit import document, page

    _one_of(topic, tracking)
    store = open_store(ctx)
    owner = tenants.find(store.conn, tenant)
    if topic is not None:
        topics.known(store.conn, owner.id, topic)
    hostname = store.settings.server.hostname
    found = document.build(store.conn, store.secrets, owner, email.canonical, topic, hostname, time.time)
    if out is None and as_json:
        print_json(found)
        return
    if out is None:
        show(ctx, page.summary(found), False)
        note("--out FILE writes the document, as HTML or as JSON")
        return
    in_json = as_json or out.suffix.lower() == ".json"
    text = json_text(found, indent=2) if in_json else page.render(found)
    write_text(out, text + "\n")
    result = {"file": str(out), "format": "json" if in_json else "html", "state": found["state"]}
    done(ctx, f"the proof is in {out}", result, as_json)


@command.command()
@click.argument("tenant")
@click.argument("email", type=EMAIL)
@click.option("--topic", help="End this topic only; without it everything ends.")
@click.option("--tracking", is_flag=True, help="End tracking only, also for mail that is out already.")
@json_option
@click.pass_context
def withdraw(ctx: click.Context, tenant: str, email: Address, topic: str | None, tracking: bool, as_json: bool) -> None:
    """End a person's consent at once, also for mail already queued. Only the person itself can come back."""
    if tracking and topic is not None:
        raise click.UsageError("name a topic, or --tracking, not both")
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        person = consents.standing(conn, owner.id, email.canonical, "").subscriber_id
        if person is None:
            fail(_unknown(owner, email) + f"; `relay suppression add {tenant} {email}` keeps the address out")
        told = {"actor": actor()}
        if tracking:
            changed = track.withdraw(conn, owner.id, person, means="hand", now=now, evidence=told)
        else:
            topic_id = consents.EVERYTHING if topic is None else topics.known(conn, owner.id, topic)
            changed = consents.withdraw(conn, owner.id, person, topic_id=topic_id, means="hand", now=now, evidence=told)
    if tracking:
        text = f"{email.canonical} is not tracked by {tenant}"
        done(ctx, text if changed else f"{text}; that was so before", _person(store, owner, email), as_json)
        return
    what = "everything" if topic is None else topic
    text = f"{email.canonical} gets nothing more of {tenant} on {what}"
    done(ctx, text if changed else f"{text}; that was so before", _person(store, owner, email), as_json)


@command.command()
@click.argument("tenant")
@click.argument("email", type=EMAIL)
@click.option("--yes", is_flag=True, help="You know that this can't be undone.")
@json_option
@click.pass_context
def erase(ctx: click.Context, tenant: str, email: Address, yes: bool, as_json: bool) -> None:
    """Erase a person: consents, history, values, copies. A keyed hash stays, which keeps the person from any list."""
    if not yes:
        fail("this can't be undone: say --yes; `relay consent proof` and `relay consent show` tell what is held")
    store = open_store(ctx)
    owner = tenants.find(store.conn, tenant)
    found = erasure.erase(store.conn, store.secrets, owner.id, email.canonical, actor=actor(), now=time.time())
    text = f"{_unknown(owner, email)}; it is remembered as erased" if found.nothing else f"{email.canonical} is erased"
    done(ctx, text, {"tenant": owner.name} | dataclasses.asdict(found), as_json)
    if found.busy:
        note(f"{found.busy} being delivered: say it again when they are through, in a few minutes")


@command.command()
@click.argument("tenant")
@click.option("--topic", required=True, help="The topic that demands it.")
@click.option(
    "--grade",
    required=True,
    type=click.Choice(grades.GRADES),
    help="A: own double opt-in, B: time and IP known, C: all.",
)
@json_option
@click.pass_context
def demand(ctx: click.Context, tenant: str, topic: str, grade: str, as_json: bool) -> None:
    """Let a topic demand how well its consents are proved; those of a lower grade count no more until they are."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        topic_id = topics.known(conn, owner.id, topic)
        below = grades.demand(conn, topic_id, grade)
        told = {"topic": topic, "grade": grade}
        actions.record(conn, actor(), "topic-grade-demanded", owner.id, told, now)
    result = {"tenant": tenant, "topic": topic, "grade": grade, "below": below}
    done(ctx, f"{topic} of {tenant} takes grade {grade}; {below} live consents are below it", result, as_json)


@command.command("set")
@click.argument("tenant")
@click.argument("email", type=EMAIL)
@click.option("--attribute", "attributes", multiple=True, metavar="NAME=VALUE", help="Keep a value; empty: remove it.")
@click.option("--group", "join", multiple=True, help="Put the person into this group.")
@click.option("--leave", multiple=True, help="Take the person out of this group.")
@json_option
@click.pass_context
def set_(
    ctx: click.Context,
    tenant: str,
    email: Address,
    attributes: tuple[str, ...],
    join: tuple[str, ...],
    leave: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change a person's attributes and groups."""
    if not (attributes or join or leave):
        fail("say what to change: --attribute NAME=VALUE, --group or --leave")
    store, values, now = open_store(ctx), pairs(attributes), time.time()
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        row = consents.standing(conn, owner.id, email.canonical, "").subscriber_id
        if row is None:
            fail(_unknown(owner, email))
        try:
            profiles.change(conn, owner.id, row, attributes=values, join=join, leave=leave, now=now)
            child = None
        except profiles.UnderAge as error:  # found before anything is changed
            suppressions.add(conn, row, Reason.HAND, detail=profiles.CHILD, now=now)
            child = error
    if child is not None:
        fail(f"{child}, and nothing more goes there; `relay consent erase {tenant} {email.canonical} --yes` erases all")
    done(ctx, f"{email.canonical} is changed", _person(store, owner, email), as_json)


def _person(store: Store, owner: TenantRow, email: Address) -> dict[str, object]:
    found = consent_book.person(store.conn, owner.id, email.canonical)
    if not found:
        fail(_unknown(owner, email))
    person = consents.standing(store.conn, owner.id, email.canonical, "").subscriber_id
    return {"tenant": owner.name} | found | {"tracking": track.shown(store.conn, person or 0)}


def _one_of(topic: str | None, tracking: bool) -> None:
    if (topic is None) == (not tracking):
        raise click.UsageError("name what it is for: --topic TOPIC, or --tracking")


def _unknown(owner: TenantRow, email: Address) -> str:
    return f"{owner.name} knows no {email.canonical}"
