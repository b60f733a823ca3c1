"""Hits written down (R33): sums that stay right when a burst shows what its hits were, and whom nothing is kept of."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from relay.conduct import account
from relay.keys.tracked_tokens import CopyMark
from relay.mail.address import parse_address
from relay.rights import erasure
from relay.rights.retention import clean
from relay.store.database import transaction
from relay.tracking import consents, figures, machines
from relay.tracking.record import MOST_HITS, Recorder
from relay.tracking.stopped import stopped
from relay.tracking.values import Hit, HitKind
from relay.values.ids import first_id
from tests.support.web import Shop

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
NOW = time.time()
DELIVERED = NOW - 600


class Desk:
    """A tenant's campaign 7, and hits as they come in."""

    def __init__(self, directory: Path, law: consents.Law = "required", *, networks: bool = True) -> None:
        self.shop = Shop.create(directory)
        self.conn = self.shop.conn
        self.recorder = Recorder(machines.load(), law, keep_networks=networks, keep_s=90 * 86_400)
        self.law = law
        with transaction(self.conn):
            self.conn.execute(
                "INSERT INTO stream (id, tenant_id, name, kind, topic, consent, created_at)"
                " VALUES (1, ?, 'bulk', 'bulk', '*', 'required', ?)",
                (self.shop.tenant_id, NOW),
            )
            self.conn.execute(
                "INSERT INTO campaign (id, tenant_id, stream_id, name, state, created_at)"
                " VALUES (7, ?, 1, 'c', 'released', ?)",
                (self.shop.tenant_id, NOW),
            )
        self.next = first_id(DELIVERED)

    def copy(self, who: str, *, agreed: bool = True, stored: bool = True) -> CopyMark:
        """A delivered copy, of a person who agreed."""
        person = self.shop.consent(f"{who}@firm.example", "news")
        self.next += 1
        with transaction(self.conn):
            if agreed:
                consents.give(
                    self.conn, self.shop.secrets, self.shop.tenant_id, parse_address(f"{who}@firm.example"),
                    source="form on acme.example", wording="You may see it.", means="hand", given_at=NOW, now=NOW,
                )  # fmt: skip
            if stored:
                self.conn.execute(
                    "INSERT INTO submission (id, tenant_id, stream_id, campaign_id, reverse_path, message_id,"
                    " from_domain, size_octets, accepted_at, expires_at, open_recipients)"
                    " VALUES (?, ?, 1, 7, '', '', '', 1, ?, ?, 0)",
                    (self.next, self.shop.tenant_id, NOW, NOW),
                )
                self.conn.execute(
                    "INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address,"
                    " domain, state, due_at, changed_at) VALUES (?, 0, ?, 7, ?, ?, 'firm.example', 2, ?, ?)",
                    (self.next, self.shop.tenant_id, person, f"{who}@firm.example", NOW, DELIVERED),
                )
        return CopyMark(self.shop.tenant_id, 7, person, self.next, 0)

    def hit(
        self, mark: CopyMark, since: float, place: int = 0, *, agent: str = BROWSER, at: str = "203.0.113.9"
    ) -> int:
        kind = HitKind.OPENED if place < 0 else HitKind.CLICKED
        url = "" if place < 0 else f"https://shop.example/{place}?who=me#part"
        one = Hit(mark, kind, DELIVERED + since, at, agent, place, 5, url)
        with transaction(self.conn):
            return self.recorder.record(self.conn, [one], NOW)

    def figures(self) -> figures.TrackingFigures:
        return figures.of_campaign(self.conn, 7)

    def events(self) -> list[tuple[str, dict[str, Any], int]]:
        rows = self.conn.execute(
            "SELECT kind, detail, amount FROM event WHERE kind IN ('opened', 'clicked') ORDER BY id"
        )
        return [(kind, json.loads(detail), amount) for kind, detail, amount in rows]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_copy_counts_once_in_its_most_human_class(desk: Desk) -> None:
    mark = desk.copy("ann")
    desk.hit(mark, 10, -1, agent="Mozilla/5.0")
    assert (desk.figures().opened.copies, desk.figures().opened.proxy, desk.figures().opened.human) == (1, 1, 0)
    desk.hit(mark, 400, -1)
    desk.hit(mark, 500, -1)
    found = desk.figures().opened
    assert (found.copies, found.proxy, found.human, found.hits) == (1, 0, 1, 3)


def test_a_burst_takes_back_what_was_counted(desk: Desk) -> None:
    mark, other = desk.copy("ann"), desk.copy("ben")
    desk.hit(other, 30, 0, at="192.0.2.4")
    desk.hit(mark, 30.0, 0)
    assert desk.figures().clicked.human == 2
    desk.hit(mark, 30.7, 1)
    desk.hit(mark, 31.4, 2)
    found = desk.figures().clicked
    assert (found.copies, found.human, found.scanner, found.hits) == (2, 1, 1, 4)
    links = {row["url"]: row for row in figures.links(desk.conn, 7)}
    assert links["https://shop.example/0"] == {"url": "https://shop.example/0", "human": 1, "total": 2, "hits": 2}
    assert links["https://shop.example/1"]["human"] == 0
    told = desk.events()
    assert [detail.get("was") for _, detail, _ in told].count("human") == 2
    assert sum(amount for _, _, amount in told) == 4, "what is judged anew counts nothing more"
    desk.hit(mark, 900, 1, at="192.0.2.9")
    assert (desk.figures().clicked.human, desk.figures().clicked.copies) == (2, 2)


def test_a_gateway_of_many_people_is_taken_back_too(desk: Desk) -> None:
    marks = [desk.copy(f"p{number}") for number in range(6)]
    for number, mark in enumerate(marks):
        desk.hit(mark, 12 + number / 5, 0)
    found = desk.figures().clicked
    assert (found.copies, found.scanner, found.human) == (6, 6, 0)


def test_the_sums_are_what_the_rows_add_up_to(desk: Desk) -> None:
    marks = [desk.copy(f"p{number}") for number in range(4)]
    for turn in range(60):
        desk.hit(marks[turn % 4], 20 + turn * 0.7, turn % 6 - 1, at=f"203.0.{turn % 3}.9")
    found = desk.figures()
    rows = desk.conn.execute("SELECT kind, count(*), count(DISTINCT submission_id) FROM hit GROUP BY kind").fetchall()
    assert {kind: (hits, copies) for kind, hits, copies in rows} == {
        "opened": (found.opened.hits, found.opened.copies),
        "clicked": (found.clicked.hits, found.clicked.copies),
    }
    assert desk.conn.execute("SELECT min(copies), min(hits) FROM hit_sum").fetchone() >= (0, 0)


@pytest.mark.parametrize("law", ["required", "tenant"])
def test_of_whom_nothing_is_kept(tmp_path: Path, law: consents.Law) -> None:
    desk = Desk(tmp_path, law)
    silent = desk.copy("silent", agreed=False)
    assert desk.hit(silent, 60) == (1 if law == "tenant" else 0)
    mark = desk.copy("ann")
    assert desk.hit(mark, 61) == 1
    with transaction(desk.conn):
        consents.withdraw(desk.conn, mark.tenant_id, mark.subscriber_id, means="hand", now=NOW, evidence={})
    assert desk.hit(mark, 62) == 0
    assert desk.hit(mark._replace(tenant_id=mark.tenant_id + 1), 62) == 0
    assert desk.hit(mark._replace(subscriber_id=99_999), 62) == 0


def test_another_spelling_of_the_mailbox_is_off_as_well(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "tenant")
    one, two = desk.shop.consent("a.nn@gmail.com", "news"), desk.shop.consent("ann+x@gmail.com", "news")
    assert consents.tracked(desk.conn, two, "tenant")
    with transaction(desk.conn):
        consents.withdraw(desk.conn, desk.shop.tenant_id, one, means="hand", now=NOW, evidence={})
    third = desk.shop.consent("ann@gmail.com", "news")
    assert not any(consents.tracked(desk.conn, person, "tenant") for person in (one, two, third))


def test_an_erased_person_leaves_sums_alone(desk: Desk) -> None:
    mark = desk.copy("ann")
    desk.hit(mark, 60)
    erasure.erase(desk.conn, desk.shop.secrets, mark.tenant_id, "ann@firm.example", actor="test", now=NOW)
    assert desk.conn.execute("SELECT count(*) FROM hit").fetchone() == (0,)
    assert desk.conn.execute("SELECT count(*) FROM tracking_consent").fetchone() == (0,)
    assert desk.hit(mark, 90) == 0
    assert desk.figures().clicked.human == 1


def test_retention_takes_hits_and_leaves_sums(desk: Desk) -> None:
    mark = desk.copy("ann")
    desk.hit(mark, 60)
    clean(desk.shop.settings.database, 9e9, 9e9, NOW + 100, tracking_s=50)
    assert desk.conn.execute("SELECT count(*) FROM hit").fetchone() == (0,)
    assert desk.figures().clicked.human == 1


def test_a_link_works_when_its_message_is_long_gone(desk: Desk) -> None:
    mark = desk.copy("ann", stored=False)._replace(submission_id=first_id(NOW - 300 * 86_400))
    assert desk.hit(mark, 60) == 1
    assert desk.figures().clicked.hits == 1


def test_one_copy_fills_no_table(desk: Desk) -> None:
    mark = desk.copy("ann")
    for turn in range(MOST_HITS + 20):
        desk.hit(mark, 60 + turn * 20)
    assert desk.conn.execute("SELECT count(*) FROM hit").fetchone() == (MOST_HITS,)


def test_where_from_is_cut_or_dropped(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    desk, mute = Desk(tmp_path / "a"), Desk(tmp_path / "b", networks=False)
    for one in (desk, mute):
        mark = one.copy("ann")
        one.hit(mark, 60, at="203.0.113.77")
        one.hit(mark, 90, at="2001:db8:1:2::77")
    networks = "SELECT network FROM hit ORDER BY id"
    assert desk.conn.execute(networks).fetchall() == [("203.0.113.0/24",), ("2001:db8:1::/48",)]
    assert mute.conn.execute(networks).fetchall() == [("",), ("",)]


def test_handing_on_is_counted_and_nothing_is_kept_of_it(desk: Desk) -> None:
    mark = desk.copy("ann")
    hit = Hit(mark, HitKind.FORWARDED, DELIVERED + 60, "203.0.113.9", BROWSER, 1, 5, "https://shop.example/friend")
    with transaction(desk.conn):
        assert desk.recorder.record(desk.conn, [hit, hit, hit._replace(agent="curl/8")], NOW) == 0
    assert desk.figures().forwarded == 2
    assert desk.conn.execute("SELECT count(*) FROM hit").fetchone() == (0,) and desk.events() == []


def test_whose_links_are_stopped(desk: Desk) -> None:
    tenant = desk.shop.tenant_id
    assert not stopped(desk.conn, tenant, 7) and not stopped(desk.conn, tenant, 0)
    with transaction(desk.conn):
        desk.conn.execute("UPDATE campaign SET state = 'declined' WHERE id = 7")
    assert stopped(desk.conn, tenant, 7) and not stopped(desk.conn, tenant, 0)
    assert stopped(desk.conn, 999, 0), "a tenant that is gone"
    with transaction(desk.conn):
        account.terminate(desk.conn, tenant, NOW)
    assert stopped(desk.conn, tenant, 0)
    with transaction(desk.conn):
        account.terminate(desk.conn, tenant, None)
    assert not stopped(desk.conn, tenant, 0)
