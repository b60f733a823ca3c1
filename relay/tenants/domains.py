"""Sending domains: a tenant's claim, its DKIM keys, and the records that prove it (R14).

A claim counts for nothing until it is verified, by DNS (``domain_check``) or
by the operator's word. Of each algorithm the oldest key in force signs; a
newer one waits until its record is seen, so that rotating breaks no signature.
"""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from relay.audit import actions
from relay.keys import dkim_keys
from relay.keys.secrets import Secrets, SecretsError
from relay.mail.address import AddressError, parse_domain
from relay.store.contract import Conflict, Tx
from relay.tenants.lookalike import alike
from relay.values.errors import RegistryError
from relay.values.suggest import did_you_mean
from relay.values.tenant import TenantRow

if TYPE_CHECKING:
    from config.settings import Settings

ALGORITHMS: Final = {"rsa-sha256": "r", "ed25519-sha256": "e"}
"""Algorithm → first letter of its selectors."""
RETURN_PATH_LABEL: Final = "rp"
LINKS_LABEL: Final = "links"
_COLUMNS = (
    "domain.id, tenant_id, tenant.name, contact, domain.name, token, verified_at, verified_by, return_path_at, ed25519,"
    " links_at"
)
_FROM = "domain JOIN tenant ON tenant.id = tenant_id"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A DKIM key in force; ``waiting`` if an older one of its algorithm still signs."""

    id: int
    selector: str
    algorithm: str
    public: str
    created_at: float
    waiting: bool


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A tenant's claim to a domain; times in seconds UTC."""

    id: int
    tenant_id: int
    tenant: str
    contact: str
    name: str
    token: str
    verified_at: float | None
    verified_by: str
    return_path_at: float | None
    keys: tuple[KeyRow, ...]
    ed25519: bool = True
    """Whether it signs by Ed25519 too."""
    links_at: float | None = None
    """Since when tracked links may be on its own host."""


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A DNS record to publish; ``value`` is raw text, neither quoted nor split."""

    name: str
    type: str
    value: str
    purpose: str


# --- claiming ----------------------------------------------------------------


def normal_name(text: str) -> str:
    """A domain as lower-case A-labels; RegistryError if mail can't come from it."""
    try:
        name = parse_domain(text.strip().removesuffix("."))
    except AddressError as error:
        raise RegistryError(f"{text!r}: {error}") from error
    labels = name.split(".")
    if name.startswith("[") or len(labels) < 2 or "_" in name or labels[-1].isdigit():
        raise RegistryError(f"{text!r} is no domain name that mail can come from, such as news.example.com")
    if len(name) > 200:
        raise RegistryError(f"{text!r} is too long: its records would pass the 253 octets of a DNS name")
    return name


def add(
    conn: Tx,
    secrets: Secrets,
    tenant: TenantRow,
    name: str,
    *,
    imported: tuple[str, dkim_keys.PrivateKey] | None = None,
    actor: str,
    now: float,
) -> DomainRow:
    """A claim with one key for each algorithm; ``imported`` is the tenant's own (selector, key).

    A weak one gets a successor, which signs once its record is seen.
    """
    _refuse_if_taken(conn, tenant.id, name)
    token = base64.b32encode(random.token_bytes(20)).decode().lower()
    back = conn.execute(
        "UPDATE domain SET removed_at = NULL, token = ?, created_at = ? WHERE tenant_id = ? AND name = ?"
        " AND removed_at IS NOT NULL RETURNING id",
        (token, now, tenant.id, name),
    ).fetchone()
    if back is not None and imported is None:  # with the keys that are published
        actions.record(conn, actor, "domain-added", tenant.id, {"domain": name, "keys": "kept"}, now)
        return by_id(conn, int(back[0]))
    if back is not None:
        conn.execute("DELETE FROM domain WHERE id = ?", (int(back[0]),))
    try:
        row = conn.execute(
            "INSERT INTO domain (tenant_id, name, token, created_at) VALUES (?, ?, ?, ?) RETURNING id",
            (tenant.id, name, token, now),
        ).fetchone()
    except Conflict as error:
        raise RegistryError(
            f"{tenant.name} has {name} already; `relay domain verify {tenant.name} {name}` checks its records"
        ) from error
    domain_id = int(row[0])
    if imported is not None:
        selector, key = imported
        _store_key(conn, secrets, domain_id, normal_selector(selector), key, now)
    for algorithm in ALGORITHMS:
        if imported is None or imported[1].algorithm != algorithm or imported[1].weak:
            _new_key(conn, secrets, domain_id, algorithm, now)
    actions.record(conn, actor, "domain-added", tenant.id, {"domain": name}, now)
    return by_id(conn, domain_id)


def remove(conn: Tx, domain: DomainRow, *, keep_keys: bool = False, actor: str, now: float) -> None:
    """Drop the claim: mail from it is refused, what is queued is held. Its keys go too, or with ``keep_keys`` later.

    ``keep_keys``: mail from it still waits, which signs again if the same tenant adds and proves the domain anew.
    """
    if keep_keys:
        sql = (
            "UPDATE domain SET removed_at = ?, verified_at = NULL, verified_by = '', return_path_at = NULL,"
            " links_at = NULL WHERE id = ?"
        )
        conn.execute(sql, (now, domain.id))
    else:
        conn.execute("DELETE FROM domain WHERE id = ?", (domain.id,))
    actions.record(conn, actor, "domain-removed", domain.tenant_id, {"domain": domain.name}, now)


def leaving(conn: Tx) -> list[tuple[int, int, str]]:
    """Domains that were removed and whose keys are still kept: id, tenant's id, name."""
    rows = conn.execute("SELECT id, tenant_id, name FROM domain WHERE removed_at IS NOT NULL")
    return [(int(row[0]), int(row[1]), str(row[2])) for row in rows]


def forget(conn: Tx, domain_id: int) -> None:
    """Delete a removed domain with its keys: nothing waits for it any more."""
    conn.execute("DELETE FROM domain WHERE id = ? AND removed_at IS NOT NULL", (domain_id,))


def set_ed25519(conn: Tx, domain: DomainRow, on: bool, *, actor: str, now: float) -> DomainRow:
    """Whether the second signature is made (RFC 8463): some receivers count one that they can't read as failed."""
    conn.execute("UPDATE domain SET ed25519 = ? WHERE id = ?", (int(on), domain.id))
    actions.record(conn, actor, "domain-edited", domain.tenant_id, {"domain": domain.name, "ed25519": on}, now)
    return by_id(conn, domain.id)


# --- proving -----------------------------------------------------------------


def mark_verified(conn: Tx, domain: DomainRow, by: str, *, actor: str, now: float) -> DomainRow:
    """The domain is the tenant's; ``by`` is ``dns``, or who vouched and why.

    Raises RegistryError if it is verified for another tenant, or looks like one that is and nobody vouches for it.
    """
    _refuse_if_taken(conn, domain.tenant_id, domain.name)
    if by == "dns" and domain.verified_at is None:
        _refuse_if_alike(conn, domain)
    if domain.verified_at is None or by != "dns":
        conn.execute("UPDATE domain SET verified_at = ?, verified_by = ? WHERE id = ?", (now, by, domain.id))
        actions.record(conn, actor, "domain-verified", domain.tenant_id, {"domain": domain.name, "by": by}, now)
    return by_id(conn, domain.id)


def lose(conn: Tx, domain: DomainRow, *, actor: str, now: float) -> None:
    """Its records are gone: it isn't the tenant's until they are back. Its keys stay, for what waits."""
    conn.execute("UPDATE domain SET verified_at = NULL, verified_by = '' WHERE id = ?", (domain.id,))
    actions.record(conn, actor, "domain-lost", domain.tenant_id, {"domain": domain.name}, now)


def mark_links(conn: Tx, domain: DomainRow, in_place: bool, now: float) -> DomainRow:
    """Whether the tenant's own host for tracked links leads here: only then they are on it."""
    if (domain.links_at is not None) != in_place:
        conn.execute("UPDATE domain SET links_at = ? WHERE id = ?", (now if in_place else None, domain.id))
    return by_id(conn, domain.id)


def mark_return_path(conn: Tx, domain: DomainRow, in_place: bool, now: float) -> DomainRow:
    """Whether bounces to ``rp.DOMAIN`` reach us: only then it stands in reverse-paths."""
    if (domain.return_path_at is not None) != in_place:
        conn.execute("UPDATE domain SET return_path_at = ? WHERE id = ?", (now if in_place else None, domain.id))
    return by_id(conn, domain.id)


# --- keys --------------------------------------------------------------------


def rotate(conn: Tx, secrets: Secrets, domain: DomainRow, *, at_once: bool, actor: str, now: float) -> DomainRow:
    """Make new keys; the old ones sign until the new records are seen, or with ``at_once`` not any more."""
    if at_once:
        conn.execute("UPDATE dkim_key SET retired_at = ? WHERE domain_id = ? AND retired_at IS NULL", (now, domain.id))
    elif any(key.waiting for key in domain.keys):
        raise RegistryError(
            f"new keys of {domain.name} wait for their DNS records already; publish them and run"
            f" `relay domain verify {domain.tenant} {domain.name}`"
        )
    for algorithm in ALGORITHMS:
        _new_key(conn, secrets, domain.id, algorithm, now)
    detail = {"domain": domain.name, "at_once": at_once}
    actions.record(conn, actor, "domain-keys-rotated", domain.tenant_id, detail, now)
    return by_id(conn, domain.id)


def retire_superseded(conn: Tx, domain: DomainRow, published: Sequence[str], *, actor: str, now: float) -> list[str]:
    """Let waiting keys whose selector is ``published`` sign; returns the selectors that no longer do."""
    ready = {key.algorithm for key in domain.keys if key.waiting and key.selector in published}
    old = [key for key in domain.keys if key.algorithm in ready and not key.waiting]
    for key in old:
        conn.execute("UPDATE dkim_key SET retired_at = ? WHERE id = ?", (now, key.id))
    if old:
        detail = {"domain": domain.name, "selectors": [key.selector for key in old]}
        actions.record(conn, actor, "domain-keys-retired", domain.tenant_id, detail, now)
    return [key.selector for key in old]


def normal_selector(text: str) -> str:
    """A DKIM selector in lower case (RFC 6376 §3.1)."""
    labels = text.lower().split(".")
    if not text.isascii() or len(text) > 63 or not all(_is_label(label) for label in labels):
        raise RegistryError(f"{text!r} is no DKIM selector: use letters, digits and -, such as mail2026")
    return text.lower()


def _is_label(label: str) -> bool:
    return bool(label) and label.replace("-", "").isalnum() and label[0] != "-" and label[-1] != "-"


def _new_key(conn: Tx, secrets: Secrets, domain_id: int, algorithm: str, now: float) -> None:
    stem = ALGORITHMS[algorithm] + datetime.fromtimestamp(now, UTC).strftime("%y%m")
    taken = {row[0] for row in conn.execute("SELECT selector FROM dkim_key WHERE domain_id = ?", (domain_id,))}
    candidates = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    selector = next(name for name in candidates if name not in taken)
    _store_key(conn, secrets, domain_id, selector, dkim_keys.generate(algorithm), now)


def _store_key(
    conn: Tx, secrets: Secrets, domain_id: int, selector: str, key: dkim_keys.PrivateKey, now: float
) -> None:
    domain = conn.execute("SELECT name FROM domain WHERE id = ?", (domain_id,)).fetchone()[0]
    conn.execute(
        "INSERT INTO dkim_key (domain_id, selector, algorithm, sealed, public, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (domain_id, selector, key.algorithm, key.seal(secrets, domain, selector), key.public, now),
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    selector: str
    algorithm: str
    sealed: bytes


def seal_anew(conn: Tx, secrets: Secrets) -> list[str]:
    """Bind all keys of earlier releases to their rows, in the caller's transaction; names of those that don't open."""
    lost = []
    for id_, domain, *kept in conn.execute(
        "SELECT k.id, d.name, selector, algorithm, sealed FROM dkim_key k JOIN domain d ON d.id = domain_id"
    ).fetchall():
        key = _Kept(*kept)
        try:
            sealed = dkim_keys.seal_anew(secrets, domain, key)
        except SecretsError:
            lost.append(f"{key.selector}._domainkey.{domain}")
        else:
            conn.execute("UPDATE dkim_key SET sealed = ? WHERE id = ?", (sealed, id_))
    return lost


# --- finding -----------------------------------------------------------------


def find(conn: Tx, name: str, tenant_id: int | None = None) -> DomainRow:
    """The claim to ``name`` (A-labels), of one tenant or the only one there is."""
    rows = [row for row in listing(conn, tenant_id) if row.name == name]
    if not rows:
        hint = did_you_mean(name, {row.name for row in listing(conn, tenant_id)}) or ";"
        raise RegistryError(
            f"there is no domain {name} here{hint} `relay domain list` shows all, `relay domain add` adds it"
        )
    if len(rows) > 1:
        names = ", ".join(row.tenant for row in rows)
        raise RegistryError(f"several tenants claim {name} ({names}): name the tenant before the domain")
    return rows[0]


def by_id(conn: Tx, domain_id: int) -> DomainRow:
    """The claim of that id."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM {_FROM} WHERE domain.id = ?", (domain_id,)).fetchone()
    if row is None:
        raise RegistryError(f"there is no domain with the id {domain_id}")
    return _domain(conn, row)


def listing(conn: Tx, tenant_id: int | None = None) -> list[DomainRow]:
    """Claims of one tenant or of all, by name."""
    where, values = ("AND tenant_id = ?", (tenant_id,)) if tenant_id is not None else ("", ())
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE domain.removed_at IS NULL {where} ORDER BY domain.name, domain.id",
        values,
    ).fetchall()
    return [_domain(conn, row) for row in rows]


def _domain(conn: Tx, row: tuple[Any, ...]) -> DomainRow:
    seen: set[str] = set()
    found = []
    for key_id, selector, algorithm, public, created_at in conn.execute(
        "SELECT id, selector, algorithm, public, created_at FROM dkim_key"
        " WHERE domain_id = ? AND retired_at IS NULL ORDER BY id",
        (row[0],),
    ):
        found.append(KeyRow(key_id, selector, algorithm, public, created_at, algorithm in seen))
        seen.add(algorithm)
    id_, tenant_id, tenant, contact, name, token, verified_at, verified_by, return_path_at, ed25519, links_at = row
    return DomainRow(
        id=id_,
        tenant_id=tenant_id,
        tenant=tenant,
        contact=contact,
        name=name,
        token=token,
        verified_at=verified_at,
        verified_by=verified_by,
        return_path_at=return_path_at,
        keys=tuple(found),
        ed25519=bool(ed25519),
        links_at=links_at,
    )


def _refuse_if_taken(conn: Tx, tenant_id: int, name: str) -> None:
    row = conn.execute(
        f"SELECT tenant.name FROM {_FROM} WHERE domain.name = ? AND tenant_id <> ? AND verified_at IS NOT NULL",
        (name, tenant_id),
    ).fetchone()
    if row is not None:
        raise RegistryError(
            f"{name} is another customer's here; if it is yours, write to the operator",
            inside=f"{name} is verified for the tenant {row[0]}; `relay domain remove {row[0]} {name}` first",
        )


def _refuse_if_alike(conn: Tx, domain: DomainRow) -> None:
    rows = conn.execute(
        "SELECT name FROM domain WHERE tenant_id <> ? AND verified_at IS NOT NULL ORDER BY id", (domain.tenant_id,)
    )
    other = alike(domain.name, (row[0] for row in rows))
    if other:
        raise RegistryError(
            f"{domain.name} looks like another customer's domain: readers would take one for the other. If both are"
            " what they seem, the operator can take it: write to them",
            inside=f"{domain.name} looks like {other}, which is another tenant's: readers would take one for the other."
            f" If both are what they seem, `relay domain verify {domain.tenant} {domain.name} --vouch REASON` takes it",
        )


# --- records -----------------------------------------------------------------


def return_path_host(name: str) -> str:
    """Domain of reverse-paths under the tenant's domain."""
    return f"{RETURN_PATH_LABEL}.{name}"


def mail_host(settings: Settings) -> str:
    """Where bounces under the operator's own name arrive."""
    return settings.links.mail_domain or settings.server.hostname


def records(conn: Tx, settings: Settings, domain: DomainRow) -> list[DnsRecord]:
    """What the domain's owner has to publish."""
    name = domain.name
    return [
        DnsRecord(f"_relay-verify.{name}", "TXT", f"relay-verify={domain.token}", "verification"),
        *(
            DnsRecord(
                f"{key.selector}._domainkey.{name}", "TXT", dkim_keys.record_text(key.algorithm, key.public), "dkim"
            )
            for key in domain.keys
            if domain.ed25519 or key.algorithm != "ed25519-sha256"
        ),
        DnsRecord(return_path_host(name), "CNAME", mail_host(settings), "return-path"),
        *_links(settings, name),
        DnsRecord(name, "TXT", f"v=spf1 a:{settings.server.hostname} ~all", "spf"),
        DnsRecord(
            f"_dmarc.{name}", "TXT", f"v=DMARC1; p=none; rua=mailto:{quote(domain.contact, safe='@+=._-')}", "dmarc"
        ),
    ]


def _links(settings: Settings, name: str) -> list[DnsRecord]:
    """The tenant's own host for tracked links, where the operator has them."""
    target = urlsplit(settings.links.base_url).hostname or ""
    if not settings.tracking.tenant_hosts or "." not in target or target.replace(".", "").isdigit():
        return []
    return [DnsRecord(f"{LINKS_LABEL}.{name}", "CNAME", target, "links")]


def zone_line(record: DnsRecord) -> str:
    """The record as a line of a zone file (RFC 1035 §5.1), text in strings of at most 255 octets."""
    if record.type != "TXT":
        end = "" if record.type in ("A", "AAAA") else "."
        return f"{record.name}. IN {record.type} {record.value}{end}"
    octets = record.value.encode()
    strings = (octets[i : i + 255] for i in range(0, len(octets), 255))
    return f"{record.name}. IN TXT " + " ".join(f'"{_quoted(string)}"' for string in strings)


def _quoted(octets: bytes) -> str:
    return "".join(f"\\{chr(o)}" if o in b'"\\' else chr(o) if 32 <= o < 127 else f"\\{o:03d}" for o in octets)
