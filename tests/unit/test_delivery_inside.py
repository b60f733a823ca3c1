"""Addresses that DNS or a literal may not lead to: what they are, and that nothing is dialed."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from config.sending import Delivery
from relay.delivery.outcome import Bounced, Delivered, Retry
from relay.delivery.smtp.answer import Found
from relay.values.inside import inside, own
from tests.support.delivery import Bench, Clock, FakeAttempt, FixedLookup, run
from tests.support.remote import ScriptedRemote
from tests.unit.judging import HOUR_S, Bank


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
        "192.168.1.1", "198.18.0.1", "198.19.9.9", "198.51.100.7", "203.0.113.9", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::2", "::127.0.0.1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:192.168.0.1", "::ffff:a9fe:a9fe", "64:ff9b::127.0.0.1",
        "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::1", "2001:2::1", "2001:db8::1",
        "2001:10::1", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::1", "3fff::1", "3fff:fff::1", "5f00::1",
        "fc00::1", "fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "4000::1", "1::1",
        "2600::5efe:10.0.0.1", "2600::200:5efe:127.0.0.1", "mx.example", "", "127.1", "0x7f000001",
        "2130706433",
    ],
)  # fmt: skip
def test_inside(address: str) -> None:
    assert inside(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
        "169.253.1.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "192.0.3.1", "192.167.1.1", "192.169.1.1",
        "198.17.0.1", "198.20.0.1", "198.51.101.1", "203.0.114.1", "223.255.255.255", "2600::1", "2a00:1450::1",
        "2001:200::1", "2001:4860::1", "2001:db9::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
        "2600::5efe:8.8.8.8", "2001:0:808:808::f7f7:f7f7",
    ],
)  # fmt: skip
def test_of_the_internet(address: str) -> None:
    assert inside(address) == ""


def test_own_addresses() -> None:
    assert own("127.0.0.1")
    assert not own("192.0.2.1")
    assert not own("no address")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("no network but the loopback")
        assert own(probe.getsockname()[0])


def lookup(*addresses: str, domain: str = "example.net") -> FixedLookup:
    return FixedLookup(
        {domain: Found(((10, "mx.test"),), 60)}, {"mx.test": Found(tuple((0, address) for address in addresses), 60)}
    )


def test_nothing_inside_is_dialed_and_it_is_final_at_the_second_look(tmp_path: Path) -> None:
    clock, bank = Clock(), Bank(tmp_path)

    async def main() -> None:
        async with ScriptedRemote() as remote:
            bench = Bench(
                lookup("127.0.0.1"), clock=clock, judge=bank.judge(clock), port=remote.port, allow_private=False
            )
            async with bench:
                first = await bench.deliver()
                clock.now += 7 * HOUR_S
                last = await bench.deliver()
            assert remote.connections == 0
            assert isinstance(first, Retry)
            assert first.status.startswith("450 4.4.4 the mail server mx.test is where no mail is sent to: ")
            assert "127.0.0.1 (the loopback), says DNS since" in first.status
            assert isinstance(last, Bounced)
            assert last.status.endswith("(looked up twice, 7 hours apart)")
            assert not last.address_dead

    run(main())


def test_those_of_the_internet_are_used_where_some_are_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 plays the one of the internet."""
    real = inside
    monkeypatch.setattr(
        "relay.delivery.smtp.connect.inside", lambda address: "" if address == "127.0.0.2" else real(address)
    )
    monkeypatch.setattr("relay.delivery.smtp.connect.own", lambda address: False)

    async def main() -> None:
        async with ScriptedRemote(host="127.0.0.2") as remote:
            found = lookup("10.0.0.1", "127.0.0.1", "127.0.0.2", "::1")
            async with Bench(found, port=remote.port, allow_private=False) as bench:
                outcome = await bench.deliver()
                assert isinstance(outcome, Delivered)
                assert "[127.0.0.2]" in outcome.remote

    run(main())


def test_an_own_address_is_not_dialed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.delivery.smtp.connect.inside", lambda address: "")

    async def main() -> None:
        async with ScriptedRemote() as remote:
            async with Bench(lookup("127.0.0.1"), port=remote.port, allow_private=False) as bench:
                outcome = await bench.deliver()
                assert isinstance(outcome, Retry)
                assert "127.0.0.1 (this machine)" in outcome.status
            assert remote.connections == 0

    run(main())


def test_the_address_that_is_dialed_is_the_one_that_was_checked() -> None:
    """A name that changes its address between two look-ups gains nothing: each answer is checked as it is dialed."""

    class Rebinding(FixedLookup):
        turn = 0

        async def addresses(self, host: str, *, fresh: bool = False) -> Found:
            self.turn += 1
            return Found(((0, "192.0.2.1" if self.turn % 2 else "127.0.0.1"),), 0)

    async def main() -> None:
        async with ScriptedRemote() as remote:
            rebinding = Rebinding({"example.net": Found(((10, "mx.test"),), 60)})
            async with Bench(rebinding, port=remote.port, allow_private=False) as bench:
                for _ in range(4):
                    assert isinstance(await bench.deliver(), Retry)
                    bench.clock.now += 3600
            assert remote.connections == 0
            assert rebinding.turn == 4

    run(main())


@pytest.mark.parametrize("domain", ["[127.0.0.1]", "[IPv6:::1]", "[IPv6:::ffff:127.0.0.1]"])
def test_a_literal_inside_is_refused_at_once(domain: str) -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote:
            async with Bench(port=remote.port, allow_private=False) as bench:
                outcome = await bench.deliver(FakeAttempt(f"bob@{domain}"))
                assert isinstance(outcome, Bounced)
                assert outcome.status.startswith("550 5.4.4 ")
                assert not outcome.address_dead
            assert remote.connections == 0

    run(main())


@pytest.mark.parametrize("by", ["route", "route by name", "smart host"])
def test_what_the_operator_names_is_dialed(by: str) -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote:
            address = f"127.0.0.1:{remote.port}"
            settings: dict[str, dict[str, Any]] = {
                "route": {"routes": {"example.net": address}},
                "route by name": {"routes": {"example.net": f"mx.test:{remote.port}"}},
                "smart host": {"smart_host": address},
            }
            async with Bench(lookup("127.0.0.1"), allow_private=False, **settings[by]) as bench:
                assert isinstance(await bench.deliver(), Delivered)

    run(main())


def test_allow_private_is_off_unless_it_is_set() -> None:
    assert Delivery().allow_private is False
