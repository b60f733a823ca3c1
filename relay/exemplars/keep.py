"""Exemplars kept, and those of this moment: the one owner of ``exemplar``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from relay.exemplars import exemplar, sample
from relay.exemplars.values import Exemplar
from relay.store.chores import turns
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.store.engines import StoreAddress
from relay.store.kept import KeptConnection

_log = logging.getLogger("relay.exemplars")

EVERY_S: Final = 15.0
LEAST: Final = 2
"""Copies that must have been compared: of one alone nobody knows what is personal in it."""
ENOUGH: Final = 2 * sample.SIDE
MOST_AT_ONCE: Final = 20
"""Campaigns of one turn."""
_JSON: Final = msgspec.json.Encoder()
_EXEMPLAR: Final = msgspec.json.Decoder(Exemplar)


def of_campaign(conn: Tx, campaign_id: int, base_url: str, now: float) -> Exemplar | None:
    """Of copies that are held now, else the one that was kept; None if there is neither."""
    live = exemplar.made(campaign_id, sample.copies(conn, campaign_id, base_url), now)
    if live is not None:
        return live
    row = conn.execute("SELECT content FROM exemplar WHERE campaign_id = ?", (campaign_id,)).fetchone()
    return None if row is None else msgspec.structs.replace(_EXEMPLAR.decode(row[0]), kept=True)


def keep(conn: Tx, found: Exemplar) -> None:
    """Without the examples, which are persons' own; in the caller's transaction."""
    bare = msgspec.structs.replace(
        found, varies=tuple([msgspec.structs.replace(one, examples=()) for one in found.varies])
    )
    conn.execute(
        "INSERT INTO exemplar (campaign_id, made_at, compared, content) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (campaign_id) DO UPDATE SET made_at = excluded.made_at, compared = excluded.compared,"
        " content = excluded.content",
        (found.campaign_id, found.made_at, found.compared, _JSON.encode(bare).decode()),
    )


def forget(conn: Tx, before: float) -> int:
    """Delete those made before; how many. In the caller's transaction."""
    return conn.execute("DELETE FROM exemplar WHERE made_at < ?", (before,)).rowcount


def wanting(conn: Tx, most: int = MOST_AT_ONCE) -> list[int]:
    """Campaigns that wait for their verdict and have no exemplar, or one of few copies while more wait by now."""
    rows = conn.execute(
        "SELECT k.id FROM campaign k LEFT JOIN exemplar e ON e.campaign_id = k.id"
        " WHERE k.state IN ('staged', 'watching', 'undecided', 'stopped') AND k.recipients - k.passed >= ?"
        " AND (e.compared IS NULL OR e.compared < ? AND k.recipients - k.passed > e.compared AND k.last_at > e.made_at)"
        " ORDER BY k.id LIMIT ?",
        (LEAST, ENOUGH, most),
    )
    return [int(row[0]) for row in rows.fetchall()]


def turn(store: KeptConnection, base_url: str, now: float, done: dict[int, float]) -> int:
    """Make what is wanting; how many were kept. ``done``: when campaigns were looked at in vain, by id."""
    kept = 0
    with store.use() as conn:
        for campaign_id in wanting(conn):
            if now - done.get(campaign_id, -3600.0) < 3600.0:
                continue
            found = exemplar.made(campaign_id, sample.copies(conn, campaign_id, base_url), now)
            if found is None or found.compared < LEAST:
                done[campaign_id] = now
                continue
            with transaction(conn):
                keep(conn, found)
            kept += 1
    return kept


async def run(path: StoreAddress, base_url: str, clock: Callable[[], float]) -> None:
    """Keep exemplars of campaigns under watch until cancelled, in a thread that ends its turn first."""
    done: dict[int, float] = {}
    store, fault = KeptConnection(path), "exemplars of campaigns can't be kept, trying again"

    def work() -> None:
        turn(store, base_url, clock(), done)
        if len(done) > 10_000:
            done.clear()

    await turns(store, work, every_s=EVERY_S, again_s=0.0, log=_log, fault=fault)
