"""Second accounts of one customer: what two tenants have in common that two customers seldom have (R23).

Compared are the contact's mailbox in any spelling, its domain and the sending
domains with what they lie under, the postal address, the telephone number, and the
network of the sign-up. Domains that anybody gets a mailbox at say nothing.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.mail.address import Address, AddressError, parse_address
from relay.people.mailbox import PROVIDERS, mailbox_of
from relay.store.contract import Tx

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_FREE_NAMES: Final = (
    "aol.com bk.ru free.fr gmx.at gmx.ch gmx.com gmx.de gmx.net hot.ee i.ua inbox.lv inbox.ru internet.ru laposte.net"
    " libero.it list.ru mail.com mail.ee mail.ru meta.ua naver.com online.ee orange.fr proton.me protonmail.com qq.com"
    " rambler.ru rocketmail.com seznam.cz sfr.fr t-online.de tutanota.com ukr.net virgilio.it wanadoo.fr web.de wp.pl"
    " yahoo.com ymail.com 163.com 126.com comcast.net verizon.net att.net btinternet.com interia.pl o2.pl onet.pl"
    " centrum.cz tuta.com tuta.io duck.com pm.me"
)
"""Beside the providers whose spellings are known: anybody gets a mailbox there."""
_YAHOO: Final = re.compile(r"(?:yahoo|hotmail|outlook|live|gmx|aol)(?:\.[a-z]{2,3}){1,2}")
_FREE: Final = frozenset(_FREE_NAMES.split())
LEAST_POSTAL: Final = 12
"""Letters and digits of a postal address that tell one from another."""
LEAST_PHONE: Final = 6
"""Digits of a telephone number that do."""


@dataclass(frozen=True, slots=True)
class Match:
    """What another tenant has in common."""

    tenant: str
    what: str
    """contact, domain, postal, phone or network."""
    value: str
    terminated: bool


CustomerKey = tuple[str, str]
"""(what, value)."""


def keys(contact: str, domains: Iterable[str], postal: str = "", origin: str = "", phone: str = "") -> set[CustomerKey]:
    """All by which a customer is known again."""
    found: set[CustomerKey] = {("domain", owned) for name in domains if (owned := owned_domain(name))}
    try:
        address = parse_address(contact)
    except AddressError:
        address = None
    if address is not None:
        found.add(("contact", same_mailbox(address)))
        owned = owned_domain(address.domain)
        if owned:
            found.add(("domain", owned))
    plain = "".join(c for c in unicodedata.normalize("NFKD", postal.casefold()) if c.isalnum())
    if len(plain) >= LEAST_POSTAL:
        found.add(("postal", plain))
    if origin:
        found.add(("network", origin))
    number = re.sub(r"\D", "", phone).lstrip("0")
    if len(number) >= LEAST_PHONE:
        found.add(("phone", number))
    return found


def same_mailbox(address: Address) -> str:
    """One text for all spellings of a mailbox: case, tags after ``+``, and what its provider ignores."""
    known = mailbox_of(address.canonical)
    local, _, domain = (known or address.canonical).rpartition("@")
    return f"{local.strip(chr(34)).partition('+')[0] or local}@{domain}"


def owned_domain(name: str) -> str:
    """What somebody registered, of a name at or below it; ``""`` where anybody gets a mailbox, and for what is none."""
    name = name.lower().rstrip(".")
    if name in PROVIDERS or name in _FREE or _YAHOO.fullmatch(name):
        return ""
    return str(_suffixes().privatesuffix(name) or "")


@functools.cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def of_tenant(conn: Tx, tenant_id: int) -> list[Match]:
    """Other tenants that have something in common with it, terminated ones first."""
    everybody = _everybody(conn)
    own = everybody.get(tenant_id)
    return _matches(everybody, own.keys, tenant_id) if own is not None else []


def of_applicant(
    conn: Tx, contact: str, domains: Iterable[str] = (), postal: str = "", origin: str = "", phone: str = ""
) -> list[Match]:
    """The same of somebody who is no tenant yet."""
    return _matches(_everybody(conn), keys(contact, domains, postal, origin, phone), 0)


def groups(conn: Tx) -> list[dict[str, object]]:
    """All that several tenants have in common: what, value, and whose."""
    shared: dict[CustomerKey, list[str]] = defaultdict(list)
    for one in _everybody(conn).values():
        for key in one.keys:
            shared[key].append(one.name)
    return [
        {"what": what, "value": value, "tenants": sorted(names)}
        for (what, value), names in sorted(shared.items())
        if len(names) > 1
    ]


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    terminated: bool
    keys: set[CustomerKey]


def _everybody(conn: Tx) -> dict[int, _Known]:
    domains: dict[int, list[str]] = defaultdict(list)
    for tenant_id, name in conn.execute("SELECT tenant_id, name FROM domain"):
        domains[tenant_id].append(name)
    rows = conn.execute(
        "SELECT t.id, t.name, t.contact, t.postal, coalesce(a.origin, ''), coalesce(a.phone, ''),"
        " a.terminated_at FROM tenant t"
        " LEFT JOIN account a ON a.tenant_id = t.id ORDER BY t.id"
    )
    return {
        id_: _Known(name, terminated_at is not None, keys(contact, domains[id_], postal, origin, phone))
        for id_, name, contact, postal, origin, phone, terminated_at in rows
    }


def _matches(everybody: dict[int, _Known], wanted: set[CustomerKey], but: int) -> list[Match]:
    found = [
        Match(one.name, what, value, one.terminated)
        for id_, one in everybody.items()
        if id_ != but
        for what, value in sorted(one.keys & wanted)
    ]
    return sorted(found, key=lambda match: not match.terminated)
