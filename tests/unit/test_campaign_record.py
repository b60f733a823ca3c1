"""What a tenant's campaigns came to, as staging sees it; also of those of earlier releases (R13)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from relay.campaigns import record
from relay.store.database import connect, migrate
from relay.values.facts import Record
from tests.support.older import older_release
from tests.unit.records import SHOP, open_shop

BEFORE = 98
"""The schema before campaigns were told by their content."""


@pytest.mark.parametrize(
    ("states", "delivered", "expected"),
    [
        ([], 0, Record()),
        ([], 999, Record()),
        ([], 1000, Record(released=1)),
        (["released", "released"], 3, Record(released=2)),
        (["released"], 5000, Record(released=1)),
        (["staged"], 5000, Record(undecided=1)),
        (["released", "watching", "undecided"], 5000, Record(released=1, undecided=2)),
        (["declined"], 5000, Record(bad_at=70.0)),
        (["released", "stopped"], 5000, Record(released=1, undecided=1, bad_at=70.0)),
        (["open"], 10, Record()),
    ],
)
def test_earlier_campaigns_count(tmp_path: Path, states: list[str], delivered: int, expected: Record) -> None:
    with closing(open_shop(tmp_path / "today.db")) as conn:
        for state in states:
            decided = 70.0 if state == "declined" else None
            conn.execute(
                "INSERT INTO campaign (tenant_id, stream_id, name, state, created_at, decided_at)"
                " VALUES (?, 1, 'c', ?, 70, ?)",
                (SHOP, state, decided),
            )
        if delivered:
            conn.execute(
                "INSERT INTO counter (tenant_id, name, value) VALUES (?, 'delivered/bulk', ?)", (SHOP, delivered)
            )
    older_release(tmp_path / "old.db", tmp_path / "today.db", BEFORE).close()
    migrate(tmp_path / "old.db")
    with closing(connect(tmp_path / "old.db")) as conn:
        assert record.of(conn, SHOP) == expected
        assert record.of(conn, 2) == Record()


def test_a_refresh_counts_the_same(tmp_path: Path) -> None:
    with closing(open_shop(tmp_path / "relay.db")) as conn:
        for state, at in (("staged", 5.0), ("stopped", 9.0), ("released", 1.0), ("declined", 7.0)):
            conn.execute(
                "INSERT INTO campaign (tenant_id, stream_id, name, state, created_at, last_at)"
                " VALUES (?, 1, 'c', ?, 0, ?)",
                (SHOP, state, at),
            )
        record.refresh(conn, SHOP)
        assert record.of(conn, SHOP) == Record(released=0, undecided=2, bad_at=9.0)
        record.released(conn, SHOP)
        record.establish(conn, SHOP)
        assert record.of(conn, SHOP).released == 2
