"""Who left after a backup was made: what the store in its place knows of them is not undone by a restore (R9)."""

from __future__ import annotations

from typing import Final

from relay.people import consents, suppressions
from relay.store.contract import Tx
from relay.values.facts import Reason

MEANS: Final = "restore"
_SINCE: Final = (
    "SELECT s.tenant_id, s.address, p.topic_id, p.reason, p.detail, p.since_at FROM suppression p"
    " JOIN subscriber s ON s.id = p.subscriber_id WHERE p.since_at >= ? ORDER BY p.since_at"
)
_KNOWN: Final = "SELECT 1 FROM topic WHERE id = ? AND tenant_id = ?"


def carry_over(before: Tx, restored: Tx, since: float, now: float) -> int:
    """Suppressions that began since then, the persons' own word among them; how many are new there.

    Both stores are of one relay, so that ids mean the same in them. In the caller's transaction on ``restored``.
    """
    carried = 0
    for tenant_id, address, topic_id, reason, detail, at in before.execute(_SINCE, (since,)).fetchall():
        if restored.execute("SELECT 1 FROM tenant WHERE id = ?", (tenant_id,)).fetchone() is None:
            continue
        if topic_id > 0 and restored.execute(_KNOWN, (topic_id, tenant_id)).fetchone() is None:
            continue  # made since, so nobody has a consent to it there
        person = consents.subscriber(restored, tenant_id, address, now)
        if reason == Reason.UNSUBSCRIBED and topic_id >= 0:
            told = {"detail": detail}
            new = consents.withdraw(restored, tenant_id, person, topic_id=topic_id, means=MEANS, now=now, evidence=told)
        else:
            new = suppressions.add(restored, person, Reason(reason), topic_id, detail, now=now, since=at)
        carried += new
    return carried
