"""A tenant's facts as policies see them, kept for a few milliseconds.

Every MAIL and every re-check asks for them; what changes with each message is
the counters. Own commits are added here at once, those of other processes are
seen when the figures are read again; the commit checks all limits anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from relay.ledger import quota
from relay.store.contract import Tx
from relay.tenants.snapshot import Snapshot
from relay.values.facts import Tenant, Usage

FRESH_S: Final = 0.02
MOST_TENANTS: Final = 10_000


@dataclass(slots=True)
class _Kept:
    tenant: Tenant
    usage: Usage | None
    version: int
    until: float


class Facts:
    """Use from the loop's thread; ``conn`` is for look-ups only."""

    def __init__(self, conn: Tx, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._conn = conn
        self._monotonic = monotonic
        self._kept: dict[int, _Kept] = {}

    def tenant(self, snapshot: Snapshot, tenant_id: int, now: float) -> Tenant:
        """As of ``now`` (seconds UTC), or a moment before. Raises KeyError for an id that is not there."""
        return self._fresh(snapshot, tenant_id, now).tenant

    def usage(self, snapshot: Snapshot, tenant_id: int, now: float) -> Usage:
        """What the tenant has used of its plan's running period."""
        kept = self._fresh(snapshot, tenant_id, now)
        if kept.usage is None:
            kept.usage = quota.usage(self._conn, tenant_id, kept.tenant.allowance.period)
        return kept.usage

    def _fresh(self, snapshot: Snapshot, tenant_id: int, now: float) -> _Kept:
        kept = self._kept.get(tenant_id)
        moment = self._monotonic()
        if kept is None or kept.until < moment or kept.version != snapshot.version:
            if len(self._kept) >= MOST_TENANTS:
                self._kept.clear()
            kept = self._kept[tenant_id] = _Kept(
                snapshot.tenant(tenant_id, now), None, snapshot.version, moment + FRESH_S
            )
        return kept

    def counted(self, tenant_id: int, amounts: Mapping[str, int]) -> None:
        """Counters that a commit of this process has moved on."""
        kept = self._kept.get(tenant_id)
        if kept is None or kept.usage is None:
            return
        period = kept.tenant.allowance.period
        kept.usage = replace(
            kept.usage,
            messages=kept.usage.messages + amounts.get(quota.messages_counter(period), 0),
            subscribers=kept.usage.subscribers + amounts.get(quota.subscribers_counter(period), 0),
        )
