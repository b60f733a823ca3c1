"""What is read row by row on either engine: all of it, in order, a part at a time at a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from relay.store.contract import Connection, Failure
from relay.store.database import connect, migrate, streamed
from relay.store.postgres.connection import STREAMED
from tests.support.postgres import server

NUMBERS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    " SELECT i, '100%' FROM n WHERE i > ? ORDER BY i"
)


@pytest.fixture(params=["sqlite", "postgres"])
def conn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    where = tmp_path / "relay.db" if request.param == "sqlite" else server().made()
    if isinstance(where, Path):
        migrate(where)
    with closing(connect(where)) as found:
        found.execute("BEGIN")
        yield found
        found.execute("ROLLBACK")


def test_all_comes_in_order(conn: Connection) -> None:
    assert STREAMED < 5000
    assert [row[0] for row in streamed(conn, NUMBERS, (0,))] == list(range(1, 5001))
    assert list(streamed(conn, NUMBERS, (4999,))) == [(5000, "100%")]
    assert list(streamed(conn, NUMBERS, (5000,))) == []


def test_several_are_read_beside_each_other_and_beside_other_statements(conn: Connection) -> None:
    first, second = streamed(conn, NUMBERS, (0,)), streamed(conn, NUMBERS, (10,))
    for one, other in islice(zip(first, second, strict=False), 3000):
        assert other[0] == one[0] + 10
        assert conn.execute("SELECT 1").fetchone()[0] == 1
    assert next(first)[0] == 3001


def test_a_faulty_one_is_a_failure_of_the_store(conn: Connection) -> None:
    with pytest.raises(Failure):
        list(streamed(conn, "SELECT nothing FROM nowhere"))


def test_a_server_gives_a_part_at_a_time() -> None:
    with closing(connect(server().made())) as conn:
        conn.execute("BEGIN")
        rows = streamed(conn, NUMBERS, (0,))
        next(rows)
        [(at,)] = conn.execute("SELECT count(*) FROM pg_cursors").fetchall()
        assert at == 1, "its cursor is open: the rest is still at the server"
        assert len(list(rows)) == 4999
        [(at,)] = conn.execute("SELECT count(*) FROM pg_cursors").fetchall()
        assert at == 0
        conn.execute("ROLLBACK")
