"""With what registrations are worked off, and the links of their letters."""

from __future__ import annotations

import hashlib
import secrets as random
from dataclasses import dataclass

from config.accounts import Accounts
from relay.keys.sealed_tokens import spelled
from relay.keys.secrets import Secrets
from relay.queue.operator import Operator


@dataclass(frozen=True, slots=True)
class RegistrationOffice:
    """``base_url`` is where the pages are."""

    secrets: Secrets
    operator: Operator
    base_url: str
    settings: Accounts


def new_link() -> str:
    """256 random bits, for a path."""
    return spelled(random.token_bytes(32))


def hash_of(token: str) -> bytes | None:
    """As it is stored; None for what is no link of ours."""
    if not token or len(token) > 100 or not token.isascii():
        return None
    return hashlib.sha256(token.encode("ascii")).digest()
