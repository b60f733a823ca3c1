"""Settings of the way out: DNS, delivery, webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from config.kinds import (
    Addresses,
    Count,
    Nameservers,
    OptionalFile,
    OptionalTarget,
    RouteName,
    RouteTarget,
    Seconds,
    Table,
    ValueKind,
    Wait,
    Waits,
    key,
)
from config.units import DAY, HOUR, MINUTE


class Dns(Table):
    """Look-ups."""

    nameservers: Nameservers = key((), "Resolvers to ask; empty: the system's.", example=["127.0.0.1:53"])
    timeout: Wait = key(5.0, "Longest time for one look-up, repetitions included.")


class Delivery(Table):
    """The way to the recipients' servers."""

    enabled: bool = key(True, "Deliver; false: take and queue mail only.")
    smart_host: OptionalTarget = key(
        "", "Server that takes all mail; empty: the recipients' MX.", example="smtp.example.net:587"
    )
    smart_host_user: str = key("", "User name at the smart host; empty: no AUTH.")
    smart_host_password_file: OptionalFile = key(None, "File with the password at the smart host, mode 0600.")
    routes: Annotated[Mapping[RouteName, RouteTarget], ValueKind("table of host:port", dict)] = key(
        {},
        "Servers for some domains instead of MX or smart host; `.example.com` is all below it, `*` the rest.",
        example={"example.com": "127.0.0.1:2600"},
    )
    port: int = key(25, "Port of the recipients' MX.", ge=1, le=65535)
    allow_private: bool = key(
        False, "Send to addresses of this machine and inside networks that DNS or a literal names; for trials only."
    )
    missing_wait: Wait = key(
        6 * HOUR, "How far apart two looks at least are that say that a domain doesn't exist, before mail bounces."
    )
    source_addresses: Addresses = key(
        (), "Own addresses that connections go out from; empty: the system's choice.", example=["192.0.2.10"]
    )
    retry: Waits = key(
        (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR),
        "Waits between attempts; the last one repeats.",
    )
    jitter: float = key(0.1, "Part of each wait that is random, so that retries spread.", ge=0, le=1)
    expire: Wait = key(5 * DAY, "When an undelivered copy is given up, counted from its acceptance.")
    tls: Literal["opportunistic", "required", "none"] = key(
        "opportunistic", "TLS to other servers: where offered, always, or never."
    )
    connections_per_site: Count = key(20, "Most connections to one site (a set of MX hosts).", ge=1)
    messages_per_connection: Count = key(500, "Messages after which a connection is closed.", ge=1)
    idle: Seconds = key(10.0, "How long a connection without work is kept.")
    connect_timeout: Wait = key(30.0, "Longest time to connect.")
    command_timeout: Wait = key(MINUTE, "Longest wait for a reply.")
    data_timeout: Wait = key(
        5 * MINUTE,
        "Longest time to send a message, and then to get its reply; one that the remote takes at 16 KiB a second or"
        " more has up to five times as long.",
    )
    stop_grace: Wait = key(
        2 * MINUTE,
        "How long a stop waits for the final replies of deliveries under way; a new relay may run meanwhile.",
    )
    connections: Count = key(
        1000,
        "Most connections to all sites together; not less than `inflight`, so that a tenant's slow sites, however many,"
        " leave some to the others.",
        ge=1,
    )
    inflight: Count = key(1000, "Most copies that are held in memory for delivery.", ge=1)


class Webhooks(Table):
    """Calls to tenants' own servers."""

    allow_private: bool = key(
        False, "Call plain http, this machine and inside networks too, if a tenant names them; for trials only."
    )
