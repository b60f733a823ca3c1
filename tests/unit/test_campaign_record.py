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
        found = record.of(conn, SHOP)
        assert (found.released, found.undecided, found.bad_at) == (
            expected.released,
            expected.undecided,
            expected.bad_at,
        )
        assert (found.proven_at > 0) is (expected.released > 0)  # the lists there are stand
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
        record.establish(conn, SHOP, 70.5)
        found = record.of(conn, SHOP)
        assert (found.released, found.proven_at) == (2, 71.0)


def test_usual_days_and_rates_come_from_daily_sums(tmp_path: Path) -> None:
    """Of bulk mail alone; of too little mail there is no rate."""
    now = 20_000 * 86_400.0 + 3600
    with closing(open_shop(tmp_path / "relay.db")) as conn:
        for day, kind, value in (
            (19_999, "accepted", 700),
            (19_950, "accepted", 900),
            (19_800, "accepted", 9000),
            (20_000, "accepted", 5000),
            (19_999, "delivered", 950),
            (19_999, "bounced", 30),
            (19_998, "expired", 20),
            (19_998, "complained", 2),
            (19_900, "bounced", 5000),
        ):
            conn.execute("INSERT INTO daily VALUES (?, ?, 1, ?, ?)", (SHOP, day, kind, value))
        conn.execute("INSERT INTO daily VALUES (2, 19999, 2, 'delivered', 99)")
        conn.execute("INSERT INTO daily VALUES (2, 19999, 2, 'bounced', 99)")
        record.measure(conn, now)
        found = record.of(conn, SHOP, now)
        assert (found.usual, found.bounces, found.complaints) == (900, 0.05, 2105 / 1_000_000)
        assert record.of(conn, 2, now).bounces == 0


def test_a_day_s_counts_end_with_it(tmp_path: Path) -> None:
    now = 20_000 * 86_400.0
    with closing(open_shop(tmp_path / "relay.db")) as conn:
        conn.execute("INSERT INTO daily VALUES (?, 19999, 1, 'accepted', 7)", (SHOP,))
        for day in ("2024-10-03", "2024-10-04"):
            conn.execute("INSERT INTO counter VALUES (?, ?, 5)", (SHOP, f"campaigns/claimed-{day}"))
        assert record.of(conn, SHOP, now).claimed_today == 5
        record.measure(conn, now)
        names = [row[0] for row in conn.execute("SELECT name FROM counter WHERE name LIKE 'campaigns/claimed%'")]
        assert names == ["campaigns/claimed-2024-10-04"]
        assert record.of(conn, SHOP, now + 86_400).claimed_today == 0
