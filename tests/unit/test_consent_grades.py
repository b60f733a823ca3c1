"""How well a consent is proved, what a topic demands, and a date that nobody stated (R2, R4, R7)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from policies.unsubscribe_footer import reason
from relay.cli.main import relay
from relay.keys.secrets import Secrets
from relay.lists import consent_import
from relay.lists.consent_book import Choice, export
from relay.lists.consent_import import ImportReport, Order
from relay.lists.list_file import Bad, open_list
from relay.mail.address import parse_address
from relay.people import grades, topics
from relay.people.consent_rules import ConsentRefused, terms
from relay.people.doubtful import is_role, near_miss
from relay.people.standing import standing
from relay.store.database import migrate, transaction
from relay.values.facts import Recipient
from tests.unit.records import NOW, SECRETS, SHOP, agree, open_shop

A, B, C = "ann@people.example", "bob@people.example", "cy@people.example"
TERMS = terms(topic="news", source="sign-up form", wording="Send me news.", means="import")


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def take(conn: sqlite3.Connection, tmp_path: Path, text: str) -> tuple[ImportReport, list[Bad]]:
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8")
    told: list[Bad] = []
    return consent_import.run(
        conn, open_list(path), Order(SHOP, SECRETS, TERMS, "root", NOW), refused=told.append
    ), told


def rows(conn: sqlite3.Connection) -> dict[str, tuple[object, ...]]:
    found = conn.execute(
        "SELECT s.address, c.grade, c.dated, c.since FROM consent c JOIN subscriber s ON s.id = c.subscriber_id"
    )
    return {row[0]: tuple(row[1:]) for row in found}


def demand(conn: sqlite3.Connection, grade: str) -> int:
    topic = topics.find(conn, SHOP, "news")
    assert topic is not None
    with transaction(conn):
        return grades.demand(conn, topic, grade)


def live(conn: sqlite3.Connection, email: str) -> bool:
    consent = standing(conn, SHOP, email, "").consent("news")
    return consent is not None and consent.live


def test_each_line_has_the_grade_of_its_evidence(conn: sqlite3.Connection, tmp_path: Path) -> None:
    text = f"email,at,ip,created_at\n{A},2024-05-13,192.0.2.7,\n{B},2024-05-13,,\n{C},,192.0.2.7,2021-03-04\n"
    report, told = take(conn, tmp_path, text)
    assert (report.taken, report.undated, told) == (3, 1, [])
    assert rows(conn) == {A: ("B", 1, ""), B: ("C", 1, ""), C: ("C", 0, "2021-03-04")}
    agree(conn, "di@people.example", means="double-opt-in")
    assert rows(conn)["di@people.example"] == ("A", 1, "")


def test_a_date_that_nobody_stated_is_said_to_be_none(conn: sqlite3.Connection, tmp_path: Path) -> None:
    take(conn, tmp_path, f"email,created_at\n{A},2021-03-04\n{B},\n")
    told = {
        row[0]: json.loads(row[1])
        for row in conn.execute(
            "SELECT s.address, h.evidence FROM consent_history h JOIN subscriber s ON s.id = h.subscriber_id"
        )
    }
    assert told[A]["given"] == told[B]["given"] == "date not stated"
    assert told[A]["list_since"] == "2021-03-04" and "list_since" not in told[B]
    found = {email: standing(conn, SHOP, email, "") for email in (A, B)}
    exported = {row["email"]: row for row in export(conn, SHOP, Choice())}
    assert exported[A]["given_at"] == "" and exported[A]["on_list_since"] == "2021-03-04"
    consent = found[A].consent("news")
    assert consent is not None and not consent.dated and consent.since == "2021-03-04"


def test_an_export_of_undated_consents_stays_undated(conn: sqlite3.Connection, tmp_path: Path) -> None:
    take(conn, tmp_path, f"email,created_at\n{A},2021-03-04\n")
    (row,) = export(conn, SHOP)
    other = open_shop(tmp_path / "other.db")
    header, cells = ",".join(row), ",".join(f'"{value}"' for value in row.values())
    take(other, tmp_path, f"{header}\n{cells}\n")
    assert rows(other) == {A: ("C", 0, "2021-03-04")}


def test_a_topic_demands_a_grade(conn: sqlite3.Connection, tmp_path: Path) -> None:
    take(conn, tmp_path, f"email,at,ip\n{A},2024-05-13,192.0.2.7\n{B},,\n")
    assert live(conn, A) and live(conn, B)
    assert demand(conn, "B") == 1
    assert live(conn, A) and not live(conn, B)
    assert [row["email"] for row in export(conn, SHOP, Choice(live=True))] == [A]
    report, told = take(conn, tmp_path, f"email,at,ip\n{C},2024-05-13,\n")
    assert report.taken == 0 and "demands grade B" in told[0].why
    with pytest.raises(ConsentRefused, match="demands grade B"):
        agree(conn, C, means="hand")
    agree(conn, C, means="hand", ip="192.0.2.9")
    assert live(conn, C)
    demand(conn, "A")
    assert not live(conn, C)
    agree(conn, C, means="double-opt-in")
    assert live(conn, C)


def test_a_better_proof_takes_the_place_of_a_worse_one(conn: sqlite3.Connection, tmp_path: Path) -> None:
    take(conn, tmp_path, f"email\n{A}\n")
    agree(conn, A, means="double-opt-in", given_at=NOW + 5, now=NOW + 5)
    agree(conn, A, means="hand", given_at=NOW + 9, now=NOW + 9)
    assert rows(conn) == {A: ("A", 1, "")}
    assert conn.execute("SELECT given_at FROM consent").fetchone()[0] == NOW + 5


@pytest.mark.parametrize("local", ["abuse", "postmaster", "no-reply", "webmaster", "info", "abuse+x"])
def test_a_role_needs_its_own_double_opt_in(conn: sqlite3.Connection, tmp_path: Path, local: str) -> None:
    email = f"{local}@people.example"
    report, told = take(conn, tmp_path, f"email\n{A}\n{email}\n")
    assert report.taken == 1 and "role" in told[0].why
    with pytest.raises(ConsentRefused, match="role"):
        agree(conn, email, means="hand")
    agree(conn, email, means="double-opt-in")
    assert live(conn, email)


def test_people_are_no_roles() -> None:
    assert not any(is_role(f"{local}@people.example") for local in ("ann", "abusebuster", "infos", "x+info"))


SLIPS = {
    "gmial.com": "gmail.com",
    "gmal.com": "gmail.com",
    "gmail.con": "gmail.com",
    "hotmial.com": "hotmail.com",
    "yaho.com": "yahoo.com",
    "outlok.com": "outlook.com",
    "iclod.com": "icloud.com",
    "gmail.com": "",
    "ymail.com": "",
    "email.com": "",
    "hotmail.fr": "",
    "people.example": "",
    "gmx.de": "",
}


@pytest.mark.parametrize(("domain", "expected"), SLIPS.items())
def test_slips_of_large_domains(domain: str, expected: str) -> None:
    assert near_miss(domain) == expected


def test_the_footer_makes_no_date_up(conn: sqlite3.Connection, tmp_path: Path) -> None:
    from tests.unit.test_policies import TENANT

    take(conn, tmp_path, f"email,at,created_at\n{A},,2021-03-04\n{B},,\n{C},2024-05-13,2021-03-04\n")
    said = {}
    for email in (A, B, C):
        address = parse_address(email)
        rcpt = Recipient(email, email, address.domain, standing(conn, SHOP, email, ""))
        said[email] = reason(TENANT, "news", rcpt.standing.consent("news"))
    assert 'on the list "news" of acme since 2021-03-04; it was taken over on ' in said[A]
    assert "no date is stated, the list was taken over on " in said[B]
    assert "13" in said[C]


def test_the_command_demands_and_shows(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    settings = tmp_path / "relay.toml"
    settings.write_text('[server]\nhostname = "relay.example"\n')
    migrate(tmp_path / "data" / "relay.db")
    Secrets.create(tmp_path / "data" / "secrets")
    path = tmp_path / "list.csv"
    path.write_text(f"email,status\n{A},active\n{B},unsubscribed\n{C},gold\n")

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(relay, ["-c", str(settings), *words])
        return result.exit_code, result.stdout

    run("tenant", "add", "shop", "--contact", "owner@shop.example")
    run("topic", "add", "shop", "news")
    words: tuple[str, ...] = (
        "consent",
        "import",
        "shop",
        str(path),
        "--topic",
        "news",
        "--source",
        "form on shop.example",
    )
    words += ("--wording", "Yes", "--attest")
    code, out = run(*words, "--dry-run")
    assert code == 0 and all(len(line) <= 80 for line in out.splitlines()), out
    assert "--take-suppressions" in out and "1 unsubscribed" in out and "'status' is 'gold'" in out
    tried = json.loads(run(*words, "--dry-run", "--json")[1])
    assert (tried["consents"], tried["offered_suppressions"], tried["refused"]) == (1, 1, 1)
    assert json.loads(run("suppression", "list", "shop", "--json")[1]) == []
    assert run(*words, "--strict", "--dry-run")[0] == 1
    assert run(*words, "--take-suppressions", "--status", "gold=refuse")[0] == 0
    (stopped,) = json.loads(run("suppression", "list", "shop", "--json")[1])
    assert (stopped["email"], stopped["reason"]) == (B, "unsubscribed")
    person = json.loads(run("consent", "show", "shop", A, "--json")[1])
    assert person["consents"][0]["grade"] == "C" and person["consents"][0]["given_at"] is None
    assert run("consent", "demand", "shop", "--topic", "news", "--grade", "B")[0] == 0
    assert run("consent", "demand", "shop", "--topic", "none", "--grade", "B")[0] == 1
    made = json.loads(run("topic", "edit", "shop", "news", "--grade", "A", "--json")[1])
    assert (made["grade"], made["below"]) == ("A", 1)
    assert run("topic", "add", "shop", "offers", "--grade", "B", "--title", "Our offers")[0] == 0
    listed = json.loads(run("topic", "list", "shop", "--json")[1])
    assert [(one["name"], one["grade"]) for one in listed] == [("news", "A"), ("offers", "B")]
    assert run("topic", "edit", "shop", "news", "--grade", "D")[0] == 2
    assert run("topic", "edit", "shop", "news")[0] == 1
