"""Lines of an import on their way: out of memory, in the order of addresses, each person once.

A large registry is much faster to write in the order of its index, and only
then: each page is read and written once. So all lines go to a temporary
database first, which SQLite keeps in memory while it is small and then in
files that vanish with the connection.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from relay.registry.list_file import Bad

CACHE_KIB: Final = 32_768
"""Of the temporary database; what is more goes to files."""
_MAIN_CACHE_KIB: Final = 65_536
_LINE: Final = "line INTEGER NOT NULL, address TEXT NOT NULL, given_at REAL NOT NULL, ip TEXT NOT NULL, mailbox TEXT,"
_TABLES: Final = {
    "staged": f"{_LINE} attributes TEXT, groups TEXT",
    "person": f"number INTEGER PRIMARY KEY, {_LINE} attributes TEXT, groups TEXT",
    "incoming": f"number INTEGER PRIMARY KEY, {_LINE} attributes TEXT, groups TEXT,"
    " salt BLOB NOT NULL, subscriber_id INTEGER, verdict INTEGER NOT NULL DEFAULT 0",
    "named": "place INTEGER PRIMARY KEY, id INTEGER NOT NULL",
    "refusal": "line INTEGER NOT NULL, text TEXT NOT NULL, why TEXT NOT NULL",
}
_COLUMNS: Final = "line, address, given_at, ip, mailbox, attributes, groups"
_SORT: Final = (
    "INSERT INTO temp.person (line, address, given_at, ip, mailbox, attributes, groups)"
    " SELECT min(line), address, given_at, ip, mailbox, attributes, groups FROM temp.staged GROUP BY address"
)
"""The other columns are those of the line that ``min`` found (sqlite.org/lang_select.html, "bare columns")."""
_CHUNK: Final = (
    f"INSERT INTO temp.incoming (number, {_COLUMNS}, salt) SELECT number, {_COLUMNS}, randomblob(16)"
    " FROM temp.person WHERE number > ?1 AND number <= ?1 + ?2"
)


class Incoming(NamedTuple):
    """One usable line."""

    line: int
    address: str
    """Canonical."""
    given_at: float
    ip: str
    mailbox: str | None
    attributes: str | None
    """JSON; None: nothing to keep."""
    groups: str | None
    """JSON array of places (``Staging.name``); None: in none."""


@contextmanager
def staging(conn: sqlite3.Connection) -> Iterator[Staging]:
    """Temporary tables on this connection, which are gone afterwards; call it outside a transaction."""
    cache = conn.execute("PRAGMA main.cache_size").fetchone()[0]
    store = conn.execute("PRAGMA temp_store").fetchone()[0]
    conn.execute("PRAGMA temp_store = FILE")
    conn.execute(f"PRAGMA temp.cache_size = -{CACHE_KIB}")
    conn.execute(f"PRAGMA main.cache_size = -{_MAIN_CACHE_KIB}")
    try:
        for name, columns in _TABLES.items():
            conn.execute(f"CREATE TEMP TABLE {name} ({columns})")
        yield Staging(conn)
    finally:
        conn.execute(f"PRAGMA main.cache_size = {cache}")
        conn.execute(f"PRAGMA temp_store = {store}")  # drops all temporary tables


class Staging:
    """The lines of one import; ``staging`` is the only maker."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def add(self, people: Sequence[Incoming], refused: Sequence[Bad]) -> None:
        """Put lines there."""
        self._conn.execute("BEGIN")  # of the temporary database only
        self._conn.executemany("INSERT INTO temp.staged VALUES (?, ?, ?, ?, ?, ?, ?)", people)
        self._refuse(refused)
        self._conn.execute("COMMIT")

    def sort(self) -> int:
        """Order them; returns how many people they are. Of one that is there twice, the first line counts."""
        done = self._conn.execute(_SORT)
        self._conn.execute("DELETE FROM temp.staged")
        return done.rowcount

    def name(self, groups: Sequence[int]) -> None:
        """Say which groups the places are, by their ids."""
        self._conn.executemany("INSERT INTO temp.named VALUES (?, ?)", enumerate(groups))

    def chunk(self, after: int, most: int) -> None:
        """Move the next people to ``incoming``, where they are judged."""
        self._conn.execute("BEGIN")
        self._conn.execute("DELETE FROM temp.incoming")
        self._conn.execute(_CHUNK, (after, most))
        self._conn.execute("COMMIT")

    def refuse(self, refused: Sequence[Bad]) -> None:
        """Add to the refused lines."""
        self._conn.execute("BEGIN")
        self._refuse(refused)
        self._conn.execute("COMMIT")

    def _refuse(self, refused: Sequence[Bad]) -> None:
        rows = [(bad.line, bad.text, bad.why) for bad in refused]
        self._conn.executemany("INSERT INTO temp.refusal VALUES (?, ?, ?)", rows)

    def refusals(self, why: str = "") -> Iterator[Bad]:
        """Refused lines in the file's order; with ``why``, only those."""
        rows = self._conn.execute(
            "SELECT line, text, why FROM temp.refusal WHERE ?1 = '' OR why = ?1 ORDER BY line", (why,)
        )
        return (Bad(*row) for row in rows)
