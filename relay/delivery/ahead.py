"""A lone copy is signed while its commit is on the way to the disk, so that it can leave the moment it may.

Only where nothing else is in memory: then a core is idle, and the signature
takes it from nobody. Under load the commits gather and this has no part.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from relay.delivery.compose import LARGE_OCTETS, Composed, Composer
from relay.mail.template import Template
from relay.queue.values import Lease, NewSubmission, Submission
from relay.registry.snapshot import Snapshot

_log = logging.getLogger("relay.delivery")


class Begun(NamedTuple):
    """A copy whose signatures are made in a thread."""

    submission_id: int
    version: int
    """Of the registry, which has the keys."""
    composed: Composed
    signatures: asyncio.Future[list[bytes]]


class Ahead:
    """Holds one copy at most; belongs to the event loop's thread."""

    def __init__(self, composer: Composer, pool: ThreadPoolExecutor) -> None:
        self._composer = composer
        self._pool = pool
        self._begun: Begun | None = None

    def begin(self, new: NewSubmission, template: Template, snapshot: Snapshot, now: float) -> None:
        """Start on the only copy of a message that is about to be committed, if all that it says is known already.

        Raises nothing: what fails here fails again, and is told, when the copy is to be sent.
        """
        subscriber_id = new.recipients[0].recipient.standing.subscriber_id
        if len(new.recipients) != 1 or subscriber_id is None or len(new.template) > LARGE_OCTETS:
            return
        self._composer.remember(new.id, template, len(new.template))
        try:
            composed = self._composed(_lease(new, subscriber_id), snapshot, now)
        except Exception as error:
            _log.debug("nothing is signed ahead: %r", error)
            return
        if composed is not None and composed.pending is not None:
            signatures = asyncio.get_running_loop().run_in_executor(self._pool, composed.pending.finish)
            self._begun = Begun(new.id, snapshot.version, composed, signatures)

    def _composed(self, lease: Lease, snapshot: Snapshot, now: float) -> Composed | None:
        message = self._composer.message(lease.submission.id)
        if message is None:
            return None
        return self._composer.compose(snapshot, message, lease, now, eight_bit=True, shared=False)

    def take(self, lease: Lease, snapshot: Snapshot, *, eight_bit: bool, shared: bool) -> Begun | None:
        """What was begun, if it is this copy, for a remote of this kind, with the keys of today."""
        begun = self._begun
        if begun is None or begun.submission_id != lease.submission.id:
            return None
        self._begun = None
        return begun if eight_bit and not shared and begun.version == snapshot.version else None

    def forget(self, submission_id: int) -> None:
        """It was not stored, or waits in the store."""
        if self._begun is not None and self._begun.submission_id == submission_id:
            self._begun = None
        self._composer.forget(submission_id)


def _lease(new: NewSubmission, subscriber_id: int) -> Lease:
    """As far as a copy's text depends on it; the real one comes from the commit."""
    fresh = new.recipients[0]
    submission = Submission(
        new.id,
        new.tenant_id,
        new.stream_id,
        None,
        new.topic,
        new.reverse_path,
        new.from_domain,
        new.message_id,
        new.accepted_at,
        new.expires_at,
        new.ret,
        new.envid,
        new.size_octets,
        "",
        new.shared,
    )
    recipient = fresh.recipient
    return Lease(submission, 0, subscriber_id, recipient.address, recipient.domain, 1, 0, 0.0, fresh.slots)
