"""Which engine the tests run on: SQLite, or with STORE=postgres in the environment a server of theirs.

A test that makes a store in a file gets a database on that server in its place, so that what it says of the house's
SQL is said of both engines; the file then holds the database's URL.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from relay.store import database
from relay.store.contract import Connection
from relay.store.engines import StoreAddress
from relay.store.pool import Storage
from relay.store.sqlite.whole import tables
from relay.web.server import app

ON_SERVER = os.environ.get("STORE") == "postgres"
_SCHEME = b"postgresql://"


def of_a_file(why: str) -> pytest.MarkDecorator:
    """Of tests that are about SQLite's file: skipped by name where tests run on a server, with the reason."""
    return pytest.mark.skipif(ON_SERVER, reason=f"of SQLite alone: {why}")


def url_of_a_new_one() -> str:
    """Of an empty database, where tests run on a server; else nothing."""
    if not ON_SERVER:
        return ""
    from tests.support.postgres import server

    return server().empty()


def in_place_of_files(patch: pytest.MonkeyPatch) -> None:
    """Files that tests name are databases on the server."""
    from tests.support.postgres import server

    def url(path: Path, *, make: bool = False) -> str | None:
        if path.exists():
            with path.open("rb") as file:
                text = file.read(500)
            return text.decode() if text.startswith(_SCHEME) else None
        if not make:
            return None
        made = server().made()
        path.write_text(made)
        return made

    opened, migrated = database._file, database._migrate_file

    def connect(path: Path, *, create: bool, readonly: bool) -> Connection:
        there = url(path)
        return opened(path, create=create, readonly=readonly) if there is None else database.connect(there)

    def migrate(path: Path, steps: Any) -> tuple[int, int]:
        there = url(path, make=True)
        return migrated(path, steps) if there is None else database.migrate(there, steps)

    made = app._pool

    def pool(path: StoreAddress, *, probe: bool = False) -> Storage:
        return made((url(path) if isinstance(path, Path) else None) or path, probe=probe)

    patch.setattr(app, "_pool", pool)
    patch.setattr(database, "_file", connect)
    patch.setattr(database, "_migrate_file", migrate)


def pool(path: Path) -> Storage:
    """As the HTTP process has it."""
    return app._pool(path)


def dump(conn: Connection) -> list[str]:
    """All that is in the store, row by row, whatever its engine; octets in hex."""
    found = []
    for table in tables():
        for row in conn.execute(f'SELECT {table.listed} FROM "{table.name}" ORDER BY {table.order}'):
            shown = [value.hex() if isinstance(value, bytes) else value for value in row]
            found.append(f"{table.name} {shown!r}")
    return found
