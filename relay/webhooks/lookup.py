"""Names to addresses, by the relay's own resolver: the answers of ``[dns] nameservers``, cached by their TTL."""

from __future__ import annotations

from collections.abc import Sequence

from relay.delivery.smtp.answer import Found, Missing
from relay.delivery.smtp.resolve import Lookup
from relay.webhooks.client import HostNotFound


class ResolverLookup:
    """``localhost`` is this machine's (RFC 6761 §6.3), and asked of nobody."""

    def __init__(self, resolver: Lookup) -> None:
        self._resolver = resolver

    async def __call__(self, host: str) -> Sequence[str]:
        if host == "localhost":
            return ["127.0.0.1", "::1"]
        answer = await self._resolver.addresses(host)
        if isinstance(answer, Found):
            return [str(text) for _, text in answer.records]
        if isinstance(answer, Missing):
            raise HostNotFound(f"{host} has no address in DNS")
        raise HostNotFound(f"DNS doesn't answer for {host}: {answer.why}")
