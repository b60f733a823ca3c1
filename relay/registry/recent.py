"""Limits on what happened lately, counted by rows of the store, so that they outlive a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
"""No limit looks further back."""
STEP: Final = 500


@dataclass(frozen=True, slots=True)
class Recent:
    """A table with a row for each time something happened; ``at`` says when, in seconds UTC."""

    table: str

    def reached(self, conn: sqlite3.Connection, column: str, values: Sequence[object], since: float, most: int) -> bool:
        """Whether there are ``most`` rows with one of the values since then; more aren't counted.

        Rows of the future (a clock set back) count too.
        """
        marks = ",".join("?" * len(values))
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {self.table} WHERE {column} IN ({marks}) AND at > ? LIMIT ?)"
        return int(conn.execute(sql, (*values, since, most)).fetchone()[0]) >= most

    def forget(self, conn: sqlite3.Connection, now: float) -> int:
        """Delete rows that count no more, a step at most; how many."""
        sql = f"DELETE FROM {self.table} WHERE id IN (SELECT id FROM {self.table} WHERE at < ? LIMIT ?)"
        return conn.execute(sql, (now - DAY_S, STEP)).rowcount
