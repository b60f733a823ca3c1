"""The leaves' hashes against the stored subtrees and the heads' roots."""

from __future__ import annotations

from relay.audit import merkle
from relay.audit.findings import Findings
from relay.audit.nodes import STORED, is_stored
from relay.audit.verify_heads import HeadCheck
from relay.store.contract import Tx


class TreeCheck:
    """Grows the tree anew."""

    def __init__(self, conn: Tx, found: Findings, heads: HeadCheck) -> None:
        self._conn = conn
        self._found = found
        self._heads = heads
        self._tree = merkle.Tree()
        self._told: set[tuple[int, int]] = set()
        self.broken = False
        """A leaf is missing, so that nothing after it can be built."""

    def add(self, hash_: bytes) -> None:
        """The next leaf's hash as stored."""
        if self.broken:
            return
        self._tree.add(hash_, self._whole)
        if self._heads.wants(self._tree.size):
            self._heads.root(self._tree.size, self._tree.root())

    def _whole(self, level: int, number: int, hash_: bytes) -> None:
        if not is_stored(level) or (number + 1) << level > self._heads.size:
            return
        row = self._conn.execute(
            "SELECT hash FROM audit_node WHERE level = ? AND number = ?", (level, number)
        ).fetchone()
        first, last = number << level, ((number + 1) << level) - 1
        if row is not None and row[0] == hash_:
            return
        # What is wrong below shows above too; it is told once, where it is narrowest.
        if any(first <= leaf <= last for _, leaf in self._told):
            return
        self._told.add((level, first))
        what = "is missing" if row is None else "doesn't fit: they were changed, or it was"
        self._found.fault(f"the stored hash of leaves {first} to {last} {what}", first)

    def end(self) -> None:
        """Nothing may be stored that isn't the tree's."""
        if self.broken:
            return
        expected, size = 0, self._heads.size >> STORED
        while size:
            expected, size = expected + size, size >> STORED
        stored = self._conn.execute("SELECT count(*) FROM audit_node").fetchone()[0]
        if stored > expected:
            self._found.fault(f"{stored - expected} stored hashes belong to no subtree: they were slipped in")
