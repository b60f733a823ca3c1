"""On which line of ``relay.toml`` a setting stands: tomllib tells no places, so beginnings of the file are parsed."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

MOST_OCTETS: Final = 1 << 17
"""Of a file in which places are looked for."""
MOST_LOOKS: Final = 300
"""Each parses a part of the file."""
_PART: Final = re.compile(r'\[(\d+)\]|(?:^|\.)(?:"((?:[^"\\]|\\.)*)"|([^."\[\]]+))')


def line_of(text: str, path: str) -> int:
    """The line, from 1, on which the setting with this dotted path begins, or its table where the setting is missing.

    0 where neither is there, or the file is too long to look. ``text`` is valid TOML.
    """
    if len(text) > MOST_OCTETS:
        return 0
    try:
        return _Search(text).line(_parts(path))
    except _TooManyLooks:
        return 0


def _parts(path: str) -> list[str | int]:
    """``delivery.retry[2]`` as its keys."""
    return [int(index) if index else bare or quoted.replace('\\"', '"') for index, quoted, bare in _PART.findall(path)]


class _TooManyLooks(Exception):
    pass


class _Search:
    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._looks = 0

    def line(self, parts: list[str | int]) -> int:
        depth = _depth(tomllib.loads("\n".join(self._lines)), parts)
        if not depth:
            return 0
        low, high = 0, len(self._lines)  # it isn't there after so many lines; it is there after so many
        while high - low > 1:
            middle = (low + high) // 2
            if _depth(self._whole(middle)[1], parts[:depth]) == depth:
                high = middle
            else:
                low = middle
        return self._whole(high - 1)[0] + 1

    def _whole(self, most: int) -> tuple[int, dict[str, Any]]:
        """The longest beginning of so many lines that doesn't end within a list or text: its lines, what it says."""
        for count in range(most, 0, -1):
            self._looks += 1
            if self._looks > MOST_LOOKS:
                raise _TooManyLooks
            try:
                return count, tomllib.loads("\n".join(self._lines[:count]) + "\n")
            except tomllib.TOMLDecodeError:
                continue
        return 0, {}


def _depth(document: object, parts: list[str | int]) -> int:
    """How many of the keys there are, from the left."""
    here: Any = document
    for depth, part in enumerate(parts):
        keys: Any = range(len(here)) if isinstance(here, list) else here if isinstance(here, dict) else ()
        if part not in keys:
            return depth
        here = here[part]
    return len(parts)
