"""Challenges for devices: each for one browser and one purpose, for some minutes, taken once.

Nothing is stored of one that was only asked for, so that asking costs nothing:
the browser keeps a token, and the challenge is a keyed hash of it. What was
answered is written down until its time is over.
"""

from __future__ import annotations

import hmac
import secrets as random
from typing import Final

from relay.keys.sealed_tokens import spelled
from relay.keys.secrets import Secrets
from relay.store.contract import Tx

LASTS_S: Final = 600.0
_OCTETS: Final = 24
_MOST: Final = 100
_KEY: Final = "passkey"


def fresh(now: float) -> str:
    """A token; the time is in it, and in the challenge with that."""
    return f"{int(now)}.{spelled(random.token_bytes(_OCTETS))}"


def young(token: str, now: float, share: float = 1.0) -> bool:
    """Whether it is one of ours in form, and not older than that share of its time."""
    made, _, rest = token.partition(".")
    if len(token) > _MOST or not rest or not made.isascii() or not made.isdigit():
        return False
    return 0 <= now - int(made) + 1 <= LASTS_S * share


def challenge(secrets: Secrets, token: str, bound: str, kid: int | None = None) -> bytes:
    """32 octets; ``bound`` says for which step of whom."""
    return hmac.digest(secrets.derived(_KEY, kid), f"{bound}/{token}".encode("utf-8", "surrogateescape"), "sha256")


def those(secrets: Secrets, token: str, bound: str) -> list[bytes]:
    """By each key that is in use: a rotation may fall between question and answer."""
    return [challenge(secrets, token, bound, kid) for kid in secrets.keys]


def take(conn: Tx, answered: bytes, now: float) -> bool:
    """False for one that was answered before."""
    done = conn.execute(
        "INSERT INTO login_challenge (challenge, at) VALUES (?, ?) ON CONFLICT (challenge) DO NOTHING", (answered, now)
    )
    return done.rowcount > 0


def forget(conn: Tx, now: float) -> int:
    return conn.execute("DELETE FROM login_challenge WHERE at < ?", (now - 2 * LASTS_S,)).rowcount
