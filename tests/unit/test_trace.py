"""One message's story: found by either id, complete, in order."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.campaigns import campaigns, figures
from relay.campaigns.figures import Figures
from relay.people import consents
from relay.pipeline.contract import Stage
from relay.queue import held, verdicts
from relay.queue.admin import QueueAction, Selection, act
from relay.queue.complete import complete
from relay.queue.held import StageTerms
from relay.queue.trace import CopyStory, find, trace
from relay.queue.values import Lease, Result
from relay.store.database import transaction
from relay.values.ids import encode_id
from relay.values.states import State
from tests.support.leases import lease_all
from tests.unit.records import NOW, SHOP, agree, open_shop, put

pytestmark = pytest.mark.usefixtures("lots_in_order")

ANN = "ann@people.example"


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def finish(conn: sqlite3.Connection, *results: Result) -> None:
    with transaction(conn):
        assert not complete(conn, results, lambda c, r: None).lost


def lease(conn: sqlite3.Connection, now: float) -> Lease:
    with transaction(conn):
        (found,) = lease_all(conn, "worker", now, 1)
    return found


def steps(copy: CopyStory) -> list[tuple[float, str, str]]:
    return [(step.at - NOW, step.what, step.why) for step in copy.steps]


@pytest.mark.parametrize("form", ["{id}", "{ID}", " {id} ", "<m@shop.example>", "m@shop.example"])
def test_found_by_any_form(conn: sqlite3.Connection, form: str) -> None:
    id_, _ = put(conn, [ANN])
    text = form.replace("{id}", encode_id(id_)).replace("{ID}", encode_id(id_).upper())
    assert find(conn, text) == [id_]


def test_a_message_id_used_again_finds_all_newest_first(conn: sqlite3.Connection) -> None:
    ids = [put(conn, [ANN], now=NOW + i)[0] for i in range(25)]
    assert find(conn, "<m@shop.example>") == ids[:4:-1]


@pytest.mark.parametrize("text", ["", "nobody@shop.example", "0000000000000", "<>", "%"])
def test_nothing_found(conn: sqlite3.Connection, text: str) -> None:
    put(conn, [ANN])
    assert find(conn, text) == []
    with pytest.raises(KeyError):
        trace(conn, 1)


def test_a_delivery_with_a_retry(conn: sqlite3.Connection) -> None:
    agree(conn, ANN, now=NOW - 50)
    id_, _ = put(conn, [ANN])
    assert steps(trace(conn, id_).copies[0]) == [
        (-50, "consent", "to news: sign-up form (form)"),
        (0, "waiting", "first attempt"),
    ]
    first = lease(conn, NOW)
    assert trace(conn, id_).copies[0].steps[-1].what == "leased"
    retry = Result(
        first, State.READY, NOW + 1, "451 4.2.0 later", "mx [192.0.2.1]", "deferred", due_at=NOW + 60, attempts=1
    )
    finish(conn, retry)
    assert steps(trace(conn, id_).copies[0])[-1] == (60, "waiting", "next attempt")
    finish(conn, Result(lease(conn, NOW + 60), State.DELIVERED, NOW + 61, "250 2.0.0 ok", "mx [192.0.2.1]", attempts=1))
    story = trace(conn, id_)
    assert (story.queue_id, story.tenant, story.stream, story.topic) == (encode_id(id_), "shop", "bulk", "news")
    assert [(s.what, s.why) for s in story.steps] == [("accepted", "1 recipient")]
    (copy,) = story.copies
    assert (copy.address, copy.state, copy.attempts) == (ANN, "delivered", 1)
    assert steps(copy) == [
        (-50, "consent", "to news: sign-up form (form)"),
        (1, "deferred", "451 4.2.0 later at mx [192.0.2.1]"),
        (61, "delivered", "250 2.0.0 ok at mx [192.0.2.1]"),
    ]


def test_the_consent_it_rested_on_not_a_later_one(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN, now=NOW - 90, source="old form")
    consents.withdraw(conn, SHOP, person, topic_id=0, means="link", now=NOW - 80, evidence={})
    agree(conn, ANN, now=NOW - 70, source="new form", means="double-opt-in")
    agree(conn, ANN, now=NOW - 60, source="said again")
    id_, _ = put(conn, [ANN])
    consents.withdraw(
        conn, SHOP, person, topic_id=0, means="link", now=NOW + 1, evidence={}, submission_id=id_, number=0
    )
    agree(conn, ANN, now=NOW + 9, source="newest form", means="double-opt-in")
    told = steps(trace(conn, id_).copies[0])
    assert told[0] == (-70, "consent", "to news: new form (double-opt-in)")
    assert (1, "unsubscribed", "link") in told


def test_a_consent_to_another_topic_is_not_told(conn: sqlite3.Connection) -> None:
    agree(conn, ANN, topic="offers", now=NOW - 90)
    id_, _ = put(conn, [ANN])
    assert [s.what for s in trace(conn, id_).copies[0].steps] == ["waiting"]


def test_a_staged_campaign_with_its_verdict(conn: sqlite3.Connection) -> None:
    id_, done = put(conn, [ANN, "bob@people.example"], campaign="autumn", stage=Stage(10, 1))
    finish(conn, Result(lease(conn, NOW), State.DELIVERED, NOW + 5, "250 ok"))
    with transaction(conn):
        campaigns.begin_windows(conn, NOW + 5)
    held = trace(conn, id_)
    assert held.campaign == "1 autumn (watching)"
    assert [(s.at - NOW, s.what) for s in held.steps] == [
        (0, "accepted"),
        (0, "campaign-staged"),
        (5, "campaign-watching"),
    ]
    assert held.steps[0].why == "2 recipients, 1 held"
    assert steps(held.copies[1]) == [(0, "held", "staged")]
    assert done.campaign_id is not None
    with transaction(conn):
        verdicts.decline(conn, done.campaign_id, "root", "too many complaints", NOW + 9)
    story = trace(conn, id_)
    assert [(s.at - NOW, s.what, s.why) for s in story.steps][-1] == (9, "campaign-declined", "too many complaints")
    assert steps(story.copies[1]) == [(9, "declined", "campaign declined: too many complaints by root")]


def test_the_operators_hand_shows(conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, [ANN])
    for at, action in ((1, QueueAction.HOLD), (2, QueueAction.RELEASE), (3, QueueAction.CANCEL)):
        act(conn, action, Selection(id_), actor="root", why="odd", now=NOW + at)
    assert steps(trace(conn, id_).copies[0]) == [
        (1, "held", "odd; operator by root"),
        (2, "released", "odd; operator by root"),
        (3, "cancelled", "odd by root"),
    ]


def test_figures_add_up(conn: sqlite3.Connection) -> None:
    people = [f"u{i}@people.example" for i in range(6)]
    ids = [agree(conn, email) for email in people]
    id_, done = put(conn, people, campaign="autumn", stage=Stage(1, 4))
    put(conn, ["z@rival.example"], tenant_id=2, random=1)
    with transaction(conn):
        leases = [found for found in lease_all(conn, "w", NOW, 9) if found.submission.id == id_]
    ends = [(State.DELIVERED, ""), (State.BOUNCED, "bounced"), (State.EXPIRED, "expired"), (State.READY, "deferred")]
    results = [
        Result(found, state, NOW + 1, "x", event=event, attempts=1)
        for found, (state, event) in zip(leases, ends, strict=True)
    ]
    finish(conn, *results)
    consents.withdraw(conn, SHOP, ids[0], topic_id=0, means="link", now=NOW, evidence={}, submission_id=id_, number=0)
    expected = Figures(accepted=6, delivered=1, bounced=2, deferred=1, held=2, unsubscribed=1, complained=0, refused={})
    assert figures.of_tenant(conn, SHOP) == expected
    assert done.campaign_id is not None
    assert figures.of_campaign(conn, campaigns.by_id(conn, done.campaign_id)) == expected
    assert figures.of_tenant(conn, 99) == Figures(0, 0, 0, 0, 0, 0, 0, {})


def test_a_campaign_left_to_people_says_until_when_and_who_decided(conn: sqlite3.Connection) -> None:
    emails = [f"p{number}@people.example" for number in range(12)]
    for email in emails:
        agree(conn, email)
    id_, done = put(conn, emails, campaign="autumn", stage=Stage(every=10, most=9))
    assert done.campaign_id is not None
    with transaction(conn):
        verdicts.stop(conn, done.campaign_id, "relay", "clearly bad (bounced)", NOW + 60)
    terms = StageTerms(6 * 3600.0, 86_400.0)
    (hold,) = next(copy.holds for copy in trace(conn, id_, terms).copies if copy.holds)
    due = datetime.fromtimestamp(NOW + 60 + 86_400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert f"due by {due}" in hold.ends and f"relay campaign release {done.campaign_id}" in hold.ends
    (told,) = held.of_campaign(conn, done.campaign_id, terms)
    assert told.ends == hold.ends
    with transaction(conn):
        verdicts.decline(conn, done.campaign_id, "mary", "every tenth is dead", NOW + 90)
    said = {step.what: step.why for step in trace(conn, id_, terms, who=True).steps}
    assert said["campaign-declined"] == "every tenth is dead (by mary)"
    assert said["campaign-stopped"] == "clearly bad (bounced) (by relay)"
    to_the_tenant = {step.what: step.why for step in trace(conn, id_).steps}
    assert to_the_tenant["campaign-declined"] == "every tenth is dead", "names of people at the desk are not told"
