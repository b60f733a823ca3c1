"""The engine against a scripted remote: each fault ends in the right state, none is lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from relay.delivery.outcome import Bounced, Delivered, Prepared, Reach, Retry, Returned
from relay.delivery.smtp.answer import Found
from tests.support.delivery import DATA, WALL, Bench, FakeAttempt, FixedLookup, run, until
from tests.support.remote import DROP, OK, STALL, USUAL_EXTENSIONS, Action, Script, ScriptedRemote, server_tls

LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
TINY: dict[str, Any] = {"command_timeout": 0.1, "data_timeout": 0.1}
NO_PIPELINING = tuple(word for word in USUAL_EXTENSIONS if word != "PIPELINING")


@LOOPS
@pytest.mark.parametrize("extensions", [USUAL_EXTENSIONS, NO_PIPELINING, ()], ids=["pipelined", "steps", "bare"])
def test_delivers_many_over_kept_connections(loop: str, extensions: tuple[str, ...]) -> None:
    async def main() -> None:
        async with ScriptedRemote(extensions=extensions) as remote, Bench(smart_host=remote.target) as bench:
            attempts = [bench.submit(FakeAttempt(f"u{n}@example.net")) for n in range(60)]
            outcomes = await asyncio.gather(*(attempt.outcome for attempt in attempts))
            assert all(isinstance(outcome, Delivered) for outcome in outcomes)
            assert isinstance(outcomes[0], Delivered)
            assert outcomes[0].status.startswith("250 2.0.0 Ok: queued as")
            assert sorted(m.rcpt[0].split(">")[0] for m in remote.messages) == sorted(
                f"RCPT TO:<u{n}@example.net" for n in range(60)
            )
            assert {m.data for m in remote.messages} == {DATA.replace(b"\r\n.dot", b"\r\n..dot")}
            assert remote.connections <= 20
            assert all(attempt.prepared == 1 for attempt in attempts)

    run(main(), loop)


FAULTS: list[tuple[str, Script, type, str, Reach, bool]] = [
    # name, script, outcome, start of its status, reach, address dead
    ("greeting drop", {"CONNECT": DROP}, Retry, "451 4.4.2", Reach.SITE, False),
    ("greeting 554", {"CONNECT": "554 5.7.1 go away"}, Retry, "451 4.7.1", Reach.SITE, False),
    ("greeting 421", {"CONNECT": "421 4.3.2 busy"}, Retry, "421 4.3.2", Reach.SITE, False),
    ("greeting stall", {"CONNECT": STALL}, Retry, "451 4.4.2", Reach.SITE, False),
    ("greeting garbage", {"CONNECT": b"\xff\x00 hello\r\n"}, Retry, "451 4.", Reach.SITE, False),
    ("greeting endless", {"CONNECT": b"220-x\r\n" * 30000}, Retry, "451 4.", Reach.SITE, False),
    ("EHLO drop", {"EHLO": DROP}, Retry, "451 4.4.2", Reach.SITE, False),
    ("EHLO and HELO 550", {"EHLO": "550 no", "HELO": "550 no"}, Retry, "451 4.5.0", Reach.SITE, False),
    ("EHLO 421", {"EHLO": "421 4.7.0 no"}, Retry, "421 4.7.0", Reach.SITE, False),
    ("EHLO stall", {"EHLO": STALL}, Retry, "451 4.4.2", Reach.SITE, False),
    ("MAIL 450", {"MAIL": "450 4.1.8 dns"}, Retry, "450 4.1.8", Reach.MESSAGE, False),
    ("MAIL 550", {"MAIL": "550 5.7.1 not you"}, Bounced, "550 5.7.1", Reach.MESSAGE, False),
    ("MAIL 550 user unknown", {"MAIL": "550 5.1.1 unknown"}, Bounced, "550 5.1.1", Reach.MESSAGE, False),
    ("MAIL 552", {"MAIL": "552 5.3.4 too big"}, Bounced, "552 5.3.4", Reach.MESSAGE, False),
    ("MAIL 530", {"MAIL": "530 5.7.0 TLS first"}, Retry, "451 4.7.0", Reach.SITE, False),
    ("MAIL 421", {"MAIL": "421 4.7.0 slow"}, Retry, "421 4.7.0", Reach.SESSION, False),
    ("MAIL drop", {"MAIL": DROP}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("MAIL stall", {"MAIL": STALL}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("MAIL garbage", {"MAIL": b"\x80\x81garbage\r\n"}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("MAIL half reply", {"MAIL": (b"250-half", DROP)}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("MAIL over-long", {"MAIL": b"250 " + b"x" * 70000 + b"\r\n"}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("MAIL over-long lines", {"MAIL": b"250-xx\r\n" * 20000}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("MAIL refused in two codes", {"MAIL": b"554-a\r\n550 b\r\n"}, Bounced, "550 5.0.0", Reach.MESSAGE, False),
    (
        "RCPT unknown in two codes",
        {"RCPT": b"553-5.1.1 a\r\n550 5.1.1 b\r\n"},
        Bounced,
        "550 5.1.1",
        Reach.RECIPIENT,
        True,
    ),
    (
        "dot refused in two codes",
        {"DOT": b"554-5.7.1 a\r\n550 5.7.1 b\r\n"},
        Bounced,
        "550 5.7.1",
        Reach.MESSAGE,
        False,
    ),
    ("dot refused with a tab", {"DOT": b"550\t5.7.1 b\r\n"}, Bounced, "550 5.7.1", Reach.MESSAGE, False),
    ("MAIL codes differ", {"MAIL": b"250-a\r\n550 b\r\n"}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("MAIL 354", {"MAIL": "354 go"}, Retry, "451 4.5.0", Reach.SESSION, False),
    ("RCPT greylisted", {"RCPT": "451 4.7.1 greylisted"}, Retry, "451 4.7.1", Reach.RECIPIENT, False),
    ("RCPT greylisted 5xx", {"RCPT": "554 5.7.1 Greylisted, try again"}, Retry, "451 4.7.1", Reach.RECIPIENT, False),
    ("RCPT unknown", {"RCPT": "550 5.1.1 no such user"}, Bounced, "550 5.1.1", Reach.RECIPIENT, True),
    ("RCPT policy", {"RCPT": "550 5.7.1 blocked"}, Bounced, "550 5.7.1", Reach.MESSAGE, False),
    ("RCPT full", {"RCPT": "552 5.2.2 mailbox full"}, Retry, "451 4.2.2", Reach.RECIPIENT, False),
    ("RCPT 421", {"RCPT": "421 4.7.0 slow"}, Retry, "421 4.7.0", Reach.SESSION, False),
    ("RCPT 421 drop", {"RCPT": ("421 4.7.0 slow", DROP)}, Retry, "421 4.7.0", Reach.SESSION, False),
    ("RCPT drop", {"RCPT": DROP}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("RCPT stall", {"RCPT": STALL}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("RCPT garbage", {"RCPT": b"hello\r\n"}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("RCPT refused, DATA 354", {"RCPT": "550 5.1.1 no", "DATA": "354 go"}, Bounced, "550 5.1.1", Reach.RECIPIENT, True),
    ("RCPT refused, DATA drop", {"RCPT": "550 5.1.1 no", "DATA": DROP}, Bounced, "550 5.1.1", Reach.RECIPIENT, True),
    ("DATA 451", {"DATA": "451 4.3.0 disk"}, Retry, "451 4.3.0", Reach.MESSAGE, False),
    ("DATA 554", {"DATA": "554 5.6.0 no"}, Bounced, "554 5.6.0", Reach.MESSAGE, False),
    ("DATA 421", {"DATA": "421 4.3.0 bye"}, Retry, "421 4.3.0", Reach.SESSION, False),
    ("DATA 250", {"DATA": "250 what"}, Retry, "451 4.5.0", Reach.SESSION, False),
    ("DATA drop", {"DATA": DROP}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("DATA stall", {"DATA": STALL}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("DATA twice answered", {"DATA": b"354 go\r\n250 early\r\n"}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("dot 450", {"DOT": "450 4.7.0 later"}, Retry, "450 4.7.0", Reach.MESSAGE, False),
    ("dot 550", {"DOT": "550 5.7.1 spam"}, Bounced, "550 5.7.1", Reach.MESSAGE, False),
    ("dot 552 full", {"DOT": "552 mailbox quota exceeded"}, Retry, "451 4.2.2", Reach.RECIPIENT, False),
    ("dot 552 size", {"DOT": "552 5.3.4 too large"}, Bounced, "552 5.3.4", Reach.MESSAGE, False),
    ("dot 421", {"DOT": "421 4.3.0 bye"}, Retry, "421 4.3.0", Reach.SESSION, False),
    ("dot 354", {"DOT": "354 more"}, Retry, "451 4.5.0", Reach.SESSION, False),
    ("dot drop", {"DOT": DROP}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("dot stall", {"DOT": STALL}, Retry, "451 4.4.2", Reach.SESSION, False),
    ("dot garbage", {"DOT": b"\r\n\r\n"}, Retry, "451 4.4.2", Reach.SESSION, False),
]


# "DATA twice answered" needs pipelining: without it the second reply answers nothing, and the same guard meets it.
FAULTS_BY_WAY = [
    pytest.param(fault, extensions, id=f"{fault[0]}-{way}")
    for fault in FAULTS
    for way, extensions in (("pipelined", USUAL_EXTENSIONS), ("steps", NO_PIPELINING))
    if (fault[0], way) != ("DATA twice answered", "steps")
]


@pytest.mark.parametrize(("fault", "extensions"), FAULTS_BY_WAY)
def test_fault(fault: tuple[str, Script, type, str, Reach, bool], extensions: tuple[str, ...]) -> None:
    name, script, kind, status, reach, dead = fault

    async def main() -> None:
        async with ScriptedRemote(script, extensions=extensions) as remote:
            limits: dict[str, Any] = TINY if "stall" in name or name == "greeting endless" else {}
            async with Bench(smart_host=remote.target, **limits) as bench:
                attempt = FakeAttempt()
                outcome = await bench.deliver(attempt)
                assert type(outcome) is kind
                assert isinstance(outcome, Retry | Bounced)
                assert outcome.status.startswith(status)
                assert outcome.reach is reach
                assert getattr(outcome, "address_dead", False) is dead
                assert outcome.reason.permanent is isinstance(outcome, Bounced)
            assert len(attempt.outcomes) == 1
            assert remote.messages == []

    run(main())


@LOOPS
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("reply", ["450 4.2.0 wait", "550 5.7.1 no"])
def test_the_connection_goes_on_after_a_refusal(loop: str, step: str, reply: str) -> None:
    async def main() -> None:
        script: Script = {step: [reply]}
        async with ScriptedRemote(script) as remote, Bench(smart_host=remote.target, connections_per_site=1) as bench:
            assert not isinstance(await bench.deliver(), Delivered)
            assert isinstance(await bench.deliver(), Delivered)
            assert remote.connections == 1
            assert ("RSET" in remote.commands) is (step != "DOT")

    run(main(), loop)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("action", [DROP, "421 4.3.2 later", ("421 4.3.2 later", DROP)], ids=["drop", "421", "421drop"])
def test_an_interrupted_copy_goes_to_another_connection(step: str, action: object) -> None:
    async def main() -> None:
        script = {step: [action, action]}
        async with ScriptedRemote(script) as remote, Bench(smart_host=remote.target) as bench:  # type: ignore[arg-type]
            attempt = FakeAttempt()
            assert isinstance(await bench.deliver(attempt), Delivered)
            assert remote.connections == 3
            assert attempt.prepared == 1
            assert len(remote.messages) == 1

    run(main())


def test_after_the_final_dot_it_is_not_sent_again_at_once() -> None:
    async def main() -> None:
        async with ScriptedRemote({"DOT": [DROP]}) as remote, Bench(smart_host=remote.target) as bench:
            outcome = await bench.deliver()
            assert isinstance(outcome, Retry)
            assert "may arrive twice" in outcome.status
            assert remote.connections == 1

    run(main())


def test_a_dead_site_puts_all_off_and_is_tried_again_after_the_back_off() -> None:
    async def main() -> None:
        async with (
            ScriptedRemote({"CONNECT": ["554 5.7.1 no"] * 6}) as remote,
            Bench(smart_host=remote.target) as bench,
        ):
            attempts = [bench.submit(FakeAttempt()) for _ in range(8)]
            outcomes = await asyncio.gather(*(attempt.outcome for attempt in attempts))
            assert {type(outcome) for outcome in outcomes} == {Retry}
            assert {outcome.not_before for outcome in outcomes if isinstance(outcome, Retry)} == {WALL + 30}
            late = await bench.deliver()
            assert isinstance(late, Retry)
            assert late.not_before == WALL + 30
            tried = remote.connections
            bench.clock.now += 31
            remote.script["CONNECT"] = ["421 4.3.2 still not"]
            again = await bench.deliver()
            assert isinstance(again, Retry)
            assert again.not_before == WALL + 31 + 60
            assert remote.connections == tried + 1
            bench.clock.now += 61
            assert isinstance(await bench.deliver(), Delivered)

    run(main())


def test_one_failing_connection_beside_good_ones_costs_nothing() -> None:
    async def main() -> None:
        script: Script = {"CONNECT": [OK, "421 4.7.0 too many connections", "421 4.7.0 too many connections"]}
        async with ScriptedRemote(script) as remote, Bench(smart_host=remote.target) as bench:
            attempts = [bench.submit(FakeAttempt()) for _ in range(50)]
            outcomes = await asyncio.gather(*(attempt.outcome for attempt in attempts))
            assert {type(outcome) for outcome in outcomes} == {Delivered}

    run(main())


def test_a_site_that_answers_no_transaction_is_left_alone() -> None:
    """It takes connections and ends each at MAIL: a few tries tell, not three for each copy."""

    async def main() -> None:
        async with (
            ScriptedRemote({"MAIL": ("421 4.7.0 not now", DROP)}) as remote,
            Bench(smart_host=remote.target) as bench,
        ):
            attempts = [bench.submit(FakeAttempt()) for _ in range(100)]
            outcomes = await asyncio.gather(*(attempt.outcome for attempt in attempts))
            assert {type(outcome) for outcome in outcomes} == {Retry}
            put_off = [o for o in outcomes if isinstance(o, Retry) and o.not_before == WALL + 30]
            assert len(put_off) > 80
            assert remote.connections < 20

    run(main())


def test_a_message_is_not_begun_for_a_refused_recipient() -> None:
    """RCPT refused, yet DATA answered 354: a dot could deliver an empty message, so the connection goes."""

    async def main() -> None:
        script: Script = {"RCPT": ["550 5.1.1 no"], "DATA": ["354 go"]}
        async with (
            ScriptedRemote(script) as remote,
            Bench(smart_host=remote.target, connections_per_site=1, command_timeout=600) as bench,
        ):
            assert isinstance(await bench.deliver(), Bounced)
            assert isinstance(await bench.deliver(), Delivered)
            assert remote.connections == 2
            assert [message.data for message in remote.messages] == [DATA.replace(b"\r\n.dot", b"\r\n..dot")]

    run(main())


def test_a_connection_does_not_idle_while_another_site_waits_for_it() -> None:
    async def main() -> None:
        async with ScriptedRemote() as one, ScriptedRemote() as two:
            routes = {"one.test": one.target, "two.test": two.target}
            async with Bench(routes=routes, connections=1, idle=3600) as bench:
                attempts = [bench.submit(FakeAttempt(f"a@{name}.test")) for name in ("one", "two", "one", "two")]
                await asyncio.gather(*(attempt.outcome for attempt in attempts))

    run(main())


def test_the_next_mx_is_tried_when_one_greets_with_554() -> None:
    async def main() -> None:
        async with (
            ScriptedRemote({"CONNECT": "554 5.7.1 no"}, host="127.0.0.1") as bad,
            ScriptedRemote(host="127.0.0.2", port=bad.port) as good,
        ):
            lookup = FixedLookup(
                {"example.net": Found(((10, "bad.test"), (20, "good.test")), 60)},
                {"bad.test": Found(((0, "127.0.0.1"),), 60), "good.test": Found(((0, "127.0.0.2"),), 60)},
            )
            async with Bench(lookup, port=bad.port) as bench:
                outcome = await bench.deliver()
                assert isinstance(outcome, Delivered)
                assert outcome.remote == f"good.test [127.0.0.2]:{good.port}"
                assert bad.connections == 1

    run(main())


def test_an_mx_that_leads_to_our_own_port_is_a_loop() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote:
            lookup = FixedLookup(
                {"example.net": Found(((10, "mx.test"),), 60)}, {"mx.test": Found(((0, "127.0.0.1"),), 60)}
            )
            async with Bench(lookup, port=remote.port, own_ports=frozenset([remote.port])) as bench:
                outcome = await bench.deliver()
                assert isinstance(outcome, Retry)
                assert outcome.status.startswith("454 4.4.6 the mail server mx.test is this relay")
                assert remote.commands == []

    run(main())


def test_address_literals() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(port=remote.port) as bench:
            assert isinstance(await bench.deliver(FakeAttempt("bob@[127.0.0.1]")), Delivered)

    run(main())


def test_source_addresses_take_turns() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote:
            sources = ["127.0.0.2", "127.0.0.3"]
            options: dict[str, Any] = {
                "smart_host": remote.target,
                "messages_per_connection": 1,
                "connections_per_site": 1,
            }
            async with Bench(source_addresses=sources, **options) as bench:
                for _ in range(4):
                    await bench.deliver()
            assert sorted(remote.peers) == ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"]

    run(main())


def test_messages_per_connection() -> None:
    async def main() -> None:
        async with (
            ScriptedRemote() as remote,
            Bench(smart_host=remote.target, messages_per_connection=3, connections_per_site=1) as bench,
        ):
            attempts = [bench.submit(FakeAttempt()) for _ in range(7)]
            await asyncio.gather(*(attempt.outcome for attempt in attempts))
            assert [m.connection for m in remote.messages] == [1, 1, 1, 2, 2, 2, 3]

    run(main())


def test_idle_connections_take_leave() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(smart_host=remote.target, idle=0.01) as bench:
            await bench.deliver()
            await until(lambda: not bench.engine.connections)
            assert remote.commands[-1] == "QUIT"

    run(main())


def test_a_connection_closed_while_idle_is_replaced() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(smart_host=remote.target) as bench:
            for task in (await bench.deliver(), *list(remote._tasks)):
                if isinstance(task, asyncio.Task):
                    task.cancel()
            await until(lambda: not bench.engine.connections)
            assert isinstance(await bench.deliver(), Delivered)
            assert remote.connections == 2

    run(main())


def test_sites_share_a_small_total_fairly() -> None:
    async def main() -> None:
        async with ScriptedRemote() as one, ScriptedRemote() as two:
            routes = {"one.test": one.target, "two.test": two.target}
            async with Bench(routes=routes, connections=1) as bench:
                first = [bench.submit(FakeAttempt("a@one.test")) for _ in range(200)]
                second = bench.submit(FakeAttempt("b@two.test"))
                await second.outcome
                assert sum(attempt.outcome.done() for attempt in first) < 100
                await asyncio.gather(*(attempt.outcome for attempt in first))
                assert len(one.messages) == 200

    run(main())


def test_withdrawn_and_failing_copies_do_not_stop_the_others() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(smart_host=remote.target, connections_per_site=1) as bench:
            withdrawn = bench.submit(FakeAttempt(prepared=None))
            failing = bench.submit(FakeAttempt(prepared=RuntimeError("secret cause")))
            outcomes = await asyncio.gather(failing.outcome, bench.deliver())
            assert isinstance(outcomes[0], Retry)
            assert outcomes[0].status.startswith("451 4.3.0")
            assert "secret" not in outcomes[0].status
            assert isinstance(outcomes[1], Delivered)
            assert withdrawn.outcomes == []
            assert ("prepare-failed", {"to": "bob@example.net", "cause": "RuntimeError('secret cause')"}) in bench.log

    run(main())


@contextlib.asynccontextmanager
async def prepared_ahead() -> AsyncIterator[tuple[Bench, ScriptedRemote, FakeAttempt, FakeAttempt]]:
    """A first copy is on the wire of a remote that doesn't answer, a second one is prepared."""
    async with (
        ScriptedRemote({"DOT": [STALL]}) as remote,
        Bench(smart_host=remote.target, connections_per_site=1, data_timeout=1.0) as bench,
    ):
        first, second = bench.submit(FakeAttempt()), bench.submit(FakeAttempt())
        while not second.prepared:
            await asyncio.sleep(0)
        assert not first.outcome.done()
        yield bench, remote, first, second


def test_the_next_copy_is_prepared_while_one_is_on_the_wire() -> None:
    async def main() -> None:
        async with prepared_ahead() as (_, _, first, second):
            assert isinstance(await first.outcome, Retry)
            assert isinstance(await second.outcome, Delivered)
            assert second.prepared == 1

    run(main())


def test_a_copy_that_was_prepared_ahead_and_then_withdrawn_is_not_sent() -> None:
    async def main() -> None:
        async with prepared_ahead() as (bench, remote, first, second):
            second.withdraw()
            assert isinstance(await first.outcome, Retry)
            await until(lambda: bench.engine.backlog == 0)
            assert second.outcomes == []
            assert remote.messages == []

    run(main())


def test_copies_next_in_turn_are_prepared_along_with_the_first_where_that_costs_nothing() -> None:
    async def main() -> None:
        places = [3, 2, 0]  # in the set that is begun: two of those next in turn find one
        async with (
            ScriptedRemote({"MAIL": [STALL]}) as remote,
            Bench(
                smart_host=remote.target,
                connections_per_site=1,
                command_timeout=1.0,
                look_ahead=False,
                places=lambda: places.pop(0) if places else 0,
            ) as bench,
        ):
            copies = [bench.submit(FakeAttempt()) for _ in range(5)]
            copies[1].octets = 2**20
            while not copies[3].prepared:
                await asyncio.sleep(0)
            copies[3].withdraw()
            # The large one waits for its turn; the last one found no place.
            assert [copy.prepared for copy in copies] == [1, 0, 1, 1, 0]
            await until(lambda: bench.engine.backlog == 0)
            assert [type(outcome) for copy in copies for outcome in copy.outcomes] == [Delivered] * 4
            assert copies[3].outcomes == []
            assert [copy.prepared for copy in copies] == [1, 1, 1, 1, 1]

    run(main())


@pytest.mark.parametrize(
    ("prepared", "extensions", "status"),
    [
        (Prepared("a@example.com", b"x" * 200 + b"\r\n"), ["SIZE 100"], "552 5.3.4"),
        (Prepared("a@example.com", DATA, smtputf8=True), ["PIPELINING"], "553 5.6.7"),
        (Prepared("a@example.com", b"a\nb\r\n"), [], "554 5.6.0"),
        (Prepared("a@example.com", b"a\rb\r\n"), [], "554 5.6.0"),
        (Prepared("a@example.com", b"a\0b\r\n"), [], "554 5.6.0"),
    ],
)
def test_what_a_remote_can_not_take_is_not_tried(prepared: Prepared, extensions: list[str], status: str) -> None:
    async def main() -> None:
        async with ScriptedRemote(extensions=extensions) as remote, Bench(smart_host=remote.target) as bench:
            outcome = await bench.deliver(FakeAttempt(prepared=prepared))
            assert isinstance(outcome, Bounced)
            assert outcome.status.startswith(status)
            assert not outcome.address_dead
            assert not any(command.startswith("MAIL") for command in remote.commands)

    run(main())


def test_parameters() -> None:
    async def main() -> None:
        copy = Prepared("a@x.test", DATA, True, True, ret="HDRS", envid="e+2B1")
        async with ScriptedRemote() as remote, Bench(smart_host=remote.target) as bench:
            await bench.deliver(FakeAttempt("böb@example.net", copy, notify="FAILURE", orcpt="rfc822;b@y"))
            size = len(DATA)
            assert remote.messages[0].mail == (
                f"MAIL FROM:<a@x.test> SIZE={size} BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e+2B1"
            )
            assert remote.messages[0].rcpt == ("RCPT TO:<böb@example.net> NOTIFY=FAILURE ORCPT=rfc822;b@y",)
        async with ScriptedRemote(extensions=()) as remote, Bench(smart_host=remote.target) as bench:
            await bench.deliver(FakeAttempt(prepared=Prepared("", DATA, False, True, ret="FULL"), notify="NEVER"))
            assert remote.messages[0].mail == "MAIL FROM:<>"
            assert remote.messages[0].rcpt == ("RCPT TO:<bob@example.net>",)

    run(main())


@pytest.mark.parametrize("address", ["bob\r\nDATA@example.net", "bob\n@example.net", "b\0@example.net"])
def test_no_control_character_reaches_the_wire(address: str) -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(smart_host=remote.target) as bench:
            assert isinstance(await bench.deliver(FakeAttempt(address)), Retry)
            assert [command for command in remote.commands if not command.startswith("EHLO")] in ([], ["QUIT"])

    run(main())


@LOOPS
def test_a_large_message_over_tls(loop: str, tmp_path: Path) -> None:
    async def main() -> None:
        server, _ = server_tls(tmp_path, "remote.test")
        body = b"".join(b".%07d" % n + b"x" * 68 + b"\r\n" for n in range(60_000))
        async with ScriptedRemote(tls=server) as remote, Bench(smart_host=remote.target) as bench:
            outcome = await bench.deliver(FakeAttempt(prepared=Prepared("a@example.com", body)))
            assert isinstance(outcome, Delivered)
            assert outcome.tls.startswith("TLSv1.")
            assert remote.messages[0].tls
            assert remote.messages[0].data.replace(b"\r\n..", b"\r\n.").removeprefix(b".") == body

    run(main(), loop)


def test_an_answer_in_the_middle_of_a_large_message_is_no_delivery() -> None:
    """A remote that says 250 before the end has not got the message."""

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 remote.test\r\n")
        for reply in (b"250 remote.test\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            await reader.readline()
            writer.write(reply)
        await reader.read(1000)
        writer.write(b"250 2.0.0 got it\r\n")
        while await reader.read(65536):
            pass
        writer.close()

    async def main() -> None:
        copy = Prepared("a@example.com", (b"x" * 78 + b"\r\n") * 200_000)
        server = await asyncio.start_server(early, "127.0.0.1", 0)
        async with Bench(smart_host=f"127.0.0.1:{server.sockets[0].getsockname()[1]}") as bench:
            outcome = await bench.deliver(FakeAttempt(prepared=copy))
            assert isinstance(outcome, Retry)
            assert "before the end of the message" in outcome.status
        server.close()

    run(main())


def test_a_copy_that_waited_long_is_prepared_anew() -> None:
    """Its lease or its consent may have gone since."""

    async def main() -> None:
        script: Script = {"DOT": [STALL]}
        async with (
            ScriptedRemote(script) as remote,
            Bench(smart_host=remote.target, connections_per_site=1, data_timeout=1.0) as bench,
        ):
            first, second = bench.submit(FakeAttempt()), bench.submit(FakeAttempt())
            while not second.prepared:
                await asyncio.sleep(0)
            bench.clock.now += 61
            await asyncio.gather(first.outcome, second.outcome)
            assert (first.prepared, second.prepared) == (1, 2)

    run(main())


def test_a_forgiven_site_is_tried_at_once() -> None:
    async def main() -> None:
        async with ScriptedRemote({"CONNECT": DROP}) as remote, Bench(smart_host=remote.target) as bench:
            while not (isinstance(first := await bench.deliver(), Retry) and first.not_before):
                assert not isinstance(first, Delivered)
            before = remote.connections
            assert isinstance(await bench.deliver(), Retry) and remote.connections == before
            bench.engine.forgive()
            await bench.deliver()
            assert remote.connections == before + 1

    run(main())


def test_close_hands_back_what_was_not_tried() -> None:
    async def main() -> None:
        async with (
            ScriptedRemote({"DOT": STALL}) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            running, ready = bench.submit(FakeAttempt()), bench.submit(FakeAttempt())
            await until(lambda: "DOT" in remote.reached)
            await bench.engine.close(0.05)
            assert isinstance(running.outcomes[0], Retry)
            assert "cut off after the message was sent; it may arrive twice" in running.outcomes[0].status
            assert ready.outcomes == [Returned()]
            late = bench.submit(FakeAttempt())
            assert late.outcomes == [Returned()]

    run(main())


def test_close_lets_a_running_transaction_end() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote, Bench(smart_host=remote.target, connections_per_site=1) as bench:
            running = bench.submit(FakeAttempt())
            while "DATA" not in remote.commands:
                await asyncio.sleep(0)
            await bench.engine.close(5)
            assert isinstance(running.outcomes[0], Delivered)
            assert remote.commands[-1] == "QUIT"

    run(main())


@pytest.mark.parametrize("seed", range(12))
def test_whatever_goes_wrong_each_copy_ends_once(seed: int) -> None:
    """Random faults at every step: none lost, none called delivered that wasn't, none ended twice."""
    rng = random.Random(seed)
    faults: list[Action] = [DROP, "421 4.3.0 bye", "450 4.2.0 wait", "550 5.7.1 no", b"junk\r\n"]

    def script(odds: float) -> list[Action]:
        return [rng.choice(faults) if rng.random() < odds else OK for _ in range(400)]

    async def main() -> None:
        odds = rng.choice([0.02, 0.2])
        steps = {step: script(odds) for step in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT", "QUIT")}
        extensions = rng.choice([USUAL_EXTENSIONS, NO_PIPELINING])
        async with ScriptedRemote(steps, extensions=extensions) as remote:
            attempts = []
            async with Bench(smart_host=remote.target, messages_per_connection=rng.choice([1, 5, 100])) as bench:
                for number in range(200):
                    attempts.append(bench.submit(FakeAttempt(f"u{number}@example.net")))
                    if rng.random() < 0.2:
                        await asyncio.sleep(0)
                        bench.clock.now += rng.choice([0, 1, 40])
                await asyncio.gather(*(attempt.outcome for attempt in attempts))
            assert all(len(attempt.outcomes) == 1 for attempt in attempts)
            delivered = {a.address for a in attempts if isinstance(a.outcomes[0], Delivered)}
            accepted = [message.rcpt[0].split("<")[1].split(">")[0] for message in remote.messages]
            assert delivered == set(accepted)
            assert len(accepted) == len(delivered)

    run(main(), rng.choice(["asyncio", "uvloop"]))
