"""A new password by mail: a link that works once, for an hour, and only the latest one.

Following it changes nothing; the page's button does. A second factor is asked
for as ever, so a mailbox alone opens nothing that has one.
"""

from __future__ import annotations

import hashlib
import secrets as random
from typing import Final

from relay.accounts import logins
from relay.accounts.logins import LoginRow
from relay.keys.sealed_tokens import spelled
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.texts.language import Language

LINK_S: Final = 3600.0
_OCTETS: Final = 32


def write(conn: Tx, operator: Operator, base_url: str, row: LoginRow, language: Language, now: float) -> bool:
    """Make the link and queue the letter; False where none can be written to the address."""
    token = spelled(random.token_bytes(_OCTETS))
    conn.execute(
        "INSERT INTO login_reset (login_id, token, at) VALUES (?, ?, ?)"
        " ON CONFLICT (login_id) DO UPDATE SET token = excluded.token, at = excluded.at",
        (row.id, _hash(token), now),
    )
    say = language.plain
    paragraphs = [
        say("mail.hello"),
        say("reset.mail.asked", login=row.shown),
        f"{say('reset.mail.please')}\n{base_url}/login/reset/{token}",
        say("reset.mail.until"),
        say("reset.mail.not_you"),
    ]
    subject = say("reset.mail.subject")
    return to_tenant.tell(
        conn, operator, row.shown, language.code, subject, paragraphs, now=now, note="password reset asked for"
    )


def find(conn: Tx, token: str, now: float) -> LoginRow | None:
    """Whose link this is; None for one that was used, is too old, or isn't the latest."""
    if not token or len(token) > 100 or not token.isascii():
        return None
    found = conn.execute(
        "SELECT login_id FROM login_reset WHERE token = ? AND at > ?", (_hash(token), now - LINK_S)
    ).fetchone()
    row = None if found is None else logins.by_id(conn, int(found[0]))
    return None if row is None or row.disabled_at is not None else row


def told(conn: Tx, operator: Operator, row: LoginRow, language: Language, now: float) -> None:
    """Its owner hears that the password was reset, however that came about."""
    say = language.plain
    paragraphs = [say("mail.hello"), say("reset.told", login=row.shown), say("reset.told_not_you")]
    subject = say("reset.told.subject")
    to_tenant.tell(conn, operator, row.shown, language.code, subject, paragraphs, now=now, note="password was reset")


def forget(conn: Tx, now: float) -> int:
    return conn.execute("DELETE FROM login_reset WHERE at < ?", (now - LINK_S,)).rowcount


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()
