"""Group commit: durability per unit, isolation between units of one batch."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.store.database import connect, migrate
from relay.store.sqlite.checkpoint import Checkpointer
from relay.store.sqlite.committer import Committer


def _put(name: str) -> Callable[[sqlite3.Connection], str]:
    def work(conn: sqlite3.Connection) -> str:
        conn.execute("INSERT INTO counter VALUES (1, ?, 1)", (name,))
        if name == "bad":
            raise ValueError("refused")
        return name

    return work


def _names(path: Path) -> list[str]:
    return [r[0] for r in connect(path).execute("SELECT name FROM counter ORDER BY name")]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "relay.db"
    migrate(path)
    return path


def test_a_refused_unit_does_not_refuse_its_batch(db: Path) -> None:
    async def run() -> list[object]:
        committer = Committer(db)
        out = await asyncio.gather(*(committer.submit(_put(n)) for n in ("a", "bad", "b")), return_exceptions=True)
        assert committer.commits == 1
        await committer.close()
        return list(out)

    a, bad, b = asyncio.run(run())
    assert (a, b) == ("a", "b")
    assert isinstance(bad, ValueError)
    assert _names(db) == ["a", "b"]


def test_waits_for_another_process_that_writes(db: Path) -> None:
    other = connect(db)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO counter VALUES (1, 'other', 1)")

    async def run() -> None:
        committer = Committer(db)
        future = committer.submit(_put("mine"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        other.execute("COMMIT")
        assert await asyncio.wait_for(future, 10) == "mine"
        await committer.close()

    asyncio.run(run())
    assert _names(db) == ["mine", "other"]


def test_mail_processes_take_turns_and_lose_nothing(db: Path) -> None:
    async def run() -> None:
        one, two = Committer(db, turns=True), Committer(db, turns=True)
        futures = [c.submit(_put(f"{name}{n:03}")) for n in range(100) for name, c in (("a", one), ("b", two))]
        await asyncio.wait_for(asyncio.gather(*futures), 20)
        await asyncio.gather(one.close(), two.close())

    asyncio.run(run())
    assert _names(db) == [f"{name}{n:03}" for name in "ab" for n in range(100)]


def test_a_unit_whose_batch_failed_is_run_again(db: Path) -> None:
    """The first run was rolled back with its batch, so nothing is written twice."""
    runs: list[str] = []

    def counted(name: str) -> Callable[[sqlite3.Connection], str]:
        def work(conn: sqlite3.Connection) -> str:
            runs.append(name)
            return _put(name)(conn)

        return work

    async def run() -> None:
        committer = Committer(db)
        await asyncio.gather(*(committer.submit(counted(n)) for n in ("a", "bad", "b")), return_exceptions=True)
        await committer.close()

    asyncio.run(run())
    assert runs == ["a", "bad", "a", "bad", "b"]
    assert _names(db) == ["a", "b"]


def test_the_log_is_moved_into_the_database_beside_the_commits(db: Path) -> None:
    async def run() -> None:
        committer = Committer(db)
        await asyncio.gather(*(committer.submit(_put(f"n{n}")) for n in range(50)))
        checkpointer = Checkpointer(db)
        assert checkpointer.step() > 0
        assert checkpointer.step() == 0  # nothing was written since
        await committer.submit(_put("one more"))
        assert checkpointer.step() > 0
        checkpointer.close()
        await committer.close()

    asyncio.run(run())
    assert len(_names(db)) == 51


def test_the_number_of_waiting_writes_is_bounded(db: Path) -> None:
    async def run() -> None:
        committer = Committer(db, max_pending=1)
        first = committer.submit(_put("a"))
        with pytest.raises(Exception, match="too many writes"):
            await committer.submit(_put("b"))
        assert await first == "a"
        await committer.close()

    asyncio.run(run())


def test_the_loop_waits_for_a_quick_disk_itself_and_a_thread_for_a_slow_one(db: Path) -> None:
    took = iter([0.0003, 0.0003, 2.0, 0.0003, 0.0003])
    now = 0.0
    began = False
    threads: list[bool] = []

    def waited() -> float:
        """Asked by whoever commits, before and after."""
        nonlocal now, began
        began = not began
        if began:
            threads.append(threading.current_thread() is not threading.main_thread())
        else:
            now += next(took)
        return now

    async def run() -> None:
        committer = Committer(db, clock=waited)
        for name in "abcde":
            assert await committer.submit(_put(name)) == name
        assert committer.commits == 5
        await committer.close()

    asyncio.run(run())
    assert threads == [True, False, False, True, False]
    assert _names(db) == list("abcde")
