"""Clients of ``bench.sending``: connections of another process that ask and wait for the answer, again and again."""

from __future__ import annotations

import asyncio
import functools
import json
import math
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


def _client(pipe: Connection) -> None:
    """Works off wish after wish: says when it could begin, begins when it is told to, and tells what came of it."""
    text_of(1)  # its lines are made now, not while it counts
    while (wish := pipe.recv()) is not None:
        requests = _Requests(wish)
        pipe.send(None)
        pipe.recv()
        pipe.send(asyncio.run(_load(wish, requests)))


class _Requests:
    """One after the other; those of a given rate are made before it counts, as they would be on other machines."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._make = {"one": one, "several": several}[wish.kind]
        self._lot = time.monotonic()
        self._made = [self._request(number) for number in range(math.ceil(wish.rate * wish.seconds))]
        self._number = 0
        self._begun = 0.0

    def begin(self) -> float:
        self._begun = time.monotonic()
        return self._begun

    def next(self) -> tuple[bytes, float] | None:
        """A request and when it is to be said; None at the end."""
        number, wish = self._number, self._wish
        at = self._begun + number / wish.rate if wish.rate else 0.0
        if max(at, time.monotonic()) > self._begun + wish.seconds or (wish.rate and number >= len(self._made)):
            return None
        self._number += 1
        return self._made[number] if wish.rate else self._request(number), at

    def _request(self, number: int) -> bytes:
        body = json.dumps(self._make(number)).encode()
        key = f'Idempotency-Key: "bench-{self._lot}-{number}"\r\n' if self._wish.keyed else ""
        return (
            f"POST /v1/messages HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer {self._wish.token}\r\n"
            "Content-Type: application/json\r\nUser-Agent: bench/1\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
            f"{key}Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


async def _load(wish: Wish, requests: _Requests) -> Asked:
    loop, asked = asyncio.get_running_loop(), Asked()
    begun = requests.begin()
    made = [
        (await loop.create_connection(lambda: _Ask(requests.next, asked), "127.0.0.1", wish.port))[1]
        for _ in range(wish.connections)
    ]
    await asyncio.gather(*(each.ended for each in made))
    asked.real_s = time.monotonic() - begun
    return asked


class ApiClient:
    """A process that sends by the API: ``ready``, ``begin``, ``result``, as often as is wanted, then ``end``."""

    def __init__(self) -> None:
        self._here, there = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_client, args=(there,))
        self._process.start()

    def ready(self, wish: Wish) -> None:
        """Returns when it has all that it needs to begin."""
        self._here.send(wish)
        self._here.recv()

    def begin(self) -> None:
        self._here.send(None)

    def result(self) -> Asked:
        """Waits for its end."""
        asked: Asked = self._here.recv()
        return asked

    def end(self) -> None:
        self._here.send(None)
        self._process.join(20)


def api_load(wish: Wish) -> Asked:
    """One load, from its begin to its end."""
    client = ApiClient()
    try:
        client.ready(wish)
        client.begin()
        return client.result()
    finally:
        client.end()
