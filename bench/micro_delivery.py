"""CPU of this process for each delivered copy: the engine into Postfix' smtp-sink.

Usage: python bench/micro_delivery.py [COPIES] [CONNECTIONS] [--asyncio] [--profile]. Each copy has
10 KB and is not signed. smtp-sink's CPU is its own process' and not counted.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

import uvloop

from config.sending import Delivery
from relay.delivery.outcome import Delivered, Outcome, Prepared
from relay.delivery.smtp.engine import Engine
from relay.delivery.smtp.resolve import Resolver

BODY = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: bench\r\n\r\n" + (b"x" * 76 + b"\r\n") * 128
INFLIGHT = 1000


class BenchCopy:
    """An attempt whose bytes are there already."""

    __slots__ = ("address", "asks", "domain", "group", "notify", "number", "octets", "orcpt", "run", "typed")

    def __init__(self, run: Run, number: int) -> None:
        self.run = run
        self.number = number
        self.address = f"user{number}@example.net"
        self.domain = "example.net"
        self.group: object | None = None
        self.notify = self.orcpt = ""
        self.typed = self.asks = False
        self.octets = len(BODY)

    def wanted(self) -> bool:
        return True

    still_wanted = wanted

    def prepare(self, eight_bit: bool, shared: bool) -> Prepared:
        return Prepared("b-0123456789abcdef@relay.example.com", BODY)

    def done(self, outcome: Outcome) -> None:
        self.run.ended(outcome)


class Run:
    """Keeps the engine filled until all copies are through."""

    def __init__(self, engine: Engine, copies: int) -> None:
        self.engine = engine
        self.left = copies
        self.open = copies
        self.delivered = 0
        self.over = asyncio.get_running_loop().create_future()

    def fill(self) -> None:
        while self.left and self.engine.backlog < INFLIGHT:
            self.left -= 1
            self.engine.submit(BenchCopy(self, self.left))

    def ended(self, outcome: Outcome) -> None:
        self.delivered += isinstance(outcome, Delivered)
        self.open -= 1
        if not self.open:
            self.over.set_result(None)
        elif self.engine.backlog < INFLIGHT // 2:
            self.fill()


def ignore(what: str, details: Mapping[str, object]) -> None:
    """No log."""


async def bench(port: int, copies: int, connections: int) -> None:
    settings = Delivery(smart_host=f"127.0.0.1:{port}", connections_per_site=connections)
    engine = Engine(settings, "relay.example.com", Resolver(["127.0.0.1:9"]), time.time, ignore)
    run = Run(engine, copies)
    wall, cpu = time.perf_counter(), time.process_time()
    run.fill()
    await run.over
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{run.delivered}/{copies} delivered, {copies / wall:.0f}/s, {cpu / copies * 1e6:.0f} us CPU each")
    await engine.close(5)


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    copies, connections = [*numbers, 20_000, 20][:2] if len(numbers) != 1 else (numbers[0], 20)
    sink = shutil.which("smtp-sink") or sys.exit("smtp-sink (Postfix) is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sink, "-u", "nobody", f"127.0.0.1:{port}", "200"], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        profile = cProfile.Profile() if "--profile" in sys.argv else None
        if profile is not None:
            profile.enable()
        if "--asyncio" in sys.argv:
            asyncio.run(bench(port, copies, connections))
        else:
            uvloop.run(bench(port, copies, connections))
        if profile is not None:
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("smtp-sink does not listen")


if __name__ == "__main__":
    main()
