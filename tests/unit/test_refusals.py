"""RefusalBuffer are on record: an event each for a day's first, sums for all, and no reply waits for them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay.campaigns import figures, refusals
from relay.campaigns.refusals import DAY_S, MOST_EVENTS, Refusal
from relay.intake.accept import Acceptor
from relay.intake.api.attendant import word_of
from relay.intake.arrival import Arrived
from relay.intake.parameters import MailParameters
from relay.intake.refusals import API, MOST_KEPT, RefusalBuffer, code_of
from relay.mail.status import Status, permanent, refusal, temporary
from relay.pipeline.contract import Message
from relay.store.database import transaction
from relay.web.problems import TYPES
from tests.unit.records import NOW, SHOP, column, one, open_shop, put
from tests.unit.test_policies import BULK as BULK_STREAM
from tests.unit.test_policies import txn

NO = refusal("no-consent", "the person has given you no consent")
SPRING = Message(("news@shop.example",), (), "Spring", "news", "spring", "autumn", {"order": "17"}, 100)


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


class Store:
    """Units of work as the committer takes them, written when asked."""

    def __init__(self) -> None:
        self.units: list[Callable[[Any], None]] = []

    def submit(self, work: Callable[[Any], None]) -> asyncio.Future[None]:
        self.units.append(work)
        return asyncio.get_running_loop().create_future()


def made(number: int, code: str = "no-consent", *, at: float = NOW, campaign: str = "", tenant: int = SHOP) -> Refusal:
    return Refusal(tenant, tenant, "bulk", at, "rcpt", f"p{number}@people.example", code, NO.reply, campaign)


def write(conn: sqlite3.Connection, batch: list[Refusal], more: Counter[tuple[int, int, str]] | None = None) -> None:
    with transaction(conn):
        refusals.write(conn, batch, more or Counter())


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (NO, "no-consent"),
        (refusal("quota-messages", "3000 of 3000 used"), "quota-messages"),
        (refusal("topic", "there is no topic new"), "topic"),
        (permanent(54, 6, 0, "line 3: a bare CR"), "5.6.0"),
        (permanent(52, 3, 4, "too large"), "5.3.4"),
        (permanent(50, 7, 1, "Nothing: at all"), "5.7.1"),
    ],
)
def test_what_it_is_filed_under(status: Status, code: str) -> None:
    assert code_of(status) == code


def test_each_is_an_event_with_whom_and_why(conn: sqlite3.Connection) -> None:
    write(conn, [made(1), made(2, "suppressed")])
    found = [json.loads(str(detail)) for detail in column(conn, "SELECT detail FROM event WHERE kind = 'refused'")]
    assert [(one["recipient"], one["code"], one["moment"]) for one in found] == [
        ("p1@people.example", "no-consent", "rcpt"),
        ("p2@people.example", "suppressed", "rcpt"),
    ]
    assert found[0]["reply"] == NO.reply and found[0]["stream"] == "bulk"
    assert refusals.of_tenant(conn, SHOP) == {"no-consent": 1, "suppressed": 1}
    assert figures.of_tenant(conn, SHOP).refused == {"no-consent": 1, "suppressed": 1}


def test_events_of_a_day_are_bounded_and_sums_are_not(conn: sqlite3.Connection) -> None:
    for _ in range(3):
        write(conn, [made(number) for number in range(MOST_EVENTS // 2 + 1)])
    write(conn, [made(1, tenant=2)], Counter({(SHOP, int(NOW // DAY_S), "no-consent"): 40_000}))
    assert one(conn, "SELECT count(*) FROM event WHERE tenant_id = ? AND kind = 'refused'", SHOP) == MOST_EVENTS
    assert refusals.of_tenant(conn, SHOP) == {"no-consent": 3 * (MOST_EVENTS // 2 + 1) + 40_000}
    assert refusals.of_tenant(conn, 2) == {"no-consent": 1}, "another tenant's are its own"
    assert one(conn, "SELECT count(*) FROM refusal_sum") == 2
    write(conn, [made(1, at=NOW + DAY_S)])
    assert one(conn, "SELECT count(*) FROM event WHERE tenant_id = ?", SHOP) == MOST_EVENTS + 1, "a new day"


def test_names_of_campaigns_that_never_were_make_no_rows(conn: sqlite3.Connection) -> None:
    put(conn, ["ann@people.example"], campaign="spring")
    write(conn, [made(number, campaign=f"made up {number}") for number in range(50)] + [made(99, campaign="spring")])
    assert one(conn, "SELECT count(*) FROM refusal_sum") == 2
    campaign_id = one(conn, "SELECT id FROM campaign")
    assert isinstance(campaign_id, int)
    assert refusals.of_campaign(conn, SHOP, campaign_id) == {"no-consent": 1}


def test_sums_are_deleted_with_the_events_they_sum(conn: sqlite3.Connection) -> None:
    write(conn, [made(1), made(2, at=NOW + 3 * DAY_S)])
    assert refusals.forget(conn, NOW + 2 * DAY_S) == 1
    assert refusals.of_tenant(conn, SHOP) == {"no-consent": 1}


def test_nothing_is_written_before_the_reply_and_all_of_it_together(conn: sqlite3.Connection) -> None:
    store = Store()

    async def refuse() -> None:
        kept = RefusalBuffer(store.submit)
        for number in range(MOST_KEPT + 500):
            kept.note(txn(), f"p{number}@people.example", NO, "rcpt")
        kept.note(txn(), "later@people.example", temporary(50, 7, 1, "rate: slower"), "rcpt")
        assert store.units == []
        kept.flush()
        kept.flush()

    asyncio.run(refuse())
    assert len(store.units) == 1, "a deferral is none, and nothing is written twice"
    with transaction(conn):
        store.units[0](conn)
    assert refusals.of_tenant(conn, SHOP) == {"no-consent": MOST_KEPT + 500}
    assert one(conn, "SELECT count(*) FROM event WHERE kind = 'refused'") == MOST_EVENTS


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (temporary(52, 5, 3, "at most 100 recipients a message on this stream"), "recipients"),
        (temporary(51, 3, 0, "the store is not available"), "busy"),
        (temporary(50, 7, 1, "rate: slower"), "rate"),
        (NO, "no-consent"),
        (permanent(52, 3, 4, "the message is larger than 1000 octets"), "too-large"),
    ],
)
def test_the_api_has_a_word_for_each_refusal(status: Status, word: str) -> None:
    """Who is told ``busy`` sends the same again; that helps nobody who wrote to too many at once."""
    assert word_of(status) == word and word in TYPES


def test_what_an_api_refuses_says_so(conn: sqlite3.Connection) -> None:
    """Before and after its message was read; all under the message's campaign."""
    put(conn, ["ann@people.example"], campaign="spring")
    store = Store()

    async def refuse() -> None:
        acceptor: Any = Acceptor.__new__(Acceptor)
        acceptor.refusals = RefusalBuffer(store.submit)
        before, later = (("one@people.example", NO),), [("two@people.example", NO)]
        arrived = Arrived(txn(BULK_STREAM), (), b"", MailParameters(), "HTTP", turned_away=before, moment=API)
        acceptor._note(arrived, later, SPRING)
        acceptor.refusals.flush()

    asyncio.run(refuse())
    with transaction(conn):
        store.units[0](conn)
    found = [json.loads(str(detail)) for detail in column(conn, "SELECT detail FROM event WHERE kind = 'refused'")]
    assert [(one["recipient"], one["moment"]) for one in found] == [
        ("one@people.example", "api"),
        ("two@people.example", "api"),
    ]
    assert {(one["topic"], one["tag"], one["meta"]["order"]) for one in found} == {("news", "autumn", "17")}
    campaign_id = one(conn, "SELECT id FROM campaign")
    assert isinstance(campaign_id, int)
    assert refusals.of_campaign(conn, SHOP, campaign_id) == {"no-consent": 2}
