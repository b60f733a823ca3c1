"""A chore's turns: at once while there is more to do, again after a fault, and none after the end."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from relay.store.chores import turns
from relay.store.database import migrate
from relay.store.kept import KeptConnection


def test_turns_follow_each_other_and_a_fault_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    migrate(tmp_path / "relay.db")
    kept = KeptConnection(tmp_path / "relay.db")
    seen: list[str] = []

    async def main() -> None:
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def turn() -> bool:
            with kept.use() as conn:
                conn.execute("SELECT 1")
            seen.append("turn")
            if len(seen) == 2:
                raise ValueError("odd")
            if len(seen) == 4:
                loop.call_soon_threadsafe(done.set)
            return len(seen) == 1

        chore = asyncio.create_task(
            turns(kept, turn, every_s=0.0, again_s=0.0, log=logging.getLogger("relay.x"), fault="the chore waits")
        )
        async with asyncio.timeout(20):
            await done.wait()
        chore.cancel()
        with pytest.raises(asyncio.CancelledError):
            await chore

    asyncio.run(main())
    assert len(seen) >= 4
    assert [record.getMessage() for record in caplog.records if "the chore waits" in record.getMessage()]
    assert kept._kept is None
