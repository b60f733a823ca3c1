"""Rows of a store, copied page by page, each page with how far it went, so that it can be gone on with.

Then both sides are read once more and compared by count and digest. A table that differs (the source was changed
after an earlier beginning) is copied anew, once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from relay.store.database import StoreError
from relay.store.sqlite.whole import tables
from relay.store.whole import CopyRefused, RowKey, StoreReader, StoreTaker, TableShape, TableSum, summed

PAGE_ROWS: Final = 20_000
PAGE_OCTETS: Final = 8 << 20
_SOURCE: Final = "source"
_ALL: Final = "all"
"""In the place of a key: the whole table is there."""

Step = Callable[[str, int, int], None]
"""Hears what is being done, how many rows of it are, and of how many."""


@dataclass(slots=True)
class StoreCopied:
    """What came of it."""

    resumed: bool
    tables: dict[str, TableSum] = field(default_factory=dict)
    anew: list[str] = field(default_factory=list)
    """Tables that had changed since an earlier beginning."""
    changed: int = 0
    """Rows that came, changed or went after most was copied."""
    stopped_s: float = 0.0
    """How long the source was locked."""

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.tables.values())


class RowCopy:
    """Of one source into one target."""

    def __init__(self, source: StoreReader, target: StoreTaker, from_: str, to: str, step: Step) -> None:
        self._source = source
        self._target = target
        self._from = from_
        self._to = to
        self._step = step
        self._done = self._all = 0

    def run(self) -> StoreCopied:
        """All of it: afterwards the target is a store."""
        record = self.begun({})
        found = StoreCopied(resumed=bool(record))
        self.rows(record)
        self.compared(found)
        self._step("indexes", 0, 0)
        self._target.finish(self._source.last_ids())
        return found

    def rows(self, record: Mapping[str, str]) -> None:
        """Those that aren't there yet, by what the record says."""
        self._all = sum(self._source.count(table) for table in tables())
        for table in tables():
            self._table(table, record.get(table.name))

    def compared(self, found: StoreCopied) -> None:
        """Each table by count and digest. Raises StoreError."""
        self._done = 0
        for table in tables():
            found.tables[table.name] = self._compared(table, found)

    def begun(self, more: Mapping[str, str]) -> Mapping[str, str]:
        """The record as it was found; where there was none it is made, with ``more`` in it."""
        record = self._target.record()
        if not record:
            self._target.begin({_SOURCE: self._from, **more})
        elif record[_SOURCE] != self._from:
            raise CopyRefused(
                f"in {self._to} a copy of {record[_SOURCE]} was begun: go on with that one, or make it empty"
            )
        return record

    def _table(self, table: TableShape, mark: str | None) -> None:
        if mark == _ALL:
            self._done += self._target.count(table)
            return
        after = None if mark is None else _key(mark)
        if after is not None:
            self._done += self._target.count(table)
        for page in pages(self._source.rows(table, after)):
            self._target.take(table, page, table.name, _mark(table.key_of(page[-1])))
            self._done += len(page)
            self._step("copied", self._done, max(self._all, self._done))
        self._target.take(table, (), table.name, _ALL)

    def _compared(self, table: TableShape, found: StoreCopied) -> TableSum:
        for last in (False, True):
            there, here = self._sum(self._source, table), self._sum(self._target, table)
            if there == here:
                self._done += here.rows
                return here
            if last:
                raise StoreError(
                    f"table {table.name} differs: rows {there.rows} and {here.rows}, digests {there.digest[:16]} and"
                    f" {here.digest[:16]}; run the same command again, and if it differs again, keep both and tell us"
                )
            found.anew.append(table.name)
            self._target.empty(table, table.name)
            self._table(table, None)
        raise AssertionError

    def _sum(self, side: StoreReader, table: TableShape) -> TableSum:
        return summed(side.rows(table), lambda: self._step("compared", self._done, self._all))


def pages(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """So many rows, or so many octets, at a time."""
    page: list[tuple[Any, ...]] = []
    octets = 0
    for row in rows:
        page.append(row)
        octets += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(page) == PAGE_ROWS or octets > PAGE_OCTETS:
            yield page
            page, octets = [], 0
    if page:
        yield page


def _mark(key: RowKey) -> str:
    return json.dumps([{"octets": value.hex()} if isinstance(value, bytes) else value for value in key])


def _key(mark: str) -> RowKey:
    found: Sequence[Any] = json.loads(mark)
    return tuple(bytes.fromhex(value["octets"]) if isinstance(value, dict) else value for value in found)
