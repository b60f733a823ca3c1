"""Work in threads and those who are cancelled while they wait for it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from relay.store.database import migrate
from relay.store.sqlite import checkpoint
from relay.store.thread import to_its_end

LIMIT_S = 20


def test_who_is_cancelled_waits_for_the_thread() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work(word: str) -> str:
        begun.set()
        assert go_on.wait(LIMIT_S)
        ended.set()
        return word

    async def run() -> None:
        waiting = asyncio.ensure_future(to_its_end(work, "done"))
        await asyncio.to_thread(begun.wait, LIMIT_S)
        waiting.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert ended.is_set()
        assert await to_its_end(work, "again") == "again"

    asyncio.run(run())


def test_the_connection_of_the_checkpoints_is_closed_after_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def step(self: checkpoint.Checkpointer) -> int:
        begun.set()
        assert go_on.wait(LIMIT_S)
        order.append("step")
        return 0

    def close(self: checkpoint.Checkpointer) -> None:
        order.append("close")

    monkeypatch.setattr(checkpoint.Checkpointer, "step", step)
    monkeypatch.setattr(checkpoint.Checkpointer, "close", close)
    migrate(tmp_path / "relay.db")

    async def run() -> None:
        running = asyncio.ensure_future(checkpoint.run(tmp_path / "relay.db"))
        await asyncio.to_thread(begun.wait, LIMIT_S)
        running.cancel()
        asyncio.get_running_loop().call_soon(go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(run())
    assert order == ["step", "close"]
