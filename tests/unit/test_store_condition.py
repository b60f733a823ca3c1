"""What a mail process says of itself: red when it can't store mail, green again by itself; lost files are saved."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from relay.observe.trouble import WORDS, Trouble
from relay.store import batch
from relay.store import condition as module
from relay.store.batch import WriteHealth
from relay.store.condition import Condition, Gone
from relay.store.database import connect, migrate
from relay.store.sqlite.committer import Committer
from relay.store.sqlite.leaving import leave
from relay.store.sqlite.rescue import rescue
from relay.store.sqlite.room import DiskRoom
from relay.store.units import StoreBusy

PLENTY = 1 << 40


class World:
    def __init__(self, path: Path) -> None:
        migrate(path)
        self.path, self.free, self.now = path, PLENTY, 1000.0
        self.conn = connect(path, readonly=True)
        self.committer = Committer(path)
        self.room = DiskRoom(path, self.conn, 1 << 26, free=lambda database: self.free, clock=lambda: self.now)
        self.called: list[tuple[Trouble, bool]] = []
        self.condition = Condition(self.committer, self.room, self._call, lambda: self.now)

    def _call(self, conn: sqlite3.Connection, trouble: Trouble, past: bool) -> None:
        self.called.append((trouble, past))

    async def leave(self) -> None:
        await leave(self.committer, self.path, self.conn)

    async def look(self, after_s: float = 1.0) -> Trouble:
        """The trouble, after what this look wrote, if anything."""
        self.now += after_s
        found = self.condition.look()
        await asyncio.gather(self.committer.submit(lambda conn: None), return_exceptions=True)
        return found

    async def close(self) -> None:
        await self.committer.close()
        self.conn.close()


def run(path: Path, test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        world = World(path)
        await test(world)
        await world.close()

    asyncio.run(asyncio.wait_for(whole(), 20))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay.db"


def test_a_disk_that_is_nearly_full_and_has_room_again(path: Path) -> None:
    async def test(world: World) -> None:
        assert await world.look() is Trouble.NONE
        world.free = 1 << 26
        assert await world.look() is Trouble.DISK
        world.free = (1 << 26) + 100_000
        assert await world.look() is Trouble.NONE
        assert not world.room.fits(200_000)
        assert await world.look() is Trouble.DISK  # though a small one would fit
        world.free = PLENTY
        assert await world.look(10.0) is Trouble.NONE
        await world.committer.submit(lambda conn: None)
        assert world.called == [(Trouble.DISK, False), (Trouble.DISK, False)]

    run(path, test)


def test_a_fault_is_found_without_mail_and_its_end_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        assert await world.look() is Trouble.NONE
        with monkeypatch.context() as patch:
            patch.setattr(world.committer.place, "lost", lambda **_: _raise(OSError(errno.EROFS, "read-only")))
            patch.setattr(world.committer, "lost", lambda: "")
            await world.look(module.IDLE_S + 1)  # the probe that fails
            assert await world.look() is Trouble.WRITES
            with pytest.raises(StoreBusy):
                await world.committer.submit(lambda conn: None)
            world.called.clear()  # what was rolled back
        monkeypatch.setattr("relay.store.batch.FRESH_S", 0.0)
        await world.look(module.WRONG_S + 1)
        assert await world.look() is Trouble.NONE
        await world.committer.submit(lambda conn: None)
        assert world.called == [(Trouble.WRITES, True)]

    run(path, test)


def _raise(error: Exception) -> str:
    raise error


def test_the_table_of_events_is_gone(path: Path) -> None:
    async def test(world: World) -> None:
        with closing(connect(path)) as conn:
            conn.execute("DROP TABLE event")
        insert = "INSERT INTO event (tenant_id, at, kind, detail) VALUES (1, 1, 'accepted', '{}')"
        with pytest.raises(sqlite3.OperationalError):
            await world.committer.submit(lambda conn: conn.execute(insert))
        assert await world.look() is Trouble.WRITES

    run(path, test)


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (sqlite3.SQLITE_FULL, Trouble.FULL),
        (sqlite3.SQLITE_CORRUPT, Trouble.DAMAGED),
        (sqlite3.SQLITE_NOTADB, Trouble.DAMAGED),
        (sqlite3.SQLITE_IOERR_FSYNC, Trouble.WRITES),
    ],
)
def test_what_an_error_says(code: int, trouble: Trouble) -> None:
    error = sqlite3.OperationalError("so it is")
    error.sqlite_errorcode = code
    assert module.kind_of(error) is trouble


def test_descriptors_that_are_used_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        monkeypatch.setattr(os, "dup", lambda fd: _raise(OSError(errno.EMFILE, "too many")))
        assert await world.look() is Trouble.FILES

    run(path, test)


def test_each_trouble_has_words() -> None:
    assert set(WORDS) == set(Trouble) - {Trouble.NONE}


@pytest.mark.parametrize("how", ["deleted", "log deleted", "replaced"])
def test_a_lost_file_is_written_down_again(path: Path, how: str) -> None:
    """Without a word lost, and under its own name where that is free."""

    async def test(world: World) -> None:
        await world.committer.submit(lambda conn: conn.execute("INSERT INTO counter VALUES (1, 'kept', 7)"))
        world.conn.execute("SELECT 1 FROM meta").fetchone()
        assert world.committer.lost() == ""
        log = path.with_name("relay.db-wal")
        log.unlink()
        if how != "log deleted":
            path.unlink()
        if how == "replaced":
            path.write_bytes(b"")
        beats: list[Trouble] = []
        with pytest.raises(Gone, match="put back" if how != "replaced" else "is kept as"):
            await module.run(world.committer, world.room, beats.append, world.leave)
        assert beats == [Trouble.GONE]

    run(path, test)
    if how == "replaced":
        [kept] = path.parent.glob("relay.db.saved-*")
        assert path.read_bytes() == b""
    else:
        kept = path
        assert not list(path.parent.glob("relay.db.saved-*"))
    with closing(sqlite3.connect(kept)) as conn:
        assert conn.execute("SELECT name, value FROM counter").fetchall() == [("kept", 7)]
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("how", ["deleted", "log deleted", "replaced"])
def test_one_of_two_processes_saves_what_was_lost(path: Path, how: str) -> None:
    """The other one neither puts its copy over what was written since, nor tells people to."""

    async def test(world: World) -> None:
        other = World(path)
        for one in (world, other):
            await one.committer.submit(lambda conn: conn.execute("UPDATE counter SET value = value"))
            one.conn.execute("SELECT 1 FROM meta").fetchone()
            assert one.committer.lost() == ""
        path.with_name("relay.db-wal").unlink()
        if how != "log deleted":
            path.unlink()
        if how == "replaced":
            path.write_bytes(b"")
        same_file = other.committer.place.same_file()
        with pytest.raises(Gone):
            await module.run(world.committer, world.room, lambda _: None, world.leave)
        if how != "replaced":
            with closing(connect(path)) as conn:
                conn.execute("INSERT INTO counter VALUES (1, 'since', 7)")
        said = rescue(other.conn, path, same_file=same_file, mark=other.committer.place.mark)
        assert "already, by another process of this relay" in said
        await other.close()

    run(path, test)
    assert len(list(path.parent.glob("relay.db.saved-*"))) == (how == "replaced")
    if how != "replaced":
        with closing(connect(path)) as conn:
            assert conn.execute("SELECT name FROM counter").fetchall() == [("since",)]


def test_a_restored_database_that_is_lost_again_is_saved_again(path: Path) -> None:
    for number in range(2):

        async def test(world: World, number: int = number) -> None:
            await world.committer.submit(
                lambda conn: conn.execute("INSERT INTO counter VALUES (1, ?, 7)", (f"time {number}",))
            )
            world.conn.execute("SELECT 1 FROM meta").fetchone()
            assert world.committer.lost() == ""
            for file in path.parent.glob("relay.db*"):
                file.unlink()
            with pytest.raises(Gone, match="put back"):
                await module.run(world.committer, world.room, lambda _: None, world.leave)

        run(path, test)
    with closing(connect(path)) as conn:
        assert conn.execute("SELECT name FROM counter").fetchall() == [("time 0",), ("time 1",)]
        assert conn.execute("SELECT count(*) FROM meta WHERE name LIKE 'saved/%'").fetchone() == (1,)


def test_only_a_write_that_was_begun_after_a_fault_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "FRESH_S", 1e9)
    health, begun = WriteHealth(), time.monotonic()
    health.faulted(StoreBusy("nobody there"))
    health.worked(begun)
    assert health.fault() == "nobody there"
    health.worked(time.monotonic() + 1)
    assert health.fault() == "" and health.failure is None
