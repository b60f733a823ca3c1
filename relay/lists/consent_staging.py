"""What an import keeps beside the registry, in temporary tables: the chunk that is judged, and refused lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from relay.lists.list_file import Bad
from relay.lists.list_sort import Line
from relay.people import staged
from relay.store.contract import Tx
from relay.store.sqlite.scratch import scratch

TABLES: Final = {
    **staged.TABLES,
    "refusal": "line INTEGER NOT NULL, text TEXT NOT NULL, why TEXT NOT NULL, offer TEXT NOT NULL",
}
"""Temporary tables, by name and columns."""


@contextmanager
def staging(conn: Tx) -> Iterator[Staging]:
    """Temporary tables on this connection, which are gone afterwards; call it outside a transaction."""
    with scratch(conn, TABLES):
        yield Staging(conn)


class Staging:
    """The tables of one import; ``staging`` is the only maker."""

    def __init__(self, conn: Tx) -> None:
        self._conn = conn

    def name(self, groups: Sequence[int]) -> None:
        """Say which groups the places are, by their ids."""
        staged.name(self._conn, groups)

    def fill(self, chunk: Sequence[Line], salts: Sequence[bytes]) -> None:
        """Put people into ``incoming``, in place of those that were there; they are numbered from 1 on."""
        self._conn.execute("BEGIN")  # of the temporary database only
        staged.fill(self._conn, [line[:-1] for line in chunk], salts)
        self._conn.execute("COMMIT")

    def refuse(self, refused: Sequence[Bad]) -> None:
        """Add to the refused lines."""
        if not refused:
            return
        self._conn.execute("BEGIN")
        rows = [(bad.line, bad.text, bad.why, bad.offer) for bad in refused]
        self._conn.executemany("INSERT INTO refusal VALUES (?, ?, ?, ?)", rows)
        self._conn.execute("COMMIT")

    def refusals(self, why: str = "") -> Iterator[Bad]:
        """Refused lines in the file's order; with ``why``, only those."""
        rows = self._conn.execute(
            "SELECT line, text, why, offer FROM refusal WHERE ?1 = '' OR why = ?1 ORDER BY line", (why,)
        )
        return (Bad(*row) for row in rows)

    def offers(self) -> Iterator[Bad]:
        """Refused lines that give a reason to suppress, in the file's order."""
        rows = self._conn.execute("SELECT line, text, why, offer FROM refusal WHERE offer <> '' ORDER BY line")
        return (Bad(*row) for row in rows)
