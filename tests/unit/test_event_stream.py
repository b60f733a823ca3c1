"""The stream of events that tenants read: every fate once, in order, the same each time, and bounded."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.campaigns import refusals
from relay.campaigns.refusals import Refusal
from relay.events import details, forget, stream, types, write
from relay.feedback.analyse import FeedbackKind, Finding
from relay.feedback.record import Item, record
from relay.keys.tokens import Mark
from relay.people import consents, suppressions
from relay.pipeline.contract import Hold, Stage
from relay.queue import holds, verdicts
from relay.queue.admin import QueueAction, Selection, act
from relay.queue.complete import complete
from relay.queue.values import Lease, Result
from relay.rights import erasure
from relay.store.database import transaction
from relay.values.facts import Reason
from relay.values.ids import encode_id
from relay.values.states import State
from tests.support.leases import lease_all
from tests.unit.records import NOW, SECRETS, SHOP, agree, column, open_shop, put

ANN, BOB, CY = "ann@people.example", "bob@people.example", "cy@people.example"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    conn = open_shop(tmp_path / "relay.db")
    yield conn
    conn.close()


def read(conn: sqlite3.Connection, after: stream.StreamPlace = stream.BEGIN, **more: Any) -> list[stream.StreamEvent]:
    return list(stream.read(conn, SHOP, after, limit=1_000, **more).events)


def told(conn: sqlite3.Connection, *wanted: str) -> list[tuple[str, str | None]]:
    """(type, recipient) of all but consents, or of those types."""
    chosen = frozenset(wanted) or frozenset(types.MEANINGS) - {"consent.given"}
    return [(event.type, event.recipient) for event in read(conn, types=chosen)]


def leased(conn: sqlite3.Connection, now: float = NOW) -> list[Lease]:
    with transaction(conn):
        return sorted(lease_all(conn, "me", now, 100), key=lambda one: (one.submission.id, one.number))


def end(conn: sqlite3.Connection, *results: Result) -> None:
    with transaction(conn):
        complete(conn, results, lambda conn, result: None)


def delivered(lease: Lease, said: str = "250 2.0.0 Ok: queued as 4F1") -> Result:
    return Result(lease, State.DELIVERED, NOW + 1, said, "mx.example [192.0.2.1]")


def sent(conn: sqlite3.Connection, *emails: str, **more: Any) -> int:
    for email in emails:
        agree(conn, email)
    return put(conn, emails, **more)[0]


# --- fates ------------------------------------------------------------------------------------------


def test_each_copy_is_accepted_and_has_one_end(conn: sqlite3.Connection) -> None:
    sent(conn, ANN, BOB, CY)
    one, two, three = leased(conn)
    no: dict[str, object] = {"type": "hard", "code": "5.1.1", "class": "unknown-address"}
    end(
        conn,
        delivered(one),
        Result(two, State.BOUNCED, NOW, "550 5.1.1 no such user", "mx", event="bounced", detail=no),
        Result(three, State.WITHDRAWN, NOW, "550 5.7.1 no-consent: gone", "", event="withdrawn"),
    )
    assert told(conn) == [
        ("accepted", ANN),
        ("accepted", BOB),
        ("accepted", CY),
        ("bounced", BOB),
        ("withdrawn", CY),
        ("delivered", ANN),
    ]


def test_an_event_says_whose_message_it_was(conn: sqlite3.Connection) -> None:
    submission_id = sent(conn, ANN, campaign="autumn")
    conn.execute("""UPDATE submission SET tag = 'welcome', meta = '{"order":"4711"}'""")
    end(conn, *map(delivered, leased(conn)))
    event = read(conn, types=frozenset({"delivered"}))[0].members()
    assert event == {
        "id": event["id"],
        "type": "delivered",
        "at": "2026-09-21T14:13:21.000Z",
        "message": encode_id(submission_id),
        "recipient": ANN,
        "stream": "bulk",
        "topic": "news",
        "campaign": "autumn",
        "tag": "welcome",
        "meta": {"order": "4711"},
        "detail": {
            "reply": "250 2.0.0 Ok: queued as 4F1",
            "code": "250",
            "status": "2.0.0",
            "remote": "mx.example [192.0.2.1]",
        },
    }


@pytest.mark.parametrize(
    ("kind", "row", "detail"),
    [
        (
            "bounced",
            {"status": "550 5.1.1 <a@b.example> unknown", "remote": "mx [192.0.2.1]", "type": "hard", "code": "5.1.1",
             "class": "unknown-address"},
            {"reply": "550 5.1.1 <a@b.example> unknown", "code": "550", "status": "5.1.1", "remote": "mx [192.0.2.1]",
             "class": "unknown-address", "hard": True},
        ),
        (
            "bounced",
            {"status": "554 no thanks", "remote": "mx", "type": "refused", "code": "5.0.0", "class": "spam"},
            {"reply": "554 no thanks", "code": "554", "status": "5.0.0", "remote": "mx", "class": "spam",
             "hard": False},
        ),
        (
            "bounced",
            {"status": "5.2.2", "diagnostic": "552-5.2.2 over quota", "type": "mailbox-full", "code": 552,
             "source": "dsn", "hard": False},
            {"reply": "552-5.2.2 over quota", "code": "552", "status": "5.2.2", "class": "mailbox-full",
             "hard": False, "source": "dsn"},
        ),
        (
            "soft-bounced",
            {"status": "4.2.2", "type": "mailbox-full", "source": "dsn", "hard": False},
            {"reply": "4.2.2", "status": "4.2.2", "class": "mailbox-full", "hard": False, "source": "dsn"},
        ),
        ("deferred", {"status": "451 4.7.1 later", "remote": "mx"},
         {"reply": "451 4.7.1 later", "code": "451", "status": "4.7.1", "remote": "mx"}),
        ("deferred", {"status": "connection refused", "remote": "mx"}, {"reply": "connection refused", "remote": "mx"}),
        ("expired", {"status": "451 4.4.1 late", "type": "expired"},
         {"reply": "451 4.4.1 late", "code": "451", "status": "4.4.1", "class": "expired", "hard": False}),
        ("held", {"status": "frozen: spam", "remote": ""}, {"reason": "frozen: spam"}),
        ("held", {"status": "looks odd", "until": NOW}, {"reason": "looks odd", "until": "2026-09-21T14:13:20.000Z"}),
        ("cancelled", {"status": "by hand", "actor": "root"}, {"reason": "by hand"}),
        ("complained", {"type": "abuse", "source": "arf"}, {"class": "abuse", "source": "arf"}),
        ("clicked", {"class": "human", "url": "https://shop.example/"},
         {"class": "human", "url": "https://shop.example/"}),
        ("tenant-frozen", {"streams": "bulk", "reason": "spam", "actor": "root"},
         {"streams": "bulk", "reason": "spam"}),
        ("campaign-declined", {"campaign": 4, "name": "x", "before": "staged", "why": "no"},
         {"name": "x", "why": "no", "verdict": "declined"}),
    ],
)  # fmt: skip
def test_what_the_detail_says(kind: str, row: dict[str, Any], detail: dict[str, Any]) -> None:
    assert details.of(kind, row) == detail


def test_a_refusal_has_its_word(conn: sqlite3.Connection) -> None:
    said = "550 5.7.1 no-consent: this person has not agreed"
    with transaction(conn):
        refusals.write(conn, [Refusal(SHOP, 1, "bulk", NOW, "rcpt", ANN, "no-consent", said)], Counter())
    (event,) = read(conn)
    assert (event.type, event.recipient, event.stream, event.message) == ("refused", ANN, "bulk", None)
    assert event.detail == {
        "code": "no-consent", "class": "refused", "status": "5.7.1", "reply": said, "moment": "rcpt",
    }  # fmt: skip


def test_a_refusal_says_what_the_message_said_of_itself(conn: sqlite3.Connection) -> None:
    """Nothing else leads an application from it to what it sent: no message was taken."""
    meta = {"order": "17"}
    given = [
        Refusal(SHOP, 1, "bulk", NOW, "api", ANN, "no-consent", "no", topic="offers", tag="autumn", meta=meta),
        Refusal(SHOP, 1, "bulk", NOW, "rcpt", BOB, "no-consent", "no"),
    ]
    with transaction(conn):
        refusals.write(conn, given, Counter())
    assert [(one.topic, one.tag, dict(one.meta)) for one in read(conn)] == [
        ("offers", "autumn", meta),
        (None, None, {}),
    ]
    assert "tag" not in read(conn)[0].detail


def test_what_is_held_is_told_and_what_is_let_go_too(conn: sqlite3.Connection) -> None:
    sent(conn, ANN, BOB, hold=Hold("odd", NOW + 60))
    with transaction(conn):
        conn.execute("UPDATE recipient SET held_until = NULL WHERE number = 1")
    assert holds.end_timed(conn, NOW + 61) == 1
    act(conn, QueueAction.RELEASE, Selection(tenant_id=SHOP), actor="root", why="fine", now=NOW + 62)
    assert told(conn, "held", "released") == [("held", ANN), ("held", BOB), ("released", ANN), ("released", BOB)]
    assert read(conn, types=frozenset({"held"}))[0].detail == {"reason": "odd", "until": "2026-09-21T14:14:20.000Z"}


def test_a_staged_campaign_says_which_copies_wait_and_its_verdict_lets_each_go(conn: sqlite3.Connection) -> None:
    people = [f"p{number}@people.example" for number in range(30)]
    sent(conn, *people, campaign="autumn", stage=Stage(10, 4))
    waiting = set(column(conn, "SELECT address FROM recipient WHERE state = 1"))
    assert 0 < len(waiting) < 30
    assert {recipient for _, recipient in told(conn, "held")} == waiting
    before = read(conn, types=frozenset({"held"}))
    with transaction(conn):
        verdicts.release(conn, 1, "root", "fine", NOW + 5)
    assert {recipient for _, recipient in told(conn, "released")} == waiting
    assert read(conn, types=frozenset({"held"})) == before
    assert [
        (event.campaign, event.detail["verdict"]) for event in read(conn, types=frozenset({"campaign.verdict"}))
    ] == [("autumn", "released")]
    assert [event.campaign for event in read(conn, types=frozenset({"campaign.staged"}))] == ["autumn"]


def test_declined_copies_are_told_each(conn: sqlite3.Connection) -> None:
    sent(conn, ANN, BOB, campaign="autumn", stage=Stage(10, 0))
    with transaction(conn):
        verdicts.decline(conn, 1, "root", "spam", NOW + 5)
    assert told(conn, "declined") == [("declined", ANN), ("declined", BOB)]


def test_people_are_told_of(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    with transaction(conn):
        consents.withdraw(conn, SHOP, person, topic_id=1, means="link", now=NOW, evidence={})
        suppressions.add(conn, person, Reason.COMPLAINT, detail="abuse", now=NOW)
    assert told(conn, "consent.given", "unsubscribed", "consent.withdrawn", "suppressed") == [
        ("consent.given", ANN), ("unsubscribed", ANN), ("consent.withdrawn", ANN), ("suppressed", ANN),
    ]  # fmt: skip
    assert read(conn)[-1].detail == {"reason": "complaint", "says": "abuse"}
    assert read(conn)[1].topic == "news"


def test_who_had_no_consent_and_unsubscribes_withdraws_none(conn: sqlite3.Connection) -> None:
    with transaction(conn):
        person = consents.subscriber(conn, SHOP, ANN, NOW)
        consents.withdraw(conn, SHOP, person, topic_id=0, means="link", now=NOW, evidence={})
    assert told(conn) == [("unsubscribed", ANN)]


# --- the same each time -----------------------------------------------------------------------------


def test_a_delivery_reads_the_same_after_the_copy_came_back(conn: sqlite3.Connection) -> None:
    submission_id = sent(conn, ANN, BOB)
    one, two = leased(conn)
    early = Finding(FeedbackKind.HARD, "unknown-address", "5.1.1", source="report", dead=True)
    with transaction(conn):  # its report is here before the outcome of its delivery
        record(conn, Item(Mark(two.subscriber_id, 1, submission_id, two.number), early), NOW + 1)
    end(conn, delivered(one), delivered(two))
    before = read(conn)
    assert [event.recipient for event in before if event.type == "delivered"] == [ANN]
    with transaction(conn):
        record(conn, Item(Mark(one.subscriber_id, 1, submission_id, one.number), early), NOW + 5)
    after = read(conn)
    assert after[: len(before)] == before
    assert [(event.type, event.recipient) for event in after[len(before) :]] == [("bounced", ANN), ("suppressed", ANN)]
    assert after[len(before)].detail["class"] == "unknown-address"


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("scanned", [1, 5, 20_000])
def test_pages_give_all_once_and_in_order_whatever_their_size(
    conn: sqlite3.Connection, limit: int, scanned: int
) -> None:
    for number in range(4):
        sent(conn, ANN, BOB, CY, random=number)
    end(conn, *map(delivered, leased(conn)))
    whole = read(conn)
    assert len(whole) == 12 + 12 + 12
    found: list[stream.StreamEvent] = []
    place = stream.BEGIN
    for _ in range(200):
        page = stream.read(conn, SHOP, place, limit=limit, scanned=scanned)
        assert stream.read(conn, SHOP, place, limit=limit, scanned=scanned) == page
        found += page.events
        place = page.place
        if page.ended:
            break
    assert found == whole and [event.place for event in whole] == sorted(event.place for event in whole)
    assert len({event.id for event in whole}) == len(whole)
    sent(conn, ANN, random=9)
    assert [event.type for event in read(conn, place)] == ["consent.given", "accepted"]


def test_a_page_of_one_type_goes_on_where_it_ended(conn: sqlite3.Connection) -> None:
    sent(conn, ANN)
    page = stream.read(conn, SHOP, types=frozenset({"delivered"}))
    assert page.ended and not page.events
    end(conn, *map(delivered, leased(conn)))
    assert [event.type for event in read(conn, page.place, types=frozenset({"delivered"}))] == ["delivered"]


@pytest.mark.parametrize("place", [(1, 0), (1, 5), (7, 0), (2**40, 70_000)])
def test_ids_name_their_events(place: stream.StreamPlace) -> None:
    assert stream.place_of(stream.event_id(place)) == place


@pytest.mark.parametrize("text", ["", "evt_", "evt_1", "msg_0000000000001", "evt_0000000000001_x", "evt_000000000000u"])
def test_other_words_are_no_ids(text: str) -> None:
    with pytest.raises(ValueError):
        stream.place_of(text)


def test_an_event_is_found_by_its_id_and_only_by_its_tenant(conn: sqlite3.Connection) -> None:
    sent(conn, ANN, BOB)
    for event in read(conn):
        assert stream.one(conn, SHOP, stream.place_of(event.id)) == event
        assert stream.one(conn, 2, event.place) is None
    assert stream.read(conn, 2).events == []


# --- bounded, and no more than is kept --------------------------------------------------------------


def test_a_campaign_costs_no_row_for_a_delivery(conn: sqlite3.Connection) -> None:
    people = [f"p{number}@people.example" for number in range(50)]
    sent(conn, *people)
    before = conn.execute("SELECT count(*) FROM event").fetchone()[0]
    end(conn, *map(delivered, leased(conn)))
    assert conn.execute("SELECT count(*) FROM event WHERE tenant_id > 0").fetchone()[0] == before + 1
    assert len(told(conn, "delivered")) == 50


def test_tenants_who_share_a_commit_see_their_own(conn: sqlite3.Connection) -> None:
    sent(conn, ANN)
    put(conn, [BOB], tenant_id=2, random=1)
    end(conn, *map(delivered, leased(conn)))
    assert told(conn, "delivered") == [("delivered", ANN)]
    (other,) = stream.read(conn, 2, types=frozenset({"delivered"})).events
    assert other.recipient == BOB


def test_what_is_past_its_time_is_gone_and_the_rest_is_as_it_was(conn: sqlite3.Connection) -> None:
    sent(conn, ANN, now=NOW - 100 * 86_400)
    sent(conn, BOB, random=1)
    before = read(conn)
    forget.forget(conn, NOW - 90 * 86_400)
    left = read(conn)
    assert [event for event in before if event.recipient != ANN or event.type != "accepted"] == left
    conn.execute("DELETE FROM recipient")
    conn.execute("DELETE FROM submission")  # records of a message go before its events
    assert [event.type for event in read(conn) if event.message] == []


def test_who_was_erased_is_named_nowhere(conn: sqlite3.Connection) -> None:
    sent(conn, ANN, BOB)
    end(conn, *map(delivered, leased(conn)))
    with transaction(conn):
        refusals.write(conn, [Refusal(SHOP, 1, "bulk", NOW, "rcpt", ANN, "no-consent", "no")], Counter())
    erasure.erase(conn, SECRETS, SHOP, ANN, actor="root", now=NOW + 9)
    text = str([event.members() for event in read(conn)])
    assert "ann@" not in text and BOB in text


def test_half_characters_of_other_people_can_be_told() -> None:
    event = stream.StreamEvent((1, 0), "bounced", NOW, None, None, None, None, None, None, {}, {"reply": "a\udcffb"})
    page = stream.page_json(stream.StreamPage([event], (1, 0), True), "x")
    assert b'"reply":"a?b"' in page


def test_every_kind_of_the_house_is_a_type_or_left_out_on_purpose() -> None:
    assert set(types.KINDS.values()) == set(types.MEANINGS)
    assert types.kinds_of(frozenset({"held"})) == ["accepted", "held"]
    assert "campaign-released" in types.kinds_of(frozenset({"campaign.verdict"}))
    assert write.RETURNED not in types.KINDS
