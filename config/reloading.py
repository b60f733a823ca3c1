"""Which settings a running relay can't take, and what has changed between two sets of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from config.faults import dotted
from config.settings import Settings

FIXED: Final[Mapping[str, tuple[str, ...]]] = {
    "server": ("data_dir", "secrets", "workers", "watchdog", "node"),
    "store": ("url",),
    "listen": ("submission", "submissions", "inbound", "http", "https", "acme"),
    "delivery": ("stop_grace",),
}
"""What the parent holds: ports, the place of the data, how many processes there are and how long it waits for them."""


def differing(first: Settings, second: Settings) -> list[str]:
    """Dotted names of the settings that differ, in the order of the tables."""
    found = []
    for table in Settings.model_fields:
        one, other = getattr(first, table), getattr(second, table)
        if isinstance(one, BaseModel):
            names = [name for name in type(one).model_fields if getattr(one, name) != getattr(other, name)]
        else:
            names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
        found += [dotted((table, name)) for name in names]
    return found


def with_fixed(running: Settings, found: Settings) -> tuple[Settings, list[str]]:
    """What was found, but for what can't change; and the names of those that differ there."""
    tables = {
        table: getattr(found, table).model_copy(update={name: getattr(getattr(running, table), name) for name in names})
        for table, names in FIXED.items()
    }
    wanted = found.model_copy(update=tables)
    return wanted, differing(wanted, found)
