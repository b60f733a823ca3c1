"""One webhook while it is called: what it is sent next, how much at a time, and how far it has come.

Events are read from the stream behind ``read_to`` and sent side by side; all up
to ``done_to`` were tried at least once, which is what the store is told. What
failed waits in the store for its next try. A server that is slow or fails gets
less at a time, down to one, so that it takes nobody else's place.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from relay.events.stream import StreamEvent, StreamPage, StreamPlace
from relay.webhooks.address import WebhookAddress
from relay.webhooks.book import WebhookRow
from relay.webhooks.client import WebhookAnswer
from relay.webhooks.keys import WebhookKey
from relay.webhooks.tries import DueAgain, WebhookTry
from relay.webhooks.waits import DEAD_S, asked_s, wait_s

AHEAD: Final = 400
"""Events read before they can be sent."""
MOST_WAITING: Final = 10_000
"""Events of one webhook that wait for another try; while there are more, nothing new is read."""
MOST_AT_ONCE: Final = 64
MIDDLING_S: Final = 0.5
SLOW_S: Final = 2.0
"""A server that takes so long on average is given eight, or four, at a time."""
FIRST_AT_ONCE: Final = 8
IN_A_ROW: Final = 5
"""Failures, from which on the server is left alone for a while after each."""
MOST_PAUSE_S: Final = 60.0


class Sending(msgspec.Struct, frozen=True, gc=False):
    """One event on its way, or about to be."""

    event: StreamEvent
    tries: int
    """Before this one."""
    fresh: bool
    """It came from the stream, not from what waits for another try."""
    due_at: float = 0.0
    """When it was to be tried again."""


class CalledServer:
    """Use from the loop's thread. ``clock`` gives seconds UTC, ``random`` [0, 1)."""

    def __init__(
        self,
        row: WebhookRow,
        address: WebhookAddress,
        keys: Sequence[tuple[WebhookKey, float | None]],
        waiting: tuple[int, float | None],
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self.row, self.address, self.keys = row, address, keys
        self._clock, self._random = clock, random
        self.read_to = self.done_to = self.written_to = row.place
        self.hungry = True
        """There may be more in the stream."""
        self.waiting, self.next_due = waiting
        self.failing_since = row.failing_since
        self.paused_until = row.paused_until or 0.0
        self.ended = ""
        self.flying = 0
        self._window: OrderedDict[StreamPlace, bool] = OrderedDict()
        """Fresh events that were read, in order, and whether each was tried."""
        self._fresh: deque[Sending] = deque()
        self._again: deque[Sending] = deque()
        self._busy: dict[StreamPlace, float] = {}
        """What was loaded to be tried again, and when that was due."""
        self._at_once = FIRST_AT_ONCE
        self._failures = 0
        self._took_s = 0.0
        self._turn_of_again = True
        self.log: list[WebhookTry] = []
        self.due_again: list[DueAgain] = []
        self.over: list[tuple[StreamPlace, float]] = []
        """What needs no other try than one that is asked for later than that."""

    # --- what is next ------------------------------------------------------------------

    def renewed(
        self,
        row: WebhookRow,
        address: WebhookAddress,
        keys: Sequence[tuple[WebhookKey, float | None]],
        waiting: tuple[int, float | None],
    ) -> None:
        """It was changed, rotated, or is to send some once more."""
        self.row, self.address, self.keys = row, address, keys
        self.waiting = waiting[0]
        self.next_due = min((at for at in (self.next_due, waiting[1]) if at is not None), default=None)

    @property
    def room(self) -> int:
        """Fresh events that may be read now."""
        if self.ended or self.waiting >= MOST_WAITING or self._resting():
            return 0
        return max(0, AHEAD - len(self._fresh))

    @property
    def asks(self) -> int:
        """Events due for another try that may be loaded now; with those that are loaded already, as they come again."""
        if self.ended or self.next_due is None or self.next_due > self._clock() or len(self._again) >= AHEAD // 2:
            return 0
        return AHEAD + len(self._busy)

    def take(self, page: StreamPage) -> None:
        """A page read behind ``read_to``."""
        for event in page.events:
            self._window[event.place] = False
            self._fresh.append(Sending(event, 0, True))
        self.read_to = page.place
        self.hungry = not page.ended
        self._move_on()

    def take_again(self, found: Iterable[tuple[DueAgain, StreamEvent | None]], next_due: float | None) -> None:
        """Events that are due; None: gone meanwhile."""
        # What was done while these were read isn't in the store yet.
        told = dict(self.over) | {one.place: one.due_at for one in self.due_again}
        later: list[float] = [one.due_at for one in self.due_again]
        for due, event in found:
            if due.place in self._busy:
                if due.due_at > self._busy[due.place]:
                    later.append(due.due_at)  # asked for once more while it is on its way
                continue
            if due.due_at <= told.get(due.place, -1.0):
                continue
            if event is None:
                self.over.append((due.place, due.due_at))
                self.waiting -= 1
                continue
            self._busy[due.place] = due.due_at
            self._again.append(Sending(event, due.tries, False, due.due_at))
        self.next_due = min((at for at in (next_due, *later) if at is not None), default=None)

    def next(self) -> Sending | None:
        """What may be sent now; the caller says ``finished`` once it was."""
        if self.ended or self.flying >= self._at_once or self._resting():
            return None
        queues = (self._again, self._fresh) if self._turn_of_again else (self._fresh, self._again)
        self._turn_of_again = not self._turn_of_again
        for queue in queues:
            if queue:
                self.flying += 1
                return queue.popleft()
        return None

    def _resting(self) -> bool:
        return self.paused_until > self._clock()

    # --- what became of it -------------------------------------------------------------

    def finished(self, sent: Sending, answer: WebhookAnswer) -> None:
        """Write down one try, and what follows from it."""
        self.flying -= 1
        now, place = self._clock(), sent.event.place
        self.log.append(
            WebhookTry(
                webhook_id=self.row.id,
                place=place,
                type=sent.event.type,
                at=now,
                number=sent.tries + 1,
                status=answer.status,
                took_ms=int(answer.took_s * 1000),
                says=answer.text,
            )
        )
        self._took_s += (answer.took_s - self._took_s) / 8
        if answer.ok:
            self._succeeded(sent)
        else:
            self._failed(sent, answer, now)
        if sent.fresh:
            self._window[place] = True
            self._move_on()
        else:
            self._busy.pop(place, None)

    def _succeeded(self, sent: Sending) -> None:
        self._failures, self.failing_since = 0, None
        most = MOST_AT_ONCE if self._took_s < MIDDLING_S else 8 if self._took_s < SLOW_S else 4
        self._at_once = min(self._at_once + 1, most)
        if not sent.fresh:
            self.over.append((sent.event.place, sent.due_at))
            self.waiting -= 1

    def _failed(self, sent: Sending, answer: WebhookAnswer, now: float) -> None:
        self._failures += 1
        self._at_once = max(1, self._at_once // 2)
        self.failing_since = self.failing_since or now
        asked = asked_s(answer.retry_after, now)
        if self._failures >= IN_A_ROW:
            pause = min(MOST_PAUSE_S, 2.0 ** min(10, self._failures - IN_A_ROW)) * (1 + 0.1 * self._random())
            self.paused_until = max(self.paused_until, now + pause)
        if asked:
            self.paused_until = max(self.paused_until, now + asked)
        wait = wait_s(sent.tries + 1, self._random)
        if wait is not None:
            due_at = now + max(wait, asked)
            self.due_again.append(DueAgain(sent.event.place, sent.tries + 1, due_at))
            self.next_due = due_at if self.next_due is None else min(self.next_due, due_at)
            self.waiting += sent.fresh
        elif not sent.fresh:
            self.over.append((sent.event.place, sent.due_at))
            self.waiting -= 1
        if answer.status == 410:
            self.ended = "gone"
        elif now - self.failing_since >= DEAD_S:
            self.ended = "dead"

    def _move_on(self) -> None:
        while self._window:
            place = next(iter(self._window))
            if not self._window[place]:
                return
            del self._window[place]
            self.done_to = place
        self.done_to = self.read_to
