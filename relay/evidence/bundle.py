"""The evidence bundle: a zip with what is known of a case, a manifest of digests, and a signed head that binds it.

The manifest's digest is written to the audit log before the head is signed; the
leaf and its way to the head's root are in the bundle. So whoever has the bundle and the relay's
public key can tell that no file was changed afterwards (docs/PROOF.md).
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from config.settings import Settings
from relay.audit import actions, document, heads, listing, merkle, sequence
from relay.audit.errors import AuditError
from relay.audit.heads import Head
from relay.audit.prove import Prover
from relay.audit.record import commitment
from relay.campaigns import campaigns, figures
from relay.conduct import account, judge, rates, statements
from relay.evidence.abused import concerned
from relay.keys.secrets import Secrets
from relay.mail.stored import Slot, Template
from relay.store.contract import Tx
from relay.store.database import reading, transaction
from relay.tenants import domains, tenants
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

TYPE: Final = "relay-evidence"
VERSION: Final = 1
MOST_LINES: Final = 10_000
"""Of the event log, the newest."""
MOST_LEAVES: Final = 500
MOST_PEOPLE: Final = 1_000
ACTION: Final = "evidence-exported"
_EPOCH: Final = (2026, 1, 1, 0, 0, 0)
"""Of all files in the zip: the same case gives the same octets."""
Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked for, and why."""

    tenant: TenantRow
    campaign_id: int | None
    ground: str
    reference: str
    people: int
    """Consents' proofs, at most."""


@dataclass(frozen=True, slots=True)
class EvidenceBundle:
    octets: bytes
    digest: str
    """SHA-256 of the manifest."""
    files: int
    proofs: int


def build(
    conn: Tx, secrets: Secrets, settings: Settings, case: Case, *, actor: str, clock: Callable[[], float]
) -> EvidenceBundle:
    """Collect, write down, sign and pack. RegistryError for an empty ground or reference, or another's campaign."""
    ground, reference = _said(case.ground, "ground"), _said(case.reference, "reference")
    campaign = None if case.campaign_id is None else campaigns.by_id(conn, case.campaign_id)
    if campaign is not None and campaign.tenant_id != case.tenant.id:
        raise RegistryError(f"campaign {campaign.id} is not one of {case.tenant.name}")
    now = clock()
    proofs = dict(_proofs(conn, secrets, settings, case, clock))
    with reading(conn):
        files = _collected(conn, settings, case, campaign, now) | proofs
    manifest = _json(
        {
            "type": TYPE,
            "version": VERSION,
            "relay": settings.server.hostname,
            "made_at": _iso(now),
            "made_by": actor,
            "tenant": case.tenant.name,
            "campaign": case.campaign_id,
            "ground": ground,
            "reference": reference,
            "files": [
                {"name": name, "octets": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}
                for name, octets in sorted(files.items())
            ],
        }
    )
    digest = hashlib.sha256(manifest).hexdigest()
    detail = {"ground": ground, "reference": reference, "campaign": case.campaign_id, "sha256": digest}
    with transaction(conn):
        actions.record(conn, actor, ACTION, case.tenant.id, detail, now)
    head = sequence.sequence(conn, secrets, clock)
    with reading(conn):
        leaf = Prover(conn, head).inclusion(_leaf(conn, case.tenant.id, digest))
    files |= {"manifest.json": manifest, "head.json": _json(head.fields()), "leaf.json": _json(leaf)}
    return EvidenceBundle(_packed(files), digest, len(files), len(proofs))


def check(octets: bytes) -> Head:
    """The head of a bundle that is whole; AuditError says what isn't. Needs no database."""
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as packed:
            files = {name: packed.read(name) for name in packed.namelist()}
        manifest = json.loads(files["manifest.json"])
        named = {one["name"]: one["sha256"] for one in manifest["files"]}
        leaf = json.loads(files["leaf.json"])
        records = [json.loads(one["record"]["detail"]) for one in leaf["records"] if "record" in one]
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise AuditError("this is no evidence bundle, or a file of it is missing") from error
    if named.keys() != files.keys() - {"manifest.json", "head.json", "leaf.json"}:
        raise AuditError("files were added to the bundle or taken out")
    for name, digest in named.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise AuditError(f"{name} was changed")
    if not any(one.get("sha256") == hashlib.sha256(files["manifest.json"]).hexdigest() for one in records):
        raise AuditError("the manifest is not the one that was written to the log")
    return _proved(leaf)


def _proved(document: Mapping[str, Any]) -> Head:
    """The head of a leaf's document, once its records lead to the leaf and the leaf to the root (docs/PROOF.md)."""
    head = heads.parse(json.dumps(document["head"]))
    commitments = [
        bytes.fromhex(one["erased"])
        if "erased" in one
        else commitment(bytes.fromhex(one["salt"]), _exact(one["record"]))
        for one in document["records"]
    ]
    public = document["leaf"]
    if merkle.root_of([merkle.leaf_hash(one) for one in commitments]).hex() != public["root"]:
        raise AuditError("the records are not those of the leaf")
    path = [bytes.fromhex(one) for one in document["path"]]
    hash_ = merkle.leaf_hash(_exact(public).encode("utf-8", "surrogateescape"))
    if not merkle.verify_inclusion(hash_, document["number"], head.size, path, head.root):
        raise AuditError("the leaf is not in the tree that the head signs")
    return head


def _exact(found: object) -> str:
    """JSON as it is hashed."""
    return json.dumps(found, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


# --- what is in it -------------------------------------------------------------------


def _collected(conn: Tx, settings: Settings, case: Case, campaign: campaigns.Campaign | None, now: float) -> Files:
    tenant = case.tenant
    files = {
        "tenant.json": _json(
            {
                **{name: value for name, value in asdict(tenant).items() if name != "id"},
                **{name: value for name, value in asdict(account.of(conn, tenant.id)).items() if name != "tenant_id"},
                "domains": [
                    {"name": row.name, "verified_at": row.verified_at, "verified_by": row.verified_by}
                    for row in domains.listing(conn, tenant.id)
                ],
            }
        ),
        "rates.json": _json(
            [
                asdict(one.counts) | {"measure": one.measure, "count": one.count, "of": one.of, "level": one.level.word}
                for one in judge.standpoints(conn, tenant.id, settings.rates, now, rates.pending(conn))
            ]
        ),
        "statements.json": _json([asdict(one) for one in statements.listing(conn, tenant.id)]),
        "log.json": _json(listing.newest(conn, tenant.id, None, MOST_LEAVES)),
        "events.jsonl": b"".join(_events(conn, tenant.id, case.campaign_id)),
    }
    if campaign is not None:
        shown = {name: value for name, value in asdict(campaign).items() if name != "draw"}
        files["campaign.json"] = _json(shown | {"figures": asdict(figures.of_campaign(conn, campaign))})
    return files | dict(_content(conn, tenant.id, case.campaign_id))


def _content(conn: Tx, tenant_id: int, campaign_id: int | None) -> Iterator[tuple[str, bytes]]:
    """Messages of the campaign: their heads, and the text of one that is still kept (bodies go with the last copy)."""
    where = "campaign_id = ?2" if campaign_id is not None else "?2 IS NULL"
    rows = conn.execute(
        "SELECT id, message_id, reverse_path, subject, from_domain, size_octets, accepted_at FROM submission"
        f" WHERE tenant_id = ?1 AND stream_id <> 0 AND {where} ORDER BY id DESC LIMIT 100",
        (tenant_id, campaign_id),
    ).fetchall()
    names = ("id", "message_id", "reverse_path", "subject", "from_domain", "size_octets", "accepted_at")
    yield "messages.json", _json([dict(zip(names, row, strict=True)) for row in rows])
    for row in rows:
        body = conn.execute("SELECT template FROM body WHERE submission_id = ?", (row[0],)).fetchone()
        if body is not None:
            yield f"content/{row[0]}.eml", _plain(Template.decode(body[0]))
            return


def _plain(template: Template) -> bytes:
    """The message as it was taken, each person's own parts by their names."""

    def shown(pieces: Iterable[bytes | Slot]) -> bytes:
        return b"".join(one if isinstance(one, bytes) else b"{{" + one.name.encode() + b"}}" for one in pieces)

    return b"".join(shown(field) for field in template.fields) + b"\r\n" + shown(template.body)


def _events(conn: Tx, tenant_id: int, campaign_id: int | None) -> Iterator[bytes]:
    where = "campaign_id = ?2" if campaign_id is not None else "?2 IS NULL"
    rows = conn.execute(
        f"SELECT at, kind, submission_id, number, campaign_id, detail FROM event WHERE tenant_id = ?1 AND {where}"
        " ORDER BY id DESC LIMIT ?3",
        (tenant_id, campaign_id, MOST_LINES),
    ).fetchall()
    for at, kind, submission_id, number, campaign, detail in reversed(rows):
        line = {"at": _iso(at), "kind": kind, "message": submission_id, "number": number, "campaign": campaign}
        yield _json(line | {"detail": json.loads(detail or "{}")}, indent=None)


def _proofs(
    conn: Tx, secrets: Secrets, settings: Settings, case: Case, clock: Callable[[], float]
) -> Iterator[tuple[str, bytes]]:
    """Consents' proofs of those whom the case concerns: who complained or is dead, to which topic."""
    for number, (address, topic) in enumerate(concerned(conn, case.tenant.id, case.campaign_id, case.people), 1):
        name = f"consents/{number:04d}.json"
        try:
            proof = document.build(conn, secrets, case.tenant, address, topic, settings.server.hostname, clock)
        except AuditError as error:
            yield name, _json({"address": address, "topic": topic, "no_proof": str(error)})
        else:
            yield name, _json(proof)


def _leaf(conn: Tx, tenant_id: int, digest: str) -> int:
    rows = conn.execute(
        "SELECT l.number, a.detail FROM audit a JOIN audit_leaf l ON l.id = a.leaf_id WHERE a.tenant_id = ?"
        " AND a.action = ? ORDER BY a.id DESC",
        (tenant_id, ACTION),
    )
    return next(int(number) for number, detail in rows if json.loads(detail).get("sha256") == digest)


def _packed(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            packed.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _said(text: str, what: str) -> str:
    return tenants.line(text, what)


def _json(value: object, indent: int | None = 1) -> bytes:
    def other(found: object) -> Any:
        return sorted(found) if isinstance(found, set | frozenset) else str(found)

    return (json.dumps(value, indent=indent, ensure_ascii=False, sort_keys=True, default=other) + "\n").encode(
        "utf-8", "replace"
    )


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
