"""Invitations to register: a code that works once, until its end, for whoever has it or for one address alone."""

from __future__ import annotations

import hashlib
import secrets as random
from dataclasses import dataclass
from typing import Final

from relay.audit import actions
from relay.keys.sealed_tokens import spelled
from relay.mail.address import Address, AddressError, parse_address
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.texts.language import Language
from relay.values.errors import RegistryError

LASTS_S: Final = 14 * 86_400.0
LONGEST_S: Final = 366 * 86_400.0
MOST_NOTE: Final = 200
_OCTETS: Final = 16
_COLUMNS: Final = "id, at, made_by, email, note, expires_at, used_at, revoked_at"


@dataclass(frozen=True, slots=True)
class Invite:
    """Times in seconds UTC."""

    id: int
    at: float
    made_by: str
    email: str
    """For this address alone; empty: for whoever has the code."""
    note: str
    expires_at: float
    used_at: float | None
    revoked_at: float | None

    def works(self, now: float) -> bool:
        return self.state(now) == "open"

    def state(self, now: float) -> str:
        """open, used, revoked or over."""
        if self.used_at is not None:
            return "used"
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now < self.expires_at else "over"


def add(
    conn: Tx, email: Address | None, *, note: str = "", lasts_s: float = LASTS_S, actor: str, now: float
) -> tuple[Invite, str]:
    """A new one with its code, which is known this once."""
    said = " ".join(note.split())
    if len(said) > MOST_NOTE or not said.isprintable():
        raise RegistryError(f"the note must be printable text of at most {MOST_NOTE} characters")
    if not 0 < lasts_s <= LONGEST_S:
        raise RegistryError("an invitation lasts from now for at most a year")
    code = spelled(random.token_bytes(_OCTETS))
    row = conn.execute(
        "INSERT INTO invite (code, at, made_by, email, note, expires_at) VALUES (?, ?, ?, ?, ?, ?)"
        f" RETURNING {_COLUMNS}",
        (_hash(code), now, actor, "" if email is None else str(email), said, now + lasts_s),
    ).fetchone()
    found = Invite(*row)
    actions.record(conn, actor, "invite-added", None, {"invite": found.id, "note": said}, now)
    return found, code


def link(base_url: str, code: str) -> str:
    return f"{base_url}/register?invite={code}"


def write(conn: Tx, operator: Operator, base_url: str, invite: Invite, code: str, language: Language) -> bool:
    """Queue a letter with the link to the address it is for; False where none can be written to it."""
    say = language.plain
    paragraphs = [
        say("mail.hello"),
        f"{say('invite.mail', operator=operator.name)}\n{link(base_url, code)}",
        say("invite.mail.until", date=language.date(invite.expires_at)),
        say("invite.mail.not_you"),
    ]
    subject = say("invite.mail.subject", operator=operator.name)
    return to_tenant.tell(
        conn, operator, invite.email, language.code, subject, paragraphs, now=invite.at, note="invited to register"
    )


def find(conn: Tx, code: str, now: float) -> Invite | None:
    """The one with that code, while it works."""
    if not code or len(code) > 100 or not code.isascii():
        return None
    row = conn.execute(f"SELECT {_COLUMNS} FROM invite WHERE code = ?", (_hash(code),)).fetchone()
    found = None if row is None else Invite(*row)
    return found if found is not None and found.works(now) else None


def fits(invite: Invite, address: Address) -> bool:
    """Whether the invitation may be used by that address."""
    try:
        return not invite.email or parse_address(invite.email).canonical == address.canonical
    except AddressError:
        return False


def use(conn: Tx, invite_id: int, now: float) -> bool:
    """Once: of two at the same moment one gets it."""
    done = conn.execute(
        "UPDATE invite SET used_at = ?1 WHERE id = ?2 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > ?1",
        (now, invite_id),
    )
    return done.rowcount == 1


def listing(conn: Tx, limit: int = 1_000) -> list[Invite]:
    """The newest first."""
    return [Invite(*row) for row in conn.execute(f"SELECT {_COLUMNS} FROM invite ORDER BY id DESC LIMIT ?", (limit,))]


def revoke(conn: Tx, invite_id: int, *, actor: str, now: float) -> Invite:
    """It works no more. RegistryError for one that doesn't work any more."""
    row = conn.execute(
        "UPDATE invite SET revoked_at = ? WHERE id = ? AND used_at IS NULL AND revoked_at IS NULL"
        f" RETURNING {_COLUMNS}",
        (now, invite_id),
    ).fetchone()
    if row is None:
        raise RegistryError(f"there is no invitation {invite_id} that could be used; `relay invite list` shows all")
    actions.record(conn, actor, "invite-revoked", None, {"invite": invite_id}, now)
    return Invite(*row)


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode("ascii")).digest()
