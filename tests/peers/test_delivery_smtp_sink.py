"""The engine into Postfix' smtp-sink, with the faults that it can play."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.delivery.outcome import Bounced, Delivered, Outcome, Reach, Retry
from tests.meta.tree import ROOT
from tests.support.delivery import DATA, Bench, FakeAttempt, run
from tests.support.ports import free_port

SINK = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin:/usr/lib/postfix/sbin")

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(SINK is None, reason="smtp-sink (Postfix) is not installed"),
]


@contextlib.contextmanager
def sink(*options: str, cwd: Path | None = None) -> Iterator[str]:
    """A running smtp-sink; its ``host:port``."""
    assert SINK is not None
    target = f"127.0.0.1:{free_port()}"
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [SINK, *user, *options, target, "200"], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        run(listening(target))
        yield target
    finally:
        process.terminate()
        process.wait(10)


async def listening(target: str) -> None:
    host, port = target.split(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        return


def deliver(target: str, count: int = 1, **settings: Any) -> list[Outcome]:
    async def main() -> list[Outcome]:
        async with Bench(smart_host=target, **settings) as bench:
            attempts = [bench.submit(FakeAttempt(f"u{number}@example.net")) for number in range(count)]
            return list(await asyncio.gather(*(attempt.outcome for attempt in attempts)))

    return run(main(), "uvloop")


@pytest.mark.parametrize("options", [[], ["-p"], ["-e"], ["-8"]], ids=["all", "no pipelining", "HELO", "no 8BITMIME"])
def test_many_arrive(options: list[str], tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.mkdir(mode=0o777)
    box.chmod(0o777)
    for parent in list(box.parents)[:4]:
        with contextlib.suppress(PermissionError):
            parent.chmod(parent.stat().st_mode | 0o111)
    with sink("-d", f"{box}/%H%M%S.", *options) as target:
        outcomes = deliver(target, 200)
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    texts = [path.read_bytes().replace(b"\r\n", b"\n") for path in box.iterdir()]
    assert len(texts) == 200
    assert all(text.rstrip(b"\n").endswith(DATA.replace(b"\r\n", b"\n").rstrip(b"\n")) for text in texts)


COMMANDS = ["mail", "rcpt", "data", "."]


@pytest.mark.parametrize("command", ["connect", "ehlo,helo", *COMMANDS])
def test_hard_and_soft_refusals(command: str) -> None:
    with sink("-f", command) as target:
        (hard,) = deliver(target)
    with sink("-r", command) as target:
        (soft,) = deliver(target)
    assert isinstance(soft, Retry)
    if command in COMMANDS:
        assert isinstance(hard, Bounced)
        assert not hard.address_dead
        assert hard.diagnostic.startswith("5")
    else:
        assert isinstance(hard, Retry)
        assert hard.reach is Reach.SITE


@pytest.mark.parametrize("command", ["connect", "ehlo", "mail", "rcpt", "data", "."])
@pytest.mark.parametrize("option", ["-q", "-Q"], ids=["drop", "421"])
def test_disconnects(command: str, option: str) -> None:
    with sink(option, command) as target:
        (outcome,) = deliver(target)
    assert isinstance(outcome, Retry)


def test_a_limit_on_connections() -> None:
    """A sink that takes two sessions at a time; the others wait in its backlog."""
    with sink("-m", "2") as target:
        outcomes = deliver(target, 50, messages_per_connection=3)
    assert {type(outcome) for outcome in outcomes} == {Delivered}


def test_the_cost_of_a_copy_is_measured() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench.micro_delivery", "200"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("200/200 delivered")
