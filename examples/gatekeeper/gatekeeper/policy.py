"""Asks a small TCP service about each recipient, each message, and each copy right before it is sent.

One line each way: ``recipient TENANT ADDRESS``, ``message TENANT HOST HOST …``
(whither its links lead) or ``copy TENANT ADDRESS`` goes out; ``ok``,
``no TEXT``, ``later TEXT`` or ``hold SECONDS TEXT`` comes back. Whatever else
happens (nobody listens, no answer in time, nonsense) raises, and the relay
makes that ``451 4.3.0``: what can't be asked is never let through.

    [policies]
    order = ["sender_identity", "consent", "gatekeeper", "quota", "rate", "unsubscribe_footer", "staged_sending"]

    [policy.gatekeeper]
    host = "127.0.0.1"
    port = 4711
    timeout = 5
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from relay.mail.status import refusal, temporary
from relay.pipeline.contract import (
    PASS,
    BasePolicy,
    Defer,
    Hold,
    Message,
    MessageVerdict,
    QueueEntry,
    Reject,
    Transaction,
    Verdict,
)
from relay.values.facts import Recipient

MOST_OCTETS = 1000
"""Of an answer: what a service says is as little to be trusted as anything from outside."""


class Policy(BasePolicy):
    name = "gatekeeper"
    reads_content = True

    def __init__(self, settings: Mapping[str, object]) -> None:
        host, port, timeout = (settings.get(key) for key in ("host", "port", "timeout"))
        if not isinstance(host, str) or not host:
            raise ValueError("host must be a name or an address")
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65_536:
            raise ValueError("port must be a number from 1 to 65535")
        if timeout is None:
            timeout = 5
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 30:
            raise ValueError("timeout must be seconds, more than 0 and 30 at most")
        unknown = sorted(set(settings) - {"host", "port", "timeout"})
        if unknown:
            raise ValueError(f"unknown key {unknown[0]} (there are: host, port, timeout)")
        self._host, self._port, self._timeout_s = host, port, float(timeout)

    async def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        return await self._ask(f"recipient {txn.tenant.name} {rcpt.canonical}", txn.now)

    async def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        hosts = {urlsplit(link.url).hostname or "" for link in msg.content.links if link.url.startswith("http")}
        return await self._ask(f"message {txn.tenant.name} {' '.join(sorted(hosts))}".rstrip(), txn.now)

    async def on_release(self, entry: QueueEntry) -> Verdict:
        return await self._ask(f"copy {entry.tenant.name} {entry.canonical}", entry.now)

    async def _ask(self, question: str, now: float) -> Verdict:
        async with asyncio.timeout(self._timeout_s):
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=MOST_OCTETS)
            try:
                writer.write(f"{question}\n".encode())
                line = await reader.readline()
            finally:
                writer.close()
        word, _, rest = line.decode().strip().partition(" ")
        match word:
            case "ok":
                return PASS
            case "no":
                return Reject(refusal("gatekeeper", rest))
            case "later":
                return Defer(temporary(50, 7, 1, f"gatekeeper: {rest}"))
            case "hold":
                seconds, _, why = rest.partition(" ")
                return Hold(f"gatekeeper: {why}", now + float(seconds))
        raise ValueError(f"the gatekeeper answered {line[:80]!r}")
