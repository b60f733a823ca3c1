"""The copy itself: table by table, page by page, each page with how far it went, so that it can be gone on with.

Then both sides are read once more and compared by count and digest. A table that differs (the source was changed
after an earlier beginning) is copied anew, once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from relay.store.database import StoreError
from relay.store.engines import EngineMissing, StoreAddress, StoreEnds, ends, shown
from relay.store.sqlite.whole import FileReader, FileTaker, tables
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

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.tables.values())


def copy_store(source: StoreAddress, target: StoreAddress, step: Step = lambda what, done, all_: None) -> StoreCopied:
    """Copy, compare, finish. The caller holds the relay's lock; nobody else can write to ``source`` meanwhile.

    Raises StoreError, or CopyRefused: nothing is lost then, and the same call goes on where it was.
    """
    with closing(_reader(source)) as read, closing(_taker(target)) as taker:
        return _Copy(read, taker, shown(source), shown(target), step).run()


def copy_beside(source: str, target: Path, step: Step = lambda what, done, all_: None) -> StoreCopied:
    """A server's database as it is at one moment, into a new file, while a relay goes on writing to it.

    Raises StoreError, CopyRefused.
    """
    server = _ends(source)
    assert server is not None
    with closing(server.snapshot(source)) as read, closing(_taker(target)) as taker:
        return _Copy(read, taker, shown(source), shown(target), step).run()


def _reader(where: StoreAddress) -> StoreReader:
    """Holds the store's write lock until it is closed."""
    server = _ends(where)
    return FileReader(Path(where)) if server is None else server.reader(str(where))


def _taker(where: StoreAddress) -> StoreTaker:
    server = _ends(where)
    return FileTaker(Path(where)) if server is None else server.taker(str(where))


def _ends(where: StoreAddress) -> StoreEnds | None:
    try:
        return ends(where)
    except EngineMissing as error:
        raise StoreError(str(error)) from error


class _Copy:
    def __init__(self, source: StoreReader, target: StoreTaker, from_: str, to: str, step: Step) -> None:
        self._source = source
        self._target = target
        self._from = from_
        self._to = to
        self._step = step
        self._done = self._all = 0

    def run(self) -> StoreCopied:
        record = self._begun()
        found = StoreCopied(resumed=bool(record))
        shapes = tables()
        self._all = sum(self._source.count(table) for table in shapes)
        for table in shapes:
            self._table(table, record.get(table.name))
        self._done = 0
        for table in shapes:
            found.tables[table.name] = self._compared(table, found)
        self._step("indexes", 0, 0)
        self._target.finish(self._source.last_ids())
        return found

    def _begun(self) -> Mapping[str, str]:
        record = self._target.record()
        if not record:
            self._target.begin({_SOURCE: self._from})
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
