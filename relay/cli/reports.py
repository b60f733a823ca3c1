"""``relay reports``: what needs the operator's eye: tenants past a figure, answers that wait."""

from __future__ import annotations

import time

import click

from relay.cli.common import Store, json_option, open_store, say, show
from relay.cli.printing import listing, say_lines
from relay.cli.statement import statement_row
from relay.cli.tenant_view import rate_row, worst
from relay.conduct import judge, rates, second_accounts, statements
from relay.store.database import reading
from relay.tenants import tenants

RATES = ("tenant", "name", "measure", "count", "of", "percent", "level", "since_at")
ALIKE = ("what", "value", "tenants")
ANSWERS = ("number", "at", "tenant", "action", "reason", "answered_at")


@click.command()
@click.option("--all", "everybody", is_flag=True, help="Rates of tenants that are fine too.")
@json_option
@click.pass_context
def command(ctx: click.Context, everybody: bool, as_json: bool) -> None:
    """Rates of tenants past a figure, and answers that wait for a decision."""
    store, now = open_store(ctx), time.time()
    found = _rates(store, now, everybody or as_json)
    answers = [statement_row(one) for one in statements.listing(store.conn, unanswered=True)]
    alike = second_accounts.groups(store.conn)
    if as_json:
        show(ctx, {"tenants": found, "answers": answers, "second_accounts": alike}, as_json=True)
        return
    rows = [{"tenant": row["tenant"], **one} for row in found for one in _shown(row["rates"], everybody)]
    _table(f"Rates of {store.settings.rates.window / 86_400:g} days", rows, RATES)
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
