"""What a tenant stores to be sent or shown later, templates and forms, is judged as the mail it becomes (R16 to R18).

Certainty keeps it out, a suspicion is told to the operator and what it becomes
is held when it is sent. Scanners see it as a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import NamedTuple

from relay.intake import reading, relay_fields
from relay.mail.mend import mended
from relay.mail.scan import ScanLimits, scan
from relay.mail.slots import clean
from relay.mail.status import Status, refusal
from relay.pipeline import uploads
from relay.pipeline.contract import ContentFinding, Message, Policy, Transaction, Upload
from relay.queue.operator import Operator, call
from relay.store.contract import Tx
from relay.tenants import parts
from relay.values.facts import Allowance, Freeze, Kind, Stream, Tenant, Usage


class StoredText(NamedTuple):
    name: str
    """As people know it: ``template welcome``."""
    subject: str
    text: str
    html: str


class StoredVerdict(NamedTuple):
    refused: Status | None
    """Why it isn't taken."""
    suspected: tuple[str, ...]
    """What the operator is to look at, in a line each."""


async def judged(policies: Sequence[Policy], tenant: Tenant, given: StoredText, now: float) -> StoredVerdict:
    """Nothing is written."""
    raw = _as_mail(tenant, given)
    found = findings(policies, tenant, as_mail(raw, now))
    for one in found:
        if one.certain:
            return StoredVerdict(refusal("content", f"{one.about} ({one.what}) in {one.where}"), ())
    refused = await uploads.refused(policies, Upload(given.name, raw))
    suspected = tuple(f"{one.what}: {one.passage}" for one in found if one.sure >= 1 and one.where != "allowed")
    return StoredVerdict(refused, suspected)


def tell(conn: Tx, operator: Operator, owner: str, name: str, suspected: Sequence[str], now: float) -> None:
    """Call the operator; what is made of it is held when it is sent."""
    lines = "\n".join(f"* {one}" for one in suspected)
    call(
        conn, operator, f"content:{owner}:{name}", f"{name} of {owner} holds what isn't allowed, as it seems",
        [lines, "It is stored. Mail made of it is held for you; `relay content permit` allows a class to a tenant."],
        now=now,
    )  # fmt: skip


def findings(policies: Sequence[Policy], tenant: Tenant, message: Message) -> list[ContentFinding]:
    """All that the policies find, the surest first."""
    found = [one for policy in policies for one in getattr(policy, "findings", _none)(tenant, message)]
    return sorted(found, key=lambda one: (-one.certain, -one.sure))


def _none(tenant: Tenant, message: Message) -> Sequence[ContentFinding]:
    return ()


def as_mail(raw: bytes, now: float) -> Message:
    """A whole message as policies see it as bulk mail. Raises Malformed."""
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    limits = ScanLimits()
    scanned = mended(scan(lines, limits), limits, smtputf8=True)
    asked = Transaction(nobody(), Stream(0, 0, "bulk", Kind.BULK, "*", True), "", "", now, Usage(0, 0))
    return reading.facts(scanned, asked, relay_fields.read(scanned, now), len(raw))


def tenant_of(conn: Tx, tenant_id: int) -> Tenant:
    """As far as content goes: what it is allowed, and what its own is."""
    record = parts.read(conn, [tenant_id])[tenant_id].tenant
    return _tenant(record.id, record.name, record.contact, record.verified_domains, record.title, record.permits)


def nobody() -> Tenant:
    return _tenant(0, "", "", frozenset(), "", frozenset())


def _tenant(id_: int, name: str, contact: str, domains: frozenset[str], title: str, permits: frozenset[str]) -> Tenant:
    return Tenant(
        id=id_,
        name=name,
        contact=contact,
        postal="",
        freeze=Freeze.NONE,
        freeze_reason="",
        verified_domains=domains,
        all_domains=domains,
        topics=(),
        delivered_bulk=0,
        allowance=Allowance("", "", None, None, 0.0),
        title=title,
        permits=permits,
    )


def _as_mail(tenant: Tenant, given: StoredText) -> bytes:
    message = EmailMessage(SMTPUTF8)
    local, _, domain = (tenant.contact or "nobody@relay.invalid").rpartition("@")
    message["From"] = Address(clean(tenant.title or tenant.name), local, domain)
    message["To"] = "reader@relay.invalid"
    message["Subject"] = clean(given.subject)
    message.set_content(given.text or " ", cte="base64")
    if given.html:
        message.add_alternative(given.html, subtype="html", cte="base64")
    return message.as_bytes()
