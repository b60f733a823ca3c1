"""Whose links lead nowhere any more: of a campaign that was declined, of a tenant that was terminated or is gone (R24).

Asked at each click, before it leads on. What is asked for within a moment is
read together; while the store is away, what was known last counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from relay.store.contract import Tx
from relay.store.pool import Storage, Unavailable
from relay.store.thread import to_its_end

FRESH_S: Final = 0.1
WAIT_S: Final = 1.0
"""Longest that a click waits for the store."""
MOST: Final = 10_000
"""Campaigns and tenants that are remembered."""
_Key = tuple[int, int]
"""(tenant, campaign or 0)."""


def stopped(conn: Tx, tenant_id: int, campaign_id: int) -> bool:
    """Whether links of this tenant's campaign (0: of none) must not lead on."""
    row = conn.execute(
        "SELECT a.terminated_at FROM tenant t LEFT JOIN account a ON a.tenant_id = t.id WHERE t.id = ?", (tenant_id,)
    ).fetchone()
    if row is None or row[0] is not None:
        return True
    state = conn.execute("SELECT state FROM campaign WHERE id = ?", (campaign_id,)).fetchone()
    return state is not None and state[0] == "declined"


class StoppedLinks:
    """Of the HTTP process; ``clock`` is the loop's."""

    def __init__(self, storage: Storage, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._clock = clock
        self._known: dict[_Key, tuple[float, bool]] = {}
        self._asked: dict[_Key, asyncio.Future[bool]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def has(self, tenant_id: int, campaign_id: int) -> bool:
        key = (tenant_id, campaign_id)
        known = self._known.get(key)
        if known is not None and self._clock() - known[0] <= FRESH_S:
            return known[1]
        loop = asyncio.get_running_loop()
        answer = self._asked.get(key)
        if answer is None:
            answer = self._asked[key] = loop.create_future()
        if self._looking is None or self._looking.done():
            self._looking = loop.create_task(self._look())
        try:
            async with asyncio.timeout(WAIT_S):
                return await asyncio.shield(answer)
        except TimeoutError:
            return known is not None and known[1]

    async def _look(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, {}
            at = self._clock()
            try:
                found = await to_its_end(self._read, list(asked))
            except Unavailable:
                # What was known last counts; it is asked for again a moment later.
                found = {key: self._known.get(key, (0.0, False))[1] for key in asked}
            if len(self._known) > MOST:
                self._known.clear()
            self._known.update({key: (at, stop) for key, stop in found.items()})
            for key, answer in asked.items():
                if not answer.done():
                    answer.set_result(found[key])

    def _read(self, keys: list[_Key]) -> dict[_Key, bool]:
        with self._storage.read() as conn:
            return {key: stopped(conn, *key) for key in keys}
