"""STARTTLS as the setting says, and what goes wrong with it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from relay.delivery.outcome import Bounced, Delivered, Reach, Retry
from relay.delivery.smtp.answer import Found
from relay.delivery.smtp.route import read_login
from tests.support.delivery import Bench, FixedLookup, run
from tests.support.remote import DROP, STALL, Action, ScriptedRemote, server_tls

LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
LOOKUP = FixedLookup({"example.net": Found(((10, "mx.test"),), 60)}, {"mx.test": Found(((0, "127.0.0.1"),), 60)})


@LOOPS
@pytest.mark.parametrize("mode", ["opportunistic", "required", "none"])
def test_modes_with_a_good_certificate(loop: str, mode: str, tmp_path: Path) -> None:
    async def main() -> None:
        server, client = server_tls(tmp_path, "mx.test")
        async with (
            ScriptedRemote(tls=server) as remote,
            Bench(LOOKUP, port=remote.port, tls=mode, verifying=client) as bench,
        ):
            outcome = await bench.deliver()
            assert isinstance(outcome, Delivered)
            assert remote.messages[0].tls is (mode != "none")
            assert bool(outcome.tls) is (mode != "none")

    run(main(), loop)


@LOOPS
@pytest.mark.parametrize("fault", ["wrong name", "expired", "untrusted", "not offered"])
def test_required_refuses_what_it_can_not_verify(loop: str, fault: str, tmp_path: Path) -> None:
    async def main() -> None:
        name = "other.test" if fault == "wrong name" else "mx.test"
        server, client = server_tls(tmp_path, name, days=-1 if fault == "expired" else 30)
        async with ScriptedRemote(tls=None if fault == "not offered" else server) as remote:
            verifying = None if fault == "untrusted" else client
            async with Bench(LOOKUP, port=remote.port, tls="required", verifying=verifying) as bench:
                outcome = await bench.deliver()
                assert isinstance(outcome, Retry)
                assert outcome.status.startswith("451 4.7.5")
                assert outcome.reach is Reach.SITE
                assert remote.messages == []
                assert not any(command.startswith("MAIL") for command in remote.commands)

    run(main(), loop)


@LOOPS
@pytest.mark.parametrize("fault", ["wrong name", "expired"])
def test_opportunistic_takes_any_certificate(loop: str, fault: str, tmp_path: Path) -> None:
    async def main() -> None:
        server, _ = server_tls(tmp_path, "other.test", days=-1 if fault == "expired" else 30)
        async with ScriptedRemote(tls=server) as remote, Bench(LOOKUP, port=remote.port) as bench:
            assert isinstance(await bench.deliver(), Delivered)
            assert remote.messages[0].tls

    run(main(), loop)


BROKEN: list[tuple[str, Action]] = [
    ("220 then drop", ("220 go", DROP)),
    ("220 then garbage", (b"220 go\r\n\x16\x03\x01garbage that is no handshake", DROP)),
    ("220 then plaintext", (b"220 go\r\n250 injected\r\n250 more\r\n", DROP)),
    ("220 then nothing", ("220 go", STALL)),
    ("drop", DROP),
    ("421", ("421 4.3.0 no", DROP)),
    ("421 not hung up yet", ("421 4.3.0 no", STALL)),
]


def patience(action: Action) -> float:
    """Seconds for a command: few only where the end of them is what the test waits for."""
    return 1.0 if isinstance(action, tuple) and action[1] is STALL else 20.0


@LOOPS
@pytest.mark.parametrize("fault", BROKEN, ids=[name for name, _ in BROKEN])
def test_broken_tls_falls_back_to_plaintext_once(loop: str, fault: tuple[str, Action], tmp_path: Path) -> None:
    async def main() -> None:
        server, _ = server_tls(tmp_path, "mx.test")
        async with (
            ScriptedRemote({"STARTTLS": fault[1]}, tls=server) as remote,
            Bench(LOOKUP, port=remote.port, command_timeout=patience(fault[1])) as bench,
        ):
            outcome = await bench.deliver()
            assert isinstance(outcome, Delivered)
            assert outcome.tls == ""
            assert remote.connections == 2

    run(main(), loop)


@LOOPS
@pytest.mark.parametrize("fault", BROKEN, ids=[name for name, _ in BROKEN])
def test_broken_tls_where_required(loop: str, fault: tuple[str, Action], tmp_path: Path) -> None:
    async def main() -> None:
        server, client = server_tls(tmp_path, "mx.test")
        async with (
            ScriptedRemote({"STARTTLS": fault[1]}, tls=server) as remote,
            Bench(
                LOOKUP, port=remote.port, tls="required", verifying=client, command_timeout=patience(fault[1])
            ) as bench,
        ):
            outcome = await bench.deliver()
            assert isinstance(outcome, Retry)
            assert outcome.status.startswith("451 4.7.5")
            assert remote.messages == []

    run(main(), loop)


@LOOPS
def test_starttls_refused_goes_on_in_plaintext(loop: str, tmp_path: Path) -> None:
    async def main() -> None:
        server, _ = server_tls(tmp_path, "mx.test")
        async with (
            ScriptedRemote({"STARTTLS": "454 4.7.0 not now"}, tls=server) as remote,
            Bench(LOOKUP, port=remote.port) as bench,
        ):
            assert isinstance(await bench.deliver(), Delivered)
            assert remote.connections == 1

    run(main(), loop)


@LOOPS
def test_plaintext_after_the_220_is_never_taken_for_an_answer(loop: str, tmp_path: Path) -> None:
    """RFC 3207 §4.2: injected replies must not answer what is asked inside TLS."""

    async def main() -> None:
        server, _ = server_tls(tmp_path, "mx.test")
        injected = b"220 go\r\n250-evil\r\n250 SIZE 1\r\n"
        async with (
            ScriptedRemote({"STARTTLS": injected}, tls=server) as remote,
            Bench(LOOKUP, port=remote.port) as bench,
        ):
            outcome = await bench.deliver()
            # An injected SIZE 1 would bounce the message as too large.
            assert isinstance(outcome, Delivered)

    run(main(), loop)


@LOOPS
def test_extensions_are_those_offered_inside_tls(loop: str, tmp_path: Path) -> None:
    async def main() -> None:
        server, _ = server_tls(tmp_path, "mx.test")
        inside = "250 remote.test\n250 SIZE 10"
        outside = "250 remote.test\n250 STARTTLS"
        async with (
            ScriptedRemote({"EHLO": [outside, inside]}, tls=server) as remote,
            Bench(LOOKUP, port=remote.port) as bench,
        ):
            outcome = await bench.deliver()
            assert isinstance(outcome, Bounced)
            assert outcome.status.startswith("552 5.3.4")

    run(main(), loop)


def test_smart_host_login(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("geheim\n")

    async def main() -> None:
        async with ScriptedRemote(extensions=["PIPELINING", "AUTH PLAIN"]) as remote:
            options: dict[str, Any] = {
                "smart_host": remote.target,
                "smart_host_user": "u",
                "smart_host_password_file": secret,
            }
            async with Bench(**options) as bench:
                assert isinstance(await bench.deliver(), Delivered)
                assert "AUTH PLAIN AHUAZ2VoZWlt" in remote.commands

    run(main())


def test_smart_host_login_refused_is_no_bounce(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("geheim\n")

    async def main() -> None:
        async with ScriptedRemote({"AUTH": "535 5.7.8 no"}, extensions=["AUTH PLAIN"]) as remote:
            options: dict[str, Any] = {
                "smart_host": remote.target,
                "smart_host_user": "u",
                "smart_host_password_file": secret,
            }
            async with Bench(**options) as bench:
                outcome = await bench.deliver()
                assert isinstance(outcome, Retry)
                assert outcome.reach is Reach.SITE
                assert "geheim" not in outcome.status + str(bench.log)

    run(main())


def test_login_settings_that_are_wrong(tmp_path: Path) -> None:
    assert read_login("", None) is None
    with pytest.raises(ValueError, match="smart_host_password_file"):
        read_login("user", None)
    with pytest.raises(ValueError, match="can't be read"):
        read_login("user", tmp_path / "missing")


@LOOPS
def test_tls_dropped_in_data(loop: str, tmp_path: Path) -> None:
    async def main() -> None:
        server, _ = server_tls(tmp_path, "mx.test")
        async with ScriptedRemote({"DOT": [DROP]}, tls=server) as remote, Bench(LOOKUP, port=remote.port) as bench:
            outcome = await bench.deliver()
            assert isinstance(outcome, Retry)
            assert remote.messages == []
            assert isinstance(await bench.deliver(), Delivered)

    run(main(), loop)


def test_many_over_one_tls_session(tmp_path: Path) -> None:
    async def main() -> None:
        server, _ = server_tls(tmp_path, "mx.test")
        async with (
            ScriptedRemote(tls=server) as remote,
            Bench(LOOKUP, port=remote.port, connections_per_site=1) as bench,
        ):
            outcomes = await asyncio.gather(*(bench.deliver() for _ in range(30)))
            assert {type(outcome) for outcome in outcomes} == {Delivered}
            assert remote.connections == 1

    run(main(), "uvloop")
