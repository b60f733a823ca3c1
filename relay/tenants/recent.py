"""Limits on what happened lately, counted by rows of the store, so that they outlive a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from relay.store.contract import Tx

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
"""No limit looks further back."""
STEP: Final = 500


@dataclass(frozen=True, slots=True)
class Recent:
    """A table with a row for each time something happened; ``at`` says when, in seconds UTC."""

    table: str

    def reached(
        self,
        conn: Tx,
        column: str,
        values: Sequence[object],
        since: float,
        most: int,
        *,
        tenant_id: int | None = None,
    ) -> bool:
        """Whether there are ``most`` rows with one of the values since then, of all or a tenant; more aren't counted.

        Rows of the future (a clock set back) count too, but not those beyond a day: nobody is to wait until a clock
        that was wrong has come to be right.
        """
        where = f"{column} IN ({','.join('?' * len(values))}) AND at > ? AND at < ?"
        bound = [*values, since, since + 2 * DAY_S]
        if tenant_id is not None:
            where += " AND tenant_id = ?"
            bound.append(tenant_id)
        sql = f"SELECT count(*) FROM (SELECT 1 FROM {self.table} WHERE {where} LIMIT ?) AS found"
        return int(conn.execute(sql, (*bound, most)).fetchone()[0]) >= most

    def forget(self, conn: Tx, now: float) -> int:
        """Delete rows that count no more, a step at most; how many."""
        sql = f"DELETE FROM {self.table} WHERE id IN (SELECT id FROM {self.table} WHERE at < ? LIMIT ?)"
        return conn.execute(sql, (now - DAY_S, STEP)).rowcount
