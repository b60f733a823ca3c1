"""A whole store as rows, to be copied into another one (``relay/store/copy``): what each engine offers for that."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

RowKey: TypeAlias = tuple[Any, ...]

EXCHANGED: Final = (
    "rows of {table} have exchanged what only one may have ({why}): make the other place empty, and copy with the"
    " relay stopped"
)
RECORD: Final = "store_copy"
"""A table of names and texts in a store into which a copy was begun; gone with its end."""
_MARSHAL: Final = 2
"""Octets that depend on the values alone: no references, and floats as they are."""


class CopyRefused(Exception):
    """The stores can't be copied as they are; the text says what to do. Nothing was lost."""


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as the migrations make it."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    """``INTEGER``, ``REAL``, ``TEXT`` or ``BLOB``, by column."""
    key: tuple[str, ...]
    """Of its primary key, in order; both engines sort by it in the same way."""

    @property
    def listed(self) -> str:
        return ", ".join(f'"{name}"' for name in self.columns)

    @property
    def order(self) -> str:
        return ", ".join(f'"{name}"' for name in self.key)

    def after(self, place: str) -> str:
        """A condition for the rows behind a key; ``place`` stands for a value."""
        return f"({self.order}) > ({', '.join([place] * len(self.key))})"

    def key_of(self, row: Sequence[Any]) -> RowKey:
        return tuple(row[self.columns.index(name)] for name in self.key)


@dataclass(slots=True)
class TableSum:
    """Count and digest of a table's rows in the order of their keys."""

    rows: int = 0
    digest: str = ""


def summed(rows: Iterable[tuple[Any, ...]], done: Callable[[], None] = lambda: None, every: int = 10_000) -> TableSum:
    """The same for the same values, whatever engine they come from; ``done`` is called now and then."""
    sum_, found = hashlib.sha256(), TableSum()
    dumps: Callable[[Any, int], bytes] = marshal.dumps
    for row in rows:
        sum_.update(dumps(row, _MARSHAL))
        found.rows += 1
        if not found.rows % every:
            done()
    found.digest = sum_.hexdigest()
    return found


class StoreReader(Protocol):
    """A store that is copied: nobody writes to it meanwhile. Failures are StoreError."""

    def count(self, table: TableShape) -> int: ...
    def rows(self, table: TableShape, after: RowKey | None = None) -> Iterator[tuple[Any, ...]]:
        """By key, one after the other, never all in memory."""

    def last_ids(self) -> Mapping[str, int]:
        """Table → the highest id that was ever given, for those that give some."""

    def close(self) -> None: ...


class StoreTaker(StoreReader, Protocol):
    """A store that takes a copy: of no use to a relay before ``finish``."""

    def record(self) -> Mapping[str, str]:
        """What was written down so far; empty if nothing was begun in it."""

    def begin(self, record: Mapping[str, str]) -> None:
        """Make all tables, empty, without what slows writing down. Raises CopyRefused if there is anything in it."""

    def take(self, table: TableShape, rows: Sequence[Sequence[Any]], name: str, text: str) -> None:
        """Write rows and, with them, this into the record: both or neither."""

    def empty(self, table: TableShape, name: str) -> None:
        """Take a table's rows out again, and what the record has under this name."""

    def finish(self, last_ids: Mapping[str, int]) -> None:
        """Make indexes, triggers and what else was left out; from now on it is a relay's store."""


class ChangedRows(StoreReader, Protocol):
    """A store whose changes may be noted while it is copied. Failures are StoreError."""

    def changed(self, table: TableShape) -> Iterator[tuple[Any, ...]]:
        """Rows as they are now."""

    def gone(self, table: TableShape) -> Iterator[RowKey]:
        """Keys of rows that aren't there any more."""


class NotedReader(ChangedRows, Protocol):
    """Once the relay is stopped."""

    @property
    def noting(self) -> bool:
        """Whether changes have been noted since a copy was begun."""

    def end_notes(self) -> None:
        """Nothing is carried over any more; nobody is kept from writing any more."""


class NotedSnapshot(ChangedRows, Protocol):
    """Beside a relay at work: what was committed when it was opened, and nothing that came later."""

    def let_go(self) -> None:
        """Of the notes that it shows; the snapshot ends with that."""


class CatchingTaker(StoreTaker, Protocol):
    """A store that takes a copy, and then what changed while that was made."""

    def index(self, name: str, text: str) -> None:
        """Make what was left out but triggers, with this in the record."""

    def changing(self) -> AbstractContextManager[None]:
        """All that changed, or nothing of it."""

    def take_out(self, table: TableShape, keys: Sequence[RowKey]) -> None: ...
    def put(self, table: TableShape, rows: Sequence[Sequence[Any]]) -> None:
        """Rows in the place of those with their keys; each is read again and compared."""
