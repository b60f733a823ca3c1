"""``relay check``: will this relay work as it is set up, and if not, what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from relay.checks import everything
from relay.checks.result import CheckResult, Level, bad, ok
from relay.cli import layout
from relay.cli.common import config_path, fail, json_option, load_settings, open_store, print_json
from relay.cli.printing import colours, room
from relay.observe.escape import escaped

if TYPE_CHECKING:
    from config.faults import Fault
    from config.settings import Settings
    from relay.store.contract import Tx
    from relay.tenants.lookup import RecordLookup

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int | None:
    """Check settings, permissions, ports, keys and DNS records.

    Exit status 1 if something has to be mended. It changes nothing and can run beside the relay.
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("put --json after the subcommand")
        return None
    return report(local(ctx), as_json)


@command.command("dns")
@click.argument("domain", required=False)
@json_option
@click.pass_context
def dns_(ctx: click.Context, domain: str | None, as_json: bool) -> int:
    """Look up the relay's own DNS records and those of DOMAIN, or of all tenants' domains.

    The name servers themselves; the relay's own: address and PTR, SPF and MX of the mail domain. A tenant's:
    verification, DKIM, return path, SPF, DMARC.
    """
    from relay.tenants.lookup import LookupFailed, resolver

    store = open_store(ctx)
    try:
        lookup = resolver(store.settings)
    except LookupFailed as error:
        fail(str(error))
    return report(records(store.conn, store.settings, lookup, domain), as_json)


def records(conn: Tx, settings: Settings, lookup: RecordLookup, domain: str | None = None) -> list[CheckResult]:
    """The name servers, the relay's own records, and those of one or of all domains."""
    from relay.checks.dns import check_operator, check_records
    from relay.checks.resolvers import check_resolvers
    from relay.tenants import domains

    rows = domains.listing(conn)
    if domain is not None:
        name = domains.normal_name(domain)
        rows = [row for row in rows if row.name == name] or [domains.find(conn, name)]
    wanted = [(row.name, domains.records(conn, settings, row)) for row in rows]
    return [*check_resolvers(settings), *check_operator(settings, lookup), *check_records(wanted, lookup)]


@command.command("store")
@json_option
@click.pass_context
def store_(ctx: click.Context, as_json: bool) -> int:
    """Walk the whole store: pages, indexes, references, queue, keys and audit log, and how old the newest backup is.

    It changes nothing and can run beside the relay; a million leaves of the audit log take a minute or so.
    """
    import time

    from relay.checks.walk import walk_store

    return report(list(walk_store(load_settings(ctx), time.time())), as_json)


def local(ctx: click.Context) -> list[CheckResult]:
    """All that can be seen on this machine; wrong settings end it early."""
    from config.load import ConfigError

    try:
        settings = load_settings(ctx)
    except ConfigError as error:
        return [_fault(fault, error.source) for fault in error.faults]
    return [ok("settings", str(config_path(ctx))), *everything.of_settings(settings, dt.datetime.now(dt.UTC))]


def report(results: Sequence[CheckResult], as_json: bool) -> int:
    """Print; the exit status."""
    if as_json:
        print_json([_row(result) for result in results])
    else:
        for line in layout.trailing([_cells(result) for result in results], room(), whole=True):
            click.echo(_coloured(line))
    return 1 if any(result.level is Level.FAIL for result in results) else 0


def _cells(result: CheckResult) -> tuple[str, str, str]:
    todo = f" → {escaped(result.todo)}" if result.todo else ""
    return result.level, escaped(result.what), escaped(result.detail) + todo


def _coloured(line: str) -> str:
    """The level in its colour, where there are colours; what goes on from the line above has none."""
    for level, colour in _COLOURS.items():
        if line.startswith(level) and colours():
            return click.style(level, colour) + line[len(level) :]
    return line


def _row(result: CheckResult) -> dict[str, object]:
    row: dict[str, object] = {
        "level": result.level.lower(),
        "what": result.what,
        "detail": result.detail,
        "todo": result.todo,
    }
    finding = getattr(result, "finding", None)
    if finding is not None:
        record = finding.record
        row |= {"state": str(finding.state), "name": record.name, "type": record.type, "value": record.value}
        row |= {"purpose": record.purpose, "found": list(finding.found)}
    return row


def _fault(fault: Fault, source: str) -> CheckResult:
    if fault.path:
        return bad("settings", str(fault), f"correct {source}")
    detail, _, todo = fault.text.partition("; ")
    return bad("settings", f"{source}: {detail}", todo or f"correct {source}")
