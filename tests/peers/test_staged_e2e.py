"""Staged sending through a running relay: what goes at once, what a verdict does, what goes round it (R10 to R13)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.peers import until
from tests.support.staged import FIRST, STORIES, Fresh, people

pytestmark = pytest.mark.peers


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Fresh]:
    made = Fresh(tmp_path)
    yield made
    made.close()


def test_some_go_at_once_one_in_ten_by_lot_and_all_after_the_release(fresh: Fresh) -> None:
    everybody = people(44)
    assert fresh.send("Good news", everybody).code == 250
    shown = fresh.watched("Good news")
    assert (shown["recipients"], shown["passed"], shown["held"], shown["delivered"]) == (44, 8, 36, 8)
    assert shown["reason"] == "no campaign of this sender has been released yet"
    went = fresh.arrived("Good news")
    assert went[:FIRST] == everybody[:FIRST]
    tens = [{*people(10, FIRST + 1 + block)} for block in (0, 10, 20, 30)]
    assert [len(ten.intersection(went)) for ten in tens] == [1, 1, 1, 1]
    assert fresh.relay.json("queue", "stats")["held"] == 36
    assert fresh.used() == (44, 44)
    said = fresh.relay.cli("campaign", "release", str(shown["id"]))
    assert "36 held copies go now" in said
    fresh.sink.wait(44)
    assert fresh.arrived("Good news") == everybody
    # Later arrivals of a released campaign aren't held any more, and a sender with a record sends whole ones.
    assert fresh.send("Good news", people(2, 45)).code == 250
    assert fresh.send("Other news", people(30)).code == 250
    fresh.comes("Good news", delivered=46, held=0, state="released")
    fresh.comes("Other news", delivered=30, held=0, state="open")
    assert fresh.relay.run("campaign", "release", str(shown["id"])).returncode == 1


def test_a_first_part_that_was_delivered_ends_nothing(fresh: Fresh) -> None:
    """The rest, and the next campaign, wait for a verdict however much was delivered meanwhile."""
    assert fresh.send("Together", people(44), together=True).code == 250
    shown = fresh.watched("Together")
    assert shown["held"] == 36
    assert fresh.relay.stop() == 0
    fresh.relay.start()
    assert fresh.send("Together", people(10, 51)).code == 250
    assert fresh.comes("Together", recipients=54)["passed"] == 9
    assert fresh.send("Kept news", people(30)).code == 250
    assert fresh.watched("Kept news")["held"] == 27
    fresh.relay.cli("tenant", "establish", "acme", "--reason", "known for years")
    assert fresh.send("Together", people(10, 61)).code == 250  # what is staged stays staged
    assert fresh.comes("Together", recipients=64)["held"] == 54
    assert fresh.send("Fine", people(20)).code == 250
    fresh.comes("Fine", delivered=20, held=0)


def test_names_subjects_and_what_is_personal_split_nothing(fresh: Fresh) -> None:
    for number, address in enumerate(people(40), 1):
        name = ("Ann", "Bob", "Cleo", "Dan")[number % 4]
        extra = f"Relay-Campaign: part-{number}\r\n" if number % 2 else ""
        story = (
            f"{STORIES['Climbs']} Your code is X{number}Z9, see https://acme.example/{number}\r\n\r\nFor {name}\u200b."
        )
        assert fresh.send(f"{name}, {number} minutes for you", [address], extra=extra, story=story).code == 250
    (row,) = fresh.campaigns()
    assert row["recipients"] == 40
    assert 32 <= row["held"] <= 33  # thirty-six are numbered: the last block of ten isn't full
    # Another content under a name that is there is another campaign.
    assert fresh.send("Ann, 1 minutes for you", people(1, 50), story=STORIES["Good news"]).code == 250
    assert len(fresh.campaigns()) == 2


def test_a_declined_campaign_is_dropped_and_given_back(fresh: Fresh) -> None:
    assert fresh.send("Bad news", people(44)).code == 250
    shown = fresh.watched("Bad news")
    assert fresh.used()[0] == 44
    said = fresh.relay.cli("campaign", "decline", str(shown["id"]), "--reason", "looks bought")
    assert "36 held copies dropped" in said
    assert fresh.used()[0] == 8
    assert fresh.campaign("Bad news").items() >= {"state": "declined", "held": 0, "why": "looks bought"}.items()
    told = fresh.rows(
        "SELECT count(*), count(DISTINCT submission_id || '/' || number) FROM event WHERE kind = 'declined'"
        " AND campaign_id = ? AND detail LIKE '%looks bought%'",
        shown["id"],
    )
    assert told == [(36, 36)]
    for subject in ("Bad news", "Quite another subject"):
        reply = fresh.send(subject, people(1, 50), story=STORIES["Bad news"])
        assert str(reply).startswith("550 5.7.1 campaign-declined"), reply
        assert "looks bought" in str(reply)
    assert fresh.used()[0] == 8
    # Bodies of what is done are gone (R27).
    kept = "SELECT count(*) FROM body JOIN submission s ON s.id = submission_id WHERE campaign_id = ?"
    assert fresh.rows(kept, shown["id"]) == [(0,)]
    # The next one is staged, also for a sender that is known: a campaign was declined.
    fresh.relay.cli("tenant", "establish", "acme", "--reason", "they promised")
    assert fresh.send("Other news", people(30)).code == 250
    shown = fresh.watched("Other news")
    assert shown["held"] == 27 and shown["reason"].startswith("a campaign of this sender was stopped or declined on ")


def test_the_window_decides(tmp_path: Path) -> None:
    """Short windows: what is clearly good is released by itself, what bounces is stopped and waits for a person.

    One message to all, so that the first part is complete when the window opens, however slow the machine.
    """
    fresh = Fresh(tmp_path, window="2s", least=3, small=0)
    try:
        assert fresh.send("Fine", people(44), together=True).code == 250
        shown = fresh.comes("Fine", state="released", delivered=44, held=0)
        assert shown["decided_by"] == "relay"
        assert shown["why"].startswith("clearly good")
        assert fresh.arrived("Fine") == people(44)
    finally:
        fresh.close()


def test_a_bad_one_is_stopped(tmp_path: Path) -> None:
    fresh = Fresh(tmp_path, window="2s", least=3)
    try:
        for address in people(80):
            fresh.sink.replies[address] = "550 5.7.1 go away"
        assert fresh.send("Spam", people(44), together=True).code == 250
        shown = fresh.comes("Spam", state="stopped", bounced=8)
        assert shown["why"].startswith("clearly bad (bounced)")
        assert fresh.send("Spam", people(2, 61)).code == 250
        assert fresh.comes("Spam", recipients=46, held=38)["state"] == "stopped"
    finally:
        fresh.close()


def test_a_small_campaign_climbs(tmp_path: Path) -> None:
    """10, 30 and 100 %, each step with a window, and no human."""
    fresh = Fresh(tmp_path, window="1s")
    try:
        assert fresh.send("Climbs", people(44), together=True).code == 250
        shown = fresh.comes("Climbs", state="released", delivered=44, held=0)
        assert shown["why"].startswith("nothing is clearly bad")
        story = fresh.rows("SELECT kind, detail FROM event WHERE kind LIKE 'campaign.%' ORDER BY id")
        told = [json.loads(detail) for _, detail in story]
        assert [kind for kind, _ in story] == ["campaign.staged", "campaign.verdict", "campaign.verdict"]
        assert [one.get("verdict") for one in told] == [None, "widened", "released"]
        assert "3 of 10 go now: bounced 0 of 8" in told[1]["why"]
        assert "bounced 0 of 16" in told[2]["why"]
    finally:
        fresh.close()


def test_a_known_sender_s_new_list_is_staged_until_it_was_in_a_released_campaign(fresh: Fresh, tmp_path: Path) -> None:
    """Whatever the sender's age; and a stream of triggered mail once, whatever it says."""
    fresh.relay.cli("tenant", "establish", "acme", "--reason", "known for years")
    proven = time.time() + 1  # the word is kept in whole seconds, and counts for whoever was recorded within that one
    assert fresh.send("Fine", people(30), together=True).code == 250
    fresh.comes("Fine", delivered=30, held=0)
    until(lambda: time.time() > proven, "that second is over")
    bought = tmp_path / "bought.txt"
    bought.write_text("\n".join(people(40, 101)) + "\n")
    fresh.relay.cli(
        "consent", "import", "acme", str(bought), "--topic", "news", "--source", "trade fair in May",
        "--wording", "Yes, send me the news", "--attest",
    )  # fmt: skip
    assert fresh.send("Spam", people(40, 101), together=True).code == 250
    shown = fresh.watched("Spam")
    assert shown["held"] + shown["passed"] == 40 and shown["passed"] in (7, 8)  # the last block of ten is not full
    assert shown["reason"].startswith("a new list: 40 of this day's 70 recipients are on it by the sender's word alone")
    assert "trade fair in May" in shown["reason"]
    fresh.relay.cli("campaign", "release", str(shown["id"]))
    fresh.comes("Spam", delivered=40, held=0, state="released")
    assert fresh.send("Few", people(40, 101), together=True).code == 250
    fresh.comes("Few", delivered=40, held=0, state="open")

    fresh.relay.cli("stream", "add", "acme", "welcome", "--kind", "bulk", "--topic", "news", "--flow")
    fresh.login = fresh.relay.credential("acme", "welcome")
    for number, address in enumerate(people(12)):
        assert fresh.send(list(STORIES)[number % 9], [address]).code == 250
    (flow,) = (row for row in fresh.campaigns() if row["name"] == "flow")
    assert flow["recipients"] == 12 and flow["held"] > 0
    fresh.relay.cli("campaign", "release", str(flow["id"]))
    assert fresh.send("Climbs", people(1, 20)).code == 250
    until(lambda: fresh.campaigns()[0]["held"] == 0 and fresh.campaigns()[0]["delivered"] == 13, "the flow goes on")
