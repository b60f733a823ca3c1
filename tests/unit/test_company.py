"""Units that go along in others' commits: when they wait, for how long at most, and that none is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from relay.store import company as module
from relay.store.company import MOST, Company
from relay.store.database import connect, migrate
from relay.store.sqlite.committer import Committer
from relay.store.units import Done, StoreBusy, Work


class Written:
    """A store, and what is told of each unit in its order."""

    def __init__(self, path: Path, max_pending: int = 20_000) -> None:
        migrate(path)
        self.path = path
        self.committer = Committer(path, max_pending=max_pending)
        self.company = Company(self.committer)
        self.told: list[tuple[str, int, BaseException | None]] = []
        """Name, in which commit, why not."""

    def unit(self, name: str) -> tuple[Work, Done]:
        def work(conn: sqlite3.Connection) -> None:
            conn.execute("INSERT INTO counter VALUES (1, ?, 1)", (name,))

        return work, lambda _, error: self.told.append((name, self.committer.commits, error))

    def along(self, *names: str) -> None:
        for name in names:
            self.company.along(*self.unit(name))

    def at_once(self, name: str) -> None:
        self.company.at_once(*self.unit(name))

    async def all_told(self, number: int) -> list[tuple[str, int, BaseException | None]]:
        async with asyncio.timeout(60):
            while len(self.told) < number:
                await asyncio.sleep(0)
        return self.told

    async def close(self) -> list[str]:
        await self.committer.close()
        return sorted(row[0] for row in connect(self.path).execute("SELECT name FROM counter"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay.db"


def test_alone_nothing_waits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 3600.0)

    async def run() -> None:
        written = Written(path)
        written.along("a")
        assert await written.all_told(1) == [("a", 1, None)]
        assert await written.close() == ["a"]

    asyncio.run(run())


def test_beside_others_it_waits_for_their_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 3600.0)
    monkeypatch.setattr(module, "LATELY_S", 3600.0)

    async def run() -> None:
        written = Written(path)
        written.at_once("smtp 1")
        await written.all_told(1)
        written.along("a", "b")
        await asyncio.sleep(0)
        assert written.committer.pending == 0 and len(written.told) == 1
        written.at_once("smtp 2")
        told = await written.all_told(4)
        assert {name: commit for name, commit, _ in told} == {"smtp 1": 1, "smtp 2": 2, "a": 2, "b": 2}
        assert await written.close() == ["a", "b", "smtp 1", "smtp 2"]

    asyncio.run(run())


def test_it_waits_a_moment_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATELY_S", 3600.0)

    async def run() -> None:
        written = Written(path)
        written.at_once("smtp")
        await written.all_told(1)
        written.along("a")
        assert (await written.all_told(2))[1] == ("a", 2, None)
        await written.close()

    asyncio.run(run())


def test_many_dont_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 3600.0)
    monkeypatch.setattr(module, "LATELY_S", 3600.0)

    async def run() -> None:
        written = Written(path)
        written.at_once("smtp")
        await written.all_told(1)
        names = [f"n{number:02}" for number in range(MOST)]
        written.along(*names)
        assert [name for name, _, _ in (await written.all_told(1 + MOST))[1:]] == names
        assert {commit for _, commit, _ in written.told[1:]} == {2}
        await written.close()

    asyncio.run(run())


def test_those_for_whom_there_is_no_room_are_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 3600.0)
    monkeypatch.setattr(module, "LATELY_S", 3600.0)

    async def run() -> None:
        written = Written(path, max_pending=2)
        written.at_once("smtp 1")
        await written.all_told(1)
        written.along("a", "b", "c")
        written.company.go()
        told = await written.all_told(4)
        assert sorted((name, type(error)) for name, _, error in told if error) == [("c", StoreBusy)]
        assert await written.close() == ["a", "b", "smtp 1"]

    asyncio.run(run())
