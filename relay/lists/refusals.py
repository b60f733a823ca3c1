"""Lines that an import didn't take, kept in their order until they are told or written to a report."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import Final

from relay.lists.list_file import Bad

SHOWN: Final = 20
"""Refused lines shown beside the sums."""
REPORT_COLUMNS: Final = ("line", "text", "reason", "offer")
_IN_MEMORY: Final = 1 << 20


def row_of(bad: Bad) -> dict[str, object]:
    """A line that wasn't used, as ``--json`` and reports have it; ``offer``: the list's own reason to suppress."""
    row: dict[str, object] = {"line": bad.line, "text": bad.text, "reason": bad.why}
    return row | {"offer": bad.offer} if bad.offer else row


class Refusals:
    """Refused lines in their order; many of them go to a temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115 - lives on
        self.first: list[Bad] = []
        self.count = 0

    def __call__(self, bad: Bad) -> None:
        self._file.write(json.dumps(row_of(bad)) + "\n")
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(bad)

    def all(self) -> Iterator[dict[str, object]]:
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)
