"""The channel by mail, put together from its parts."""

from __future__ import annotations

import asyncio

from relay.delivery import sandbox
from relay.delivery.attempt import DeliveryDesk
from relay.delivery.smtp.compose import Composer
from relay.delivery.smtp.copy import MailCopy
from relay.delivery.smtp.engine import Engine
from relay.delivery.smtp.report import Reporter
from relay.delivery.smtp.signatures import Signatures
from relay.queue.values import Lease
from relay.values.sandbox import SANDBOX


class SmtpChannel:
    """``relay.delivery.channel.Channel`` by SMTP."""

    def __init__(self, engine: Engine, composer: Composer, signatures: Signatures, reporter: Reporter) -> None:
        self.engine = engine
        self._composer = composer
        self._signatures = signatures
        self.remember = composer.remember
        self.forget = composer.forget
        self.ahead = engine.ahead
        self.forgive = engine.forgive
        self.notify = reporter.__call__

    def submit(self, desk: DeliveryDesk, lease: Lease) -> None:
        if lease.domain == SANDBOX:
            sandbox.submit(desk, lease)
            return
        self.engine.submit(MailCopy(desk, lease, self._composer, self._signatures))

    async def close(self, grace_s: float, hurry: asyncio.Event) -> None:
        await self.engine.close(grace_s, hurry)
