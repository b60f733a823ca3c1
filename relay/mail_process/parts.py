"""What the mail process's rooms work with, made once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

from config.settings import Settings
from relay.certificates.context import Certificate
from relay.keys.secrets import Secrets
from relay.mail_process.share import Share
from relay.mail_store import MailStore
from relay.observe.steady import Steady
from relay.pipeline import registry as policy_registry
from relay.pipeline.chain import Chain
from relay.queue.nodes import own_id
from relay.queue.owners import Owners
from relay.store.thread import ready as threads
from relay.tenants.facts import Facts
from relay.tenants.snapshot import SnapshotSource


class Parts:
    """Settings, keys, the store and what is read from it, policies: what the way in and the way out both use."""

    def __init__(self, settings: Settings, share: Share, clock: Callable[[], float] = time.time) -> None:
        self.settings: Final = settings
        self.share: Final = share
        self.clock: Final = clock
        self.secrets: Final = Secrets.load(settings.secrets_file)
        self.store: Final = MailStore(settings)
        self.conn: Final = self.store.conn
        policies = policy_registry.load_from(settings)
        for policy in policies:
            policy.shared_among(share.workers)
        terms = settings.policies
        self.chain: Final = Chain(policies, wait_s=terms.wait, most_waiting=share.of(terms.most_waiting))
        self.snapshots: Final = SnapshotSource(
            self.conn, settings, self.secrets, next_round=_next_round, clock=self.clock
        )
        self.certificate: Final = Certificate.of(settings)
        cores = os.cpu_count() or 1
        # With a process for each core, a thread would only take the interpreter away from its own loop.
        self.signing_pool: Final = threads(cores, "relay-sign") if share.workers < cores else None
        self.facts: Final = Facts(self.conn)
        self.owners: Final = Owners(settings.database, node=own_id(settings.database, settings.stored))
        self.steady: Final = Steady(self.clock)


def _next_round(work: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(work)
