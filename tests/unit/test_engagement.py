"""Openings and clicks reach the verdict: persons' alone, with what is usual for the sender (R12, R33)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.staged_sending import Policy
from relay.campaigns import campaigns
from relay.pipeline.chain import Chain
from relay.pipeline.contract import Decision, Stage
from relay.queue import engagement, watch
from relay.queue.complete import complete
from relay.queue.values import Result
from relay.store.database import transaction
from relay.values.states import State
from tests.support.leases import lease_all
from tests.unit.records import NOW, SHOP, agree, open_shop, put


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    made = open_shop(tmp_path / "relay.db")
    yield made
    made.close()


def sent(conn: sqlite3.Connection, name: str, copies: int, tracked: int, number: int) -> int:
    """A campaign of which so many copies were delivered, the first ``tracked`` of them to who agreed to it."""
    emails = [f"p{n}@people.example" for n in range(copies)]
    for email in emails:
        agree(conn, email)
    _, done = put(conn, emails, campaign=name, stage=Stage(every=2, most=1000), now=NOW + number, random=number)
    assert done.campaign_id is not None
    with transaction(conn):
        conn.execute("UPDATE recipient SET state = 0, held_by = 0 WHERE state = 1")
        leases = lease_all(conn, "me", NOW + number, 1000)
        results = [
            Result(one, State.DELIVERED, NOW + number, "250", "mx", attempts=1, tracked=place < tracked)
            for place, one in enumerate(leases)
        ]
        complete(conn, results, lambda _, one: None)
    return done.campaign_id


def seen(conn: sqlite3.Connection, campaign_id: int, kind: str, **classes: int) -> None:
    conn.executemany(
        "INSERT INTO hit_sum (tenant_id, campaign_id, day, stream_id, site, kind, class, copies, hits)"
        " VALUES (?, ?, 1, 1, '', ?, ?, ?, ?)",
        [(SHOP, campaign_id, kind, name, copies, copies) for name, copies in classes.items()],
    )


def test_only_copies_of_who_agreed_are_asked_about(conn: sqlite3.Connection) -> None:
    id_ = sent(conn, "plain", 10, 0, 1)
    assert engagement.of_campaign(conn, id_) is None
    id_ = sent(conn, "tracked", 10, 4, 2)
    assert campaigns.by_id(conn, id_).tracked == 4
    found = engagement.of_campaign(conn, id_)
    assert found is not None and (found.tracked, found.opened, found.clicked, found.usual) == (4, 0.0, 0.0, 0.0)


def test_machines_are_left_out_and_unsure_ones_count_half(conn: sqlite3.Connection) -> None:
    id_ = sent(conn, "c", 40, 30, 1)
    seen(conn, id_, "opened", human=6, unsure=4, proxy=9, prefetch=3, scanner=30)
    seen(conn, id_, "clicked", human=2, scanner=25)
    found = engagement.of_campaign(conn, id_)
    assert found is not None and (found.tracked, found.opened, found.clicked) == (30, 8.0, 2.0)
    seen(conn, id_, "opened", **{"x": 0})
    conn.execute("UPDATE hit_sum SET copies = 90 WHERE kind = 'clicked' AND class = 'human'")
    found = engagement.of_campaign(conn, id_)
    assert found is not None and found.clicked == found.opened == 30, "never more than there were copies"


def test_what_is_usual_is_of_the_senders_earlier_campaigns(conn: sqlite3.Connection) -> None:
    first = sent(conn, "a", 40, 30, 1)
    seen(conn, first, "opened", human=12)
    second = sent(conn, "b", 40, 30, 2)
    seen(conn, second, "opened", human=18)
    id_ = sent(conn, "c", 40, 30, 3)
    conn.execute("UPDATE campaign SET state = 'released' WHERE id IN (?, ?)", (first, second))
    found = engagement.of_campaign(conn, id_)
    assert found is not None and found.usual == 0.5
    conn.execute("UPDATE campaign SET state = 'declined' WHERE id = ?", (second,))
    found = engagement.of_campaign(conn, id_)
    assert found is not None and found.usual == 0.0, "thirty copies say nothing"


def test_the_verdict_tells_of_them_and_they_alone_stop_nothing(conn: sqlite3.Connection) -> None:
    for number in (1, 2):
        before = sent(conn, f"a{number}", 60, 60, number)
        seen(conn, before, "opened", human=30)
        conn.execute("UPDATE campaign SET state = 'released' WHERE id = ?", (before,))
    id_ = sent(conn, "c", 60, 60, 3)
    conn.execute("UPDATE campaign SET state = 'watching', window_started_at = ? WHERE id = ?", (NOW, id_))
    chain = Chain([Policy({})])
    ((judged, verdict),) = watch.judge(conn, chain, NOW + 7 * 3600)
    assert judged == id_ and "opened 0 and clicked 0 of 60 tracked, usually 50 %" in verdict.why
    assert verdict.decision in (Decision.RELEASE, Decision.WIDEN)
