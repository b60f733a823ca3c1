"""Did this person leave? One rule, and the same answer at RCPT, before delivery, in lists, by hand and in forms."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from policies import consent as policy
from relay.lists import consent_import
from relay.lists.consent_import import Order
from relay.lists.list_file import Bad, open_list
from relay.mail.address import parse_address
from relay.people import consents, left, suppressions, topics
from relay.people.consent_rules import ConsentRefused, terms
from relay.people.consents import EVERYTHING
from relay.people.standing import standing, standing_by_id
from relay.rights import erasure
from relay.store.database import transaction
from relay.values.facts import Consent, Kind, Reason, Standing, Stream, Suppression
from relay.values.left import left_all_at, left_at
from tests.unit.records import NOW, SECRETS, SHOP, agree, make_topic, open_shop

DAY = 86_400.0
ANN = "ann.b@gmail.com"
SPELLED = "annb+shop@googlemail.com"
EXEMPT = Stream(1, SHOP, "letters", Kind.TRANSACTIONAL, "*", False)
Story = Callable[[sqlite3.Connection], None]


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    made = open_shop(tmp_path / "relay.db")
    with transaction(made):
        for topic in ("news", "offers"):
            make_topic(made, topic)
    yield made
    made.close()


def leave(conn: sqlite3.Connection, email: str = ANN, topic: str = "", day: float = 1) -> None:
    with transaction(conn):
        person = consents.subscriber(conn, SHOP, parse_address(email).canonical, NOW)
        topic_id = topics.find(conn, SHOP, topic) or EVERYTHING
        consents.withdraw(
            conn, SHOP, person, topic_id=topic_id, means="link", now=NOW + day * DAY, evidence={"ip": "192.0.2.1"}
        )


def back(conn: sqlite3.Connection, topic: str = "news", email: str = ANN, day: float = 2) -> None:
    agree(conn, email, topic=topic, means="double-opt-in", now=NOW + day * DAY)


def stop(conn: sqlite3.Connection, reason: Reason, email: str = ANN) -> None:
    with transaction(conn):
        person = consents.subscriber(conn, SHOP, parse_address(email).canonical, NOW)
        suppressions.add(conn, person, reason, now=NOW + DAY)


def erase(conn: sqlite3.Connection) -> None:
    erasure.erase(conn, SECRETS, SHOP, parse_address(ANN).canonical, actor="root", now=NOW + DAY)


def later(conn: sqlite3.Connection) -> None:
    """A topic that nobody had heard of."""
    with transaction(conn):
        make_topic(conn, "winter")


def story(*steps: Story) -> Story:
    def all_of_it(conn: sqlite3.Connection) -> None:
        for step in steps:
            step(conn)

    return all_of_it


def gives(conn: sqlite3.Connection) -> None:
    agree(conn, ANN)


STORIES = [
    ("nobody knows the person", story(), "news", None),
    ("agreed", gives, "news", None),
    ("agreed to another topic", gives, "offers", None),
    ("left the topic", story(gives, lambda c: leave(c, topic="news")), "news", 1),
    ("left another topic", story(gives, lambda c: leave(c, topic="offers")), "news", None),
    ("left everything", story(gives, leave), "news", 1),
    ("left everything, had never agreed", leave, "news", 1),
    ("left everything: other topics too", story(gives, leave), "offers", 1),
    ("left everything: topics made later too", story(gives, leave, later), "winter", 1),
    ("left, came back by itself", story(gives, lambda c: leave(c, topic="news"), back), "news", None),
    ("left everything, came back to this", story(gives, leave, back), "news", None),
    ("left everything, came back to another", story(gives, leave, back), "offers", 1),
    ("left everything, came back to one; a topic made later", story(gives, leave, back, later), "winter", 1),
    ("came back to both", story(leave, back, lambda c: back(c, "offers")), "offers", None),
    ("came back and left again", story(gives, leave, back, lambda c: leave(c, topic="news", day=3)), "news", 3),
    ("came back and left all again", story(gives, leave, back, lambda c: leave(c, day=3)), "offers", 3),
    ("left under another spelling", story(gives, lambda c: leave(c, SPELLED)), "news", 1),
    ("left a topic under another spelling", story(gives, lambda c: leave(c, SPELLED, "news")), "news", 1),
    ("never known, left under another spelling", lambda c: leave(c, SPELLED), "news", 1),
    # What comes back is that spelling; this one stays silent until it comes back too.
    ("came back under another spelling", story(leave, lambda c: back(c, email=SPELLED)), "news", 1),
    ("left twice", story(gives, leave, lambda c: leave(c, topic="news", day=4)), "news", 1),
    ("its mailbox is dead: that is no leaving", story(gives, lambda c: stop(c, Reason.HARD_BOUNCE)), "news", None),
    ("it complained: that is no leaving", story(gives, lambda c: stop(c, Reason.COMPLAINT)), "news", None),
]


def asked(conn: sqlite3.Connection, topic: str) -> dict[str, bool]:
    """Whether the person left, by who asks."""
    canonical = parse_address(ANN).canonical
    known = standing(conn, SHOP, canonical, "2026-09")
    again = known if known.subscriber_id is None else standing_by_id(conn, known.subscriber_id)
    return {
        "at RCPT": "unsubscribed" in str(policy.refused(EXEMPT, known, topic, NOW)),
        "before delivery": "unsubscribed" in str(policy.refused(EXEMPT, again, topic, NOW)),
        "by hand": _refused(conn, topic),
        "in a list": _in_list(conn, topic),
    }


def _refused(conn: sqlite3.Connection, topic: str) -> bool:
    conn.execute("BEGIN")
    try:
        consents.give(
            conn, SECRETS, SHOP, parse_address(ANN), topic=topic, source="sign-up form", wording="Yes.", means="hand",
            given_at=NOW + 9 * DAY, now=NOW + 9 * DAY,
        )  # fmt: skip
    except ConsentRefused as error:
        return "unsubscribed" in str(error)
    finally:
        conn.execute("ROLLBACK")
    return False


def _in_list(conn: sqlite3.Connection, topic: str) -> bool:
    said = terms(topic=topic, source="sign-up form", wording="Yes.", means="import")
    bad: list[Bad] = []
    order = Order(SHOP, SECRETS, said, "root", NOW + 9 * DAY, True)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "list.csv"
        path.write_text(f"{ANN}\n")
        consent_import.run(conn, open_list(path), order, refused=bad.append)
    return bool(bad)


@pytest.mark.parametrize(("tells", "topic", "day"), [one[1:] for one in STORIES], ids=[one[0] for one in STORIES])
def test_everybody_gets_the_same_answer(conn: sqlite3.Connection, tells: Story, topic: str, day: float | None) -> None:
    tells(conn)
    at = None if day is None else NOW + day * DAY
    assert left.left_at(conn, SECRETS, SHOP, parse_address(ANN).canonical, topic) == at
    assert asked(conn, topic) == dict.fromkeys(("at RCPT", "before delivery", "by hand", "in a list"), day is not None)


def test_who_was_erased_has_left_for_whoever_would_record_a_consent(conn: sqlite3.Connection) -> None:
    gives(conn)
    erase(conn)
    found = asked(conn, "news")
    assert (found["by hand"], found["in a list"]) == (True, True)
    assert left.left_at(conn, SECRETS, SHOP, SPELLED, "news") == NOW + DAY


def gone(topic: str | None, at: float) -> Suppression:
    return Suppression(Reason.UNSUBSCRIBED, topic, at)


RULE = [
    ((), (), None, None),
    ((Consent("a", True, 1.0, "s", None),), (), None, None),
    ((Consent("a", False, 1.0, "s", 4.0),), (), 4.0, None),
    ((Consent("a", False, 1.0, "s", None),), (), 1.0, None),  # no time is known: since it was given
    ((Consent("b", False, 1.0, "s", 4.0),), (), None, None),
    ((), (gone("a", 2.0),), 2.0, None),
    ((), (gone("b", 2.0),), None, None),
    ((), (gone(None, 2.0),), 2.0, 2.0),
    ((), (gone(None, 2.0), gone("a", 3.0)), 3.0, 2.0),
    ((Consent("a", True, 5.0, "s", None),), (gone(None, 2.0),), None, None),
    ((Consent("a", True, 5.0, "s", None),), (gone(None, 6.0),), 6.0, 6.0),
    ((Consent("a", True, 5.0, "s", None),), (gone("a", 6.0),), 6.0, None),
    ((Consent("a", True, 5.0, "s", None),), (gone("a", 5.0),), 5.0, None),  # at the same moment: silence
    ((Consent("b", True, 5.0, "s", None),), (gone(None, 2.0),), 2.0, None),
    ((), (Suppression(Reason.COMPLAINT, None, 2.0),), None, None),
]


@pytest.mark.parametrize(("given", "ended", "topic", "everything"), RULE)
def test_the_rule(
    given: tuple[Consent, ...], ended: tuple[Suppression, ...], topic: float | None, everything: float | None
) -> None:
    known = Standing(1, given, ended)
    assert (left_at(known, "a"), left_all_at(known)) == (topic, everything)
