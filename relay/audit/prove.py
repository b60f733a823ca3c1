"""Proofs that stand alone: a record in its leaf, a leaf in the tree, a tree within a later one.

Everything is integers and text, so that it can be written as JSON and checked
by others (``docs/PROOF.md``). All of it is read in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from relay.audit import merkle
from relay.audit.errors import AuditError
from relay.audit.heads import Head
from relay.audit.nodes import Nodes
from relay.audit.record import Leaf
from relay.audit.rows import TABLES, AuditRow, AuditRows
from relay.store.contract import Tx

INCLUSION: Final = "relay-audit-inclusion"
CONSISTENCY: Final = "relay-audit-consistency"
VERSION: Final = 1
DAMAGED: Final = "what was recorded is not what is there: `relay audit verify` says where"

Object = dict[str, object]


class Prover:
    """Makes proofs against one head."""

    def __init__(self, conn: Tx, head: Head) -> None:
        self._conn = conn
        self._head = head
        self._nodes = Nodes(conn)
        self._rows = {table: AuditRows(conn, table) for table in TABLES}

    def leaf(self, number: int) -> Object:
        """A leaf and its way to the root. Raises AuditError if it isn't under the head."""
        row = self._conn.execute(
            "SELECT action, at, tenant_id, rows, root FROM audit_leaf WHERE number = ?", (number,)
        ).fetchone()
        if row is None or not 0 <= number < self._head.size:
            raise AuditError(f"there is no leaf {number}; the tree has {self._head.size}, from 0 on")
        leaf = Leaf(*row)
        path = merkle.inclusion_path(number, self._head.size, self._nodes.subtree)
        hash_ = merkle.leaf_hash(leaf.data())
        if not merkle.verify_inclusion(hash_, number, self._head.size, path, self._head.root):
            raise AuditError(DAMAGED)
        return {"number": number, "leaf": leaf.public(), "path": _hex(path)}

    def record(self, row: AuditRow) -> Object:
        """A record with its way to its leaf, and the leaf's to the root. Raises AuditError if it was changed."""
        siblings = self._rows[row.table].of_leaf(row.leaf_id)
        hashes = [merkle.leaf_hash(one.commitment) for one in siblings if one.commitment is not None]
        place = [one.id for one in siblings].index(row.id)
        if row.leaf is None:
            raise AuditError(DAMAGED)  # all there is was taken in for the head
        leaf = self.leaf(row.leaf)
        public = leaf["leaf"]
        assert isinstance(public, dict)
        if len(hashes) != len(siblings) or merkle.root_of(hashes).hex() != public["root"]:
            raise AuditError(DAMAGED)
        batch = merkle.inclusion_path(place, len(hashes), lambda start, end: merkle.root_of(hashes[start:end]))
        return {**_shown(row), "place": place, "batch": _hex(batch), **leaf}

    def inclusion(self, number: int) -> Object:
        """The document of one leaf with the records that it stands for."""
        leaf = self.leaf(number)
        (id_,) = self._conn.execute("SELECT id FROM audit_leaf WHERE number = ?", (number,)).fetchone()
        rows = [row for table in TABLES for row in self._rows[table].of_leaf(id_)]
        records = [_shown(row) for row in rows]
        return {"type": INCLUSION, "version": VERSION, **leaf, "records": records, "head": self._head.fields()}

    def consistency(self, first: Head) -> Object:
        """The document that shows an older head's tree to be the beginning of this one's."""
        if first.size > self._head.size:
            raise AuditError(
                f"the older head has {first.size} leaves, the log only {self._head.size}: its end was cut off,"
                " or it is another log's"
            )
        path = merkle.consistency_path(first.size, self._head.size, self._nodes.subtree) if first.size else []
        if not merkle.verify_consistency(first.size, self._head.size, first.root, self._head.root, path):
            raise AuditError("the older head's tree is not the beginning of this one: leaves were changed since")
        head = {"first": first.fields(), "path": _hex(path), "head": self._head.fields()}
        return {"type": CONSISTENCY, "version": VERSION, **head}


def _shown(row: AuditRow) -> Object:
    """A record as documents have it; of an erased one only what binds it."""
    if row.commitment is None:
        raise AuditError(DAMAGED)
    if row.text is None or row.salt is None:
        return {"erased": row.commitment.hex()}
    return {"record": json.loads(row.text), "salt": row.salt.hex()}


def _hex(path: Sequence[bytes]) -> list[str]:
    return [hash_.hex() for hash_ in path]
