"""Outcomes are written with the next commit of somebody else, or when they are many, or when one has waited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from relay.delivery.outcomes import GATHER_S, MOST_OUTCOMES, Outcomes
from relay.queue.values import Lease, Result, Submission
from relay.store.database import migrate
from relay.store.sqlite.committer import Committer
from relay.values.states import State
from tests.support.delivery import run, until

NOW = 1_790_000_000.0
SUBMISSION = Submission(
    1, 1, 1, None, "", "b@t.example", "t.example", "<1@t.example>", NOW, NOW + 86400, "", "", 10, ""
)


def result(number: int) -> Result:
    lease = Lease(SUBMISSION, number, 7, "a@x.example", "x.example", 1, 0, NOW + 1800)
    return Result(lease, State.DELIVERED, NOW, "250 2.0.0 taken")


class World:
    """Outcomes of copies that are in no store: each is written, and found lost."""

    def __init__(self, path: Path) -> None:
        migrate(path / "relay.db")
        self.committer = Committer(path / "relay.db")
        self.batches: list[list[int]] = []
        self.timers: list[tuple[float, Callable[[], object]]] = []
        self.outcomes = Outcomes(self.committer, lambda conn, failed: None, lambda batch, _: self.told(batch))

    def told(self, batch: list[Result]) -> None:
        self.batches.append([one.lease.number for one in batch])

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self.outcomes.add(result(number))


@asynccontextmanager
async def world(path: Path) -> AsyncIterator[World]:
    """Timers fire when the test says so."""
    made = World(path)
    loop: Any = asyncio.get_running_loop()
    real = loop.call_later

    def call_later(delay: float, callback: Callable[[], object], *args: object, **more: Any) -> asyncio.TimerHandle:
        if callback == made.outcomes._begin:
            made.timers.append((delay, callback))
            return real(3600, lambda: None)  # type: ignore[no-any-return]
        return real(delay, callback, *args, **more)  # type: ignore[no-any-return]

    loop.call_later = call_later
    try:
        yield made
    finally:
        await made.outcomes.all_written()
        await made.committer.close()


def test_alone_an_outcome_waits_for_a_moment(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as here:
            here.add(1, 2)
            ((delay, fire),) = here.timers
            assert (delay, here.committer.pending, here.batches) == (GATHER_S, 0, [])
            fire()
            await until(lambda: here.batches == [[1, 2]])
            here.add(3)  # and the next begins to wait anew
            assert len(here.timers) == 2
            here.timers[1][1]()
            await until(lambda: here.batches == [[1, 2], [3]])

    run(main(), "asyncio")


def test_what_there_is_goes_along_with_a_commit(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as here:
            here.add(1, 2)
            assert await here.committer.submit(lambda conn: "somebody else's") == "somebody else's"
            await until(lambda: here.batches == [[1, 2]])
            assert (here.committer.commits, here.committer.units) == (1, 2)
            here.timers[0][1]()  # the moment is over meanwhile
            assert here.committer.pending == 0

    run(main(), "asyncio")


def test_many_are_written_at_once_and_never_too_many_together(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as here:
            here.add(*range(MOST_OUTCOMES - 1))
            assert here.committer.pending == 0
            here.add(*range(MOST_OUTCOMES - 1, 2 * MOST_OUTCOMES + 1))
            await until(lambda: len(here.batches) == 2)
            assert here.batches == [list(range(MOST_OUTCOMES)), list(range(MOST_OUTCOMES, 2 * MOST_OUTCOMES))]
            await until(lambda: len(here.timers) == 2)  # the last one waits
            here.timers[1][1]()
            await until(lambda: here.batches[2:] == [[2 * MOST_OUTCOMES]])

    run(main(), "asyncio")


def test_at_the_end_nothing_waits(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path) as here:
            here.add(1)
            await here.outcomes.all_written()
            assert here.batches == [[1]]
            here.add(2)
            await until(lambda: here.batches == [[1], [2]])

    run(main(), "asyncio")
