"""Sessions of browsers: a random token in a cookie, its hash in the store, an idle and an absolute end.

The token is a new one at each step (password, second factor), so that one that
somebody planted never becomes a session (session fixation).
"""

from __future__ import annotations

import hashlib
import secrets as random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from relay.accounts.roles import MAY, ONCE_CLOSED, Deed, LoginRole
from relay.keys.sealed_tokens import spelled
from relay.store.contract import Tx

HALF_S: Final = 600.0
"""How long a password waits for its second factor."""
SEEN_EVERY_S: Final = 60.0
"""So exactly is known when a session was used last: a page isn't worth a write."""
MOST_SESSIONS: Final = 50
"""Of a log-in; the eldest end."""
LONGEST_S: Final = 31 * 86_400.0
"""No session lasts longer."""
_OCTETS: Final = 32


class SessionVia(StrEnum):
    """How somebody came in."""

    PASSWORD = "password"
    """With a code of the second factor, where the log-in has one."""
    PASSKEY = "passkey"
    OIDC = "oidc"
    """By the operator's provider; how many factors it asks for is the operator's to say there."""


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from."""

    ip: str
    agent: str


@dataclass(frozen=True, slots=True)
class Lasting:
    """Seconds that a session lives unused, and at all."""

    idle_s: float
    whole_s: float


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks with a session."""

    session_id: int
    login_id: int
    shown: str
    tenant_id: int | None
    """None: staff."""
    role: LoginRole
    half: bool
    """Only the password was right so far."""
    seen_at: float
    second_factor: bool
    """Whether codes are asked for with the password, or this session began with more than a password."""
    via: SessionVia
    passkey_id: int | None
    closed_at: float | None = None
    """When the tenant's account was terminated."""

    def may(self, deed: Deed) -> bool:
        return not self.half and deed in MAY[self.role] and (self.closed_at is None or deed in ONCE_CLOSED)


@dataclass(frozen=True, slots=True)
class SessionShown:
    """A session as its owner sees it; times in seconds UTC."""

    id: int
    at: float
    seen_at: float
    ip: str
    agent: str
    via: SessionVia


def begin(
    conn: Tx,
    login_id: int,
    client: Client,
    *,
    half: bool,
    now: float,
    via: SessionVia = SessionVia.PASSWORD,
    passkey_id: int | None = None,
) -> str:
    """The token of a new session; the only time it is known."""
    token = spelled(random.token_bytes(_OCTETS))
    conn.execute(
        "INSERT INTO login_session (login_id, token, half, at, seen_at, ip, agent, via, passkey_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (login_id, _hash(token), int(half), now, now, client.ip, client.agent, str(via), passkey_id),
    )
    conn.execute(
        "DELETE FROM login_session WHERE login_id = ?1 AND id NOT IN"
        " (SELECT id FROM login_session WHERE login_id = ?1 ORDER BY id DESC LIMIT ?2)",
        (login_id, MOST_SESSIONS),
    )
    return token


def find(conn: Tx, token: str, lasting: Lasting, now: float) -> Visitor | None:
    """Whose session this is; None for one that is over, of whoever may not log in any more, or none of ours."""
    if not token or len(token) > 100 or not token.isascii():
        return None
    row = conn.execute(
        "SELECT s.id, s.login_id, l.shown, l.tenant_id, l.role, s.half, s.at, s.seen_at, l.totp_at, s.via,"
        " s.passkey_id, a.terminated_at FROM login_session s JOIN login l ON l.id = s.login_id"
        " LEFT JOIN account a ON a.tenant_id = l.tenant_id WHERE s.token = ? AND l.disabled_at IS NULL",
        (_hash(token),),
    ).fetchone()
    if row is None:
        return None
    id_, login_id, shown, tenant_id, role, half, at, seen_at, totp_at, via, passkey_id, closed_at = row
    whole_s = HALF_S if half else lasting.whole_s
    if now >= at + whole_s or now >= seen_at + lasting.idle_s:
        return None
    strong = totp_at is not None or via != SessionVia.PASSWORD
    return Visitor(
        id_, login_id, shown, tenant_id, LoginRole(role), bool(half), seen_at, strong, SessionVia(via), passkey_id,
        closed_at,
    )  # fmt: skip


def seen(conn: Tx, session_id: int, now: float) -> None:
    conn.execute("UPDATE login_session SET seen_at = ? WHERE id = ?", (now, session_id))


def alive(conn: Tx, session_id: int) -> bool:
    """Whether it wasn't ended meanwhile."""
    return conn.execute("SELECT 1 FROM login_session WHERE id = ?", (session_id,)).fetchone() is not None


def end(conn: Tx, login_id: int, session_id: int) -> bool:
    """One of the log-in's own; False if it has none such."""
    done = conn.execute("DELETE FROM login_session WHERE login_id = ? AND id = ?", (login_id, session_id))
    return done.rowcount > 0


def end_others(conn: Tx, login_id: int, session_id: int) -> int:
    """All but this one; how many."""
    return conn.execute("DELETE FROM login_session WHERE login_id = ? AND id <> ?", (login_id, session_id)).rowcount


def of_login(conn: Tx, login_id: int, lasting: Lasting, now: float) -> list[SessionShown]:
    """Those that live, the latest first."""
    rows = conn.execute(
        "SELECT id, at, seen_at, ip, agent, via FROM login_session WHERE login_id = ? AND half = 0 AND at > ?"
        " AND seen_at > ? ORDER BY seen_at DESC, id DESC",
        (login_id, now - lasting.whole_s, now - lasting.idle_s),
    )
    return [SessionShown(id_, at, seen_at, ip, agent, SessionVia(via)) for id_, at, seen_at, ip, agent, via in rows]


def forget(conn: Tx, now: float) -> int:
    """Delete those that are over whatever the settings say; how many."""
    return conn.execute("DELETE FROM login_session WHERE at <= ?", (now - LONGEST_S,)).rowcount


def _hash(token: str) -> bytes:
    """256 random bits need no key and no slowness."""
    return hashlib.sha256(token.encode("ascii")).digest()
