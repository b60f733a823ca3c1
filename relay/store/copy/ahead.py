"""A copy in two parts: most of it beside the relay at work, and what came meanwhile once the relay is stopped.

From the beginning on the source notes which rows change (``changes.py`` of its engine). All rows of a snapshot are
copied, compared by digest, and indexed; then what was noted meanwhile is carried over, as often as somebody asks for
it. The last time the relay stands still: each changed row is read back and compared, all tables are counted, and the
copy becomes a store.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import Final

from relay.store.copy.places import noted, reader
from relay.store.copy.places import taker as opened
from relay.store.copy.rows import RowCopy, Step, StoreCopied, pages
from relay.store.database import StoreError
from relay.store.engines import StoreAddress, shown
from relay.store.sqlite.whole import tables
from relay.store.whole import CatchingTaker, ChangedRows, CopyRefused, NotedReader, TableSum

AHEAD: Final = "ahead"
"""In the record: a copy that was begun beside the relay, and how far it is."""
ROWS: Final = "rows"
WHOLE: Final = "whole"


def copy_ahead(source: StoreAddress, target: StoreAddress, step: Step = lambda what, done, all_: None) -> StoreCopied:
    """As much as can be done beside the relay at work: afterwards ``copy_store`` has little left to do.

    Run again it carries over what came since. Raises StoreError, CopyRefused; nothing is lost then, and the same call
    goes on where it was.
    """
    with closing(opened(target)) as taker:
        record = taker.record()
        if record and AHEAD not in record:
            raise CopyRefused(
                f"in {shown(target)} a copy was begun with the relay stopped: go on with that one, or make it empty"
            )
        found = StoreCopied(resumed=bool(record))
        if record.get(AHEAD) != WHOLE:
            _first(source, target, taker, found, step)
        # What came while indexes were made, then the little that came meanwhile.
        for _ in range(2):
            with closing(noted(source, anew=False)) as read:
                found.changed += carried(read, taker, step)
                read.let_go()
        return found


def _first(source: StoreAddress, target: StoreAddress, taker: CatchingTaker, found: StoreCopied, step: Step) -> None:
    with closing(noted(source, anew=not found.resumed)) as read:
        copy = RowCopy(read, taker, shown(source), shown(target), step)
        copy.rows(copy.begun({AHEAD: ROWS}))
        if found.resumed:  # what was copied by then was of an earlier snapshot
            found.changed += carried(read, taker, step)
        copy.compared(found)
        read.let_go()
    step("indexes", 0, 0)
    taker.index(AHEAD, WHOLE)


def caught_up(source: StoreAddress, target: StoreAddress, taker: CatchingTaker, step: Step) -> StoreCopied:
    """The rest, with the relay stopped; afterwards the target is a store. Raises StoreError, CopyRefused."""
    begun = time.monotonic()
    with closing(reader(source)) as read:
        _fits(read, taker, shown(source), shown(target))
        found = StoreCopied(resumed=True, changed=carried(read, taker, step))
        for table in tables():
            here, there = read.count(table), taker.count(table)
            if here != there:
                raise StoreError(
                    f"table {table.name} differs: rows {here} and {there}; make {shown(target)} empty, and copy anew"
                )
            found.tables[table.name] = TableSum(here)
            step("counted", sum(one.rows for one in found.tables.values()), 0)
        taker.finish(read.last_ids())
        read.end_notes()
        found.stopped_s = time.monotonic() - begun
        return found


def _fits(read: NotedReader, taker: CatchingTaker, from_: str, to: str) -> None:
    copied = taker.record()["source"]
    if copied != from_:
        raise CopyRefused(f"in {to} a copy of {copied} was begun: go on with that one, or make it empty")
    if not read.noting:
        raise CopyRefused(f"{from_} has no notes of what changed since it was copied to {to}: make that one empty")


def carried(read: ChangedRows, taker: CatchingTaker, step: Step) -> int:
    """What was noted, all or nothing; how many rows that were. First what is gone, as others may have its place."""
    done = 0
    with taker.changing():
        for table in tables():
            keys = list(read.gone(table))
            taker.take_out(table, keys)
            done += len(keys)
        for table in tables():
            for page in pages(read.changed(table)):
                taker.put(table, page)
                done += len(page)
                step("carried over", done, 0)
    return done
