"""What somebody gave at registering is put right by the operator, and they are told (R26, R32).

The address stays: it is the owner's log-in, and another one is confirmed there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from relay.audit import actions
from relay.conduct import account
from relay.queue import to_tenant
from relay.registration import ask, book, letters
from relay.registration.book import Registration
from relay.registration.office import RegistrationOffice
from relay.registration.values import FIELDS, RegistrationState, checked_field, digits
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.countries import country
from relay.texts.language import Language, choose
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

CORRECTABLE: Final = tuple(field for field in FIELDS if field.name != "email")
_OPEN: Final = (RegistrationState.WAITING, RegistrationState.ADMITTED)


def correct(
    conn: Tx, office: RegistrationOffice, row: Registration, given: Mapping[str, str], *, actor: str, now: float
) -> tuple[Registration, list[str]]:
    """In the caller's transaction: the row as it is then, and the names of the fields that changed.

    What the tenant has from it (name shown, postal address, telephone that it is known by) changes with it where
    it was still the same. RegistryError for what can't be, and where nothing would change.
    """
    if row.state not in _OPEN:
        raise RegistryError(f"registration {row.id} is {row.state}; only one that waits or was admitted is corrected")
    new = _changed(row, given)
    if not new:
        raise RegistryError("nothing would change; name what is to be otherwise")
    for name, value in new.items():
        conn.execute(f"UPDATE registration SET {name} = ? WHERE id = ?", (value, row.id))
    fresh = book.by_id(conn, row.id)
    if fresh.tenant_id is None:
        found = [{"tenant": one.tenant, "what": one.what, "value": one.value} for one in ask.matches(conn, fresh)]
        told = json.dumps(found, ensure_ascii=False)
        conn.execute("UPDATE registration SET resembles = ? WHERE id = ?", (told, row.id))
        contact, language = row.email, choose(row.language)
    else:
        tenant = _tenant(conn, row, fresh, actor, now)
        contact, language = tenant.contact, choose(tenant.language or row.language)
    names = [field.name for field in CORRECTABLE if field.name in new]
    detail = {"registration": row.id, "fields": names}  # the values are personal data, and stay out of the log
    actions.record(conn, actor, "registration-corrected", row.tenant_id, detail, now)
    _tell(conn, office, row, fresh, names, contact, language, now)
    return book.by_id(conn, row.id), names


def _changed(row: Registration, given: Mapping[str, str]) -> dict[str, str]:
    """Values in their stored form, of the fields that become others."""
    new = {}
    for field in CORRECTABLE:
        if field.name not in given:
            continue
        value, fault = checked_field(field, given[field.name])
        if fault:
            raise RegistryError(f"{field.name}: {choose('en').plain(fault)}")
        if value != getattr(row, field.name):
            new[field.name] = value
    return new


def _tenant(conn: Tx, row: Registration, fresh: Registration, actor: str, now: float) -> TenantRow:
    """Brought in step, where it has what was given."""
    assert fresh.tenant_id is not None
    tenant = tenants.by_id(conn, fresh.tenant_id)
    title = fresh.shown if tenant.title == row.shown != fresh.shown else None
    postal = fresh.postal if tenant.postal == row.postal != fresh.postal else None
    if fresh.phone != row.phone:
        account.reached_by(conn, tenant.id, digits(fresh.phone))
    if title is None and postal is None:
        return tenant
    return tenants.edit(conn, tenant, tenants.Changes(title=title, postal=postal), actor=actor, now=now)


def _tell(
    conn: Tx, office: RegistrationOffice, row: Registration, fresh: Registration, names: list[str], contact: str,
    language: Language, now: float,
) -> None:  # fmt: skip
    """What stood there, and what stands there now."""
    say = language.plain
    lines = [
        f"* {say(f'register.{name}')}: {_said(language, row, name)} → {_said(language, fresh, name)}" for name in names
    ]
    paragraphs = [say("mail.hello"), say("register.corrected.lead", operator=office.operator.name), "\n".join(lines)]
    paragraphs.append(say("register.corrected.next"))
    subject = say("register.corrected.subject", operator=office.operator.name)
    to_tenant.tell(conn, office.operator, contact, language.code, subject, paragraphs, now=now, note=letters.NOTE)


def _said(language: Language, row: Registration, name: str) -> str:
    value = str(getattr(row, name))
    return country(language.code, value) if name == "country" else value or "\u2013"
