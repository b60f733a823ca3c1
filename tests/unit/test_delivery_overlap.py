"""The next envelope goes out behind a message: what that must never cost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from relay.delivery.outcome import Bounced, Delivered, Prepared, Retry, Returned
from relay.delivery.smtp.session import QUICK_S
from relay.delivery.smtp.signatures import TOGETHER
from tests.support.delivery import PREPARED, Bench, FakeAttempt, run, until
from tests.support.remote import BEHIND, DROP, OK, USUAL_EXTENSIONS, Action, ScriptedRemote

NO_PIPELINING = tuple(word for word in USUAL_EXTENSIONS if word != "PIPELINING")


@contextlib.asynccontextmanager
async def one_connection(script: dict[str, Action | list[Action]], **settings: Any) -> AsyncIterator[tuple[Any, Any]]:
    limits = {"command_timeout": 1.0, "data_timeout": 1.0, "connections_per_site": 1}
    async with ScriptedRemote(script) as remote, Bench(smart_host=remote.target, **{**limits, **settings}) as bench:
        yield remote, bench


def submitted(bench: Bench, count: int, at_once: bool = False) -> list[FakeAttempt]:
    return [bench.submit(FakeAttempt(f"u{number}@example.net", at_once=at_once)) for number in range(count)]


async def kinds(attempts: Sequence[FakeAttempt]) -> list[type]:
    return [type(outcome) for outcome in await asyncio.gather(*(attempt.outcome for attempt in attempts))]


def recipients(remote: ScriptedRemote) -> list[str]:
    return [message.rcpt[0].split("<")[1].split(">")[0] for message in remote.messages]


def test_behind_the_second_message_and_all_others_the_next_envelope_goes_out() -> None:
    async def main() -> None:
        async with one_connection({"DOT": [OK, BEHIND, OK, BEHIND, OK, BEHIND, OK]}) as (remote, bench):
            attempts = submitted(bench, 5)
            assert await kinds(attempts) == [Delivered] * 5
            assert recipients(remote) == [attempt.address for attempt in attempts]
            assert remote.connections == 1

    run(main())


@pytest.mark.parametrize("look_ahead", [True, False], ids=["in a pool", "on the loop"])
def test_a_copy_withdrawn_after_its_envelope_went_out_is_not_sent(look_ahead: bool) -> None:
    async def main() -> None:
        script: dict[str, Action | list[Action]] = {"DOT": [OK, BEHIND, OK]}
        async with (
            ScriptedRemote(script) as remote,
            Bench(smart_host=remote.target, connections_per_site=1, look_ahead=look_ahead) as bench,
        ):
            remote.go.clear()
            attempts = submitted(bench, 5, at_once=not look_ahead)
            await until(lambda: "BEHIND" in remote.reached)
            attempts[2].withdraw()
            remote.go.set()
            assert await kinds([*attempts[:2], *attempts[3:]]) == [Delivered] * 4
            assert attempts[2].outcomes == []
            assert recipients(remote) == [f"u{number}@example.net" for number in (0, 1, 3, 4)]
            # The envelope can't be taken back: the connection ends without a word that would pass for a message.
            assert remote.connections == 2
            assert [message.connection for message in remote.messages] == [1, 1, 2, 2]

    run(main())


def test_what_is_refused_behind_a_message_leaves_the_connection_in_step() -> None:
    async def main() -> None:
        script: dict[str, Action | list[Action]] = {
            "DOT": [OK, BEHIND, OK],
            "RCPT": [OK, OK, "550 5.1.1 unknown", OK, "450 4.2.0 later"],
        }
        async with one_connection(script) as (remote, bench):
            attempts = submitted(bench, 6)
            assert await kinds(attempts) == [Delivered, Delivered, Bounced, Delivered, Retry, Delivered]
            assert remote.connections == 1

    run(main())


def test_a_message_refused_with_an_envelope_behind_it_does_not_touch_the_next() -> None:
    async def main() -> None:
        script: dict[str, Action | list[Action]] = {"DOT": [OK, BEHIND, "554 5.7.1 spam", "450 4.7.1 greylisted"]}
        async with one_connection(script) as (remote, bench):
            assert await kinds(submitted(bench, 5)) == [Delivered, Bounced, Retry, Delivered, Delivered]
            assert remote.connections == 1

    run(main())


def test_where_a_session_breaks_over_it_the_site_gets_each_envelope_by_itself() -> None:
    async def main() -> None:
        # On the second connection a command behind the fifth message would be waited for in vain.
        async with one_connection({"DOT": [OK, BEHIND, DROP, OK, OK, BEHIND]}) as (remote, bench):
            attempts = submitted(bench, 6)
            assert await kinds(attempts) == [Delivered, Retry, Delivered, Delivered, Retry, Delivered]
            assert remote.connections == 3
            assert [what for what, _ in bench.log if what == "site-in-step"] == ["site-in-step"]
            assert "no answer in time" in str(attempts[4].outcomes[0])

    run(main())


@pytest.mark.parametrize(
    "farewell", ["421 4.3.2 closing", ("250 2.0.0 ok\n", DROP)], ids=["for the message", "after the message"]
)
def test_a_farewell_is_no_reason_to_stay_in_step(farewell: Action) -> None:
    async def main() -> None:
        bye: Action = ("421 4.3.2 closing", DROP)
        script: dict[str, Action | list[Action]] = (
            {"DOT": [OK, BEHIND, bye]} if farewell != ("250 2.0.0 ok\n", DROP) else {"MAIL": [OK, OK, bye]}
        )
        async with one_connection(script) as (remote, bench):
            attempts = submitted(bench, 4)
            second = Retry if "DOT" in script else Delivered
            assert await kinds(attempts) == [Delivered, second, Delivered, Delivered]
            assert not [what for what, _ in bench.log if what == "site-in-step"]
            assert remote.connections == 2

    run(main())


def test_an_answer_counts_even_if_garbage_comes_with_it() -> None:
    async def main() -> None:
        script: dict[str, Action | list[Action]] = {"DOT": [OK, BEHIND, b"250 2.0.0 taken\r\nwhat?\r\n"]}
        async with one_connection(script) as (remote, bench):
            assert await kinds(submitted(bench, 4)) == [Delivered] * 4
            assert recipients(remote) == ["u0@example.net", "u1@example.net", "u2@example.net", "u3@example.net"]

    run(main())


def test_a_stop_lets_what_was_begun_end() -> None:
    async def main() -> None:
        async with one_connection({"DOT": [OK, BEHIND, OK]}) as (remote, bench):
            remote.go.clear()
            attempts = submitted(bench, 4)
            await until(lambda: "BEHIND" in remote.reached)
            closing = asyncio.create_task(bench.engine.close(5))
            await asyncio.sleep(0)
            remote.go.set()
            await closing
            assert await kinds(attempts) == [Delivered, Delivered, Delivered, Returned]
            assert remote.commands[-1] == "QUIT"

    run(main())


def test_a_stop_that_can_not_wait_hands_back_what_has_only_its_envelope_out() -> None:
    async def main() -> None:
        async with one_connection({"DOT": [OK, BEHIND, OK]}, data_timeout=5.0) as (remote, bench):
            remote.go.clear()
            attempts = submitted(bench, 4)
            await until(lambda: "BEHIND" in remote.reached)
            await bench.engine.close(0.01)
            assert await kinds(attempts) == [Delivered, Retry, Returned, Returned]
            assert "QUIT" not in remote.commands

    run(main())


@pytest.mark.parametrize(
    ("extensions", "data", "most", "place"),
    [
        (NO_PIPELINING, PREPARED.data, 100, 1),
        (USUAL_EXTENSIONS, b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 5000, 100, 1),
        (USUAL_EXTENSIONS, PREPARED.data, 2, 1),
        (USUAL_EXTENSIONS, PREPARED.data, 100, 0),
    ],
    ids=["without PIPELINING", "a large message", "the connection's last", "the connection's first"],
)
def test_nothing_goes_out_behind(extensions: Sequence[str], data: bytes, most: int, place: int) -> None:
    async def main() -> None:
        script: list[Action] = [OK, BEHIND]
        async with (
            ScriptedRemote({"DOT": script[1 - place :]}, extensions=extensions) as remote,
            Bench(
                smart_host=remote.target, connections_per_site=1, data_timeout=0.5, messages_per_connection=most
            ) as bench,
        ):
            attempts = [bench.submit(FakeAttempt(prepared=Prepared("a@example.com", data))) for _ in range(3)]
            # The remote waits in vain for a command behind one message.
            expected = [Delivered, Delivered, Delivered]
            assert await kinds(attempts) == [*expected[:place], Retry, *expected[place + 1 :]]

    run(main())


class Slow(set[str]):
    """What a remote has answered; time passes with each answer to a message."""

    def __init__(self, passes: Callable[[], None]) -> None:
        self._passes = passes

    def add(self, step: str) -> None:
        if step == "DOT":
            self._passes()


def test_behind_a_message_that_may_take_long_nothing_goes_out() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        real, ahead = loop.time, [0.0]
        loop.time = lambda: real() + ahead[0]  # type: ignore[method-assign]

        def passes() -> None:
            ahead[0] += QUICK_S

        async with (
            ScriptedRemote({"DOT": [OK, OK, BEHIND]}) as remote,
            Bench(smart_host=remote.target, connections_per_site=1, data_timeout=5.0) as bench,
        ):
            remote.reached = Slow(passes)
            assert await kinds(submitted(bench, 4)) == [Delivered, Delivered, Retry, Delivered]

    run(main(), "asyncio")


@pytest.mark.parametrize("count", [9, 16, 17, 40])
def test_where_copies_are_signed_in_sets_all_but_a_few_envelopes_go_out_behind(count: int) -> None:
    async def main() -> None:
        made: list[FakeAttempt] = []

        def places() -> int:
            """In the set that is begun; it is full with each eighth copy."""
            return -sum(copy.prepared for copy in made) % TOGETHER

        script: list[Action] = [OK, *([BEHIND, OK] * (count - 8))]
        async with (
            ScriptedRemote({"DOT": script}) as remote,
            Bench(
                smart_host=remote.target,
                connections_per_site=1,
                look_ahead=False,
                together=TOGETHER,
                places=places,
                data_timeout=2.0,
            ) as bench,
        ):
            made += submitted(bench, count, at_once=True)
            assert await kinds(made) == [Delivered] * count
            assert remote.connections == 1
            assert all(copy.prepared == 1 for copy in made)

    run(main())
