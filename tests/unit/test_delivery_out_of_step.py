"""Remotes that answer too often, too slowly, or can't do what they offer: nobody is condemned, and mail arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from relay.delivery.outcome import Bounced, Delivered, Outcome, Retry
from tests.support.delivery import Bench, FakeAttempt, run
from tests.support.remote import DROP, OK, STALL, Action, Script, ScriptedRemote

NO_USER = "550 5.1.1 no such user"
LIMITED = ("SIZE 50000000", "8BITMIME")
PIPELINING = ("PIPELINING", *LIMITED)
TWICE = b"250 2.1.0 ok\r\n250 2.1.0 ok\r\n"


async def _group(bench: Bench, count: int) -> list[Outcome]:
    attempts = [bench.submit(FakeAttempt(f"u{n}@example.net", group=7)) for n in range(count)]
    return list(await asyncio.gather(*(attempt.outcome for attempt in attempts)))


@pytest.mark.parametrize(
    ("script", "extensions"),
    [
        ({"MAIL": [TWICE], "RCPT": [NO_USER, OK, NO_USER]}, PIPELINING),
        ({"RCPT": [NO_USER, OK, NO_USER], "DATA": ["250 ok"]}, PIPELINING),
        ({"RCPT": [NO_USER, OK, NO_USER], "DATA": ["250 ok"]}, LIMITED),
    ],
    ids=["a reply too many", "a late reply to DATA", "so without PIPELINING"],
)
def test_a_refusal_out_of_step_condemns_no_neighbour(script: Script, extensions: tuple[str, ...]) -> None:
    """The 550 may belong to any of the recipients; each goes alone, and then it is clear."""

    async def main() -> None:
        async with (
            ScriptedRemote(script, extensions=extensions) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            first, second = await _group(bench, 2)
            assert isinstance(first, Bounced)
            assert first.address_dead
            assert isinstance(second, Delivered)
            assert [message.rcpt for message in remote.messages] == [("RCPT TO:<u1@example.net>",)]

    run(main())


def test_an_answer_that_comes_late_does_not_condemn_who_is_next() -> None:
    """A reply too many behind the message before: what looks like a refusal may be the last message's."""

    async def main() -> None:
        script: Script = {"RSET": b"250 ok\r\n550 5.1.1 no such user\r\n", "RCPT": [NO_USER]}
        async with (
            ScriptedRemote(script, extensions=PIPELINING) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            attempts = [bench.submit(FakeAttempt(f"u{n}@example.net")) for n in range(2)]
            first, second = await asyncio.gather(*(attempt.outcome for attempt in attempts))
            assert isinstance(first, Bounced)
            assert isinstance(second, Delivered | Retry)

    run(main())


def test_who_breaks_off_in_company_gets_each_alone() -> None:
    async def main() -> None:
        async with (
            ScriptedRemote({"RCPT": [OK, DROP, OK, DROP]}) as remote,
            Bench(smart_host=remote.target, connections_per_site=1) as bench,
        ):
            assert all(isinstance(one, Delivered) for one in await _group(bench, 2))
            assert [len(message.rcpt) for message in remote.messages] == [1, 1]

    run(main())


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _served(serve: Serve, count: int = 1, **settings: Any) -> tuple[list[Outcome], list[str]]:
    """Outcomes of one group at a server, and what was logged."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with Bench(smart_host=f"127.0.0.1:{port}", connections_per_site=1, **settings) as bench:
            return await _group(bench, count), [what for what, _ in bench.log]


@pytest.mark.parametrize("said", [None, b"", b"503 5.5.0 one at a time\r\n"], ids=["deaf", "closes", "503"])
def test_who_offers_pipelining_and_can_not_do_it_gets_one_command_at_a_time(said: bytes | None) -> None:
    """``said`` to what came behind a command; None: it isn't heard."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ok\r\n")
        while lines := (await reader.read(65536)).splitlines():
            if lines[1:] and said is not None:
                writer.write(said)
                break
            if lines[0].startswith(b"DATA"):
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
            reply = b"250-ok\r\n250 PIPELINING\r\n" if lines[0].startswith(b"EHLO") else b"250 ok\r\n"
            writer.write(reply)
        writer.close()

    async def main() -> None:
        outcomes, log = await _served(serve, command_timeout=1)
        assert isinstance(outcomes[0], Delivered)
        assert log.count("site-unpiped") == 1

    run(main())


def test_each_command_of_an_envelope_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes its time over each recipient is waited for, though all together last longer."""
    limit_s = 4.0

    async def main() -> None:
        loop = asyncio.get_running_loop()
        real, passed = loop.time, [0.0]
        monkeypatch.setattr(loop, "time", lambda: real() + passed[0])

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 ok\r\n")
            while line := await reader.readline():
                if line.startswith(b"RCPT"):
                    passed[0] += 0.6 * limit_s
                    await writer.drain()
                    await asyncio.wait_for(asyncio.to_thread(int), 5)  # others have their turn
                if line.startswith(b"DATA"):
                    writer.write(b"354 go\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250-ok\r\n250 PIPELINING\r\n" if line.startswith(b"EHLO") else b"250 ok\r\n")

        outcomes, log = await _served(serve, 4, command_timeout=limit_s, data_timeout=15)
        assert all(isinstance(one, Delivered) for one in outcomes)
        assert "site-unpiped" not in log

    run(main())


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ({"CONNECT": b"SSH-2.0-OpenSSH_9\r\n"}, "451 4.4.2 the remote sent no reply: 'SSH-2.0-OpenSSH_9' (greeting)"),
        ({"CONNECT": DROP}, "451 4.4.2 connection lost (greeting)"),
        ({"EHLO": DROP}, "451 4.4.2 connection lost (ehlo)"),
        ({"CONNECT": STALL}, "451 4.4.2 no answer in time (greeting)"),
        ({"CONNECT": b"220 " + b"x" * 9000 + b"\r\n"}, "451 4.4.2 the remote sent a reply that is too long (greeting)"),
        ({"CONNECT": "250 hello"}, "451 4.3.2 greeting was answered 250 hello"),
        ({"DATA": "250 ok"}, "451 4.5.0 data was answered 250 ok"),
    ],
)
def test_people_can_read_why_it_waits(script: dict[str, Action], status: str) -> None:
    async def main() -> None:
        async with (
            ScriptedRemote(script) as remote,
            Bench(smart_host=remote.target, command_timeout=1) as bench,
        ):
            outcome = await bench.deliver()
            assert isinstance(outcome, Retry)
            assert (outcome.diagnostic or outcome.status) == status

    run(main())


def test_a_refused_connection_is_named_in_words() -> None:
    async def main() -> None:
        async with ScriptedRemote() as remote:
            target = remote.target
        async with Bench(smart_host=target) as bench:
            assert (await bench.deliver()).status.endswith(": Connection refused")  # type: ignore[union-attr]

    run(main())
