"""The heads: signatures, order, keys, and that the leaves still give their roots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from relay.audit import heads, signers
from relay.audit.findings import Findings
from relay.audit.heads import Head
from relay.keys.secrets import Secrets
from relay.store.contract import Tx

DATES_DIFFER_S: Final = 86_400.0
"""A leaf that is dated so much before the head before it, or after its own, is told of."""


class HeadCheck:
    """Goes along with the leaves: a head is looked at when the tree has its size."""

    def __init__(self, conn: Tx, found: Findings, kept: Sequence[Head]) -> None:
        self._conn = conn
        self._found = found
        self._kept = kept
        self._reached: Head | None = None
        self._wrong: list[Head] = []
        self._sound = 0
        self._passed = 0
        self._signers: set[str] = set()
        self._stored = self._read()
        self._next = next(self._stored, None)
        row = conn.execute("SELECT min(size), max(size) FROM audit_head").fetchone()
        self.first_size: int | None = row[0] if isinstance(row[0], int) else None
        self.size: int = row[1] if isinstance(row[1], int) else 0
        found.size = self.size
        self._sizes = {head.size for head in kept}
        self._roots: dict[int, bytes] = {}

    # -- along the leaves ------------------------------------------------------------

    def wants(self, size: int) -> bool:
        return (self._next is not None and self._next.size == size) or size in self._sizes

    def root(self, size: int, root: bytes) -> None:
        """The root that the leaves give at a size that was wanted."""
        if size in self._sizes:
            self._roots[size] = root
        while self._next is not None and self._next.size == size:
            head = self._next
            if head.root == root:
                self._sound = size
            else:
                self._wrong.append(head)
                if len(self._wrong) == 1:
                    self._found.fault(
                        f"the head of {size} leaves has another root: one of the leaves"
                        f" {self._sound} to {size - 1} was changed, or the head was",
                        self._sound,
                    )
            self._advance()

    def reach(self, number: int) -> None:
        """Tell of heads that the walk has passed: their size is none that comes any more."""
        while self._next is not None and self._next.size < number:
            self._passed += 1
            self._advance()

    def dated(self, number: int, at: float) -> None:
        """A leaf is written after the head before it, and before the one that takes it in."""
        before, after = self._reached, self._next
        if before is not None and at < before.at - DATES_DIFFER_S:
            self._found.warn(
                f"leaf {number} is dated {_date(at)}, but the head of {_date(before.at)} was signed before it was"
                " written: back-dated, or the clock was set back"
            )
        if after is not None and at > after.at + DATES_DIFFER_S:
            self._found.warn(f"leaf {number} is dated {_date(at)}, after the head of {_date(after.at)} that has it")

    def _advance(self) -> None:
        self._reached = self._next
        self._next = next(self._stored, None)

    def numbered(self, leaves: int) -> None:
        """So many leaves have numbers: what gave the last of them signed a head."""
        if leaves > self.size:
            self._found.fault(f"heads at the end are missing: {leaves} leaves were taken in, heads know {self.size}")
        elif leaves < self.size:
            self._found.fault(f"the head of {self.size} leaves is signed, but {leaves} leaves have numbers")

    # -- each by itself --------------------------------------------------------------

    def _read(self) -> Iterator[Head]:
        before = None
        for id_, *columns in self._conn.execute(
            "SELECT h.id, h.size, h.root, h.at, h.key_id, h.previous, h.signature, k.public FROM audit_head h"
            " LEFT JOIN audit_key k ON k.id = h.key_id ORDER BY h.size, h.id"
        ):
            head = self._head(id_, columns)
            if head is None:
                continue
            self._found.heads += 1
            self._signers.add(head.key_id)
            if head.previous != (b"" if before is None else before.digest()):
                self._found.fault(f"head {id_} doesn't follow the head before it: one was changed or taken out")
            if before is not None and head.size <= before.size:
                self._found.fault(f"head {id_} is not larger than the head before it")
            else:
                yield head
            before = head

    def _head(self, id_: int, columns: list[Any]) -> Head | None:
        try:
            head = heads.of_row(*columns)
            genuine = head.at == columns[2] and head.is_genuine()
        except (TypeError, ValueError, OverflowError, AttributeError):
            genuine = False
        if not genuine:
            self._found.fault(f"head {id_} is not what its key signed: it was changed or forged")
            return None
        return head

    # -- at the end ------------------------------------------------------------------

    def end(self, announced: Mapping[str, tuple[bytes, float]], secrets: Secrets | None) -> None:
        """Heads beyond the last leaf, heads kept elsewhere, and the keys."""
        while self._next is not None:
            self._found.fault(
                f"the head of {self._next.size} leaves is signed, but {self._found.leaves} leaves are there"
            )
            self._advance()
        if self._passed:
            self._found.fault(f"{self._passed} heads can't be compared: leaves are missing before them")
        if len(self._wrong) > 1:
            self._found.fault(f"{len(self._wrong) - 1} later heads have another root too")
        for head in self._kept:
            self._compare(head)
        self._keys(announced, secrets)

    def _compare(self, kept: Head) -> None:
        named = f"the head kept elsewhere, of {_date(kept.at)} with {kept.size} leaves,"
        row = self._conn.execute("SELECT public FROM audit_key WHERE id = ?", (kept.key_id,)).fetchone()
        if row is None or row[0] != kept.public:
            self._found.fault(f"{named} is signed by the key {kept.key_id}, which this log doesn't know")
        root = self._roots.get(kept.size)
        if kept.size > self._found.leaves:
            self._found.fault(f"{named} has more than the {self._found.leaves} that are there: the end was cut off")
        elif root is None:
            self._found.fault(f"{named} can't be compared: leaves are missing before it")
        elif root != kept.root:
            self._found.fault(f"{named} has another root: leaves below {kept.size} were changed since")

    def _keys(self, announced: Mapping[str, tuple[bytes, float]], secrets: Secrets | None) -> None:
        rows = self._conn.execute(
            "SELECT number, id, public, created_at, retired FROM audit_key ORDER BY number"
        ).fetchall()
        if [(number, id_) for number, id_, *_ in rows] != list(enumerate(announced, 1)):
            self._found.fault("the keys are not those that leaves announce: one was taken out, slipped in or moved")
        signing = [row[1] in self._signers for row in rows]
        for place, (_, id_, public, created_at, retired) in enumerate(rows):
            if announced.get(id_) != (public, created_at):
                self._found.fault(f"the key {id_} is not what any leaf announces: it was changed or slipped in")
            last = place == len(rows) - 1
            if retired not in (0, 1) or (retired if last else not retired and any(signing[place + 1 :])):
                self._found.fault(f"the key {id_} is marked as {'retired' if retired else 'in use'}, and isn't")
        for id_, retired in signers.unopened(self._conn, secrets) if secrets is not None else ():
            text = f"the private half of the key {id_} can't be opened: it was changed, or its master key is missing"
            if retired:
                self._found.warn(text)
            else:
                self._found.fault(text)


def _date(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return repr(at)
