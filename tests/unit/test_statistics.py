"""Figures by hour, day, campaign, site, link and class agree with the totals, whenever they are asked for."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.campaigns import campaigns, figures
from relay.events import follow
from relay.events.places import PLACES_OF
from relay.feedback.analyse import FeedbackKind, Finding
from relay.feedback.record import Item, record
from relay.keys.tokens import Mark
from relay.people import consents
from relay.pipeline.contract import Stage
from relay.queue.complete import complete
from relay.queue.values import Lease, Result
from relay.statistics import breakdown, sums
from relay.statistics.breakdown import StatisticsWanted
from relay.store.database import transaction
from relay.values.states import State
from tests.support.leases import lease_all
from tests.unit.records import NOW, SHOP, agree, open_shop, put

DAY, HOUR = 86_400.0, 3_600.0
FIRST = int(NOW // DAY) - 20
FOLLOWERS = (*follow.ALL, sums.FOLLOWER)
SITES = ("people.example", "folk.example", "gens.example")
ENDS: tuple[tuple[State, str, dict[str, object]], ...] = (
    (State.DELIVERED, "", {}),
    (State.BOUNCED, "bounced", {"type": "hard", "class": "unknown-address"}),
    (State.BOUNCED, "bounced", {"type": "refused", "class": "content"}),
    (State.EXPIRED, "expired", {"type": "expired"}),
)


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    made = open_shop(tmp_path / "relay.db")
    yield made
    made.close()


def rows(
    conn: sqlite3.Connection, by: str, *, campaign: int | None = None, limit: int = 1000
) -> dict[str, Counter[str]]:
    wanted = StatisticsWanted(SHOP, by, FIRST, limit, campaign_id=campaign)
    return {one.key: one for one in breakdown.of(conn, wanted)}


def total(found: dict[str, Counter[str]]) -> Counter[str]:
    whole: Counter[str] = Counter()
    for one in found.values():
        whole.update(one)
    return whole


def end(conn: sqlite3.Connection, lease: Lease, dice: random.Random, at: float) -> None:
    state, event, detail = ENDS[dice.choices(range(4), (80, 10, 6, 4))[0]]
    said = "550 5.1.1 no" if event else "250 ok"
    result = Result(lease, state, at, said, "mx", event=event, detail=detail, attempts=1)
    with transaction(conn):
        complete(conn, [result], lambda _, one: None)


def report(conn: sqlite3.Connection, lease: Lease, kind: FeedbackKind, at: float) -> None:
    """A copy came back, or its reader complained."""
    finding = Finding(kind, "abuse", "", source="report")
    if kind is not FeedbackKind.COMPLAINT:
        soft = kind is FeedbackKind.SOFT
        finding = Finding(kind, "full" if soft else "unknown-address", "5.2.2" if soft else "5.1.1", source="report")
    item = Item(Mark(lease.subscriber_id, 1, lease.submission.id, lease.number), finding)
    with transaction(conn):
        record(conn, item, at)


def lived(conn: sqlite3.Connection, seed: int) -> None:
    """Days of mail with everything that may become of it, followers reading now and then."""
    dice = random.Random(seed)
    for number in range(60):
        agree(conn, f"p{number}@{SITES[number % 3]}")
    for round_ in range(12):
        now = NOW - 3 * DAY + round_ * 5 * HOUR
        people = dice.sample(range(60), dice.randint(1, 9))
        emails = [f"p{number}@{SITES[number % 3]}" for number in people]
        put(conn, emails, campaign=f"c{round_ % 4}" if round_ % 5 else "", now=now, random=round_)
        with transaction(conn):
            found = lease_all(conn, "me", now, 100)
        for lease in found:
            end(conn, lease, dice, now + 60)
            if dice.random() < 0.15:
                report(conn, lease, dice.choice((FeedbackKind.HARD, FeedbackKind.SOFT)), now + 90)
            if dice.random() < 0.1:
                report(conn, lease, FeedbackKind.COMPLAINT, now + 2 * HOUR)
        if dice.random() < 0.3:
            with transaction(conn):
                consents.withdraw(
                    conn, SHOP, found[0].subscriber_id, topic_id=1, means="link", now=now, evidence={},
                )  # fmt: skip
        for follower in FOLLOWERS:
            if dice.random() < 0.5:
                follow.step(conn, follower, most=dice.randint(1, 40))


@pytest.mark.parametrize("seed", range(6))
def test_all_ways_of_adding_up_agree(conn: sqlite3.Connection, seed: int) -> None:
    lived(conn, seed)
    for _ in range(2):
        whole = figures.of_tenant(conn, SHOP)
        for by in ("day", "hour", "site"):
            found = total(rows(conn, by))
            for name in ("accepted", "delivered", "bounced", "unsubscribed", "complained"):
                assert found[name] == getattr(whole, name), (by, name, seed)
        assert total(rows(conn, "class"))["bounced"] == whole.bounced
        for row in campaigns.list_(conn, SHOP):
            shown = figures.of_campaign(conn, row)
            for by in ("day", "hour", "site"):
                found = total(rows(conn, by, campaign=row.id))
                for name in ("accepted", "delivered", "bounced"):
                    assert found[name] == getattr(shown, name), (by, name, seed)
        assert total(rows(conn, "campaign"))["accepted"] == sum(row.recipients for row in campaigns.list_(conn, SHOP))
        follow.catch_up(conn, FOLLOWERS)  # and once more when all is read


def test_what_a_row_says(conn: sqlite3.Connection) -> None:
    for number in range(6):
        agree(conn, f"p{number}@{SITES[number % 2]}")
    put(conn, [f"p{number}@{SITES[number % 2]}" for number in range(6)], campaign="autumn")
    with transaction(conn):
        found = sorted(lease_all(conn, "me", NOW, 100), key=lambda one: one.number)
    results = [
        Result(
            found[0], State.BOUNCED, NOW, "550 5.1.1 no", "mx", event="bounced", detail={"class": "unknown-address"}
        ),
        *(Result(one, State.DELIVERED, NOW, "250", "mx", attempts=1) for one in found[1:]),
    ]
    with transaction(conn):
        complete(conn, results, lambda _, one: None)
    report(conn, found[1], FeedbackKind.SOFT, NOW + 5)
    report(conn, found[2], FeedbackKind.COMPLAINT, NOW + 2 * HOUR)
    names = ("accepted", "delivered", "bounced", "complained")
    assert {key: tuple(one[name] for name in names) for key, one in rows(conn, "site").items()} == {
        SITES[0]: (3, 2, 1, 1),
        SITES[1]: (3, 2, 1, 0),
    }
    assert {key: one["bounced"] for key, one in rows(conn, "class").items()} == {
        "bounced/full": 1,
        "bounced/unknown-address": 1,
    }
    hours = rows(conn, "hour")
    assert [(key[-6:], one["accepted"], one["complained"]) for key, one in hours.items()][-1][2] == 1
    assert list(hours) == sorted(hours) and all(key.endswith(":00Z") for key in hours)


def test_sites_beyond_the_most_that_are_kept_are_one(conn: sqlite3.Connection) -> None:
    many = sums.MOST_NAMES + 20
    emails = [f"p@d{number}.example" for number in range(many)]
    for email in emails:
        agree(conn, email)
    put(conn, emails, campaign="autumn")
    follow.catch_up(conn, FOLLOWERS)
    found = rows(conn, "site")
    assert len(found) == sums.MOST_NAMES + 1 and found[breakdown.OTHER]["accepted"] == 20
    assert total(found)["accepted"] == many


def test_a_limit_keeps_the_largest_and_of_times_the_latest(conn: sqlite3.Connection) -> None:
    lived(conn, 1)
    assert list(rows(conn, "day", limit=1)) == [list(rows(conn, "day"))[-1]]
    sites = rows(conn, "site")
    assert list(rows(conn, "site", limit=1)) == [next(iter(sites))]
    assert [one["accepted"] for one in sites.values()] == sorted(
        (one["accepted"] for one in sites.values()), reverse=True
    )


def test_places_of_an_earlier_release_are_read() -> None:
    assert PLACES_OF.decode(b'[[1,2,"a.example",3]]')[0].campaign_id == 0
    assert PLACES_OF.decode(b'[[1,2,"a.example",3,9]]')[0].campaign_id == 9


def test_staged_copies_count_when_they_are_taken(conn: sqlite3.Connection) -> None:
    for number in range(10):
        agree(conn, f"p{number}@people.example")
    put(conn, [f"p{number}@people.example" for number in range(10)], campaign="c", stage=Stage(every=10, most=9))
    assert total(rows(conn, "hour"))["accepted"] == 10


def test_hours_go_with_their_time_and_days_stay(conn: sqlite3.Connection) -> None:
    lived(conn, 2)
    follow.catch_up(conn, FOLLOWERS)
    before = total(rows(conn, "site"))
    with transaction(conn):
        assert sums.forget(conn, NOW + DAY) > 0
    assert rows(conn, "hour") == {} and total(rows(conn, "site")) == before
