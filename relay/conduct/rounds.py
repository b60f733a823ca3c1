"""The daily rounds: contacts that are due, domains; and statements for campaigns, every few seconds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from relay.conduct import campaign_statements, contact, domain_watch
from relay.keys.secrets import Secrets
from relay.queue.operator import Operator
from relay.queue.thaw import thaw
from relay.store.chores import turns
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.store.engines import StoreAddress
from relay.store.kept import KeptConnection
from relay.tenants import tenants
from relay.tenants.lookup import LookupFailed, RecordLookup, resolver

if TYPE_CHECKING:
    from config.settings import Settings

_log = logging.getLogger("relay.conduct")

EVERY_S: Final = 5.0
AGAIN_S: Final = 30.0
CONTACTS_S: Final = 6 * 3600.0
"""Contacts are looked at so often; what is due within them is counted in days."""
DOMAINS_S: Final = 60.0
"""Whether a domain is due."""


class Rounds:
    """Use its turns from one thread at a time; by one process of a relay. ``lookup`` None: by the settings."""

    def __init__(
        self,
        path: StoreAddress,
        settings: Settings,
        secrets: Secrets,
        clock: Callable[[], float],
        lookup: RecordLookup | None = None,
    ) -> None:
        self._kept = KeptConnection(path)
        self._settings = settings
        self._secrets = secrets
        self._operator = Operator.of(settings)
        self._clock = clock
        self._lookup = lookup
        self._contacts_at = self._domains_at = 0.0

    async def run(self) -> None:
        """Until cancelled; a turn that is begun is ended."""
        fault = "contacts and domains can't be looked at, trying again"
        await turns(self._kept, self.turn, every_s=EVERY_S, again_s=AGAIN_S, log=_log, fault=fault)

    def turn(self) -> None:
        """What is due now."""
        with self._kept.use() as conn:
            now = self._clock()
            if campaign_statements.missing(conn, now):
                with transaction(conn):
                    campaign_statements.write(conn, self._operator, now)
            if not 0 <= now - self._contacts_at < CONTACTS_S:
                self._contacts(conn, now)
                self._contacts_at = now
            if not 0 <= now - self._domains_at < DOMAINS_S:
                self._domains(conn, now)
                self._domains_at = now

    def _contacts(self, conn: Tx, now: float) -> None:
        base_url = self._settings.links.base_url
        for tenant in tenants.all_tenants(conn):
            with transaction(conn):
                contact.look(conn, self._secrets, self._operator, base_url, self._settings.contacts, tenant, now)
        with transaction(conn):
            domain_watch.forget(conn)

    def _domains(self, conn: Tx, now: float) -> None:
        found = domain_watch.due(conn, self._settings.domains.every, now)
        if not found:
            return
        try:
            lookup = self._lookup or resolver(self._settings)
        except LookupFailed as error:
            _log.warning("domains can't be looked at: %s", error)
            return
        back = False
        for watched in found:
            back |= domain_watch.look(conn, self._operator, self._settings, lookup, watched, now)
        if back:
            thaw(conn, now)
