"""Several name servers: records win, absence is believed only of all, and a dead one costs little."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import dns.rcode
import pytest

from relay.delivery.smtp import resolve
from relay.delivery.smtp.answer import DnsAnswer, Found, Missing, Unsure
from relay.delivery.smtp.nameserver import DOWN_S, LEAST_LOST, LEAST_SILENT, PLAIN_S
from relay.delivery.smtp.resolve import Resolver, endpoints
from tests.support import odd_dns as odd
from tests.support.delivery import Clock, run
from tests.support.dns import Odd, TinyDNS

D = "case.test"
MX = (D, "MX", "10 mx.test.")
TIMEOUT_S = 0.8


def ask(*servers: TinyDNS, clock: Clock | None = None, name: str = D) -> DnsAnswer:
    monotonic = clock.monotonic if clock else time.monotonic
    return run(Resolver([server.address for server in servers], TIMEOUT_S, monotonic).mx(name))


@dataclass(frozen=True)
class Pair:
    """What two servers say (``"yes"``: the MX), and what follows."""

    one: str | Odd
    two: str | Odd
    expected: Callable[[DnsAnswer], bool]


def is_found(answer: DnsAnswer) -> bool:
    return isinstance(answer, Found)


def is_sure(answer: DnsAnswer) -> bool:
    return isinstance(answer, Missing) and not answer.doubt


def in_doubt(answer: DnsAnswer) -> bool:
    return isinstance(answer, Missing) and "the name servers don't agree" in answer.doubt


def is_unsure(answer: DnsAnswer) -> bool:
    return isinstance(answer, Unsure)


NX, NODATA = odd.rcode(dns.rcode.NXDOMAIN), odd.empty
PAIRS = {
    "both know": Pair("yes", "yes", is_found),
    "NXDOMAIN, yes": Pair(NX, "yes", is_found),
    "NODATA, yes": Pair(NODATA, "yes", is_found),
    "SERVFAIL, yes": Pair("servfail", "yes", is_found),
    "REFUSED, yes": Pair("refused", "yes", is_found),
    "silence, yes": Pair("timeout", "yes", is_found),
    "garbage, yes": Pair("garbage", "yes", is_found),
    "lame, yes": Pair(odd.lame(), "yes", is_found),
    "referral, yes": Pair(odd.referral("test."), "yes", is_found),
    "cut off, yes": Pair(odd.cut_by_tcp, "yes", is_found),
    "wrong id, yes": Pair(odd.wrong_id, "yes", is_found),
    "yes, NXDOMAIN": Pair("yes", NX, is_found),
    "yes, silence": Pair("yes", "timeout", is_found),
    "NXDOMAIN, NXDOMAIN": Pair(NX, NX, is_sure),
    "NODATA, NODATA": Pair(NODATA, NODATA, is_sure),
    "NXDOMAIN, NODATA": Pair(NX, NODATA, in_doubt),
    "NODATA, NXDOMAIN": Pair(NODATA, NX, in_doubt),
    "NXDOMAIN, SERVFAIL": Pair(NX, "servfail", in_doubt),
    "SERVFAIL, NXDOMAIN": Pair("servfail", NX, in_doubt),
    "NXDOMAIN, silence": Pair(NX, "timeout", in_doubt),
    "silence, NODATA": Pair("timeout", NODATA, in_doubt),
    "NXDOMAIN, lame": Pair(NX, odd.lame(), in_doubt),
    "SERVFAIL, REFUSED": Pair("servfail", "refused", is_unsure),
    "silence, silence": Pair("timeout", "timeout", is_unsure),
    "SERVFAIL, garbage": Pair("servfail", "garbage", is_unsure),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_two_servers(pair: Pair) -> None:
    with TinyDNS([MX]) as one, TinyDNS([MX]) as two:
        for server, said in ((one, pair.one), (two, pair.two)):
            if said != "yes":
                server.faults[D] = said
        answer = ask(one, two)
        assert pair.expected(answer), answer
        if not isinstance(answer, Found):
            assert one.queries
            assert two.queries


def test_a_doubt_names_the_servers_and_what_they_say() -> None:
    with TinyDNS() as one, TinyDNS() as two:
        two.faults[D] = "servfail"
        answer = ask(one, two)
        assert isinstance(answer, Missing)
        assert answer.doubt == f"the name servers don't agree ({one.address}: NXDOMAIN; {two.address}: SERVFAIL)"


def test_the_third_server_knows() -> None:
    with TinyDNS() as one, TinyDNS() as two, TinyDNS([MX]) as three:
        two.faults[D] = "servfail"
        assert is_found(ask(one, two, three))


def test_one_is_enough_where_it_has_records() -> None:
    with TinyDNS([MX]) as one, TinyDNS([MX]) as two:
        assert is_found(ask(one, two))
        assert two.queries == []


def test_a_silent_server_is_left_out_for_a_while() -> None:
    clock = Clock()

    async def main(one: TinyDNS, two: TinyDNS) -> None:
        resolver = Resolver([one.address, two.address], TIMEOUT_S, clock.monotonic)
        for n in range(LEAST_SILENT):
            assert in_doubt(await resolver.mx(f"n{n}.test"))
        asked = len(one.queries)
        assert is_found(await resolver.mx(D))
        assert in_doubt(await resolver.mx("more.test"))
        assert len(one.queries) == asked
        clock.now += DOWN_S + 1
        one.faults.clear()
        assert is_sure(await resolver.mx("again.test"))
        assert len(one.queries) == asked + 1

    with TinyDNS([MX]) as one, TinyDNS([MX]) as two:
        one.faults["*"] = "timeout"
        run(main(one, two))


def test_silent_servers_are_asked_where_no_other_knows() -> None:
    clock = Clock()

    async def main(one: TinyDNS, two: TinyDNS) -> None:
        resolver = Resolver([one.address, two.address], TIMEOUT_S, clock.monotonic)
        one.faults["*"] = "timeout"
        for n in range(LEAST_SILENT):
            await resolver.mx(f"n{n}.test")
        one.faults.clear()
        two.faults["*"] = "servfail"
        assert is_found(await resolver.mx(D))

    with TinyDNS([MX]) as one, TinyDNS() as two:
        run(main(one, two))


def test_a_dead_server_costs_nothing_where_another_one_knows() -> None:
    async def main(one: TinyDNS, two: TinyDNS) -> None:
        resolver = Resolver([one.address, two.address], TIMEOUT_S, Clock().monotonic)
        for n in range(LEAST_SILENT):
            assert is_found(await resolver.mx(f"n{n}.test"))
        asked = len(one.queries)
        assert is_found(await resolver.mx(D))
        assert len(one.queries) == asked > 0

    with TinyDNS() as one, TinyDNS([MX, *((f"n{n}.test", "MX", "10 mx.test.") for n in range(LEAST_SILENT))]) as two:
        one.faults["*"] = "timeout"
        run(main(one, two))


@pytest.mark.parametrize("code", [dns.rcode.FORMERR, dns.rcode.NOTIMP])
def test_a_server_from_before_edns_is_asked_without_for_an_hour(code: dns.rcode.Rcode) -> None:
    clock = Clock()

    async def main(server: TinyDNS) -> None:
        resolver = Resolver([server.address], TIMEOUT_S, clock.monotonic)
        assert is_found(await resolver.mx(D))
        assert len(server.queries) == 2
        assert is_sure(await resolver.mx("x.test"))
        assert len(server.queries) == 3
        clock.now += PLAIN_S + 1
        assert is_sure(await resolver.mx("y.test"))
        assert len(server.queries) == 5

    with TinyDNS([MX]) as server:
        server.faults["*"] = odd.to_edns(code)
        run(main(server))


def test_a_server_that_is_deaf_to_edns_is_found_out() -> None:
    async def main(server: TinyDNS) -> None:
        resolver = Resolver([server.address], TIMEOUT_S, Clock().monotonic)
        for n in range(LEAST_LOST):
            assert is_sure(await resolver.mx(f"n{n}.test"))
        before = len(server.queries)
        assert is_found(await resolver.mx(D))
        assert len(server.queries) == before + 1

    with TinyDNS([MX]) as server:
        server.faults["*"] = odd.deaf_to_edns
        run(main(server))


def test_an_implicit_mx_is_found_although_another_server_is_silent() -> None:
    """NODATA for MX is in doubt, but the address that is there is used."""

    async def main(one: TinyDNS, two: TinyDNS) -> None:
        resolver = Resolver([one.address, two.address], TIMEOUT_S)
        assert in_doubt(await resolver.mx(D))
        assert is_found(await resolver.addresses(D))

    with TinyDNS([(D, "A", "127.0.0.1")]) as one, TinyDNS() as two:
        two.faults["*"] = "timeout"
        run(main(one, two))


def test_txt_is_empty_only_where_that_is_sure() -> None:
    async def main(one: TinyDNS, two: TinyDNS) -> None:
        resolver = Resolver([one.address, two.address], TIMEOUT_S)
        assert await resolver.txt(D) == ()
        two.faults[D] = "servfail"
        assert await resolver.txt(D) is None

    with TinyDNS() as one, TinyDNS() as two:
        run(main(one, two))


def test_endpoints() -> None:
    assert endpoints(["192.0.2.1:53", "[2001:db8::1]:5353"]) == [("192.0.2.1", 53), ("2001:db8::1", 5353)]


def test_no_name_server_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "endpoints", lambda nameservers: [])
    answer = run(Resolver().mx(D))
    assert isinstance(answer, Unsure)
    assert "set [dns] nameservers" in answer.why
