"""``relay topic``: what people can agree to hear about."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

import click

from relay.audit import actions
from relay.cli.common import actor, done, fail, json_option, open_store, output
from relay.people import grades, topics
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.tenants import tenants

COLUMNS = ("name", "title", "description", "grade", "default")
_grade_option = click.option(
    "--grade",
    type=click.Choice(grades.GRADES),
    help="The lowest that its consents must have. A: own double opt-in, B: time and IP known, C: all.",
)


@click.group()
def command() -> None:
    """Topics of a tenant: add, edit, list."""


@command.command()
@click.argument("tenant")
@click.argument("topic")
@click.option("--title", default="", help="What people read in its place, e.g. 'Our weekly news'.")
@click.option("--description", default="", help="One sentence for forms and preferences.")
@_grade_option
@json_option
@click.pass_context
def add(
    ctx: click.Context, tenant: str, topic: str, title: str, description: str, grade: str | None, as_json: bool
) -> None:
    """Make a topic. A second one changes nothing for mail that names none: that goes on under the first."""
    with transaction(open_store(ctx).conn) as conn:
        owner = tenants.find(conn, tenant)
        row = topics.add(conn, owner.id, topic, title=title, description=description, actor=actor(), now=time.time())
        row, _ = _demand(conn, owner.id, row, grade)
    done(ctx, f"topic {row.name} added to {tenant}", asdict(row), as_json)


@command.command()
@click.argument("tenant")
@click.argument("topic")
@click.option("--title", help="What people read in its place; empty: the name.")
@click.option("--description", help="One sentence for forms and preferences; empty: none.")
@_grade_option
@json_option
@click.pass_context
def edit(
    ctx: click.Context,
    tenant: str,
    topic: str,
    title: str | None,
    description: str | None,
    grade: str | None,
    as_json: bool,
) -> None:
    """Change what people read of a topic, or how well its consents are proved; its name stays, they are to it."""
    if title is None and description is None and grade is None:
        fail("say what to change: --title, --description or --grade")
    with transaction(open_store(ctx).conn) as conn:
        owner = tenants.find(conn, tenant)
        if title is not None or description is not None:
            topics.edit(conn, owner.id, topic, title=title, description=description, actor=actor(), now=time.time())
        id_ = topics.known(conn, owner.id, topic)
        row = next(one for one in topics.of_tenant(conn, owner.id) if one.id == id_)
        row, below = _demand(conn, owner.id, row, grade)
    text = f"topic {row.name} of {tenant} changed"
    text += f": it takes grade {grade}, {below} live consents are below it" if grade is not None else ""
    done(ctx, text, asdict(row) | ({"below": below} if grade is not None else {}), as_json)


def _demand(conn: Tx, tenant_id: int, row: topics.TopicRow, grade: str | None) -> tuple[topics.TopicRow, int]:
    """Let a topic ask for a grade; how many live consents are none until they are proved better."""
    if grade is None:
        return row, 0
    below = grades.demand(conn, row.id, grade)
    told = {"topic": row.name, "grade": grade}
    actions.record(conn, actor(), "topic-grade-demanded", tenant_id, told, time.time())
    return replace(row, grade=grade), below


@command.command("list")
@click.argument("tenant")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List a tenant's topics; mail that names none goes under the default one."""
    conn = open_store(ctx).conn
    found = topics.of_tenant(conn, tenants.find(conn, tenant).id)
    output(ctx, [asdict(row) | {"default": row is found[0]} for row in found], COLUMNS, as_json)
