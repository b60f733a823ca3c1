"""Did this person leave? Asked by whoever would record a consent: hand, lists, forms, the API (R8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.people import erased
from relay.people.standing import standing
from relay.store.contract import Tx
from relay.values import left

if TYPE_CHECKING:
    from relay.keys.secrets import Secrets


def left_at(conn: Tx, secrets: Secrets, tenant_id: int, canonical: str, topic: str) -> float | None:
    """When the mailbox's owner last ended the tenant's topic, under any spelling; None if it stands open.

    The rule is ``relay.values.left``'s, and the facts are those that RCPT asks; who was erased has left too, which RCPT
    needn't know: no consent is left.
    """
    end = left.left_at(standing(conn, tenant_id, canonical, "", ends=True), topic)
    gone = erased.find(conn, secrets, tenant_id, canonical)
    if gone is None:
        return end
    return gone.at if end is None else max(end, gone.at)
