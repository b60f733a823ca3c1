"""``relay stream``: a tenant's channels."""

from __future__ import annotations

import time

import click
from msgspec.structs import asdict

from relay.cli.common import actor, done, fail, json_option, open_store, output
from relay.store.database import transaction
from relay.tenants import streams, tenants
from relay.values.facts import Kind, Stream
from relay.values.grounds import CUSTOMERS_WHERE, EXISTING_CUSTOMER, GROUNDS

COLUMNS = ("name", "kind", "topic", "consent", "ground", "essential", "flow", "track")
TRACK = "What is to be known of copies of persons who agreed to tracking; a message's Relay-Track comes first."
DECOY = "A link that nobody sees, in tracked copies: what follows it is a machine."


@click.group()
def command() -> None:
    """Channels of a tenant: bulk or transactional."""


@command.command()
@click.argument("tenant")
@click.argument("name")
@click.option("--kind", type=click.Choice([str(kind) for kind in Kind]), required=True, help="What goes through it.")
@click.option(
    "--topic", default=streams.ANY_TOPIC, show_default=True, help="What it is about; * where each message names it."
)
@click.option(
    "--consent",
    type=click.Choice(["required", "exempt"]),
    default="required",
    show_default=True,
    help="Whether each recipient must have consented. exempt needs --ground and --reason.",
)
@click.option("--ground", type=click.Choice(GROUNDS), help="What frees it from consent; footers name it.")
@click.option("--flow", is_flag=True, help="Triggered series (welcome, birthday, digest): judged by rolling rates.")
@click.option("--essential", is_flag=True, help="Codes, resets, security alerts: no one-click end. Needs --reason.")
@click.option(
    "--footer",
    type=click.Choice(streams.FOOTERS),
    help="What its messages end with; default: bulk full, transactional short. headers needs --reason.",
)
@click.option("--track", type=click.Choice(streams.TRACKS), help=TRACK)
@click.option("--decoy", type=click.Choice(["on", "off"]), help=DECOY)
@click.option("--reason", default="", help="Why it needs less than others; goes to the audit log.")
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    tenant: str,
    name: str,
    kind: str,
    topic: str,
    consent: str,
    ground: str | None,
    essential: bool,
    flow: bool,
    footer: str | None,
    track: str | None,
    decoy: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Add a stream to a tenant."""
    store = open_store(ctx)
    if consent == "exempt" and kind == Kind.BULK:
        fail(streams.BULK_ASKS)
    if consent == "exempt" and ground is None:
        fail(f"say what frees it from consent: --ground {'|'.join(GROUNDS)}, and --reason")
    if consent != "exempt" and ground is not None:
        fail("a ground is for a stream that is freed from consent: add --consent exempt")
    if ground == EXISTING_CUSTOMER and store.settings.operator.country not in CUSTOMERS_WHERE:
        where = ", ".join(CUSTOMERS_WHERE)
        fail(f"that people are customers frees no mail from consent where you are (operator.country is not {where})")
    now = time.time()
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        stream = streams.add(
            conn,
            owner,
            name,
            Kind(kind),
            topic=topic,
            ground=ground or "",
            essential=essential,
            flow=flow,
            footer=footer or "",
            reason=reason,
            actor=actor(),
            now=now,
        )
        if track is not None or decoy is not None:
            on = None if decoy is None else decoy == "on"
            stream = streams.set_track(conn, owner, name, track=track, decoy=on, actor=actor(), now=now)
    row = _row(stream)
    freed = f" ({stream.ground})" if stream.ground else ""
    text = f"stream {name} added to {tenant}: {kind}, topic {stream.topic}, consent {row['consent']}{freed}"
    done(ctx, text + (", essential" if essential else ""), row, as_json)


@command.command("set")
@click.argument("tenant")
@click.argument("name")
@click.option("--default-topic", help="Of mail that names none, on a stream for all; empty: the tenant's first topic.")
@click.option("--track", type=click.Choice(streams.TRACKS), help=TRACK)
@click.option("--decoy", type=click.Choice(["on", "off"]), help=DECOY)
@json_option
@click.pass_context
def set_(
    ctx: click.Context,
    tenant: str,
    name: str,
    default_topic: str | None,
    track: str | None,
    decoy: str | None,
    as_json: bool,
) -> None:
    """Change a stream."""
    if default_topic is None and track is None and decoy is None:
        fail("say what to change: --default-topic, --track or --decoy")
    said, now = [], time.time()
    with transaction(open_store(ctx).conn) as conn:
        owner = tenants.find(conn, tenant)
        stream = streams.find(conn, owner, name)
        if default_topic is not None:
            stream = streams.set_default_topic(conn, owner, name, default_topic, actor=actor(), now=now)
            said.append(f"default topic {default_topic or 'the first'}")
        if track is not None or decoy is not None:
            on = None if decoy is None else decoy == "on"
            stream = streams.set_track(conn, owner, name, track=track, decoy=on, actor=actor(), now=now)
            said.append(f"tracks {stream.track}{', with a decoy link' if stream.decoy else ''}")
    done(ctx, f"stream {name} of {tenant}: {'; '.join(said)}", _row(stream), as_json)


@command.command("list")
@click.argument("tenant")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List a tenant's streams."""
    conn = open_store(ctx).conn
    rows = [_row(stream) for stream in streams.of_tenant(conn, tenants.find(conn, tenant).id)]
    output(ctx, rows, COLUMNS, as_json)


def _row(stream: Stream) -> dict[str, object]:
    row = asdict(stream)
    row["consent"] = "required" if row.pop("consent_required") else "exempt"
    return row
