"""The part of a list that abuse concerns: who complained, and whose address is dead (R24).

Handed on hashed or by domain only, unless somebody orders otherwise; asked by
one person and released by another, with ground and reference, both on record.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Final

from relay.audit import actions
from relay.campaigns import campaigns
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

FORMS: Final = ("hashed", "domains", "plain")
MOST: Final = 1_000_000
_COLUMNS: Final = (
    "d.id, d.tenant_id, t.name, d.campaign_id, d.form, d.recipient, d.ground, d.reference, d.asked_at, d.asked_by,"
    " d.released_at, d.released_by, d.digest"
)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Times in seconds UTC."""

    id: int
    tenant_id: int
    tenant: str
    campaign_id: int | None
    form: str
    recipient: str
    ground: str
    reference: str
    asked_at: float
    asked_by: str
    released_at: float | None
    released_by: str
    digest: str


def concerned(conn: Tx, tenant_id: int, campaign_id: int | None, most: int) -> list[tuple[str, str]]:
    """(address, topic) of each person once: complaints first, then dead addresses; by the events that are kept."""
    where = "e.campaign_id = ?2" if campaign_id is not None else "?2 IS NULL"
    rows = conn.execute(
        "SELECT p.address, min(s.topic), min(CASE e.kind WHEN 'complained' THEN 0 ELSE 1 END)"
        " FROM event e JOIN recipient r ON r.submission_id = e.submission_id AND r.number = e.number"
        " JOIN submission s ON s.id = e.submission_id JOIN subscriber p ON p.id = r.subscriber_id"
        f" WHERE e.tenant_id = ?1 AND {where} AND e.kind IN ('complained', 'contested', 'bounced')"
        " GROUP BY p.address ORDER BY 3, 1 LIMIT ?3",
        (tenant_id, campaign_id, most),
    )
    return [(str(address), str(topic or "")) for address, topic, _ in rows]


def ask(
    conn: Tx,
    tenant: TenantRow,
    *,
    campaign_id: int | None,
    form: str,
    recipient: str,
    ground: str,
    reference: str,
    actor: str,
    now: float,
) -> Disclosure:
    """The first person: nothing leaves yet."""  # fmt: skip
    if form not in FORMS:
        raise RegistryError(f"the form is one of {', '.join(FORMS)}")
    if campaign_id is not None and campaigns.by_id(conn, campaign_id).tenant_id != tenant.id:
        raise RegistryError(f"campaign {campaign_id} is not one of {tenant.name}")
    said = {name: tenants.line(text, name) for name, text in
            (("recipient", recipient), ("ground", ground), ("reference", reference))}  # fmt: skip
    row = conn.execute(
        "INSERT INTO disclosure (tenant_id, campaign_id, form, recipient, ground, reference, asked_at, asked_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (tenant.id, campaign_id, form, said["recipient"], said["ground"], said["reference"], now, actor),
    ).fetchone()
    detail = {**said, "disclosure": int(row[0]), "form": form, "campaign": campaign_id}
    actions.record(conn, actor, "disclosure-asked", tenant.id, detail, now)
    return by_id(conn, int(row[0]))


def release(conn: Tx, disclosure: Disclosure, *, actor: str, now: float) -> tuple[Disclosure, str]:
    """The second person: the text that leaves. RegistryError for the first one, and for what has left."""
    if disclosure.released_at is not None:
        raise RegistryError(f"disclosure {disclosure.id} was released already, by {disclosure.released_by}")
    if actor == disclosure.asked_by:
        raise RegistryError(f"{actor} asked for it: somebody else has to release it")
    text = written(disclosure.form, [address for address, _ in
                                     concerned(conn, disclosure.tenant_id, disclosure.campaign_id, MOST)])  # fmt: skip
    digest = hashlib.sha256(text.encode()).hexdigest()
    conn.execute(
        "UPDATE disclosure SET released_at = ?, released_by = ?, digest = ? WHERE id = ?",
        (now, actor, digest, disclosure.id),
    )
    detail = {
        "disclosure": disclosure.id, "form": disclosure.form, "recipient": disclosure.recipient,
        "asked_by": disclosure.asked_by, "lines": text.count("\n"), "sha256": digest,
    }  # fmt: skip
    actions.record(conn, actor, "disclosure-released", disclosure.tenant_id, detail, now)
    return by_id(conn, disclosure.id), text


def written(form: str, addresses: list[str]) -> str:
    """A line each: SHA-256 of the address in lower case, as such bodies compare; domain and count; or the address."""
    if form == "domains":
        counted = Counter(address.rpartition("@")[2] for address in addresses)
        return "".join(f"{domain} {count}\n" for domain, count in sorted(counted.items()))
    if form == "hashed":
        return "".join(sorted(f"{hashlib.sha256(address.lower().encode()).hexdigest()}\n" for address in addresses))
    return "".join(f"{address}\n" for address in sorted(addresses))


def by_id(conn: Tx, disclosure_id: int) -> Disclosure:
    """RegistryError if there is none."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM disclosure d JOIN tenant t ON t.id = d.tenant_id WHERE d.id = ?", (disclosure_id,)
    ).fetchone()
    if row is None:
        raise RegistryError(f"there is no disclosure {disclosure_id}; `relay evidence disclosures` shows all")
    return _disclosure(row)


def listing(conn: Tx) -> list[Disclosure]:
    """The newest first."""
    sql = f"SELECT {_COLUMNS} FROM disclosure d JOIN tenant t ON t.id = d.tenant_id ORDER BY d.id DESC LIMIT 1000"
    return [_disclosure(row) for row in conn.execute(sql)]


def _disclosure(row: tuple[object, ...]) -> Disclosure:
    return Disclosure(**dict(zip(Disclosure.__dataclass_fields__, row, strict=True)))  # type: ignore[arg-type]
