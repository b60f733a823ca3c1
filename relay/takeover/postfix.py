"""From a machine with Postfix: what its files say, as settings, networks, log-ins and suppressions of the relay's."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from config.settings import Settings
from relay.mail.address import AddressError, parse_address
from relay.takeover.logins import find_logins
from relay.takeover.main_cf import PORTS, MainCf, read, services, tables
from relay.takeover.opendkim import find_keys
from relay.takeover.plan import CarriedSuppression, TakeoverError, TakeoverPlan

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NOT_OURS: Final = {
    "virtual_alias_maps": "forwarding addresses is no work of a relay's: keep Postfix for it",
    "virtual_mailbox_domains": "mailboxes stay with Postfix or another server",
    "virtual_mailbox_maps": "mailboxes stay with Postfix or another server",
    "alias_maps": "local mail stays with Postfix",
    "mailbox_command": "local mail stays with Postfix",
    "mailbox_transport": "local mail stays with Postfix",
    "content_filter": "what it did, policies do: `relay policies`, [policy.rspamd], [policy.clamav]",
    "header_checks": "patterns aren't taken over; [policy.forbidden_content] and policies of your own judge content",
    "body_checks": "patterns aren't taken over; [policy.forbidden_content] and policies of your own judge content",
    "smtp_header_checks": "what leaves is not rewritten by patterns here",
    "sender_dependent_relayhost_maps": "the way out doesn't depend on the sender here",
    "sender_dependent_default_transport_maps": "the way out doesn't depend on the sender here",
    "smtp_generic_maps": "senders aren't rewritten: applications name one of their verified domains",
    "sender_canonical_maps": "senders aren't rewritten: applications name one of their verified domains",
    "canonical_maps": "addresses aren't rewritten",
    "always_bcc": "no copies are kept; events and `relay trace` tell what became of each message",
    "smtpd_sender_login_maps": "a log-in sends from the verified domains of its tenant, which is the same or stricter",
}


def read_postfix(root: Path, settings: Settings, logins: tuple[str, ...] = ()) -> TakeoverPlan:
    """``root``: of that machine, ``/`` for this one. Raises TakeoverError where there is no Postfix."""
    plan = TakeoverPlan()
    folder = root / "etc" / "postfix"
    if not (folder / "main.cf").exists():
        raise TakeoverError(f"{folder}/main.cf is not there: --root names the root of a machine with Postfix")
    given = MainCf(read(folder / "main.cf"))
    for step in _STEPS:
        step(plan, given, settings, root)
    if (folder / "master.cf").exists():
        _ports(plan, read(folder / "master.cf"), settings)
    find_logins(plan, root, logins)
    find_keys(plan, root)
    plan.look("consent", "bulk mail needs the consent of each person: `relay consent import`, with where it is from")
    return plan


# --- settings ------------------------------------------------------------------------------------------------


def _name(plan: TakeoverPlan, given: MainCf, settings: Settings, root: Path) -> None:
    name = given.get("myhostname")
    if name and name.lower() != settings.server.hostname:
        text = f"it called itself {name}; here it is {settings.server.hostname}: PTR and HELO go by that"
        plan.look("myhostname", text)


def _limits(plan: TakeoverPlan, given: MainCf, settings: Settings, root: Path) -> None:
    size = given.get("message_size_limit")
    if size == "0":
        plan.look("message_size_limit", f"it had none; here it is {settings.limits.message_octets} octets")
    elif size.isdecimal():
        plan.settings["limits", "message_octets"] = int(size), "message_size_limit"
    life = _seconds(given.get("maximal_queue_lifetime"), "d")
    if life:
        plan.settings["delivery", "expire"] = f"{life}s", "maximal_queue_lifetime"
    connections = given.get("smtp_destination_concurrency_limit") or given.get("default_destination_concurrency_limit")
    if connections.isdecimal() and int(connections):
        plan.settings["delivery", "connections_per_site"] = int(connections), "smtp_destination_concurrency_limit"
    for name in ("minimal_backoff_time", "maximal_backoff_time", "smtp_destination_rate_delay"):
        if name in given:
            plan.left(name, "waits grow here by [delivery] retry; a site's pace is learned from its replies")


def _seconds(text: str, unit: str) -> int:
    found = re.fullmatch(r"(\d{1,9})\s*([smhdw]?)", text)
    return int(found[1]) * _UNITS[found[2] or unit] if found else 0


def _way_out(plan: TakeoverPlan, given: MainCf, settings: Settings, root: Path) -> None:
    relayhost = given.get("relayhost")
    if relayhost:
        target = _target(plan, "relayhost", relayhost)
        plan.settings["delivery", "smart_host"] = target, "relayhost"
        _smart_host_login(plan, given, relayhost, root)
    if given.get("smtp_tls_wrappermode") == "yes":
        plan.look("smtp_tls_wrappermode", "TLS from the first octet isn't spoken outwards: take port 587")
    for table in tables(given.get("transport_maps"), root):
        if table.rows is None:
            plan.left(
                f"transport_maps {table.kind}:{table.path}", "can't be read here: enter its routes in [delivery.routes]"
            )
        for key, value in table.rows or ():
            _route(plan, key, value)
    sources = [given.get(name) for name in ("smtp_bind_address", "smtp_bind_address6") if given.get(name)]
    if sources:
        plan.settings["delivery", "source_addresses"] = sources, "smtp_bind_address"
    level = given.get("smtp_tls_security_level")
    if level in ("verify", "secure"):
        plan.settings["delivery", "tls"] = "required", "smtp_tls_security_level"
    elif level == "none":
        plan.settings["delivery", "tls"] = "none", "smtp_tls_security_level"
    elif level == "encrypt":
        plan.look(
            "smtp_tls_security_level", 'encrypt: [delivery] tls = "required" asks for a certificate that fits, too'
        )
    elif level in ("dane", "dane-only", "fingerprint"):
        plan.left("smtp_tls_security_level", f"{level} is not spoken here; TLS is used wherever it is offered")


def _target(plan: TakeoverPlan, what: str, text: str) -> str:
    """``host:port`` of a next hop."""
    found = re.fullmatch(r"(\[[^\]]+\]|[^:\s]+)(?::(\w+))?", text)
    if found is None:
        return text
    host, port = found[1].strip("[]"), found[2] or "smtp"
    number = PORTS.get(port, int(port) if port.isdecimal() else 25)
    if not found[1].startswith("["):
        plan.look(
            what, f"Postfix asked for the MX of {host}; the relay connects to {host} itself: name its MX if it has one"
        )
    if number == 465:
        plan.look(what, f"{host} is asked at port 465, where TLS begins at once: take its port 587")
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"


def _smart_host_login(plan: TakeoverPlan, given: MainCf, relayhost: str, root: Path) -> None:
    if given.get("smtp_sasl_auth_enable") != "yes":
        return
    for table in tables(given.get("smtp_sasl_password_maps"), root):
        if table.rows is None:
            plan.look(
                f"{table.kind}:{table.path}", "can't be read: set smart_host_user and smart_host_password_file by hand"
            )
        host = relayhost.partition("]")[0].strip("[]").partition(":")[0]
        for key, value in table.rows or ():
            if key in (relayhost, host, f"[{host}]"):
                user, _, plan.smart_host_password = value.partition(":")
                plan.settings["delivery", "smart_host_user"] = user, "smtp_sasl_password_maps"
                return


def _route(plan: TakeoverPlan, key: str, value: str) -> None:
    what = f"transport_maps {key}"
    transport, sign, hop = value.partition(":")
    if not sign:
        transport, hop = value, ""
    if transport not in ("", "smtp", "relay") or "@" in key:
        plan.left(what, f"{value}: only routes of whole domains by SMTP are taken over")
    elif not hop:
        plan.left(
            what,
            "by MX: a smart host has no exceptions; leave it out, and route what needs it",
        )
    else:
        plan.settings["delivery.routes", key.lower()] = _target(plan, what, hop), what


def _certificate(plan: TakeoverPlan, given: MainCf, settings: Settings, root: Path) -> None:
    chain = given.words("smtpd_tls_chain_files")
    certificate, key = given.get("smtpd_tls_cert_file"), given.get("smtpd_tls_key_file")
    if chain:
        certificate = key = chain[0]
    key = key.replace("$smtpd_tls_cert_file", certificate) or certificate
    if certificate and certificate != "none" and "snakeoil" not in certificate:
        plan.settings["tls", "certificate"] = certificate, "smtpd_tls_cert_file"
        plan.settings["tls", "key"] = key, "smtpd_tls_key_file"


# --- who may send ------------------------------------------------------------------------------------------


def _networks(plan: TakeoverPlan, given: MainCf, settings: Settings, root: Path) -> None:
    loopback = "mynetworks" not in given
    for word in given.words("mynetworks"):
        try:
            network = ipaddress.ip_network(re.sub(r"[\[\]]", "", word), strict=False)
        except ValueError:
            plan.look(f"mynetworks {word}", "is no network: make it a credential with `relay credential add --ip CIDR`")
            continue
        mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
        if mapped is not None and network.prefixlen >= 96:
            network = ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}", strict=False)
        if network.is_loopback:
            loopback = True
        elif network.prefixlen == 0:
            plan.left(f"mynetworks {word}", "all the world: an open relay is not taken over")
        else:
            plan.networks.append((str(network), f"mynetworks {word}"))
    if loopback:
        plan.look(
            "mynetworks",
            "programs on this machine sent without a log-in, mostly at port 25: give them a credential and port 587"
            " (msmtp stands in for sendmail)",
        )


def _access(plan: TakeoverPlan, given: MainCf, settings: Settings, root: Path) -> None:
    """Recipients whom an access table refuses were put there by hand."""
    found = " ".join(given.get(name) for name in ("smtpd_recipient_restrictions", "smtpd_relay_restrictions"))
    for value in re.findall(r"check_recipient_access\s+(\S+)", found):
        for table in tables(value, root):
            what = f"check_recipient_access {table.kind}:{table.path}"
            if table.rows is None:
                plan.left(what, "can't be read here: `relay suppression import` takes a list of addresses")
            for key, action in table.rows or ():
                if not re.match(r"REJECT|DISCARD|[45]\d\d", action, re.IGNORECASE):
                    continue
                try:
                    address = parse_address(key)
                except AddressError:
                    plan.left(f"{what} {key}", "only whole addresses are suppressed")
                    continue
                plan.suppressions.append(CarriedSuppression(str(address), "hand", f"Postfix, {action}"[:200]))


def _others(plan: TakeoverPlan, given: MainCf, settings: Settings, root: Path) -> None:
    for name, why in _NOT_OURS.items():
        if given.get(name) and not (name == "alias_maps" and "/etc/aliases" in given.get(name)):
            plan.left(name, why)
    milters = [one for one in given.words("smtpd_milters") if not re.search(r"opendkim|:8891|:12301", one)]
    for milter in dict.fromkeys(milters):
        plan.left(f"smtpd_milters {milter}", "milters aren't asked; [policy.rspamd] and [policy.clamav] ask directly")


_Step = Callable[[TakeoverPlan, MainCf, Settings, Path], None]
_STEPS: Final[tuple[_Step, ...]] = (_name, _limits, _way_out, _certificate, _networks, _access, _others)


def _ports(plan: TakeoverPlan, text: str, settings: Settings) -> None:
    """Ports beside the usual ones, at which applications are set up to come."""
    wanted = {"submission": list(settings.listen.submission), "submissions": list(settings.listen.submissions)}
    changed: set[str] = set()
    for address, port, options in _unusual(text):
        role = "submissions" if options == "yes" else "submission"
        listen = f"{f'[{address}]' if ':' in address else address or '*'}:{port}"
        if not any(one.endswith(f":{port}") for one in wanted[role]):
            wanted[role].append(listen)
            changed.add(role)
    for role in sorted(changed):
        plan.settings["listen", role] = wanted[role], "master.cf"


def _unusual(text: str) -> Iterator[tuple[str, int, str]]:
    for service in services(text):
        if service.port not in (25, 465, 587) and service.address not in ("127.0.0.1", "::1", "localhost"):
            yield service.address, service.port, service.options.get("smtpd_tls_wrappermode", "")
