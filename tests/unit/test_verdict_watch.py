"""The watch on campaigns: who is told of what waits, who is called next, and what is stopped after its release."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from policies.staged_sending import Policy
from relay.campaigns import campaigns, counts, record, sites
from relay.pipeline.chain import Chain
from relay.pipeline.contract import CampaignVerdict, Decision, Stage
from relay.queue import verdicts, watch
from relay.queue.operator import Operator
from relay.store.database import transaction
from tests.unit.records import NOW, SHOP, agree, column, open_shop, put
from tests.unit.test_to_tenant import queued

OPS = Operator("relay.example.com", "Ops Ltd", ("ops@relay.example",), next=("boss@relay.example",), review_s=7200.0)
STOP = CampaignVerdict(Decision.STOP, "clearly bad (bounced): bounced 9 of 10")
ASK = CampaignVerdict(Decision.ASK, "not clear: bounced 3 of 40")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay.db"


@pytest.fixture
def conn(path: Path) -> sqlite3.Connection:
    conn = open_shop(path)
    people = [f"u{i}@people.example" for i in range(10)]
    for email in people:
        agree(conn, email)
    put(conn, people, campaign="autumn", stage=Stage(10, 1, "no campaign of this sender has been released yet"))
    return conn


def letters(conn: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """(To, Subject, text) of what the relay itself has queued."""
    found = []
    for letter in queued(conn):
        part = letter.get_body(("plain",))
        assert part is not None
        found.append((str(letter["To"]), str(letter["Subject"]), part.get_content().replace("\r\n", "\n")))
    return sorted(found, key=lambda one: "@relay.example" not in one[0])


def forget_mail(conn: sqlite3.Connection) -> None:
    """The campaign's own message isn't one that can be rendered."""
    conn.execute("DELETE FROM body")


def test_who_decides_and_whose_it_is_are_told_once(path: Path, conn: sqlite3.Connection) -> None:
    forget_mail(conn)
    for _ in range(2):
        watch.act(path, 1, STOP, NOW + 60, OPS)
    (ops, tenant) = letters(conn)
    assert ops[0] == "ops@relay.example" and ops[1] == "campaign 1 of shop was stopped"
    assert STOP.why in ops[2] and "relay campaign release 1" in ops[2] and "Declining is proposed." in ops[2]
    assert "staged because no campaign of this sender has been released yet" in ops[2]
    assert "then boss@relay.example will be called" in ops[2]
    assert (tenant[0], tenant[1]) == ("a@b.example", "Your campaign 1 was stopped: Autumn") and STOP.why in tenant[2]
    (told,) = column(conn, "SELECT detail FROM event WHERE kind = 'campaign.verdict'")
    detail = json.loads(str(told))
    assert (detail["verdict"], detail["before"], detail["why"]) == ("stopped", "staged", STOP.why)


@pytest.mark.parametrize(
    ("language", "word"), [("de", "wird geprüft"), ("uk", "переглядають"), ("", "being looked at")]
)
def test_the_tenant_reads_its_own_language(path: Path, conn: sqlite3.Connection, language: str, word: str) -> None:
    forget_mail(conn)
    conn.execute("UPDATE tenant SET language = ?", (language,))
    watch.act(path, 1, ASK, NOW + 60, OPS)
    assert word in letters(conn)[1][1]


def test_the_next_are_called_when_the_term_is_over(path: Path, conn: sqlite3.Connection) -> None:
    watch.act(path, 1, ASK, NOW + 60, OPS)
    forget_mail(conn)
    for at in (NOW + 7000, NOW + 7300, NOW + 9000):
        watch._call_next(conn, OPS, at)
    ((to, subject, text),) = letters(conn)
    assert to == "boss@relay.example" and subject.startswith("campaign 1 of shop has waited for a verdict since ")
    assert ASK.why in text


def test_nobody_is_called_for_what_was_decided(path: Path, conn: sqlite3.Connection) -> None:
    watch.act(path, 1, ASK, NOW + 60, OPS)
    with transaction(conn):
        verdicts.release(conn, 1, "root", "fine", NOW + 90)
    forget_mail(conn)
    watch._call_next(conn, OPS, NOW + 90_000)
    assert letters(conn) == []


def judged(conn: sqlite3.Connection, now: float) -> list[tuple[int, CampaignVerdict]]:
    return watch.judge(conn, Chain([Policy({"least": 5})]), now)


@pytest.mark.parametrize(("actor", "state"), [("relay", "stopped"), ("root", "released")])
def test_what_turns_out_bad_while_it_leaves_is_stopped(
    path: Path, conn: sqlite3.Connection, actor: str, state: str
) -> None:
    """Of what the relay itself released; a person's word stands."""
    with transaction(conn):
        verdicts.release(conn, 1, actor, "clearly good", NOW)
        counts.ended(conn, 1, 1, 0, 1)
    assert judged(conn, NOW + 60) == []
    with transaction(conn):
        counts.ended(conn, 1, 0, 7, 7)
    for campaign_id, verdict in judged(conn, NOW + 60):
        watch.act(path, campaign_id, verdict, NOW + 60, OPS)
    assert campaigns.by_id(conn, 1).state == state
    assert record.of(conn, SHOP).released == (state == "released")
    assert judged(conn, NOW + 90) == []


def test_nothing_is_watched_once_all_have_left(conn: sqlite3.Connection) -> None:
    with transaction(conn):
        verdicts.release(conn, 1, "relay", "clearly good", NOW)
        counts.ended(conn, 1, 1, 9, 10)
    assert judged(conn, NOW + 60) == []


@pytest.mark.parametrize(
    ("domain", "remote", "blind"),
    [
        ("gmail.com", "gmail-smtp-in.l.google.com [192.0.2.1]", True),
        ("shop.example", "aspmx.l.google.com [192.0.2.1]", True),
        ("yahoo.com", "mta7.am0.yahoodns.net [192.0.2.1]", False),
        ("shop.example", "mx.shop.example [192.0.2.1]", False),
        ("shop.example", "mx.google.com.shop.example [192.0.2.1]", False),
        ("ukr.net", "", True),
    ],
)
def test_sites_that_report_no_complaints(domain: str, remote: str, blind: bool) -> None:
    assert sites.blind(domain, remote) is blind
