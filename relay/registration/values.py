"""What somebody who registers gives: needed and optional fields, each checked by itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from relay.mail.address import Address, AddressError, parse_address, parse_domain
from relay.texts.countries import codes


class RegistrationState(StrEnum):
    ASKED = "asked"
    """Its address isn't confirmed yet."""
    WAITING = "waiting"
    """For the operator's word."""
    ADMITTED = "admitted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RegistrationField:
    """``most``: characters."""

    name: str
    needed: bool
    most: int
    fill: str = "off"
    """For ``autocomplete``."""
    type: str = "text"
    noted: bool = False
    """A sentence below says more."""


FIELDS: Final = (
    RegistrationField("name", True, 60, "given-name"),
    RegistrationField("surname", False, 60, "family-name"),
    RegistrationField("email", True, 254, "email", "email", noted=True),
    RegistrationField("phone", True, 30, "tel", "tel", noted=True),
    RegistrationField("country", True, 2, "country", "country"),
    RegistrationField("city", True, 80, "address-level2"),
    RegistrationField("company", False, 80, "organization", noted=True),
    RegistrationField("postal", False, 300, "street-address", noted=True),
    RegistrationField("website", False, 200, "url", noted=True),
    RegistrationField("about", False, 1_000, "off", "area", noted=True),
)
BUSINESS: Final = "business"
"""The box that says: for business, not as a consumer."""
TERMS: Final = "terms"
_LEAST_DIGITS: Final = 6
_MOST_DIGITS: Final = 15
"""E.164 §6."""
_PHONE: Final = re.compile(r"\+?[0-9 ()./-]+")
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})")
_NAMELIKE: Final = re.compile(r'[<>@"]|://|\bwww\.', re.IGNORECASE)
"""Not in a name: it stands in letters and headings."""


def one_line(text: str) -> str:
    return " ".join(text.split())


def checked(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(values in their stored form, key of the fault by field); what isn't given is empty."""
    values, faults = {}, {}
    for field in FIELDS:
        values[field.name], fault = checked_field(field, given.get(field.name, ""))
        if fault:
            faults[field.name] = fault
    for box in (BUSINESS, TERMS):
        if given.get(box, "") != "yes":
            faults[box] = f"register.fault.{box}"
    return values, faults


def checked_field(field: RegistrationField, text: str) -> tuple[str, str]:
    """The value in its stored form, or as it was said; and the key of its fault, empty for none."""
    said = text.strip()
    if not said:
        return "", "register.fault.needed" if field.needed else ""
    found = _CHECKS.get(field.name, _text)(said) if len(said) <= field.most else None
    if found is not None:
        return found, ""
    return said, f"register.fault.{field.name}" if field.name in _OWN_FAULT else "register.fault.text"


def address_of(email: str) -> Address | None:
    """One that mail can reach from outside."""
    try:
        address = parse_address(email)
    except AddressError:
        return None
    return address if "." in address.domain and not address.domain.startswith("[") else None


def digits(phone: str) -> str:
    """By which a number is known again: without marks and what is dialled before the country's code."""
    return re.sub(r"\D", "", phone).lstrip("0")


def host_of(website: str) -> str:
    """The domain of a website; empty for what is none."""
    text = re.sub(r"^[a-z]+://", "", website.strip().lower()).partition("/")[0].partition("?")[0].partition(":")[0]
    try:
        name = parse_domain(text.rstrip("."))
    except AddressError:
        return ""
    return name.removeprefix("www.") if _HOST.fullmatch(name) else ""


def _email(text: str) -> str | None:
    address = address_of(text)
    return None if address is None else str(address)


def _phone(text: str) -> str | None:
    number = one_line(text)
    count = len(re.sub(r"\D", "", number))
    return number if _PHONE.fullmatch(number) and _LEAST_DIGITS <= count <= _MOST_DIGITS else None


def _country(text: str) -> str | None:
    return text.upper() if text.upper() in codes() else None


def _name(text: str) -> str | None:
    said = one_line(text)
    return said if said.isprintable() and any(map(str.isalpha, said)) and not _NAMELIKE.search(said) else None


def _company(text: str) -> str | None:
    said = one_line(text)
    return said if said.isprintable() and any(map(str.isalnum, said)) and not _NAMELIKE.search(said) else None


def _text(text: str) -> str | None:
    said = one_line(text)
    return said if said.isprintable() else None


def _website(text: str) -> str | None:
    return host_of(text) or None


def _about(text: str) -> str | None:
    said = "\n".join(map(one_line, text.splitlines()))
    return said if said.replace("\n", " ").isprintable() else None


_CHECKS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "email": _email,
    "phone": _phone,
    "country": _country,
    "name": _name,
    "surname": _name,
    "city": _name,
    "company": _company,
    "website": _website,
    "about": _about,
}
_OWN_FAULT: Final = frozenset({"email", "phone", "country", "website"})
