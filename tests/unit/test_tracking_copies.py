"""Copies with places for tracking: who isn't tracked gets what the sender wrote, and whom that is, is asked seldom."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from relay.keys.secrets import Secrets
from relay.mail.address import parse_address
from relay.mail.own_tracking import LINK_SLOT, PIXEL_SLOT, TrackWish
from relay.mail.render import Renderer
from relay.mail.template import Template
from relay.people.consent_rules import PREFERENCES
from relay.store.as_of import NEVER, AsOf, look
from relay.store.contract import Tx, Values
from relay.store.database import transaction
from relay.store.together import NEIGHBOURS
from relay.tracking import consents
from relay.tracking.consents import Law
from relay.tracking.copies import Agreed, TrackedMessage
from tests.support.web import Shop
from tests.unit.test_own_tracking import LINKS, compiled, message

NOW = time.time()
SECRETS = Secrets({1: b"1" * 32}, 1)
VALUES = {"unsubscribe_url": "https://relay.example/u/x"}
ALL = TrackWish(True, True, decoy=True)
LONG = b"<p>  two  blanks \t and a line of " + b"many words " * 30 + b"</p>\r\n \r\n<p>" + b"=C3=A4" * 30


def made(template: Template) -> TrackedMessage:
    return TrackedMessage(SECRETS, 5, template, Renderer(template).names)


@pytest.mark.parametrize("encoding", ["", "quoted-printable", "base64"])
def test_who_isnt_tracked_gets_the_octets_that_the_sender_wrote(encoding: str) -> None:
    for opening in LINKS:
        template = compiled(message(b"<body>" + LONG + opening + b"x</a></body>\r\n\r\n", encoding=encoding), ALL)
        renderer = Renderer(template)
        tracked = made(template)
        plain = dict.fromkeys(renderer.names, "") | VALUES
        plain |= {f"{LINK_SLOT}{place}": link.raw for place, link in enumerate(template.tracked)}
        untracked = tracked.untracked()
        assert tracked.any and not any(name.startswith("tracking:") for name in untracked.names)
        assert untracked.render(VALUES) == renderer.render(plain)


def test_a_message_without_places() -> None:
    assert not made(compiled(message(b"<p>x</p>"), TrackWish())).any


def test_what_a_tracked_copy_gets() -> None:
    template = compiled(message(b'<body><a href="https://x.example/a">x</a></body>'), ALL)
    values = made(template).tracked("https://t.example", "T" * 47)
    assert values[f"{LINK_SLOT}0"].startswith("https://t.example/c/" + "T" * 47)
    assert f"https://t.example/o/{'T' * 47}.gif" in values[PIXEL_SLOT]


class Asked:
    """A connection, and how often it was asked."""

    def __init__(self, conn: Tx) -> None:
        self.conn = conn
        self.times = 0

    def execute(self, sql: str, values: Values = (), /) -> sqlite3.Cursor:
        self.times += 1
        return self.conn.execute(sql, values)  # type: ignore[return-value]


class House:
    """A shop with one message to many people."""

    def __init__(self, directory: Path, law: Law) -> None:
        self.shop = Shop.create(directory)
        self.conn = self.shop.conn
        self.asked = Asked(self.conn)
        self.agreed = Agreed(self.asked, law)  # type: ignore[arg-type]
        self.people: list[int] = []
        self.as_of = NEVER

    def person(self, address: str) -> int:
        """The number of the message's copy for this person."""
        found = self.shop.consent(address, "news")
        number = len(self.people)
        self.people.append(found)
        with transaction(self.conn):
            self.conn.execute(
                "INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address,"
                " domain, state, due_at, changed_at) VALUES (9, ?, ?, 7, ?, ?, 'firm.example', 0, ?, ?)",
                (number, self.shop.tenant_id, found, address, NOW, NOW),
            )
        return number

    def agree(self, address: str, means: str = "hand", at: float = NOW) -> None:
        with transaction(self.conn):
            consents.give(
                self.conn, self.shop.secrets, self.shop.tenant_id, parse_address(address),
                source="form on acme.example", wording="You may see it.", means=means, given_at=at, now=at,
            )  # fmt: skip

    def withdraw(self, number: int) -> None:
        with transaction(self.conn):
            consents.withdraw(self.conn, self.shop.tenant_id, self.people[number], means="hand", now=NOW, evidence={})

    def look(self, now: float = NOW) -> AsOf:
        self.as_of = look(self.conn, now, self.as_of)
        return self.as_of

    def tracked(self, number: int, now: float = NOW) -> bool:
        return self.agreed.tracked(9, number, self.people[number], self.look(now))


def test_neighbours_are_asked_about_together(tmp_path: Path) -> None:
    house = House(tmp_path, "required")
    for place in range(NEIGHBOURS + 2):
        house.person(f"p{place}@firm.example")
    for place in (1, 5, NEIGHBOURS):
        house.agree(f"p{place}@firm.example")
    found = [number for number in range(NEIGHBOURS + 2) if house.tracked(number)]
    assert found == [1, 5, NEIGHBOURS]
    assert house.asked.times == 2


@pytest.mark.parametrize("law", ["required", "tenant"])
def test_who_withdraws_is_heard_at_once(tmp_path: Path, law: Law) -> None:
    house = House(tmp_path, law)
    one, two = house.person("ann@firm.example"), house.person("ben@firm.example")
    for address in ("ann@firm.example", "ben@firm.example"):
        house.agree(address)
    assert house.tracked(one) and house.tracked(two)
    house.withdraw(one)
    assert not house.tracked(one) and house.tracked(two)
    house.agree("ann@firm.example", means=PREFERENCES, at=NOW + 1)
    assert house.tracked(one, NOW + 2)


def test_who_switches_it_off_beforehand_is_heard_at_once(tmp_path: Path) -> None:
    house = House(tmp_path, "tenant")
    one, two = house.person("a.nn@gmail.com"), house.person("ann+x@gmail.com")
    assert house.tracked(one) and house.tracked(two)
    house.withdraw(one)
    assert not house.tracked(one) and not house.tracked(two)


def test_who_agrees_is_tracked_a_moment_later(tmp_path: Path) -> None:
    house = House(tmp_path, "required")
    one = house.person("ann@firm.example")
    assert not house.tracked(one)
    house.agree("ann@firm.example")
    assert house.tracked(one, NOW + 2)


def test_an_erased_persons_answer_is_gone(tmp_path: Path) -> None:
    house = House(tmp_path, "required")
    one = house.person("ann@firm.example")
    house.agree("ann@firm.example")
    assert house.tracked(one)
    with transaction(house.conn):
        house.conn.execute("DELETE FROM tracking_consent")
    assert not house.tracked(one)
