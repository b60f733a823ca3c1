"""Clients of ``bench.sending``: connections of another process that ask and wait for the answer, again and again."""

from __future__ import annotations

import asyncio
import functools
import json
import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final

OCTETS: Final = 10_000
SEVERAL: Final = 500
SENDER: Final = "Shop <news@shop.example>"


def text_of(number: int) -> str:
    """Of a message: what a shop writes to a customer: a few sentences that all get, around what only this one does.

    Were the whole of it everybody's, it would be bulk in the guise of service mail, which the relay keeps for the
    operator: another thing than what is measured here.
    """
    lines = _lines()
    room = (OCTETS - len(_LETTER) - 16) // len(lines[0])
    start = number * room % (len(lines) - room)
    return _LETTER.format(number, "".join(lines[start : start + room]))


_LETTER: Final = (
    "Hello,\n\nthank you for your order {0}. You bought:\n\n{1}\nYour invoice is in the parcel. "
    "Questions about order {0}? Just answer this message.\n\nYour shop\n"
)
_SYLLABLES: Final = ("ka", "lo", "mi", "ren", "tu", "sa", "ber", "no", "vel", "di", "gar", "pe")
_LINES: Final = 120_000


@functools.cache
def _lines() -> list[str]:
    """Of 60 characters; those of several hundred messages."""
    lot = random.Random(7)
    words = ["".join(lot.choices(_SYLLABLES, k=3)) for _ in range(5_000)]
    found = []
    for number in range(_LINES):
        found.append(
            f"{number % 9 + 1} x {' '.join(lot.choices(words, k=6)):44.44}, {lot.random() * 90 + 10:.2f} EUR\n"
        )
    return found


def one(number: int) -> dict[str, Any]:
    text = text_of(number)
    return {"from": SENDER, "to": f"p{number}@people.example", "subject": f"Order {number}", "text": text,
            "stream": "free"}  # fmt: skip


def several(number: int) -> dict[str, Any]:
    to = [{"email": f"p{number}-{n}@people.example", "data": {"name": f"Ann {n}", "points": n}} for n in range(SEVERAL)]
    return {"from": SENDER, "to": to, "subject": "News for {{ name }}", "stream": "free",
            "text": "Hello {{ name }},\nyou have {{ points }} points.\n"}  # fmt: skip


@dataclass
class Asked:
    """What came of a load."""

    took_s: list[float] = field(default_factory=list)
    real_s: float = 0.0
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """``kind``: ``one`` or ``several``; ``rate``: messages a second of all connections, 0: as fast as can be."""

    port: int
    token: str
    kind: str
    seconds: float
    connections: int
    rate: float = 0.0
    keyed: bool = True
    """Each with an ``Idempotency-Key``, as clients that repeat have it."""


class _Ask(asyncio.Protocol):
    """One connection. Cheap, so that the load leaves the machine to who is measured."""

    def __init__(self, make: Callable[[], tuple[bytes, float] | None], asked: Asked) -> None:
        self._make = make
        self._asked = asked
        self._held = b""
        self._due = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        made = self._make()
        if made is None:
            self._transport.close()
            return
        request, at = made
        if at > time.monotonic():
            asyncio.get_running_loop().call_at(at, self._say, request)
        else:
            self._say(request)

    def _say(self, request: bytes) -> None:
        self._due = time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(rest) < length:
            return
        self._held = rest[length:]
        if not head.startswith(b"HTTP/1.1 202"):
            self._asked.refused.append(f"{head[:20]!r} {rest[:300]!r}")
            self._transport.close()
            return
        self._asked.took_s.append(time.monotonic() - self._due)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def _client(pipe: Connection, wish: Wish) -> None:
    text_of(1)  # its lines are made now, not while it counts
    asked, begun, number = Asked(), time.monotonic(), 0
    make = {"one": one, "several": several}[wish.kind]
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer {wish.token}\r\n"
        "Content-Type: application/json\r\nUser-Agent: bench/1\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
    )

    def request() -> tuple[bytes, float] | None:
        nonlocal number
        at = begun + number / wish.rate if wish.rate else 0.0
        if max(at, time.monotonic()) > begun + wish.seconds:
            return None
        number += 1
        body = json.dumps(make(number)).encode()
        key = f'Idempotency-Key: "bench-{begun}-{number}"\r\n' if wish.keyed else ""
        return f"{head}{key}Content-Length: {len(body)}\r\n\r\n".encode() + body, at

    async def run() -> None:
        loop = asyncio.get_running_loop()
        made = [
            (await loop.create_connection(lambda: _Ask(request, asked), "127.0.0.1", wish.port))[1]
            for _ in range(wish.connections)
        ]
        await asyncio.gather(*(each.ended for each in made))
        asked.real_s = time.monotonic() - begun
        pipe.send(asked)

    asyncio.run(run())


class ApiLoad:
    """Begins at once; ``result`` waits for its end."""

    def __init__(self, wish: Wish) -> None:
        self._here, there = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_client, args=(there, wish))
        self._process.start()

    def result(self) -> Asked:
        asked: Asked = self._here.recv()
        self._process.join(20)
        return asked
