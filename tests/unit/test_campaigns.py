"""Campaigns: found, numbered, staged, released, declined (R10 to R12, R19)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from relay.campaigns import campaigns, numbering
from relay.campaigns.campaigns import Campaign
from relay.pipeline.contract import Stage
from relay.queue import holds, verdicts
from relay.queue.count import Refused
from relay.store.as_of import look
from relay.values.errors import RegistryError
from relay.values.facts import CampaignFigures, DayFigures
from relay.values.states import State
from tests.support.store import dump
from tests.unit.records import BULK, COUNTER, NOW, SHOP, agree, column, one, open_shop, put

pytestmark = pytest.mark.usefixtures("lots_in_order")

HOUR = 3600.0
EVERY_THIRD = Stage(every=3, most=2)


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def find(conn: sqlite3.Connection, name: str, *, explicit: bool, now: float = NOW, stream: int = BULK) -> Campaign:
    return numbering.for_message(
        conn,
        SHOP,
        stream,
        name,
        explicit=explicit,
        topic="news",
        from_address="news@shop.example",
        subject="Autumn",
        now=now,
    )


def staged(conn: sqlite3.Connection, copies: int = 10, *, per_message: int = 5) -> int:
    """A campaign with every third copy let through, two at most."""
    emails = [f"u{i}@people.example" for i in range(copies)]
    for email in emails:
        agree(conn, email)
    for first in range(0, copies, per_message):
        _, done = put(
            conn, emails[first : first + per_message], campaign="autumn", stage=EVERY_THIRD, now=NOW + first / 100
        )
    assert done.campaign_id is not None
    return done.campaign_id


def states(conn: sqlite3.Connection) -> dict[str, int]:
    rows = conn.execute("SELECT state, count(*) FROM recipient GROUP BY state")
    return {State(state).name: n for state, n in rows}


def test_a_first_part_leaves_at_a_pace_that_can_be_looked_at(conn: sqlite3.Connection) -> None:
    """However fast the relay is: 120 within 15 seconds, then eight a second, of all campaigns of a tenant together."""
    emails = [f"p{number}@people.example" for number in range(320)]
    for email in emails:
        agree(conn, email)
    for part, (name, at) in enumerate((("autumn", 0.0), ("winter", 1.0))):
        put(conn, emails[part * 160 : part * 160 + 160], campaign=name, stage=Stage(1, 1000), now=NOW - NOW % 15 + at)
    assert states(conn) == {"READY": 120, "HELD": 200}
    waits = [row[0] - (NOW - NOW % 15) for row in conn.execute("SELECT held_until FROM recipient WHERE state = 1")]
    assert min(waits) == 15 + 1 / 8 and max(waits) == 15 + 200 / 8 and len(set(waits)) == 200
    assert column(conn, "SELECT sum(passed) FROM campaign") == [320], "its window waits for them all"
    assert holds.end_timed(conn, NOW + 60) == 200 and states(conn) == {"READY": 320}
    put(conn, emails[:1], campaign="spring", stage=Stage(1, 1000), now=NOW + 100)
    assert column(conn, "SELECT count(*) FROM counter WHERE name LIKE 'pace/%'") == [1]


def test_an_explicit_name_is_good_for_ever(conn: sqlite3.Connection) -> None:
    first = find(conn, "autumn", explicit=True)
    assert (first.state, first.topic, first.subject, first.created_at) == ("open", "news", "Autumn", NOW)
    assert find(conn, "autumn", explicit=True, now=NOW + 1000 * HOUR) == first
    assert find(conn, "winter", explicit=True).id != first.id
    assert find(conn, "autumn", explicit=True, stream=2).id != first.id


def test_an_implicit_one_for_a_day(conn: sqlite3.Connection) -> None:
    first = find(conn, "made up", explicit=False)
    assert find(conn, "made up", explicit=False, now=NOW + 23.9 * HOUR) == first
    second = find(conn, "made up", explicit=False, now=NOW + 24 * HOUR)
    assert second.id != first.id
    assert find(conn, "made up", explicit=False, now=NOW + 25 * HOUR) == second
    assert find(conn, "made up", explicit=True, now=NOW + 99 * HOUR) == second


def test_numbers_begin_at_one_and_have_no_gaps(conn: sqlite3.Connection) -> None:
    id_ = find(conn, "autumn", explicit=True).id
    assert [numbering.allot(conn, id_, n) for n in (3, 1, 50, 2)] == [1, 4, 5, 55]
    assert campaigns.by_id(conn, id_).recipients == 56


def test_figures(conn: sqlite3.Connection) -> None:
    id_ = staged(conn)
    conn.execute(
        "UPDATE campaign SET delivered = 2, bounced = 3, unsubscribed = 4, complained = 5, window_started_at = 6.0"
    )
    assert campaigns.figures(conn, id_, NOW) == CampaignFigures(
        id_, 10, 8, 2, 2, 3, 4, 5, 6.0, NOW, together=DayFigures(1, 2, 3, 4, 5)
    )


@pytest.mark.parametrize("most", [None, 3, 1])
def test_release_lets_all_go(conn: sqlite3.Connection, most: int | None) -> None:
    id_ = staged(conn)
    assert states(conn) == {"READY": 2, "HELD": 8}
    freed = verdicts.release(conn, id_, "root", "looks good", NOW + HOUR, most=most)
    assert freed == (8 if most is None else most)
    while more := verdicts.work_off(conn, id_, NOW + HOUR, most):
        freed += more
    assert freed == 8 and states(conn) == {"READY": 10} and verdicts.unfinished(conn) == []
    assert column(conn, "SELECT DISTINCT due_at FROM recipient ORDER BY 1")[-1] == NOW + HOUR
    assert column(conn, "SELECT DISTINCT hold_reason FROM recipient") == [""]
    row = campaigns.by_id(conn, id_)
    assert (row.state, row.why, row.decided_by, row.decided_at) == ("released", "looks good", "root", NOW + HOUR)
    assert column(conn, "SELECT action FROM audit") == ["campaign-released"]
    told = column(conn, "SELECT detail FROM event WHERE kind = 'campaign.verdict' AND campaign_id = ?", id_)
    assert [json.loads(str(one))["verdict"] for one in told] == ["released"]
    # Later arrivals go too.
    agree(conn, "late@people.example")
    assert put(conn, ["late@people.example"], campaign="autumn", stage=EVERY_THIRD, now=NOW + 9)[1].states == (
        State.READY,
    )


def test_release_leaves_what_others_hold(conn: sqlite3.Connection) -> None:
    id_ = staged(conn)
    conn.execute("UPDATE recipient SET held_by = 8 WHERE number = 1 AND state = 1")
    assert verdicts.release(conn, id_, "root", "", NOW) == 6
    assert column(conn, "SELECT held_by FROM recipient WHERE state = 1") == [8, 8]
    assert verdicts.unfinished(conn) == []


@pytest.mark.parametrize("most", [None, 3, 1])
def test_decline_drops_and_gives_back(conn: sqlite3.Connection, most: int | None) -> None:
    id_ = staged(conn)
    assert one(conn, "SELECT value FROM counter WHERE name = ?", COUNTER) == 10
    dropped = verdicts.decline(conn, id_, "root", "too many complaints", NOW + HOUR, most=most)
    while more := verdicts.work_off(conn, id_, NOW + HOUR, most):
        dropped += more
    assert dropped == 8 and states(conn) == {"READY": 2, "DECLINED": 8}
    assert one(conn, "SELECT value FROM counter WHERE name = ?", COUNTER) == 2
    assert column(conn, "SELECT open_recipients FROM submission ORDER BY id") == [2, 0]
    assert column(conn, "SELECT submission_id FROM body") == column(conn, "SELECT min(id) FROM submission")
    assert column(conn, "SELECT DISTINCT status FROM recipient WHERE state = 6") == [
        "campaign declined: too many complaints"
    ]
    events = conn.execute("SELECT submission_id, number, detail FROM event WHERE kind = 'declined'").fetchall()
    assert len({event[:2] for event in events}) == 8
    assert json.loads(events[0][2])["status"] == "campaign declined: too many complaints"
    assert campaigns.by_id(conn, id_).state == "declined"
    agree(conn, "late@people.example")
    with pytest.raises(Refused, match=r"550 5\.7\.1 campaign-declined: .*too many complaints"):
        put(conn, ["late@people.example"], campaign="autumn", now=NOW + 9)


def test_a_crash_in_between_is_finished(conn: sqlite3.Connection) -> None:
    id_ = staged(conn)
    verdicts.decline(conn, id_, "root", "no", NOW, most=2)
    assert verdicts.unfinished(conn) == [id_]
    assert verdicts.work_off(conn, id_, NOW) == 6
    assert verdicts.work_off(conn, id_, NOW) == 0
    assert verdicts.unfinished(conn) == []


def test_a_counter_never_falls_below_zero(conn: sqlite3.Connection) -> None:
    id_ = staged(conn)
    conn.execute("UPDATE counter SET value = 3")
    verdicts.decline(conn, id_, "root", "no", NOW)
    assert one(conn, "SELECT min(value) FROM counter") == 0


def test_verdicts_that_can_not_be(conn: sqlite3.Connection) -> None:
    id_ = staged(conn)
    for reason in ("", " \n"):
        with pytest.raises(RegistryError, match="reason"):
            verdicts.decline(conn, id_, "root", reason, NOW)
    with pytest.raises(RegistryError, match="printable"):
        verdicts.release(conn, id_, "root", "\x1b[2J", NOW)
    with pytest.raises(RegistryError, match="no campaign 99"):
        verdicts.release(conn, 99, "root", "", NOW)
    verdicts.release(conn, id_, "root", "", NOW)
    with pytest.raises(RegistryError, match="already"):
        verdicts.release(conn, id_, "root", "", NOW)
    verdicts.decline(conn, id_, "root", "blocked after all", NOW)
    with pytest.raises(RegistryError, match="already"):
        verdicts.decline(conn, id_, "root", "again", NOW)
    with pytest.raises(RegistryError, match="declined"):
        verdicts.release(conn, id_, "root", "", NOW)


def test_work_off_before_a_verdict_does_nothing(conn: sqlite3.Connection) -> None:
    id_ = staged(conn)
    before = dump(conn)
    assert verdicts.work_off(conn, id_, NOW) == 0
    assert dump(conn) == before


@pytest.mark.parametrize(
    ("state", "stops", "asks"),
    [
        ("open", True, True),
        ("staged", True, True),
        ("watching", True, True),
        ("undecided", True, False),
        ("stopped", False, False),
        ("released", False, False),
        ("declined", False, False),
    ],
)
def test_stop_and_ask(conn: sqlite3.Connection, state: str, stops: bool, asks: bool) -> None:
    for verdict, name, expected in ((verdicts.stop, "stopped", stops), (verdicts.ask, "undecided", asks)):
        id_ = find(conn, name + state, explicit=True).id
        conn.execute("UPDATE campaign SET state = ? WHERE id = ?", (state, id_))
        assert verdict(conn, id_, "relay", "12 % bounced", NOW) is expected
        assert campaigns.by_id(conn, id_).state == (name if expected else state)
        assert column(conn, "SELECT action FROM audit WHERE action = ?", f"campaign-{name}") == (
            [f"campaign-{name}"] if expected else []
        )


def test_listing_is_newest_first(conn: sqlite3.Connection) -> None:
    ids = [find(conn, name, explicit=True).id for name in ("a", "b", "c")]
    assert [c.id for c in campaigns.list_(conn, SHOP)] == ids[::-1]
    assert [c.id for c in campaigns.list_(conn, None, 2)] == ids[:0:-1]
    assert campaigns.list_(conn, 2) == []


def test_held_copies_are_found_by_an_index(conn: sqlite3.Connection) -> None:
    rows = conn.execute(
        "EXPLAIN QUERY PLAN SELECT submission_id, number FROM recipient WHERE campaign_id = 1 AND state = 1 LIMIT 5"
    )
    assert "recipient_held" in str(rows.fetchall())


def standing_of(conn: sqlite3.Connection) -> int:
    return look(conn, NOW).standing


def test_a_verdict_that_stops_copies_moves_what_they_go_by(conn: sqlite3.Connection) -> None:
    """Campaigns are looked at again when the version moves, and only then."""

    def moved(id_: int, state: str, why: str = "") -> bool:
        before = standing_of(conn)
        conn.execute("UPDATE campaign SET state = ?, why = ? WHERE id = ?", (state, why, id_))
        return standing_of(conn) != before

    id_ = staged(conn)
    before = standing_of(conn)
    put(conn, ["u1@people.example"], campaign="autumn", now=NOW + 1, random=1)
    assert standing_of(conn) == before, "each message moves it"
    assert not moved(id_, "watching") and not moved(id_, "undecided", "ask somebody") and not moved(id_, "released")
    assert moved(id_, "stopped") and moved(id_, "stopped", "bounces") and not moved(id_, "stopped", "bounces")
    assert moved(id_, "released") and moved(id_, "declined", "no")
    conn.execute("UPDATE campaign SET recipients = recipients + 1, state = state")
    before = standing_of(conn)
    conn.execute("DELETE FROM campaign WHERE id = ?", (find(conn, "other", explicit=True).id,))
    assert standing_of(conn) != before
