"""A log-in's address is its owner's: whoever reads the mailbox followed a link from there.

An owner of an account can make a log-in for any address. What goes to a log-in's
address beyond letters about the log-in itself, such as tests of mailings, goes
only to one that was confirmed: by the link, or by a new password asked for by mail.
"""

from __future__ import annotations

import hashlib
import secrets as random
from typing import Final

from relay.accounts.logins import LoginRow
from relay.keys.sealed_tokens import spelled
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.texts.language import Language
from relay.values.errors import RegistryError

LINK_S: Final = 86_400.0
AGAIN_S: Final = 600.0
"""Between two letters."""
_OCTETS: Final = 32


def ask(conn: Tx, operator: Operator, base_url: str, row: LoginRow, language: Language, now: float) -> None:
    """Make the link and queue the letter. Raises RegistryError."""
    if row.confirmed_at is not None:
        raise RegistryError(f"{row.shown} is confirmed already")
    token = spelled(random.token_bytes(_OCTETS))
    asked = conn.execute(
        "UPDATE login SET confirm_token = ?, confirm_asked_at = ?"
        " WHERE id = ? AND (confirm_asked_at IS NULL OR confirm_asked_at < ?)",
        (_hash(token), now, row.id, now - AGAIN_S),
    )
    if asked.rowcount != 1:
        raise RegistryError("a letter is on its way already; look into the mailbox, or wait ten minutes")
    say = language.plain
    paragraphs = [
        say("mail.hello"),
        f"{say('own_address.mail.please', login=row.shown)}\n{base_url}/account/me/confirm/{token}",
        say("own_address.mail.not_you"),
    ]
    subject = say("own_address.mail.subject")
    to_tenant.tell(
        conn, operator, row.shown, language.code, subject, paragraphs, now=now, note="log-in asked to confirm"
    )


def follow(conn: Tx, row: LoginRow, token: str, now: float) -> bool:
    """Its owner followed the link; False for one that isn't the latest of this log-in, or is too old."""
    if not token or len(token) > 100 or not token.isascii():
        return False
    found = conn.execute(
        "UPDATE login SET confirmed_at = ?, confirm_token = NULL"
        " WHERE id = ? AND confirm_token = ? AND confirm_asked_at > ?",
        (now, row.id, _hash(token), now - LINK_S),
    )
    return found.rowcount == 1


def confirmed(conn: Tx, row: LoginRow, now: float) -> None:
    """By another link that went to the address."""
    conn.execute("UPDATE login SET confirmed_at = ? WHERE id = ? AND confirmed_at IS NULL", (now, row.id))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()
