"""``relay statement``: why something was done to a tenant, what it answers, and what is decided on that."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.cli.common import actor, done, json_option, open_store, output, show
from relay.conduct import letters, statements
from relay.conduct.statements import Statement
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.support import appeals
from relay.tenants import tenants
from relay.texts.language import language

COLUMNS = ("number", "at", "tenant", "action", "about", "rule", "reason", "answered_at", "decided_at", "ended_at")


@click.group()
def command() -> None:
    """Statements of reasons: list, show, answer, decide."""


@command.command("list")
@click.argument("tenant", required=False)
@click.option("--unanswered", is_flag=True, help="Only those whose answer nobody has decided on yet.")
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str | None, unanswered: bool, as_json: bool) -> None:
    """List why tenants were warned, held, declined or frozen, the newest first."""
    conn = open_store(ctx).conn
    tenant_id = None if tenant is None else tenants.find(conn, tenant).id
    rows = statements.listing(conn, tenant_id, unanswered=unanswered)
    output(ctx, [statement_row(one) for one in rows], COLUMNS, as_json)


@command.command("show")
@click.argument("number", type=int)
@json_option
@click.pass_context
def show_(ctx: click.Context, number: int, as_json: bool) -> None:
    """Show one: facts, rule, who or what decided, how to object, answer and decision."""
    show(ctx, statement_row(statements.by_id(open_store(ctx).conn, number)), as_json)


@command.command()
@click.argument("number", type=int)
@click.option("--text", required=True, help="What the tenant says to it.")
@json_option
@click.pass_context
def answer(ctx: click.Context, number: int, text: str, as_json: bool) -> None:
    """Write down what the tenant answered, e.g. by mail or telephone; by the API it does so itself."""
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        statement = statements.by_id(conn, number)
        operator, base_url = Operator.of(store.settings), store.settings.links.base_url
        statement = appeals.answer(conn, operator, base_url, statement, text, actor=actor(), now=time.time())
    done(ctx, f"answer to statement {number} kept; `relay statement decide` ends it", statement_row(statement), as_json)


@command.command()
@click.argument("number", type=int)
@click.option("--text", required=True, help="What you say to the tenant's answer; it gets a letter.")
@json_option
@click.pass_context
def decide(ctx: click.Context, number: int, text: str, as_json: bool) -> None:
    """Tell the tenant what came of its answer. What was done is undone by its own command."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        statement = statements.by_id(conn, number)
        operator, base_url = Operator.of(store.settings), store.settings.links.base_url
        statement = appeals.decide(conn, operator, base_url, statement, text, actor=actor(), now=now)
    done(ctx, f"{statement.tenant} is told", statement_row(statement), as_json)


def statement_row(one: Statement) -> dict[str, object]:
    """As commands show it: facts in words, and how to object."""
    english = language("en")
    fields = asdict(one)
    return {
        "number": one.id,
        **{key: value for key, value in fields.items() if key not in ("id", "tenant_id", "facts")},
        "facts": [letters.fact(english, fact) for fact in one.facts],
        "rule_text": letters.rule(english, one.rule),
        "object": english.plain("conduct.object", number=one.id),
    }
