"""Watching staged campaigns (R11, R12): asks the policies' opinion and acts on it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from msgspec.structs import replace

from relay.campaigns import campaigns, record
from relay.pipeline.chain import Chain
from relay.pipeline.contract import CampaignVerdict, Decision
from relay.queue import engagement, holds, last, verdict_letters, verdicts
from relay.queue.operator import Operator
from relay.store.contract import Connection, Tx
from relay.store.database import connect, transaction
from relay.store.engines import StoreAddress
from relay.store.kept import KeptConnection
from relay.store.thread import to_its_end
from relay.store.words import failed

_log = logging.getLogger("relay.campaign")

EVERY_S = 2.0
FINISH_EVERY = 30
"""Turns between looks for copies that a decision missed."""
HOURLY = 1800
PAUSE_S = 0.02
"""Between steps of a release, so that the mail process gets its turn at the store."""
ACTOR = "relay"


async def run(
    path: StoreAddress,
    chain: Chain,
    clock: Callable[[], float],
    first: Callable[[], None] = lambda: None,
    operator: Operator | None = None,
) -> None:
    """Look at the running campaigns every few seconds until cancelled; in a thread, since counting takes its time.

    ``first`` is called before each look: whether the clock was set must be known before a window is over.
    ``operator``: who decides what is left to people; None: nobody is told by mail.
    """
    turn = 0
    with closing(KeptConnection(path)) as kept:
        while True:
            try:
                finish, hourly = turn % FINISH_EVERY == 0, turn % HOURLY == 0
                await to_its_end(partial(_turn, kept, chain, clock, first, operator, finish=finish, hourly=hourly))
            except Exception as error:
                failed(_log, "campaigns can't be judged, trying again", error, path)
            turn += 1
            await asyncio.sleep(EVERY_S)


def _turn(
    kept: KeptConnection,
    chain: Chain,
    clock: Callable[[], float],
    first: Callable[[], None],
    operator: Operator | None,
    *,
    finish: bool,
    hourly: bool = False,
) -> None:
    first()
    with kept.use() as conn:
        _end_holds(conn, clock())
        if finish:
            _finish_decided(conn, clock())
        if conn.execute("SELECT 1 FROM campaign WHERE state = 'staged' LIMIT 1").fetchone():
            with transaction(conn):
                campaigns.begin_windows(conn, clock())
        found = judge(conn, chain, clock())
    for campaign_id, verdict in found:
        act(kept.where, campaign_id, verdict, clock(), operator)
    with kept.use() as conn:
        if hourly:
            with transaction(conn):
                record.measure(conn, clock())
        if finish and operator is not None:
            _call_next(conn, operator, clock())


def _end_holds(conn: Connection, now: float) -> None:
    count = holds.end_timed(conn, now)
    late = last.drop_late(conn, now)
    if late:
        _log.info("%d copies were dropped at the time that their messages name as the last", late)
    if count:
        _log.info("%d copies were held until now and are not any longer", count)


def judge(conn: Tx, chain: Chain, now: float) -> list[tuple[int, CampaignVerdict]]:
    """Verdicts on campaigns under watch, those whose last copies are leaving too, but for those that are to wait."""
    rows = conn.execute("SELECT id FROM campaign WHERE state IN ('staged', 'watching') ORDER BY id").fetchall()
    found = []
    for campaign_id in [*(row[0] for row in rows), *campaigns.leaving(conn, ACTOR, now)]:
        figures = replace(
            campaigns.figures(conn, campaign_id, now), engagement=engagement.of_campaign(conn, campaign_id)
        )
        verdict = chain.campaign(figures)
        if verdict.decision is not Decision.WAIT:
            found.append((campaign_id, verdict))
    for campaign_id, stream_id in campaigns.flows(conn, ACTOR):
        verdict = chain.campaign(campaigns.rolling(conn, campaign_id, stream_id, now))
        if verdict.decision is Decision.STOP:
            found.append((campaign_id, verdict))
    return found


def act(
    path: StoreAddress, campaign_id: int, verdict: CampaignVerdict, now: float, operator: Operator | None = None
) -> None:
    """Carry a verdict out, on a connection of its own and in short steps: a release may touch many rows."""
    conn = connect(path)
    try:
        with transaction(conn):
            campaign = campaigns.by_id(conn, campaign_id)
            again = campaign.state == "released" and campaign.decided_by == ACTOR and verdict.decision is Decision.STOP
            if campaign.state not in ("staged", "watching") and not again:
                return  # the administrator was faster
            if verdict.decision is Decision.RELEASE:
                verdicts.release(conn, campaign_id, ACTOR, verdict.why, now, most=verdicts.CHUNK)
            elif verdict.decision is Decision.WIDEN:
                verdicts.widen(conn, campaign_id, verdict.share, verdict.every, ACTOR, verdict.why, now)
            elif verdict.decision is Decision.STOP:
                verdicts.stop(conn, campaign_id, ACTOR, verdict.why, now)
            else:
                verdicts.ask(conn, campaign_id, ACTOR, verdict.why, now)
            if operator is not None and verdict.decision not in (Decision.RELEASE, Decision.WIDEN):
                verdict_letters.waits(conn, operator, campaign_id, now)
        _work_off(conn, campaign_id, now)
    finally:
        conn.close()
    _log.info("campaign=%d %s: %s", campaign_id, verdict.decision, verdict.why)


def _call_next(conn: Connection, operator: Operator, now: float) -> None:
    """Campaigns that nobody has decided within the term."""
    for campaign_id in campaigns.overdue(conn, now - operator.review_s):
        with transaction(conn):
            verdict_letters.overdue(conn, operator, campaign_id, now)


def _work_off(conn: Connection, campaign_id: int, now: float) -> None:
    while True:
        with transaction(conn):
            if not verdicts.work_off(conn, campaign_id, now):
                return
        time.sleep(PAUSE_S)


def _finish_decided(conn: Connection, now: float) -> None:
    """Work off what a decision left: cut short by a crash, or held while it was made."""
    for campaign_id in verdicts.unfinished(conn):
        _work_off(conn, campaign_id, now)
