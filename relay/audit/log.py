"""Writing to the audit log, in the transaction of what is recorded.

One record is one leaf. A batch (an import's chunk) is one leaf too, over the
tree of its records, so that a million consents cost a thousand leaves. The
tree is built later, by ``sequence``, which gives leaves their numbers: an id
only tells which rows are a leaf's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Final

from relay.audit import merkle, record
from relay.audit.rows import HISTORY, AuditRows
from relay.store.contract import Tx

_WORDS: Final = {
    "given": "consent-given",
    "withdrawn": "consent-withdrawn",
    "suppressed": "person-suppressed",
    "lifted": "suppression-lifted",
    "tracking-given": "tracking-consent-given",
    "tracking-withdrawn": "tracking-consent-withdrawn",
    "contested": "consent-contested",
    "undone": "consent-undone",
    "fallen": "consent-fallen",
    "stood": "consent-stood",
}
"""What the leaf of a row of the history says in the open."""


def history(
    conn: Tx,
    subscriber_id: int,
    topic_id: int,
    action: str,
    at: float,
    now: float,
    evidence: str,
) -> None:
    """Write one row of ``consent_history`` (``topic_id`` 0: everything, -N: the stream N) with its leaf.

    ``at`` is when it happened, ``now`` when it is recorded; ``evidence`` is JSON text.
    """
    address, tenant_id, tenant, topic = conn.execute(
        "SELECT s.address, t.id, t.name, CASE WHEN ?2 = 0 THEN '*' WHEN ?2 < 0 THEN"
        " (SELECT 'stream ' || name FROM stream WHERE id = 0 - ?2) ELSE (SELECT name FROM topic WHERE id = ?2) END"
        " FROM subscriber s JOIN tenant t ON t.id = s.tenant_id WHERE s.id = ?1",
        (subscriber_id, topic_id),
    ).fetchone()
    text = record.history_record(
        action=action,
        address=address,
        at=at,
        evidence=evidence,
        recorded_at=now,
        tenant=tenant,
        topic=topic,
        wording=_wording(conn, evidence),
    )
    salt = os.urandom(record.SALT_OCTETS)
    leaf_id = _append(conn, _WORDS.get(action, action), tenant_id, now, [record.commitment(salt, text)])
    conn.execute(
        "INSERT INTO consent_history (subscriber_id, topic_id, action, at, recorded_at, evidence, leaf_id, salt)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (subscriber_id, topic_id, action, at, now, evidence, leaf_id, salt),
    )


def action(conn: Tx, actor: str, what: str, tenant_id: int | None, detail: str, now: float) -> None:
    """Write one row of ``audit`` with its leaf. ``detail`` is JSON text."""
    text = record.audit_record(at=now, actor=actor, action=what, tenant_id=tenant_id or 0, detail=detail)
    salt = os.urandom(record.SALT_OCTETS)
    leaf_id = _append(conn, what, tenant_id or 0, now, [record.commitment(salt, text)])
    conn.execute(
        "INSERT INTO audit (at, actor, action, tenant_id, detail, leaf_id, salt) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (now, actor, what, tenant_id, detail, leaf_id, salt),
    )


# --- batches ----------------------------------------------------------------------------


def open_batch(conn: Tx, what: str, tenant_id: int, now: float) -> int:
    """Begin one leaf for many rows of ``consent_history``; returns the id for their ``leaf_id``.

    Insert them, with salts that are random, and call ``close_batch``, all in one transaction.
    """
    row = conn.execute(
        "INSERT INTO audit_leaf (at, action, tenant_id, rows, root, hash) VALUES (?, ?, ?, 0, x'', x'') RETURNING id",
        (now, what, tenant_id),
    ).fetchone()
    return int(row[0])


def fill_batch(conn: Tx, rows: str, values: Mapping[str, object]) -> None:
    """Write rows of ``consent_history`` that a SELECT makes.

    It gives subscriber, topic, action, at, recorded at, evidence, the batch's id and a salt of each, in the order of
    their commitments.
    """
    conn.execute(
        "INSERT INTO consent_history (subscriber_id, topic_id, action, at, recorded_at, evidence, leaf_id, salt)"
        f" {rows}",
        values,
    )


def close_batch(conn: Tx, leaf_id: int, commitments: Sequence[bytes]) -> None:
    """Bind the rows that carry ``leaf_id``, by their commitments in the order of their ids."""
    at, what, tenant_id = conn.execute(
        "SELECT at, action, tenant_id FROM audit_leaf WHERE id = ?", (leaf_id,)
    ).fetchone()
    leaf = _leaf(what, tenant_id, at, commitments)
    conn.execute(
        "UPDATE audit_leaf SET rows = ?, root = ?, hash = ? WHERE id = ?",
        (leaf.rows, leaf.root, merkle.leaf_hash(leaf.data()), leaf_id),
    )


def history_batch(
    conn: Tx,
    what: str,
    tenant_id: int,
    people: Sequence[tuple[int, int]],
    action: str,
    evidence: Mapping[str, object],
    now: float,
) -> None:
    """Write the same for many, (subscriber, topic) of each, as one leaf."""
    text = json.dumps(evidence, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    leaf_id = open_batch(conn, what, tenant_id, now)
    conn.executemany(
        "INSERT INTO consent_history (subscriber_id, topic_id, action, at, recorded_at, evidence, leaf_id, salt)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(person, topic, action, now, now, text, leaf_id, os.urandom(record.SALT_OCTETS)) for person, topic in people],
    )
    commitments = [row.commitment for row in AuditRows(conn, HISTORY).of_leaf(leaf_id)]
    close_batch(conn, leaf_id, [found for found in commitments if found is not None])


def adopt(conn: Tx, table: str, ids: Sequence[int], now: float) -> None:
    """Take rows that are older than the log into one leaf."""
    leaf_id = open_batch(conn, "adopted", 0, now)
    conn.executemany(
        f"UPDATE {table} SET leaf_id = ?, salt = ? WHERE id = ?",
        [(leaf_id, os.urandom(record.SALT_OCTETS), id_) for id_ in ids],
    )
    commitments = [row.commitment for row in AuditRows(conn, table).of_leaf(leaf_id)]
    close_batch(conn, leaf_id, [found for found in commitments if found is not None])


def _append(conn: Tx, what: str, tenant_id: int, now: float, commitments: Sequence[bytes]) -> int:
    leaf = _leaf(what, tenant_id, now, commitments)
    row = conn.execute(
        "INSERT INTO audit_leaf (at, action, tenant_id, rows, root, hash) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (now, what, tenant_id, leaf.rows, leaf.root, merkle.leaf_hash(leaf.data())),
    ).fetchone()
    return int(row[0])


def _leaf(what: str, tenant_id: int, at: float, commitments: Sequence[bytes]) -> record.Leaf:
    root = merkle.root_of([merkle.leaf_hash(one) for one in commitments])
    return record.Leaf(what, at, tenant_id, len(commitments), root)


def _wording(conn: Tx, evidence: str) -> str:
    wording_id = json.loads(evidence).get("wording_id")
    if wording_id is None:
        return ""
    row = conn.execute("SELECT text FROM wording WHERE id = ?", (wording_id,)).fetchone()
    return "" if row is None else record.digest_of(row[0])
