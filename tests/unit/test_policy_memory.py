"""What policies notice is there after a restart and in the other processes; a bad note hurts nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from relay.notes.memory import MOST_OCTETS, PolicyMemory
from relay.pipeline.contract import BasePolicy, PolicyNote
from relay.store.contract import Connection
from relay.store.database import transaction
from tests.support.conduct import Clock, World


class Counting(BasePolicy):
    name = "counting"

    def __init__(self) -> None:
        super().__init__({})
        self.seen: list[str] = []
        self.fresh: list[str] = []

    def notice(self, word: str) -> None:
        self.seen.append(word)
        self.fresh.append(word)

    def take_notes(self) -> Sequence[PolicyNote]:
        notes = [PolicyNote(word.encode(), 100.0) for word in self.fresh]
        self.fresh = []
        return notes

    def read_note(self, octets: bytes, now: float) -> None:
        if octets == b"bad":
            raise ValueError
        self.seen.append(octets.decode())


class Silent(BasePolicy):
    name = "silent"


def memory(conn: Connection, clock: Clock, policy: BasePolicy) -> PolicyMemory:
    def submit(work: Callable[[Any], Any]) -> asyncio.Future[Any]:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with transaction(conn):
            done.set_result(work(conn))
        return done

    return PolicyMemory([policy], conn, submit, clock)


def test_notes_go_round_and_outlive_a_restart(tmp_path: Path) -> None:
    world = World(tmp_path)
    clock = world.clock

    async def story() -> None:
        one, two, three, four = Counting(), Counting(), Counting(), Counting()
        first, second = memory(world.conn, clock, one), memory(world.conn, clock, two)
        one.notice("a")
        one.notice("bad")
        one.notice("b")
        one.notice("x" * (MOST_OCTETS + 1))
        first.write()
        first.write()
        two.notice("c")
        second.write()
        await first.read()
        await second.read()
        await second.read()
        assert (one.seen[:3] + one.seen[4:], two.seen) == (["a", "bad", "b", "c"], ["c", "a", "b"])
        await memory(world.conn, clock, three).read()  # the relay was started anew
        assert three.seen == ["a", "b", "c"]
        clock.now += 101.0
        await memory(world.conn, clock, four).read()
        assert four.seen == [], "its time is over"
        memory(world.conn, clock, four).write()
        assert world.rows("SELECT count(*) FROM policy_note") == [(0,)]

    asyncio.run(story())
    assert not memory(world.conn, clock, Silent({})).wanted
    world.close()
