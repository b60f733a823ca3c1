"""Checks of names, addresses and URLs in settings; each returns the normal form.

Wrong text raises ValueError with one line that says what is meant. Nothing
is looked up.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_HOST_PORT = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*):([0-9]{1,5})", re.ASCII)
_URL = re.compile(r"[\x21-\x7e]+")
_LOCAL_PART = re.compile(
    r"(?=.{1,64}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII
)


EVERY: Final = "*"
"""The host of a listener on all addresses."""


class Endpoint(NamedTuple):
    """Where something listens; ``host`` is an address without brackets or a name."""

    host: str
    port: int


def domain_name(text: str) -> str:
    """Lower-case A-labels of a domain name (RFC 1035 §2.3.1, RFC 5891)."""
    name = text.lower()
    if not name.isascii():
        import idna  # slow to load and seldom needed

        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError(f'"{text}" is not a domain name: {error}') from None
    labels = name.split(".")
    # A name that ends in digits is a slipped IPv4 address (RFC 3696 §2).
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise ValueError(f'"{text}" is not a domain name, such as relay.example.com')
    return name


def route_name(text: str) -> str:
    """What a route is for: a domain, ``.domain`` for all below it, or ``*`` for the rest."""
    if text == "*":
        return text
    return "." + domain_name(text[1:]) if text.startswith(".") else domain_name(text)


def ip_address(text: str) -> str:
    """An IPv4 or IPv6 address in its shortest form."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f'"{text}" is not an IP address, such as 192.0.2.10 or 2001:db8::10') from None


def ip_network(text: str) -> str:
    """A network as CIDR; a plain address is a network of one."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f'"{text}" is not a network, such as 10.0.0.0/8 or 2001:db8::/32') from None
    if "/" in text and network.network_address != ipaddress.ip_address(text.split("/", 1)[0]):
        raise ValueError(f'"{text}" has bits set beyond its prefix: write "{network}"')
    return str(network)


def mail_address(text: str) -> str:
    """``local-part@domain`` in plain letters; the domain in A-labels."""
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local):
        raise ValueError(f'"{text}" is not a mail address, such as postmaster@example.com')
    return f"{local}@{domain_name(domain)}"


def contact_text(text: str) -> str:
    """How somebody is reached: an address, a site, a number, a street; short enough to be looked for."""
    plain = " ".join(text.split())
    if not 4 <= len(plain) <= 200:
        raise ValueError(f'"{text[:60]}" is no contact: write an address, a site, a telephone number or a street')
    return plain


def split_endpoint(text: str) -> Endpoint:
    """``host:port`` or ``[IPv6]:port`` in two; port 0 is allowed here."""
    match = _HOST_PORT.fullmatch(text)
    if not match:
        raise ValueError(f'"{text}" is not HOST:PORT, such as 127.0.0.1:25 or [::1]:25')
    host, port = match[1], int(match[2])
    if port > 65535:
        raise ValueError(f'"{text}": ports go up to 65535')
    if host.startswith("["):
        try:
            return Endpoint(str(ipaddress.IPv6Address(host[1:-1])), port)
        except ValueError:
            raise ValueError(f'"{text}": {host} is not an IPv6 address') from None
    try:
        return Endpoint(str(ipaddress.IPv4Address(host)), port)
    except ValueError:
        pass
    try:
        return Endpoint(domain_name(host), port)
    except ValueError:
        raise ValueError(f'"{text}": "{host}" is neither an address nor a host name') from None


def join_endpoint(endpoint: Endpoint) -> str:
    return f"[{endpoint.host}]:{endpoint.port}" if ":" in endpoint.host else f"{endpoint.host}:{endpoint.port}"


def split_listen(text: str) -> Endpoint:
    """As ``split_endpoint``; the host may be ``*``, which is every address of the machine, IPv4 and IPv6."""
    host, colon, port = text.partition(":")
    if host != EVERY or not colon:
        return split_endpoint(text)
    return Endpoint(EVERY, split_endpoint(f"0.0.0.0:{port}").port)


def listen_endpoint(text: str) -> str:
    """An address to listen on; port 0 takes any free one."""
    return join_endpoint(split_listen(text))


def target_endpoint(text: str) -> str:
    """An address to connect to."""
    endpoint = split_endpoint(text)
    if not endpoint.port:
        raise ValueError(f'"{text}": port 0 is none to connect to')
    return join_endpoint(endpoint)


def nameserver(text: str) -> str:
    """An IP address with a port, 53 if none is given."""
    try:
        address = ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
        return join_endpoint(Endpoint(str(address), 53))
    except ValueError:
        pass
    try:
        endpoint = split_endpoint(text)
        ipaddress.ip_address(endpoint.host)
    except ValueError:
        raise ValueError(f'"{text}" is not an IP address with a port, such as 127.0.0.1:53') from None
    return target_endpoint(text)


def base_url(text: str) -> str:
    """``http(s)://host[:port][/path]`` in ASCII, without a slash at the end."""
    hint = f'"{text}" is not http(s)://HOST, such as https://relay.example.com'
    if not _URL.fullmatch(text):
        raise ValueError(f"{hint} (ASCII only; a host name of other letters as xn--…)")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(hint) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(hint)
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise ValueError(f'"{text}": leave out user name, "?" and "#"')
    host = parts.hostname
    try:
        host = f"[{ipaddress.IPv6Address(host)}]" if ":" in host else split_endpoint(f"{host}:1").host
    except ValueError:
        raise ValueError(hint) from None
    netloc = host if port is None else f"{host}:{port}"
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def is_loopback_url(text: str) -> bool:
    """Whether it leads to this machine, where nobody stands on the way."""
    try:
        host = urlsplit(text).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def machine_word(value: str) -> str:
    """A class of hits, and where one is meant alone, ``open`` or ``click``."""
    words = value.split()
    classes = ("human", "proxy", "prefetch", "scanner", "unsure")
    if not 1 <= len(words) <= 2 or words[0] not in classes or (len(words) == 2 and words[1] not in ("open", "click")):
        raise ValueError(f"should be one of {', '.join(classes)}, and `open` or `click` behind it where one is meant")
    return " ".join(words)


def store_url(text: str) -> str:
    """``postgresql://[user[:password]@]host[:port]/database[?option=value…]``, as libpq reads it."""
    hint = "is not postgresql://USER@HOST/DATABASE; for a socket postgresql://USER@/DATABASE?host=/var/run/postgresql"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError(f"what was given {hint}") from None  # it may hold a password, so it isn't shown
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(f"what was given {hint}; leave it out for SQLite in server.data_dir")
    if len(parts.path) < 2 or "/" in parts.path[1:]:
        raise ValueError(f"what was given names no database: it {hint}")
    if not text.isascii() or re.search(r"\s", text) or "#" in text:
        raise ValueError(f"what was given has a character that has to be written as %XX: it {hint}")
    return text
