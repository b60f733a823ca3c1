"""How fast the API takes messages: ``python -m bench.sending [--seconds 20] [--connections 32]``.

A relay of one mail process that delivers nothing, and a client of another process over loopback. First messages of
10 KB with one `to`, a request each; then messages of 500 `to` with data of their own. Each answer is read and must be
202: what is counted is on the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from tests.support.relay import FREED, Relay

OCTETS: Final = 10_000
SEVERAL: Final = 500
SENDER: Final = "Shop <news@shop.example>"


def one(number: int) -> dict[str, Any]:
    text = ("A line of an ordinary message, as people write them.\n" * (OCTETS // 53 + 1))[:OCTETS]
    return {"from": SENDER, "to": f"p{number}@people.example", "subject": f"Order {number}", "text": text,
            "stream": "free"}  # fmt: skip


def several(number: int) -> dict[str, Any]:
    to = [{"email": f"p{number}-{n}@people.example", "data": {"name": f"Ann {n}", "points": n}} for n in range(SEVERAL)]
    return {"from": SENDER, "to": to, "subject": "News for {{ name }}", "stream": "free",
            "text": "Hello {{ name }},\nyou have {{ points }} points.\n"}  # fmt: skip


class Load:
    """Some connections that ask and wait for the answer, again and again."""

    def __init__(self, port: int, token: str, kind: str) -> None:
        self._port, self._token = port, token
        self._make = {"one": one, "several": several}[kind]
        self.number = 0
        self.took: list[float] = []
        self.refused: list[str] = []

    def _request(self) -> bytes:
        self.number += 1
        body = json.dumps(self._make(self.number)).encode()
        head = (
            f"POST /v1/messages HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def ask(self, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while time.monotonic() < until:
            begun = time.monotonic()
            writer.write(self._request())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 202"):
                self.refused.append(f"{head[:20]!r} {body[:300]!r}")
                return
            self.took.append(time.monotonic() - begun)
        writer.close()


def client(pipe: Connection, port: int, token: str, kind: str, seconds: float, connections: int) -> None:
    async def run() -> None:
        load = Load(port, token, kind)
        begun = time.monotonic()
        await asyncio.gather(*(load.ask(begun + seconds) for _ in range(connections)))
        pipe.send((load.took, time.monotonic() - begun, load.refused[:3]))

    asyncio.run(run())


def measured(relay: Relay, token: str, kind: str, seconds: float, connections: int) -> bool:
    here, there = multiprocessing.Pipe()
    arguments = (there, relay.http, token, kind, seconds, connections)
    process = multiprocessing.get_context("spawn").Process(target=client, args=arguments)
    process.start()
    took, real_s, refused = here.recv()
    process.join(20)
    if refused or len(took) < 2:
        print(f"{kind}: refused: {refused}")
        return False
    share = statistics.quantiles(took, n=100)
    each = SEVERAL if kind == "several" else 1
    what = f"recipients/s with data, {SEVERAL} a message" if each > 1 else f"messages/s of {OCTETS} octets"
    print(
        f"{len(took) * each / real_s:.0f} {what}, {connections} connections: "
        f"p50 {share[49] * 1000:.0f} ms, p99 {share[98] * 1000:.0f} ms"
    )
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=32)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        fast = {"requests_per_second": 1_000_000, "requests_burst": 1_000_000}
        relay = Relay(Path(directory), {"delivery": {"enabled": False}, "log": {"level": "error"}, "api": fast})
        relay.tenant(name="shop", domain="shop.example")
        relay.cli("stream", "add", "shop", "free", "--kind", "transactional", *FREED)
        relay.cli("tenant", "establish", "shop", "--reason", "a bench")
        token = str(relay.json("token", "add", "shop")["token"])
        relay.start()
        try:
            good = measured(relay, token, "one", given.seconds, given.connections)
            good &= measured(relay, token, "several", given.seconds, max(1, given.connections // 8))
        finally:
            relay.stop()
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
