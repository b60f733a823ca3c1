"""Figures of a campaign that take a walk over what waits: where that is long, a count is kept (``kept``)."""

from __future__ import annotations

from relay.campaigns import figures
from relay.campaigns.campaigns import Campaign
from relay.web.inside import kept
from relay.web.inside.gate import PageRequest


def deferred(asked: PageRequest, row: Campaign) -> int:
    """Its copies that wait for a retry: all that its tenant has waiting is walked for them."""
    storage = asked.context.storage

    def count() -> int:
        with storage.read() as conn:
            return figures.deferred_of(conn, row)

    return kept.counted(("deferred", str(asked.context.settings.stored), row.id, row.state), count).found
