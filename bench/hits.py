"""Clicks and openings a second: the HTTP process on one core, hits at a fixed rate, whatever its answers take.

    python -m bench.hits [--rate 1000] [--seconds 20]

Prints the latencies of the answers (from the moment a hit was due), what was
recorded, and that nothing is lost on a clean stop. Each hit is of a copy of its
own, so that each is stored, counted and told as an event.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import socket
import sqlite3
import tempfile
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

from config.settings import Settings
from relay.keys.secrets import Secrets
from relay.keys.tracked_tokens import CopyMark, LinkMark, copy_token, link_token
from relay.store.database import connect, migrate
from relay.values.ids import first_id
from relay.web.server.process import PagePorts, bind, run

LANES = 32
"""Connections."""
LEFT = 400
"""Hits that may wait when it is stopped: less than half a second's."""
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def _serve(settings: Settings, sock: socket.socket, pipe: Connection) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    run(settings, lambda: pipe.send(os.getpid()), PagePorts(sock))


def _fill(settings: Settings, copies: int) -> int:
    """A tenant, people who agreed, a campaign and delivered copies; the first submission's id."""
    conn = connect(settings.database)
    now, first = time.time(), first_id(time.time() - 3600)
    conn.execute("BEGIN")
    conn.execute(
        "INSERT INTO tenant (id, name, contact, postal, freeze, freeze_reason, plan, plan_started_at, created_at)"
        " VALUES (1, 'acme', 'a@acme.example', '', 'none', '', 'unlimited', ?, ?)",
        (now, now),
    )
    conn.execute(
        "INSERT INTO stream (id, tenant_id, name, kind, topic, consent, created_at)"
        " VALUES (1,1,'bulk','bulk','*','required',?)",
        (now,),
    )
    conn.execute(
        "INSERT INTO campaign (id, tenant_id, stream_id, name, state, created_at) VALUES (1,1,1,'c','released',?)",
        (now,),
    )
    for number in range(copies):
        conn.execute(
            "INSERT INTO subscriber (id, tenant_id, address, created_at) VALUES (?,1,?,?)",
            (number + 1, f"p{number}@site{number % 500}.example", now),
        )
        conn.execute(
            "INSERT INTO tracking_consent (subscriber_id, given_at, means, recorded_at) VALUES (?,?,'hand',?)",
            (number + 1, now, now),
        )
        conn.execute(
            "INSERT INTO submission (id, tenant_id, stream_id, campaign_id, reverse_path, message_id, from_domain,"
            " size_octets, accepted_at, expires_at, open_recipients) VALUES (?,1,1,1,'','','',1,?,?,0)",
            (first + number, now, now),
        )
        conn.execute(
            "INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address, domain,"
            " state, due_at, changed_at) VALUES (?,0,1,1,?,?,?,2,?,?)",
            (first + number, number + 1, f"p{number}@x", f"site{number % 500}.example", now, now - 3600),
        )
    conn.execute("COMMIT")
    conn.close()
    return first


async def _lane(port: int, work: asyncio.Queue[tuple[float, bytes]], took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        due, request = await work.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if length:
            await reader.readexactly(int(length[0].split(b":")[1]))
        assert head[9:12] in (b"302", b"200"), head
        took.append(time.perf_counter() - due)
        work.task_done()


async def _load(port: int, requests: list[bytes], rate: float) -> list[float]:
    work: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    took: list[float] = []
    lanes = [asyncio.create_task(_lane(port, work, took)) for _ in range(LANES)]
    began = time.perf_counter()
    for place, request in enumerate(requests):
        due = began + place / rate
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        work.put_nowait((due, request))
    await work.join()
    for lane in lanes:
        lane.cancel()
    return took


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _await_writes(database: Path, hits: int) -> None:
    """Until most are stored; the last ones are left to the clean stop, which loses none."""
    until = time.monotonic() + 60
    with closing(sqlite3.connect(database)) as conn:
        while time.monotonic() < until:
            if conn.execute("SELECT count(*) FROM hit").fetchone()[0] >= hits - LEFT:
                return
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    hits = int(given.rate * given.seconds)
    with tempfile.TemporaryDirectory(prefix="hits-") as folder:
        settings = Settings.model_validate(
            {
                "server": {"hostname": "relay.example.com", "data_dir": folder},
                "listen": {"http": "127.0.0.1:0"},
                "links": {"base_url": "https://relay.example.com"},
                "log": {"level": "warning"},
            }
        )
        migrate(settings.database)
        secrets = Secrets.create(settings.secrets_file)
        first = _fill(settings, hits)
        requests = []
        for number in range(hits):
            mark = CopyMark(1, 1, number + 1, first + number, 0)
            token = copy_token(secrets, mark)
            link = link_token(secrets, mark.submission_id, LinkMark(0, 3, 0, "https://shop.example/sale?a=b"))
            path = f"/o/{token}.gif" if number % 3 else f"/c/{token}{link}"
            requests.append(f"GET {path} HTTP/1.1\r\nHost: r\r\nUser-Agent: {AGENT}\r\n\r\n".encode())
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        sock = bind(settings.listen.http)
        port = sock.getsockname()[1]
        process = context.Process(target=_serve, args=(settings, sock, there))
        process.start()
        sock.close()
        server = here.recv()
        started_s = _cpu_s(server)
        others = sorted(os.sched_getaffinity(0))[1:]
        if others:
            os.sched_setaffinity(0, set(others))
        took = sorted(asyncio.run(_load(port, requests, given.rate)))
        _await_writes(Path(folder) / "relay.db", hits)
        cpu_ms = (_cpu_s(server) - started_s) * 1000 / hits
        process.terminate()
        process.join(30)
        conn = sqlite3.connect(Path(folder) / "relay.db")
        stored = conn.execute("SELECT count(*) FROM hit").fetchone()[0]
        summed = conn.execute("SELECT sum(hits) FROM hit_sum").fetchone()[0]
        at = lambda part: took[min(len(took) - 1, int(part * len(took)))] * 1000  # noqa: E731
        print(
            f"{hits} hits at {given.rate:g}/s on one core: p50 {at(0.5):.1f} ms, p99 {at(0.99):.1f} ms, longest"
            f" {took[-1] * 1000:.1f} ms, CPU {cpu_ms:.2f} ms a hit, writing with it; stored {stored},"
            f" in sums {summed}, exit status {process.exitcode}"
        )


if __name__ == "__main__":
    main()
