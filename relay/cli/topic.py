"""``relay topic``: what people can agree to hear about."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.cli.common import actor, done, fail, json_option, open_store, output
from relay.people import topics
from relay.store.database import transaction
from relay.tenants import tenants

COLUMNS = ("name", "title", "description", "default")


@click.group()
def command() -> None:
    """Topics of a tenant: add, edit, list."""


@command.command()
@click.argument("tenant")
@click.argument("topic")
@click.option("--title", default="", help="What people read in its place, e.g. 'Our weekly news'.")
@click.option("--description", default="", help="One sentence for forms and preferences.")
@json_option
@click.pass_context
def add(ctx: click.Context, tenant: str, topic: str, title: str, description: str, as_json: bool) -> None:
    """Make a topic. A second one changes nothing for mail that names none: that goes on under the first."""
    with transaction(open_store(ctx).conn) as conn:
        owner = tenants.find(conn, tenant)
        row = topics.add(conn, owner.id, topic, title=title, description=description, actor=actor(), now=time.time())
    done(ctx, f"topic {row.name} added to {tenant}", asdict(row), as_json)


@command.command()
@click.argument("tenant")
@click.argument("topic")
@click.option("--title", help="What people read in its place; empty: the name.")
@click.option("--description", help="One sentence for forms and preferences; empty: none.")
@json_option
@click.pass_context
def edit(
    ctx: click.Context, tenant: str, topic: str, title: str | None, description: str | None, as_json: bool
) -> None:
    """Change what people read of a topic; its name stays, since consents are to it."""
    if title is None and description is None:
        fail("say what to change: --title or --description")
    with transaction(open_store(ctx).conn) as conn:
        owner = tenants.find(conn, tenant)
        row = topics.edit(conn, owner.id, topic, title=title, description=description, actor=actor(), now=time.time())
    done(ctx, f"topic {row.name} of {tenant} changed", asdict(row), as_json)


@command.command("list")
@click.argument("tenant")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List a tenant's topics; mail that names none goes under the default one."""
    conn = open_store(ctx).conn
    found = topics.of_tenant(conn, tenants.find(conn, tenant).id)
    output(ctx, [asdict(row) | {"default": row is found[0]} for row in found], COLUMNS, as_json)
