"""Whether the secrets are those that the database was made with: with others, no password, link or key would fit."""

from __future__ import annotations

from typing import Final

from relay.keys.secrets import Secrets
from relay.store import marks
from relay.store.contract import Tx

FOREIGN: Final = (
    "the secrets file is not the one that this database was made with: passwords, links and keys would not fit;"
    " restore both from the same backup"
)
_FOLDER: Final = "secrets"


def foreign(conn: Tx, secrets: Secrets) -> bool:
    """The database knows keys, and none of these is among them."""
    known = set(marks.below(conn, _FOLDER))
    return bool(known) and known.isdisjoint(_marks(secrets))


def remember(conn: Tx, secrets: Secrets) -> None:
    """From now on the database knows these; in the caller's transaction."""
    marks.keep(conn, sorted(_marks(secrets)))


def _marks(secrets: Secrets) -> set[tuple[str, int]]:
    return {(f"{_FOLDER}/{kid}", mark) for kid, mark in secrets.fingerprints().items()}
