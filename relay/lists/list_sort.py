"""Sorting more lines than memory should hold: ordered runs in a temporary file, merged as they are read back."""

from __future__ import annotations

import heapq
import marshal
import tempfile
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import IO, Final, TypeAlias

from relay.lists.list_text import ListError

RUN: Final = 100_000
"""Lines ordered in memory."""
_BLOCK: Final = 250
"""Lines of each run that are in memory while the runs are merged."""

Line: TypeAlias = tuple[str, int, float, str, str | None, str | None, str | None, int, str, int]
"""Canonical address; number of the line; time of the consent (seconds UTC); IP address or empty; ``mailbox_of`` the
address; attributes (JSON) or None; groups (JSON array of places in the order of their naming) or None; 1 if the time
is stated, 0 if it is that of the import; else the day since when the person is on the list, or empty; GONE or 0."""
GONE: Final = 1
"""The line says that the person left or bounced; none of its lines is a consent."""
_GONE: Final = 9
"""Where that stands."""


class Sorter:
    """Takes lines in any order and gives them by address, the earlier line of two first. ``close`` it at the end."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._file: IO[bytes] | None = None
        self._runs: list[list[tuple[int, int]]] = []
        """Where each run's blocks are in the file, and how long."""
        self.gone_lines = 0
        """Lines that say that their person is gone."""
        self.gone: list[tuple[int, str]] = []
        """Other lines of such people (number and address), known as ``people`` is read."""

    def add(self, line: Line) -> None:
        """Raises ListError if there is no room for more."""
        self._lines.append(line)
        self.gone_lines += line[_GONE]
        if len(self._lines) >= RUN:
            try:
                self._put()
            except OSError as error:
                where = tempfile.gettempdir()
                raise ListError(
                    f"the list doesn't fit into {where} while it is sorted: {error.strerror or error};"
                    " name a directory with more room in TMPDIR"
                ) from error

    def people(self) -> Iterator[Line]:
        """All lines, of each address the first one. Call it once, when all have been added."""
        self._lines.sort()
        runs = [self._run(blocks) for blocks in self._runs]
        merged = heapq.merge(*runs, self._lines) if runs else iter(self._lines)
        if not self.gone_lines:
            last = ""
            for line in merged:
                if line[0] != last:
                    last = line[0]
                    yield line
            return
        for _, lines in groupby(merged, itemgetter(0)):
            same = list(lines)
            if any(line[_GONE] for line in same):
                self.gone += [(line[1], line[0]) for line in same if not line[_GONE]]
            else:
                yield same[0]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _put(self) -> None:
        self._lines.sort()
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this
        blocks = []
        for begin in range(0, len(self._lines), _BLOCK):
            place = self._file.tell()
            blocks.append((place, self._file.write(marshal.dumps(self._lines[begin : begin + _BLOCK]))))
        self._runs.append(blocks)
        self._lines = []

    def _run(self, blocks: list[tuple[int, int]]) -> Iterator[Line]:
        assert self._file is not None
        for place, length in blocks:
            self._file.seek(place)
            yield from marshal.loads(self._file.read(length))
