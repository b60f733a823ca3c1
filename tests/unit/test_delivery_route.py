"""Routes: settings first, then DNS; never a false hard bounce."""

from __future__ import annotations

import asyncio

import pytest

from relay.delivery.outcome import Bounced, Reach, Retry
from relay.delivery.smtp.answer import DnsAnswer, Found, Missing, Unsure
from relay.delivery.smtp.route import MAX_HOSTS, Host, Login, Route, Routed, Router, Routing
from tests.support.delivery import Clock, FixedLookup

ADDRESS = Found(((0, "192.0.2.1"),), 60)


def route(domain: str, routing: Routing | None = None, lookup: FixedLookup | None = None) -> Routed:
    router = Router(routing or Routing("relay.test"), lookup or FixedLookup(), Clock().monotonic)
    return asyncio.run(router.find(domain))


def by_mx(*records: tuple[int, str]) -> FixedLookup:
    return FixedLookup({"example.net": Found(records, 60)}, {})


def test_configured_routes_win() -> None:
    routes = {"a.test": "h1:1", ".a.test": "h2:2", ".b.a.test": "h3:3", "*": "[2001:db8::1]:4"}
    routing = Routing("relay.test", routes=routes, smart_host="smart:5")
    for domain, host, port in [
        ("a.test", "h1", 1),
        ("x.a.test", "h2", 2),
        ("x.y.a.test", "h2", 2),
        ("x.b.a.test", "h3", 3),
        ("b.a.test", "h2", 2),
        ("xa.test", "2001:db8::1", 4),
    ]:
        found = route(domain, routing)
        assert isinstance(found, Route)
        assert (found.hosts, found.port, found.by_mx) == ((Host(0, host),), port, False)


def test_smart_host_with_login() -> None:
    login = Login("user", "secret")
    routing = Routing("relay.test", routes={"a.test": "h1:1"}, smart_host="smart:587", login=login)
    found = route("b.test", routing)
    assert isinstance(found, Route)
    assert found.login is login
    assert "secret" not in repr(found)
    other = route("a.test", routing)
    assert isinstance(other, Route)
    assert other.login is None


def test_mx_are_sorted_and_the_site_is_their_set() -> None:
    first = route("example.net", lookup=by_mx((20, "b.test"), (10, "a.test")))
    second = route("example.net", lookup=by_mx((10, "b.test"), (20, "a.test")))
    assert isinstance(first, Route)
    assert isinstance(second, Route)
    assert [host.name for host in first.hosts] == ["a.test", "b.test"]
    assert first.site == second.site == "a.test,b.test:25"


def test_a_hundred_mx_are_cut() -> None:
    found = route("example.net", lookup=by_mx(*((n, f"mx{n}.test") for n in range(150, 0, -1))))
    assert isinstance(found, Route)
    assert [host.preference for host in found.hosts] == list(range(1, MAX_HOSTS + 1))


@pytest.mark.parametrize("records", [((0, ""),), ((10, ""),), ((0, ""), (10, ""))])
def test_a_null_mx_alone_is_final_at_once_and_nobody_is_dead(records: tuple[tuple[int, str], ...]) -> None:
    found = route("example.net", lookup=by_mx(*records))
    assert isinstance(found, Bounced)
    assert found.status == "556 5.1.10 the domain example.net takes no mail (null MX)"
    assert not found.address_dead


@pytest.mark.parametrize(
    "records", [((10, "relay.test"),), ((10, "relay.test"), (20, "other.test")), ((10, "localhost"),)]
)
def test_a_loop_is_a_finding(records: tuple[tuple[int, str], ...]) -> None:
    found = route("example.net", lookup=by_mx(*records))
    assert isinstance(found, Retry)
    assert found.status.startswith("454 4.4.6 mail for example.net loops back")


def test_a_better_mx_than_ourselves_is_used_alone() -> None:
    found = route("example.net", lookup=by_mx((10, "a.test"), (20, "relay.test"), (30, "b.test")))
    assert isinstance(found, Route)
    assert found.hosts == (Host(10, "a.test"),)


def test_an_mx_that_is_an_address_is_not_used() -> None:
    found = route("example.net", lookup=by_mx((10, "192.0.2.1"), (20, "a.test"), (30, "")))
    assert isinstance(found, Route)
    assert found.hosts == (Host(20, "a.test"),)
    alone = route("example.net", lookup=by_mx((10, "192.0.2.1")))
    assert isinstance(alone, Retry)
    assert alone.status.startswith("450 4.4.4")


@pytest.mark.parametrize(
    ("mx", "addresses", "status"),
    [
        (Missing(True), Missing(True), "450 4.1.2 the domain example.net does not exist"),
        (Missing(True), Missing(False), "450 4.4.4 the domain example.net has neither MX nor address"),
        (Missing(False), Missing(False), "450 4.4.4 the domain example.net has neither MX nor address"),
        (Missing(True, doubt="it rains"), Missing(True), "450 4.1.2 the domain example.net does not exist, it seems"),
        (Missing(True), Unsure("SERVFAIL"), "451 4.4.3 SERVFAIL"),
        (Missing(False), Unsure("SERVFAIL"), "451 4.4.3 SERVFAIL"),
        (Unsure("SERVFAIL"), ADDRESS, "451 4.4.3 SERVFAIL"),
        (Unsure("time-out"), Missing(True), "451 4.4.3 time-out"),
    ],
)
def test_no_route_is_temporary_at_the_first_look(mx: DnsAnswer, addresses: DnsAnswer, status: str) -> None:
    found = route("example.net", lookup=FixedLookup({"example.net": mx}, {"example.net": addresses}))
    assert isinstance(found, Retry)
    assert found.status.startswith(status)
    assert found.reach is Reach.SITE


@pytest.mark.parametrize("mx", [Missing(False), Missing(True), Missing(True, doubt="one server is silent")])
def test_no_mx_means_the_domain_itself_whatever_kind_of_none(mx: Missing) -> None:
    found = route("example.net", lookup=FixedLookup({"example.net": mx}, {"example.net": ADDRESS}))
    assert isinstance(found, Route)
    assert found.hosts == (Host(0, "example.net"),)


@pytest.mark.parametrize(
    "domain",
    ["[127.0.0.1]", "[10.1.2.3]", "[0.0.0.0]", "[IPv6:::1]", "[IPv6:::ffff:127.0.0.2]", "[IPv6:fe80::1]", "[x]"],
)
def test_a_literal_that_leads_inside_is_refused_at_once(domain: str) -> None:
    found = route(domain)
    assert isinstance(found, Bounced)
    assert found.status.startswith(f"550 5.4.4 {domain} is ")
    assert not found.address_dead


@pytest.mark.parametrize(("domain", "address"), [("[192.0.2.7]", "192.0.2.7"), ("[IPv6:2001:db8::7]", "2001:db8::7")])
def test_address_literals(domain: str, address: str) -> None:
    found = route(domain, Routing("relay.test", port=2525, allow_private=True))
    assert isinstance(found, Route)
    assert (found.hosts, found.port) == ((Host(0, address),), 2525)


def test_routes_are_kept_as_long_as_the_ttl() -> None:
    clock, lookup = Clock(), by_mx((10, "a.test"))
    router = Router(Routing("relay.test"), lookup, clock.monotonic)
    assert router.known("example.net") is None
    found = asyncio.run(router.find("example.net"))
    clock.now += 59
    assert router.known("example.net") is found
    clock.now += 2
    assert router.known("example.net") is None
