"""Port 25 outwards: many providers close it, and then nothing is ever delivered."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Final

from config.names import split_endpoint
from config.settings import Settings
from relay.checks.result import CheckResult, bad, ok, warn
from relay.store.contract import Tx
from relay.tenants.lookup import LookupFailed, RecordLookup

CONNECT_S: Final = 5.0
_DOMAINS: Final = 3
_HOSTS: Final = 2
_LOOKED_AT: Final = 2000

Greets = Callable[[str, int], str]
"""Connects to (host, port); what went wrong, "" where the other greeted with 220."""


def check_outbound(
    settings: Settings, conn: Tx, lookup: RecordLookup, greets: Greets | None = None
) -> Iterator[CheckResult]:
    """Can other servers be reached? Asked are the smart host, or the MX of domains that there is mail for."""
    ask = greets or greeted
    what, port = "port 25 outwards", settings.delivery.port
    if settings.delivery.smart_host:
        end = split_endpoint(settings.delivery.smart_host)
        why = ask(end.host, end.port)
        told = f"{settings.delivery.smart_host}: {why or 'it greets'}"
        yield (
            bad("smart host", told, "correct [delivery] smart_host, or ask who runs it")
            if why
            else ok("smart host", told)
        )
        return
    hosts = list(_hosts(settings, conn, lookup))
    if not hosts:
        todo = "set [operator] contact, whose domain's servers are asked then"
        yield warn(what, "not tried: no domain is known that takes mail", todo)
        return
    failed = []
    for host in hosts:
        why = ask(host, port)
        if not why:
            yield ok(what, f"{host} greets")
            return
        failed.append(f"{host}: {why}")
    todo = "have your provider open port 25 outwards (and the firewall here), or set [delivery] smart_host"
    yield bad(what, "; ".join(failed), todo)


def _hosts(settings: Settings, conn: Tx, lookup: RecordLookup) -> Iterator[str]:
    """At most a few servers, of different domains."""
    rows = conn.execute(
        "SELECT domain FROM (SELECT domain FROM recipient ORDER BY submission_id DESC LIMIT ?) lately"
        " GROUP BY domain ORDER BY count(*) DESC LIMIT ?",
        (_LOOKED_AT, _DOMAINS),
    )
    domains = [str(domain) for (domain,) in rows]
    domains += [address.rpartition("@")[2] for address in settings.operator.called]
    found: list[str] = []
    for domain in dict.fromkeys(domains):
        try:
            found += [host for host in lookup(domain, "MX") if host and host != settings.server.hostname][:1]
        except LookupFailed:
            continue
        if len(found) == _HOSTS:
            break
    yield from dict.fromkeys(found)


def greeted(host: str, port: int) -> str:
    """Connect, hear the greeting, and say QUIT."""
    try:
        with socket.create_connection((host, port), CONNECT_S) as sock:
            sock.settimeout(CONNECT_S)
            line = sock.recv(512)
            sock.sendall(b"QUIT\r\n")
    except TimeoutError:
        return f"no answer within {CONNECT_S:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return "" if line.startswith(b"220") else f"it answers {line[:60].decode('ascii', 'replace').strip() or 'nothing'}"
