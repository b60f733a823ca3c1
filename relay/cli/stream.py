"""``relay stream``: a tenant's channels."""

from __future__ import annotations

import time

import click
from msgspec.structs import asdict

from relay.cli.common import actor, done, fail, json_option, open_store, output
from relay.store.database import transaction
from relay.tenants import streams, tenants
from relay.values.facts import Kind, Stream

COLUMNS = ("name", "kind", "topic", "consent")


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
    help="Whether each recipient must have consented; default: bulk required, transactional exempt.",
)
@click.option(
    "--footer",
    type=click.Choice(streams.FOOTERS),
    help="What its messages end with; default: bulk full, transactional short. headers needs --reason.",
)
@click.option("--reason", default="", help="Why it needs less than others; goes to the audit log.")
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    tenant: str,
    name: str,
    kind: str,
    topic: str,
    consent: str | None,
    footer: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Add a stream to a tenant."""
    required = None if consent is None else consent == "required"
    with transaction(open_store(ctx).conn) as conn:
        stream = streams.add(
            conn,
            tenants.find(conn, tenant),
            name,
            Kind(kind),
            topic=topic,
            consent_required=required,
            footer=footer or "",
            reason=reason,
            actor=actor(),
            now=time.time(),
        )
    row = _row(stream)
    done(ctx, f"stream {name} added to {tenant}: {kind}, topic {stream.topic}, consent {row['consent']}", row, as_json)


@command.command("set")
@click.argument("tenant")
@click.argument("name")
@click.option("--default-topic", help="Of mail that names none, on a stream for all; empty: the tenant's first topic.")
@json_option
@click.pass_context
def set_(ctx: click.Context, tenant: str, name: str, default_topic: str | None, as_json: bool) -> None:
    """Change a stream."""
    if default_topic is None:
        fail("say what to change: --default-topic")
    with transaction(open_store(ctx).conn) as conn:
        owner = tenants.find(conn, tenant)
        stream = streams.set_default_topic(conn, owner, name, default_topic, actor=actor(), now=time.time())
    done(ctx, f"stream {name} of {tenant}: default topic {default_topic or 'the first'}", _row(stream), as_json)


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
