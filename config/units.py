"""Durations and sizes as people write them, to and from plain numbers.

A duration is a number of seconds or text such as ``90s``, ``30m``, ``1h30m``,
``5d``; a size is a number of octets or text such as ``256KiB``, ``25MiB``,
``25MB``. Wrong text raises ValueError with one line that says what is meant.
"""

from __future__ import annotations

import math
import re

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86400.0, 604800.0
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

LONGEST_S = 36525 * DAY
"""A century; longer ones are slips, and would overflow when added to a time."""
LARGEST_OCTETS = 1 << 50

_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_SIZE_UNITS = {"": 1, "B": 1, "KIB": KIB, "MIB": MIB, "GIB": GIB, "KB": 10**3, "MB": 10**6, "GB": 10**9}

_DURATION = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,6})?(?:ms|s|m|h|d|w))+", re.ASCII)
_DURATION_STEP = re.compile(r"([0-9.]+)([a-z]+)")
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?) ?([A-Za-z]*)", re.ASCII)

DURATION_HINT = 'write seconds, or text like "90s", "30m", "6h", "5d"'
SIZE_HINT = 'write octets, or text like "256KiB", "25MiB", "1GiB"'


def parse_duration(value: object) -> float:
    """Seconds, zero or more, at most a century."""
    if isinstance(value, str):
        if not _DURATION.fullmatch(value):
            raise ValueError(f"{_shown(value)} is not a duration: {DURATION_HINT}")
        seconds = math.fsum(float(n) * _DURATION_UNITS[unit] for n, unit in _DURATION_STEP.findall(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if 0 <= value <= LONGEST_S else -1.0  # an int may be too large for a float
    else:
        raise ValueError(f"is not a duration: {DURATION_HINT}")
    if not 0 <= seconds <= LONGEST_S:
        raise ValueError(f"{_shown(value)} is not between 0 seconds and a century")
    return seconds


def parse_octets(value: object) -> int:
    """Octets, zero or more, at most 2**50."""
    if isinstance(value, str):
        match = _SIZE.fullmatch(value)
        factor = _SIZE_UNITS.get(match[2].upper()) if match else None
        if match is None or factor is None:
            raise ValueError(f"{_shown(value)} is not a size: {SIZE_HINT}")
        exact = float(match[1]) * factor if "." in match[1] else int(match[1]) * factor
        octets = int(exact)
        if octets != exact:
            raise ValueError(f"{_shown(value)} is not a whole number of octets: {SIZE_HINT}")
    elif isinstance(value, int) and not isinstance(value, bool):
        octets = value
    else:
        raise ValueError(f"is not a size: {SIZE_HINT}")
    if not 0 <= octets <= LARGEST_OCTETS:
        raise ValueError(f"{_shown(value)} is not between 0 and 2^50 octets")
    return octets


def format_duration(seconds: float) -> str:
    """The shortest text of one unit that reads back as the same number."""
    for unit in ("d", "h", "m", "s"):
        count = seconds / _DURATION_UNITS[unit]
        if seconds and count == int(count):
            return f"{int(count)}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def format_octets(octets: int) -> str:
    """The shortest text of one unit that reads back as the same number."""
    for unit, factor in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if octets and octets % factor == 0:
            return f"{octets // factor}{unit}"
    return str(octets)


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a number of so many digits"  # writing it out takes long, or is refused
    text = repr(value) if not isinstance(value, str) else f'"{value}"'
    return text if len(text) <= 60 else text[:57] + "…"
