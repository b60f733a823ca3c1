"""The sequencer: gives new leaves their numbers, takes them into the tree and signs its head.

Numbers are dense, from 0 on, in the order in which leaves are found; ids may
have gaps, and one that shows up late is simply taken in later. Runs in the
first mail process, and in commands that need a head now. Hashing is done
before the write lock is taken, and a step that another sequencer was faster
with is done again, so any number of them may run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from relay.audit import heads, log, merkle, signers
from relay.audit.errors import AuditError
from relay.audit.heads import Head
from relay.audit.nodes import Nodes, is_stored
from relay.audit.rows import TABLES
from relay.keys.secrets import Secrets
from relay.store import marks
from relay.store.contract import Tx
from relay.store.database import connect, transaction
from relay.store.engines import StoreAddress
from relay.store.words import failed

EVERY_S: Final = 60.0
STEP: Final = 500
"""Leaves taken in at most before a head is signed: their numbers are written while mail waits, some milliseconds."""
ADOPTED: Final = 1_000
"""Rows older than the log that are taken into one leaf."""
ACTOR: Final = "relay"
_NEW: Final = "SELECT id, hash FROM audit_leaf WHERE number IS NULL ORDER BY id LIMIT ?"

_log = logging.getLogger("relay.audit")

_Progress = Callable[[int], None]


async def run(path: StoreAddress, secrets: Secrets, clock: Callable[[], float]) -> None:
    """Sequence once a minute until cancelled, in a thread; each head that is new goes to the log, the first at once."""
    told: Head | None = None
    while True:
        try:
            head = await asyncio.to_thread(_turn, path, secrets, clock)
            if head != told:
                _log.info("head %s", head.line())
                told = head
        except AuditError as error:
            _log.error("%s", error)
        except Exception as error:
            failed(_log, "the audit log can't be sequenced, trying again", error, path)
        await asyncio.sleep(EVERY_S)


def _turn(path: StoreAddress, secrets: Secrets, clock: Callable[[], float]) -> Head:
    conn = connect(path)
    try:
        return sequence(conn, secrets, clock)
    finally:
        conn.close()


def sequence(conn: Tx, secrets: Secrets, clock: Callable[[], float], progress: _Progress = lambda leaves: None) -> Head:
    """Take in all leaves there are; returns the newest head. Makes its own transactions.

    Raises AuditError if a leaf is missing or no key can be opened.
    """
    _adopt(conn, clock)
    if not signers.live(conn):
        with transaction(conn):
            if not signers.live(conn):
                signers.make(conn, secrets, ACTOR, clock())
    while not _step(conn, secrets, clock):
        head = heads.last(conn)
        progress(0 if head is None else head.size)
    if len(signers.live(conn)) > 1:
        with transaction(conn):
            signers.retire_old(conn)  # what announces the newest is under a head of the one before
    head = heads.last(conn)
    assert head is not None
    return head


def rotate(conn: Tx, secrets: Secrets, actor: str, clock: Callable[[], float]) -> Head:
    """Sign with a new key from now on; the old ones go on to verify. Makes its own transactions."""
    with transaction(conn):
        signers.make(conn, secrets, actor, clock())
    sequence(conn, secrets, clock)
    with transaction(conn):
        log.action(conn, actor, "audit-key-in-use", None, "{}", clock())
    return sequence(conn, secrets, clock)


def _step(conn: Tx, secrets: Secrets, clock: Callable[[], float]) -> bool:
    """Take in the next leaves under a new head; True if there are none left."""
    before, tree, rows = _found(conn)
    if not rows:
        return True
    new: list[tuple[int, int, bytes]] = []

    def whole(level: int, number: int, hash_: bytes) -> None:
        if is_stored(level):
            new.append((level, number, hash_))

    numbers = []
    for id_, hash_ in rows:
        numbers.append((tree.size, id_))
        tree.add(hash_, whole)
    with transaction(conn):
        if heads.last(conn) == before:
            conn.executemany("UPDATE audit_leaf SET number = ? WHERE id = ?", numbers)
            conn.executemany("INSERT INTO audit_node (level, number, hash) VALUES (?, ?, ?)", new)
            _sign(conn, signers.current(conn, secrets), tree.size, tree.root(), before, clock())
    return False


def _found(conn: Tx) -> tuple[Head | None, merkle.Tree, list[tuple[int, bytes]]]:
    """At one moment: the newest head, its tree, and (id, hash) of the leaves to be taken in next.

    Raises AuditError if the numbers given don't end where the head does, or its tree can't be had.
    """
    conn.execute("BEGIN")
    try:
        head = heads.last(conn)
        size = 0 if head is None else head.size
        newest = conn.execute("SELECT max(number) FROM audit_leaf").fetchone()[0]
        given = 0 if newest is None else newest + 1
        if given != size:
            what = f"leaf {size - 1}" if given < size else f"head of {given} leaves"
            raise AuditError(f"the audit log's {what} is missing; `relay audit verify` says more")
        return head, Nodes(conn).stack(size), conn.execute(_NEW, (STEP,)).fetchall()
    finally:
        conn.execute("ROLLBACK")


def _sign(conn: Tx, signer: signers.HeadSigner, size: int, root: bytes, before: Head | None, now: float) -> None:
    at_us = round(now * 1_000_000)
    previous = b"" if before is None else before.digest()
    signature = signer.sign(heads.signed_octets(size, root, at_us, signer.id, previous))
    conn.execute(
        "INSERT INTO audit_head (size, root, at, key_id, previous, signature) VALUES (?, ?, ?, ?, ?, ?)",
        (size, root, at_us / 1_000_000, signer.id, previous, signature),
    )


def _adopt(conn: Tx, clock: Callable[[], float]) -> None:
    """Take in what was recorded before there was a log: before the first head, so that nothing can be slipped in."""
    for table in TABLES:
        while True:
            newest = marks.read(conn, f"audit/adopt/{table}")
            if newest is None:
                break
            with transaction(conn):
                _adopt_some(conn, table, newest, clock())


def _adopt_some(conn: Tx, table: str, newest: int, now: float) -> None:
    ids = [
        id_
        for (id_,) in conn.execute(
            f"SELECT id FROM {table} WHERE leaf_id IS NULL AND id <= ? ORDER BY id LIMIT ?", (newest, ADOPTED)
        )
    ]
    if ids:
        log.adopt(conn, table, ids, now)
    else:
        marks.remove(conn, [f"audit/adopt/{table}"])
