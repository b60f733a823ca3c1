"""Tenants: the customers, their state, and freezing them (R24).

Writing functions work inside the caller's transaction and leave an audit
entry; refusals are RegistryError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from relay.audit import actions
from relay.campaigns import record
from relay.events import write as events
from relay.ledger.plans import FREE
from relay.mail.address import Address
from relay.store.contract import Conflict, Tx
from relay.tenants import logos
from relay.tenants.web_address import site_url
from relay.values.errors import RegistryError
from relay.values.facts import Freeze
from relay.values.suggest import did_you_mean
from relay.values.tenant import TenantRow

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_COLUMNS = (
    "id, name, contact, postal, freeze, freeze_reason, plan, plan_started_at, plan_ends_at, created_at, title,"
    " language, colour, privacy, watched_at, watched_until"
)
_COLOUR = re.compile(r"#[0-9a-f]{6}")
CODES = ("en", "de", "es", "et", "fr", "ru", "uk")
"""Of the languages that pages and letters speak (``relay.texts``)."""
MAX_TITLE = 80
"""Characters of a display name; it stands in From and subjects of letters."""
MAX_TEXT = 500
"""Characters of a reason or a postal address."""


def find(conn: Tx, name: str) -> TenantRow:
    """The tenant of that name; RegistryError if there is none."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM tenant WHERE name = ?", (name,)).fetchone()
    if row is None:
        hint = did_you_mean(name, (str(row[0]) for row in conn.execute("SELECT name FROM tenant")))
        raise RegistryError(f"there is no tenant {name!r}{hint or ';'} `relay tenant list` shows all")
    return _tenant(row)


def by_id(conn: Tx, tenant_id: int) -> TenantRow:
    """The tenant of that id; RegistryError if there is none."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM tenant WHERE id = ?", (tenant_id,)).fetchone()
    if row is None:
        raise RegistryError(f"there is no tenant with the id {tenant_id}")
    return _tenant(row)


def all_tenants(conn: Tx) -> list[TenantRow]:
    """Every tenant, by name."""
    return [_tenant(row) for row in conn.execute(f"SELECT {_COLUMNS} FROM tenant ORDER BY name")]


def page(conn: Tx, part: str, after: str, limit: int) -> list[TenantRow]:
    """By name, those behind ``after`` whose name, title or contact holds ``part``, in either case; empty: all."""
    sought = part.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM tenant WHERE name > ?1 AND (lower(name) LIKE ?2 ESCAPE '!'"
        " OR lower(title) LIKE ?2 ESCAPE '!' OR lower(contact) LIKE ?2 ESCAPE '!') ORDER BY name LIMIT ?3",
        (after, f"%{sought}%", limit),
    )
    return [_tenant(row) for row in rows]


def working(contact: Address, *, inside: bool) -> Address:
    """A contact that mail can get to. ``inside``: mail may stay on this machine, so ``localhost`` is a domain, too.

    Raises RegistryError.
    """
    if "." in contact.domain or contact.domain.startswith("[") or (inside and contact.domain == "localhost"):
        return contact
    raise RegistryError(
        f"mail can't get to {contact}: {contact.domain!r} has no dot, so it is no domain of the internet;"
        " give the whole address, such as owner@shop.example"
    )


def add(
    conn: Tx,
    name: str,
    contact: Address,
    *,
    postal: str = "",
    title: str = "",
    language: str = "",
    actor: str,
    now: float,
) -> TenantRow:
    """A new tenant on the free plan, without streams (see ``streams.add_defaults``)."""
    if not _NAME.fullmatch(name):
        raise RegistryError(f"{name!r} is no tenant name: use 1 to 63 of a-z, 0-9 and -, and don't begin with -")
    postal = line(postal, "postal address") if postal else ""
    said = (_title(title), _language(language))
    try:
        conn.execute(
            "INSERT INTO tenant (name, contact, postal, plan, plan_started_at, created_at, title, language)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (name, str(contact), postal, FREE, now, now, *said),
        )
    except Conflict as error:
        raise RegistryError(f"there is a tenant {name!r} already; choose another name") from error
    tenant = find(conn, name)
    actions.record(conn, actor, "tenant-added", tenant.id, {"name": name, "contact": tenant.contact}, now)
    return tenant


@dataclass(frozen=True, slots=True)
class Changes:
    """What of a tenant is to change: None leaves it, ``""`` empties it."""

    contact: Address | None = None
    title: str | None = None
    postal: str | None = None
    language: str | None = None
    colour: str | None = None
    privacy: str | None = None
    logo: bytes | None = None


def edit(conn: Tx, tenant: TenantRow, changes: Changes, *, actor: str, now: float) -> TenantRow:
    """Change what people read of a tenant, and where they write to (R14: the operator vouches for the contact)."""
    new: dict[str, str] = {}
    if changes.contact is not None:
        new["contact"] = str(changes.contact)
    if changes.title is not None:
        new["title"] = _title(changes.title)
    if changes.postal is not None:
        new["postal"] = line(changes.postal, "postal address") if changes.postal.strip() else ""
    if changes.language is not None:
        new["language"] = _language(changes.language)
    if changes.colour is not None:
        new["colour"] = _colour(changes.colour)
    if changes.privacy is not None:
        new["privacy"] = _privacy(conn, tenant, changes.privacy)
    for column, value in new.items():
        conn.execute(f"UPDATE tenant SET {column} = ? WHERE id = ?", (value, tenant.id))
    told: dict[str, object] = {**new}
    if changes.logo is not None:
        told["logo"] = logos.put(conn, tenant.id, changes.logo)
    actions.record(conn, actor, "tenant-edited", tenant.id, told, now)
    return by_id(conn, tenant.id)


def freeze(conn: Tx, tenant: TenantRow, *, everything: bool, reason: str, actor: str, now: float) -> TenantRow:
    """Stop the tenant's bulk streams, or all of them, at once; also what is queued (R24)."""
    reason = line(reason, "reason")
    if tenant.freeze is Freeze.ALL and not everything:
        raise RegistryError(f"all streams of {tenant.name} are frozen already; `relay tenant unfreeze` it first")
    state = Freeze.ALL if everything else Freeze.BULK
    conn.execute("UPDATE tenant SET freeze = ?, freeze_reason = ? WHERE id = ?", (state, reason, tenant.id))
    _tell(conn, actor, "tenant-frozen", tenant, {"streams": str(state), "reason": reason}, now)
    return by_id(conn, tenant.id)


def unfreeze(conn: Tx, tenant: TenantRow, *, reason: str = "", actor: str, now: float) -> TenantRow:
    """Let a frozen tenant send again; what was queued goes out."""
    if tenant.freeze is Freeze.NONE:
        raise RegistryError(f"{tenant.name} is not frozen")
    conn.execute(
        "UPDATE tenant SET freeze = ?, freeze_reason = '', judged_from = ? WHERE id = ?", (Freeze.NONE, now, tenant.id)
    )
    detail = {"was": str(tenant.freeze)} | ({"reason": line(reason, "reason")} if reason else {})
    _tell(conn, actor, "tenant-unfrozen", tenant, detail, now)
    return by_id(conn, tenant.id)


def warn(conn: Tx, tenant: TenantRow, *, reason: str, actor: str, now: float) -> None:
    """Record a warning; it changes nothing else (R24)."""
    _tell(conn, actor, "tenant-warned", tenant, {"reason": line(reason, "reason")}, now)


def establish(conn: Tx, tenant: TenantRow, *, reason: str, actor: str, now: float) -> None:
    """The operator's word for a sender of whom no campaign has been released here yet (R13)."""
    _tell(conn, actor, "tenant-established", tenant, {"reason": line(reason, "reason")}, now)
    record.establish(conn, tenant.id, now)


def _tell(conn: Tx, actor: str, action: str, tenant: TenantRow, detail: dict[str, str], now: float) -> None:
    actions.record(conn, actor, action, tenant.id, detail, now)
    events.of_account(conn, tenant.id, action.replace("-", ".", 1), detail | {"actor": actor}, now)


def _title(text: str) -> str:
    """A display name, which stands in the From field of letters and in texts to people who agreed to nothing yet."""
    title = " ".join(text.split())
    if len(title) > MAX_TITLE or not title.isprintable():
        raise RegistryError(f"a title is one line of printable text of at most {MAX_TITLE} characters")
    if not set(title).isdisjoint('<>@"'):
        raise RegistryError("a title is a name, such as Shop Ltd: without <, >, @ and quotes")
    return title


def _language(text: str) -> str:
    code = text.strip().lower()
    if code and code not in CODES:
        raise RegistryError(f"{text[:20]!r} is no language of the pages; there are: {', '.join(CODES)}")
    return code


def _colour(text: str) -> str:
    colour = text.strip().lower()
    if colour and not _COLOUR.fullmatch(colour):
        raise RegistryError(f"{text[:20]!r} is no colour: write it like #1f5fbf")
    return colour


def _privacy(conn: Tx, tenant: TenantRow, text: str) -> str:
    rows = conn.execute("SELECT name FROM domain WHERE tenant_id = ? AND verified_at IS NOT NULL", (tenant.id,))
    return site_url(text, [row[0] for row in rows]) if text.strip() else ""


def line(text: str, what: str) -> str:
    """One line of printable text; it ends in replies and header fields. RegistryError for what is none."""
    said = " ".join(text.split())
    if not said:
        raise RegistryError(f"the {what} is empty; say it in a few words")
    if len(said) > MAX_TEXT or not said.isprintable():
        raise RegistryError(f"the {what} must be printable text of at most {MAX_TEXT} characters")
    return said


def _tenant(row: tuple[Any, ...]) -> TenantRow:
    id_, name, contact, postal, frozen, reason, plan, started_at, ends_at, created_at, *shown = row
    title, language, colour, privacy, watched_at, watched_until = shown
    return TenantRow(
        id=id_,
        name=name,
        contact=contact,
        postal=postal,
        freeze=Freeze(frozen),
        freeze_reason=reason,
        plan=plan,
        plan_started_at=started_at,
        plan_ends_at=ends_at,
        created_at=created_at,
        title=title,
        language=language,
        colour=colour,
        privacy=privacy,
        watched_at=watched_at,
        watched_until=watched_until,
    )
