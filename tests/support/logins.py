"""A log-in and what was sent with it over weeks, with contents that are read, and the brake that looks on."""

# ruff: noqa: SIM905 - a list of syllables as text

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from relay.brake import brakes
from relay.brake.book import LoginBook
from relay.brake.braking import Braking
from relay.brake.values import BrakeRow
from relay.keys.secrets import Secrets
from relay.pipeline.contract import Message
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.tenants import credentials, streams, tenants
from tests.support.conduct import DAY, HOUR, NOW, World
from tests.support.content import mail, read
from tests.unit.test_policies import BULK, TENANT, txn

HOME = "192.0.2.10"
_SYLLABLES = "ka ro mi ten sul ba del fin gor hal ist jen lo mar nev ost pil quo ras sen tiv ulm vor wes yan".split()
_COMMON = (
    "the and of to in for on with you your we our is are this that from by as at it be have can will more new all"
    " about out up now when what how"
).split()


def _words(seed: str, count: int) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(_SYLLABLES, k=chance.choice((2, 2, 3)))) for _ in range(count)]


_LANGUAGE = _words("language", 900)


@functools.lru_cache(maxsize=500)
def newsletter(issue: int, host: str = "www.acme.example") -> Message:
    """Another story each time, in the same language and frame."""
    chance = random.Random(issue)
    story = " ".join(chance.choice(_COMMON if chance.random() < 0.4 else _LANGUAGE) for _ in range(300))
    return read(mail(f"Dear reader,\n\n{story}\n\nhttps://{host}/story/{issue}\n\nAcme, Mill Lane 4, Exampleton"))


@functools.lru_cache(maxsize=500)
def receipt(number: int) -> Message:
    thing = _LANGUAGE[number * 7 % 900]
    return read(
        mail(
            f"Hello,\n\nthank you for your order {number}.\n1 x {thing} {number % 90}.90 EUR\nWe send it tomorrow."
            f"\n\nhttps://www.acme.example/orders/{number}\n\nAcme, Mill Lane 4, Exampleton",
            subject=f"Your order {number}",
        )
    )


@functools.lru_cache(maxsize=500)
def code(number: int) -> Message:
    return read(mail(f"Your code is {number:06}. It is valid for ten minutes.", subject="Your code"))


@functools.lru_cache(maxsize=500)
def letter(number: int) -> Message:
    """By hand, about anything."""
    chance = random.Random(f"letter {number}")
    text = " ".join(chance.choice(_COMMON if chance.random() < 0.4 else _LANGUAGE) for _ in range(60))
    return read(mail(f"Hello,\n\n{text}\n\nKind regards,\nA. Acme\nMill Lane 4", subject=text[:30]))


@functools.lru_cache(maxsize=500)
def pills(number: int) -> Message:
    words = _words("pills", 60)
    return read(mail(f"{' '.join(words)}\nhttps://cheap-{number % 3}.example/buy", subject=" ".join(words[:4])))


@functools.lru_cache(maxsize=500)
def phish(number: int) -> Message:
    """In the tenant's words and with its links, but for one."""
    return read(
        mail(
            f"Dear customer, your parcel {number} could not be delivered as the customs duty was not paid. Please pay"
            " it within a day, or it is returned to the shop.\n\nhttps://parcel-duty.example/pay"
            "\n\nhttps://www.acme.example/orders\n\nAcme, Mill Lane 4, Exampleton",
            subject="Your parcel",
        )
    )


@functools.lru_cache(maxsize=500)
def begging(number: int) -> Message:
    """Nothing but a text."""
    return read(mail(" ".join(_words("begging", 90)) + f" {number}", subject="Urgent"))


class Logins:
    """Use within ``run``. One log-in ``acme-bulk-…`` of acme with the network ``HOME``; the clock goes as told."""

    def __init__(self, directory: Path, **brake: object) -> None:
        self.world = World(directory, brake=brake)
        self.conn = self.world.conn
        self.conn.execute("PRAGMA synchronous = OFF")
        self.clock = self.world.clock
        secrets = Secrets.create(directory / "secrets")
        with transaction(self.conn):
            row = tenants.find(self.conn, "acme")
            stream = streams.find(self.conn, row, "transactional")
            self.credential, _ = credentials.add_password(self.conn, secrets, row, stream, actor="test", now=NOW)
        self.login = f"password:{self.credential.id}"
        self.tenant_id = row.id
        self.operator = Operator.of(self.world.settings)
        self.books = [self._book(), self._book()]
        self._txn = txn(BULK)
        self.taken = 0
        """Copies since the last call of ``count``."""

    def _book(self) -> LoginBook:
        settings = self.world.settings
        return LoginBook(self._now, Braking(settings.brake, self.operator, self.clock))

    def _now(self, work: Callable[[Any], Any]) -> asyncio.Future[Any]:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with transaction(self.conn):
            done.set_result(work(self.conn))
        return done

    async def send(
        self, message: Message, copies: int = 1, *, client: str = HOME, strange: float = 0.0, process: int = 0
    ) -> bool:
        """Take a message, unless the log-in is braked for that network; whether it was."""
        if self.braked(client):
            return False
        tenant = replace(TENANT, id=self.tenant_id, verified_domains=frozenset({"acme.example"}))
        made = replace(self._txn, tenant=tenant, client=client, now=self.clock.now)
        book = self.books[process % len(self.books)]
        book.note(made, self.login, message, copies, round(copies * strange))
        self.taken += copies
        return True

    async def wait(self, seconds: float) -> None:
        """So long, with the batches written that are due then."""
        if seconds >= 2:
            for book in self.books:
                book.flush()
        self.clock.now += seconds
        await asyncio.sleep(0)

    async def day(
        self, send: Callable[[int], Message], copies: int, *, client: str = HOME, strange: float = 0.0, hours: int = 8
    ) -> None:
        """A day's mail over the hours of work, ``copies`` in each."""
        begin = self.clock.now
        for hour in range(hours):
            for part in range(3):
                message = send(int(self.clock.now) % 100_000 + part)
                assert await self.send(message, -(-copies // 3), client=client, strange=strange, process=part)
                await self.wait(60)
            self.clock.now = begin + (hour + 1) * HOUR
        await self.wait(2)
        self.clock.now = begin + DAY

    def braked(self, client: str) -> bool:
        rows = self.conn.execute(
            "SELECT spared FROM brake WHERE login = ? AND worked_off = 0 AND ended_at IS NULL", (self.login,)
        ).fetchall()
        network = client.rpartition(".")[0] + ".0/24"
        return any(network not in str(row[0]).split() for row in rows)

    def brake(self) -> BrakeRow | None:
        return next(iter(brakes.listing(self.conn, self.tenant_id)), None)

    def release(self) -> None:
        """Somebody says that it is the tenant."""
        found = self.brake()
        assert found is not None
        with transaction(self.conn):
            brakes.decide(
                self.conn, self.operator, found, brakes.RELEASED, reason="it is us", actor="test", now=self.clock.now
            )
        brakes.work_off(self.conn, self.clock.now)

    def close(self) -> None:
        self.world.close()
