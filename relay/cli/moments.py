"""Times at the command line: shown in the operator's zone, or in UTC with ``--utc``; JSON is always in UTC.

The zone is the machine's (``/etc/localtime``), or what ``TZ`` says.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click

_UTC: Final = "relay.utc"
"""In the context's ``meta``, which a command shares with the groups above it."""
_SPAN: Final = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

F = TypeVar("F", bound=Any)


def iso(at: float, *, timespec: str = "seconds") -> str:
    """UTC: ``2026-11-23T14:05:00Z``."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def shown(at: float) -> str:
    """For people: ``2026-11-23T15:05:00+01:00`` where the operator is, ``…Z`` if that is UTC."""
    if _is_utc():
        return iso(at)
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds").replace("+00:00", "Z")


def brief(at: float) -> str:
    """Where there is little room: ``2026-11-23 15:05``, in the same zone as ``shown``."""
    moment = datetime.fromtimestamp(at, UTC) if _is_utc() else datetime.fromtimestamp(at).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M")


def utc_option(command: F) -> F:
    """``--utc``, which concerns printing alone."""
    decorated: F = click.option(
        "--utc",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_remember,
        help="Show times in UTC; without it in this machine's zone.",
    )(command)
    return decorated


class Since(click.ParamType[float]):
    """A time to look back to: ISO 8601 in the zone that times are shown in, or a span such as 30m, 12h, 7d."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip()
        span = _SPAN.fullmatch(text.lower())
        if span is not None:
            return time.time() - int(span[1]) * _SECONDS[span[2]]
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None and _is_utc():
                moment = moment.replace(tzinfo=UTC)
            return moment.timestamp()
        except (ValueError, OverflowError):
            told = f"{value!r} is no time: write it like 2026-11-23, 2026-11-23T14:05, or 12h or 7d for a time ago"
            self.fail(told, param, ctx)


SINCE: Final = Since()


def _remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_UTC] = True


def _is_utc() -> bool:
    ctx = click.get_current_context(silent=True)
    return ctx is not None and bool(ctx.meta.get(_UTC))
