"""The seam between the queue's side of delivery and a way to people: mail is the first, text messages may follow.

Shared by all channels: lanes, leases, the re-check, retries, outcomes. A
channel's own: how a copy is made, an engine with sessions, what its answers
mean, and who else is told of an outcome.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from relay.delivery.attempt import DeliveryDesk
from relay.mail.template import Template
from relay.queue.values import Lease, Result
from relay.store.contract import Tx


class Channel(Protocol):
    """One for a process. ``octets``: of the encoded template; times in seconds."""

    def remember(self, submission_id: int, template: Template, octets: int) -> None:
        """A message that was just compiled: its copies come next."""

    def forget(self, submission_id: int) -> None:
        """Its last copy is done."""

    def submit(self, desk: DeliveryDesk, lease: Lease) -> None:
        """Send the copy when there is a connection for it; ``desk`` hears how it ended. Never blocks."""

    def ahead(self, domain: str) -> int | None:
        """Copies that wait for this destination, as far as it is known; None: it is left alone after failures."""

    def forgive(self) -> None:
        """Try destinations again that are being left alone."""

    async def close(self, grace_s: float, hurry: asyncio.Event) -> None:
        """Let running transactions end; what is left after the grace, or when ``hurry`` is set, is cut off."""

    def notify(self, conn: Tx, result: Result) -> None:
        """Tell the sender where that was asked for, in the outcome's transaction."""
