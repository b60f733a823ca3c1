"""Reading a policy's settings table: typed, every fault named, nothing ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping

_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])\Z")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class PolicyTable:
    """Hands out values by key; ``done`` refuses what nobody asked for."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self._table = dict(table)
        self._known: set[str] = set()
        self._faults: list[str] = []

    def _get(self, key: str, default: object) -> object:
        self._known.add(key)
        return self._table.get(key, default)

    def flag(self, key: str, default: bool) -> bool:
        value = self._get(key, default)
        if not isinstance(value, bool):
            self._faults.append(f"{key} must be true or false")
            return default
        return value

    def number(self, key: str, default: float, least: float, most: float) -> float:
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            self._faults.append(f"{key} must be a number from {least:g} to {most:g}")
            return default
        return float(value)

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self._faults.append(f"{key} must be a whole number from {least} to {most}")
            return default
        return value

    def word(self, key: str, default: str, known: tuple[str, ...]) -> str:
        value = self._get(key, default)
        if not isinstance(value, str) or value not in known:
            self._faults.append(f"{key} must be one of {', '.join(known)}")
            return default
        return value

    def text(self, key: str, default: str) -> str:
        value = self._get(key, default)
        if not isinstance(value, str):
            self._faults.append(f"{key} must be a text in quotes")
            return default
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self._get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self._faults.append(f"{key} must be a list of texts")
            return default
        return tuple(value)

    def duration(self, key: str, default: float) -> float:
        """Seconds, or a text such as ``"90s"``, ``"6h"``, ``"5d"``."""
        value = self._get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return float(value)
        found = _DURATION.match(value) if isinstance(value, str) else None
        if found is None:
            self._faults.append(f'{key} must be a duration such as "90s", "6h" or "5d"')
            return default
        return float(found.group(1)) * _UNITS[found.group(2)]

    def done(self) -> None:
        """Raise ValueError with all faults, unknown keys among them."""
        unknown = sorted(set(self._table) - self._known)
        known = ", ".join(sorted(self._known)) or "none"
        self._faults += [f"unknown key {key} (there are: {known})" for key in unknown]
        if self._faults:
            raise ValueError("; ".join(self._faults))
