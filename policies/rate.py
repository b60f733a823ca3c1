"""No tenant loads the service beyond its rate (R25a): a token bucket for each tenant.

``per_second`` copies a second on average, ``burst`` at once; 0 switches it off.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from policies.settings import PolicyTable
from relay.mail.status import temporary
from relay.pipeline.contract import PASS, BasePolicy, Defer, Transaction, Verdict
from relay.values.facts import Recipient

MOST_TENANTS = 100_000


class Policy(BasePolicy):
    name = "rate"

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        self._per_second = table.number("per_second", 0, 0, 1e9)
        self._told = self._per_second
        self._burst = table.number("burst", max(1.0, 10 * self._per_second), 1, 1e9)
        table.done()
        self._buckets: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def shared_among(self, workers: int) -> None:
        # Clients' connections spread over the mail processes.
        self._per_second /= workers
        self._burst = max(1.0, self._burst / workers)

    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        if not self._per_second:
            return PASS
        tokens, at = self._buckets.pop(txn.tenant.id, (self._burst, txn.now))
        tokens = min(self._burst, tokens + max(0.0, txn.now - at) * self._per_second)
        allowed = tokens >= 1
        self._buckets[txn.tenant.id] = (tokens - 1 if allowed else tokens, txn.now)
        if len(self._buckets) > MOST_TENANTS:
            self._buckets.popitem(last=False)
        if allowed:
            return PASS
        return Defer(temporary(50, 7, 1, f"rate: {self._told:g} copies a second are allowed, slow down"))
