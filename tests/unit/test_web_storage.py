"""Pages that are asked for after the database's file was deleted or replaced: nothing is written where nobody looks."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.database import connect, migrate, transaction
from relay.store.pool import Unavailable
from relay.store.sqlite.pool import Pool

_WRITE = "INSERT INTO meta (name, value) VALUES (?, 1)"
_READ = "SELECT count(*) FROM meta WHERE name = ?"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "relay.db"
    migrate(path)
    return path


def delete(path: Path) -> None:
    for file in path.parent.glob("relay.db*"):
        file.unlink()


def known(path: Path, name: str) -> int:
    with closing(connect(path)) as conn:
        return int(conn.execute(_READ, (name,)).fetchone()[0])


def test_a_file_that_took_the_name_is_the_one_that_is_used(database: Path, tmp_path: Path) -> None:
    storage = Pool(database)
    with storage.read() as conn:
        assert conn.execute(_READ, ("before",)).fetchone() == (0,)
    delete(database)
    migrate(database)
    with closing(connect(database)) as conn, transaction(conn):
        conn.execute(_WRITE, ("restored",))
    with storage.write() as conn:
        assert conn.execute(_READ, ("restored",)).fetchone() == (1,)
        conn.execute(_WRITE, ("said by a person",))
    storage.close()
    assert known(database, "said by a person") == 1


def test_what_is_lost_is_not_said_to_be_done(database: Path, tmp_path: Path) -> None:
    """Deleted, and replaced by a copy, between a page's first statement and its last."""
    for change in (delete, _replace):
        storage = Pool(database)
        with pytest.raises(Unavailable, match=r"relay\.db"), storage.write() as conn:
            conn.execute(_WRITE, (change.__name__,))
            change(database)
        delete(database)
        with pytest.raises(Unavailable), storage.read():
            pass
        migrate(database)
        with storage.write() as conn:
            conn.execute(_WRITE, (change.__name__,))
        storage.close()
        assert known(database, change.__name__) == 1


def _replace(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.rename(path)


def test_connections_are_kept_while_nothing_happens(database: Path) -> None:
    storage = Pool(database)
    with storage.write() as first:
        first.execute(_WRITE, ("one",))
    with storage.read() as second:
        assert second is first
    storage.close()
