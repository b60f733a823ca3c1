"""How often the brake stops a tenant's own log-in, and how far a thief gets: made-up tenants through the real brake.

``make simulate-brake`` writes the table of docs/OPERATIONS.md; a test runs a short form. Each tenant has a log-in
in a store of its own, weeks of mail on a clock handed in, and bursts of its kind; one in two is stolen in the end.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from relay.pipeline.contract import Message
from tests.support.conduct import DAY, HOUR
from tests.support.content import mail, read
from tests.support.logins import HOME, Logins, begging, code, letter, newsletter, phish, pills, receipt

DOCS: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "OPERATIONS.md"
BEGIN: Final = "<!-- brake simulation -->\n"
END: Final = "<!-- /brake simulation -->"
MOST_STOLEN: Final = 200
"""Copies within which a thief is stopped."""
GIVEN_UP: Final = 3000
"""Copies after which nobody waits for the brake any more."""


def sale(number: int) -> Message:
    """Other words than ever, and a page of its own."""
    lot = random.Random(f"sale {number}")
    words = " ".join("".join(lot.choices("bcdfgklmnprstvz", k=1) + lot.choices("aeiou", k=1)) * 3 for _ in range(50))
    return read(mail(f"{words}\n\nhttps://sale-{number % 7}.example/now\n\nAcme, Mill Lane 4", subject="Sale"))


def report(number: int) -> Message:
    lines = "\n".join(f"shop {n}: {number * n % 900} orders, {number * n % 70} returned" for n in range(9))
    return read(mail(f"Nightly figures\n\n{lines}\n\nhttps://www.acme.example/reports", subject=f"Figures {number}"))


def invoice(number: int) -> Message:
    return read(
        mail(
            f"Dear customer,\n\nyour invoice {number} over {number % 400},90 EUR is due on the 14th. You find it at"
            f" https://billing.acme.example/{number}\n\nAcme, Mill Lane 4, Exampleton",
            subject=f"Invoice {number}",
        )
    )


@dataclass
class Tenant:
    """One made-up tenant. ``bursts``: kind → how often it happened."""

    of: Logins
    lot: random.Random
    usual: int
    """Copies of an hour of work."""
    home: str = HOME
    days: int = 0
    bursts: Counter[str] = field(default_factory=Counter)
    braked: list[str] = field(default_factory=list)
    """In which bursts its own mail was braked."""

    async def sends(self, burst: str, make: Callable[[int], Message], copies: int, **how: float | str | int) -> None:
        """``copies`` in parts of ``at_once``, one every ``every_s``, from ``client``; ``strange`` of strangers."""
        at_once, every_s = int(how.get("at_once", 1)), float(how.get("every_s", 20.0))
        client, strange = str(how.get("client", self.home)), float(how.get("strange", 0.0))
        self.bursts[burst] += 1
        left = copies
        while left > 0:
            part = min(at_once, left)
            left -= part
            number = self.lot.randrange(100_000)
            if not await self.of.send(make(number), part, client=client, strange=strange, process=number % 2):
                self.braked.append(burst)
                self.of.release()
            await self.of.wait(every_s)

    async def usual_day(self, make: Callable[[int], Message], strange: float, **how: str) -> None:
        """Eight hours of work, in each about the usual."""
        begin = self.of.clock.now
        for hour in range(8):
            copies = max(1, round(self.usual * self.lot.lognormvariate(0.0, 0.5)))
            parts = min(3, copies)
            await self.sends("usual", make, copies, at_once=-(-copies // parts), every_s=600, strange=strange, **how)
            self.of.clock.now = max(self.of.clock.now, begin + (hour + 1) * HOUR)

    async def next_day(self, begin: float) -> None:
        await self.of.wait(2)
        self.days += 1
        self.of.clock.now = max(self.of.clock.now, begin + DAY)


async def _shop(one: Tenant, days: int) -> None:
    """Receipts and codes; a sale twice a month to all customers, in words and with a page of their own."""
    for day in range(days):
        begin = one.of.clock.now
        await one.usual_day(code if day % 3 == 0 else receipt, 0.5)
        if day % 14 == 9:
            await one.sends("sale", sale, one.lot.randint(500, 5000), at_once=50, every_s=4.0)
            await one.sends("orders after a sale", receipt, one.usual * 30, at_once=5, every_s=8.0, strange=0.6)
        await one.next_day(begin)


async def _reports(one: Tenant, days: int) -> None:
    """Reports at night to the same people; by day nothing but an alarm now and then."""
    for day in range(days):
        begin = one.of.clock.now
        one.of.clock.now = begin + 3 * HOUR
        await one.sends("nightly reports", report, one.lot.randint(80, 600), at_once=10, every_s=2.0)
        if one.lot.random() < 0.1:
            await one.sends("an alarm", partial(_alarm, day), one.lot.randint(20, 400), at_once=20, every_s=1.0)
        await one.next_day(begin)


def _alarm(day: int, number: int) -> Message:
    return letter(day * 100)


async def _invoices(one: Tenant, days: int) -> None:
    """Letters by hand, and on the first of the month the invoices."""
    for day in range(days):
        begin = one.of.clock.now
        await one.usual_day(letter, 0.3)
        if day % 30 == 5:
            await one.sends(
                "monthly invoices", invoice, one.lot.randint(300, 4000), at_once=10, every_s=3.0, strange=0.05
            )
        await one.next_day(begin)


async def _new_network(one: Tenant, days: int) -> None:
    """A new server in the middle, with all that there is; the busiest days are behind the move."""
    for day in range(days):
        begin = one.of.clock.now
        if day == days // 2:
            one.home = "198.51.100.20"
        await one.usual_day(receipt if day % 2 else code, 0.6)
        if day % 7 == 3 or day == days // 2:
            await one.sends("newsletter, a new server", newsletter, one.lot.randint(300, 3000), at_once=40, every_s=5.0)
        await one.next_day(begin)


async def _moving(one: Tenant, days: int) -> None:
    """Machines that come and go: other addresses each day, sometimes many at once."""
    for day in range(days):
        begin = one.of.clock.now
        for machine in range(one.lot.choice((1, 1, 2, 3))):
            client = f"203.{machine}.{(day * 3 + machine) % 250}.7"
            await one.usual_day(receipt, 0.5, client=client)
            one.of.clock.now = begin + (machine + 1) * HOUR
        if one.lot.random() < 0.06:
            for machine in range(12):
                client = f"203.9.{(day * 12 + machine) % 250}.7"
                await one.sends(
                    "many machines", receipt, one.usual * 3, at_once=5, every_s=5.0, client=client, strange=0.6
                )
        await one.next_day(begin)


async def _first_campaign(one: Tenant, days: int) -> None:
    """Receipts alone, then the first newsletter ever, by an agency's server one time in two; then each week."""
    agency = one.lot.random() < 0.5
    for day in range(days):
        begin = one.of.clock.now
        await one.usual_day(receipt, 0.5)
        if day >= days // 3 and (day - days // 3) % 7 == 0:
            first = day == days // 3
            client = "198.51.100.9" if agency else one.home
            await one.sends(
                "first campaign" if first else "newsletter", partial(newsletter, host="www.acme.example"),
                one.lot.randint(300, 5000), at_once=50, every_s=5.0, client=client,
            )  # fmt: skip
        await one.next_day(begin)


async def _travelling(one: Tenant, days: int) -> None:
    """Few letters by hand from another network each day; now and then an invitation to all."""
    one.usual = min(one.usual, 5)
    for day in range(days):
        begin = one.of.clock.now
        client = f"203.7.{day % 250}.9" if day % 3 else HOME
        await one.usual_day(letter, 0.6, client=client)
        if day % 20 == 15:
            await one.sends(
                "an invitation, on the road", partial(_alarm, day), 150, at_once=30, every_s=30.0, client=client
            )
        await one.next_day(begin)


async def _in_the_news(one: Tenant, days: int) -> None:
    """Growth, and a day on which everybody signs up, with a second server's help."""
    surge = one.lot.randrange(days // 3, days)
    for day in range(days):
        begin = one.of.clock.now
        one.usual = max(one.usual, round(one.usual * one.lot.uniform(0.95, 1.1)))
        await one.usual_day(code if day % 2 else receipt, 0.7)
        if day == surge:
            for part in range(10):
                client = one.home if part % 2 else "198.51.100.77"
                await one.sends(
                    "everybody signs up", code, one.usual * 10, at_once=10, every_s=2.0, client=client, strange=1.0
                )
        await one.next_day(begin)


Story = Callable[[Tenant, int], Coroutine[None, None, None]]
TENANTS: Final[dict[str, Story]] = {
    "a shop with sales": _shop,
    "reports at night": _reports,
    "monthly invoices": _invoices,
    "a new server": _new_network,
    "hosts that move": _moving,
    "a first campaign": _first_campaign,
    "somebody who travels": _travelling,
    "in the news": _in_the_news,
}


@dataclass(frozen=True)
class Thief:
    """How a stolen log-in is used: ``rate`` times the tenant's own in the hour, at least ``least`` copies in it."""

    content: Callable[[int], Message]
    networks: int
    rate: float
    at_once: int = 1
    least: int = 120


THIEVES: Final = {
    "one server, at once": Thief(pills, 1, 400.0),
    "one server, ten times the rate": Thief(pills, 1, 10.0),
    "a few machines, slowly": Thief(begging, 3, 10.0),
    "a crowd of machines": Thief(pills, 40, 60.0),
    "parcels, in the tenant's clothes": Thief(phish, 12, 12.0),
    "fifty people a message": Thief(pills, 2, 30.0, at_once=50),
}


async def _stolen(one: Tenant, thief: Thief) -> int:
    """How many copies were taken before the brake, at most GIVEN_UP."""
    one.of.clock.now += one.lot.uniform(0, 20 * HOUR)
    rate = max(thief.least, thief.rate * one.usual)
    every_s = 3600.0 * thief.at_once / rate
    taken = number = 0
    while taken < GIVEN_UP:
        client = f"45.0.{number % thief.networks}.66"
        sent = await one.of.send(thief.content(number), thief.at_once, client=client, strange=1.0, process=number)
        if not sent:
            return taken
        taken += thief.at_once
        number += 1
        await one.of.wait(every_s)
    return taken


@dataclass
class Found:
    """What came of all tenants."""

    days: Counter[str] = field(default_factory=Counter)
    bursts: Counter[str] = field(default_factory=Counter)
    braked: Counter[str] = field(default_factory=Counter)
    taken: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def simulate(tenants: int, days: int, seed: int) -> Found:
    """So many tenants of each kind, so many days each."""
    found = Found()
    thieves = list(THIEVES.items())
    for number in range(tenants):
        for place, (kind, story) in enumerate(TENANTS.items()):
            lot = random.Random(f"{seed} {kind} {number}")
            with tempfile.TemporaryDirectory() as directory:
                one = Tenant(Logins(Path(directory)), lot, max(2, round(lot.lognormvariate(2.5, 0.8))))
                name, thief = thieves[(number + place) % len(thieves)]
                taken = asyncio.run(_tenant(one, story, days, thief))
                one.of.close()
            found.days[kind] += one.days
            found.bursts.update(one.bursts)
            found.braked.update(one.braked)
            found.taken[name].append(taken)
    return found


async def _tenant(one: Tenant, story: Story, days: int, thief: Thief) -> int:
    await story(one, days)
    return await _stolen(one, thief)


def table(found: Found) -> str:
    """For people."""
    days, braked = sum(found.days.values()), sum(found.braked.values())
    lines = [
        f"{days} tenant-days of {len(found.days)} kinds of tenants, {sum(found.bursts.values())} runs of mail:"
        f" {braked} of these braked, {1000 * braked / days:.2f} in 1000 tenant-days."
        + "".join(f" {count}: {burst}." for burst, count in found.braked.most_common()),
        "",
        "| a thief | runs | stopped within 200 copies | copies taken: in the middle | at most |",
        "|---|---|---|---|---|",
    ]
    for name, taken in found.taken.items():
        within = sum(one <= MOST_STOLEN for one in taken)
        middle = sorted(taken)[len(taken) // 2]
        lines.append(f"| {name} | {len(taken)} | {within} | {middle} | {max(taken)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    tenants, days = int(os.environ.get("TENANTS", "40")), int(os.environ.get("DAYS", "32"))
    text = table(simulate(tenants, days, int(os.environ.get("SEED", "5"))))
    page = DOCS.read_text("utf-8")
    before, rest = page.split(BEGIN)
    DOCS.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
