"""Refusals kept in memory for a moment and written together, so that no reply waits for them.

What a process that is killed had not written yet, a second's worth, is lost:
nothing was promised of these messages but that they were refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from relay.campaigns import refusals
from relay.campaigns.refusals import DAY_S, Refusal
from relay.mail.status import Status
from relay.pipeline.contract import Message, Transaction
from relay.queue.values import NewSubmission
from relay.store.contract import Tx

EVERY_S: Final = 1.0
RCPT: Final = "rcpt"
DATA: Final = "data"
API: Final = "api"
"""When a recipient was refused."""
MOST_KEPT: Final = 2_000
"""In memory; of what comes faster only the numbers are kept."""

_log = logging.getLogger("relay.accept")


class RefusalBuffer:
    """Use from the loop's thread. ``submit`` writes one unit of work, some time."""

    def __init__(self, submit: Callable[[Callable[[Any], None]], asyncio.Future[None]]) -> None:
        self._submit = submit
        self._kept: list[Refusal] = []
        self._more: Counter[tuple[int, int, str]] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def note(
        self,
        txn: Transaction,
        recipient: str,
        status: Status,
        moment: str,
        message: Message | NewSubmission | None = None,
    ) -> None:
        """Remember one recipient; what is only deferred comes again and is no refusal.

        ``moment``: ``RCPT``, ``DATA`` or ``API``; ``message``: where it was read.
        """
        if not status.permanent:
            return
        code, stream_topic = code_of(status), "" if txn.stream.topic == "*" else txn.stream.topic
        if len(self._kept) < MOST_KEPT:
            self._kept.append(
                Refusal(
                    txn.tenant.id,
                    txn.stream.id,
                    txn.stream.name,
                    txn.now,
                    moment,
                    recipient[:320],
                    code,
                    status.reply,
                    campaign="" if message is None else message.campaign,
                    topic=stream_topic if message is None else message.topic,
                    tag="" if message is None else message.tag,
                    meta={} if message is None else message.meta,
                )
            )
        else:
            self._more[(txn.tenant.id, int(txn.now // DAY_S), code)] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self.flush)

    def flush(self) -> None:
        """Hand over what is kept."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._kept and not self._more:
            return
        batch, more = self._kept, self._more
        self._kept, self._more = [], Counter()

        def work(conn: Tx) -> None:
            refusals.write(conn, batch, more)

        try:
            self._submit(work).add_done_callback(_ended)
        except Exception:
            _log.warning("%d refusals could not be recorded", len(batch) + more.total(), exc_info=True)


def code_of(status: Status) -> str:
    """The word of a policy's refusal, else the enhanced status code."""
    word, colon, _ = status.text.partition(": ")
    return word if colon and word.replace("-", "").isalpha() and word.islower() and len(word) < 30 else status.enhanced


def _ended(done: asyncio.Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.warning("refusals could not be recorded: %s", error)
