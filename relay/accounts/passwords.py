"""Passwords: generated, shown once, kept as argon2id (RFC 9106); nobody chooses or reads one (R28)."""

from __future__ import annotations

import functools
import os
import threading
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from relay.keys.secrets import generate_password

MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
MOST_CHARACTERS: Final = 512
"""Of a password as typed; a longer one is none of ours."""
_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""Each takes ``MEMORY_KIB`` and most of a core: more of them would only push the other pages aside."""


@dataclass(frozen=True, slots=True)
class FreshPassword:
    """A new password, and what is stored of it."""

    shown: str = field(repr=False)
    stored: str = field(repr=False)


def fresh() -> FreshPassword:
    """160 bits. Slow: make it before a transaction is begun."""
    shown = generate_password()
    return FreshPassword(shown, _stored(shown))


def matches(given: str, stored: str | None) -> bool:
    """Whether it is the one; takes as long for nobody's (None). Blanks around what was copied don't count."""
    given = given.strip()
    if len(given) > MOST_CHARACTERS:
        given = ""
    try:
        with _AT_ONCE:
            Argon2id.verify_phc_encoded(given.encode("utf-8", "surrogatepass"), stored or _nobodys())
    except (InvalidKey, ValueError):
        return False
    return stored is not None


def _stored(shown: str) -> str:
    with _AT_ONCE:
        kdf = Argon2id(salt=os.urandom(16), length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB)
        return kdf.derive_phc_encoded(shown.encode())


@functools.cache
def _nobodys() -> str:
    return _stored(generate_password())
