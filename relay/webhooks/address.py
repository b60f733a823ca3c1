"""The address of a webhook: what may be named, and where a name may lead.

Who names an address picks where the relay connects. So it is https to a name
of the internet, or to an address of it; what else a URL could say (users,
fragments, addresses in odd notations) is refused when it is made, and where the
name leads is looked at for every connection.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from relay.mail.address import AddressError, parse_address
from relay.values.errors import RegistryError
from relay.values.inside import inside, own

MOST_URL: Final = 2_000
_VISIBLE: Final = re.compile(r"[!-~]+", re.ASCII)
_LOCAL: Final = ("localhost", "localdomain", "internal", "local", "home.arpa")
_ODD: Final = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*\.?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """A URL taken apart."""

    url: str
    secure: bool
    host: str
    """A name in A-labels, or an address."""
    port: int
    target: str
    """Path and query, as in a request."""

    @property
    def literal(self) -> bool:
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def authority(self) -> str:
        """As the Host field has it (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def address_of(url: str, *, allow_private: bool = False) -> WebhookAddress:
    """The URL as given by a tenant; raises RegistryError with what is wrong.

    ``allow_private`` (trials only): plain http, this machine and inside networks too.
    """
    url = url.strip()
    if not url or len(url) > MOST_URL or not _VISIBLE.fullmatch(url) or "\\" in url:
        raise RegistryError(
            f"a webhook's URL is 1 to {MOST_URL} visible ASCII characters, such as https://app.example/hook"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RegistryError("the webhook's URL is not well-formed; write it like https://app.example/hook") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise RegistryError("a webhook's URL begins with https://, as events carry personal data")
    if "@" in parts.netloc:
        raise RegistryError("a webhook's URL carries no user or password; requests are signed instead")
    if parts.fragment or "#" in url:
        raise RegistryError("a webhook's URL ends before #, which is never sent")
    secure = parts.scheme == "https"
    if port == 0:
        raise RegistryError("a webhook's port is 1 to 65535")
    host = _host(parts.hostname or "", allow_private)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return WebhookAddress(url, secure, host, port or (443 if secure else 80), target)


def _host(host: str, allow_private: bool) -> str:
    if not host:
        raise RegistryError("the webhook's URL names no host; write it like https://app.example/hook")
    if "%" in host:
        raise RegistryError("a webhook's host has no % (no zones, no escapes)")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return _name(host, allow_private)
    if why := refused(str(literal), allow_private):
        raise RegistryError(f"a webhook can't be at {literal}: {why}")
    return str(literal)


def _name(host: str, allow_private: bool) -> str:
    if _ODD.fullmatch(host):
        raise RegistryError(f"{host[:60]!r} is no address: write four numbers with dots, or a name")
    name = host.rstrip(".").lower()
    if not allow_private and ("." not in name or name.endswith(tuple(f".{local}" for local in _LOCAL))):
        raise RegistryError(f"a webhook can't be at {name[:100]!r}: that is no name of the internet")
    if name == "localhost" or ("." not in name and allow_private and re.fullmatch(r"[a-z0-9_-]{1,63}", name)):
        return name
    try:
        domain = parse_address(f"x@{name}").domain
    except AddressError:
        raise RegistryError(f"{host[:100]!r} is no host name") from None
    return domain


def refused(address: str, allow_private: bool) -> str:
    """Why a connection to this address is not made; empty: it may be."""
    if allow_private:
        return ""
    if found := inside(address):
        return f"{found}"
    return "an address of this machine" if own(address) else ""
