"""A connection that chores keep between their looks: opened once, in nobody's way, never of a file that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.events import follow
from relay.pipeline.chain import Chain
from relay.queue import watch
from relay.store import database
from relay.store.contract import Failure
from relay.store.database import StoreError, connect, migrate, transaction
from relay.store.kept import KeptConnection
from tests.support.postgres import server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "relay.db"
    migrate(found)
    return found


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Which files were opened since."""
    found: list[Path] = []
    real = database._file

    def counted(path: Path, *, create: bool, readonly: bool) -> object:
        found.append(path)
        return real(path, create=create, readonly=readonly)

    monkeypatch.setattr(database, "_file", counted)
    return found


@pytest.fixture
def kept(path: Path) -> Iterator[KeptConnection]:
    with closing(KeptConnection(path)) as found:
        yield found


def mark(where: Path, text: str) -> None:
    with closing(connect(where)) as conn, transaction(conn):
        conn.execute("INSERT INTO meta (name, value) VALUES ('test', ?)", (text,))


def read(kept: KeptConnection) -> str:
    with kept.use() as conn:
        row = conn.execute("SELECT value FROM meta WHERE name = 'test'").fetchone()
    return "" if row is None else str(row[0])


def test_idle_looks_open_the_database_once(kept: KeptConnection, opened: list[Path]) -> None:
    for turn in range(5):
        watch._turn(kept, Chain([]), lambda: 1e9, lambda: None, None, finish=turn % 2 == 0)
        follow._turn(kept, follow.ALL)
    assert len(opened) == 1


def test_between_uses_nothing_keeps_a_checkpoint_waiting(kept: KeptConnection, path: Path) -> None:
    with kept.use() as conn:
        assert conn.execute("SELECT name FROM sqlite_master").fetchone()  # the first of many
    mark(path, "later")
    with closing(connect(path)) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    assert read(kept) == "later"


def test_after_an_exception_there_is_a_new_one(kept: KeptConnection, path: Path, opened: list[Path]) -> None:
    with pytest.raises(ZeroDivisionError), kept.use() as conn:
        conn.execute("BEGIN IMMEDIATE")
        conn.execute("INSERT INTO meta (name, value) VALUES ('test', 'half')")
        raise ZeroDivisionError
    assert read(kept) == "" and len(opened) == 2
    mark(path, "whole")  # no lock is left behind
    assert read(kept) == "whole" and len(opened) == 3  # the third by ``mark``


def test_a_file_that_was_replaced_is_opened_anew(kept: KeptConnection, path: Path, tmp_path: Path) -> None:
    mark(path, "old")
    assert read(kept) == "old"
    other = tmp_path / "other" / "relay.db"
    other.parent.mkdir()
    migrate(other)
    mark(other, "new")
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    other.rename(path)
    assert read(kept) == "new"


def test_a_file_that_is_gone_is_said_to_be(kept: KeptConnection, path: Path) -> None:
    assert read(kept) == ""
    path.unlink()
    for _ in range(2):
        with pytest.raises(StoreError, match="no database at"), kept.use():
            pass
    migrate(path)
    assert read(kept) == ""


@pytest.fixture
def url() -> str:
    return server().made()


_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'relay'"


def sessions(url: str) -> list[object]:
    """Of the relay at the server, in that database."""
    database = url.partition("?")[0].rpartition("/")[2]
    return [pid for (pid,) in server().admin(_SESSIONS.format(database))]


def test_a_server_has_one_session_for_all_looks(url: str) -> None:
    with closing(KeptConnection(url)) as kept:
        seen = set()
        for turn in range(4):
            watch._turn(kept, Chain([]), lambda: 1e9, lambda: None, None, finish=turn % 2 == 0)
            seen.add(tuple(sessions(url)))
        assert len(seen) == 1 and len(seen.pop()) == 1


def test_a_session_that_the_server_ended_is_begun_anew(url: str) -> None:
    with closing(KeptConnection(url)) as kept:
        assert read(kept) == ""
        (ended,) = sessions(url)
        server().admin(f"SELECT pg_terminate_backend({ended})")
        assert read(kept) == ""
        with kept.use() as conn, transaction(conn):
            conn.execute("INSERT INTO meta (name, value) VALUES ('test', 7)")
        assert read(kept) == "7"
        assert ended not in sessions(url)


def test_a_reader_writes_nothing_on_either(path: Path, url: str) -> None:
    for where in (path, url):
        with closing(KeptConnection(where, readonly=True)) as kept:
            assert read(kept) == ""
            with pytest.raises(Failure), kept.use() as conn:
                conn.execute("INSERT INTO meta (name, value) VALUES ('test', 8)")
