"""Watching staged campaigns (R11, R12): asks the policies' opinion and acts on it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from relay.campaigns import campaigns
from relay.pipeline.chain import Chain
from relay.pipeline.contract import CampaignVerdict, Decision
from relay.queue import holds, verdicts
from relay.store.contract import Tx
from relay.store.database import connect, transaction
from relay.store.words import failed

_log = logging.getLogger("relay.campaign")

EVERY_S = 2.0
FINISH_EVERY = 30
"""Turns between looks for copies that a decision missed."""
PAUSE_S = 0.02
"""Between steps of a release, so that the mail process gets its turn at the store."""
ACTOR = "relay"


async def run(path: Path, chain: Chain, clock: Callable[[], float], first: Callable[[], None] = lambda: None) -> None:
    """Look at the running campaigns every few seconds until cancelled; in a thread, since counting takes its time.

    ``first`` is called before each look: whether the clock was set must be known before a window is over.
    """
    turn = 0
    while True:
        try:
            await asyncio.to_thread(_turn, path, chain, clock, first, finish=turn % FINISH_EVERY == 0)
        except Exception as error:
            failed(_log, "campaigns can't be judged, trying again", error, path)
        turn += 1
        await asyncio.sleep(EVERY_S)


def _turn(path: Path, chain: Chain, clock: Callable[[], float], first: Callable[[], None], *, finish: bool) -> None:
    first()
    _end_holds(path, clock())
    if finish:
        finish_decided(path, clock())
    conn = connect(path, readonly=True)
    try:
        waiting = conn.execute("SELECT 1 FROM campaign WHERE state = 'staged' LIMIT 1").fetchone()
    finally:
        conn.close()
    if waiting:
        _begin_windows(path, clock())
    conn = connect(path, readonly=True)
    try:
        found = judge(conn, chain, clock())
    finally:
        conn.close()
    for campaign_id, verdict in found:
        act(path, campaign_id, verdict, clock())


def _begin_windows(path: Path, now: float) -> None:
    conn = connect(path)
    try:
        with transaction(conn):
            campaigns.begin_windows(conn, now)
    finally:
        conn.close()


def _end_holds(path: Path, now: float) -> None:
    conn = connect(path)
    try:
        count = holds.end_timed(conn, now)
    finally:
        conn.close()
    if count:
        _log.info("%d copies were held until now and are not any longer", count)


def judge(conn: Tx, chain: Chain, now: float) -> list[tuple[int, CampaignVerdict]]:
    """Verdicts on campaigns under watch, but for those that are to wait."""
    rows = conn.execute("SELECT id FROM campaign WHERE state IN ('staged', 'watching') ORDER BY id").fetchall()
    found = []
    for (campaign_id,) in rows:
        verdict = chain.campaign(campaigns.figures(conn, campaign_id, now))
        if verdict.decision is not Decision.WAIT:
            found.append((campaign_id, verdict))
    return found


def act(path: Path, campaign_id: int, verdict: CampaignVerdict, now: float) -> None:
    """Carry a verdict out, on a connection of its own and in short steps: a release may touch many rows."""
    conn = connect(path)
    try:
        with transaction(conn):
            state = campaigns.by_id(conn, campaign_id).state
            if state not in ("staged", "watching"):
                return  # the administrator was faster
            if verdict.decision is Decision.RELEASE:
                verdicts.release(conn, campaign_id, ACTOR, verdict.why, now, most=verdicts.CHUNK)
            elif verdict.decision is Decision.WIDEN:
                verdicts.widen(conn, campaign_id, verdict.share, verdict.every, ACTOR, verdict.why, now)
            elif verdict.decision is Decision.STOP:
                verdicts.stop(conn, campaign_id, ACTOR, verdict.why, now)
            else:
                verdicts.ask(conn, campaign_id, ACTOR, verdict.why, now)
        _work_off(conn, campaign_id, now)
    finally:
        conn.close()
    _log.info("campaign=%d %s: %s", campaign_id, verdict.decision, verdict.why)


def _work_off(conn: Tx, campaign_id: int, now: float) -> None:
    while True:
        with transaction(conn):
            if not verdicts.work_off(conn, campaign_id, now):
                return
        time.sleep(PAUSE_S)


def finish_decided(path: Path, now: float) -> None:
    """Work off what a decision left: cut short by a crash, or held while it was made."""
    conn = connect(path)
    try:
        for campaign_id in verdicts.unfinished(conn):
            _work_off(conn, campaign_id, now)
    finally:
        conn.close()
