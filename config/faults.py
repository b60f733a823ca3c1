"""What is wrong with a settings document, in words, each with its dotted path.

``field_faults`` words what pydantic found in single values; ``cross_faults``
looks at values that contradict each other. The second works on the document
as written, so that a fault in one value never hides those of others.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config import names, units
from config.conduct import Rates
from config.machine import Limits, Listen
from config.plans import Plan
from config.sending import Delivery
from config.settings import Settings

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

_WORDS = {
    "missing": "is required",
    "string_type": "should be text in quotes",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "finite_number": "should be a finite number",
    "bool_type": "should be true or false",
    "tuple_type": "should be a list: [ … ]",
    "dict_type": "should be a table",
    "mapping_type": "should be a table",
    "model_type": "should be a table",
    "model_attributes_type": "should be a table",
}


class Fault(NamedTuple):
    """One fault; ``path`` is dotted (``delivery.retry[2]``) or a place in the file.

    ``line``: from 1, where a dotted path stands in the file; 0 where it isn't known.
    """

    path: str
    text: str
    line: int = 0

    def __str__(self) -> str:
        told = f"{self.path}: {self.text}" if self.path else self.text
        return f"{told} (line {self.line})" if self.line else told


def field_faults(error: ValidationError) -> list[Fault]:
    """One fault for each value, in the order of the settings."""
    return [_fault(details) for details in error.errors(include_url=False)]


def merged(first: Iterable[Fault], second: Iterable[Fault]) -> list[Fault]:
    """Both, with one fault a path."""
    by_path: dict[str, Fault] = {}
    for fault in (*first, *second):
        by_path.setdefault(fault.path, fault)
    return list(by_path.values())


def _fault(details: ErrorDetails) -> Fault:
    location = tuple(part for part in details["loc"] if part != "[key]")
    return Fault(dotted(location), _worded(details, location))


def dotted(location: Iterable[int | str]) -> str:
    """``("delivery", "routes", "a.example")`` as ``delivery.routes."a.example"``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += ("." if path else "") + (part if _BARE.fullmatch(part) else '"' + part.replace('"', '\\"') + '"')
    return path


def _worded(details: ErrorDetails, location: tuple[int | str, ...]) -> str:
    kind, context = details["type"], details.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return _unknown(location, details["input"])
        case "value_error":
            return str(context["error"])
        case "greater_than":
            return f"must be more than {_number(context['gt'])}"
        case "greater_than_equal":
            return f"must be {_number(context['ge'])} or more"
        case "less_than_equal":
            return f"must be {_number(context['le'])} or less"
        case "literal_error":
            return f"must be one of {context['expected'].replace(' or ', ', ')}".replace("'", '"')
    return _WORDS.get(kind, details["msg"][:1].lower() + details["msg"][1:])


def _number(limit: float) -> str:
    return f"{limit:g}" if limit < 10**6 else str(int(limit))


def _unknown(location: tuple[int | str, ...], value: object) -> str:
    name = str(location[-1])
    model = _table(location[:-1])
    what = "table" if isinstance(value, dict) and len(location) == 1 else "setting"
    if model and (close := difflib.get_close_matches(name, model.model_fields, 1)):
        return f"unknown {what}; did you mean {dotted((*location[:-1], close[0]))}?"
    homes = [table for table, field in Settings.model_fields.items() if name in _fields(field.annotation)]
    if homes:
        return f"unknown {what}; did you mean {' or '.join(dotted((home, name)) for home in homes[:3])}?"
    return f"unknown {what}; docs/SETTINGS.md lists all"


def _table(location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model of the table that an unknown key stands in."""
    if not location:
        return Settings
    if location[0] == "plans":
        return Plan
    field = Settings.model_fields.get(str(location[0]))
    annotation = field.annotation if field and len(location) == 1 else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _fields(annotation: object) -> Iterable[str]:
    return annotation.model_fields if isinstance(annotation, type) and issubclass(annotation, BaseModel) else ()


# --- values that contradict each other ---------------------------------------


def cross_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults between values; a value of a wrong type is passed over here."""

    def table(name: str) -> Mapping[str, Any]:
        found = document.get(name, {})
        return found if isinstance(found, dict) else {}

    yield from _tls_faults(table("tls"))
    yield from _acme_faults(table("tls"), table("listen"))
    yield from _listen_faults(table("listen"))
    yield from _limit_faults(table("limits"))
    yield from _delivery_faults(table("delivery"))
    yield from _rates_faults(table("rates"))
    yield from _oidc_faults(table("oidc"))


def _rates_faults(rates: Mapping[str, Any]) -> Iterator[Fault]:
    """A review that comes before the advice, or a pause before the review."""
    fields = Rates.model_fields
    for measure in ("bounces", "complaints", "contests"):
        for lower, higher in (("advice", "review"), ("review", "pause")):
            first, second = (f"{measure}_{word}" for word in (lower, higher))
            low, high = (rates.get(name, fields[name].default) for name in (first, second))
            if isinstance(low, int | float) and isinstance(high, int | float) and high < low:
                yield Fault(f"rates.{second}", f"is below rates.{first} ({low:g}); it must not be lower")


def _oidc_faults(oidc: Mapping[str, Any]) -> Iterator[Fault]:
    """What a provider can't be used without; and its issuer in the clear, which anybody on the way could answer for."""
    issuer = oidc.get("issuer")
    if not issuer:
        if oidc.get("password") is False:
            yield Fault("oidc.password", "is false without an oidc.issuer: nobody of the staff could sign in")
        return
    for name in ("client_id", "client_secret_file", "roles"):
        if not oidc.get(name):
            yield Fault(f"oidc.{name}", "is missing: oidc.issuer needs it")
    if isinstance(issuer, str) and issuer.startswith("http://") and not names.is_loopback_url(issuer):
        yield Fault("oidc.issuer", f'"{issuer}" must be https://; http:// is taken on loopback alone')


def _tls_faults(tls: Mapping[str, Any]) -> Iterator[Fault]:
    for given, absent in (("certificate", "key"), ("key", "certificate")):
        if tls.get(given) and not tls.get(absent):
            yield Fault(f"tls.{absent}", f"is missing: tls.{given} needs it; give both or neither")


def _acme_faults(tls: Mapping[str, Any], listen: Mapping[str, Any]) -> Iterator[Fault]:
    """Names can be shown to be ours only at a port that is open."""
    for given, absent in (("acme_key_id", "acme_key_file"), ("acme_key_file", "acme_key_id")):
        if tls.get(given) and not tls.get(absent):
            yield Fault(f"tls.{absent}", f"is missing: tls.{given} needs it; give both or neither")
    url = tls.get("acme")
    if not isinstance(url, str) or not url:
        return
    if not url.startswith("https://"):
        yield Fault("tls.acme", f'"{url}" is not https://…: nobody gives certificates without TLS')
    https, challenge = listen.get("https"), tls.get("acme_challenge", "auto")
    if challenge == "tls-alpn-01" and not https:
        yield Fault("tls.acme_challenge", "tls-alpn-01 needs listen.https")
    if challenge != "tls-alpn-01" and not (https or listen.get("acme") or listen.get("http", Listen().http)):
        yield Fault("listen.acme", "is missing: the authority in tls.acme asks at port 80")


def _listen_faults(listen: Mapping[str, Any]) -> Iterator[Fault]:
    """The same port of the same address twice, a wildcard address included."""
    taken: list[tuple[names.Endpoint, str]] = []
    for path, text in _listeners(listen):
        try:
            endpoint = names.split_listen(text)
        except ValueError:
            continue  # told with the value itself
        clash = next((other for seen, other in taken if _overlap(seen, endpoint)), None)
        if clash:
            yield Fault(path, f'"{text}" is taken by {clash} already')
        taken.append((endpoint, path))


def _listeners(listen: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in Listen.model_fields.items():
        value = listen.get(name, field.default)
        if isinstance(value, str):
            yield f"listen.{name}", value
        elif isinstance(value, list | tuple):
            yield from ((f"listen.{name}[{i}]", text) for i, text in enumerate(value) if isinstance(text, str))


def _overlap(first: names.Endpoint, second: names.Endpoint) -> bool:
    if first.port != second.port or not first.port:
        return False
    if first.host == second.host or names.EVERY in (first.host, second.host):
        return True
    # IPv6 sockets are opened for IPv6 only, so [::] and 0.0.0.0 go together.
    wildcard = "::" if ":" in first.host + second.host else "0.0.0.0"
    same_family = (":" in first.host) == (":" in second.host)
    return same_family and wildcard in (first.host, second.host)


def _limit_faults(limits: Mapping[str, Any]) -> Iterator[Fault]:
    def octets(name: str) -> int | None:
        try:
            return units.parse_octets(limits.get(name, Limits.model_fields[name].default))
        except ValueError:
            return None

    message = octets("message_octets")
    header, memory = octets("header_octets"), octets("memory_octets")
    if message is not None and memory is not None and memory < message:
        yield Fault("limits.memory_octets", "is less than limits.message_octets: the largest message would never fit")
    if message is not None and header is not None and header > message and "header_octets" in limits:
        yield Fault("limits.header_octets", "is more than limits.message_octets")


def _delivery_faults(delivery: Mapping[str, Any]) -> Iterator[Fault]:
    user, file = delivery.get("smart_host_user"), delivery.get("smart_host_password_file")
    if user and not file:
        yield Fault("delivery.smart_host_password_file", "is missing: delivery.smart_host_user needs it")
    if file and not user:
        yield Fault("delivery.smart_host_user", "is missing: delivery.smart_host_password_file needs it")
    if user and not delivery.get("smart_host"):
        yield Fault("delivery.smart_host", "is missing: delivery.smart_host_user needs it")
    connections = delivery.get("connections", Delivery.model_fields["connections"].default)
    per_site = delivery.get("connections_per_site")
    if isinstance(per_site, int) and isinstance(connections, int) and per_site > connections > 0:
        yield Fault("delivery.connections_per_site", "is more than delivery.connections")
