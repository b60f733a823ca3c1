"""All of a site's hosts and addresses get their turn over the tries."""

from __future__ import annotations

import asyncio
import random

import pytest

from relay.delivery.outcome import Delivered, Retry
from relay.delivery.smtp.answer import Found
from relay.delivery.smtp.connect import MAX_TRIES
from relay.delivery.smtp.route import Host
from relay.delivery.smtp.turns import MOST_NAMES, MOST_SITES, Turns
from tests.support.delivery import Bench, FakeAttempt, FixedLookup, run, until
from tests.support.remote import OK, ScriptedRemote


def mx(hosts: dict[str, list[str]]) -> FixedLookup:
    """Hosts in order of preference, with their addresses."""
    return FixedLookup(
        {"example.net": Found(tuple((n, name) for n, name in enumerate(hosts)), 60)},
        {name: Found(tuple((0, address) for address in addresses), 60) for name, addresses in hosts.items()},
    )


def dead(count: int, net: int = 1) -> list[str]:
    """Addresses of the loopback where nobody listens."""
    return [f"127.{net}.{n // 200}.{n % 200 + 1}" for n in range(count)]


@pytest.mark.parametrize(
    ("hosts", "tries"),
    [
        ({"a.test": [*dead(3), "127.0.0.1"]}, 1),
        ({"a.test": [*dead(40), "127.0.0.1"]}, 5),
        ({"a.test": [*dead(99), "127.0.0.1"]}, 10),
        ({"a.test": dead(16), "b.test": ["127.0.0.1"]}, 1),
        ({"a.test": dead(16, 1), "b.test": dead(16, 2), "c.test": ["127.0.0.1"]}, 2),
        ({**{f"m{n}.test": dead(1, n + 1) for n in range(30)}, "last.test": ["127.0.0.1"]}, 4),
        ({"a.test": [*dead(10, 1), "127.0.0.1"], "b.test": dead(10, 2)}, 5),
    ],
)
def test_the_one_that_works_is_found_within_a_few_tries(hosts: dict[str, list[str]], tries: int) -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(mx(hosts), port=remote.port) as bench:
            for number in range(tries):
                outcome = await bench.deliver()
                if isinstance(outcome, Delivered):
                    return
                assert isinstance(outcome, Retry)
                dialed = [details["remote"] for what, details in bench.log if what == "unreachable"]
                assert len(set(dialed)) == len(dialed) == (number + 1) * MAX_TRIES
                bench.clock.now += 3600
            raise AssertionError(f"not found in {tries} tries")

    run(main())


def test_a_host_that_greets_and_then_breaks_gives_way_to_the_next() -> None:
    async def main() -> None:
        async with (
            ScriptedRemote({"MAIL": ["drop"] * 100}) as bad,
            ScriptedRemote(host="127.0.0.2", port=bad.port) as ok,
        ):
            hosts = {"bad.test": ["127.0.0.1"], "good.test": ["127.0.0.2"]}
            async with Bench(mx(hosts), port=bad.port) as bench:
                for _ in range(10):
                    if isinstance(await bench.deliver(), Delivered):
                        break
                    bench.clock.now += 3600
                assert ok.connections > 0

    run(main())


LATER = "451 4.3.0 later"


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_host_that_only_puts_off_gives_way_to_the_next(step: str) -> None:
    async def main() -> None:
        async with (
            ScriptedRemote({step: LATER}) as bad,
            ScriptedRemote(host="127.0.0.2", port=bad.port),
            Bench(mx({"bad.test": ["127.0.0.1"], "good.test": ["127.0.0.2"]}), port=bad.port) as bench,
        ):
            assert isinstance(await bench.deliver(), Retry)
            await until(lambda: not bench.engine.connections)
            outcome = await bench.deliver()
            assert isinstance(outcome, Delivered)
            assert outcome.remote.startswith("good.test")

    run(main())


def test_a_host_that_greylists_is_asked_again_after_the_other() -> None:
    async def main() -> None:
        async with (
            ScriptedRemote({"RCPT": [LATER]}) as first,
            ScriptedRemote({"RCPT": LATER}, host="127.0.0.2", port=first.port),
            Bench(mx({"one.test": ["127.0.0.1"], "two.test": ["127.0.0.2"]}), port=first.port) as bench,
        ):
            for expected in (Retry, Retry, Delivered):
                assert isinstance(await bench.deliver(), expected)
                if expected is Retry:
                    await until(lambda: not bench.engine.connections)

    run(main())


def test_a_host_that_takes_some_keeps_its_turn() -> None:
    async def main() -> None:
        async with (
            ScriptedRemote({"RCPT": [LATER, OK, LATER]}) as first,
            ScriptedRemote(host="127.0.0.2", port=first.port) as second,
            Bench(
                mx({"one.test": ["127.0.0.1"], "two.test": ["127.0.0.2"]}), port=first.port, connections_per_site=1
            ) as bench,
        ):
            attempts = [bench.submit(FakeAttempt()) for _ in range(3)]
            await asyncio.gather(*(attempt.outcome for attempt in attempts))
            assert isinstance(await bench.deliver(), Delivered)
            assert second.connections == 0

    run(main())


def test_order_is_by_failures_then_preference() -> None:
    turns = Turns(random.Random(1))
    hosts = [Host(10, "a"), Host(20, "b"), Host(20, "c"), Host(30, "d")]
    assert [host.name for host in turns.hosts("s", hosts)][0::3] == ["a", "d"]
    assert {turns.hosts("s", hosts)[1].name for _ in range(50)} == {"b", "c"}
    turns.failed("s", "a")
    turns.failed("s", "b")
    assert [host.name for host in turns.hosts("s", hosts)] == ["c", "d", "a", "b"]
    assert turns.hosts("other", hosts)[0].name == "a"
    turns.reached("s")
    assert turns.hosts("s", hosts)[0].name == "a"


def test_addresses_are_in_random_order_and_those_that_failed_behind() -> None:
    turns = Turns(random.Random(1))
    addresses = [f"192.0.2.{n}" for n in range(5)]
    assert {turns.addresses("s", addresses)[0] for _ in range(100)} == set(addresses)
    for address in addresses[:4]:
        turns.failed("s", address)
    assert turns.addresses("s", addresses)[0] == addresses[4]


def test_what_is_remembered_is_bounded() -> None:
    turns = Turns(random.Random(1))
    for n in range(MOST_SITES + 10):
        turns.failed(f"s{n}", "a")
    for n in range(MOST_NAMES + 10):
        turns.failed("s", f"a{n}")
    assert len(turns._failed) == MOST_SITES
    assert len(turns._failed["s"]) == MOST_NAMES
