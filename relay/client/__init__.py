"""A client for applications in Python: send by the relay's API, hear what became of it.

In: messages as keyword arguments. Out: what the relay said, typed, or an error that says what to do. Repeats on 429,
5xx and lost connections are safe, for each carries an ``Idempotency-Key``. It knows nothing of the relay's insides and
imports none of them; ``pip install 'relay-smtp[client]'`` brings httpx.

>>> from relay.client import RelayClient
>>> with RelayClient("https://relay.example.com", "rt_…") as relay:
...     sent = relay.send(sender="Shop <news@shop.example>", to="ann@example.com", subject="Hi", text="Hello.")
...     print(sent.id, sent.refused)
"""

from relay.client.faults import (
    BadWebhook,
    ClientFault,
    ProblemAnswer,
    RelayUnreachable,
    TokenRefused,
    TooFast,
)
from relay.client.later import AsyncRelayClient
from relay.client.now import RelayClient
from relay.client.said import EventHeard, MessageTaken, PageHeard, RefusalHeard
from relay.client.webhook import verify_webhook

__all__ = [
    "AsyncRelayClient",
    "BadWebhook",
    "ClientFault",
    "EventHeard",
    "MessageTaken",
    "PageHeard",
    "ProblemAnswer",
    "RefusalHeard",
    "RelayClient",
    "RelayUnreachable",
    "TokenRefused",
    "TooFast",
    "verify_webhook",
]
