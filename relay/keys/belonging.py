"""Whether the secrets are those that the database was made with: with others, no password, link or key would fit."""

from __future__ import annotations

from typing import Final

from relay.keys.secrets import Secrets
from relay.store.contract import Tx

FOREIGN: Final = (
    "the secrets file is not the one that this database was made with: passwords, links and keys would not fit;"
    " restore both from the same backup"
)
_NAME: Final = "secrets/"
_KNOWN: Final = "SELECT name, value FROM meta WHERE name >= 'secrets/' AND name < 'secrets0'"


def foreign(conn: Tx, secrets: Secrets) -> bool:
    """The database knows keys, and none of these is among them."""
    known = {(str(name), int(value)) for name, value in conn.execute(_KNOWN)}
    return bool(known) and known.isdisjoint(_marks(secrets))


def remember(conn: Tx, secrets: Secrets) -> None:
    """From now on the database knows these; in the caller's transaction."""
    conn.executemany("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", sorted(_marks(secrets)))


def _marks(secrets: Secrets) -> set[tuple[str, int]]:
    return {(f"{_NAME}{kid}", mark) for kid, mark in secrets.fingerprints().items()}
