"""Topics are made on purpose: what makes one, what doesn't, and what is said of one that isn't there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.intake.reading import topic_of
from relay.lists import consent_import
from relay.lists.list_file import ListFile, open_list
from relay.mail.address import parse_address
from relay.people import consents, topics
from relay.people.consent_rules import ConsentRefused, terms
from relay.signup import forms
from relay.store.database import connect, migrate, transaction
from relay.tenants import streams, tenants
from relay.values.facts import Kind
from relay.values.nearest import nearest
from tests.support.store import dump
from tests.unit.records import NOW, SECRETS, SHOP, column, open_shop
from tests.unit.test_policies import BULK, DIRECT, NEWS, TENANT

RIVAL = 2
"""The tenant that has no topic yet."""


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def by_consent(conn: sqlite3.Connection, tenant_id: int, topic: str) -> None:
    consents.give(
        conn, SECRETS, tenant_id, parse_address("ann@people.example"), topic=topic, source="sign-up form",
        wording="Send me news.", means="api", given_at=NOW, now=NOW,
    )  # fmt: skip


def by_stream(conn: sqlite3.Connection, tenant_id: int, topic: str) -> None:
    streams.add(conn, tenants.by_id(conn, tenant_id), "own", Kind.BULK, topic=topic, actor="anna", now=NOW)


def by_form(conn: sqlite3.Connection, tenant_id: int, topic: str) -> None:
    owner = tenants.by_id(conn, tenant_id)
    wish = forms.FormWish((topic,), "Send me news.")
    forms.add(conn, owner, "footer", wish, languages=("en",), actor="anna", now=NOW)


WAYS = [by_consent, by_stream, by_form]


@pytest.mark.parametrize("way", WAYS)
def test_the_first_is_made_by_whatever_needs_it(
    conn: sqlite3.Connection, way: Callable[[sqlite3.Connection, int, str], None]
) -> None:
    way(conn, RIVAL, "news")
    assert [row.name for row in topics.of_tenant(conn, RIVAL)] == ["news"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("topic", "meant"), [("New", "news"), ("nwes", "news"), ("NEWS", "news"), ("news ltr", "news"), ("offers", "")]
)
def test_a_further_one_is_an_error_that_says_what_was_meant(
    conn: sqlite3.Connection, way: Callable[[sqlite3.Connection, int, str], None], topic: str, meant: str
) -> None:
    before = dump(conn)
    with pytest.raises(ConsentRefused) as refused, transaction(conn):
        way(conn, SHOP, topic)
    assert refused.value.word == "topic"
    assert ("did you mean" in refused.value.text) == bool(meant) and meant in refused.value.text
    assert "there are: news; `relay topic add` makes one" in refused.value.text
    assert dump(conn) == before


def order_for(tmp_path: Path, tenant_id: int, topic: str, dry_run: bool) -> tuple[ListFile, consent_import.Order]:
    file = tmp_path / "list.txt"
    file.write_text("ann@people.example\n")
    said = terms(topic=topic, source="till in the shop", wording="Yes.", means="import")
    return open_list(file), consent_import.Order(tenant_id, SECRETS, said, "anna", NOW, dry_run=dry_run)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_list_makes_no_second_topic_by_a_slip(conn: sqlite3.Connection, tmp_path: Path, dry_run: bool) -> None:
    file, order = order_for(tmp_path, SHOP, "offers", dry_run)
    with pytest.raises(ConsentRefused, match="there is no topic 'offers'"):
        consent_import.run(conn, file, order, refused=lambda bad: None)
    assert column(conn, "SELECT name FROM topic") == ["news"] and not conn.in_transaction


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_list_makes_no_topic_not_even_the_first(conn: sqlite3.Connection, tmp_path: Path, dry_run: bool) -> None:
    file, order = order_for(tmp_path, RIVAL, "news", dry_run)
    with pytest.raises(ConsentRefused, match="there are: none yet; `relay topic add`"):
        consent_import.run(conn, file, order, refused=lambda bad: None)
    assert column(conn, f"SELECT name FROM topic WHERE tenant_id = {RIVAL}") == []
    assert column(conn, f"SELECT count(*) FROM subscriber WHERE tenant_id = {RIVAL}") == [0]


def test_a_form_is_refused_whole_for_one_topic(conn: sqlite3.Connection) -> None:
    owner = tenants.by_id(conn, SHOP)
    wish = forms.FormWish(("news", "nws"), "Send me news.")
    with pytest.raises(ConsentRefused, match="did you mean 'news'"), transaction(conn):
        forms.add(conn, owner, "footer", wish, languages=("en",), actor="anna", now=NOW)
    assert column(conn, "SELECT count(*) FROM form") == [0]


@pytest.mark.parametrize(
    ("name", "more", "word"),
    [
        ("news", {}, "exists"),
        ("News", {}, "exists"),
        ("*", {}, "topic"),
        ("", {}, "topic"),
        ("x" * 101, {"title": "Short"}, "topic"),
        ("offers", {"title": "see https://shop.example"}, "topic"),
        ("offers", {"title": "x" * 61}, "topic"),
        ("offers", {"title": "Call +49 30 1234567"}, "topic"),
        ("offers", {"description": "x" * 501}, "topic"),
        ("offers", {"description": "a\u202eb"}, "topic"),
        ("shop.example", {}, "topic"),
    ],
)
def test_what_can_t_be_added(conn: sqlite3.Connection, name: str, more: dict[str, str], word: str) -> None:
    with pytest.raises(ConsentRefused) as refused:
        topics.add(conn, SHOP, name, actor="anna", now=NOW, **more)
    assert refused.value.word == word and column(conn, "SELECT name FROM topic") == ["news"]


def test_what_people_read_can_be_changed_the_name_can_t(conn: sqlite3.Connection) -> None:
    made = topics.add(conn, SHOP, "shop.example-2", title="Weekly news", actor="anna", now=NOW)
    assert made.shown == "Weekly news"
    changed = topics.edit(conn, SHOP, made.name, title=None, description="Each  Friday.", actor="anna", now=NOW)
    assert (changed.title, changed.description) == ("Weekly news", "Each Friday.")
    with pytest.raises(ConsentRefused, match="can't stand in a confirmation letter"):
        topics.edit(conn, SHOP, made.name, title="", description=None, actor="anna", now=NOW)


@pytest.mark.parametrize(
    ("stream", "wished", "expected"),
    [
        (BULK, "", "news"),
        (BULK, "offers", "offers"),
        (BULK, "*", "*"),
        (NEWS, "", "news"),
        (NEWS, "offers", "offers"),
        (DIRECT, "", ""),
        (DIRECT, "offers", "offers"),
    ],
)
def test_the_topic_of_a_message(stream: object, wished: str, expected: str) -> None:
    """The tenant has two: mail that names none goes on under the first. What isn't there, the policy says."""
    assert topic_of(TENANT, stream, wished) == expected  # type: ignore[arg-type]


def test_another_default_can_be_set(conn: sqlite3.Connection) -> None:
    shop = tenants.by_id(conn, SHOP)
    topics.add(conn, SHOP, "offers", actor="anna", now=NOW)
    with pytest.raises(ConsentRefused, match="did you mean 'offers'"):
        streams.set_default_topic(conn, shop, "bulk", "offer", actor="anna", now=NOW)
    stream = streams.set_default_topic(conn, shop, "bulk", "offers", actor="anna", now=NOW)
    assert topic_of(TENANT, stream, "") == "offers"
    stream = streams.set_default_topic(conn, shop, "bulk", "", actor="anna", now=NOW)
    assert topic_of(TENANT, stream, "") == "news"


def test_topics_that_streams_are_for_were_meant(tmp_path: Path) -> None:
    """Of before topics were made on purpose: such a stream goes on."""
    path = tmp_path / "old.db"
    migrate(path)
    conn = connect(path)
    sql = next(p for p in Path("relay/store/migrations").glob("0094_*.sql")).read_text()
    conn.execute(
        "INSERT INTO tenant (id, name, contact, plan_started_at, created_at) VALUES (1, 'old', 'a@b.example', 0, 0)"
    )
    for name, topic in (("bulk", "*"), ("own", "offers")):
        conn.execute(
            "INSERT INTO stream (tenant_id, name, kind, topic, consent, created_at)"
            " VALUES (1, ?, 'bulk', ?, 'required', 0)",
            (name, topic),
        )
    for _ in range(2):
        conn.execute(sql[sql.index("INSERT INTO topic") :].partition(";\n")[0])
    assert column(conn, "SELECT name FROM topic") == ["offers"]


@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        ("newsleter", ("offers", "newsletter"), "newsletter"),
        ("НОВОСТИ", ("новости",), "новости"),
        ("xyz", ("news",), ""),
        ("", ("news",), ""),
        ("news", (), ""),
        ("n" * 10_000, ("n" * 10_000,), "n" * 10_000),
    ],
)
def test_what_was_meant(name: str, names: tuple[str, ...], expected: str) -> None:
    assert nearest(name, names) == expected
