"""One chunk of an import: bound for the audit log, then judged and written (``relay.people.staged``)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from relay.audit import record
from relay.lists.consent_staging import Staging
from relay.lists.list_sort import Line
from relay.people import staged
from relay.people.staged import Giving
from relay.store.contract import Tx
from relay.store.sqlite.in_turn import InTurn


@dataclass(frozen=True, slots=True)
class ChunkWritten:
    """What became of a chunk."""

    taken: int
    undated: int
    """Of those taken, how many without a time."""
    ended: tuple[tuple[int, str], ...]
    """Line and address of those who unsubscribed."""
    held_s: float
    """How long the write lock was held."""


def write(turns: InTurn, staging: Staging, giving: Giving, chunk: Sequence[Line]) -> ChunkWritten:
    """Judge people and write them, in a transaction of its own; what can be done before it takes no lock."""
    drawn = os.urandom(record.SALT_OCTETS * len(chunk))
    salts = [drawn[begin : begin + record.SALT_OCTETS] for begin in range(0, len(drawn), record.SALT_OCTETS)]
    staging.fill(chunk, salts)
    bound = record.commitments(
        "given",
        [
            (salt, line[0], line[2], giving.evidence(line[3], line[7], line[8]))
            for line, salt in zip(chunk, salts, strict=True)
        ],
        giving.now,
        giving.tenant,
        giving.topic,
        giving.wording,
    )
    with turns.transaction() as conn:
        started = time.perf_counter()
        judged = staged.judge(conn, giving)
        staged.take(conn, giving, bound)
    return ChunkWritten(*judged, time.perf_counter() - started)


def judge(conn: Tx, staging: Staging, giving: Giving, chunk: Sequence[Line]) -> ChunkWritten:
    """What ``write`` would do."""
    staging.fill(chunk, [b""] * len(chunk))
    conn.execute("BEGIN")  # reads, and writes to the temporary table only
    try:
        return ChunkWritten(*staged.judge(conn, giving), 0.0)
    finally:
        conn.execute("ROLLBACK")
