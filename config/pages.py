"""Settings of pages, links, forms, and what is told by openings and clicks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from config.kinds import (
    Count,
    MachineWord,
    NetworkName,
    Networks,
    Octets,
    OptionalDomain,
    Seconds,
    Table,
    Url,
    ValueKind,
    Wait,
    key,
)
from config.units import DAY, KIB, MIB, MINUTE


class Links(Table):
    """What recipients see: the addresses of pages and of the reverse-path."""

    base_url: Url = key(
        "", "Where recipients reach the relay's pages; empty: https:// and the hostname.", example="https://r.example"
    )
    mail_domain: OptionalDomain = key(
        "",
        "Domain of bounce and unsubscribe addresses, its MX is this relay; empty: the hostname.",
        example="r.example",
    )


class Http(Table):
    """Pages and API."""

    trusted_proxies: Networks = key(
        (), "Networks whose X-Forwarded-For and X-Forwarded-Proto are believed.", example=["127.0.0.1"]
    )
    metrics_from: Networks = key(
        ("127.0.0.0/8", "::1/128"),
        "Networks that `/metrics` and the details of `/readyz` are given to; others get 403, or the bare state.",
    )
    connections: Count = key(512, "Most connections at a time.", ge=1)
    connections_per_address: Count = key(
        128, "Most connections at a time from one address (IPv6: /64), but for the trusted proxies.", ge=1
    )


class Forms(Table):
    """Subscription forms and their confirmation mails (double opt-in)."""

    link_lifetime: Wait = key(7 * DAY, "How long the link in a confirmation mail works.")
    may_return: bool = key(
        True, "A confirmation newer than the unsubscribe lifts it; false: who left a tenant never comes back."
    )
    least_time: Seconds = key(2.0, "A form that is sent sooner after it was shown is asked for once more.")
    page_lifetime: Wait = key(DAY, "How long a page with a form can be sent; later it is asked for once more.")
    mails_wait: Seconds = key(10 * MINUTE, "Least time between two confirmation mails of one tenant to one mailbox.")
    mails_per_day: Count = key(3, "Most confirmation mails of one tenant to one mailbox in 24 hours.", ge=1)
    mails_per_day_all: Count = key(9, "Most confirmation mails to one mailbox in 24 hours, all tenants together.", ge=1)
    network_per_hour: Count = key(
        20, "Most confirmation mails an hour asked for on pages from one network (/24, /64).", ge=1
    )
    form_per_hour: Count = key(500, "Most confirmation mails an hour of one form.", ge=1)
    tenant_per_hour: Count = key(
        200, "Most confirmation mails an hour of one tenant, by pages and API, over all its forms.", ge=1
    )
    new_tenant_per_hour: Count = key(
        50, "The same of a tenant that is new: no campaign released, under 1000 bulk messages delivered.", ge=1
    )
    waiting: Count = key(
        10_000, "Most requests of one tenant that wait for their confirmation, those of removed forms too.", ge=1
    )


class Lists(Table):
    """Lists of people that are handed in on the account's pages."""

    upload_octets: Octets = key(
        50 * MIB, "Largest file; larger ones go by `relay consent import`.", ge=KIB, le=256 * MIB
    )
    keep: Wait = key(7 * DAY, "How long a file that was not taken, and the report of one that was, are kept.")


class TrackingSettings(Table):
    """Openings and clicks, of persons who agreed to it: `Relay-Track`, by message or stream."""

    consent: Literal["required", "tenant"] = key(
        "required",
        "Who is tracked: `required` only persons who agreed to it; `tenant` all but those who switched it off, where"
        " law allows that.",
    )
    tenant_hosts: bool = key(
        True,
        "Put tracked links on `links.` under the tenant's domain where that CNAME is in place; whoever answers https"
        " there needs a certificate for it.",
    )
    apart_url: Url = key(
        "",
        "Where tracked links of tenants lead without a released campaign and a host of their own; empty: base_url.",
        example="https://new.r.example",
    )
    text_links: bool = key(False, "Track links in plain text too, where readers see the addresses.")
    addresses: Literal["cut", "none"] = key(
        "cut", "What is kept of who opened or clicked from where: the network (/24, /48), or nothing."
    )
    networks: Annotated[Mapping[NetworkName, MachineWord], ValueKind("table of class", dict)] = key(
        {},
        "Own entries before the relay's table: what comes from a network is `human`, `proxy`, `prefetch`, `scanner` or"
        " `unsure`; `scanner click` for clicks alone, `proxy open` for openings.",
        example={"192.0.2.0/24": "scanner click"},
    )
    agents: Annotated[Mapping[str, MachineWord], ValueKind("table of class", dict)] = key(
        {}, "The same by words in the user agent.", example={"Acme-Gateway": "scanner"}
    )
