"""Passkeys of log-ins (WebAuthn, discoverable, with user verification): kept, told of, used, removed.

The device asks its owner for finger, face or PIN before it signs, so that one
answer is two factors. Checking answers is ``passkey_answers``.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from relay.accounts import second
from relay.accounts.logins import LoginRow
from relay.accounts.passkey_answers import PasskeyMade
from relay.audit import actions
from relay.keys.sealed_tokens import spelled
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Conflict, Tx
from relay.texts.language import Language
from relay.values.errors import RegistryError

MOST_KEYS: Final = 20
MOST_NAME: Final = 60
_HANDLE_OCTETS: Final = 32
_COLUMNS: Final = (
    "id, login_id, credential, public_key, sign_count, transports, name, created_at, used_at FROM login_passkey"
)


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """One passkey; times in seconds UTC."""

    id: int
    login_id: int
    credential: bytes
    """What the device calls it."""
    public_key: bytes
    sign_count: int
    """0 of a device that doesn't count, such as those that share keys."""
    transports: str
    name: str
    created_at: float
    used_at: float | None


def handle(conn: Tx, login_id: int) -> bytes:
    """What devices know the log-in by: random, the same for all its passkeys (WebAuthn §14.6.1)."""
    conn.execute(
        "UPDATE login SET handle = ? WHERE id = ? AND handle IS NULL", (random.token_bytes(_HANDLE_OCTETS), login_id)
    )
    return bytes(conn.execute("SELECT handle FROM login WHERE id = ?", (login_id,)).fetchone()[0])


def add(conn: Tx, row: LoginRow, made: PasskeyMade, name: str, *, now: float) -> PasskeyRow:
    """Keep a new one. Raises RegistryError where the device's is known, or there are ``MOST_KEYS``."""
    if len(of_login(conn, row.id)) >= MOST_KEYS:
        raise RegistryError(f"there are {MOST_KEYS} passkeys already; remove one that isn't used")
    try:
        found = conn.execute(
            "INSERT INTO login_passkey (login_id, credential, public_key, sign_count, transports, name, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (row.id, made.credential, made.public_key, made.sign_count, made.transports, name, now),
        ).fetchone()
    except Conflict as error:
        raise RegistryError("this passkey is known already") from error
    _record(conn, row.shown, "login-passkey-added", row, name, now)
    return PasskeyRow(int(found[0]), row.id, made.credential, made.public_key, made.sign_count, made.transports, name,
                      now, None)  # fmt: skip


def of_login(conn: Tx, login_id: int) -> list[PasskeyRow]:
    """All of them, by age."""
    return [_row(row) for row in conn.execute(f"SELECT {_COLUMNS} WHERE login_id = ? ORDER BY id", (login_id,))]


def find(conn: Tx, credential: bytes) -> PasskeyRow | None:
    """By what the device calls it, whoever's it is."""
    row = conn.execute(f"SELECT {_COLUMNS} WHERE credential = ?", (credential,)).fetchone()
    return None if row is None else _row(row)


def used(conn: Tx, key: PasskeyRow, sign_count: int, now: float) -> bool:
    """It signed somebody in. False, and nothing changed, where its count went back: then there may be two of it.

    WebAuthn §7.2 step 22. Devices that don't count say 0 every time.
    """
    done = conn.execute(
        "UPDATE login_passkey SET sign_count = ?1, used_at = ?2 WHERE id = ?3"
        " AND (sign_count < ?1 OR (sign_count = 0 AND ?1 = 0))",
        (sign_count, now, key.id),
    )
    return done.rowcount > 0


def remove(conn: Tx, row: LoginRow, passkey_id: int, *, actor: str, now: float) -> PasskeyRow:
    """One of the log-in's own, with the sessions that it began. Raises RegistryError."""
    key = next((one for one in of_login(conn, row.id) if one.id == passkey_id), None)
    if key is None:
        raise RegistryError("there is no such passkey any more")
    conn.execute("DELETE FROM login_passkey WHERE id = ?", (key.id,))
    conn.execute("DELETE FROM login_session WHERE login_id = ? AND passkey_id = ?", (row.id, key.id))
    _record(conn, actor, "login-passkey-removed", row, key.name, now)
    return key


def device_lost(conn: Tx, row: LoginRow, *, actor: str, now: float) -> None:
    """All that was on it opens nothing any more: second factor and passkeys. Raises RegistryError if there is none."""
    keys = of_login(conn, row.id)
    for key in keys:
        remove(conn, row, key.id, actor=actor, now=now)
    if row.second_factor_at is not None or not keys:
        second.remove(conn, row, actor=actor, now=now)


def told(conn: Tx, operator: Operator, row: LoginRow, name: str, what: str, language: Language, now: float) -> None:
    """Its owner hears that a passkey was ``added``, or may have been ``copied``."""
    say = language.plain
    paragraphs = [say("mail.hello"), say(f"passkey.{what}.mail", login=row.shown, name=name), say("reset.told_not_you")]
    subject = say(f"passkey.{what}.subject")
    to_tenant.tell(conn, operator, row.shown, language.code, subject, paragraphs, now=now, note=f"passkey {what}")


def listed(keys: Sequence[PasskeyRow]) -> list[dict[str, Any]]:
    """As a browser is told of them, so that no device makes a second one."""
    return [
        {
            "type": "public-key",
            "id": spelled(key.credential),
            "transports": [word for word in key.transports.split(",") if word],
        }
        for key in keys
    ]


def _record(conn: Tx, actor: str, action: str, row: LoginRow, name: str, now: float) -> None:
    actions.record(conn, actor, action, row.tenant_id, {"login": row.shown, "passkey": name}, now)


def _row(row: Sequence[Any]) -> PasskeyRow:
    id_, login_id, credential, public_key, *rest = row
    return PasskeyRow(id_, login_id, bytes(credential), bytes(public_key), *rest)
