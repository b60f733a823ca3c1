"""Names, addresses and URLs in settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config import names

Check = Callable[[str], str]


@pytest.mark.parametrize(
    ("check", "text", "normal"),
    [
        (names.domain_name, "Relay.Example.COM", "relay.example.com"),
        (names.domain_name, "localhost", "localhost"),
        (names.domain_name, "bücher.example", "xn--bcher-kva.example"),
        (names.domain_name, "1and1.example", "1and1.example"),
        (names.ip_address, "192.0.2.10", "192.0.2.10"),
        (names.ip_address, "2001:DB8:0::1", "2001:db8::1"),
        (names.ip_network, "10.0.0.0/8", "10.0.0.0/8"),
        (names.ip_network, "192.0.2.1", "192.0.2.1/32"),
        (names.ip_network, "2001:db8::/32", "2001:db8::/32"),
        (names.listen_endpoint, "0.0.0.0:0", "0.0.0.0:0"),
        (names.listen_endpoint, "*:587", "*:587"),
        (names.listen_endpoint, "*:0587", "*:587"),
        (names.listen_endpoint, "[::]:587", "[::]:587"),
        (names.listen_endpoint, "Localhost:25", "localhost:25"),
        (names.target_endpoint, "mx.example.com:2600", "mx.example.com:2600"),
        (names.nameserver, "127.0.0.1:5353", "127.0.0.1:5353"),
        (names.nameserver, "192.0.2.53", "192.0.2.53:53"),
        (names.nameserver, "::1", "[::1]:53"),
        (names.nameserver, "[::1]:5353", "[::1]:5353"),
        (names.base_url, "https://relay.example.com", "https://relay.example.com"),
        (names.base_url, "HTTP://Relay.Example.com:8080/", "http://relay.example.com:8080"),
        (names.base_url, "https://example.com/mail/", "https://example.com/mail"),
        (names.base_url, "http://[::1]:80", "http://[::1]:80"),
        (names.base_url, "http://127.0.0.1:10088", "http://127.0.0.1:10088"),
    ],
)
def test_normal_form(check: Check, text: str, normal: str) -> None:
    assert check(text) == normal


@pytest.mark.parametrize(
    ("check", "text"),
    [
        *((names.domain_name, t) for t in ("", ".", "a..b", "a.b.", "-a.example", "a_b.example", "256.1.1.1")),
        *((names.domain_name, t) for t in ("a b", "x" * 64 + ".example", ".".join(["abcdefgh"] * 40), "a\n.example")),
        *((names.domain_name, t) for t in ("☃☃.\u202e", "[127.0.0.1]", "a.example:25")),
        *((names.ip_address, t) for t in ("", "1.2.3", "1.2.3.4/32", "localhost", "1.2.3.4:25")),
        *((names.ip_network, t) for t in ("", "10.0.0.1/8", "10.0.0.0/33", "any")),
        *((names.listen_endpoint, t) for t in ("", "25", ":25", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "::1:25")),
        *((names.listen_endpoint, t) for t in ("256.0.0.1:25", "[1.2.3.4]:25", "[::1:25", "a b:25", "1.2.3.4:-1")),
        *(
            (names.listen_endpoint, t)
            for t in ("1.2.3.4:٢٥", "1.2.3.4:25\n", "*", "*:", "*:x", "*:65536", "**:25", "[*]:25")
        ),
        *((names.target_endpoint, t) for t in ("*:25", "*")),
        (names.target_endpoint, "mx.example.com:0"),
        *((names.nameserver, t) for t in ("", "dns.example:53", "127.0.0.1:0", "127.0.0.1:x")),
        *((names.base_url, t) for t in ("", "relay.example.com", "ftp://a.example", "https://", "https://a b")),
        *((names.base_url, t) for t in ("https://u:p@a.example", "https://a.example/?x", "https://a.example/#x")),
        *((names.base_url, t) for t in ("https://bücher.example", "https://a.example:99999", "https://[::1", "//a")),
    ],
)
def test_refused(check: Check, text: str) -> None:
    with pytest.raises(ValueError):
        check(text)


def test_a_network_with_host_bits_is_told_the_right_one() -> None:
    with pytest.raises(ValueError, match=r'write "10.0.0.0/8"'):
        names.ip_network("10.0.0.1/8")


def test_endpoints_come_apart_and_together() -> None:
    for text in ("127.0.0.1:25", "[::1]:25", "mx.example:25"):
        assert names.join_endpoint(names.split_endpoint(text)) == text
    assert names.split_endpoint("[::1]:25") == ("::1", 25)
