"""Look-ups against a real (tiny) DNS server: every type that is asked for, and what is no answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.settings import Settings
from relay.tenants.lookup import LookupFailed, resolver
from tests.support.dns import TinyDNS

RECORDS = [
    ("example.net", "MX", "10 A.example.net."),
    ("a.example.net", "A", "127.0.0.1"),
    ("a.example.net", "AAAA", "::1"),
    ("null.test", "MX", "0 ."),
    ("alias.test", "CNAME", "A.Example.net."),
    ("txt.test", "TXT", '"a" "b"'),
    ("1.0.0.127.in-addr.arpa", "PTR", "Relay.example.net."),
]


@pytest.fixture
def dns() -> Iterator[TinyDNS]:
    with TinyDNS(RECORDS) as server:
        yield server


def settings(dns: TinyDNS, timeout: float = 10) -> Settings:
    return Settings.model_validate(
        {"server": {"hostname": "relay.test"}, "dns": {"nameservers": [dns.address], "timeout": timeout}}
    )


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("example.net", "MX", ["a.example.net"]),
        ("a.example.net", "A", ["127.0.0.1"]),
        ("a.example.net", "AAAA", ["::1"]),
        ("null.test", "MX", [""]),
        ("alias.test", "CNAME", ["a.example.net"]),
        ("txt.test", "TXT", ["ab"]),
        ("127.0.0.1", "PTR", ["relay.example.net"]),
        ("127.0.0.2", "PTR", []),
        ("nowhere.test", "A", []),
        ("txt.test", "MX", []),
    ],
)
def test_found(dns: TinyDNS, name: str, kind: str, values: list[str]) -> None:
    assert list(resolver(settings(dns))(name, kind)) == values


@pytest.mark.parametrize(
    ("fault", "timeout", "text"),
    [("timeout", 0.4, "no answer within 0.4 s"), ("servfail", 10, "SERVFAIL"), ("refused", 10, "REFUSED")],
)
def test_no_answer(dns: TinyDNS, fault: str, timeout: float, text: str) -> None:
    dns.faults["example.net"] = fault
    with pytest.raises(LookupFailed, match=text):
        resolver(settings(dns, timeout))("example.net", "MX")


@pytest.mark.parametrize(("name", "kind"), [("no address", "PTR"), ("a..b", "A"), ("x" * 70, "TXT")])
def test_what_is_no_name(dns: TinyDNS, name: str, kind: str) -> None:
    with pytest.raises(LookupFailed):
        resolver(settings(dns))(name, kind)
