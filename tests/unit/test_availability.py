"""How much of each month the relay could be used (R35), and what was answered in time (R36)."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.accounts.roles import LoginRole
from relay.announcements import book as announcements
from relay.announcements.book import AnnouncementWish
from relay.announcements.values import AnnouncementKind
from relay.availability import book, months
from relay.availability.book import MINUTE_S, AvailabilityKind, Outage
from relay.cli.main import relay
from relay.queue.operator import Operator
from relay.store.database import connect, transaction
from relay.support import answered, threads
from relay.support.values import SupportThread, ThreadKind
from relay.web.minutes import MinuteWatch
from relay.web.readiness import Readiness
from tests.support.inside import person, signed_in
from tests.support.store import pool
from tests.support.web import Shop, serving

SERVICE, SUPPORT = AvailabilityKind.SERVICE, AvailabilityKind.SUPPORT
OPERATOR = Operator("relay.example.com", "Example Mail", ("boss@relay.example",))
HOUR_S, DAY_S = 3600.0, 86_400.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOV = at("2026-11-01T00:00")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.create(tmp_path)


def used(shop: Shop, begin: float, end: float, *kinds: AvailabilityKind) -> None:
    """Usable from one moment up to another, as two processes say it."""
    with transaction(shop.conn) as conn:
        for minute in range(int(begin // MINUTE_S), int(end // MINUTE_S)):
            book.usable(conn, kinds or tuple(AvailabilityKind), minute * MINUTE_S + 3)
            book.usable(conn, kinds or tuple(AvailabilityKind), minute * MINUTE_S + 41)


def one_month(shop: Shop, now: float) -> months.MonthFigures:
    return months.figures(shop.conn, now, 12)[0][0]


def test_a_month_says_how_much_of_it_could_be_used(shop: Shop) -> None:
    used(shop, NOV, NOV + 10 * HOUR_S)
    used(shop, NOV + 12 * HOUR_S, NOV + 20 * HOUR_S)
    found = one_month(shop, NOV + 20 * HOUR_S - 1).shares[SERVICE]
    assert (found.measured, found.down, found.percent, found.kept) == (1200, 120, 90.0, False)
    assert book.outages(shop.conn, 0, NOV + 20 * HOUR_S - 1)[0] == Outage(
        SERVICE, int(NOV + 10 * HOUR_S) // 60, int(NOV + 12 * HOUR_S) // 60, 0
    )


def test_what_is_promised_is_not_rounded_to() -> None:
    assert months.MonthShare(100_000, 500, 0).kept
    missed = months.MonthShare(1_000_000, 5_001, 0)
    assert (missed.kept, missed.percent) == (False, 99.499)


def test_only_support_could_be_reached(shop: Shop) -> None:
    used(shop, NOV, NOV + HOUR_S)
    used(shop, NOV + HOUR_S, NOV + 2 * HOUR_S, SUPPORT)
    used(shop, NOV + 2 * HOUR_S, NOV + 3 * HOUR_S)
    shares = one_month(shop, NOV + 3 * HOUR_S - 1).shares
    assert (shares[SERVICE].down, shares[SUPPORT].down) == (60, 0)


def test_an_outage_over_the_end_of_a_month_is_shared_out(shop: Shop) -> None:
    december = at("2026-12-01T00:00")
    used(shop, december - 2 * HOUR_S, december - HOUR_S)
    used(shop, december + HOUR_S / 2, december + HOUR_S)
    rows = months.figures(shop.conn, december + HOUR_S - 1, 12)[0]
    assert [(row.month, row.shares[SERVICE].measured, row.shares[SERVICE].down) for row in rows] == [
        ("2026-12", 60, 30),
        ("2026-11", 120, 60),
    ]


def test_one_that_lasts_is_told_of_while_it_does(shop: Shop) -> None:
    used(shop, NOV, NOV + HOUR_S)
    assert book.outages(shop.conn, 0, NOV + HOUR_S + 59) == []  # the minute that runs may still be said
    now = NOV + 2 * HOUR_S
    assert {(one.kind, one.minutes, one.over) for one in book.outages(shop.conn, 0, now)} == {
        (SERVICE, 60, False),
        (SUPPORT, 60, False),
    }
    assert one_month(shop, now).shares[SERVICE].down == 60


def test_a_clock_set_back_counts_nothing_twice(shop: Shop) -> None:
    used(shop, NOV, NOV + HOUR_S)
    used(shop, NOV + 600, NOV + 1200)
    assert book.outages(shop.conn, 0, NOV + HOUR_S) == []
    assert one_month(shop, NOV + HOUR_S - 1).shares[SERVICE].percent == 100.0


@pytest.mark.parametrize(("kind", "said", "minutes"), [
    (AnnouncementKind.WORK, -HOUR_S, 30), (AnnouncementKind.NOTICE, -HOUR_S, 0),
])  # fmt: skip
def test_announced_work_is_told_apart(shop: Shop, kind: AnnouncementKind, said: float, minutes: int) -> None:
    begin = NOV + 10 * HOUR_S
    with transaction(shop.conn) as conn:
        for _ in range(2):  # said twice: it is the same half hour
            wish = AnnouncementWish(kind, "New disks", "Mail waits.", begin, begin + HOUR_S / 2)
            announcements.add(conn, wish, actor="boss", now=begin + said)
    used(shop, NOV, begin)
    used(shop, begin + HOUR_S, begin + 2 * HOUR_S)
    share = one_month(shop, begin + 2 * HOUR_S - 1).shares[SERVICE]
    assert (share.down, share.announced) == (60, minutes)


def test_work_that_was_taken_back_before_is_not_planned(shop: Shop) -> None:
    begin = NOV + 10 * HOUR_S
    with transaction(shop.conn) as conn:
        wish = AnnouncementWish(AnnouncementKind.WORK, "New disks", "Mail waits.", begin, begin + HOUR_S)
        row = announcements.add(conn, wish, actor="boss", now=NOV)
        announcements.withdraw(conn, row, actor="boss", now=NOV + HOUR_S)
    assert announcements.planned(shop.conn, begin, begin + HOUR_S) == []


def test_answers_count_in_the_month_they_were_due_in(shop: Shop) -> None:
    monday = at("2026-11-02T10:00")

    def said(thread: SupportThread | None, staff: bool, when: float) -> SupportThread:
        with transaction(shop.conn) as conn:
            if thread is None:
                return threads.open_(conn, OPERATOR, "https://r", shop.tenant_id, "Mail", "Where is it?",
                                     kind=ThreadKind.QUESTION, actor="ann", now=when, tell=False)  # fmt: skip
            return threads.write(conn, OPERATOR, "https://r", threads.by_id(conn, thread.id), "Here.", staff=staff,
                                 actor="bob", now=when, tell=False)  # fmt: skip

    kept = said(None, False, monday)
    said(kept, False, monday + HOUR_S)  # puts nothing off
    said(kept, True, monday + DAY_S)
    late = said(None, False, monday)
    said(late, True, monday + DAY_S + 1)
    said(late, False, monday + 2 * DAY_S)  # once more, and nobody answers
    settled = said(None, False, monday)
    with transaction(shop.conn) as conn:
        threads.close(conn, settled, actor="ann", now=monday + 1)
    said(None, False, monday + 6 * HOUR_S + 7 * DAY_S)  # not due as yet
    now = monday + 7 * DAY_S + 8 * HOUR_S
    assert sorted(answered.by_due(shop.conn, NOV, now)) == [
        (monday + DAY_S, False), (monday + DAY_S, True), (monday + 3 * DAY_S, False)
    ]  # fmt: skip
    row = one_month(shop, now)
    assert (row.month, row.due, row.in_time) == ("2026-11", 3, 1)
    assert answered.by_due(shop.conn, monday + 2 * DAY_S, now) == [(monday + 3 * DAY_S, False)]


def test_the_watch_says_what_can_be_used_once_a_minute(shop: Shop) -> None:
    state = {"now": NOV + 5, "found": Readiness(True, True, ())}
    asked = []

    async def ready() -> Readiness:
        asked.append(state["now"])
        found = state["found"]
        assert isinstance(found, Readiness)
        return found

    watch = MinuteWatch(pool(shop.settings.database), ready, lambda: float(str(state["now"])))

    async def looked(second: float, store: bool, mail: bool) -> None:
        state.update(now=NOV + second, found=Readiness(store, mail, ()))
        await watch.look()

    async def run() -> None:
        await looked(5, True, True)
        await looked(25, True, True)
        await looked(65, True, False)  # no mail process answers
        await looked(85, True, True)  # it does again, within the minute
        await looked(125, False, True)  # the store is away
        await looked(185, True, True)

    asyncio.run(run())
    assert len(asked) == 5, "what was said already is asked for again"
    assert book.outages(shop.conn, 0, NOV + 200) == [
        Outage(kind, int(NOV) // 60 + 2, int(NOV) // 60 + 3, 0) for kind in (SERVICE, SUPPORT)
    ]


def test_at_the_desk(shop: Shop) -> None:
    now = time.time()
    used(shop, now - 2 * HOUR_S, now - HOUR_S)
    used(shop, now - HOUR_S / 2, now)
    boss = person(shop, "boss@relay.example", LoginRole.OPERATOR)
    with serving(shop) as served, signed_in(served, boss) as desk:
        page = desk.get("/desk/health").text
    assert page.count("Mail and pages; Writing to support") == 1  # what was away together is one line
    for said in ("Availability by month", "Outages", "Promised are 99.5 % of each month"):
        assert said in page


def test_by_command(tmp_path: Path) -> None:
    def invoke(*words: str) -> str:
        result = CliRunner().invoke(relay, ["-c", str(tmp_path / "relay.toml"), *words])
        assert result.exit_code == 0, result.output
        return result.output

    invoke("init", "--dir", str(tmp_path), "--dev")
    assert "nothing was measured as yet" in invoke("availability")
    now = time.time()
    minute = int(now // MINUTE_S)
    with transaction(connect(tmp_path / "data" / "relay.db")) as conn:
        for one in (minute - 90, minute - 30, minute):
            book.usable(conn, [SERVICE], one * MINUTE_S)
    found = json.loads(invoke("availability", "--json"))
    assert sum(one["service"]["down"] for one in found["months"] if one["service"]) == 88
    assert [(one["what"], one["minutes"]) for one in found["outages"]] == [("service", 29), ("service", 59)]
    shown = invoke("availability", "--utc")
    assert "MINUTES DOWN" in shown
    assert datetime.fromtimestamp((minute - 29) * MINUTE_S, UTC).strftime("%Y-%m-%d %H:%M") in shown
