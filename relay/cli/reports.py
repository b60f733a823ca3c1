"""``relay reports``: what needs the operator's eye: spam reports, tenants past a figure, answers that wait."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from relay.cli.common import Store, actor, done, json_option, open_store, say, show
from relay.cli.printing import listing, say_lines
from relay.cli.statement import statement_row
from relay.cli.tenant_view import rate_row, worst
from relay.conduct import judge, rates, second_accounts, statements
from relay.feedback import public_report
from relay.feedback.public_report import ReportRow
from relay.store.database import reading, transaction
from relay.tenants import tenants
from relay.values.ids import encode_id

RATES = ("tenant", "name", "measure", "count", "of", "percent", "level", "since_at")
REPORTS = ("number", "at", "tenant", "sender", "description", "message", "address")
ALIKE = ("what", "value", "tenants")
ANSWERS = ("number", "at", "tenant", "action", "reason", "answered_at")


@click.group(invoke_without_command=True)
@click.option("--all", "everybody", is_flag=True, help="Rates of tenants that are fine too.")
@json_option
@click.pass_context
def command(ctx: click.Context, everybody: bool, as_json: bool) -> None:
    """Spam reports, rates of tenants past a figure, answers that wait, second accounts."""
    if ctx.invoked_subcommand is not None:
        return
    store, now = open_store(ctx), time.time()
    found = _rates(store, now, everybody or as_json)
    answers = [statement_row(one) for one in statements.listing(store.conn, unanswered=True)]
    alike = second_accounts.groups(store.conn)
    reported = [_report_row(one, whole=as_json) for one in public_report.listing(store.conn)]
    if as_json:
        show(ctx, {"tenants": found, "answers": answers, "second_accounts": alike, "reports": reported}, as_json=True)
        return
    rows = [{"tenant": row["tenant"], **one} for row in found for one in _shown(row["rates"], everybody)]
    _table(f"Rates of {store.settings.rates.window / 86_400:g} days", rows, RATES)
    _table("Spam reports to look at", reported, REPORTS)
    _table("Answers to decide on", answers, ANSWERS)
    _table("Perhaps one customer with several accounts", alike, ALIKE)


def _shown(rows: object, everybody: bool) -> list[dict[str, object]]:
    assert isinstance(rows, list)
    return [row for row in rows if everybody or row["level"] != "fine"]


def _table(title: str, rows: list[dict[str, object]], columns: tuple[str, ...]) -> None:
    say(f"{title}: {'' if rows else 'none'}".rstrip())
    if rows:
        say_lines(listing(rows, columns))
    say("")


def _rates(store: Store, now: float, everybody: bool) -> list[dict[str, object]]:
    """Each tenant with its rates, the worst first."""
    conn, settings = store.conn, store.settings.rates
    rows = []
    with reading(conn):
        fresh = rates.pending(conn)
        for tenant in tenants.all_tenants(conn):
            found = judge.standpoints(conn, tenant.id, settings, now, fresh)
            top = max(one.level for one in found)
            if not everybody and not top:
                continue
            row: dict[str, object] = {
                "tenant": tenant.name,
                "level": worst(found),
                "blind_percent": round(100 * found[0].counts.blind, 1),
                "freeze": str(tenant.freeze),
                "rates": [rate_row(one, settings) for one in found],
            }
            rows.append((-top, tenant.name, row))
    return [row for _, _, row in sorted(rows, key=lambda one: one[:2])]


def _report_row(one: ReportRow, *, whole: bool = True) -> dict[str, object]:
    """As commands show it; in a table only the beginning of what was pasted."""
    message = one.message if whole else " ".join(one.message.split())[:60]
    fields = asdict(one) | {"number": one.id, "message": message}
    del fields["id"]
    if one.submission_id is not None:
        fields["submission_id"] = encode_id(one.submission_id)
    return fields


@command.command("show")
@click.argument("number", type=int)
@json_option
@click.pass_context
def show_(ctx: click.Context, number: int, as_json: bool) -> None:
    """Show a spam report with all that was pasted."""
    show(ctx, _report_row(public_report.by_id(open_store(ctx).conn, number)), as_json)


@command.command()
@click.argument("number", type=int)
@click.option("--note", required=True, help="What came of it.")
@json_option
@click.pass_context
def close(ctx: click.Context, number: int, note: str, as_json: bool) -> None:
    """You have looked at a spam report."""
    store = open_store(ctx)
    with transaction(store.conn) as conn:
        row = public_report.close(conn, number, note, actor=actor(), now=time.time())
    done(ctx, f"report {number} closed", _report_row(row), as_json)
