"""A campaign of which people say that they never agreed: when it is stopped, and that honest ones aren't (R8b, R12)."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.staged_sending import Policy
from relay.campaigns import campaigns
from relay.contests import answer, plead, rows
from relay.contests.values import Evidence, Plea
from relay.keys.tokens import Mark
from relay.pipeline.contract import CampaignVerdict, Decision, Stage
from relay.store.database import transaction
from relay.values.facts import CampaignFigures
from tests.unit.records import NOW, SECRETS, SHOP, agree, open_shop, put

HOUR = 3600.0
PROOF = "Signed at our stand in Tartu on the third of May, form number 17"


def verdict(delivered: int, bounced: int = 0, complained: int = 0, contested: int = 0) -> CampaignVerdict:
    """Of a first part whose window is open."""
    figures = CampaignFigures(
        campaign_id=1,
        recipients=5000,
        held=4500,
        sent=500,
        delivered=delivered,
        bounced=bounced,
        unsubscribed=0,
        complained=complained,
        window_started_at=NOW,
        now=NOW + HOUR,
        tried=delivered + bounced,
        contested=contested,
    )
    return Policy({}).on_campaign(figures)


@pytest.mark.parametrize(
    ("delivered", "contested", "decision"),
    [
        (300, 0, Decision.WAIT),
        (300, 1, Decision.WAIT),  # one alone says nothing
        (100, 1, Decision.WAIT),
        (300, 2, Decision.STOP),
        (5000, 1, Decision.WAIT),
        (5000, 2, Decision.WAIT),
        (5000, 12, Decision.STOP),
    ],
)
def test_how_many_it_takes(delivered: int, contested: int, decision: Decision) -> None:
    found = verdict(delivered=delivered, contested=contested)
    assert found.decision is decision, found.why
    assert f"never agreed {contested} of {delivered}" in found.why


def stopped_at(dice: random.Random, dead: float, minds: float, complains: float, copies: int) -> int | None:
    """After how many copies of such a list the campaign is stopped, looked at after each five; None: never."""
    delivered = bounced = contested = complained = 0
    for number in range(1, copies + 1):
        if dice.random() < dead:
            bounced += 1
        else:
            delivered += 1
            contested += dice.random() < minds / 50
            complained += dice.random() < complains
        if number % 5:
            continue
        found = verdict(delivered=delivered, bounced=bounced, contested=contested, complained=complained)
        if found.decision is Decision.STOP:
            return number
    return None


def test_a_bought_list_ends_within_its_first_300_copies() -> None:
    """A tenth of it dead, nine of ten people mind, one of fifty of those presses the button, one of 200 complains."""
    dice = random.Random(7)
    found = [stopped_at(dice, 0.10, 0.9, 0.005, 300) for _ in range(200)]
    assert sum(one is not None for one in found) >= 190


def test_an_honest_list_isn_t_stopped() -> None:
    """One person of 5000 presses the button, early or late."""
    for delivered in range(30, 5001, 10):
        assert verdict(delivered=delivered, contested=1).decision is Decision.WAIT


# --- from the page to the verdict -----------------------------------------------------------------


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    conn = open_shop(tmp_path / "relay.db")
    yield conn
    conn.close()


def test_a_contest_counts_in_its_campaign_until_it_is_accepted(conn: sqlite3.Connection) -> None:
    people = [f"u{i}@people.example" for i in range(4)]
    ids = [agree(conn, email) for email in people]
    submission, _ = put(conn, people, campaign="autumn", stage=Stage(10, 1, "new"))
    (campaign,) = campaigns.list_(conn)
    for number, person in enumerate(ids[:2]):
        with transaction(conn):
            mark = Mark(person, 1, submission, number)
            ip = {"ip": f"192.0.{number}.1"}
            plead.contest(conn, SECRETS, mark, Plea.NEVER, "", term_s=HOUR, evidence=ip, now=NOW)
    with transaction(conn):
        typed = Mark(ids[2], 1, submission, 2)
        plead.contest(conn, SECRETS, typed, Plea.TYPED, "", term_s=HOUR, evidence={"ip": "192.0.9.1"}, now=NOW)
    assert campaigns.by_id(conn, campaign.id).contested == 2
    assert campaigns.figures(conn, campaign.id, NOW).contested == 2
    found = rows.of_person(conn, SHOP, ids[0])
    assert found is not None
    with transaction(conn):
        answered = answer.answer(conn, SHOP, found.id, Evidence(PROOF), actor="test", now=NOW)
        assert answer.last_word(conn, answered, agrees=True, now=NOW)
    assert campaigns.by_id(conn, campaign.id).contested == 1
