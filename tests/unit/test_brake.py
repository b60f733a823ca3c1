"""A stolen log-in is braked within some dozens of copies; growth, newsletters and new servers never are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.support import brake_simulation
from tests.support.conduct import DAY, HOUR
from tests.support.logins import HOME, Logins, begging, code, letter, newsletter, phish, pills, receipt

Story = Callable[[Logins], Coroutine[Any, Any, None]]


async def _shop(of: Logins, days: int = 7) -> None:
    """Receipts and codes, half of them to people who buy for the first time."""
    for day in range(days):
        await of.day(code if day % 3 == 0 else receipt, 20, strange=0.5)


async def _paper(of: Logins, days: int = 14) -> None:
    """A few letters a day, and each week a newsletter for 3000 people who are known."""
    for day in range(days):
        if day % 7 == 0:
            for part in range(30):
                await of.send(newsletter(day), 100, process=part)
                await of.wait(20)
        await of.day(receipt, 5, strange=0.3)


# --- what tenants do --------------------------------------------------------------


async def _growth(of: Logins) -> None:
    await _shop(of)
    copies = 20.0
    for _ in range(20):
        copies *= 1.4
        await of.day(receipt, int(copies), strange=0.7)


async def _first_newsletter(of: Logins) -> None:
    await _shop(of)
    for part in range(40):
        assert await of.send(newsletter(1), 100, process=part)
        await of.wait(5)


async def _first_newsletter_from_a_new_server(of: Logins) -> None:
    await _shop(of)
    for part in range(40):
        assert await of.send(newsletter(1, "letters.partner.example"), 100, client="198.51.100.4", process=part)
        await of.wait(5)


async def _new_server(of: Logins) -> None:
    await _shop(of)
    for _ in range(3):
        await of.day(receipt, 25, client="198.51.100.4", strange=0.5)


async def _new_server_on_a_busy_day(of: Logins) -> None:
    await _shop(of)
    await of.day(receipt, 400, client="198.51.100.4", strange=0.9)


async def _fleet(of: Logins) -> None:
    """Each day's machines have other addresses."""
    for day in range(15):
        for machine in range(4):
            begin = of.clock.now
            await of.day(receipt, 20, client=f"203.0.{day * 4 + machine}.7", strange=0.5, hours=2)
            of.clock.now = begin + 2 * HOUR
        of.clock.now += 16 * HOUR
    for machine in range(15):
        assert await of.send(receipt(machine), 40, client=f"203.1.{machine}.7", strange=0.5)
        await of.wait(30)


async def _surge(of: Logins) -> None:
    """In the news: everybody signs up, and a second server helps."""
    await _shop(of)
    for part in range(100):
        assert await of.send(code(part), 30, strange=1.0, process=part)
        assert await of.send(code(part), 30, client="198.51.100.4", strange=1.0)
        await of.wait(10)


async def _alarms(of: Logins) -> None:
    """One text nobody has seen before, to everybody, from where all comes from."""
    await _shop(of)
    for part in range(50):
        assert await of.send(letter(77), 100, process=part)
        await of.wait(3)


async def _travelling(of: Logins) -> None:
    """Letters by hand from another hotel each day."""
    for day in range(30):
        begin = of.clock.now
        for number in range(6):
            assert await of.send(letter(day * 10 + number), 2, client=f"203.0.{day}.9", strange=0.8)
            await of.wait(600)
        of.clock.now = begin + DAY


async def _after_a_rest(of: Logins) -> None:
    await _paper(of)
    of.clock.now += 60 * DAY
    for part in range(30):
        assert await of.send(newsletter(90), 100, process=part)
        await of.wait(20)


async def _first_day(of: Logins) -> None:
    for part in range(40):
        assert await of.send(newsletter(part % 2), 50, client=f"198.51.{part % 3}.4", strange=1.0)
        await of.wait(10)


async def _second_data_centre(of: Logins) -> None:
    await _paper(of)
    for part in range(60):
        assert await of.send(newsletter(50), 50, client=f"198.51.{part % 2}.4")
        await of.wait(5)


async def _partner_news(of: Logins) -> None:
    """Other words, other links; known people, the known server."""
    await _paper(of)
    for part in range(40):
        assert await of.send(pills(part), 100)
        await of.wait(5)


HONEST: dict[str, Story] = {
    "a shop that grows by half a day": _growth,
    "its first newsletter": _first_newsletter,
    "its first newsletter, by a new server and to another site": _first_newsletter_from_a_new_server,
    "a new server": _new_server,
    "a new server on a busy day": _new_server_on_a_busy_day,
    "a fleet of machines with changing addresses": _fleet,
    "everybody signs up": _surge,
    "an alarm to everybody": _alarms,
    "somebody who travels": _travelling,
    "a newsletter after two months": _after_a_rest,
    "a new customer's first day": _first_day,
    "a second data centre": _second_data_centre,
    "news of a partner": _partner_news,
}


@pytest.mark.parametrize("story", HONEST.values(), ids=HONEST.keys())
def test_what_tenants_do_is_not_braked(tmp_path: Path, story: Story) -> None:
    of = Logins(tmp_path)
    asyncio.run(story(of))
    assert of.brake() is None
    of.close()


# --- what thieves do --------------------------------------------------------------


async def _steal(
    of: Logins, content: Callable[[int], object], *, networks: int = 1, copies: int = 1, every_s: float = 1.0,
    most: int = 600, home: bool = False,
) -> None:  # fmt: skip
    of.taken = 0
    for number in range(most):
        client = HOME if home else f"203.0.{number % networks}.66"
        if not await of.send(content(number), copies, client=client, strange=1.0, process=number):  # type: ignore[arg-type]
            return
        await of.wait(every_s)


async def _crowd(of: Logins) -> None:
    await _shop(of)
    await _steal(of, pills, networks=30)


async def _crowd_fast(of: Logins) -> None:
    await _shop(of)
    await _steal(of, pills, networks=30, every_s=0.01)


async def _one_server(of: Logins) -> None:
    await _shop(of)
    await _steal(of, pills)


async def _one_server_and_a_paper(of: Logins) -> None:
    await _paper(of)
    await _steal(of, pills)


async def _slow(of: Logins) -> None:
    await _shop(of)
    await _steal(of, pills, every_s=45.0, networks=3)


async def _from_inside(of: Logins) -> None:
    await _shop(of)
    await _steal(of, pills, home=True)


async def _in_its_clothes(of: Logins) -> None:
    await _shop(of)
    await _steal(of, phish, networks=12)


async def _beggar(of: Logins) -> None:
    await _shop(of)
    await _steal(of, begging, networks=5)


async def _few_messages_for_many(of: Logins) -> None:
    await _shop(of)
    await _steal(of, pills, copies=50, networks=4)


async def _patient(of: Logins) -> None:
    await _shop(of)
    for _ in range(3):
        await of.send(letter(3), client="203.0.0.66")
        await of.wait(DAY)
    await _shop(of, 1)
    await _steal(of, pills)


async def _never_used(of: Logins) -> None:
    await _steal(of, pills, networks=40)


async def _night(of: Logins) -> None:
    await _shop(of)
    of.clock.now += 10 * HOUR
    await _steal(of, begging, networks=2, copies=3, every_s=20.0)


async def _over_midnight(of: Logins) -> None:
    """What was learned of his on the day before doesn't make him familiar."""
    await _shop(of)
    of.clock.now += DAY - of.clock.now % DAY - 900
    await _steal(of, pills, every_s=40.0)


async def _where_all_are_strangers(of: Logins) -> None:
    """And on one day everybody came: neither the share of strangers nor the hour is far past what was."""
    for day in range(8):
        await of.day(receipt, 200 if day == 4 else 15, strange=0.8)
    await _steal(of, pills, every_s=20.0)


THIEVES: dict[str, Story] = {
    "over midnight": _over_midnight,
    "among people who sign up": _where_all_are_strangers,
    "a crowd of machines": _crowd,
    "a crowd, as fast as it goes": _crowd_fast,
    "one server": _one_server,
    "one server, and the tenant has newsletters": _one_server_and_a_paper,
    "a few an hour": _slow,
    "from the tenant's own server": _from_inside,
    "in the tenant's words and links": _in_its_clothes,
    "letters without a link": _beggar,
    "fifty people a message": _few_messages_for_many,
    "a network that was tried days before": _patient,
    "a password that never was used": _never_used,
    "at night": _night,
}


MOST = {"from the tenant's own server": 250, "a network that was tried days before": 250}
"""Where only ten times the usual hour tells."""


@pytest.mark.parametrize("story", THIEVES.values(), ids=THIEVES.keys())
def test_a_thief_gets_no_further_than_200_copies(tmp_path: Path, request: Any, story: Story) -> None:
    of = Logins(tmp_path)
    asyncio.run(story(of))
    found = of.brake()
    assert found is not None and of.taken <= MOST.get(request.node.callspec.id, 200), (of.taken, found)
    assert of.world.letters("post@acme.example"), "the tenant is told"
    assert [one["about"] for one in of.world.calls()] == [f"brake:{of.credential.username}"]
    of.close()


# --- many tenants of all kinds ------------------------------------------------------


def test_made_up_tenants_are_not_braked_and_thieves_get_nowhere() -> None:
    """`make simulate-brake` is the long form; docs/OPERATIONS.md has its figures."""
    found = brake_simulation.simulate(1, 15, 5)
    assert sum(found.days.values()) == 8 * 15 and found.braked == {}
    stolen = [taken for of_kind in found.taken.values() for taken in of_kind]
    assert max(stolen) <= brake_simulation.MOST_STOLEN, found.taken
