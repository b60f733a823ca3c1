"""The rows behind the leaves, read back as the records that were bound.

Made for rows that may be damaged or forged: whatever can't be read as a
record has no commitment, and so matches no leaf.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from relay.audit import record
from relay.audit.record import ERASED, HASH_OCTETS, SALT_OCTETS
from relay.store.contract import Failure, Tx
from relay.store.database import streamed

HISTORY: Final = "consent_history"
AUDIT: Final = "audit"
TABLES: Final = (HISTORY, AUDIT)

_SQL: Final = {
    HISTORY: "SELECT l.number, r.leaf_id, r.id, r.salt, r.action, s.address, r.at, r.evidence, r.recorded_at, t.name,"
    " CASE WHEN r.topic_id = 0 THEN '*' WHEN r.topic_id < 0 THEN"
    " (SELECT 'stream ' || name FROM stream WHERE id = -r.topic_id) ELSE p.name END, r.subscriber_id, r.topic_id"
    " FROM {rows}"
    " LEFT JOIN subscriber s ON s.id = r.subscriber_id LEFT JOIN tenant t ON t.id = s.tenant_id"
    " LEFT JOIN topic p ON p.id = r.topic_id",
    AUDIT: "SELECT l.number, r.leaf_id, r.id, r.salt, r.at, r.actor, r.action, r.tenant_id, r.detail FROM {rows}",
}
_OF_ROWS: Final = "{table} r LEFT JOIN audit_leaf l ON l.id = r.leaf_id"
# From the leaves on, so that nothing has to be sorted, however long the log is.
_OF_LEAVES: Final = "audit_leaf l LEFT JOIN {table} r ON r.leaf_id = l.id"
_GIVEN: Final = (
    _SQL[HISTORY].format(rows=_OF_ROWS.format(table=HISTORY))
    + " WHERE r.subscriber_id = ? AND r.topic_id = ? AND r.action = 'given' ORDER BY r.id DESC LIMIT 1"
)
_OF_COPIES: Final = (
    "recipient c JOIN {table} r ON r.subscriber_id = c.subscriber_id LEFT JOIN audit_leaf l ON l.id = r.leaf_id"
)
_GIVEN_AMONG: Final = (
    _SQL[HISTORY].format(rows=_OF_COPIES.format(table=HISTORY))
    + " WHERE c.submission_id = ? AND c.number >= ? AND c.number < ? AND r.topic_id = ? AND r.action = 'given'"
    " ORDER BY r.id"
)
_BLANK: Final = {HISTORY: (ERASED, None, 0, "", 0, None, "*", 0, 0), AUDIT: (0, "", ERASED, None, "")}
"""What is left of an erased row, after leaf, id and commitment."""
IN_TREE: Final = "number IS NOT NULL ORDER BY l.number, l.id"
NOT_IN_TREE: Final = "number IS NULL ORDER BY l.id"
_CACHED: Final = 4096


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row behind a leaf."""

    leaf: int | None
    """The leaf's number; None while it is not in the tree."""
    leaf_id: int
    table: str
    id: int
    text: str | None
    """The record; None if it was erased or can't be read as one."""
    salt: bytes | None
    commitment: bytes | None
    erased: bool
    fault: str = ""
    """What is wrong with the row itself, whatever its leaf says."""


class AuditRows:
    """Reads one of ``TABLES``; keeps digests of wordings, since many records share them."""

    def __init__(self, conn: Tx, table: str) -> None:
        self._conn = conn
        self._table = table
        self._wordings: dict[int, str] = {}
        self._evidence: dict[str, tuple[str, str]] = {}
        self._quoted: dict[str | None, str] = {}

    def all(self) -> Iterator[AuditRow]:
        """Every row of a leaf that is there, in the order of the leaves: first those in the tree. In a transaction."""
        for order in IN_TREE, NOT_IN_TREE:
            for found in streamed(self._conn, f"{self._sql(_OF_LEAVES)} WHERE l.{order}, r.id"):
                if found[2] is not None:
                    yield self._row(*found)

    def strays(self) -> Iterator[tuple[int, object]]:
        """(id, leaf's id) of rows that name a leaf which isn't there."""
        return iter(
            self._conn.execute(
                f"SELECT r.id, r.leaf_id FROM {_OF_ROWS.format(table=self._table)}"
                " WHERE r.leaf_id IS NOT NULL AND l.id IS NULL ORDER BY r.id"
            )
        )

    def of_leaf(self, leaf_id: int) -> list[AuditRow]:
        return list(self._read("r.leaf_id = ?", (leaf_id,)))

    def of_id(self, id_: int) -> AuditRow | None:
        """One row; None if it names no leaf."""
        return next(self._read("r.id = ? AND r.leaf_id IS NOT NULL", (id_,)), None)

    def given(self, subscriber_id: int, topic_id: int) -> AuditRow | None:
        """The newest consent of that person to that topic; None if there is none, or it names no leaf."""
        found = self._conn.execute(_GIVEN, (subscriber_id, topic_id)).fetchone()
        return None if found is None or found[1] is None else self._row(*found)

    def given_among(self, submission_id: int, topic_id: int, numbers: range) -> dict[int, AuditRow]:
        """The same of all who get these copies of a message, by person."""
        values = (submission_id, numbers.start, numbers.stop, topic_id)
        newest = {found[11]: found for found in self._conn.execute(_GIVEN_AMONG, values)}
        return {person: self._row(*found) for person, found in newest.items() if found[1] is not None}

    def _read(self, where: str, values: tuple[object, ...]) -> Iterator[AuditRow]:
        for found in self._conn.execute(f"{self._sql(_OF_ROWS)} WHERE {where} ORDER BY r.id", values):
            yield self._row(*found)

    def _sql(self, source: str) -> str:
        return _SQL[self._table].format(rows=source.format(table=self._table))

    def _row(self, leaf: int | None, leaf_id: Any, id_: int, salt: Any, *data: Any) -> AuditRow:
        if isinstance(salt, bytes) and len(salt) == HASH_OCTETS:
            fault = "" if data == _BLANK[self._table] else "it is marked as erased and still holds data"
            return AuditRow(leaf, leaf_id, self._table, id_, None, None, salt, True, fault)
        try:
            text = self._history(*data) if self._table == HISTORY else self._audit(*data)
        except (TypeError, ValueError, OverflowError, AttributeError, RecursionError, Failure):
            text = None
        if text is None or not isinstance(salt, bytes) or len(salt) != SALT_OCTETS:
            return AuditRow(
                leaf, leaf_id, self._table, id_, text, None, None, False, "it is no record that the relay wrote"
            )
        return AuditRow(leaf, leaf_id, self._table, id_, text, salt, record.commitment(salt, text), False)

    def _history(
        self,
        action: str,
        address: str | None,
        at: float,
        evidence: str,
        recorded_at: float,
        tenant: str | None,
        topic: str | None,
        *_: int,
    ) -> str | None:
        if address is None or tenant is None or topic is None:
            return None
        text, wording = self._story(evidence)
        names = self._name(tenant), self._name(topic)
        return record.history_text(action, record.quoted(address), at, text, recorded_at, *names, wording)

    def _story(self, evidence: str) -> tuple[str, str]:
        """The evidence as a JSON string, and the digest of its wording."""
        cached = self._evidence.get(evidence)
        if cached is None:
            if len(self._evidence) >= _CACHED:
                self._evidence.clear()
            cached = self._evidence[evidence] = (record.quoted(evidence), self._wording(evidence))
        return cached

    def _name(self, name: str) -> str:
        found = self._quoted.get(name)
        if found is None:
            found = self._quoted[name] = record.quoted(name)
        return found

    def _audit(self, at: float, actor: str, action: str, tenant_id: int | None, detail: str) -> str:
        return record.audit_record(at=at, actor=actor, action=action, tenant_id=tenant_id or 0, detail=detail)

    def _wording(self, evidence: str) -> str:
        wording_id = json.loads(evidence).get("wording_id")
        if wording_id is None:
            return ""
        if wording_id not in self._wordings:
            row = self._conn.execute("SELECT text FROM wording WHERE id = ?", (wording_id,)).fetchone()
            self._wordings[wording_id] = "" if row is None else record.digest_of(row[0])
        return self._wordings[wording_id]
