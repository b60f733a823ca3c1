"""The tenant's contact address: confirmed by a letter before the first bulk, every year, and when it changes (R14).

Whom the operator adds is vouched for, which is logged. A link names the letter
that it stood in: a later letter, another address or an answer ends it.
"""

from __future__ import annotations

import struct
from typing import Final

from config.conduct import Contacts
from relay.audit import actions
from relay.conduct import account
from relay.conduct.account import CONFIRMED, CustomerAccount
from relay.keys.sealed_tokens import millis, read_token, write_token
from relay.keys.secrets import Secrets
from relay.queue import to_tenant
from relay.queue.operator import Operator, call
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import choose
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

_LINK: Final = struct.Struct(">IQ")
_PURPOSE: Final = "contact"
ANSWER_S: Final = 30 * 86_400.0
"""So long a link works."""
REMIND_S: Final = 7 * 86_400.0
"""So often an unanswered letter is repeated."""


def vouch(conn: Tx, tenant: TenantRow, why: str, *, actor: str, now: float) -> None:
    """The operator knows that the address is the tenant's, and says how."""
    why = tenants.line(why, "reason")
    account.confirmed(conn, tenant.id, f"{actor}: {why}", now)
    detail = {"contact": tenant.contact, "by": "vouched", "reason": why}
    actions.record(conn, actor, "contact-confirmed", tenant.id, detail, now)


def ask(
    conn: Tx,
    secrets: Secrets,
    operator: Operator,
    base_url: str,
    tenant: TenantRow,
    *,
    actor: str,
    now: float,
    anew: bool = False,
) -> None:
    """Write to the address with a link to confirm it. ``anew``: bulk mail waits until it is."""  # fmt: skip
    account.asked(conn, tenant.id, now, anew=anew)
    language = choose(tenant.language)
    say = language.plain
    paragraphs = [
        say("mail.hello"),
        say("contact.asked", tenant=tenant.shown, operator=operator.name),
        f"{say('contact.please')}\n{base_url}/contact/{link(secrets, tenant.id, now)}",
        say("contact.until", date=language.date(now + ANSWER_S)),
        say("contact.not_you"),
    ]
    subject = say("contact.subject", tenant=tenant.shown)
    if not to_tenant.tell(conn, operator, tenant.contact, language.code, subject, paragraphs, now=now):
        raise RegistryError(f"no mail can go to {tenant.contact}; `relay tenant edit` names another contact")
    actions.record(conn, actor, "contact-asked", tenant.id, {"contact": tenant.contact}, now)


def changed(
    conn: Tx,
    secrets: Secrets,
    operator: Operator,
    base_url: str,
    before: TenantRow,
    tenant: TenantRow,
    *,
    vouched: str,
    actor: str,
    now: float,
) -> None:
    """The contact became another: the old address is told, the new one is vouched for or asked."""  # fmt: skip
    if before.contact == tenant.contact:
        return
    language = choose(tenant.language)
    say = language.plain
    paragraphs = [
        say("mail.hello"),
        say("contact.changed", tenant=tenant.shown, contact=tenant.contact),
        say("contact.changed_not_you"),
    ]
    subject = say("contact.changed.subject", tenant=tenant.shown)
    to_tenant.tell(conn, operator, before.contact, language.code, subject, paragraphs, now=now)
    if vouched:
        vouch(conn, tenant, vouched, actor=actor, now=now)
    else:
        ask(conn, secrets, operator, base_url, tenant, actor=actor, now=now, anew=True)


def confirm(conn: Tx, tenant_id: int, asked_at: float, *, ip: str, agent: str, now: float) -> bool:
    """The link of that letter was pressed; False if it is no longer the latest, or too old."""
    found = account.of(conn, tenant_id)
    if not answerable(found, asked_at, now):
        return False
    tenant = tenants.by_id(conn, tenant_id)
    account.confirmed(conn, tenant_id, "mail", now)
    detail = {"contact": tenant.contact, "by": "mail", "ip": ip, "agent": agent}
    actions.record(conn, "contact", "contact-confirmed", tenant_id, detail, now)
    return True


def answerable(found: CustomerAccount, asked_at: float, now: float) -> bool:
    """Whether a link is that of the latest letter, and in time."""
    latest = found.contact_asked_at
    return latest is not None and millis(latest) == millis(asked_at) and now < latest + ANSWER_S


def look(
    conn: Tx, secrets: Secrets, operator: Operator, base_url: str, settings: Contacts, tenant: TenantRow, now: float
) -> None:
    """Once a day: ask again after a year, remind, and end what nobody confirmed within the grace time."""
    found = account.of(conn, tenant.id)
    if found.terminated_at is not None:
        return
    if found.contact_state == CONFIRMED and found.contact_confirmed_at is None:
        # Known to an earlier release: its year begins now.
        account.confirmed(conn, tenant.id, "an earlier release", now)
        return
    due = found.contact_state != CONFIRMED or now >= (found.contact_confirmed_at or now) + settings.again
    if not due:
        return
    over = (found.contact_confirmed_at or 0.0) + settings.again + settings.grace
    if found.contact_state == CONFIRMED and now >= over and found.contact_asked_at is not None:
        account.lapse(conn, tenant.id)
        actions.record(conn, "relay", "contact-lapsed", tenant.id, {"contact": tenant.contact}, now)
        call(
            conn,
            operator,
            f"contact:{tenant.name}",
            f"nobody confirmed the contact of {tenant.name}",
            [
                f"The letters to {tenant.contact} were not answered in {settings.grace / 86_400:g} days, so bulk mail"
                f" of {tenant.name} is refused until somebody opens the link in them, or you vouch for the address:"
                f" `relay contact confirm {tenant.name} --vouch REASON`."
            ],
            now=now,
        )
    if found.contact_asked_at is None or now >= found.contact_asked_at + REMIND_S:
        ask(conn, secrets, operator, base_url, tenant, actor="relay", now=now)


def link(secrets: Secrets, tenant_id: int, asked_at: float) -> str:
    """For ``/contact/…``."""
    return write_token(secrets, _PURPOSE, _LINK.pack(tenant_id, millis(asked_at)))


def read_link(secrets: Secrets, token: str) -> tuple[int, float] | None:
    """(tenant's id, when it was asked); None for anything forged, damaged or of another kind."""
    fields = read_token(secrets, _PURPOSE, token, _LINK)
    return None if fields is None else (fields[0], fields[1] / 1000)
