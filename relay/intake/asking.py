"""What both doors, SMTP and the API, ask of the store before the policies are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.mail.status import Status, permanent
from relay.people import consents, erased
from relay.store.contract import Tx
from relay.values.facts import Freeze, Kind, Standing, Stream, Tenant, Usage

if TYPE_CHECKING:
    from relay.keys.secrets import Secrets


def stream_frozen(tenant: Tenant, stream: Stream) -> bool:
    return tenant.freeze is Freeze.ALL or (tenant.freeze is Freeze.BULK and stream.kind is Kind.BULK)


def frozen(tenant: Tenant) -> Status:
    reason = tenant.freeze_reason or "ask the administrator"
    return permanent(25, 7, 13, f"frozen: {reason}")


def period_near_limit(tenant: Tenant, usage: Usage, recipients: int) -> str:
    """The plan's period if so many more recipients could pass its limit of different subscribers; else ``""``."""
    limit = tenant.allowance.subscribers
    near = limit is not None and usage.subscribers + recipients > limit
    return tenant.allowance.period if near else ""


def standing_of(conn: Tx, secrets: Secrets, tenant_id: int, canonical: str, period: str) -> Standing:
    """What is known of the person, erased or not."""
    standing = consents.standing(conn, tenant_id, canonical, period)
    if standing.subscriber_id is None:
        standing = erased.standing(conn, secrets, tenant_id, canonical, standing)
    return standing
