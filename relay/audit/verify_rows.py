"""The rows behind the leaves: each is what was bound, none is missing, none is there without a leaf."""

from __future__ import annotations

import base64
import json

from relay.audit import erase, merkle, signers
from relay.audit.findings import Findings
from relay.audit.record import Leaf
from relay.audit.rows import AUDIT, TABLES, AuditRow, AuditRows
from relay.store.contract import Tx


class RowCheck:
    """Goes along with the leaves, in their order."""

    def __init__(self, conn: Tx, found: Findings) -> None:
        self._conn = conn
        self._found = found
        self._sources = [_Source(conn, table) for table in TABLES]
        self._erased: set[tuple[str, int]] = set()
        self._may_be_erased: set[tuple[str, int]] = set()
        self._adopted: list[int] = []
        self._newest = dict.fromkeys(TABLES, 0)
        self.announced: dict[str, tuple[bytes, float]] = {}
        """Keys by id, with their public half and when they were made, as leaves tell."""

    def leaf(self, number: int, id_: int, leaf: Leaf) -> None:
        """Compare a leaf with its rows."""
        rows = [row for source in self._sources for row in source.of(id_)]
        self._found.records += len(rows)
        for row in rows:
            if row.fault:
                self._found.fault(f"record {row.id} of {row.table}: {row.fault}", number)
            if row.erased:
                self._erased.add((row.table, row.id))
        if len(rows) != leaf.rows:
            more = "added" if isinstance(leaf.rows, int) and len(rows) > leaf.rows else "deleted"
            self._found.fault(f"stands for {leaf.rows} records and {len(rows)} are there: some were {more}", number)
        elif self._root(rows) != leaf.root:
            which = f"record {rows[0].id} of {rows[0].table}" if len(rows) == 1 else f"one of its {len(rows)} records"
            self._found.fault(f"{which} was changed, moved or exchanged", number)
        elif leaf.action == "adopted":
            self._adopted.append(number)
        else:
            self._in_order(rows, number)
            self._told(rows, leaf)

    def _in_order(self, rows: list[AuditRow], number: int) -> None:
        """A record that is written later has a larger id, which is what gives the history its order."""
        for row in rows:
            if row.id <= self._newest[row.table]:
                self._found.fault(f"record {row.id} of {row.table} stands out of its order", number)
            self._newest[row.table] = max(row.id, self._newest[row.table])

    def _root(self, rows: list[AuditRow]) -> bytes | None:
        hashes = [merkle.leaf_hash(row.commitment) for row in rows if row.commitment is not None]
        return merkle.root_of(hashes) if len(hashes) == len(rows) else None

    def _told(self, rows: list[AuditRow], leaf: Leaf) -> None:
        """Remember what sound records say that the rest is measured by."""
        if leaf.action not in (signers.ANNOUNCED, erase.ACTION):
            return
        for row in rows:
            if row.table != AUDIT or row.text is None:
                continue
            detail = json.loads(json.loads(row.text)["detail"])
            if leaf.action == signers.ANNOUNCED:
                self.announced[detail["key"]] = base64.b64decode(detail["public_key"]), leaf.at
            else:
                self._may_be_erased |= {(table, id_) for table, ids in detail["rows"].items() for id_ in ids}

    def end(self, first_head: int | None) -> None:
        """What shows only after the last leaf; ``first_head`` is the size of the oldest head."""
        self._found.erased = len(self._erased)
        for source in self._sources:
            for id_, leaf_id in source.strays():
                self._found.fault(f"record {id_} of {source.table} names the leaf {leaf_id!r:.40}, which isn't there")
            self._without_leaf(source.table, has_heads=first_head is not None)
        for table, id_ in sorted(self._erased - self._may_be_erased):
            self._found.fault(f"record {id_} of {table} is marked as erased, and nobody erased it")
        for table, id_ in sorted(self._may_be_erased - self._erased):
            self._found.fault(f"record {id_} of {table} was erased, and is there again or gone")
        for number in self._adopted:
            if first_head is not None and number >= first_head:
                self._found.fault("takes in older records after the log had begun: they were slipped in", number)

    def _without_leaf(self, table: str, *, has_heads: bool) -> None:
        row = self._conn.execute("SELECT value FROM meta WHERE name = ?", (f"audit/adopt/{table}",)).fetchone()
        if row is not None and has_heads:
            self._found.fault(f"meta asks to take older records of {table} in, which is done only once: it was changed")
        mark = row[0] if row is not None and not has_heads else 0
        for (id_,) in self._conn.execute(
            f"SELECT id FROM {table} WHERE leaf_id IS NULL AND id > ? ORDER BY id", (mark,)
        ):
            self._found.fault(f"record {id_} of {table} has no leaf: it was slipped in")


class _Source:
    """One table's rows, one leaf after the other."""

    def __init__(self, conn: Tx, table: str) -> None:
        self.table = table
        rows = AuditRows(conn, table)
        self.strays = rows.strays
        self._rows = rows.all()
        self._next: AuditRow | None = next(self._rows, None)

    def of(self, leaf_id: int) -> list[AuditRow]:
        found = []
        while self._next is not None and self._next.leaf_id == leaf_id:
            found.append(self._take())
        return found

    def _take(self) -> AuditRow:
        row = self._next
        assert row is not None
        self._next = next(self._rows, None)
        return row
