"""Hits are written behind the answers, each once, also at a stop (R33)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from relay.keys.tracked_tokens import CopyMark
from relay.store.contract import Tx
from relay.store.database import migrate
from relay.store.sqlite.pool import Pool
from relay.tracking import machines
from relay.tracking.behind import MOST, HitBuffer
from relay.tracking.record import Recorder
from relay.tracking.values import Hit, HitKind

WAIT_S = 20.0


class Slow(Recorder):
    """Notes what it is to write, and takes as long as it is held up."""

    def __init__(self) -> None:
        super().__init__(machines.load(), "required", keep_networks=True, keep_s=1.0)
        self.numbers: list[int] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def record(self, conn: Tx, batch: Sequence[Hit], now: float) -> int:
        self.begun.set()
        assert self.go_on.wait(WAIT_S)
        self.numbers += [hit.mark.number for hit in batch]
        return len(batch)


def hit(number: int) -> Hit:
    return Hit(CopyMark(1, 1, 1, 1, number), HitKind.OPENED, 0.0, "203.0.113.9", "a browser")


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    migrate(tmp_path / "relay.db")
    return Pool(tmp_path / "relay.db")


def test_a_stop_amid_a_batch_writes_each_hit_once(pool: Pool) -> None:
    recorder = Slow()

    async def run() -> None:
        buffer = HitBuffer(pool, recorder, time.time)
        buffer.begin()
        for number in range(450):
            buffer.add(hit(number))
        assert await asyncio.to_thread(recorder.begun.wait, WAIT_S)
        closing = asyncio.create_task(buffer.close())
        await asyncio.sleep(0)
        recorder.go_on.set()
        await closing

    asyncio.run(run())
    assert recorder.numbers == list(range(450))
    pool.close()


def test_what_waits_is_bounded(pool: Pool) -> None:
    async def run() -> int:
        buffer = HitBuffer(pool, Slow(), time.time)
        for number in range(MOST + 10):
            buffer.add(hit(number % 60_000))
        return len(buffer._waiting)

    assert asyncio.run(run()) == MOST
    pool.close()
