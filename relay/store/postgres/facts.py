"""What a server says of itself, as far as promises depend on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from relay.store.contract import Tx

_SETTINGS: Final = (
    "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('full_page_writes'),"
    " coalesce((SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'), ''),"
    " current_setting('wal_level'), current_setting('max_connections')::bigint,"
    " (SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout')::bigint,"
    " coalesce((SELECT reset_val FROM pg_settings WHERE name = 'transaction_timeout'), '0')::bigint,"
    " current_setting('synchronous_standby_names'), pg_is_in_recovery()"
)
_NAMES: Final = (
    "version", "fsync", "full_page_writes", "synchronous_commit", "wal_level", "max_connections",
    "statement_timeout", "transaction_timeout", "synchronous_standby_names",
)  # fmt: skip
_FOREIGN: Final = (
    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace"
    " AND c.relkind IN ('r', 'v') AND NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1"
)
_MAY_MAKE: Final = "SELECT has_schema_privilege(current_schema(), 'CREATE'), current_schema(), current_user"


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Settings by PostgreSQL's names; times in milliseconds, 0 for none."""

    version: str
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    """What sessions begin with; the relay's own go up to ``on``."""
    wal_level: str
    max_connections: int
    statement_timeout: int
    transaction_timeout: int
    synchronous_standby_names: str
    standby: bool
    may_make: bool
    """Tables, in the schema that new ones go to."""
    schema: str
    role: str
    foreign: tuple[str, ...]
    """Tables that the role doesn't own."""


def server_facts(conn: Tx) -> ServerFacts:
    """Asked of the server that ``conn`` is connected to."""
    *settings, standby = conn.execute(_SETTINGS).fetchone()
    may_make, schema, role = conn.execute(_MAY_MAKE).fetchone()
    foreign = tuple(str(name) for (name,) in conn.execute(_FOREIGN))
    told: dict[str, Any] = dict(zip(_NAMES, settings, strict=True))
    return ServerFacts(
        **told, standby=bool(standby), may_make=bool(may_make), schema=str(schema), role=str(role), foreign=foreign
    )
