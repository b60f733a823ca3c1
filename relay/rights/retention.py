"""Retention (R27): records of finished messages and old events are deleted in small steps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from typing import Final, Protocol

from relay.accounts import activity, brakes, challenges, resets, sessions
from relay.announcements import book as announcements
from relay.campaigns import refusals
from relay.contests import answer as contests
from relay.events import forget as events
from relay.exemplars import keep as exemplars
from relay.feedback import operator_mail, public_report, report_limits
from relay.observe.steady import Steady
from relay.people import apart, doubts
from relay.queue import forget as queue
from relay.queue import looks, waiting
from relay.queue.thaw import thaw
from relay.registration import book as registrations
from relay.signup import answer, forms, limits
from relay.statistics import sums as statistics
from relay.store import marks
from relay.store.contract import Tx
from relay.store.database import connect, transaction
from relay.store.engines import StoreAddress
from relay.store.words import failed
from relay.support import threads as support
from relay.tenants import domains, idempotency
from relay.tracking import forget as tracking
from relay.values.ids import first_id
from relay.webhooks import tries

_log = logging.getLogger("relay.maintain")

EVERY_S: Final = 3600.0
AGAIN_S: Final = 60.0
"""After one that failed: on a full disk it may be what makes room."""
FAR_S: Final = 2 * 86_400.0
"""After the last clean-up: either none ran so long, or the clock was set."""
BELIEVED_S: Final = 86_400.0
_CLEANED: Final = "cleaned"
"""Mark of the last clean-up, seconds UTC."""
STEP: Final = 500
"""Recipients deleted in one transaction, or those of one submission more."""


class Keep(Protocol):
    """How long what is kept, in seconds."""

    @property
    def completed(self) -> float: ...
    @property
    def events(self) -> float: ...
    @property
    def tracking(self) -> float: ...
    @property
    def exemplars(self) -> float: ...
    @property
    def support(self) -> float: ...
    @property
    def announcements(self) -> float: ...
    @property
    def registrations(self) -> float: ...


async def run(path: StoreAddress, keep: Keep, clock: Callable[[], float], steady: Steady | None = None) -> None:
    """Clean up at start and once an hour until cancelled."""
    steady = steady or Steady(clock)
    while True:
        try:
            deleted = await asyncio.to_thread(_turn, path, keep, clock(), steady)
        except Exception as error:
            failed(_log, "clean-up failed, trying again in a minute", error, path)
            await asyncio.sleep(AGAIN_S)
            continue
        if deleted:
            _log.info("%d records beyond their retention were deleted", deleted)
        await asyncio.sleep(EVERY_S)


def _turn(path: StoreAddress, keep: Keep, now: float, steady: Steady) -> int:
    if not believed(path, now, now - steady.since()):
        _log.warning("the clock is far ahead of the last clean-up: nothing is deleted until it has stood so for a day")
        return 0
    deleted = clean(path, keep.completed, keep.events, now, keep.tracking)
    with closing(connect(path)) as conn:
        while step := _registrations(conn, now, keep.registrations):
            deleted += step
        while step := _support(conn, now - keep.support):
            deleted += step
        while step := _announcements(conn, now - keep.announcements):
            deleted += step
    with closing(connect(path)) as conn, transaction(conn):
        deleted += exemplars.forget(conn, now - keep.exemplars)
        statistics.forget(conn, now - keep.events)
        marks.write(conn, _CLEANED, int(now))
    return deleted


def believed(path: StoreAddress, now: float, stood_s: float) -> bool:
    """Whether the clock may be believed where records would be deleted by it; ``stood_s``: it wasn't set for so long.

    A clock that is wrong by ten years would else take all of them.
    """
    with closing(connect(path, readonly=True)) as conn:
        cleaned = marks.read(conn, _CLEANED)
    return cleaned is None or now - cleaned < FAR_S or stood_s >= BELIEVED_S


def clean(path: StoreAddress, completed_s: float, events_s: float, now: float, tracking_s: float | None = None) -> int:
    """Delete what is past its time; the number of submissions, events, hits, requests and answers deleted.

    ``tracking_s``: None for as long as events.
    """
    conn = connect(path)
    try:
        _leaving(conn)
        while contests.late(conn, now):
            with transaction(conn):
                contests.lapse(conn, now)
        thaw(conn, now)  # a copy may be held as frozen in the moment its tenant is unfrozen
        deleted = _submissions(conn, now - completed_s) + events.forget(conn, now - events_s)
        while step := _hits(conn, now - (events_s if tracking_s is None else tracking_s)):
            deleted += step
        with transaction(conn):
            deleted += refusals.forget(conn, now - events_s) + public_report.forget(conn, now, events_s)
            deleted += tries.forget(conn, now)
        while step := _requests(conn, now):
            deleted += step
        while step := _answers(conn, now):
            deleted += step
        while step := _logins(conn, now):
            deleted += step
        with transaction(conn):
            looks.forget(conn, now)
        return deleted
    finally:
        conn.close()


def _leaving(conn: Tx) -> None:
    """Keys of removed domains for which nothing waits any more."""
    for domain_id, tenant_id, name in domains.leaving(conn):
        if not waiting.of_domain(conn, tenant_id, name).total:
            with transaction(conn):
                domains.forget(conn, domain_id)


def _submissions(conn: Tx, before: float) -> int:
    """Delete those that are done and older.

    They are looked for without the write lock, and by id, which is by age: what is younger isn't looked at.
    """
    deleted, after, end = 0, -1, first_id(before)
    while ids := queue.done(conn, after, end, STEP):
        after = ids[-1]
        left = ids[::-1]
        while left:
            with transaction(conn):
                rows = 0
                while left and rows < STEP:
                    rows += queue.forget(conn, left.pop())
        deleted += len(ids)
    return deleted


def _hits(conn: Tx, before: float) -> int:
    """Single openings and clicks; their sums stay."""
    with transaction(conn):
        return tracking.forget(conn, before)


def _requests(conn: Tx, now: float) -> int:
    """Requests of forms whose links have ended, and what limited them and reports (R5)."""
    with transaction(conn):
        strangers = report_limits.forget(conn, now) + operator_mail.forget(conn, now) + apart.forget(conn, now)
        asked = answer.forget(conn, now) + limits.forget(conn, now) + forms.forget_removed(conn, now)
        return strangers + asked


def _logins(conn: Tx, now: float) -> int:
    """What was tried and done with log-ins; sessions end by themselves, but their rows wouldn't go."""
    with transaction(conn):
        done = activity.forget(conn, now) + brakes.forget(conn, now) + resets.forget(conn, now)
        return done + sessions.forget(conn, now) + challenges.forget(conn, now)


def _registrations(conn: Tx, now: float, kept_s: float) -> int:
    """Of people who didn't become customers."""
    with transaction(conn):
        return registrations.forget(conn, now, kept_s)


def _announcements(conn: Tx, before: float) -> int:
    with transaction(conn):
        return announcements.forget(conn, before)


def _support(conn: Tx, before: float) -> int:
    """What tenants and staff wrote to each other."""
    with transaction(conn):
        return support.forget(conn, before)


def _answers(conn: Tx, now: float) -> int:
    """Answers of the API that were kept for repeats, and other servers' that were too old to be repeated."""
    with transaction(conn):
        return idempotency.forget(conn, now) + doubts.forget(conn, now)
