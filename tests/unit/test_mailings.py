"""Mailings: what may be written, whom they are for, and that each step is taken once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from relay.audit import actions
from relay.lists.stopping import suppress
from relay.mailings import audience, mailings, progress, writing
from relay.mailings.audience import AudienceMember
from relay.mailings.mailings import Mailing, MailingContent, MailingState
from relay.people import profiles
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.values.errors import RegistryError
from relay.values.facts import Reason
from tests.support.web import Shop

GIVEN = {"subject": "News", "source": "<p>Hello</p>", "author": "news@acme.example", "topic": "news"}
DOMAINS = ("acme.example", "münchen.example")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.create(tmp_path)
    for number in range(6):
        made.consent(f"p{number}@people.example", "news")
    return made


def content(**given: str) -> MailingContent:
    return writing.checked({**GIVEN, **given}, (), DOMAINS)


def begun(shop: Shop, **given: str) -> Mailing:
    with transaction(shop.conn) as conn:
        id_ = mailings.add(conn, shop.tenant_id, content(**given), actor="t", now=time.time())
        row = mailings.find(conn, shop.tenant_id, id_)
        assert row is not None
        mailings.start(conn, row, at=None, last_at=None, actor="t", now=time.time())
    return again(shop, row)


def again(shop: Shop, row: Mailing) -> Mailing:
    found = mailings.find(shop.conn, row.tenant_id, row.id)
    assert found is not None
    return found


# --- what may be written ------------------------------------------------------------------

WRONG: tuple[tuple[dict[str, str], str], ...] = (
    ({"subject": ""}, "subject"),
    ({"subject": "   "}, "subject"),
    ({"subject": "a\x07b"}, "subject is one line"),
    ({"subject": "x" * 901}, "at most 900"),
    ({"source": ""}, "no content"),
    ({"source": " \n "}, "no content"),
    ({"source": "caf\ufffd"}, "UTF-8"),
    ({"source": "a\x00b"}, "UTF-8"),
    ({"written": "\ufffd"}, "UTF-8"),
    ({"format": "docx"}, "format"),
    ({"format": ""}, "format"),
    ({"format": "mjml", "source": "<mjml><mj-body><mj-no></mjml>"}, "mjml"),
    ({"source": "{{ name"}, "expected"),
    ({"source": "{% if x %}a{% endif %}"}, "conditions"),
    ({"source": "{% for x in y %}a{% endfor %}"}, "conditions"),
    ({"source": "{% assign a = 1 %}{{ a }}"}, "conditions"),
    ({"subject": "{% if a %}b{% endif %}"}, "conditions"),
    ({"written": "{% if a %}b{% endif %}"}, "conditions"),
    ({"source": "{{ name | nosuch }}"}, "filter"),
    ({"author": ""}, "sender's address"),
    ({"author": "news"}, "sender's address"),
    ({"author": "a@b@c"}, "sender's address"),
    ({"author": "news@other.example"}, "isn't a proved domain"),
    ({"author": "news@notacme.example"}, "isn't a proved domain"),
    ({"author": "news@example"}, "domain"),
    ({"reply_to": "nowhere"}, "reply address"),
    ({"track": "everything"}, "track"),
    ({"author_name": "a\nb\x1b"}, "name"),
    ({"name": "n" * 121}, "at most 120"),
)


@pytest.mark.parametrize(("given", "told"), WRONG)
def test_what_cannot_be_sent_is_told(given: dict[str, str], told: str) -> None:
    with pytest.raises(RegistryError, match=told):
        content(**given)


RIGHT: tuple[tuple[dict[str, str], str, str], ...] = (
    ({}, "<p>Hello</p>", "Hello\n"),
    ({"format": "text", "source": "Plain {{ email }}"}, "", "Plain {{ email }}"),
    ({"format": "markdown", "source": "# Hi\n\n{{ name }}"}, "<h1>Hi</h1>", "Hi"),
    ({"format": "mjml", "source": "<mjml><mj-body><mj-text>Hi</mj-text></mj-body></mjml>"}, "Hi", "Hi"),
    ({"written": "Own text"}, "<p>Hello</p>", "Own text"),
    ({"source": "<a href='{{unsubscribe_url}}'>off</a>{{relay_footer}}"}, "{{unsubscribe_url}}", "off"),
    ({"author": "news@mail.acme.example"}, "<p>Hello</p>", "Hello"),
    ({"author": "NEWS@ACME.EXAMPLE"}, "<p>Hello</p>", "Hello"),
    ({"author": "news@münchen.example"}, "<p>Hello</p>", "Hello"),
    ({"track": "clicks"}, "<p>Hello</p>", "Hello"),
    ({"source": "<p>{{ name | default: 'you' }}</p>"}, "default", "default"),
)


@pytest.mark.parametrize(("given", "html", "text"), RIGHT)
def test_what_can_be_sent(given: dict[str, str], html: str, text: str) -> None:
    if "münchen" in given.get("author", ""):
        found = writing.checked({**GIVEN, **given}, (), ("xn--mnchen-3ya.example",))
    else:
        found = content(**given)
    assert html in found.html and text in found.text
    assert bool(found.html) == (given.get("format") != "text")


@pytest.mark.parametrize(
    ("subject", "name"),
    [("News", "News"), ("Hi {{ name }}, news", "Hi , news"), ("{{ a }}", "{{ a }}"), ("a  b", "a b")],
)
def test_a_mailing_without_a_name_is_called_by_its_subject(subject: str, name: str) -> None:
    assert content(subject=subject).name == name


def test_values_of_a_person() -> None:
    found = writing.values_of(AudienceMember(1, "a@people.example", {"first name": "Ann", "email": "x", "city": "Ülo"}))
    assert found == {"first name": "Ann", "first_name": "Ann", "city": "Ülo", "email": "a@people.example"}


# --- whom it is for -----------------------------------------------------------------------


def test_who_would_get_it_and_who_not(shop: Shop) -> None:
    conn = shop.conn
    shop.consent("other@people.example", "offers")
    with transaction(conn):
        suppress(conn, shop.tenant_id, "p1@people.example", Reason.HAND, detail="", means="hand", now=time.time())
        suppress(conn, shop.tenant_id, "p2@people.example", Reason.COMPLAINT, detail="", means="x", now=time.time())
        suppress(conn, shop.tenant_id, "p2@people.example", Reason.HAND, detail="", means="x", now=time.time())
        suppress(conn, shop.tenant_id, "p3@people.example", Reason.UNSUBSCRIBED, detail="", means="x", now=time.time())
    found = audience.figures(conn, audience.of(conn, shop.tenant_id, "news", ()))
    assert (found.agreed, dict(found.suppressed), found.left) == (5, {"hand": 1, "complaint": 1}, 1)
    assert found.reachable == 3


def test_groups_are_any_of_them(shop: Shop) -> None:
    conn = shop.conn
    sql = "SELECT id FROM subscriber WHERE address = ?"
    with transaction(conn):
        for number, joined in ((0, "a"), (1, "b"), (2, "ab"), (3, "c")):
            person = shop.value(sql, f"p{number}@people.example")
            profiles.change(conn, shop.tenant_id, person, attributes={}, join=joined, now=time.time())

    def addresses(*groups: str) -> list[str]:
        who = audience.of(conn, shop.tenant_id, "news", groups)
        found = audience.batch(conn, who, 0, audience.last(conn, who), 100)
        assert audience.count(conn, who) == len(found)
        return [one.address[:2] for one in found]

    assert addresses() == ["p0", "p1", "p2", "p3", "p4", "p5"]
    assert addresses("a") == ["p0", "p2"] and addresses("a", "b") == ["p0", "p1", "p2"] and addresses("c") == ["p3"]
    for topic, groups in (("no-such", ()), ("news", ("no-such",)), ("", ())):
        with pytest.raises(RegistryError):
            audience.of(conn, shop.tenant_id, topic, groups)
    other, _ = shop.add_tenant("other")
    with pytest.raises(RegistryError):
        audience.of(conn, other, "news", ())


def test_people_come_in_batches(shop: Shop) -> None:
    who = audience.of(shop.conn, shop.tenant_id, "news", ())
    last = audience.last(shop.conn, who)
    found, after = [], 0
    while members := audience.batch(shop.conn, who, after, last, 2):
        assert len(members) <= 2
        found += [one.address for one in members]
        after = members[-1].id
    assert found == [f"p{number}@people.example" for number in range(6)]
    late = shop.consent("late@people.example", "news")
    assert late > last and audience.batch(shop.conn, who, after, last, 2) == []


# --- how far it has come ------------------------------------------------------------------


def taken(shop: Shop, row: Mailing, step: tuple[int, int], **more: object) -> bool:
    values = {"accepted": 2, "refused": ["suppressed"], "later": (), "again": (), **more}
    again_ = values.pop("again")
    with transaction(shop.conn) as conn:
        return progress.take(conn, row.id, step, again_, **values)  # type: ignore[arg-type]


def test_a_step_is_taken_once_and_in_order(shop: Shop) -> None:
    row = begun(shop)
    assert (row.state, row.people, row.reached) == (MailingState.SENDING, 6, 0) and row.up_to > 0
    assert not taken(shop, row, (1, 2))
    assert taken(shop, row, (0, 3))
    assert not taken(shop, row, (0, 3))
    assert taken(shop, row, (3, 4), refused=["suppressed", "unsubscribed"])
    found = again(shop, row)
    assert (found.reached, found.accepted, found.refused) == (4, 4, 3)
    assert mailings.refusals(shop.conn, row.id) == {"suppressed": 2, "unsubscribed": 1}


def test_what_was_stopped_takes_nothing(shop: Shop) -> None:
    row = begun(shop)
    with transaction(shop.conn) as conn:
        mailings.stop(conn, row, actor="ann", now=5.0)
    assert not taken(shop, row, (0, 3))
    assert again(shop, row).accepted == 0
    with transaction(shop.conn) as conn:
        mailings.go_on(conn, again(shop, row), actor="ann", now=6.0)
    assert taken(shop, row, (0, 3))
    told = actions.of_tenant(shop.conn, shop.tenant_id, ("mailing-started", "mailing-stopped", "mailing-resumed"), 9)
    assert [one.action for one in told] == ["mailing-started", "mailing-stopped", "mailing-resumed"]
    assert told[1].actor == "ann"


def test_who_is_asked_for_again_is_taken_once(shop: Shop) -> None:
    row = begun(shop)
    assert taken(shop, row, (0, 3), later=[1, 2, 3])
    assert mailings.waiting(shop.conn, row.id) == 3
    assert taken(shop, row, (3, 3), again=[1, 2], later=[2], accepted=1, refused=[])
    assert mailings.waiting(shop.conn, row.id) == 2
    with pytest.raises(ZeroDivisionError), transaction(shop.conn) as conn:
        if not progress.take(conn, row.id, (3, 3), [1], accepted=1, refused=[], later=[]):
            raise ZeroDivisionError
    assert (again(shop, row).accepted, mailings.waiting(shop.conn, row.id)) == (3, 2)


def test_waiting_halting_and_the_end_are_of_the_place_it_stood_at(shop: Shop) -> None:
    row = begun(shop)
    assert taken(shop, row, (0, 3))
    acts: tuple[Callable[[Tx], object], ...] = (
        lambda conn: progress.wait(conn, row.id, 0, "rate: slow", 9.0),
        lambda conn: progress.halt(conn, row.id, 0, "content: bad"),
        lambda conn: progress.end(conn, row.id, 0, 9.0),
    )
    for act in acts:
        with transaction(shop.conn) as conn:
            act(conn)
        found = again(shop, row)
        assert (found.state, found.why, found.wait_until) == (MailingState.SENDING, "", None)
    with transaction(shop.conn) as conn:
        progress.wait(conn, row.id, 3, "rate: slow", time.time() + 60)
    assert again(shop, row).why == "rate: slow" and mailings.active(shop.conn, time.time()) == []
    assert taken(shop, row, (3, 4)) and again(shop, row).why == ""
    with transaction(shop.conn) as conn:
        progress.halt(conn, row.id, 4, "content: bad")
    assert (again(shop, row).state, again(shop, row).why) == (MailingState.STOPPED, "content: bad")


# --- its life -----------------------------------------------------------------------------


def test_drafts_alone_are_changed_and_deleted(shop: Shop) -> None:
    with transaction(shop.conn) as conn:
        id_ = mailings.add(conn, shop.tenant_id, content(), actor="t", now=1.0)
    row = mailings.find(shop.conn, shop.tenant_id, id_)
    assert row is not None and row.content == content() and row.state is MailingState.DRAFT
    with transaction(shop.conn) as conn:
        mailings.change(conn, row, replace(content(), subject="Other"), 2.0)
    assert again(shop, row).content.subject == "Other"
    started = begun(shop)
    acts: tuple[Callable[[Tx], object], ...] = (
        lambda conn: mailings.change(conn, started, content(), 2.0),
        lambda conn: mailings.remove(conn, started),
        lambda conn: mailings.start(conn, started, at=None, last_at=None, actor="t", now=2.0),
        lambda conn: mailings.go_on(conn, started, actor="t", now=2.0),
    )
    for act in acts:
        with pytest.raises(RegistryError), transaction(shop.conn) as conn:
            act(conn)
    with transaction(shop.conn) as conn:
        mailings.remove(conn, row)
    assert mailings.find(shop.conn, shop.tenant_id, id_) is None
    assert mailings.find(shop.conn, shop.tenant_id + 1, started.id) is None


@pytest.mark.parametrize(
    ("at", "last_at"),
    [(0.0, None), (-5.0, None), (91 * 86_400.0, None), (60.0, 30.0), (None, -1.0), (None, 99 * 86_400.0)],
)
def test_times_that_cannot_be(shop: Shop, at: float | None, last_at: float | None) -> None:
    now = time.time()
    with transaction(shop.conn) as conn:
        id_ = mailings.add(conn, shop.tenant_id, content(), actor="t", now=now)
    row = mailings.find(shop.conn, shop.tenant_id, id_)
    assert row is not None
    with pytest.raises(RegistryError), transaction(shop.conn) as conn:
        mailings.start(
            conn, row, at=None if at is None else now + at, last_at=None if last_at is None else now + last_at,
            actor="t", now=now,
        )  # fmt: skip
    assert again(shop, row).state is MailingState.DRAFT


def test_what_is_planned_begins_at_its_time_and_can_be_a_draft_again(shop: Shop) -> None:
    now = time.time()
    with transaction(shop.conn) as conn:
        id_ = mailings.add(conn, shop.tenant_id, content(), actor="t", now=now)
        row = mailings.find(conn, shop.tenant_id, id_)
        assert row is not None
        mailings.start(conn, row, at=now + 60, last_at=None, actor="t", now=now)
    assert mailings.active(shop.conn, now + 59) == []
    assert [one.id for one in mailings.active(shop.conn, now + 61)] == [id_]
    with transaction(shop.conn) as conn:
        mailings.stop(conn, again(shop, row), actor="t", now=now)
    assert again(shop, row).state is MailingState.DRAFT and mailings.active(shop.conn, now + 61) == []
