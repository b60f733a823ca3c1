"""``/desk/health``: what ``relay check`` and ``relay doctor`` see on this machine, without asking anybody else.

All but the pages of the database's file: reading them all takes longer than anybody waits for a page.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.availability import months
from relay.availability.book import AvailabilityKind, Outage
from relay.checks import everything
from relay.checks.result import CheckResult, Level
from relay.web.inside.gate import PageRequest, show
from relay.web.machine import disk, release

KEPT_S = 15.0
"""What was seen is shown again for so long: looking takes the disk's time."""
MONTHS = 12
OUTAGES = 20
_kept: list[tuple[float, list[CheckResult]]] = []


def health(asked: PageRequest) -> Response:
    """What has to be mended first."""
    settings = asked.context.settings
    if not _kept or time.monotonic() - _kept[0][0] > KEPT_S:
        with asked.context.storage.read() as conn:
            found = [*everything.here(settings, whole=False), *everything.stored(conn, asked.now)]
        order = [Level.FAIL, Level.WARN, Level.OK]
        _kept[:] = [(time.monotonic(), sorted(found, key=lambda one: order.index(one.level)))]
    rows = _kept[0][1]
    with asked.context.storage.read() as conn:
        by_month, outages = months.figures(conn, asked.now, MONTHS)
    values = {
        "rows": rows,
        "wrong": sum(one.level is Level.FAIL for one in rows),
        "odd": sum(one.level is Level.WARN for one in rows),
        "release": release(),
        "python": platform.python_version(),
        "store": "PostgreSQL" if settings.store.url else "SQLite",
        "disk": [(name, *_sized(octets)) for name, octets in disk(settings).items()],
        "months": by_month,
        "outages": _together(outages)[:OUTAGES],
        "promised": months.PROMISED * 100,
    }
    return asked.page("desk/health.html", values)


def _sized(octets: int) -> tuple[float, str]:
    """In the unit that people read at a glance."""
    for unit, size in (("TiB", 2**40), ("GiB", 2**30)):
        if octets >= size:
            return round(octets / size, 1), unit
    return round(octets / 2**20), "MiB"


def _together(outages: Iterable[Outage]) -> list[tuple[Outage, list[AvailabilityKind]]]:
    """What could not be used in the same time, in one line."""
    found: dict[tuple[int, int], tuple[Outage, list[AvailabilityKind]]] = {}
    for one in outages:
        found.setdefault((one.from_minute, one.until_minute), (one, []))[1].append(one.kind)
    for _, kinds in found.values():
        kinds.sort()
    return list(found.values())


ROUTES = [show("/desk/health", health, Deed.OPERATE)]
