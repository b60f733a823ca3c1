"""The second factor of a log-in: set up, asked for, each code once; recovery codes for a lost device."""

from __future__ import annotations

import base64
import secrets as random
from dataclasses import dataclass
from typing import Final

from relay.accounts import totp
from relay.accounts.logins import LoginRow
from relay.audit import actions
from relay.keys.secrets import Secrets, SecretsError
from relay.store.contract import Tx
from relay.values.errors import RegistryError

CODES: Final = 10
CODE_OCTETS: Final = 10
_PURPOSE: Final = "second-factor"


@dataclass(frozen=True, slots=True)
class _State:
    key: bytes
    since: float | None
    step: int


def begin(conn: Tx, secrets: Secrets, row: LoginRow) -> bytes:
    """The key to be set up, the same until it is confirmed; raises RegistryError where one is in force."""
    if row.second_factor_at is not None:
        raise RegistryError(f"{row.shown} has a second factor already")
    found = _state(conn, secrets, row.id)
    if found is not None:
        return found.key
    key = totp.new_key()
    conn.execute("UPDATE login SET totp = ? WHERE id = ?", (secrets.seal(_PURPOSE, key, _bound(row.id)), row.id))
    return key


def confirm(conn: Tx, secrets: Secrets, row: LoginRow, code: str, *, now: float) -> list[str] | None:
    """It is asked for from now on; the recovery codes, shown once. None for a wrong code."""
    found = _state(conn, secrets, row.id)
    if found is None or found.since is not None:
        raise RegistryError("there is no second factor to confirm; begin anew")
    step = totp.step_of(found.key, code, now, 0)
    if step is None:
        return None
    conn.execute("UPDATE login SET totp_at = ?, totp_step = ? WHERE id = ?", (now, step, row.id))
    actions.record(conn, row.shown, "login-second-factor-on", row.tenant_id, {"login": row.shown}, now)
    return renew_codes(conn, secrets, row.id)


def check(conn: Tx, secrets: Secrets, row: LoginRow, code: str, *, now: float) -> str:
    """``code`` or ``recovery`` where it is right, and used up with that; else empty."""
    found = _state(conn, secrets, row.id)
    if found is None or found.since is None:
        return ""
    step = totp.step_of(found.key, code, now, found.step)
    if step is not None:
        # Two at the same moment: the store lets one of them through.
        done = conn.execute("UPDATE login SET totp_step = ?1 WHERE id = ?2 AND totp_step < ?1", (step, row.id))
        return "code" if done.rowcount else ""
    typed = "".join(code.replace("-", "").split()).lower()
    for kid in secrets.keys:
        done = conn.execute(
            "UPDATE login_code SET used_at = ? WHERE login_id = ? AND code = ? AND used_at IS NULL",
            (now, row.id, secrets.password_hash(f"recovery/{row.id}/{typed}", kid)),
        )
        if done.rowcount:
            return "recovery"
    return ""


def renew_codes(conn: Tx, secrets: Secrets, login_id: int) -> list[str]:
    """New recovery codes in place of the old ones."""
    conn.execute("DELETE FROM login_code WHERE login_id = ?", (login_id,))
    made = [base64.b32encode(random.token_bytes(CODE_OCTETS)).decode().lower() for _ in range(CODES)]
    conn.executemany(
        "INSERT INTO login_code (login_id, code) VALUES (?, ?)",
        [(login_id, secrets.password_hash(f"recovery/{login_id}/{one}")) for one in made],
    )
    return ["-".join(one[i : i + 4] for i in range(0, len(one), 4)) for one in made]


def codes_left(conn: Tx, login_id: int) -> int:
    row = conn.execute("SELECT count(*) FROM login_code WHERE login_id = ? AND used_at IS NULL", (login_id,)).fetchone()
    return int(row[0])


def remove(conn: Tx, row: LoginRow, *, actor: str, now: float) -> None:
    """Its owner's wish, or the operator's for somebody who lost device and codes."""
    if row.second_factor_at is None:
        raise RegistryError(f"{row.shown} has no second factor")
    conn.execute("UPDATE login SET totp = NULL, totp_at = NULL, totp_step = 0 WHERE id = ?", (row.id,))
    conn.execute("DELETE FROM login_code WHERE login_id = ?", (row.id,))
    actions.record(conn, actor, "login-second-factor-off", row.tenant_id, {"login": row.shown}, now)


def _state(conn: Tx, secrets: Secrets, login_id: int) -> _State | None:
    sealed, since, step = conn.execute(
        "SELECT totp, totp_at, totp_step FROM login WHERE id = ?", (login_id,)
    ).fetchone()
    if sealed is None:
        return None
    try:
        return _State(secrets.unseal(_PURPOSE, bytes(sealed), _bound(login_id)), since, step)
    except SecretsError:
        if since is not None:
            raise
        return None  # one that was never confirmed is begun anew


def _bound(login_id: int) -> str:
    return f"login {login_id}"
