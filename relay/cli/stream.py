"""``relay stream``: a tenant's channels."""

from __future__ import annotations

import time

import click
from msgspec.structs import asdict

from relay.cli.common import actor, done, json_option, open_store, output
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
@json_option
@click.pass_context
def add(ctx: click.Context, tenant: str, name: str, kind: str, topic: str, consent: str | None, as_json: bool) -> None:
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
            actor=actor(),
            now=time.time(),
        )
    row = _row(stream)
    done(ctx, f"stream {name} added to {tenant}: {kind}, topic {stream.topic}, consent {row['consent']}", row, as_json)


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
