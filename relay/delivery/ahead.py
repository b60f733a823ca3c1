"""A lone message is signed while its commit is on its way to the disk, so that it leaves as soon as it is accepted.

Only where a connection is idle for it: where there is a queue, the time would
be taken from somebody else. Nothing is sent before the commit; a copy whose
commit fails, or that isn't wanted any more, is thrown away.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from relay.delivery.outcome import Prepared
from relay.mail.template import Template
from relay.queue.values import Claim, Lease, NewSubmission, Submission

if TYPE_CHECKING:
    from relay.delivery.worker import Worker

MOST: Final = 16
"""Copies signed ahead; the oldest goes first."""


class _Made(NamedTuple):
    task: asyncio.Task[Prepared]
    subscriber_id: int
    version: int
    """Of the registry, whose keys it was signed with."""


class Ahead:
    """Of one worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._own = ThreadPoolExecutor(1, "relay-ahead") if worker.signing_pool is None else None
        self._pool = self._own or worker.signing_pool
        self._made: OrderedDict[int, _Made] = OrderedDict()

    def begin(self, new: NewSubmission, template: Template, claim: Claim) -> None:
        """Call it when the commit has been asked for; works behind its back."""
        if len(new.recipients) != 1:
            return
        person = new.recipients[0].recipient
        if person.standing.subscriber_id is not None and self._worker.engine.idle(person.domain):
            asyncio.get_running_loop().call_soon(self._make, new, template, claim, person.standing.subscriber_id)

    def take(self, lease: Lease, version: int) -> Prepared | Coroutine[Any, Any, Prepared] | None:
        """The copy for a lease, if it was made and still is the one that would be made now."""
        made = self._made.pop(lease.submission.id, None)
        if made is None:
            return None
        if made.version != version or made.subscriber_id != lease.subscriber_id:
            made.task.cancel()
            return None
        if not made.task.done():
            return _result(made.task)
        return None if made.task.cancelled() or made.task.exception() is not None else made.task.result()

    def drop(self, submission_id: int) -> None:
        made = self._made.pop(submission_id, None)
        if made is not None:
            made.task.cancel()

    def close(self) -> None:
        while self._made:
            self.drop(next(iter(self._made)))
        if self._own is not None:
            self._own.shutdown(wait=False, cancel_futures=True)

    def _make(self, new: NewSubmission, template: Template, claim: Claim, subscriber_id: int) -> None:
        worker = self._worker
        snapshot = worker.snapshots.current()
        try:
            message = worker.composer.remember(new.id, template, len(new.template))
            lease = lease_of(submission_of(new, None, ""), new, 0, subscriber_id, claim)
            making = worker.attempt(lease).composed(message, snapshot, True, False, self._pool)
        except Exception:
            return
        if isinstance(making, Prepared):
            return  # nothing to sign, nothing gained
        task = asyncio.get_running_loop().create_task(making)
        task.add_done_callback(_heard)
        self._made[new.id] = _Made(task, subscriber_id, snapshot.version)
        while len(self._made) > MOST:
            self.drop(next(iter(self._made)))


async def _result(task: asyncio.Task[Prepared]) -> Prepared:
    return await task


def _heard(task: asyncio.Task[Prepared]) -> None:
    """What failed is met again where the copy is made."""
    if not task.cancelled():
        task.exception()


def submission_of(new: NewSubmission, campaign_id: int | None, give_back: str) -> Submission:
    """What was accepted, as its copies share it."""
    return Submission(
        new.id,
        new.tenant_id,
        new.stream_id,
        campaign_id,
        new.topic,
        new.reverse_path,
        new.from_domain,
        new.message_id,
        new.accepted_at,
        new.expires_at,
        new.ret,
        new.envid,
        new.size_octets,
        give_back,
        new.shared,
    )


def lease_of(submission: Submission, new: NewSubmission, number: int, subscriber_id: int, claim: Claim) -> Lease:
    """A copy of what was accepted, which is delivered from memory."""
    fresh = new.recipients[number]
    recipient = fresh.recipient
    return Lease(
        submission,
        number,
        subscriber_id,
        recipient.address,
        recipient.domain,
        1,
        0,
        claim.until,
        fresh.slots,
        recipient.notify,
        recipient.orcpt,
        new.accepted_at,
        recipient.standing if recipient.standing.subscriber_id is not None else None,
        new.standing_version,
    )
