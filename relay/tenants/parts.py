"""What the registry holds of each tenant, as values: read for some tenants, or for all.

Enters: a connection, and whose part is wanted. Leaves: ``TenantPart``s, which the
snapshot is made of. Statements are the same few for one tenant and for all.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from relay.store.contract import Tx
from relay.tenants import streams
from relay.tenants.credentials import Network
from relay.values.facts import Freeze, Stream
from relay.values.networks import network_of

MOST_NAMED: Final = 500
"""Of more tenants than these all are read."""
_BY_ID: Final = " ORDER BY id"


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant without what changes by the minute; see ``Snapshot.tenant``."""

    id: int
    name: str
    contact: str
    postal: str
    freeze: Freeze
    freeze_reason: str
    plan: str
    plan_started_at: float
    plan_ends_at: float | None
    bonus: int
    """Messages carried over into the running paid period (R21)."""
    verified_domains: frozenset[str]
    all_domains: frozenset[str]
    topics: tuple[str, ...]
    title: str
    language: str
    titles: Mapping[str, str]
    """What people read of topics that have more than a name."""
    watched_at: float
    watched_until: float
    """0: never."""
    contact_confirmed: bool
    permits: frozenset[str] = frozenset()
    """Classes of content that the operator allows it."""


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A credential in force; ``username`` is empty where the address is enough."""

    id: int
    stream_id: int
    tenant_id: int
    username: str
    secret_hash: bytes
    only_from: Network | None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The DKIM key of its algorithm that signs, its private part still sealed (``relay.keys.dkim_keys`` opens it)."""

    selector: str
    algorithm: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """A sending domain; of several tenants' claims the verified one."""

    id: int
    tenant_id: int
    name: str
    verified: bool
    return_path: bool
    """Its return path record was seen in place."""
    keys: tuple[KeyRecord, ...]
    links: bool = False
    """The record of its host for tracked links was seen in place."""


@dataclass(frozen=True, slots=True)
class NetworkRecord:
    """A credential for who connects from a network."""

    version: int
    """Of IP: 4 or 6."""
    prefix: int
    bits: int
    """The first ``prefix`` bits of its addresses."""
    credential: CredentialRecord


@dataclass(frozen=True, slots=True)
class BrakeRecord:
    """A log-in whose mail is held (``relay.brake``)."""

    login: str
    since: float
    """Accepted since then, seconds UTC."""
    spared: frozenset[str]
    """Networks whose mail goes on."""

    def holds(self, client: str, accepted_at: float) -> bool:
        """Mail from that address, accepted then."""
        return accepted_at >= self.since and network_of(client) not in self.spared


@dataclass(frozen=True, slots=True)
class TenantPart:
    """All of one tenant."""

    tenant: TenantRecord
    streams: tuple[Stream, ...]
    passwords: tuple[CredentialRecord, ...]
    networks: tuple[NetworkRecord, ...]
    domains: tuple[DomainRecord, ...]
    """By id."""
    brakes: tuple[BrakeRecord, ...] = ()


def read(conn: Tx, tenant_ids: Sequence[int] | None = None) -> dict[int, TenantPart]:
    """Parts by tenant, in the caller's transaction; without those that aren't there. None: of all tenants."""
    if tenant_ids is not None and len(tenant_ids) > MOST_NAMED:
        wanted = set(tenant_ids)
        return {id_: part for id_, part in read(conn).items() if id_ in wanted}
    look = _Look(conn, tenant_ids)
    domains = look.domains()
    found_streams = look.streams()
    passwords, networks = look.credentials()
    brakes = look.brakes()
    return {
        record.id: TenantPart(
            record,
            tuple(found_streams.get(record.id, ())),
            tuple(passwords.get(record.id, ())),
            tuple(networks.get(record.id, ())),
            tuple(domains.get(record.id, ())),
            tuple(brakes.get(record.id, ())),
        )
        for record in look.tenants(domains)
    }


class _Look:
    def __init__(self, conn: Tx, tenant_ids: Sequence[int] | None) -> None:
        self._conn = conn
        self._values: tuple[int, ...] = () if tenant_ids is None else tuple(tenant_ids)
        self._of = "" if tenant_ids is None else f"IN ({', '.join('?' * len(tenant_ids))})"

    def _rows(self, sql: str, column: str, rest: str = "", joint: str = " WHERE ") -> Iterable[tuple[Any, ...]]:
        """``column`` is the tenant's id."""
        where = f"{joint}{column} {self._of}" if self._of else ""
        return self._conn.execute(f"{sql}{where}{rest}", self._values)

    def tenants(self, domains: dict[int, list[DomainRecord]]) -> Iterable[TenantRecord]:
        topics: dict[int, list[str]] = defaultdict(list)
        titles: dict[int, dict[str, str]] = defaultdict(dict)
        for tenant_id, topic, title in self._rows("SELECT tenant_id, name, title FROM topic", "tenant_id", _BY_ID):
            topics[tenant_id].append(topic)
            if title:
                titles[tenant_id][topic] = title
        permits: dict[int, set[str]] = defaultdict(set)
        for tenant_id, class_ in self._rows("SELECT tenant_id, class FROM content_permit", "tenant_id"):
            permits[tenant_id].add(class_)
        bonus = dict(
            self._rows(
                "SELECT id, value FROM tenant JOIN counter ON tenant_id = id"
                " AND counter.name = 'bonus/' || plan || '-' || CAST(plan_started_at AS INTEGER)",
                "id",
            )
        )
        rows = self._rows(
            "SELECT id, name, contact, postal, freeze, freeze_reason, plan, plan_started_at, plan_ends_at, title,"
            " language, watched_at, watched_until, coalesce(contact_state, 'confirmed') = 'confirmed' FROM tenant"
            " LEFT JOIN account ON account.tenant_id = id",
            "id",
        )
        for id_, name, contact, postal, freeze, reason, plan, started_at, ends_at, *shown in rows:
            title, language, watched_at, watched_until, confirmed = shown
            own = domains.get(id_, ())
            yield TenantRecord(
                id_,
                name,
                contact,
                postal,
                Freeze(freeze),
                reason,
                plan,
                started_at,
                ends_at,
                bonus.get(id_, 0),
                frozenset([domain.name for domain in own if domain.verified]),
                frozenset([domain.name for domain in own]),
                tuple(topics.get(id_, ())),
                title,
                language,
                titles.get(id_, {}),
                watched_at or 0.0,
                watched_until or 0.0,
                bool(confirmed),
                frozenset(permits.get(id_, ())),
            )

    def streams(self) -> dict[int, list[Stream]]:
        found: dict[int, list[Stream]] = defaultdict(list)
        for row in self._rows(f"SELECT {streams.COLUMNS} FROM stream", "tenant_id", _BY_ID):
            found[row[1]].append(streams.from_row(row))
        return found

    def credentials(self) -> tuple[dict[int, list[CredentialRecord]], dict[int, list[NetworkRecord]]]:
        """Those with a password, and those of a network, by tenant."""
        passwords: dict[int, list[CredentialRecord]] = defaultdict(list)
        networks: dict[int, list[NetworkRecord]] = defaultdict(list)
        rows = self._rows(
            "SELECT credential.id, stream_id, tenant_id, coalesce(username, ''), coalesce(secret_hash, x''),"
            " only_from, ip FROM credential JOIN stream ON stream.id = stream_id WHERE revoked_at IS NULL",
            "tenant_id",
            " ORDER BY credential.id",
            joint=" AND ",
        )
        for id_, stream_id, tenant_id, username, secret_hash, only_from, ip in rows:
            limit = ipaddress.ip_network(only_from) if only_from else None
            record = CredentialRecord(id_, stream_id, tenant_id, username, secret_hash, limit)
            if ip:
                networks[tenant_id].append(_network(ipaddress.ip_network(ip), record))
            else:
                passwords[tenant_id].append(record)
        return passwords, networks

    def brakes(self) -> dict[int, list[BrakeRecord]]:
        found: dict[int, list[BrakeRecord]] = defaultdict(list)
        sql = "SELECT tenant_id, login, since, spared FROM brake WHERE worked_off = 0 AND ended_at IS NULL"
        for tenant_id, login, since, spared in self._rows(sql, "tenant_id", joint=" AND "):
            found[tenant_id].append(BrakeRecord(login, since, frozenset(spared.split())))
        return found

    def domains(self) -> dict[int, list[DomainRecord]]:
        # A newer key of the same algorithm waits for its DNS record: the oldest one in force signs.
        keys: dict[int, list[KeyRecord]] = defaultdict(list)
        rows = self._rows(
            "SELECT domain_id, selector, algorithm, sealed FROM dkim_key JOIN domain ON domain.id = domain_id"
            " WHERE retired_at IS NULL AND (ed25519 = 1 OR algorithm <> 'ed25519-sha256')",
            "tenant_id",
            " ORDER BY dkim_key.id",
            joint=" AND ",
        )
        for domain_id, selector, algorithm, sealed in rows:
            own = keys[domain_id]
            if algorithm not in [key.algorithm for key in own]:
                own.append(KeyRecord(selector, algorithm, sealed))
        found: dict[int, list[DomainRecord]] = defaultdict(list)
        sql = "SELECT id, tenant_id, name, verified_at, return_path_at, links_at FROM domain WHERE removed_at IS NULL"
        for id_, tenant_id, name, verified_at, return_path_at, links_at in self._rows(
            sql, "tenant_id", _BY_ID, " AND "
        ):
            verified, return_path, links = (at is not None for at in (verified_at, return_path_at, links_at))
            record = DomainRecord(id_, tenant_id, name, verified, return_path, tuple(keys.get(id_, ())), links)
            found[tenant_id].append(record)
        return found


def _network(network: Network, record: CredentialRecord) -> NetworkRecord:
    bits = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
    return NetworkRecord(network.version, network.prefixlen, bits, record)
