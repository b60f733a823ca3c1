"""From a Postal: what its database says, as domains with their keys, log-ins, tokens, webhooks and suppressions."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from shlex import quote
from typing import Final, NamedTuple

from relay.mail.address import AddressError, parse_address
from relay.takeover.plan import (
    CarriedDomain,
    CarriedLogin,
    CarriedSuppression,
    CarriedToken,
    CarriedWebhook,
    TakeoverPlan,
)
from relay.takeover.postal_settings import PostalSettings, carry_settings, read_settings
from relay.takeover.postal_tables import COLUMNS, PostalServer, chosen, suppressions_of
from relay.takeover.table_files import Row, Tables, read_tables
from relay.values.prose import how_many

EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "MessageSent": ("delivered",),
    "MessageDelayed": ("deferred",),
    "MessageDeliveryFailed": ("bounced", "expired"),
    "MessageHeld": ("held",),
    "MessageBounced": ("bounced",),
    "MessageLinkClicked": ("clicked",),
    "MessageLoaded": ("opened",),
    "DomainDNSError": ("domain.failing",),
    "SendLimitApproaching": ("quota.near",),
    "SendLimitExceeded": ("quota.near",),
}
"""Its events, and ours of that meaning."""
REASONS: Final = {"too many hard fails": "hard-bounce"}
"""Its words for which ours is not ``hand``."""


class PostalWishes(NamedTuple):
    """What a person says beside the files."""

    server: str = ""
    usernames: Mapping[str, str] = {}
    """By name of a credential: what its application logs in as."""
    webhooks: bool = False
    """Whether they are made, though what they are told looks different."""
    dkim_identifier: str = ""


def read_postal(paths: Iterable[Path], wishes: PostalWishes, now: float) -> TakeoverPlan:
    """Of one mail server. Raises TakeoverError where the files are none of a Postal's, or it isn't clear which."""
    given = list(paths)
    inside = [one for path in given if path.is_dir() for one in sorted(path.iterdir())]
    settings = [path for path in [*given, *inside] if path.suffix in (".yml", ".yaml")]
    tables = read_tables((path for path in given if path not in settings), COLUMNS)
    plan, server = TakeoverPlan(), chosen(tables, wishes.server)
    told = read_settings(settings)
    carry_settings(plan, told)
    if server is not None:
        _server(plan, tables, server)
        _domains(plan, tables, server, told, wishes.dkim_identifier)
        _credentials(plan, tables, server, wishes.usernames)
        _webhooks(plan, tables, server, wishes.webhooks)
        _left(plan, tables, server)
    _suppressions(plan, tables, server, now)
    plan.look(
        "consent",
        "Postal knows of none: bulk mail needs that of each person, `relay consent import` with where it is from, or"
        " a form that asks; mail that needs none goes by a transactional stream",
    )
    return plan


def _server(plan: TakeoverPlan, tables: Tables, server: PostalServer) -> None:
    if server.limit:
        plan.look("send limit", f"{server.name} sent {server.limit} an hour at most: plans set that, `relay plan`")
    members = {row["user_id"]: row for row in tables.rows("organization_users")
               if row["organization_id"] == server.organization_id}  # fmt: skip
    for user in tables.rows("users"):
        if user["id"] in members and user["email_address"]:
            email = user["email_address"]
            text = (
                f"passwords of people aren't taken over: `relay user add {quote(email)} --tenant TENANT --role owner`"
            )
            plan.look(f"user {email}", text)
    waiting = sum(1 for row in tables.rows("queued_messages") if row["server_id"] == server.id)
    if waiting:
        text = f"{how_many(waiting, 'message')} in its queue: let Postal send them, before it ends"
        plan.look("queue", text)


# --- domains -------------------------------------------------------------------------------------------------


def _domains(plan: TakeoverPlan, tables: Tables, server: PostalServer, told: PostalSettings, identifier: str) -> None:
    stem = identifier or told.dkim_identifier or "postal"
    mine = [row for row in tables.rows("domains") if row["name"] and _owned(row, server)]
    for row in mine:
        what, name = f"domain {row['name']}", row["name"] or ""
        source = "domain of the organization" if row["owner_type"] == "Organization" else "domain"
        if row["outgoing"] == "0":
            plan.left(what, "was for incoming mail alone")
            continue
        if row["owner_type"] == "Organization":
            text = f"all servers of {server.organization} sent from it; here a domain is one tenant's"
            plan.look(what, text)
        if row["use_for_any"] == "1":
            plan.look(what, "stood in for senders of any domain: here each domain of From: is added and proved")
        if row["dkim_private_key"] and row["dkim_identifier_string"]:
            selector = f"{stem}-{row['dkim_identifier_string']}"
            plan.domains.append(CarriedDomain(name, selector, row["dkim_private_key"].encode(), source))
        else:
            plan.domains.append(CarriedDomain(name, "", b"", source))
    if mine and not (identifier or told.dkim_identifier):
        plan.look(
            "dkim_identifier",
            "selectors are read as postal-…: where Postal's settings name another, give its postal.yml too, or"
            " --dkim-identifier",
        )


def _owned(row: Row, server: PostalServer) -> bool:
    if row["owner_type"] == "Organization":
        return row["owner_id"] == server.organization_id
    return (row["owner_id"] if row["owner_type"] else row["server_id"]) == server.id


# --- who may send ----------------------------------------------------------------------------------------------


def _credentials(plan: TakeoverPlan, tables: Tables, server: PostalServer, usernames: Mapping[str, str]) -> None:
    mine = [row for row in tables.rows("credentials") if row["server_id"] == server.id and row["key"]]
    mine.sort(key=lambda row: row["last_used_at"] or "", reverse=True)
    used: set[str] = {*usernames.values()}
    for row in mine:
        what, name, kind = f"{row['type']} credential {row['name']}", row["name"] or "", row["type"]
        if server.idle:
            plan.left(what, f"nothing was sent by {server.name}: {server.idle}")
        elif row["hold"] == "1":
            plan.left(what, "its mail was held, each message until a person let it go")
        elif kind == "SMTP":
            _login(plan, CarriedLogin(_username(plan, row, server, usernames, used), row["key"] or "", what))
        elif kind == "API":
            plan.tokens.append(CarriedToken(_unused(_slug(f"postal-{name}"), {one.name for one in plan.tokens}), what))
        elif kind == "SMTP-IP":
            _network(plan, what, row["key"] or "")
        else:
            plan.left(what, "is of no kind that is known")
    for name in usernames.keys() - {row["name"] for row in mine if row["type"] == "SMTP"}:
        plan.look(f"--login {name}", "there is no SMTP credential of that name")
    if plan.logins:
        names = ", ".join(dict.fromkeys(login.username for login in plan.logins))
        plan.look(
            "log-in",
            f"Postal took any user name with the right key: here it is {names}, over TLS at port 587 or 465, by PLAIN"
            " or LOGIN; --login 'CREDENTIAL=USERNAME' names what an application says",
        )
    if plan.tokens:
        plan.look(
            "API", "requests look different here (`docs/HTTP.md`), and a new token goes into Authorization: Bearer"
        )


def _login(plan: TakeoverPlan, login: CarriedLogin) -> None:
    if any(one.username == login.username for one in plan.logins):
        text = (
            f"{login.username} is another credential's already: its key isn't taken, `relay credential add` makes one"
        )
        plan.look(login.source, text)
    else:
        plan.logins.append(login)


def _username(plan: TakeoverPlan, row: Row, server: PostalServer, usernames: Mapping[str, str], used: set[str]) -> str:
    """That which Postal shows goes to the credential that was used last; its others need one of their own."""
    name = row["name"] or ""
    if name in usernames:
        return usernames[name]
    if server.name not in used:
        used.add(server.name)
        return server.name
    own = _unused(f"{server.name}/{_slug(name)}", used)
    used.add(own)
    plan.look(f"SMTP credential {name}", f"{server.name} names one log-in only: set {own} in its application")
    return own


def _unused(stem: str, used: set[str]) -> str:
    return next(
        name for name in (stem, *(f"{stem}-{number}" for number in range(2, len(used) + 3))) if name not in used
    )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "unnamed"


def _network(plan: TakeoverPlan, what: str, key: str) -> None:
    try:
        network = ipaddress.ip_network(key.strip(), strict=False)
    except ValueError:
        plan.look(what, f"{key[:40]!r} is no network: make it a credential with `relay credential add --ip CIDR`")
        return
    if network.prefixlen == 0:
        plan.left(what, "all the world: an open relay is not taken over")
    elif network.is_loopback:
        plan.look(what, "programs on this machine log in too: give them a credential and port 587")
    else:
        plan.networks.append((str(network), what))


# --- the rest ------------------------------------------------------------------------------------------------


def _webhooks(plan: TakeoverPlan, tables: Tables, server: PostalServer, make: bool) -> None:
    for row in tables.rows("webhooks"):
        if row["server_id"] != server.id:
            continue
        what, url = f"webhook {row['name']}", row["url"] or ""
        if row["enabled"] == "0":
            plan.left(what, f"{url} was switched off")
            continue
        chosen_ = [one["event"] or "" for one in tables.rows("webhook_events") if one["webhook_id"] == row["id"]]
        named = () if row["all_events"] == "1" else chosen_
        types = tuple(dict.fromkeys(ours for theirs in named for ours in EVENTS.get(theirs, ())))
        if make and (types or row["all_events"] == "1"):
            plan.webhooks.append(CarriedWebhook(url, types, what))
            continue
        events = f" --events {','.join(types)}" if types else ""
        text = (
            f"what it is told looks different here (docs/WEBHOOKS.md): `relay webhook add TENANT {quote(url)}{events}`"
        )
        plan.look(what, f"{text}, or --webhooks" if types or row["all_events"] == "1" else f"{url} was told of nothing")


def _left(plan: TakeoverPlan, tables: Tables, server: PostalServer) -> None:
    names = {row["id"]: row["name"] or "" for row in tables.rows("domains")}
    for row in tables.rows("routes"):
        if row["server_id"] != server.id:
            continue
        if row["name"] == "__returnpath__":
            plan.left("route of bounces", "bounces are read here: events and webhooks tell of them")
        else:
            text = "incoming mail isn't handed on: leave its MX with Postal, or give it to another server"
            plan.left(f"route {row['name']}@{names.get(row['domain_id'], '?')}", text)
    for row in tables.rows("track_domains"):
        if row["server_id"] == server.id:
            host = f"{row['name']}.{names.get(row['domain_id'], '?')}"
            plan.look(
                f"track domain {host}",
                "links of mail that Postal sent lead there: keep it as long as they are followed",
            )
    sources = [ip for row in tables.rows("ip_addresses") for ip in (row["ipv4"], row["ipv6"]) if ip]
    if sources:
        plan.look("IP addresses", f"it sent from {', '.join(sources)}: set [delivery] source_addresses")


def _suppressions(plan: TakeoverPlan, tables: Tables, server: PostalServer | None, now: float) -> None:
    rows, untold = suppressions_of(tables, server)
    if server is not None and "suppressions" not in tables.found:
        text = f"not among the files: Postal keeps them in a database of their own, postal-server-{server.id}"
        plan.look("suppressions", text)
    if untold and server is not None:
        plan.look("suppressions", f"their file doesn't tell whose they are: they are taken as those of {server.name}")
    over = 0
    for row in rows:
        address = (row["address"] or "").strip()
        reason, since, until = row["reason"] or "no reason given", _number(row["timestamp"]), _number(row["keep_until"])
        if until is not None and until < now:
            over += 1
            continue
        if row["type"] not in (None, "recipient"):
            plan.left(f"suppression {address}", f"{row['type']} suppressions aren't known here")
            continue
        try:
            parse_address(address)
        except AddressError as error:
            plan.left(f"suppression {address[:60]!r}", f"is no address: {error}")
            continue
        carried = CarriedSuppression(address, REASONS.get(reason, "hand"), f"Postal: {reason}"[:200],
                                     since if since is not None and since <= now else None)  # fmt: skip
        plan.suppressions.append(carried)
    if over:
        plan.left("suppressions", f"{over} had ended there already (Postal forgets them after 30 days)")


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,12}(\.\d+)?", text) else None
