"""Recipients who share a copy go in one transaction, and each has a verdict of its own."""

from __future__ import annotations

import asyncio

import pytest

from relay.delivery.outcome import Bounced, Delivered, Outcome, Retry
from relay.delivery.smtp.parcel import MOST_RECIPIENTS
from tests.support.delivery import Bench, FakeAttempt, run
from tests.support.remote import DROP, OK, Script, ScriptedRemote

NO_USER = "550 5.1.1 no such user"
LIMITED = ("SIZE 50000000", "8BITMIME")


def _group(bench: Bench, count: int, **more: object) -> list[FakeAttempt]:
    return [bench.submit(FakeAttempt(f"u{n}@example.net", group=7, **more)) for n in range(count)]  # type: ignore[arg-type]


async def _outcomes(attempts: list[FakeAttempt]) -> list[Outcome]:
    return list(await asyncio.gather(*(attempt.outcome for attempt in attempts)))


def _sent(remote: ScriptedRemote) -> list[int]:
    return [len(message.rcpt) for message in remote.messages]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("extensions", [("PIPELINING", *LIMITED), LIMITED])
def test_one_copy_for_all_up_to_the_limit(loop: str, extensions: tuple[str, ...]) -> None:
    async def main() -> None:
        async with (
            ScriptedRemote(extensions=extensions) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            attempts = _group(bench, 2 * MOST_RECIPIENTS + 20)
            assert all(isinstance(one, Delivered) for one in await _outcomes(attempts))
            assert _sent(remote) == [MOST_RECIPIENTS, MOST_RECIPIENTS, 20]
            assert sum(attempt.prepared for attempt in attempts) == 3
            assert remote.messages[0].rcpt[:2] == ("RCPT TO:<u0@example.net>", "RCPT TO:<u1@example.net>")

    run(main(), loop)


def test_only_those_of_one_group_travel_together() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(smart_host=remote.target, connections_per_site=1) as bench:
            groups = [1, 1, 2, None, None, 1, 1]
            attempts = [bench.submit(FakeAttempt(f"u{n}@example.net", group=g)) for n, g in enumerate(groups)]
            await _outcomes(attempts)
            assert _sent(remote) == [2, 1, 1, 1, 2]

    run(main())


@pytest.mark.parametrize("extensions", [("PIPELINING", *LIMITED), LIMITED])
def test_each_recipient_has_its_own_verdict(extensions: tuple[str, ...]) -> None:
    async def main() -> None:
        script: Script = {"RCPT": [OK, NO_USER, "450 4.2.1 later", OK]}
        async with (
            ScriptedRemote(script, extensions=extensions) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            kinds = [type(one) for one in await _outcomes(_group(bench, 4))]
            assert kinds == [Delivered, Bounced, Retry, Delivered]
            assert _sent(remote) == [2]
            # The session is in step and goes on.
            assert isinstance(await bench.deliver(), Delivered)
            assert remote.connections == 1

    run(main())


def test_a_transaction_whose_recipients_are_all_refused_sends_nothing() -> None:
    async def main() -> None:
        async with ScriptedRemote({"RCPT": [NO_USER] * 3}) as remote, Bench(smart_host=remote.target) as bench:
            assert all(isinstance(one, Bounced) and one.address_dead for one in await _outcomes(_group(bench, 3)))
            assert isinstance(await bench.deliver(), Delivered)
            assert _sent(remote) == [1]

    run(main())


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ({"MAIL": ["550 5.7.1 go away"]}, Bounced),
        ({"DATA": ["451 4.3.0 not now"]}, Retry),
        ({"DOT": ["554 5.7.1 spam"]}, Bounced),
        ({"DOT": ["451 4.7.1 later"]}, Retry),
    ],
)
def test_a_reply_to_the_whole_message_is_for_all(script: Script, kind: type[Outcome]) -> None:
    async def main() -> None:
        async with ScriptedRemote(script) as remote, Bench(smart_host=remote.target) as bench:
            assert [type(one) for one in await _outcomes(_group(bench, 3))] == [kind] * 3
            assert isinstance(await bench.deliver(), Delivered)
            assert _sent(remote) == [1]

    run(main())


def test_a_reply_to_data_about_one_of_several_condemns_nobody_else() -> None:
    """Each is asked alone, and only then its own answer counts."""

    async def main() -> None:
        script: Script = {"DATA": [NO_USER, "354 go", NO_USER, "354 go"]}
        async with (
            ScriptedRemote(script) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            outcomes = await _outcomes(_group(bench, 3))
            assert sorted(type(one).__name__ for one in outcomes) == ["Bounced", "Delivered", "Delivered"]
            assert [one.address_dead for one in outcomes if isinstance(one, Bounced)] == [True]

    run(main())


def test_a_reply_to_the_dot_about_one_of_several_condemns_nobody_else() -> None:
    """``550 5.1.1`` after the message: nobody knows whose address it means, so each is asked alone."""

    async def main() -> None:
        script: Script = {"DOT": [NO_USER, OK, NO_USER, OK]}
        async with (
            ScriptedRemote(script) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            kinds = [type(one) for one in await _outcomes(_group(bench, 3))]
            assert kinds == [Delivered, Bounced, Delivered]
            assert _sent(remote) == [1, 1]

    run(main())


def test_a_remote_that_takes_fewer_is_given_fewer() -> None:
    """RFC 5321 §4.5.3.1.10: 452 after some were taken means another transaction, not a delay."""

    async def main() -> None:
        script: Script = {"RCPT": [OK, OK, OK, *["452 4.5.3 too many recipients"] * 7]}
        async with (
            ScriptedRemote(script) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            assert all(isinstance(one, Delivered) for one in await _outcomes(_group(bench, 10)))
            assert _sent(remote) == [3, 3, 3, 1]
            await _outcomes(_group(bench, 4))
            assert _sent(remote)[4:] == [3, 1]

    run(main())


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_an_interrupted_transaction_goes_whole_to_another_connection(step: str) -> None:
    async def main() -> None:
        async with (
            ScriptedRemote({step: [DROP]}) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            attempts = _group(bench, 3)
            assert all(isinstance(one, Delivered) for one in await _outcomes(attempts))
            assert sum(_sent(remote)) == 3
            assert all(len(attempt.outcomes) == 1 for attempt in attempts)

    run(main())


def test_a_connection_lost_after_the_dot_is_for_all_and_is_not_sent_again_at_once() -> None:
    async def main() -> None:
        async with ScriptedRemote({"DOT": [DROP]}) as remote, Bench(smart_host=remote.target) as bench:
            outcomes = await _outcomes(_group(bench, 3))
            assert all(isinstance(one, Retry) and "may arrive twice" in one.status for one in outcomes)
            assert _sent(remote) == []

    run(main())


def test_who_is_not_wanted_any_more_is_left_out() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(smart_host=remote.target, connections_per_site=1) as bench:
            first = bench.submit(FakeAttempt("gone@example.net", None, group=7))
            others = _group(bench, 2)
            assert all(isinstance(one, Delivered) for one in await _outcomes(others))
            assert first.outcomes == []
            assert [message.rcpt for message in remote.messages] == [
                ("RCPT TO:<u0@example.net>", "RCPT TO:<u1@example.net>")
            ]

    run(main())


def test_each_keeps_its_own_orcpt() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(smart_host=remote.target, connections_per_site=1) as bench:
            attempts = [
                bench.submit(FakeAttempt(f"u{n}@example.net", group=1, orcpt=f"rfc822;o{n}@example.net"))
                for n in range(2)
            ]
            await _outcomes(attempts)
            (message,) = remote.messages
            assert message.rcpt == (
                "RCPT TO:<u0@example.net> ORCPT=rfc822;o0@example.net",
                "RCPT TO:<u1@example.net> ORCPT=rfc822;o1@example.net",
            )

    run(main())
