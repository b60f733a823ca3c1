"""A new tenant: known terminated customers are refused, and what it has in common with others is told (R14, R23)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from relay.audit import actions
from relay.conduct import account, second_accounts
from relay.conduct.second_accounts import Match
from relay.events import write as events
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow

PREFIX = {4: 24, 6: 48}
"""Of the network that a sign-up is known by."""


def check(conn: Tx, contact: str, *, postal: str = "", client: str = "") -> list[Match]:
    """What others have in common with an applicant; RegistryError for who was terminated.

    A network alone refuses nobody: others share it.
    """
    found = alike(conn, contact, postal=postal, client=client)
    refuse(found)
    return found


def alike(
    conn: Tx, contact: str, *, domains: Sequence[str] = (), postal: str = "", client: str = "", phone: str = ""
) -> list[Match]:
    """What others have in common with an applicant, terminated ones first."""
    return second_accounts.of_applicant(conn, contact, domains, postal, origin_of(client), phone)


def check_domain(conn: Tx, tenant: TenantRow, name: str) -> list[Match]:
    """The same for a domain that a tenant claims."""
    owned = second_accounts.owned_domain(name)
    found = [
        match
        for match in second_accounts.of_applicant(conn, "", [name])
        if match.tenant != tenant.name and match.value == owned
    ]
    refuse(found)
    return found


def refuse(found: Sequence[Match]) -> None:
    """RegistryError where what matched is a terminated customer's."""
    bad = next((match for match in found if match.terminated and match.what != "network"), None)
    if bad is not None:
        raise RegistryError(
            f"the {bad.what} {bad.value} is that of {bad.tenant}, whose account was terminated; nobody gets a new one:"
            f" `relay tenant show {bad.tenant}` says why, `relay tenant reinstate {bad.tenant}` undoes it"
        )


def admitted(
    conn: Tx, tenant: TenantRow, found: Sequence[Match], *, client: str, state: str, actor: str, now: float
) -> None:
    """Keep where it came from; a second account is on record."""
    account.open_(conn, tenant.id, state, origin_of(client))
    if found:
        told = [{"tenant": match.tenant, "what": match.what, "value": match.value} for match in found]
        actions.record(conn, actor, "tenant-resembles", tenant.id, {"matches": told}, now)
        events.of_account(conn, 0, "tenant.resembles", {"tenant": tenant.name, "matches": told}, now)


def origin_of(client: str) -> str:
    """The network of an address as it is kept: ``203.0.113.0/24``, ``2001:db8:1::/48``; ``""`` for none."""
    if not client:
        return ""
    try:
        address = ipaddress.ip_address(client)
    except ValueError as error:
        raise RegistryError(f"{client!r} is no IP address: write it like 192.0.2.7 or 2001:db8::7") from error
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    return str(ipaddress.ip_network(f"{address}/{PREFIX[address.version]}", strict=False))
