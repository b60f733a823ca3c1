"""How soon a webhook's first try follows its event: ``python -m bench.webhooks [--rate 500] [--seconds 20]``.

The HTTP process calls a server of another process over loopback, while events are written at the rate, a batch every
fiftieth of a second. Prints percentiles of the time from an event's commit to the server having the request.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from relay.events import write
from relay.store.database import connect, transaction
from relay.webhooks import book
from tests.support.web import Shop, serving

STEP_S: Final = 0.02
LATE_S: Final = 30.0
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def receiver(pipe: Connection, wanted: int) -> None:
    """A server that notes when each event was here, by number."""
    found: dict[int, float] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                number = int(body.partition(b'"recipient":"p')[2].partition(b"@")[0])
                found.setdefault(number, time.time())
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        while len(found) < wanted and not pipe.poll():
            await asyncio.sleep(0.05)
        pipe.send(found)

    asyncio.run(run())


def writes(path: Path, tenant_id: int, rate: int, seconds: int) -> list[float]:
    """When each event was committed."""
    conn, at = connect(path), list[float]()
    each, begun = max(1, round(rate * STEP_S)), time.time()
    for step in range(int(seconds / STEP_S)):
        time.sleep(max(0.0, begun + step * STEP_S - time.time()))
        with transaction(conn):
            for _ in range(each):
                told = {"recipient": f"p{len(at)}@people.example", "reason": "hand"}
                write.of_account(conn, tenant_id, "suppressed", told, time.time())
                at.append(0.0)
        at[-each:] = [time.time()] * each
    conn.close()
    return at


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args(arguments)
    wanted = int(given.seconds / STEP_S) * max(1, round(given.rate * STEP_S))
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=receiver, args=(there, wanted))
    process.start()
    port = here.recv()
    with tempfile.TemporaryDirectory() as directory:
        shop = Shop.create(Path(directory), webhooks={"allow_private": True}, log={"level": "error"})
        with transaction(shop.conn) as conn:
            url = f"http://127.0.0.1:{port}/"
            book.add(conn, shop.secrets, shop.tenant_id, url, (), allow_private=True, actor="bench", now=time.time())
        with serving(shop):
            committed = list[float]()
            thread = threading.Thread(
                target=lambda: committed.extend(
                    writes(shop.settings.database, shop.tenant_id, given.rate, given.seconds)
                )
            )
            thread.start()
            thread.join()
            if not here.poll(LATE_S):
                here.send("enough")
            found: dict[int, float] = here.recv()
    process.join(10)
    took = sorted(found[number] - at for number, at in enumerate(committed) if number in found)
    share = statistics.quantiles(took, n=100)
    print(f"{len(took)} of {wanted} events at {given.rate}/s: "
          f"p50 {share[49] * 1000:.0f} ms, p99 {share[98] * 1000:.0f} ms, latest {took[-1] * 1000:.0f} ms")  # fmt: skip
    return 0 if len(took) == wanted else 1


if __name__ == "__main__":
    raise SystemExit(main())
