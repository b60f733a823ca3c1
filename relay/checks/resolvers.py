"""The name servers that deliveries ask: whether each answers, tells what doesn't exist, and agrees with the others."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence

from config.names import split_listen
from config.settings import Settings
from relay.checks.result import CheckResult, bad, warn
from relay.delivery.smtp.answer import DnsAnswer, Found, Missing, Unsure
from relay.delivery.smtp.nameserver import Nameserver
from relay.delivery.smtp.resolve import endpoints

_LOOPBACK = ("127.", "::1", "localhost")


def check_private(settings: Settings) -> list[CheckResult]:
    """Whether recipients' domains may lead deliveries inside although strangers or tenants reach this relay."""
    listen = settings.listen
    public = [
        text
        for text in (*listen.submission, *listen.submissions, *listen.inbound)
        if not split_listen(text).host.startswith(_LOOPBACK)
    ]
    if not settings.delivery.allow_private or not public:
        return []
    return [
        warn(
            "delivery",
            f"allow_private is true and {public[0]} is open to others, who could have the relay connect inside",
            "set delivery.allow_private = false; name inside servers in delivery.routes",
        )
    ]


def check_named(settings: Settings) -> list[CheckResult]:
    """Whether there is any name server to ask; nothing if there is."""
    if endpoints(settings.dns.nameservers):
        return []
    todo = "set dns.nameservers, or name one in /etc/resolv.conf"
    if settings.delivery.smart_host:
        return [warn("name servers", "there is none: records can't be checked", todo)]
    return [bad("name servers", "there is none: no mail can be delivered", todo)]


def check_resolvers(settings: Settings) -> list[CheckResult]:
    """What is wrong with each name server, and whether they disagree; nothing if all is well."""
    servers = [
        Nameserver(host, port, settings.dns.timeout / 3, time.monotonic)
        for host, port in dict.fromkeys(endpoints(settings.dns.nameservers))
    ]
    nowhere = f"{secrets.token_hex(8)}.invalid"  # RFC 6761 §6.4: doesn't exist, and never will
    told = asyncio.run(_ask(servers, nowhere, settings.server.hostname, settings.dns.timeout))
    rows = [row for server, answers in zip(servers, told, strict=True) for row in _faults(server, answers[0])]
    own = {_meaning(answers[1]) for answers in told} - {""}
    if len(own) > 1:
        detail = f"they don't agree about {settings.server.hostname}: {'; '.join(sorted(own))}"
        rows.append(warn("name servers", detail, "use servers that know the same; mail waits where they don't"))
    return rows


async def _ask(servers: Sequence[Nameserver], nowhere: str, hostname: str, limit_s: float) -> list[list[DnsAnswer]]:
    async def both(server: Nameserver) -> list[DnsAnswer]:
        return list(
            await asyncio.gather(*(server.ask(name, kind, limit_s) for name, kind in ((nowhere, "A"), (hostname, "A"))))
        )

    return list(await asyncio.gather(*(both(server) for server in servers)))


def _faults(server: Nameserver, answer: DnsAnswer) -> list[CheckResult]:
    what = f"name server {server}"
    if isinstance(answer, Found):
        detail = f"gives {answer.records[0][1]} for names that don't exist"
        return [bad(what, detail, "use another one in dns.nameservers: mail to mistyped domains would go there")]
    if isinstance(answer, Unsure):
        return [warn(what, f"can't tell that a name doesn't exist: {answer.why}", "mend it, or take it out")]
    return []


def _meaning(answer: DnsAnswer) -> str:
    if isinstance(answer, Found):
        return ", ".join(sorted(address for _, address in answer.records))
    return "no address" if isinstance(answer, Missing) else ""
