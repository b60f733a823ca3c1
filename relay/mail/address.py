"""Mailbox addresses: the grammar of RFC 5321 §4.1.2, by hand and strict.

``parseaddr`` and friends guess; a relay must not: what is no address is
refused, and what is one keeps its meaning. The domain is carried as
lower-case A-labels (RFC 5890), or as an address literal in brackets.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import idna

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_DOT_ATOM = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*\Z")
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*"\Z')
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_SIMPLE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9.-]+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

MAX_LOCAL_OCTETS = 64
MAX_DOMAIN_OCTETS = 255
MAX_PATH_OCTETS = 254


class AddressError(ValueError):
    """Not an address; the text says why, fit for a reply or a report."""


@dataclass(frozen=True, slots=True)
class Address:
    """``local@domain``; equality is by spelling, ``canonical`` is the key."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def canonical(self) -> str:
        """Look-up key: local part in NFC and lower case, without needless quotes."""
        local = self.local
        if local[0] == '"':
            local = re.sub(r"\\(.)", r"\1", local[1:-1])
            if not _DOT_ATOM.match(local):
                local = '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
        if not local.isascii():
            local = unicodedata.normalize("NFC", local)
        return f"{local.lower()}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        return not self.local.isascii()


@functools.lru_cache(maxsize=10_000)
def parse_domain(text: str) -> str:
    """A domain or address literal in its one spelling; raises AddressError."""
    if not text:
        raise AddressError("the domain is missing")
    if text[0] == "[":
        return _literal(text)
    name = text.lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise AddressError(f"the domain is no valid internationalised name: {_one_line(error)}") from None
    if len(name) > MAX_DOMAIN_OCTETS:
        raise AddressError(f"the domain is longer than {MAX_DOMAIN_OCTETS} octets")
    if not all(_LABEL.match(label) for label in name.split(".")):
        raise AddressError("the domain is malformed")
    return name


def _one_line(error: Exception) -> str:
    return ascii(str(error))[1:-1][:80]


def _literal(text: str) -> str:
    """``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 §4.1.3)."""
    inner = text[1:-1]
    try:
        if text[-1] != "]":
            raise ValueError
        if inner[:5].lower() == "ipv6:":
            return f"[IPv6:{ipaddress.IPv6Address(inner[5:])}]"
        return f"[{ipaddress.IPv4Address(inner)}]"
    except ValueError:
        raise AddressError("the address literal is malformed") from None


def _split(text: str) -> tuple[str, str]:
    """Split at the ``@`` that ends the local part."""
    if text.startswith('"'):
        end = re.match(r'"(?:[^"\\]|\\.)*"', text)
        if end is None:
            raise AddressError("the quoted local part is not closed")
        local, rest = text[: end.end()], text[end.end() :]
        if not rest.startswith("@"):
            raise AddressError("a quoted local part must be followed by @")
        return local, rest[1:]
    local, at, domain = text.partition("@")
    if not at:
        raise AddressError("the @ is missing")
    return local, domain


@functools.lru_cache(maxsize=4_096)
def parse_address(text: str) -> Address:
    """An addr-spec as in RFC 5321 ``Mailbox``; raises AddressError."""
    if _SIMPLE.match(text) and len(text) <= MAX_PATH_OCTETS:
        local, _, name = text.partition("@")
        if len(local) > MAX_LOCAL_OCTETS:
            raise AddressError(f"the local part is longer than {MAX_LOCAL_OCTETS} octets")
        return Address(local, parse_domain(name))
    if _CONTROL.search(text):
        raise AddressError("the address has a control character")
    local, name = _split(text)
    if not local.isprintable():
        raise AddressError("the local part has a character that can't be seen")
    if not local or not (_DOT_ATOM.match(local) or _QUOTED.match(local)):
        raise AddressError("the local part is malformed")
    if len(local.encode()) > MAX_LOCAL_OCTETS:
        raise AddressError(f"the local part is longer than {MAX_LOCAL_OCTETS} octets")
    domain = parse_domain(name)
    if len(local.encode()) + 1 + len(domain) > MAX_PATH_OCTETS:
        raise AddressError(f"the address is longer than {MAX_PATH_OCTETS} octets")
    return Address(local, domain)


class Path(NamedTuple):
    """A path argument: the address (None is the null reverse-path) and what follows it."""

    address: Address | None
    parameters: str


_PATH = re.compile(r'<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>(?: +(.*))?\Z', re.S)
_ROUTE = re.compile(r"@[^,:@]+(?:,@[^,:@]+)*:")


def parse_path(text: str) -> Path:
    """``<path> [parameters]``, the part after ``FROM:`` or ``TO:`` (RFC 5321 §4.1.1.2).

    A source route is dropped as §3.3 and appendix C ask. Raises AddressError.
    """
    found = _PATH.match(text.strip(" "))
    if found is None:
        raise AddressError("the address must stand in angle brackets, parameters after a space")
    inner, parameters = found.group(1), found.group(2) or ""
    if not inner:
        return Path(None, parameters)
    if inner[0] == "@":
        route = _ROUTE.match(inner)
        if route is None:
            raise AddressError("the source route is malformed")
        inner = inner[route.end() :]
    return Path(parse_address(inner), parameters)
