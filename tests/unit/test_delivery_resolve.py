"""DNS faults against a real (tiny) server: only a sure answer is Missing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from relay.delivery.outcome import Bounced, Delivered, Retry
from relay.delivery.smtp.answer import MAX_ADDRESSES, DnsAnswer, Found, Missing, Unsure
from relay.delivery.smtp.resolve import MAX_ENTRIES, Resolver
from tests.support.delivery import Bench, Clock, FakeAttempt, run
from tests.support.dns import TinyDNS
from tests.support.remote import ScriptedRemote

RECORDS = [
    ("example.net", "MX", "20 B.example.net."),
    ("example.net", "MX", "10 a.example.net."),
    ("a.example.net", "A", "127.0.0.1"),
    ("a.example.net", "AAAA", "::1"),
    ("b.example.net", "A", "127.0.0.1"),
    ("six.example.net", "AAAA", "::1"),
    ("null.test", "MX", "0 ."),
    ("nodata.test", "TXT", "x"),
    ("alias.test", "CNAME", "alias2.test."),
    ("alias2.test", "CNAME", "example.net."),
    ("dangling.test", "CNAME", "nowhere.test."),
    ("loop1.test", "CNAME", "loop2.test."),
    ("loop2.test", "CNAME", "loop1.test."),
    ("self.test", "CNAME", "self.test."),
    ("txt.test", "TXT", '"a" "b"'),
]


@pytest.fixture
def dns() -> Iterator[TinyDNS]:
    with TinyDNS(RECORDS) as server:
        yield server


def mx(dns: TinyDNS, name: str) -> DnsAnswer:
    return run(Resolver([dns.address], 0.4).mx(name))


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_found(dns: TinyDNS, loop: str) -> None:
    async def main() -> None:
        resolver = Resolver([dns.address], 2)
        found = await resolver.mx("example.net")
        assert isinstance(found, Found)
        assert sorted(found.records) == [(10, "a.example.net"), (20, "b.example.net")]
        assert found.ttl_s == 300
        assert await resolver.addresses("a.example.net") == Found(((0, "127.0.0.1"), (0, "::1")), 300)
        assert await resolver.addresses("six.example.net") == Found(((0, "::1"),), 300)
        assert await resolver.mx("null.test") == Found(((0, ""),), 300)
        assert await resolver.txt("txt.test") == ("ab",)
        assert await resolver.txt("nothing.test") == ()

    run(main(), loop)


def test_no_name(dns: TinyDNS) -> None:
    assert mx(dns, "nowhere.test") == Missing(True)


def test_an_alias_of_a_name_that_is_gone_is_in_doubt(dns: TinyDNS) -> None:
    assert mx(dns, "dangling.test") == Missing(True, doubt="it is an alias of nowhere.test, which does not exist")


def test_no_data(dns: TinyDNS) -> None:
    answer = mx(dns, "nodata.test")
    assert isinstance(answer, Missing)
    assert not answer.no_name


def test_alias_chain(dns: TinyDNS) -> None:
    answer = mx(dns, "alias.test")
    assert isinstance(answer, Found)
    assert len(answer.records) == 2


@pytest.mark.parametrize("name", ["loop1.test", "self.test"])
def test_alias_loops_are_unsure(dns: TinyDNS, name: str) -> None:
    assert isinstance(mx(dns, name), Unsure)


@pytest.mark.parametrize("fault", ["servfail", "refused", "timeout", "truncate-all", "garbage"])
@pytest.mark.parametrize("name", ["example.net", "nowhere.test"])
def test_faults_are_unsure(dns: TinyDNS, fault: str, name: str) -> None:
    dns.faults[name] = fault
    answer = mx(dns, name)
    assert isinstance(answer, Unsure)
    assert answer.why.isprintable()


def test_truncation_is_asked_again_by_tcp(dns: TinyDNS) -> None:
    dns.faults["example.net"] = "truncate"
    assert isinstance(mx(dns, "example.net"), Found)
    assert ("TCP", "example.net", "MX") in dns.queries


def test_one_family_unsure_and_the_other_missing_is_unsure(dns: TinyDNS) -> None:
    class Half(Resolver):
        async def _query(self, name: str, kind: str) -> DnsAnswer:
            return Unsure("lost") if kind == "AAAA" else await super()._query(name, kind)

    assert isinstance(run(Half([dns.address], 1).addresses("nodata.test")), Unsure)
    assert isinstance(run(Half([dns.address], 1).addresses("a.example.net")), Found)


def test_no_server_there_is_unsure() -> None:
    assert isinstance(run(Resolver(["127.0.0.1:1"], 0.3).mx("example.net")), Unsure)


def test_a_hostile_name_is_unsure(dns: TinyDNS) -> None:
    for name in ("a..b", "x" * 64 + ".test", "", ".".join(["x" * 60] * 5)):
        assert isinstance(mx(dns, name), Unsure | Missing)


def test_single_flight_and_cache(dns: TinyDNS) -> None:
    clock = Clock()

    async def main() -> None:
        resolver = Resolver([dns.address], 2, clock.monotonic)
        await asyncio.gather(*(resolver.mx("example.net") for _ in range(50)))
        assert len(dns.queries) == 1
        clock.now += 299
        await resolver.mx("example.net")
        assert len(dns.queries) == 1
        clock.now += 2
        await resolver.mx("example.net")
        assert len(dns.queries) == 2

    run(main())


def test_a_negative_answer_is_kept_shortly(dns: TinyDNS) -> None:
    clock = Clock()

    async def main() -> None:
        resolver = Resolver([dns.address], 2, clock.monotonic)
        assert isinstance(await resolver.mx("new.test"), Missing)
        dns.add("new.test", "MX", "10 a.example.net.")
        clock.now += 11
        assert isinstance(await resolver.mx("new.test"), Found)

    run(main())


def test_one_who_gives_up_does_not_take_the_answer_from_others(dns: TinyDNS) -> None:
    async def main() -> None:
        resolver = Resolver([dns.address], 2)
        first = asyncio.create_task(resolver.mx("example.net"))
        second = asyncio.create_task(resolver.mx("example.net"))
        await asyncio.sleep(0)
        first.cancel()
        assert isinstance(await second, Found)

    run(main())


def test_the_cache_and_answers_are_bounded() -> None:
    class Quick(Resolver):
        async def _query(self, name: str, kind: str) -> DnsAnswer:
            return Missing(True)

    async def main() -> None:
        resolver = Quick(["127.0.0.1:1"])
        for number in range(MAX_ENTRIES + 100):
            await resolver.mx(f"d{number}.test")
        assert len(resolver._cache) == MAX_ENTRIES

    run(main())
    with TinyDNS([("many.test", "A", f"127.0.{n % 3}.{n // 3}") for n in range(600)]) as dns:
        answer = run(Resolver([dns.address], 2).addresses("many.test"))
        assert isinstance(answer, Found)
        assert len(answer.records) == MAX_ADDRESSES


@pytest.mark.parametrize(
    ("domain", "fault", "expected"),
    [
        ("example.net", "", Delivered),
        ("alias.test", "", Delivered),
        ("null.test", "", Bounced),
        ("nowhere.test", "", Retry),
        ("nodata.test", "", Retry),
        ("loop1.test", "", Retry),
        ("example.net", "servfail", Retry),
        ("example.net", "timeout", Retry),
        ("example.net", "refused", Retry),
        ("nowhere.test", "servfail", Retry),
        ("nowhere.test", "truncate-all", Retry),
    ],
)
def test_through_the_engine(dns: TinyDNS, domain: str, fault: str, expected: type) -> None:
    async def main() -> None:
        if fault:
            dns.faults[domain] = fault
        async with ScriptedRemote() as remote, Bench(Resolver([dns.address], 0.4), port=remote.port) as bench:
            assert type(await bench.deliver(FakeAttempt(f"bob@{domain}"))) is expected

    run(main())


@pytest.mark.parametrize("fault", ["servfail", "timeout"])
def test_an_mx_whose_address_is_unsure_falls_back_to_the_next(dns: TinyDNS, fault: str) -> None:
    async def main() -> None:
        dns.faults["a.example.net"] = fault
        async with ScriptedRemote() as remote, Bench(Resolver([dns.address], 0.4), port=remote.port) as bench:
            outcome = await bench.deliver(FakeAttempt("bob@example.net"))
            assert isinstance(outcome, Delivered)
            assert outcome.remote.startswith("b.example.net [127.0.0.1]")

    run(main())


def test_only_ipv6(dns: TinyDNS) -> None:
    async def main() -> None:
        try:
            async with ScriptedRemote(host="::1") as remote, Bench(Resolver([dns.address]), port=remote.port) as bench:
                assert isinstance(await bench.deliver(FakeAttempt("bob@six.example.net")), Delivered)
        except OSError:
            pytest.skip("no IPv6 on the loopback")

    run(main())


def test_an_mx_without_any_address_is_temporary(dns: TinyDNS) -> None:
    dns.add("broken.test", "MX", "10 gone.test.")

    async def main() -> None:
        async with Bench(Resolver([dns.address], 1)) as bench:
            outcome = await bench.deliver(FakeAttempt("bob@broken.test"))
            assert isinstance(outcome, Retry)
            assert outcome.status.startswith("450 4.4.4")

    run(main())
