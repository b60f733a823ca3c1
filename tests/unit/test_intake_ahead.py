"""Who is asked about next is looked up with who is asked about now, where a look-up is a round trip."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from relay.intake import asking
from relay.intake.ahead import MOST, StandingsAhead, waiting
from relay.mail.address import parse_address
from relay.people import consents, suppressions
from relay.people.standing import standings
from relay.store.database import transaction
from relay.values.facts import Reason
from tests.unit.records import NOW, SECRETS, SHOP, agree, open_shop


class Counting:
    """A connection that counts what is asked of it."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self.asked = 0
        self.in_transaction = False

    def execute(self, sql: str, values: Any = ()) -> Any:
        self.asked += 1
        return self._conn.execute(sql, values)

    def executemany(self, sql: str, rows: Any) -> Any:
        raise AssertionError(sql)


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    conn = open_shop(tmp_path / "relay.db")
    agree(conn, "p0@people.example")
    with transaction(conn):
        for number in range(1, MOST + 20):
            address, text = parse_address(f"p{number}@people.example"), "Send me news."
            consents.give(conn, SECRETS, SHOP, address, topic="news", now=NOW, source="form", wording=text,
                          given_at=NOW, means="form")  # fmt: skip
        consents.subscriber(conn, SHOP, "silent@people.example", NOW)
    left = agree(conn, "left@people.example")
    suppressions.add(conn, left, Reason.COMPLAINT, detail="", now=NOW)
    return conn


def following(people: Sequence[str], at: int) -> Callable[[], Sequence[str]]:
    return lambda: people[at + 1 : at + MOST]


def asked_for(conn: sqlite3.Connection, people: Sequence[str], period: str = "") -> int:
    """Statements that it takes to know all of them; each is known as if it were asked for alone."""
    counting, ahead = Counting(conn), StandingsAhead()
    for at, person in enumerate(people):
        found = ahead.standing(counting, SECRETS, SHOP, person, period, following(people, at))
        assert found == asking.standing_of(conn, SECRETS, SHOP, person, period), person
    return counting.asked


@pytest.mark.parametrize("period", ["", "2026-09"])
@pytest.mark.parametrize(("number", "statements"), [(1, 1), (2, 1), (20, 1), (MOST, 1), (MOST + 1, 2), (MOST + 20, 2)])
def test_a_group_is_one_look_up(conn: sqlite3.Connection, number: int, statements: int, period: str) -> None:
    assert asked_for(conn, [f"p{one}@people.example" for one in range(number)], period) == statements


def test_whom_one_look_up_cannot_tell_is_asked_for_alone(conn: sqlite3.Connection) -> None:
    known = [f"p{one}@people.example" for one in range(3)]
    odd = ["left@people.example", "nobody@people.example", "silent@people.example"]
    alone = Counting(conn)
    for person in odd[:2]:
        asking.standing_of(alone, SECRETS, SHOP, person, "")
    assert asked_for(conn, [*known, *odd]) == 1 + alone.asked
    assert asked_for(conn, odd[::-1] + known) == 1 + alone.asked


def test_other_tenants_people_are_not_known(conn: sqlite3.Connection) -> None:
    assert standings(conn, SHOP + 1, ["p1@people.example", "p2@people.example"], "") == {}
    assert sorted(standings(conn, SHOP, ["p1@people.example", "p2@people.example", "'\"\\%_?é"], "")) == [
        "p1@people.example",
        "p2@people.example",
    ]
    assert standings(conn, SHOP, [], "") == {}


def test_what_was_found_ends_with_its_transaction(conn: sqlite3.Connection) -> None:
    ahead, people = StandingsAhead(), ["p1@people.example", "p2@people.example"]
    ahead.standing(conn, SECRETS, SHOP, people[0], "", following(people, 0))
    person = consents.subscriber(conn, SHOP, people[1], NOW)
    suppressions.add(conn, person, Reason.COMPLAINT, detail="", now=NOW)
    ahead.forget()
    assert ahead.standing(conn, SECRETS, SHOP, people[1], "", following(people, 1)).suppressions


@pytest.mark.parametrize(
    ("octets", "people"),
    [
        (b"", []),
        (b"DATA\r\n", []),
        (b"RCPT TO:<a@b.example>\r\n", ["a@b.example"]),
        (b"rcpt to:<A@B.Example>\r\nRcPt TO:<c@b.example> NOTIFY=NEVER\r\nDATA\r\n", ["A@b.example", "c@b.example"]),
        (b"RCPT TO:<a@b.example>\r\nRCPT TO:<c@b.exam", ["a@b.example"]),  # the rest is still on its way
        (b"RCPT TO:<a@b.example>\r\nNOOP\r\nRCPT TO:<c@b.example>\r\n", ["a@b.example"]),
        (b"RCPT TO:<>\r\nRCPT TO:nobody\r\nRCPT TO:<a@b.example>\r\n", ["a@b.example"]),
        (b"RCPT TO:<a@b.example> NONSENSE=1\r\nRCPT TO:<c@b.example>\r\n", ["c@b.example"]),
        (b"RCPT TO:<\xff@b.example>\r\nRCPT TO:<\xc3\xa9@b.example>\r\nRCPT TO:<c@b.example>\r\n", ["c@b.example"]),
        (
            b"RCPT TO:<a@b.example>\nRCPT TO:<c@b.example>\r\n",
            [],
        ),  # an end of line that isn't one is refused in its turn
        (b"RCPT TO:<a@b.example>\r\n" + b"RCPT TO:<" + b"x" * 3000 + b"@b.example>\r\n", ["a@b.example"]),
        (b"RCPT TO:<@far.example:a@b.example>\r\n", ["a@b.example"]),
        (b"XCPT TO:<a@b.example>\r\n", []),
    ],
)
def test_who_was_sent_ahead(octets: bytes, people: list[str]) -> None:
    assert [one.lower() for one in waiting(bytearray(octets), extended=True, smtputf8=False)] == [
        one.lower() for one in people
    ]


def test_no_more_are_read_than_are_looked_up() -> None:
    lines = bytearray(b"".join(b"RCPT TO:<p%d@b.example>\r\n" % number for number in range(500)))
    assert len(waiting(lines, extended=True, smtputf8=False)) == MOST - 1
    wrong = bytearray(b"RCPT TO:<>\r\n" * 500) + lines
    assert waiting(wrong, extended=True, smtputf8=False) == []
