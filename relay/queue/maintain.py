"""Retention (R27): records of finished messages and old events are deleted in small steps."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from relay.queue.thaw import thaw
from relay.registry import idempotency, report_limits
from relay.signup import answer, limits
from relay.store.database import connect, transaction

_log = logging.getLogger("relay.maintain")

EVERY_S = 3600.0
STEP = 500


class Keep(Protocol):
    """How long what is kept, in seconds."""

    @property
    def completed(self) -> float: ...
    @property
    def events(self) -> float: ...


async def run(path: Path, keep: Keep, clock: Callable[[], float]) -> None:
    """Clean up at start and once an hour until cancelled."""
    while True:
        try:
            deleted = await asyncio.to_thread(clean, path, keep.completed, keep.events, clock())
        except Exception:
            _log.exception("clean-up failed, trying again in an hour")
        else:
            if deleted:
                _log.info("%d records beyond their retention were deleted", deleted)
        await asyncio.sleep(EVERY_S)


def clean(path: Path, completed_s: float, events_s: float, now: float) -> int:
    """Delete what is past its time; the number of submissions, events, requests and answers deleted."""
    conn = connect(path)
    try:
        thaw(conn, now)  # a copy may be held as frozen in the moment its tenant is unfrozen
        deleted = 0
        while step := _submissions(conn, now - completed_s):
            deleted += step
        while step := _events(conn, now - events_s):
            deleted += step
        while step := _requests(conn, now):
            deleted += step
        while step := _answers(conn, now):
            deleted += step
        return deleted
    finally:
        conn.close()


def _submissions(conn: sqlite3.Connection, before: float) -> int:
    with transaction(conn):
        ids = conn.execute(
            "SELECT id FROM submission WHERE open_recipients <= 0 AND accepted_at < ? LIMIT ?", (before, STEP)
        ).fetchall()
        conn.executemany("DELETE FROM recipient WHERE submission_id = ?", ids)
        conn.executemany("DELETE FROM body WHERE submission_id = ?", ids)
        conn.executemany("DELETE FROM submission WHERE id = ?", ids)
    return len(ids)


def _events(conn: sqlite3.Connection, before: float) -> int:
    with transaction(conn):
        return conn.execute(
            "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < ? LIMIT ?)", (before, STEP)
        ).rowcount


def _requests(conn: sqlite3.Connection, now: float) -> int:
    """Requests of forms whose links have ended, and what limited them and reports (R5)."""
    with transaction(conn):
        return answer.forget(conn, now) + limits.forget(conn, now) + report_limits.forget(conn, now)


def _answers(conn: sqlite3.Connection, now: float) -> int:
    """Answers of the API that were kept for repeats."""
    with transaction(conn):
        return idempotency.forget(conn, now)
