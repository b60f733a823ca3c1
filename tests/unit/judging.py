"""A judge with a real store, for tests of what DNS answers lead to."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relay.delivery.smtp.judge import Judge
from relay.queue.operator import Operator
from relay.store.database import transaction
from tests.support.delivery import Clock
from tests.unit.records import open_shop

HOUR_S = 3600.0
WAIT_S = 6 * HOUR_S
WHO = Operator("relay.test", "Ops", ("ops@relay.test",))


class Bank:
    """The store, and judges on it: each as a process of its own would make one."""

    def __init__(self, directory: Path) -> None:
        self.conn = open_shop(directory / "relay.db")
        self.log: list[str] = []

    async def submit(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        with transaction(self.conn):
            return work(self.conn)

    def judge(self, clock: Clock, wait_s: float = WAIT_S) -> Judge:
        return Judge(
            self.conn,
            self.submit,
            WHO,
            wait_s,
            clock.wall,
            lambda what, detail: self.log.append(what),
            monotonic=clock.monotonic,
            rng=random.Random(1),
        )

    def calls(self) -> int:
        """How often the operator was called."""
        return int(self.conn.execute("SELECT count(*) FROM event WHERE kind = 'operator.called'").fetchone()[0])

    def looks(self) -> dict[str, str]:
        """What is written of each name."""
        return dict(self.conn.execute("SELECT name, finding FROM name_look"))
