"""The proof of a consent: one document that stands without the relay (R2; ``docs/PROOF.md``).

Who, when, to what, by what means, in which words; withdrawals and all that
came after; for each of them the way to a signed head. The document itself is
signed too, so that nothing of it can be changed or left out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from relay.audit import heads, sequence, signers
from relay.audit.errors import AuditError
from relay.audit.heads import Head
from relay.audit.prove import VERSION, Object, Prover
from relay.audit.record import digest_of
from relay.audit.rows import AUDIT, HISTORY, AuditRow, AuditRows
from relay.audit.signers import HeadSigner
from relay.keys.secrets import Secrets
from relay.store.contract import Tx
from relay.values.tenant import TenantRow

TYPE: Final = "relay-consent-proof"
TRACKING: Final = "tracking-"
"""What the actions of the consent to being tracked begin with."""
_CONTEXT: Final = b"relay consent proof v1\n"


def build(
    conn: Tx,
    secrets: Secrets,
    tenant: TenantRow,
    address: str,
    topic: str | None,
    relay: str,
    clock: Callable[[], float],
) -> Object:
    """The proof for a person's canonical address; brings the tree up to date first. Without a topic, of tracking.

    Raises AuditError if nothing was ever recorded, or it no longer is what was.
    """
    parts, before = None, None
    while parts is None:  # once more where something was recorded since the head was signed
        head = sequence.sequence(conn, secrets, clock)
        conn.execute("BEGIN")
        try:
            parts = _parts(conn, head, tenant, address, topic, settled=head == before)
            before = head
            signer = signers.current(conn, secrets)
        finally:
            conn.execute("ROLLBACK")
    return _signed(parts, head, signer, tenant, address, topic, relay, clock())


def as_it_stands(
    conn: Tx, secrets: Secrets, tenant: TenantRow, address: str, topic: str, relay: str, now: float
) -> Object | None:
    """The same under the newest head there is, read only; None where that doesn't have all of it yet.

    For whoever may change nothing; what is recorded is under a head within ``sequence.EVERY_S``.
    """
    head = heads.last(conn)
    parts = None if head is None else _parts(conn, head, tenant, address, topic, settled=False)
    if head is None or parts is None:
        return None
    return _signed(parts, head, signers.current(conn, secrets), tenant, address, topic, relay, now)


def _signed(
    parts: Object,
    head: Head,
    signer: HeadSigner,
    tenant: TenantRow,
    address: str,
    topic: str | None,
    relay: str,
    now: float,
) -> Object:
    document: Object = {
        "type": TYPE,
        "version": VERSION,
        "relay": relay,
        "made_at": _iso(now),
        "tenant": {"name": tenant.name, "contact": tenant.contact, "postal": tenant.postal},
        "address": address,
        "topic": "tracking" if topic is None else topic,
        **parts,
        "head": head.fields(),
        "public_key": base64.b64encode(signer.public).decode(),
    }
    return document | {"signature": base64.b64encode(signer.sign(signed_octets(document))).decode()}


def _parts(conn: Tx, head: Head, tenant: TenantRow, address: str, topic: str | None, *, settled: bool) -> Object | None:
    """What is read of the database, in the caller's transaction; None if a newer head may have more of it.

    ``settled``: there is no newer one. What this one doesn't have has no leaf, and raises AuditError.
    """
    rows = _history(conn, tenant.id, address, topic)
    if not any(_object(row.text)["action"].removeprefix(TRACKING) == "given" for row in rows):
        what = "being tracked" if topic is None else topic
        raise AuditError(f"no consent of {address} to {what} was ever recorded for {tenant.name}")
    attestations = _attestations(conn, tenant.id, topic or "", rows)
    freed = [] if topic is None else _freed(conn, tenant.id)
    if not settled and any(_is_later(row, head) for row in (*rows, *attestations, *freed)):
        return None
    prover = Prover(conn, head)
    return {
        "state": state([_object(row.text) for row in rows]),
        "wordings": _wordings(conn, tenant.id, rows),
        "entries": [prover.record(row) for row in rows],
        "attestations": [prover.record(row) for row in attestations],
        "freed": [prover.record(row) for row in freed],
    }


def _is_later(row: AuditRow, head: Head) -> bool:
    return row.leaf is None or row.leaf >= head.size


def signed_octets(document: Mapping[str, object]) -> bytes:
    """What the document's signature is over: all of it but the signature, with sorted keys and no blanks."""
    rest = {name: value for name, value in document.items() if name != "signature"}
    return _CONTEXT + json.dumps(rest, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def state(records: Sequence[Mapping[str, Any]]) -> Object:
    """What the records come to: places among them, and the suppressions in force.

    ``consent`` is the consent that counts (the first since the last
    withdrawal), ``withdrawal`` what ended it, None while it is live.
    """
    consent: int | None = None
    withdrawal: int | None = None
    suppressed: set[str] = set()
    for place, found in enumerate(records):
        action = found["action"].removeprefix(TRACKING)
        if action == "given" and (consent is None or withdrawal is not None):
            consent, withdrawal = place, None
        elif action in ("withdrawn", "undone") and withdrawal is None:
            withdrawal = place
        elif found["action"] == "suppressed":
            suppressed.add(json.loads(found["evidence"])["reason"])
        elif found["action"] == "lifted":
            suppressed.discard(json.loads(found["evidence"])["reason"])
    live = consent is not None and withdrawal is None
    return {"live": live, "consent": consent, "withdrawal": withdrawal, "suppressed": sorted(suppressed)}


def _history(conn: Tx, tenant_id: int, address: str, topic: str | None) -> list[AuditRow]:
    """The person's records on the topic or on everything, or those on tracking, in their order."""
    of_person = (
        "SELECT h.id FROM subscriber s JOIN consent_history h ON h.subscriber_id = s.id"
        " WHERE s.tenant_id = ?1 AND s.address = ?2"
    )
    if topic is None:
        found = conn.execute(f"{of_person} AND h.action LIKE ?3 ORDER BY h.id", (tenant_id, address, f"{TRACKING}%"))
        return _rows(conn, HISTORY, found.fetchall())
    found = conn.execute(
        f"{of_person} AND h.action NOT LIKE ?4 AND (h.topic_id = 0 OR h.topic_id ="
        " (SELECT id FROM topic WHERE tenant_id = ?1 AND name = ?3)) ORDER BY h.id",
        (tenant_id, address, topic, f"{TRACKING}%"),
    )
    return _rows(conn, HISTORY, found.fetchall())


def _attestations(conn: Tx, tenant_id: int, topic: str, rows: Sequence[AuditRow]) -> list[AuditRow]:
    """What was attested of the files that consents came from."""
    files = {json.loads(_object(row.text)["evidence"]).get("file") for row in rows} - {None}
    if not files:
        return []
    found = conn.execute(
        "SELECT id, detail FROM audit WHERE tenant_id = ? AND action = 'consents-import-begun' ORDER BY id",
        (tenant_id,),
    ).fetchall()
    told = [(id_, _object(detail)) for id_, detail in found]
    return _rows(conn, AUDIT, [(id_,) for id_, one in told if one.get("sha256") in files and one.get("topic") == topic])


def _freed(conn: Tx, tenant_id: int) -> list[AuditRow]:
    """Which of the tenant's streams ask for no consent, by whose word, and on what ground (R1)."""
    found = conn.execute(
        "SELECT id, detail FROM audit WHERE tenant_id = ? AND action = 'stream-added' ORDER BY id", (tenant_id,)
    ).fetchall()
    ids = [(id_,) for id_, detail in found if _object(detail).get("consent_required") is False]
    return _rows(conn, AUDIT, ids)


def _rows(conn: Tx, table: str, ids: Sequence[tuple[int]]) -> list[AuditRow]:
    reader = AuditRows(conn, table)
    rows = [reader.of_id(id_) for (id_,) in ids]
    if any(row is None or row.text is None for row in rows):
        raise AuditError("a record of this person is not what was written: `relay audit verify` says which")
    return [row for row in rows if row is not None]


def _wordings(conn: Tx, tenant_id: int, rows: Sequence[AuditRow]) -> dict[str, str]:
    """Texts by their digest, as the records name them."""
    wanted = {_object(row.text)["wording"] for row in rows} - {""}
    found = {}
    for (text,) in conn.execute("SELECT text FROM wording WHERE tenant_id = ?", (tenant_id,)):
        if (digest := digest_of(text)) in wanted:
            found[digest] = text
    return found


def _object(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text or "{}")
    return found


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
