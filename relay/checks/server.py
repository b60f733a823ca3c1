"""A database server's settings, as far as promises depend on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config.settings import Settings
from relay.checks.result import CheckResult, bad, ok, warn
from relay.store.contract import Tx
from relay.store.pool import CONNECTIONS
from relay.store.postgres.facts import ServerFacts, server_facts

A_PROCESS: Final = 3
"""Connections of a mail process: two that read, one that writes."""
CHORES: Final = 12
"""Of the first one's work beside mail, of a command, and of what looks whether all is well."""
SHORTEST_MS: Final = 60_000


def check_server(conn: Tx, settings: Settings) -> Iterator[CheckResult]:
    """Version, rights, durability, time limits, connections."""
    facts = server_facts(conn)
    server = f"PostgreSQL {facts.version}, role {facts.role}, schema {facts.schema}"
    if facts.standby:
        yield bad("database server", f"{server}: a standby, which can't be written", "name the primary in [store] url")
    else:
        yield ok("database server", server)
    yield _rights(facts)
    yield _durable(facts)
    yield from _limits(facts)
    yield _connections(facts, settings)


def _rights(facts: ServerFacts) -> CheckResult:
    if facts.foreign:
        more = " …" if len(facts.foreign) > 3 else ""
        todo = f"make it their owner: REASSIGN OWNED BY their owner TO {facts.role}"
        return bad("database rights", f"{facts.role} doesn't own {', '.join(facts.foreign[:3])}{more}", todo)
    if not facts.may_make:
        todo = f"GRANT CREATE ON SCHEMA {facts.schema} TO {facts.role}"
        return warn(
            "database rights", f"{facts.role} may make no tables in {facts.schema}: `relay migrate` fails", todo
        )
    return ok("database rights", f"{facts.role} owns all tables")


def _durable(facts: ServerFacts) -> CheckResult:
    """A commit that is told must outlive a power cut."""
    off = [name for name in ("fsync", "full_page_writes") if getattr(facts, name) != "on"]
    if off:
        todo = f"set {' and '.join(f'{name} = on' for name in off)} in postgresql.conf: a power cut loses mail else"
        return bad("database durability", f"{', '.join(f'{name} = off' for name in off)}", todo)
    if facts.wal_level == "minimal":
        return warn("database durability", "wal_level = minimal: no backup while it runs", "set wal_level = replica")
    kept = f", standbys {facts.synchronous_standby_names}" if facts.synchronous_standby_names else ""
    own = " (the relay's own sessions: on)" if facts.synchronous_commit in ("off", "local") else ""
    told = f"fsync on, synchronous_commit {facts.synchronous_commit}{own}, wal_level {facts.wal_level}{kept}"
    return ok("database durability", told)


def _limits(facts: ServerFacts) -> Iterator[CheckResult]:
    for name in ("statement_timeout", "transaction_timeout"):
        limit = getattr(facts, name)
        if 0 < limit < SHORTEST_MS:
            todo = f"ALTER ROLE {facts.role} SET {name} = 0"
            yield warn("database limits", f"{name} is {limit} ms: imports and clean-up are cut off", todo)


def _connections(facts: ServerFacts, settings: Settings) -> CheckResult:
    needed = settings.server.workers * A_PROCESS + CONNECTIONS + CHORES
    told = f"{facts.max_connections} at most, the relay needs up to {needed}"
    if facts.max_connections < needed:
        return bad("database connections", told, "raise max_connections in postgresql.conf")
    return ok("database connections", told)
