"""A tenant that moves in: whom the rules would refuse is counted and taken, for 14 days in all; who left never is."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from policies import consent
from relay.audit import actions
from relay.pipeline.contract import Add, Continue, QueueEntry
from relay.store.database import transaction
from relay.tenants import tenants, watch
from relay.values.errors import RegistryError
from relay.values.facts import Reason, Standing, Stream
from relay.values.tenant import TenantRow
from tests.unit.records import NOW, SHOP, open_shop
from tests.unit.test_policies import BULK, DIRECT, NEWS, TENANT, gone, live, message, rcpt, suppressed, txn, word

DAY = watch.DAY_S
WATCHED = replace(TENANT, watched_at=NOW - DAY, watched_until=NOW + DAY)
OVER = replace(TENANT, watched_at=NOW - 2 * DAY, watched_until=NOW)
STRANGER, KNOWN, OTHER = Standing(), Standing(1, (live(),)), Standing(2, (live("offers"),))
LEFT, DEAD = Standing(3, (gone(),)), Standing(4, (), (suppressed(Reason.HARD_BOUNCE),))
ALL = Standing(5, (live(),), (suppressed(Reason.UNSUBSCRIBED),))
POLICY = consent.Policy({})


def counted(verdict: object) -> list[str]:
    assert isinstance(verdict, Continue)
    return [e.counter for e in verdict.effects if isinstance(e, Add) and not e.gives_back and e.limit is None]


@pytest.mark.parametrize("stream", [BULK, NEWS])
@pytest.mark.parametrize(
    ("standing", "during", "after"),
    [
        (STRANGER, "ok", "no-consent"),
        (KNOWN, "ok", "ok"),
        (LEFT, "unsubscribed", "unsubscribed"),
        (DEAD, "suppressed", "suppressed"),
        (ALL, "unsubscribed", "unsubscribed"),
    ],
)
def test_at_rcpt_only_a_missing_consent_is_let_through(
    stream: Stream, standing: Standing, during: str, after: str
) -> None:
    for tenant, expected in ((WATCHED, during), (OVER, after), (TENANT, after)):
        assert word(POLICY.on_recipient(txn(stream, tenant=tenant), rcpt(standing))) == expected


@pytest.mark.parametrize("stream", [BULK, NEWS])
def test_at_data_each_is_counted_with_why_or_refused(stream: Stream) -> None:
    people = [rcpt(one) for one in (STRANGER, KNOWN, OTHER, LEFT, DEAD, ALL)]
    answer = POLICY.on_message(txn(stream, tenant=WATCHED, recipients=people), message(topic="news"))
    assert isinstance(answer, Mapping)
    start = f"watch/{int(WATCHED.watched_at)}/"
    assert [counted(answer[one]) for one in people[:3]] == [
        [start + "asked", start + "nothing/news"],
        [start + "asked"],
        [start + "asked", start + "others/news"],
    ]
    assert [word(answer[one]) for one in people[3:]] == ["unsubscribed", "suppressed", "unsubscribed"]


def test_streams_freed_from_consent_and_topics_are_judged_as_ever() -> None:
    there = (rcpt(STRANGER),)
    answer = POLICY.on_message(txn(DIRECT, tenant=WATCHED, recipients=there), message(topic="news"))
    assert answer == {}
    for stream in (BULK, DIRECT):
        assert word(POLICY.on_message(txn(stream, tenant=WATCHED, recipients=there), message(topic="nwes"))) == "topic"
    assert word(POLICY.on_message(txn(BULK, tenant=WATCHED, recipients=there), message(topic=""))) == "topic"


@pytest.mark.parametrize(("standing", "during"), [(STRANGER, "ok"), (LEFT, "unsubscribed"), (DEAD, "suppressed")])
def test_what_waits_when_it_ends_is_withdrawn(standing: Standing, during: str) -> None:
    entry = QueueEntry(1, 0, WATCHED, BULK, "a@b.example", "a@b.example", standing, "news", None, 0, NOW)
    assert word(POLICY.on_release(entry)) == during
    assert word(POLICY.on_release(replace(entry, now=WATCHED.watched_until))) != "ok"


# --- beginning and ending ------------------------------------------------------


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def begin(conn: sqlite3.Connection, days: int, now: float) -> TenantRow:
    with transaction(conn):
        return watch.begin(conn, tenants.by_id(conn, SHOP), days, actor="op", now=now)


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        ([(14, 0)], False),
        ([(15, 0)], True),
        ([(-1, 0)], True),
        ([(0, 0)], True),  # nothing to end
        ([(7, 0), (7, 7)], False),
        ([(7, 0), (8, 7)], True),
        ([(14, 0), (14, 1)], True),
        ([(14, 0), (0, 3), (1, 4)], False),
        ([(14, 0), (0, 3), (14, 20)], True),
        ([(2, 0), (1, 100)], True),  # once for good
        ([(2, 0), (0, 3)], True),  # it has ended by itself
    ],
)
def test_fourteen_days_in_all(conn: sqlite3.Connection, steps: list[tuple[int, float]], refused: bool) -> None:
    for days, after in steps[:-1]:
        begin(conn, days, NOW + after * DAY)
    days, after = steps[-1]
    before = tenants.by_id(conn, SHOP)
    if refused:
        with pytest.raises(RegistryError):
            begin(conn, days, NOW + after * DAY)
        assert tenants.by_id(conn, SHOP) == before
    else:
        assert begin(conn, days, NOW + after * DAY).watched_until == NOW + (after + days) * DAY
        (*_, last) = actions.of_tenant(conn, SHOP, ("tenant-watched", "tenant-watch-ended"), 9)
        assert (last.action, last.actor, last.detail["days"]) == ("tenant-watched", "op", days)


def test_the_report_adds_up(conn: sqlite3.Connection) -> None:
    assert watch.report(conn, tenants.by_id(conn, SHOP), NOW) is None
    tenant = begin(conn, 7, NOW)
    start = f"watch/{int(NOW)}/"
    for name, value in (("asked", 48_000), ("nothing/news", 1_500), ("others/news", 412), ("nothing/a/b", 0)):
        conn.execute("INSERT INTO counter (tenant_id, name, value) VALUES (?, ?, ?)", (SHOP, start + name, value))
    conn.execute("INSERT INTO counter (tenant_id, name, value) VALUES (2, ?, 9)", (start + "asked",))
    found = watch.report(conn, tenant, NOW + 1)
    assert found is not None and found.running
    assert found.sentence == (
        "1,912 of 48,000 would be refused: 1,500 gave no consent for news, 412 agreed to other topics than news;"
        " until 2026-09-28"
    )
    later = watch.report(conn, tenant, NOW + 7 * DAY)
    assert later is not None and not later.running and later.sentence.endswith("ended 2026-09-28")
