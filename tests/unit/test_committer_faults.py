"""Whatever breaks on the way to a commit, all who wait are told, nothing is half kept, the next goes through."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from relay.store import thread
from relay.store.database import connect, migrate
from relay.store.sqlite import committer as module
from relay.store.sqlite.committer import Committer
from relay.store.sqlite.turn import Turn
from relay.store.thread import NoThread, ready
from relay.store.units import StoreBusy, StoreFull, StoreGone

LIMIT_S = 20


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "relay.db"
    migrate(path)
    return path


def put(name: str) -> Callable[[sqlite3.Connection], str]:
    def work(conn: sqlite3.Connection) -> str:
        conn.execute("INSERT INTO counter VALUES (1, ?, 1)", (name,))
        return name

    return work


def names(path: Path) -> list[str]:
    with closing(connect(path)) as conn:
        return [row[0] for row in conn.execute("SELECT name FROM counter ORDER BY name")]


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, LIMIT_S))


async def refused_then_well(committer: Committer, mend: Callable[[], None]) -> BaseException:
    """Two units that are refused, and one that is taken once the fault is gone; why they were."""
    why = await asyncio.gather(committer.submit(put("a")), committer.submit(put("b")), return_exceptions=True)
    assert all(isinstance(one, StoreBusy) for one in why), why
    assert committer.fault()
    mend()
    assert await committer.submit(put("c")) == "c"
    await committer.close()
    assert isinstance(why[0], BaseException)
    return why[0]


class Broken:
    """A connection of which one statement fails as long as ``on``."""

    def __init__(self, conn: sqlite3.Connection, statement: str, error: Exception) -> None:
        self._conn, self._statement, self._error = conn, statement, error
        self.on = True

    def execute(self, sql: str, *values: Any) -> Any:
        if self.on and sql.startswith(self._statement):
            raise self._error
        return self._conn.execute(sql, *values)

    def off(self) -> None:
        self.on = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)


def full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


@pytest.mark.parametrize(
    ("statement", "error", "kind"),
    [
        ("COMMIT", sqlite3.OperationalError("disk I/O error"), StoreBusy),
        ("COMMIT", full(), StoreFull),
        ("COMMIT", MemoryError(), StoreBusy),
        ("COMMIT", RuntimeError("odd"), StoreBusy),
        ("BEGIN", MemoryError(), StoreBusy),
        ("BEGIN", RuntimeError("odd"), StoreBusy),
        ("BEGIN", sqlite3.DatabaseError("database disk image is malformed"), StoreBusy),
    ],
)
def test_a_statement_that_fails(db: Path, statement: str, error: Exception, kind: type[BaseException]) -> None:
    async def test() -> None:
        committer = Committer(db)
        broken = Broken(committer._conn, statement, error)
        committer._conn = broken  # type: ignore[assignment]
        assert isinstance(await refused_then_well(committer, broken.off), kind)

    run(test())
    assert names(db) == ["c"]


def test_a_thread_that_can_not_be_made_ends_the_start_with_a_reason(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    for make in (lambda: Committer(db), lambda: ready(2, "test")):
        with pytest.raises(NoThread, match="TasksMax="):
            make()


def test_no_thread_is_made_once_it_serves(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        committer = Committer(db, turns=True)
        asyncio.get_running_loop().set_default_executor(ready(2, "test"))
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread was made"))
            assert await committer.submit(put("c")) == "c"
            assert await thread.to_its_end(lambda: 7) == 7
            await committer.close()

    run(test())


def test_a_rider_that_breaks(db: Path) -> None:
    async def test() -> None:
        committer = Committer(db)

        def rider() -> None:
            raise RuntimeError("can't start new thread")

        committer.riders.append(rider)
        await refused_then_well(committer, committer.riders.clear)

    run(test())
    assert names(db) == ["c"]


def test_a_thread_that_takes_no_work(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        committer = Committer(db)
        with monkeypatch.context() as patch:

            def no(self: object, work: object) -> None:
                raise RuntimeError("can't start new thread")

            patch.setattr(thread.Hand, "do", no)
            await refused_then_well(committer, patch.undo)

    run(test())
    assert names(db) == ["c"]


def test_what_comes_after_a_commit_may_break_for_one_and_not_for_the_others(db: Path) -> None:
    async def test() -> None:
        committer = Committer(db)
        told: list[str] = []

        def done(result: Any, error: BaseException | None) -> None:
            told.append(result)
            if result == "b":
                raise MemoryError

        for name in "abc":
            committer.enqueue(put(name), done)
        assert await committer.submit(put("d")) == "d"
        assert told == ["a", "b", "c"]
        await committer.close()

    run(test())
    assert names(db) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EIO, errno.EBADF])
def test_a_lock_file_that_can_not_be_locked_costs_order_only(
    db: Path, monkeypatch: pytest.MonkeyPatch, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(fd: int, how: int) -> None:
        raise OSError(code, "no")

    async def test() -> None:
        committer = Committer(db, turns=True)
        monkeypatch.setattr(fcntl, "flock", refuse)
        for name in "ab":
            assert await committer.submit(put(name)) == name
        await committer.close()

    run(test())
    assert names(db) == ["a", "b"]
    assert caplog.text.count("can't be locked") == 1


def test_who_keeps_the_turn_and_does_not_work_keeps_nobody_for_ever(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail process that is stopped (SIGSTOP) with the turn in its hand."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    other = Turn(db.with_name("relay.db-turn"))
    assert other.take()

    async def test() -> None:
        await refused_then_well(Committer(db, turns=True), other.give)

    run(test())
    other.close()
    assert names(db) == ["c"]


def test_a_foreign_write_lock_ends_and_intake_goes_on_at_once(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT_S", 0.05)
    other = connect(db)
    other.execute("BEGIN IMMEDIATE")

    async def test() -> None:
        await refused_then_well(Committer(db, turns=True), lambda: other.rollback())

    run(test())
    other.close()
    assert names(db) == ["c"]


def test_a_commit_that_hangs_keeps_only_its_own_batch(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not begun is refused meanwhile; what hangs is told when it ends, and the stop does not wait for it."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    monkeypatch.setattr(module, "CLOSE_S", 0.05)
    going, begun = threading.Event(), threading.Event()

    async def test() -> None:
        committer = Committer(db)

        def hangs() -> str:
            begun.set()
            going.wait(LIMIT_S)
            return ""

        monkeypatch.setattr(committer.place, "lost", hangs)
        first = committer.submit(put("a"))
        await asyncio.to_thread(begun.wait, LIMIT_S)
        with pytest.raises(StoreBusy):
            await committer.submit(put("b"))
        await committer.close()
        assert not first.done()
        going.set()
        assert await first == "a"

    run(test())


@pytest.mark.parametrize("gone", ["relay.db", "relay.db-wal"])
def test_nothing_is_promised_in_a_file_that_was_deleted(db: Path, gone: str) -> None:
    async def test() -> None:
        committer = Committer(db)
        assert await committer.submit(put("a")) == "a"
        (db.parent / gone).rename(db.parent / "elsewhere")
        with pytest.raises(StoreGone, match=f"{gone}: No such file"):
            await committer.submit(put("b"))
        (db.parent / "elsewhere").rename(db.parent / gone)
        assert await committer.submit(put("c")) == "c"
        await committer.close()

    run(test())
    assert names(db) == ["a", "c"]


def test_a_connection_that_can_not_be_opened_anew_is_opened_later(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        committer = Committer(db)
        broken = Broken(committer._conn, "COMMIT", sqlite3.OperationalError("disk I/O error"))

        def execute(sql: str, *values: Any, before: Any = broken.execute) -> Any:
            if sql == "ROLLBACK":
                raise sqlite3.OperationalError("disk I/O error")
            return before(sql, *values)

        monkeypatch.setattr(broken, "execute", execute)
        committer._conn = broken  # type: ignore[assignment]
        with monkeypatch.context() as patch:

            def no(path: Path) -> sqlite3.Connection:
                raise sqlite3.OperationalError("unable to open database file")

            patch.setattr(module, "_opened", no)
            await refused_then_well(committer, patch.undo)

    run(test())
    assert names(db) == ["c"]
