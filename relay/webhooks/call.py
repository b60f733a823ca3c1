"""One event as a signed request."""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from relay.events import details
from relay.webhooks.address import WebhookAddress
from relay.webhooks.client import WebhookAnswer, WebhookClient
from relay.webhooks.keys import WebhookKey, signatures

TEST: Final = "webhook.test"
"""Type of what ``relay webhook test`` sends; nothing has happened."""


async def call(
    client: WebhookClient,
    address: WebhookAddress,
    keys: Sequence[tuple[WebhookKey, float | None]],
    members: Mapping[str, Any],
    now: float,
) -> WebhookAnswer:
    """Send it; ``now`` in seconds UTC is when, which the signature covers."""
    body = details.encoded(members)
    timestamp, id_ = int(now), str(members["id"])
    live = [key for key, ends_at in keys if ends_at is None or ends_at > now]
    headers = (
        ("webhook-id", id_),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", signatures(live, id_, timestamp, body)),
    )
    return await client.post(address, headers, body)


def sample(now: float) -> dict[str, Any]:
    """What a test sends: the shape of any event, and a type that none has."""
    return {
        "id": f"evt_test_{random.token_hex(8)}",
        "type": TEST,
        "at": details.moment(now),
        "message": None,
        "recipient": None,
        "stream": None,
        "topic": None,
        "campaign": None,
        "tag": None,
        "meta": {},
        "detail": {"test": True},
    }
