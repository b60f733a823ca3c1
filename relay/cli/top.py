"""``relay top``: what the relay does right now."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from config.settings import Settings
from relay.checks.ports import relay_process
from relay.cli import layout
from relay.cli.common import json_option, open_store, print_json
from relay.cli.watching import watch_lines
from relay.events import rates
from relay.queue import view
from relay.store.contract import Tx
from relay.store.database import reading

KINDS: Final = ("accepted", "delivered", "deferred", "bounced", "complained", "refused", "held", "unsubscribed")
_MOST: Final = 10


@click.command()
@click.option("--once", is_flag=True, help="Show it once and end, as in a pipe.")
@click.option(
    "--interval", type=click.FloatRange(1, 3600), default=2.0, show_default=True, metavar="SECONDS", help="How often."
)
@click.option(
    "--window",
    type=click.FloatRange(5, 3600),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Rates are of so long.",
)
@json_option
@click.pass_context
def command(ctx: click.Context, once: bool, interval: float, window: float, as_json: bool) -> None:
    """Live figures: rates, queue, sites, tenants, disk.

    On a terminal again and again until Ctrl-C; in a pipe, with --once or --json once.
    """
    if not (math.isfinite(interval) and math.isfinite(window)):  # which a range lets through
        raise click.BadParameter("it is no number of seconds", param_hint="'--interval', '--window'")
    store = open_store(ctx)
    if as_json:
        print_json(figures(store.conn, store.settings, time.time(), window))
        return
    watch_lines(lambda: _lines(figures(store.conn, store.settings, time.time(), window)), interval, once=once)


def figures(conn: Tx, settings: Settings, now: float, window_s: float) -> dict[str, Any]:
    """All that is shown, of one moment; rates are per second."""
    with reading(conn):
        lately = rates.since(conn, now - window_s)
        queue = view.stats(conn, domains=_MOST, finished=False)
        names = dict(conn.execute("SELECT id, name FROM tenant").fetchall())
        oldest = {
            str(domain): float(at)
            for domain, at in conn.execute("SELECT domain, min(due_at) FROM recipient WHERE state = 0 GROUP BY domain")
        }
    kinds: Counter[str] = Counter()
    for (_, kind), amount in lately.items():
        kinds[kind] += amount
    running = relay_process(settings.server.data_dir)
    return {
        "running": running is not None,
        "process": running or None,
        "window_s": window_s,
        "rates": {kind: round(kinds[kind] / window_s, 2) for kind in KINDS},
        "queue": {
            "ready": queue.ready,
            "deferred": queue.deferred,
            "leased": queue.leased,
            "held": sum(queue.held.values()),
            "held_by_reason": queue.held,
            "oldest_s": round(now - queue.oldest_at, 1) if queue.oldest_at is not None else None,
            "late_s": round(max(0.0, now - queue.due_at), 1) if queue.due_at is not None else None,
        },
        "sites": [
            {"domain": domain, "waiting": count, "late_s": round(max(0.0, now - oldest.get(domain, now)), 1)}
            for domain, count in queue.domains
        ],
        "tenants": _tenants(lately, queue.tenants, names, window_s),
        "disk": _disk(settings),
    }


def _tenants(
    lately: Counter[tuple[int, str]], waiting: dict[int, int], names: dict[int, str], window_s: float
) -> list[dict[str, Any]]:
    """Those with most to do, first."""
    busy: Counter[int] = Counter()
    for (tenant_id, kind), amount in lately.items():
        if kind in KINDS:
            busy[tenant_id] += amount
    order = sorted({*busy, *waiting} & names.keys(), key=lambda one: (-busy[one], -waiting.get(one, 0), names[one]))
    return [
        {
            "tenant": names[one],
            **{kind: round(lately[one, kind] / window_s, 2) for kind in KINDS[:4]},
            "waiting": waiting.get(one, 0),
        }
        for one in order[:_MOST]
    ]


def _disk(settings: Settings) -> dict[str, int | None]:
    try:
        found = os.statvfs(settings.server.data_dir)
        free: int | None = found.f_bavail * found.f_frsize
    except OSError:
        free = None
    stored = settings.stored
    return {
        "free_octets": free,
        "least_octets": settings.limits.free_disk_octets,
        "store_octets": _size(stored) if isinstance(stored, Path) else None,
        "log_octets": _size(stored.with_name(f"{stored.name}-wal")) if isinstance(stored, Path) else None,
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


# -- drawn -------------------------------------------------------------------------


def _lines(found: dict[str, Any]) -> list[str]:
    state = "running" if found["running"] else "STOPPED"
    if found["process"]:
        state += f" (process {found['process']})"
    disk, queue = found["disk"], found["queue"]
    parts = [f"relay {state}", f"free {_mib(disk['free_octets'])}"]
    if disk["store_octets"] is not None:
        parts.append(f"database {_mib(disk['store_octets'])}, its log {_mib(disk['log_octets'])}")
    lines = ["; ".join(parts), ""]
    lines += [f"per second, over {found['window_s']:g} s"]
    lines += _table([KINDS, [f"{found['rates'][kind]:g}" for kind in KINDS]])
    lines += ["", "queue"]
    names = ("ready", "deferred", "leased", "held")
    ages = [_age(queue["oldest_s"]), _age(queue["late_s"])]
    lines += _table([[*names, "oldest", "late"], [*(str(queue[name]) for name in names), *ages]])
    if found["sites"]:
        rows = [[one["domain"], str(one["waiting"]), _age(one["late_s"])] for one in found["sites"]]
        lines += ["", *_table([["site", "waiting", "late"], *rows])]
    if found["tenants"]:
        columns = ("tenant", *KINDS[:4], "waiting")
        rows = [[str(one[column]) for column in columns] for one in found["tenants"]]
        lines += ["", *_table([columns, *rows])]
    return lines


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    return layout.aligned([tuple(row) for row in rows])


def _mib(octets: int | None) -> str:
    return "unknown" if octets is None else f"{octets / (1 << 20):.0f} MiB"


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
