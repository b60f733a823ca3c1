"""Walking the whole log: rows against leaves, leaves against the tree, the tree against signed heads;
then what holds now against the rows.

One read transaction, so the relay may go on writing. Memory stays the same
however long the log is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from relay.audit import merkle, state
from relay.audit.findings import Findings
from relay.audit.heads import Head
from relay.audit.record import Leaf
from relay.audit.rows import IN_TREE, NOT_IN_TREE
from relay.audit.verify_heads import HeadCheck
from relay.audit.verify_rows import RowCheck
from relay.audit.verify_tree import TreeCheck
from relay.keys.secrets import Secrets
from relay.store.contract import Tx
from relay.store.database import streamed
from relay.store.sqlite.reading import as_it_is

_Progress = Callable[[int, int], None]
TOLD_EVERY = 1_000
_LEAVES = "SELECT l.number, l.id, l.action, l.at, l.tenant_id, l.rows, l.root, l.hash FROM audit_leaf l WHERE l."


def verify(
    conn: Tx,
    secrets: Secrets | None = None,
    kept: Sequence[Head] = (),
    progress: _Progress = lambda done, all_: None,
) -> Findings:
    """Everything that is wrong. ``kept``: genuine heads that were kept elsewhere (``heads.parse``).

    ``secrets`` tell whether the signing keys can be opened. ``progress`` hears leaves done, and all.
    """
    with as_it_is(conn):
        conn.execute("BEGIN")
        try:
            return _Walk(conn, kept).run(secrets, progress)
        finally:
            conn.execute("ROLLBACK")


class _Walk:
    def __init__(self, conn: Tx, kept: Sequence[Head]) -> None:
        self._conn = conn
        self._found = Findings()
        self._heads = HeadCheck(conn, self._found, kept)
        self._tree = TreeCheck(conn, self._found, self._heads)
        self._rows = RowCheck(conn, self._found)

    def run(self, secrets: Secrets | None, progress: _Progress) -> Findings:
        found, conn = self._found, self._conn
        total = conn.execute("SELECT count(*) FROM audit_leaf").fetchone()[0]
        for number, id_, *columns, hash_ in self._leaves():
            self._leaf(number, id_, columns, hash_)
            found.leaves += 1
            if found.leaves % TOLD_EVERY == 0:
                progress(found.leaves, total)
        progress(total, total)
        self._tree.end()
        self._rows.end(first_head=self._heads.first_size)
        self._heads.end(self._rows.announced, secrets)
        state.check(conn, found)
        return found

    def _leaves(self) -> Iterator[tuple[Any, ...]]:
        """All, with their numbers: those in the tree, then those that are to be taken in, as they would be."""
        expected = 0
        for number, *rest in streamed(self._conn, _LEAVES + IN_TREE):
            if number != expected:
                self._gap(expected, number)
            expected = number + 1 if isinstance(number, int) else expected + 1
            yield expected - 1, *rest
        self._heads.numbered(expected)
        for _, *rest in streamed(self._conn, _LEAVES + NOT_IN_TREE):
            yield expected, *rest
            expected += 1

    def _gap(self, first: int, last: Any) -> None:
        if not isinstance(last, int) or last < first:
            self._found.fault(f"has the number {last!r:.40}, which no leaf can have", first)
        elif last - first == 1:
            self._found.fault("is missing", first)
        else:
            self._found.fault(f"is missing, and so are all up to leaf {last - 1}", first)
        self._tree.broken = True

    def _leaf(self, number: int, id_: int, columns: list[Any], hash_: Any) -> None:
        self._heads.reach(number)
        leaf = Leaf(*columns)
        try:
            computed = merkle.leaf_hash(leaf.data())
        except (TypeError, ValueError, OverflowError, AttributeError):
            computed = b""
        if computed != hash_:
            self._found.fault("was changed: what it says doesn't fit its hash", number)
        else:
            self._heads.dated(number, leaf.at)
        self._rows.leaf(number, id_, leaf)
        self._tree.add(hash_ if isinstance(hash_, bytes) else b"")
