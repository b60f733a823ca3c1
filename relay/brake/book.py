"""What this process's clients do with their log-ins, in memory for a moment, and written down together.

A message costs a look into two tables; its content is looked at now and then,
and more often where something is unusual. Then the batch is written at once
too, so that a thief gets no further than some dozens of copies; what stays
unusual and was looked at without a finding is looked at ever more seldom.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from relay.brake.braking import Braking
from relay.brake.familiar import sample_of
from relay.brake.values import ContentSample, KnownLogin, LoginUse, PlaceUse
from relay.store.contract import Tx
from relay.values.networks import network_of

if TYPE_CHECKING:
    from relay.pipeline.contract import Message, Transaction

_log = logging.getLogger("relay.brake")

EVERY_S: Final = 2.0
AT_ONCE: Final = 20
"""Unusual copies of a log-in after which nobody waits for the time, or a GROWTH-th of those of this hour."""
GROWTH: Final = 8
SAMPLE_S: Final = 600.0
"""So often the content of a log-in is looked at while all is as ever."""
LEARNING: Final = 20
"""Samples until then are taken more often."""
LEARNING_S: Final = 5.0
MOST_UNUSUAL: Final = 12
HOUR_S: Final = 3600.0
KNOWN_S: Final = 600.0
"""How long what is known of a log-in is believed."""
MOST_LOGINS: Final = 20_000


class _Login:
    """One log-in, as this process sees it."""

    __slots__ = ("copies", "hour", "known", "known_at", "odd", "sampled_at", "unusual")

    def __init__(self) -> None:
        self.known: KnownLogin | None = None
        self.known_at = float("-inf")
        self.sampled_at = float("-inf")
        self.hour = 0
        self.copies = 0
        """Of this hour."""
        self.odd = 0
        """The unusual ones of these."""
        self.unusual: deque[tuple[float, ContentSample]] = deque(maxlen=MOST_UNUSUAL)
        """With the time of each."""

    def remember(self, sample: ContentSample, now: float) -> None:
        """What is unusual for an hour."""
        self.unusual.append((now, sample))
        while now - self.unusual[0][0] > HOUR_S:
            self.unusual.popleft()

    @property
    def unusual_now(self) -> list[ContentSample]:
        return [sample for _, sample in self.unusual]

    def counted(self, copies: int, now: float) -> int:
        hour = int(now // 3600)
        if hour != self.hour:
            self.hour, self.copies, self.odd = hour, 0, 0
        self.copies += copies
        return self.copies


class LoginBook:
    """Use from the loop's thread. ``submit`` writes one unit of work, some time, and tells what came of it."""

    def __init__(self, submit: Callable[[Callable[[Any], Any]], asyncio.Future[Any]], braking: Braking) -> None:
        self._submit = submit
        self._braking = braking
        self._logins: OrderedDict[str, _Login] = OrderedDict()
        self._uses: dict[str, LoginUse] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, txn: Transaction, login: str, message: Message, copies: int, strangers: int) -> None:
        """A message was taken with ``login`` for so many; ``strangers``: of whom the tenant had nothing yet."""
        network = network_of(txn.client)
        kept = self._login(login)
        use = self._uses.get(login)
        if use is None:
            use = self._uses[login] = LoginUse(login, txn.tenant.id)
        place = use.places.get(network)
        if place is None:
            place = use.places[network] = PlaceUse()
        place.copies += copies
        place.strangers += strangers
        total = kept.counted(copies, txn.now)
        known = kept.known
        sample = None
        if known is None or network not in known.trusted or total > known.unusual_rate:
            kept.odd += copies
            use.odd += copies
            # Without habits the content is compared with nothing.
            if len(use.unusual) < MOST_UNUSUAL and (known is None or known.settled):
                sample = sample_of(message, txn.tenant.verified_domains)
                kept.remember(sample, txn.now)
                use.unusual = kept.unusual_now
        if self._due(kept, txn.now):
            kept.sampled_at = txn.now
            use.learnt.append(sample or sample_of(message, txn.tenant.verified_domains))
        if not 0 <= txn.now - kept.known_at < KNOWN_S:
            use.refresh = True
        if use.odd >= max(AT_ONCE, kept.odd // GROWTH):
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self.flush)

    def _login(self, login: str) -> _Login:
        kept = self._logins.get(login)
        if kept is None:
            kept = self._logins[login] = _Login()
            if len(self._logins) > MOST_LOGINS:
                self._logins.popitem(last=False)
        else:
            self._logins.move_to_end(login)
        return kept

    def _due(self, kept: _Login, now: float) -> bool:
        every = LEARNING_S if kept.known is not None and kept.known.samples < LEARNING else SAMPLE_S
        return not 0 <= now - kept.sampled_at < every

    def flush(self) -> None:
        """Hand over what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._uses:
            return
        uses, self._uses = list(self._uses.values()), {}

        def work(conn: Tx) -> dict[str, KnownLogin]:
            return self._braking.look(conn, uses)

        try:
            self._submit(work).add_done_callback(self._written)
        except Exception:
            _log.warning("what %d log-ins did could not be written down", len(uses), exc_info=True)

    def _written(self, done: asyncio.Future[Any]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            _log.warning("what log-ins did could not be written down: %s", error)
            return
        for login, known in done.result().items():
            kept = self._logins.get(login)
            if kept is not None:
                kept.known, kept.known_at = known, self._braking.clock()
