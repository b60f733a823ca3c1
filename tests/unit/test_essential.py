"""What frees a stream from consent, and streams that people need: codes, resets, security alerts (R1, R6, R8)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from policies import consent, unsubscribe_footer
from relay.audit import actions
from relay.cli.main import relay as cli
from relay.feedback.analyse import FeedbackKind, Finding
from relay.feedback.record import Item, record
from relay.keys.secrets import Secrets
from relay.keys.tokens import Mark
from relay.people import consents, service, suppressions
from relay.pipeline.contract import Continue
from relay.queue.operator import Operator
from relay.store.database import migrate, transaction
from relay.texts.language import LANGUAGES
from relay.values.facts import Kind, Reason, Standing, Stream, Suppression
from relay.values.grounds import GROUNDS
from tests.unit.records import NOW, SHOP, agree, column, one, open_shop, put
from tests.unit.test_policies import BULK, DIRECT, TENANT, gone, live, message, rcpt, suppressed, txn

CODES = Stream(7, 1, "codes", Kind.TRANSACTIONAL, "*", False, ground="contract", essential=True)
ORDERS = replace(DIRECT, name="orders", ground="contract")
DAY = 86_400.0

# --- grounds: by the command line -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grounds")


@pytest.fixture(scope="module")
def call(tmp: Path) -> Iterator[Any]:
    """A relay's commands; status and what they say."""
    runner = CliRunner()
    (tmp / "data").mkdir()
    (tmp / "relay.toml").write_text('[server]\nhostname = "relay.example"\n[policies]\norder = []\n')
    migrate(tmp / "data" / "relay.db")
    Secrets.create(tmp / "data" / "secrets")

    def invoke(*words: str) -> tuple[int, str]:
        done = runner.invoke(cli, ["-c", str(tmp / "relay.toml"), *words])
        return done.exit_code, done.output

    invoke("tenant", "add", "shop", "--contact", "owner@shop.example")
    yield invoke


FREE = ("--kind", "transactional", "--consent", "exempt")
WHY = ("--reason", "order confirmations")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--kind", "transactional"), 0, "consent required"),
        ((*FREE,), 1, "--ground contract|legal-duty"),
        ((*FREE, *WHY), 1, "--ground"),
        ((*FREE, "--ground", "contract"), 1, "needs --reason"),
        ((*FREE, "--ground", "contract", "--reason", "  "), 1, "needs --reason"),
        ((*FREE, "--ground", "wish", *WHY), 2, "wish"),
        ((*FREE, "--ground", "contract", *WHY), 0, "consent exempt (contract)"),
        ((*FREE, "--ground", "legal-duty", *WHY), 0, "exempt (legal-duty)"),
        ((*FREE, "--ground", "membership", *WHY), 0, "exempt (membership)"),
        ((*FREE, "--ground", "employment", *WHY), 0, "exempt (employment)"),
        ((*FREE, "--ground", "existing-customer", *WHY), 1, "operator.country"),
        (("--kind", "transactional", "--ground", "contract", *WHY), 1, "--consent exempt"),
        (("--kind", "bulk", "--consent", "exempt", "--ground", "contract", *WHY), 1, "can't be exempt"),
        (("--kind", "bulk", "--consent", "exempt"), 1, "can't be exempt"),
        (("--kind", "bulk", "--essential", *WHY), 1, "never essential"),
        ((*FREE, "--ground", "contract", "--essential"), 1, "needs --reason"),
        (("--kind", "transactional", "--essential"), 1, "needs --reason"),
        ((*FREE, "--ground", "contract", "--essential", *WHY), 0, "essential"),
        ((*FREE, "--ground", "contract", "--reason", "a\tb\x07"), 1, "printable"),
        ((*FREE, "--ground", "contract", "--reason", "x" * 501), 1, "at most 500"),
    ],
)
def test_only_a_ground_frees_a_stream(call: Any, words: tuple[str, ...], status: int, told: str) -> None:
    before = len(json.loads(call("stream", "list", "shop", "--json")[1]))
    got, said = call("stream", "add", "shop", f"extra-{before}", *words)
    assert (got, told in said) == (status, True), said
    made = json.loads(call("stream", "list", "shop", "--json")[1])
    assert len(made) == before + (status == 0), "nothing half stored"


@pytest.mark.parametrize(("country", "status"), [("ee", 0), ("ua", 1), ("", 1)])
def test_being_a_customer_is_a_ground_where_the_law_says_so(call: Any, tmp: Path, country: str, status: int) -> None:
    file = tmp / "relay.toml"
    before = file.read_text()
    file.write_text(before + f'\n[operator]\ncountry = "{country}"\n')
    got, said = call("stream", "add", "shop", f"x{country}", *FREE, "--ground", "existing-customer", *WHY)
    file.write_text(before)
    assert got == status, said


def test_the_ground_is_in_the_log_and_in_the_proof(call: Any, tmp_path: Path) -> None:
    call("tenant", "add", "club", "--contact", "owner@shop.example")
    call("stream", "add", "club", "orders", *FREE, "--ground", "legal-duty", "--reason", "recalls of goods")
    call("topic", "add", "club", "news")
    say = ("--source", "form on shop.example", "--wording", "Yes, send me news.")
    assert call("consent", "add", "club", "ann@people.example", "--topic", "news", *say)[0] == 0
    file = tmp_path / "proof.html"
    status, said = call("consent", "proof", "club", "ann@people.example", "--topic", "news", "--json")
    assert status == 0, said
    found = json.loads(said)
    assert [json.loads(one["record"]["detail"])["ground"] for one in found["freed"]] == ["legal-duty"]
    call("consent", "proof", "club", "ann@people.example", "--topic", "news", "--out", str(file))
    page = file.read_text()
    assert "recalls of goods" in page and "legal-duty" in page


# --- the footer ----------------------------------------------------------------------------------------------


def footer(stream: Stream, language: str = "", settings: Mapping[str, object] | None = None) -> Any:
    told = txn(stream, tenant=replace(TENANT, language=language), recipients=(rcpt(Standing()),))
    verdict = unsubscribe_footer.Policy(settings or {}).on_message(told, message(topic=""))
    assert isinstance(verdict, Continue) and verdict.additions is not None
    return verdict.additions


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_it_names_the_ground_in_every_language(ground: str, code: str) -> None:
    additions = footer(replace(ORDERS, ground=ground), code)
    first = additions.footer_text.splitlines()[1]
    assert "acme" in first and first in additions.footer_html.replace("&#x27;", "'")
    assert "{" not in first


def test_a_stream_of_before_has_none_to_name() -> None:
    assert footer(DIRECT).footer_text.splitlines()[1].startswith("Your preferences: ")


def test_essential_mail_has_no_click_that_ends_it() -> None:
    for settings in ({}, {"transactional": True}):
        additions = footer(CODES, settings=settings)
        assert not [name for name, _ in additions.headers if name.startswith("List-Unsubscribe")]
        assert "unsubscribe_url" not in additions.footer_text + additions.footer_html
        assert "{{preferences_url}}" in additions.footer_text
    assert "List-Unsubscribe" in dict(
        unsubscribe_footer.Policy({"transactional": True})
        .on_message(txn(ORDERS, recipients=(rcpt(),)), message())  # type: ignore[union-attr]
        .popitem()[1]
        .additions.headers
    )


# --- who may be mailed -----------------------------------------------------------------------------------------


def ended(stream: Stream, reason: Reason = Reason.UNSUBSCRIBED, since: float = NOW - 5) -> Suppression:
    return Suppression(reason, None, since, stream.id)


ALL = suppressed(Reason.UNSUBSCRIBED)
SPAM, DEAD, HAND = (suppressed(one) for one in (Reason.COMPLAINT, Reason.HARD_BOUNCE, Reason.HAND))


@pytest.mark.parametrize(
    ("standing", "bulk", "orders", "codes"),
    [
        (Standing(1, (live(),)), "", "", ""),
        (Standing(), "no-consent", "", ""),
        (Standing(1, (gone(),)), "unsubscribed", "", ""),
        (Standing(1, (), (ALL,)), "unsubscribed", "", ""),
        (Standing(1, (live(),), (SPAM,)), "suppressed", "suppressed", ""),
        (Standing(1, (live(),), (DEAD,)), "suppressed", "suppressed", "suppressed"),
        (Standing(1, (live(),), (HAND,)), "suppressed", "suppressed", "suppressed"),
        (Standing(1, (live(),), (ended(ORDERS),)), "", "unsubscribed", ""),
        (Standing(1, (live(),), (ended(CODES),)), "", "", "unsubscribed"),
        (Standing(1, (), (ended(CODES),)), "no-consent", "", "unsubscribed"),
        (Standing(1, (live(),), (SPAM, ended(CODES, Reason.COMPLAINT))), "suppressed", "suppressed", "suppressed"),
        (Standing(1, (live(),), (SPAM, ended(CODES, Reason.COMPLAINT, NOW + 1))), "suppressed", "suppressed", ""),
        (Standing(1, (live(),), (ended(CODES, Reason.COMPLAINT, NOW),)), "", "", "suppressed"),
    ],
)
def test_who_gets_what(standing: Standing, bulk: str, orders: str, codes: str) -> None:
    for stream, expected in ((BULK, bulk), (ORDERS, orders), (CODES, codes)):
        for topic in ("*", "news") if stream is BULK else ("*",):
            status = consent.refused(stream, standing, topic, NOW)
            assert (status.text.partition(":")[0] if status else "") == expected, (stream.name, topic)


# --- ended by the person, or by a complaint ----------------------------------------------------------------------


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    made = open_shop(tmp_path / "relay.db")
    for id_, name, essential in ((3, "orders", 0), (4, "codes", 1)):
        made.execute(
            "INSERT INTO stream (id, tenant_id, name, kind, consent, created_at, ground, essential)"
            " VALUES (?, 1, ?, 'transactional', 'exempt', 0, 'contract', ?)",
            (id_, name, essential),
        )
    return made


def standing(conn: sqlite3.Connection, email: str = "ann.b@gmail.com") -> Standing:
    return consents.standing(conn, SHOP, email, "")


def end(conn: sqlite3.Connection, person: int, stream_id: int) -> bool:
    (wanted,) = [one for one in service.of_person(conn, SHOP, person) if one.stream_id == stream_id]
    with transaction(conn):
        return service.end(conn, SHOP, person, wanted, means="preferences", now=NOW, evidence={"ip": "192.0.2.1"})


def test_one_stream_is_ended_for_every_spelling_and_nothing_else(conn: sqlite3.Connection) -> None:
    person = agree(conn, "ann.b@gmail.com")
    assert end(conn, person, 3) and not end(conn, person, 3)
    for spelling in ("ann.b@gmail.com", "annb@googlemail.com"):
        assert standing(conn, spelling).suppressions == (Suppression(Reason.UNSUBSCRIBED, None, NOW, 3),)
    assert [c.topic for c in standing(conn).consents if c.live] == ["news"]
    shown = {one.name: one.ended_at for one in service.of_person(conn, SHOP, person)}
    assert shown == {"orders": NOW, "codes": None}
    (row,) = suppressions.list_(conn, SHOP)
    assert (row.topic, row.reason) == ("stream orders", Reason.UNSUBSCRIBED)
    with transaction(conn):  # asked for again, by whatever way: it never was a consent
        suppressions.remove(conn, SHOP, "ann.b@gmail.com", why="asked by phone", actor="op", now=NOW + 1)
    assert not standing(conn).suppressions


def test_the_log_agrees_with_what_holds(tmp_path: Path) -> None:
    from relay.audit import sequence, verify
    from tests.unit.audit_world import World

    world = World(tmp_path)
    world.conn.execute(
        "INSERT INTO stream (id, tenant_id, name, kind, consent, created_at, essential)"
        " VALUES (41, ?, 'codes', 'transactional', 'exempt', 0, 1)",
        (SHOP,),
    )
    person = world.person("ann")
    with transaction(world.conn):
        (wanted,) = [one for one in service.of_person(world.conn, SHOP, person) if one.stream_id == 41]
        service.end(world.conn, SHOP, person, wanted, means="preferences", now=world.clock(), evidence={})
        service.complained(world.conn, person, 41, "abuse", world.clock())
    sequence.sequence(world.conn, world.secrets, world.clock)
    found = verify.verify(world.conn, world.secrets)
    assert not found.faults, found.faults


OPERATOR = Operator("relay.example", "Post", ())


def complain(conn: sqlite3.Connection, stream_id: int) -> int:
    person = agree(conn, "ann@people.example")
    id_, _ = put(conn, ["ann@people.example"])
    conn.execute("UPDATE submission SET stream_id = ? WHERE id = ?", (stream_id, id_))
    with transaction(conn):
        finding = Finding(FeedbackKind.COMPLAINT, type="abuse", source="report")
        assert record(conn, Item(Mark(person, 0, id_, 0), finding), NOW, OPERATOR)
        assert not record(conn, Item(Mark(person, 0, id_, 0), finding), NOW + 9, OPERATOR), "once"
    return person


def test_a_complaint_about_essential_mail_stops_that_a_day_after_the_tenant_was_told(
    conn: sqlite3.Connection,
) -> None:
    complain(conn, 4)
    found = standing(conn, "ann@people.example")
    assert set(found.suppressions) == {
        Suppression(Reason.COMPLAINT, None, NOW),
        Suppression(Reason.COMPLAINT, None, NOW + DAY, 4),
    }
    codes, orders = replace(CODES, id=4), replace(ORDERS, id=3)
    assert consent.refused(codes, found, "*", NOW + DAY - 1) is None
    assert consent.refused(codes, found, "*", NOW + DAY) is not None
    assert consent.refused(orders, found, "*", NOW) is not None
    letters = conn.execute("SELECT address, tenant_id FROM recipient WHERE subscriber_id = 0").fetchall()
    assert letters == [("a@b.example", 0)], "the tenant's contact, by the relay's own mail"
    assert column(conn, "SELECT count(*) FROM counter WHERE name LIKE 'messages/%' AND value <> 1") == [0]


def test_a_complaint_about_other_mail_leaves_what_is_essential(conn: sqlite3.Connection) -> None:
    complain(conn, 3)
    found = standing(conn, "ann@people.example")
    assert found.suppressions == (Suppression(Reason.COMPLAINT, None, NOW),)
    assert consent.refused(replace(CODES, id=4), found, "*", NOW + 9 * DAY) is None
    assert one(conn, "SELECT count(*) FROM recipient WHERE subscriber_id = 0") == 0


def test_freeing_is_on_record(conn: sqlite3.Connection) -> None:
    from relay.tenants import streams, tenants

    with transaction(conn):
        shop = tenants.by_id(conn, SHOP)
        streams.add(
            conn, shop, "resets", Kind.TRANSACTIONAL, ground="contract", essential=True,
            reason="links to set  passwords", actor="op", now=NOW,
        )  # fmt: skip
    (entry,) = actions.of_tenant(conn, SHOP, ("stream-added",), 9)
    assert (entry.actor, entry.detail["ground"], entry.detail["essential"], entry.detail["reason"]) == (
        "op", "contract", True, "links to set passwords",
    )  # fmt: skip


def test_who_came_back_to_a_topic_has_not_asked_for_the_stream(conn: sqlite3.Connection) -> None:
    person = agree(conn, "ann@people.example")
    assert end(conn, person, 4)
    with transaction(conn):
        consents.withdraw(conn, SHOP, person, topic_id=1, means="page", now=NOW + 1, evidence={})
    agree(conn, "ann@people.example", now=NOW + 2, means="double-opt-in")
    assert standing(conn, "ann@people.example").suppressions == (Suppression(Reason.UNSUBSCRIBED, None, NOW, 4),)
