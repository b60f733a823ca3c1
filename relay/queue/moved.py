"""What was to happen at a time, after the clock was set: waits stay as long as they were, and nothing is left parked.

Runs in the first mail process, before campaigns are judged. A time that the
tenant named (``Relay-Send-At``) is left as it is. A jump that nobody saw, for
no process ran, shows in the time that was kept while one did.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

from relay.campaigns import campaigns
from relay.observe.steady import JUMP_S, Steady
from relay.queue import holds, looks, operator
from relay.queue.lanes import waiting
from relay.queue.operator import Operator
from relay.store import marks
from relay.store.contract import Tx
from relay.store.database import connect, transaction
from relay.store.engines import StoreAddress

_log = logging.getLogger("relay.clock")

STEP: Final = 500
"""Copies moved in one transaction."""
KEEP_EVERY_S: Final = 60.0
UNWATCHED_S: Final = 300.0
"""A shorter time without the relay is nothing that a campaign's window would have to wait for."""
TELL_S: Final = 3600.0
"""A jump of so much calls the operator."""

# A copy that has not been leased yet, with a time behind its acceptance, has it from the tenant.
_LATER: Final = (
    "SELECT r.submission_id, r.number, r.due_at FROM recipient r JOIN submission s ON s.id = r.submission_id"
    " WHERE r.state = 0 AND r.tenant_id = ? AND r.domain = ? AND r.due_at > ? AND r.due_at <= ? AND r.owner IS NULL"
    " AND (r.fence > 0 OR r.attempts > 0 OR r.due_at <= s.accepted_at + 1) ORDER BY r.due_at"
)
_MOVE: Final = (
    "UPDATE recipient SET due_at = ? WHERE submission_id = ? AND number = ? AND due_at = ? AND owner IS NULL"
    " AND state = 0"
)
_KEPT: Final = "clock"
"""Mark of the last time that was seen, seconds UTC."""


class Mover:
    """``longest_s``: no copy waits longer for its next attempt."""

    def __init__(
        self, path: StoreAddress, operator: Operator, longest_s: float, clock: Callable[[], float], steady: Steady
    ) -> None:
        self._path = path
        self._operator = operator
        self._longest_s = longest_s
        self._clock = clock
        self._steady = steady
        self._kept_at = 0.0
        self._begun = False
        self._quiet_until = 0.0

    def look(self) -> None:
        """See whether the clock was set, and act on it; call it every few seconds, from one thread at a time."""
        by, now = self._steady.jumped(), self._clock()
        if self._begun and not by and 0 <= now - self._kept_at < KEEP_EVERY_S:
            return
        with closing(connect(self._path)) as conn:
            if not self._begun:
                self._begin(conn, now)
            elif by:
                self._jumped(conn, by, now)
            with transaction(conn):
                marks.write(conn, _KEPT, int(now))
            self._kept_at, self._begun = now, True

    def _begin(self, conn: Tx, now: float) -> None:
        kept = marks.read(conn, _KEPT)
        away = 0.0 if kept is None else now - kept
        if away < -JUMP_S:
            self._tell(conn, f"The clock was set back by {_span(-away)} while no relay ran.", -away, now)
            self._windows(conn, away)
            self._copies(conn, now, -away + self._longest_s, away)
            holds.clock_set(conn, away)
        elif away > UNWATCHED_S:
            # Whether so much time has passed or the clock is wrong, nobody has watched.
            self._windows(conn, away)
        self._bring_back(conn, now)

    def _jumped(self, conn: Tx, by: float, now: float) -> None:
        way = "forward" if by > 0 else "back"
        self._tell(conn, f"The clock was set {way} by {_span(abs(by))}.", abs(by), now)
        self._windows(conn, by)
        if by > 0:
            self._copies(conn, now - by, self._longest_s, by)
        else:
            self._copies(conn, now, -by + self._longest_s, by)
        holds.clock_set(conn, by)
        self._bring_back(conn, now)

    def _tell(self, conn: Tx, what: str, by: float, now: float) -> None:
        even = self._steady.even()
        if even >= self._quiet_until:
            _log.warning("%s Waits go on as long as they were.", what)
            self._quiet_until = even + KEEP_EVERY_S
        if by >= TELL_S:
            todo = (
                "Copies wait as long as they would have, and none is given up that was not tried for its time."
                " Records past their retention are deleted once the clock has stood for a day."
                " See that the machine's time is right (`timedatectl`), and what set it."
            )
            with transaction(conn):
                operator.call(conn, self._operator, "clock", what, [todo], now=now)

    def _windows(self, conn: Tx, by: float) -> None:
        with transaction(conn):
            count = campaigns.clock_set(conn, by)
            looks.clock_set(conn)
        if count:
            _log.info("%d campaigns are watched as long as they would have been", count)

    def _copies(self, conn: Tx, after: float, within_s: float, by: float) -> None:
        """Those that are due after a time and within so many seconds of it, by so many seconds later."""
        count = sum(_moved(conn, found, by) for found in _batches(conn, after, after + within_s))
        if count:
            _log.info("%d copies wait as long as they would have", count)

    def _bring_back(self, conn: Tx, now: float) -> None:
        """Copies that would wait longer than any may, because they got their time from a clock that was wrong."""
        count = 0
        for found in _batches(conn, now + self._longest_s, 1e12):
            count += _moved(conn, found, 0.0, now)
        if count:
            _log.warning("%d copies were put off to a time that no wait reaches, and are due now", count)


_Row = tuple[int, int, float]


def _batches(conn: Tx, after: float, until: float) -> Iterator[list[_Row]]:
    """Lane by lane, so that what isn't meant is not read."""
    for lane, _ in list(waiting(conn)):
        rows = conn.execute(_LATER, (*lane, after, until)).fetchall()
        for start in range(0, len(rows), STEP):
            yield rows[start : start + STEP]


def _moved(conn: Tx, rows: list[_Row], by: float, to: float | None = None) -> int:
    with transaction(conn):
        return conn.executemany(
            _MOVE, [(due + by if to is None else to, sid, number, due) for sid, number, due in rows]
        ).rowcount


def _span(seconds: float) -> str:
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:.0f} days"
    if seconds >= 7200:
        return f"{seconds / 3600:.0f} hours"
    return f"{seconds / 60:.0f} minutes"
