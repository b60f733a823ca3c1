"""A test of a webhook: one request now, whose answer the asker waits for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relay.values.errors import RegistryError
from relay.webhooks.address import address_of
from relay.webhooks.book import WebhookRow
from relay.webhooks.call import call, sample
from relay.webhooks.client import WebhookAnswer, WebhookClient
from relay.webhooks.turn import SigningKeys


@dataclass(frozen=True, slots=True)
class Callout:
    """How tests are made by the settings."""

    client: Callable[[], WebhookClient]
    allow_private: bool


async def try_out(
    client: WebhookClient, row: WebhookRow, keys: SigningKeys, allow_private: bool, now: float
) -> WebhookAnswer:
    """What the server says to an event that never happened; the client is closed."""
    try:
        address = address_of(row.url, allow_private=allow_private)
        return await call(client, address, keys, sample(now), now)
    except RegistryError as error:  # stored when the settings allowed more
        return WebhookAnswer(0, str(error))
    finally:
        client.close()
