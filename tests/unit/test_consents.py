"""Giving, withdrawing, standing (R1 to R3, R8)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from msgspec import structs

from relay.people import consents, suppressions, topics
from relay.people import standing as standings
from relay.people.consents import EVERYTHING, ConsentRefused
from relay.values.facts import Consent, Reason, Standing, Suppression
from tests.support.store import dump, of_a_file
from tests.unit.records import NOW, SHOP, agree, column, one, open_shop, put

DAY = 86400.0
ANN = "ann@people.example"


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def standing(conn: sqlite3.Connection, email: str = ANN) -> Standing:
    found = consents.standing(conn, SHOP, email, "2026-09")
    if found.subscriber_id is not None:
        same = structs.replace(found, counted=False)
        assert consents.standing_by_id(conn, found.subscriber_id) == same
        told = {} if found.suppressions else {found.subscriber_id: in_order(same)}
        by_id = standings.standings_by_id(conn, [found.subscriber_id, 999_999])
        assert {person: in_order(one) for person, one in by_id.items()} == told
        by_address = standings.standings(conn, SHOP, [email, "nobody@people.example"], "2026-09")
        assert [in_order(one) for one in by_address.values()] == ([] if found.suppressions else [in_order(found)])
    return found


def in_order(found: Standing) -> Standing:
    """Its consents by topic: they come in any order."""
    return structs.replace(found, consents=tuple(sorted(found.consents, key=lambda one: one.topic)))


def withdraw(conn: sqlite3.Connection, person: int, topic_id: int, *, now: float = NOW + DAY, **more: int) -> bool:
    return consents.withdraw(
        conn, SHOP, person, topic_id=topic_id, means="link", now=now, evidence={"ip": "192.0.2.1"}, **more
    )


def history(conn: sqlite3.Connection) -> list[tuple[int, str, float, float, dict[str, object]]]:
    rows = conn.execute("SELECT topic_id, action, at, recorded_at, evidence FROM consent_history ORDER BY id")
    return [(*row[:4], json.loads(row[4])) for row in rows]


def test_unknown_person_has_an_empty_standing(conn: sqlite3.Connection) -> None:
    assert standing(conn) == Standing() == consents.standing_by_id(conn, 7)


def test_a_person_without_consent_is_known(conn: sqlite3.Connection) -> None:
    person = consents.subscriber(conn, SHOP, ANN, NOW)
    assert consents.subscriber(conn, SHOP, ANN, NOW + 1) == person
    assert standing(conn) == Standing(subscriber_id=person)


def test_given_consent_is_in_the_standing_with_its_proof(conn: sqlite3.Connection) -> None:
    person = agree(conn, "Ann@People.Example", given_at=NOW - DAY, ip="2001:DB8::1", page="https://shop.example/join")
    given = Consent(
        "news", True, NOW - DAY, "sign-up form", None, page="https://shop.example/join", grade="B", recorded_at=NOW
    )
    assert standing(conn) == Standing(person, (given,))
    row = conn.execute("SELECT ip, page, means, recorded_at, channel FROM consent").fetchone()
    assert row == ("2001:db8::1", "https://shop.example/join", "form", NOW, "email")
    assert one(conn, "SELECT text FROM wording") == "Send me news."
    ((_, action, at, recorded_at, evidence),) = history(conn)
    assert (action, at, recorded_at) == ("given", NOW - DAY, NOW)
    assert evidence["source"] == "sign-up form" and evidence["ip"] == "2001:db8::1" and evidence["actor"] == "cli"
    assert one(conn, "SELECT text FROM wording WHERE id = ?", evidence["wording_id"]) == "Send me news."


def test_tenants_do_not_see_each_other(conn: sqlite3.Connection) -> None:
    agree(conn, ANN)
    assert consents.standing(conn, 2, ANN, "2026-09") == Standing()


def test_counted_is_of_the_period(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    conn.execute("INSERT INTO counted VALUES (?, 'subscribers/2026-09', ?, 1)", (SHOP, person))
    conn.execute("INSERT INTO counted VALUES (2, 'subscribers/2026-10', ?, 1)", (person,))
    assert standing(conn).counted
    assert not consents.standing(conn, SHOP, ANN, "2026-10").counted


def test_a_live_consent_stays_and_the_new_one_is_history(conn: sqlite3.Connection) -> None:
    agree(conn, ANN, source="first form", given_at=NOW - DAY)
    agree(conn, ANN, source="second form", wording="Other words.")
    (consent,) = standing(conn).consents
    assert (consent.source, consent.given_at) == ("first form", NOW - DAY)
    assert [h[4]["source"] for h in history(conn)] == ["first form", "second form"]


REFUSALS = [
    ({"topic": ""}, "topic"),
    ({"topic": "  "}, "topic"),
    ({"topic": "*"}, "topic"),
    ({"topic": "x" * 101}, "topic"),
    ({"topic": "a\nb"}, "topic"),
    ({"source": ""}, "source"),
    ({"source": "-"}, "source"),
    ({"source": "Unknown"}, "source"),
    ({"source": "N/A"}, "source"),
    ({"source": " other. "}, "source"),
    ({"source": "(none)"}, "source"),
    ({"source": "misc"}, "source"),
    ({"source": "Неизвестно"}, "source"),
    ({"source": "bought from a broker"}, "source"),
    ({"source": "a Purchased list"}, "source"),
    ({"source": "rented"}, "source"),
    ({"source": "harvested from forums"}, "source"),
    ({"source": "scraped"}, "source"),
    ({"source": "x" * 501}, "source"),
    ({"source": "form\x1b[2J"}, "source"),
    ({"wording": " \n"}, "wording"),
    ({"wording": "x" * 20_001}, "wording"),
    ({"wording": "a\0b"}, "wording"),
    ({"means": "guess"}, "means"),
    ({"given_at": NOW + 61}, "time"),
    ({"given_at": -1.0}, "time"),
    ({"given_at": float("nan")}, "time"),
    ({"ip": "300.1.1.1"}, "ip"),
    ({"page": "a\r\nb"}, "page"),
]


@pytest.mark.parametrize(("wrong", "word"), REFUSALS)
def test_what_proves_nothing_is_refused(conn: sqlite3.Connection, wrong: dict[str, object], word: str) -> None:
    with pytest.raises(ConsentRefused) as refused:
        agree(conn, ANN, **wrong)  # type: ignore[arg-type]
    assert refused.value.word == word
    assert "\n" not in refused.value.text and str(refused.value) == refused.value.text
    assert column(conn, "SELECT id FROM subscriber UNION ALL SELECT id FROM wording") == []


@pytest.mark.parametrize(
    "source", ["current customers' form", "Other People's Shop", "parent evening", "test shop", "форма"]
)
def test_sources_that_only_look_alike_are_taken(conn: sqlite3.Connection, source: str) -> None:
    agree(conn, ANN, source=source)


def test_small_clock_differences_are_taken(conn: sqlite3.Connection) -> None:
    agree(conn, ANN, given_at=NOW + 60)


def test_withdrawing_one_topic(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    agree(conn, ANN, topic="offers")
    news = topics.find(conn, SHOP, "news")
    assert news is not None
    assert withdraw(conn, person, news)
    found = standing(conn)
    assert [(c.topic, c.live, c.withdrawn_at) for c in found.consents] == [
        ("news", False, NOW + DAY),
        ("offers", True, None),
    ]
    assert found.suppressions == (Suppression(Reason.UNSUBSCRIBED, "news", NOW + DAY),)
    assert history(conn)[-1] == (news, "withdrawn", NOW + DAY, NOW + DAY, {"ip": "192.0.2.1", "means": "link"})
    assert column(conn, "SELECT kind FROM event WHERE kind <> 'consent.given'") == ["unsubscribed"]


def test_withdrawing_everything(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    agree(conn, ANN, topic="offers")
    assert withdraw(conn, person, EVERYTHING)
    found = standing(conn)
    assert not any(c.live for c in found.consents)
    assert found.suppressions == (Suppression(Reason.UNSUBSCRIBED, None, NOW + DAY),)


def test_a_topic_of_another_tenant_means_everything(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    other = topics.first_or_known(conn, 2, "news")
    assert withdraw(conn, person, other)
    assert standing(conn).suppressions[0].topic is None


@pytest.mark.parametrize("everything_first", [True, False])
def test_a_second_withdrawal_changes_nothing(conn: sqlite3.Connection, everything_first: bool) -> None:
    person = agree(conn, ANN)
    news = topics.find(conn, SHOP, "news")
    assert news is not None
    topic = EVERYTHING if everything_first else news
    assert withdraw(conn, person, topic)
    before = dump(conn)
    assert not withdraw(conn, person, topic, now=NOW + 2 * DAY)
    assert not withdraw(conn, person, news, now=NOW + 2 * DAY)
    assert dump(conn) == before


def test_withdrawing_without_a_consent_suppresses(conn: sqlite3.Connection) -> None:
    person = consents.subscriber(conn, SHOP, ANN, NOW)
    assert withdraw(conn, person, EVERYTHING)
    assert standing(conn).suppressions != ()


def test_an_erased_or_foreign_person_changes_nothing(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    before = dump(conn)
    assert not withdraw(conn, 99, EVERYTHING)
    assert not consents.withdraw(conn, 2, person, topic_id=0, means="link", now=NOW, evidence={})
    assert dump(conn) == before


def test_a_campaign_counts_a_person_once(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    agree(conn, ANN, topic="offers")
    news = topics.find(conn, SHOP, "news")
    assert news is not None
    id_, _ = put(conn, [ANN], campaign="autumn")
    assert withdraw(conn, person, news, submission_id=id_, number=0)
    assert withdraw(conn, person, EVERYTHING, submission_id=id_, number=0)
    assert column(conn, "SELECT unsubscribed FROM campaign") == [1]
    events = conn.execute("SELECT submission_id, number, campaign_id FROM event WHERE kind = 'unsubscribed'").fetchall()
    assert events == [(id_, 0, 1), (id_, 0, 1)]


def test_a_copy_of_someone_else_counts_nothing(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    agree(conn, "bob@people.example")
    id_, _ = put(conn, ["bob@people.example"], campaign="autumn")
    assert withdraw(conn, person, EVERYTHING, submission_id=id_, number=0)
    assert column(conn, "SELECT unsubscribed FROM campaign") == [0]


@pytest.mark.parametrize("means", ["hand", "import", "api", "form"])
@pytest.mark.parametrize("everything", [True, False])
def test_nobody_else_brings_a_person_back(conn: sqlite3.Connection, means: str, everything: bool) -> None:
    person = agree(conn, ANN)
    withdraw(conn, person, EVERYTHING if everything else 1)
    before = dump(conn)
    with pytest.raises(ConsentRefused) as refused:
        agree(conn, ANN, means=means, now=NOW + 9 * DAY)
    assert refused.value.word == "unsubscribed"
    assert dump(conn) == before


def test_a_suppression_alone_says_unsubscribed_too(conn: sqlite3.Connection) -> None:
    person = consents.subscriber(conn, SHOP, ANN, NOW)
    suppressions.add(conn, person, Reason.UNSUBSCRIBED, now=NOW)
    with pytest.raises(ConsentRefused, match="double opt-in"):
        agree(conn, ANN, now=NOW + DAY)


@pytest.mark.parametrize("given_at", [NOW + DAY - 1, NOW + DAY])
def test_an_opt_in_before_the_withdrawal_lifts_nothing(conn: sqlite3.Connection, given_at: float) -> None:
    person = agree(conn, ANN)
    withdraw(conn, person, 1)
    with pytest.raises(ConsentRefused):
        agree(conn, ANN, means="double-opt-in", given_at=given_at, now=NOW + 3 * DAY)


def test_a_fresh_double_opt_in_lifts_its_topic(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    withdraw(conn, person, 1)
    agree(conn, ANN, means="double-opt-in", now=NOW + 3 * DAY)
    assert standing(conn) == Standing(
        person, (Consent("news", True, NOW + 3 * DAY, "sign-up form", None, grade="A", recorded_at=NOW + 3 * DAY),)
    )
    assert [h[1] for h in history(conn)] == ["given", "withdrawn", "given"]


def test_an_opt_in_to_one_topic_leaves_the_others_ended(conn: sqlite3.Connection) -> None:
    person = agree(conn, ANN)
    agree(conn, ANN, topic="offers")
    withdraw(conn, person, EVERYTHING)
    agree(conn, ANN, means="double-opt-in", now=NOW + 3 * DAY)
    everything = Suppression(Reason.UNSUBSCRIBED, None, NOW + DAY)  # for topics that are made later
    assert standing(conn).suppressions == (Suppression(Reason.UNSUBSCRIBED, "offers", NOW + DAY), everything)
    for topic in ("offers", "a topic made later"):
        with pytest.raises(ConsentRefused):
            agree(conn, ANN, topic=topic, now=NOW + 4 * DAY)
    agree(conn, ANN, topic="news", now=NOW + 4 * DAY)
    agree(conn, ANN, topic="a topic made later", means="double-opt-in", now=NOW + 4 * DAY)
    assert [c.topic for c in standing(conn).consents if c.live] == ["news", "a topic made later"]


@pytest.mark.parametrize("reason", [Reason.HARD_BOUNCE, Reason.COMPLAINT, Reason.HAND])
def test_other_suppressions_do_not_stop_recording(conn: sqlite3.Connection, reason: Reason) -> None:
    person = consents.subscriber(conn, SHOP, ANN, NOW)
    suppressions.add(conn, person, reason, detail="x", now=NOW)
    agree(conn, ANN)
    agree(conn, ANN, means="double-opt-in")
    assert standing(conn).suppressions == (Suppression(reason, None, NOW),)


def test_what_is_suppressed_stands_in_the_consents(conn: sqlite3.Connection) -> None:
    """Whichever of the two comes first, and until the last one is lifted."""

    def marks() -> list[object]:
        return column(conn, "SELECT suppressed FROM consent ORDER BY topic_id, subscriber_id")

    person = agree(conn, ANN)
    assert marks() == [0]
    for reason in (Reason.COMPLAINT, Reason.HAND):
        suppressions.add(conn, person, reason, detail="", now=NOW)
    agree(conn, ANN, topic="offers")
    agree(conn, "bob@people.example")
    assert marks() == [1, 0, 1] and len(standing(conn).suppressions) == 2
    conn.execute("DELETE FROM suppression WHERE reason = 'hand'")
    assert marks() == [1, 0, 1] and len(standing(conn).suppressions) == 1
    conn.execute("DELETE FROM suppression")
    assert marks() == [0, 0, 0] and standing(conn).suppressions == ()


def test_another_spelling_of_the_mailbox_is_marked_too(conn: sqlite3.Connection) -> None:
    def marks() -> list[object]:
        return column(conn, "SELECT suppressed FROM consent ORDER BY subscriber_id, topic_id")

    first, _ = agree(conn, "ann.b@gmail.com"), agree(conn, "annb@gmail.com")
    agree(conn, "bob@people.example")
    agree(conn, "bobby@gmail.com")
    suppressions.add(conn, first, Reason.COMPLAINT, detail="", now=NOW)
    agree(conn, "a.nnb+x@googlemail.com")
    assert marks() == [1, 1, 0, 0, 1]
    assert all(standing(conn, email).suppressions for email in ("annb@gmail.com", "a.nnb+x@googlemail.com"))
    conn.execute("DELETE FROM suppression")
    assert marks() == [0, 0, 0, 0, 0] and standing(conn, "annb@gmail.com").suppressions == ()


@of_a_file("plans of its queries")
def test_standing_is_found_by_indexes_only(conn: sqlite3.Connection) -> None:
    plans = [
        str(row[3])
        for sql, values in ((standings._BY_ADDRESS[True], (1, "p", "a")), (standings._BY_ID, (1,)))
        for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}", values)
    ]
    assert plans and not [step for step in plans if step.startswith("SCAN")]
