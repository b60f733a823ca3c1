"""Stopping one address for a tenant, on the word of a list or of a person at the desk (R8)."""

from __future__ import annotations

from relay.people import consents, suppressions
from relay.store.contract import Tx
from relay.values.facts import Reason


def suppress(
    conn: Tx,
    tenant_id: int,
    canonical: str,
    reason: Reason,
    *,
    detail: str,
    means: str,
    now: float,
    since: float | None = None,
) -> bool:
    """Suppress an address for all of the tenant's mail, known before or not; True if that is new.

    ``unsubscribed`` ends the consents too, as if the person had done it. ``since``: when another reason began, where
    that is not now; seconds UTC.
    """
    subscriber_id = consents.subscriber(conn, tenant_id, canonical, now)
    if reason is Reason.UNSUBSCRIBED:
        evidence = {"detail": detail} if detail else {}
        return consents.withdraw(
            conn,
            tenant_id,
            subscriber_id,
            topic_id=consents.EVERYTHING,
            means=means,
            now=now,
            evidence=evidence,
        )
    return suppressions.add(conn, subscriber_id, reason, detail=detail, now=now, since=since)
