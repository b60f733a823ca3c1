"""Addresses of tenants' own sites: where a form may send people, and who may frame it.

Strict on purpose: what is accepted here stands in ``Location`` and in a
Content-Security-Policy. Only a site below a verified domain of the tenant is
taken, so that a form never leads from the operator's site to a stranger's.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from relay.mail.address import AddressError, parse_domain
from relay.values.errors import RegistryError

MAX_URL: Final = 1000
_URL: Final = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9/._~!$&'()*+,=:@%?#-]*)?\Z")


def site_url(text: str, domains: Collection[str]) -> str:
    """An ``http(s)`` URL on a site of one of ``domains``; raises RegistryError.

    No user name, no quoted or non-ASCII characters, no ``;``: nothing that a
    header field could take for its own.
    """
    url = text.strip()
    if len(url) > MAX_URL or not _URL.match(url):
        raise RegistryError(f"{_shown(text)} is no plain web address such as https://shop.example/thanks (ASCII only)")
    host = _host(url, text)
    if not below(host, domains):
        have = ", ".join(sorted(domains)) or "none yet: see `relay domain verify`"
        raise RegistryError(f"{_shown(text)} is on no verified domain of the tenant; there are: {have}")
    return url


def site_origin(text: str, domains: Collection[str]) -> str:
    """``https://shop.example`` of such a URL; raises RegistryError where it says more."""
    url = site_url(text, domains).rstrip("/")
    if origin(url) != url:
        raise RegistryError(f"{_shown(text)} is more than an origin: write {origin(url)}")
    return url


def origin(url: str) -> str:
    """Scheme, host and port of a checked URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def host_of(url: str) -> str:
    """The host of any text that is an http(s) URL, in lower case; empty if it isn't one."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parse_domain(host) if parts.scheme in ("http", "https") and host else ""
    except (ValueError, AddressError):
        return ""


def below(host: str, domains: Collection[str]) -> bool:
    """Whether the host is one of the domains, or under one."""
    return any(host == domain or host.endswith("." + domain) for domain in domains)


def _host(url: str, text: str) -> str:
    host = host_of(url)
    try:
        port = urlsplit(url).port
    except ValueError:
        port = 0
    if not host or port == 0:
        raise RegistryError(f"{_shown(text)} is no plain web address such as https://shop.example/thanks (ASCII only)")
    return host


def _shown(text: str) -> str:
    return ascii(text[:80])
