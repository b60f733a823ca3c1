"""How often confirmation mails go out: limits that protect people who never asked.

Each mail leaves one row for a day, which holds keyed hashes only; those made
before a rotation of keys still count, and so do those of forms that are gone.

A mailbox has a limit with each tenant, so that no tenant's letters use up
another's turn, and one over all tenants, so that many together don't fill it.
What a tenant asks for by API is limited by tenant and mailbox: the IP address
it names is evidence, and neither limits nor frees anything
(docs/decisions/0017-confirmation-letters.md).
"""

from __future__ import annotations

from typing import Final

from config.pages import Forms
from relay.campaigns import record
from relay.keys.secrets import Secrets
from relay.mail.address import Address
from relay.people.mailboxes import mailbox, mailboxes, network, networks
from relay.store.contract import Tx
from relay.tenants.recent import DAY_S, HOUR_S, Recent
from relay.tenants.snapshot import DELIVERED_BULK

_ASKED: Final = Recent("asking")
forget: Final = _ASKED.forget
ESTABLISHED: Final = 1000
"""Delivered bulk messages after which a tenant without a released campaign is new no more."""


def reached(
    conn: Tx,
    secrets: Secrets,
    limits: Forms,
    address: Address,
    ip: str,
    tenant_id: int,
    form_id: int,
    now: float,
) -> str:
    """The limit that forbids one more mail now (``mailbox``, ``network``, ``form``, ``tenant``); empty if none does.

    ``ip`` is the client's own, empty where the tenant asks in its place.
    """
    person, day, hour = mailboxes(secrets, address), now - DAY_S, now - HOUR_S
    if _ASKED.reached(conn, "person", person, now - limits.mails_wait, 1, tenant_id=tenant_id):
        return "mailbox"
    if _ASKED.reached(conn, "person", person, day, limits.mails_per_day, tenant_id=tenant_id):
        return "mailbox"
    if _ASKED.reached(conn, "person", person, day, limits.mails_per_day_all):
        return "mailbox"
    if ip and _ASKED.reached(conn, "network", networks(secrets, ip), hour, limits.network_per_hour):
        return "network"
    if _ASKED.reached(conn, "form_id", [form_id], hour, limits.form_per_hour):
        return "form"
    if _ASKED.reached(conn, "tenant_id", [tenant_id], hour, per_hour(conn, limits, tenant_id)):
        return "tenant"
    return ""


def per_hour(conn: Tx, limits: Forms, tenant_id: int) -> int:
    """Letters an hour that a tenant has, over all its forms; fewer while it is new."""
    return limits.tenant_per_hour if _established(conn, tenant_id) else limits.new_tenant_per_hour


def _established(conn: Tx, tenant_id: int) -> bool:
    if record.of(conn, tenant_id).released:
        return True
    delivered = "SELECT value FROM counter WHERE tenant_id = ? AND name = ?"
    row = conn.execute(delivered, (tenant_id, DELIVERED_BULK)).fetchone()
    return row is not None and row[0] >= ESTABLISHED


def count(conn: Tx, secrets: Secrets, address: Address, ip: str, tenant_id: int, form_id: int, now: float) -> None:
    """One mail more."""
    conn.execute(
        "INSERT INTO asking (at, person, network, form_id, tenant_id) VALUES (?, ?, ?, ?, ?)",
        (now, mailbox(secrets, address), network(secrets, ip) if ip else b"", form_id, tenant_id),
    )
