"""Who may submit mail: generated passwords, and addresses that need none (R28).

Changes happen in the caller's transaction; checking happens on the hot path
against the in-memory snapshot and costs microseconds.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import secrets as random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.audit import actions
from relay.keys.secrets import Secrets, generate_password
from relay.store.contract import Conflict, Tx
from relay.values.errors import RegistryError
from relay.values.facts import Stream
from relay.values.tenant import TenantRow

if TYPE_CHECKING:
    pass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_USERNAME: Final = 200
LEAST_CARRIED: Final = 16
"""Characters of a password that is taken over: generated ones have more."""
WIDEST_PREFIX: Final = {4: 8, 6: 19}
"""A wider network without a password would let half the world in."""


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A credential as stored; either ``username`` or ``ip`` is set. Times in seconds UTC."""

    id: int
    tenant: str
    tenant_id: int
    stream: str
    stream_id: int
    username: str
    only_from: str
    ip: str
    created_at: float
    revoked_at: float | None

    @property
    def name(self) -> str:
        """What it is revoked by: its user name, or its network."""
        return self.username or self.ip


# --- changing ----------------------------------------------------------------


def add_password(
    conn: Tx,
    secrets: Secrets,
    tenant: TenantRow,
    stream: Stream,
    *,
    only_from: str = "",
    actor: str,
    now: float,
) -> tuple[CredentialRow, str]:
    """A new user name with a generated password, which is never readable again."""
    password = generate_password()
    username = _free_username(conn, f"{tenant.name}-{stream.name}")
    conn.execute(
        "INSERT INTO credential (stream_id, username, secret_hash, only_from, created_at) VALUES (?, ?, ?, ?, ?)",
        (stream.id, username, secrets.password_hash(password), only_from, now),
    )
    detail = {"username": username, "stream": stream.name, "only_from": only_from}
    actions.record(conn, actor, "credential-added", tenant.id, detail, now)
    return find(conn, username), password


def carry_password(
    conn: Tx,
    secrets: Secrets,
    tenant: TenantRow,
    stream: Stream,
    username: str,
    password: str,
    *,
    actor: str,
    now: float,
) -> tuple[CredentialRow, str]:
    """A user name that applications have already, from another server; its password too, or "" for a new one.

    A given password must be one that nobody thought up: it is kept as generated ones are. Raises RegistryError.
    """
    if not username.isascii() or not username.isprintable() or " " in username or not 0 < len(username) <= MAX_USERNAME:
        raise RegistryError(f"{username[:40]!r} is no user name: letters, digits and signs of ASCII, no spaces")
    if password and len(password) < LEAST_CARRIED:
        raise RegistryError(f"the password of {username} has under {LEAST_CARRIED} characters: let a new one be made")
    password = password or generate_password()
    try:
        conn.execute(
            "INSERT INTO credential (stream_id, username, secret_hash, only_from, created_at) VALUES (?, ?, ?, '', ?)",
            (stream.id, username, secrets.password_hash(password), now),
        )
    except Conflict as error:
        raise RegistryError(f"the user name {username} is taken; `relay credential list` shows by whom") from error
    detail = {"username": username, "stream": stream.name, "only_from": "", "carried": True}
    actions.record(conn, actor, "credential-added", tenant.id, detail, now)
    return find(conn, username), password


def add_network(conn: Tx, tenant: TenantRow, stream: Stream, cidr: str, *, actor: str, now: float) -> CredentialRow:
    """Let clients in ``cidr`` submit without a password.

    Refused if it overlaps a network of another tenant, or is one already known.
    """
    network = _network(cidr)
    for other in of_networks(conn):
        if not _overlap(network, ipaddress.ip_network(other.ip)):
            continue
        if other.tenant_id != tenant.id:
            raise RegistryError(
                f"{network} overlaps {other.ip} of another tenant; take a network that only this one has"
            )
        if other.ip == str(network):
            raise RegistryError(
                f"{network} is known already, for stream {other.stream}; `relay credential revoke` it first"
            )
    conn.execute("INSERT INTO credential (stream_id, ip, created_at) VALUES (?, ?, ?)", (stream.id, str(network), now))
    detail = {"ip": str(network), "stream": stream.name}
    actions.record(conn, actor, "credential-added", tenant.id, detail, now)
    return find(conn, str(network))


def revoke(conn: Tx, credential: CredentialRow, *, actor: str, now: float) -> CredentialRow:
    """End a credential for good, also for sessions that are open: with their next MAIL."""
    conn.execute("UPDATE credential SET revoked_at = ? WHERE id = ?", (now, credential.id))
    actions.record(conn, actor, "credential-revoked", credential.tenant_id, {"name": credential.name}, now)
    return _one(conn, "credential.id = ?", credential.id)


def reset(
    conn: Tx, secrets: Secrets, credential: CredentialRow, *, actor: str, now: float
) -> tuple[CredentialRow, str]:
    """A new generated password for the same user name; the old one ends at once."""
    if not credential.username:
        raise RegistryError(f"{credential.ip} is known by its address and has no password to reset")
    password = generate_password()
    conn.execute("UPDATE credential SET secret_hash = ? WHERE id = ?", (secrets.password_hash(password), credential.id))
    actions.record(conn, actor, "credential-reset", credential.tenant_id, {"username": credential.username}, now)
    return credential, password


# --- finding ------------------------------------------------------------------


def find(conn: Tx, name: str) -> CredentialRow:
    """The live credential with that user name or network; RegistryError if there is none."""
    with contextlib.suppress(ValueError):
        name = str(ipaddress.ip_network(name))
    return _one(conn, "revoked_at IS NULL AND (username = ?1 OR (ip = ?1 AND ip <> ''))", name)


def listing(conn: Tx, tenant_id: int | None = None) -> list[CredentialRow]:
    """Credentials, revoked ones too, of one tenant or of all."""
    if tenant_id is None:
        return _select(conn, "1 = 1")
    return _select(conn, "tenant.id = ?", tenant_id)


def of_networks(conn: Tx) -> list[CredentialRow]:
    """All live credentials that are known by address."""
    return _select(conn, "revoked_at IS NULL AND ip <> ''")


def _one(conn: Tx, where: str, value: object) -> CredentialRow:
    rows = _select(conn, where, value)
    if not rows:
        raise RegistryError(f"there is no credential {value!r} in force; `relay credential list` shows all")
    return rows[0]


def _select(conn: Tx, where: str, *values: object) -> list[CredentialRow]:
    rows = conn.execute(
        "SELECT credential.id, tenant.name, tenant.id, stream.name, stream.id, coalesce(username, ''), only_from, ip,"
        " credential.created_at, revoked_at"
        " FROM credential JOIN stream ON stream.id = stream_id JOIN tenant ON tenant.id = stream.tenant_id"
        f" WHERE {where} ORDER BY tenant.name, credential.id",
        values,
    )
    return [CredentialRow(*row) for row in rows]


def _free_username(conn: Tx, stem: str) -> str:
    while True:
        username = f"{stem}-{base64.b32encode(random.token_bytes(5)).decode().lower()[:6]}"
        if conn.execute("SELECT 1 FROM credential WHERE username = ?", (username,)).fetchone() is None:
            return username


def _network(cidr: str) -> Network:
    network = ipaddress.ip_network(cidr)
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
        raise RegistryError(f"{network} is IPv4 inside IPv6; write it as IPv4")
    if network.prefixlen < WIDEST_PREFIX[network.version]:
        raise RegistryError(
            f"{network} is too wide: anyone in it could send without a password; take a prefix of at least"
            f" /{WIDEST_PREFIX[network.version]}"
        )
    return network


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


# --- checking (hot path) --------------------------------------------------------
