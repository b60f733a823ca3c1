"""The tree as stored: leaf hashes, and every eighth level above them.

A proof needs hashes of subtrees; what isn't stored is made of at most 256
hashes that are. So the stored nodes take less than a two-hundredth of the
leaves' place.
"""

from __future__ import annotations

from typing import Final

from relay.audit import merkle
from relay.audit.errors import AuditError
from relay.store.contract import Tx

STORED: Final = 8
"""Levels that are multiples of this are stored."""


def is_stored(level: int) -> bool:
    return level % STORED == 0


class Nodes:
    """Hashes of any range of leaves; raises AuditError where one is missing."""

    def __init__(self, conn: Tx) -> None:
        self._conn = conn
        self._known: dict[tuple[int, int], bytes] = {}

    def stack(self, size: int) -> merkle.Tree:
        """The right edge of the tree of ``size`` leaves, ready to grow."""
        found, number = [], 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                found.append((level, self.whole(level, number >> level)))
                number += 1 << level
        return merkle.Tree(found)

    def root(self, size: int) -> bytes:
        return self.stack(size).root()

    def subtree(self, start: int, end: int) -> bytes:
        """Hash of the leaves from ``start`` up to ``end``, cut as RFC 9162 cuts them."""
        size = end - start
        if size & (size - 1) == 0:
            level = size.bit_length() - 1
            return self.whole(level, start >> level)
        middle = start + merkle.split(size)
        return merkle.node_hash(self.subtree(start, middle), self.subtree(middle, end))

    def whole(self, level: int, number: int) -> bytes:
        """Hash of the whole subtree ``number`` at ``level``, which stands for 2**level leaves."""
        key = level, number
        if key not in self._known:
            base = level // STORED * STORED
            row = self._stored(base, number << level - base, 1 << level - base)
            while len(row) > 1:
                row = [merkle.node_hash(*pair) for pair in zip(row[::2], row[1::2], strict=True)]
            self._known[key] = row[0]
        return self._known[key]

    def _stored(self, level: int, first: int, count: int) -> list[bytes]:
        if level == 0:
            sql = "SELECT hash FROM audit_leaf WHERE number >= ? AND number < ? ORDER BY number"
            rows = self._conn.execute(sql, (first, first + count)).fetchall()
        else:
            sql = "SELECT hash FROM audit_node WHERE level = ? AND number >= ? AND number < ? ORDER BY number"
            rows = self._conn.execute(sql, (level, first, first + count)).fetchall()
        if len(rows) != count:
            raise AuditError("the audit log is damaged: `relay audit verify` says where")
        return [row[0] for row in rows]
