"""consent, suppression, campaign, queue, trace, stats: as a person calls them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from relay.cli.main import relay
from relay.keys.secrets import Secrets
from relay.pipeline.contract import Stage
from relay.queue.nodes import Node, beat
from relay.queue.values import Claim
from relay.store.database import transaction
from relay.values.ids import encode_id
from tests.support.store import dump
from tests.unit.records import COUNTER, NOW, SHOP, agree, column, one, open_shop, put

pytestmark = pytest.mark.usefixtures("lots_in_order")

Call = Callable[..., tuple[int, str, str]]
ANN, BOB = "ann@people.example", "bob@people.example"
SAYS = ("--topic", "news", "--source", "sign-up form", "--wording", "Send me news.")


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    (tmp_path / "data").mkdir()
    (tmp_path / "relay.toml").write_text('[server]\nhostname = "relay.example"\n[policies]\norder = []\n')
    Secrets.create(tmp_path / "data" / "secrets")
    conn = open_shop(tmp_path / "data" / "relay.db")
    yield conn
    conn.close()


@pytest.fixture
def call(conn: sqlite3.Connection, tmp_path: Path) -> Call:
    def run(*words: object) -> tuple[int, str, str]:
        result = CliRunner().invoke(relay, ["-c", str(tmp_path / "relay.toml"), *map(str, words)])
        return result.exit_code, result.stdout, result.stderr

    return run


def parsed(answer: tuple[int, str, str], status: int = 0) -> Any:
    assert answer[0] == status, answer
    return json.loads(answer[1])


def said(answer: tuple[int, str, str], told: str) -> str:
    assert answer[0] == 0 and told in answer[1], answer
    return answer[1]


def refused(answer: tuple[int, str, str], told: str, status: int = 1) -> None:
    assert answer[0] == status and told in answer[2], answer
    assert answer[2].startswith("relay: ") and answer[2].count("\n") == 1


# --- consent -------------------------------------------------------------------------


def test_a_consent_by_hand(call: Call) -> None:
    person = parsed(call("consent", "add", "shop", ANN, *SAYS, "--ip", "192.0.2.1", "--at", "2026-01-02", "--json"))
    (consent,) = person["consents"]
    assert consent["topic"] == "news" and consent["live"] and consent["means"] == "hand"
    assert consent["given_at"] == "2026-01-02T00:00:00.000Z" and consent["ip"] == "192.0.2.1"
    assert person["history"][0]["action"] == "given"
    assert parsed(call("consent", "show", "shop", ANN.upper(), "--json")) == person
    text = said(call("consent", "show", "shop", ANN), "Send me news.")
    assert "2026-01-02T00:00:00Z" in text


def test_consents_that_are_refused(call: Call) -> None:
    refused(call("consent", "add", "shop", ANN, "--topic", "*", *SAYS[2:]), "one named topic")
    refused(call("consent", "add", "shop", ANN, *SAYS[:3], "unknown", *SAYS[4:]), "vague")
    refused(call("consent", "add", "shop", ANN, *SAYS, "--at", "2999-01-01"), "future")
    refused(call("consent", "add", "shop", ANN, *SAYS, "--ip", "x"), "IP address")
    refused(call("consent", "add", "nobody", ANN, *SAYS), "nobody")
    refused(call("consent", "add", "shop", "nobody", *SAYS), "@ is missing", 2)
    refused(call("consent", "add", "shop", ANN, *SAYS[2:]), "--topic TOPIC, or --tracking", 2)
    refused(call("consent", "add", "shop", ANN, *SAYS, "--tracking"), "--topic TOPIC, or --tracking", 2)
    refused(call("consent", "show", "shop", ANN), f"shop knows no {ANN}")


def test_withdrawing_and_never_again(call: Call) -> None:
    call("consent", "add", "shop", ANN, *SAYS)
    said(call("consent", "withdraw", "shop", ANN, "--topic", "news"), "gets nothing more of shop on news")
    said(call("consent", "withdraw", "shop", ANN, "--topic", "news"), "that was so before")
    person = parsed(call("consent", "withdraw", "shop", ANN, "--json"))
    assert [s["topic"] for s in person["suppressions"]] == ["*", "news"]
    refused(call("consent", "add", "shop", ANN, *SAYS), "double opt-in")
    refused(call("consent", "withdraw", "shop", BOB), "relay suppression add shop")
    refused(call("consent", "withdraw", "shop", ANN, "--topic", "offers"), "no topic 'offers'")


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    rows = "".join(f"u{i}@people.example;x\n" for i in range(3)) + "".join(f"bad{i};x\n" for i in range(25))
    path.write_text("E-mail;Name\n" + rows)
    return path


def test_an_import_tells_every_line(call: Call, listing: Path, tmp_path: Path) -> None:
    report = tmp_path / "refused.csv"
    text = said(
        call("consent", "import", "shop", listing, *SAYS, "--attest", "--report", report),
        "28 lines: 3 taken, 0 there already, 25 refused\n",
    )
    assert "line 5: bad0: the @ is missing\n" in text and "line 24: bad19" in text and "line 25" not in text
    assert f"and 5 more; all of them are in {report}" in text
    assert len(report.read_text().splitlines()) == 26 and "29,bad24,the @ is missing" in report.read_text()
    again = parsed(call("consent", "import", "shop", listing, *SAYS, "--attest", "--json"))
    assert (again["lines"], again["taken"], again["duplicates"], again["refused"]) == (28, 0, 3, 25)
    assert again["reasons"] == {"the @ is missing": 25}
    assert [r["line"] for r in again["refusals"]] == list(range(5, 30))
    assert again["refusals"][0] == {"line": 5, "text": "bad0", "reason": "the @ is missing"}


def test_an_import_that_changes_nothing(call: Call, conn: sqlite3.Connection, listing: Path, tmp_path: Path) -> None:
    before = dump(conn)
    refused(call("consent", "import", "shop", listing, *SAYS), "you state that everyone in this file agreed")
    refused(call("consent", "import", "shop", listing, *SAYS[:3], "purchased", *SAYS[4:], "--attest"), "purchased")
    refused(call("consent", "import", "shop", tmp_path, *SAYS, "--attest"), "directory")
    refused(call("consent", "import", "shop", tmp_path / "gone", *SAYS, "--attest"), "No such file")
    refused(call("consent", "import", "shop", tmp_path / "data" / "relay.db", *SAYS, "--attest"), "is a database")
    said(call("consent", "import", "shop", listing, *SAYS, "--dry-run"), "3 taken")
    refused(call("consent", "import", "shop", listing, *SAYS), "say --attest")
    assert dump(conn) == before


def test_an_import_of_people_who_left_fails(call: Call, conn: sqlite3.Connection, tmp_path: Path) -> None:
    agree(conn, ANN)
    call("consent", "withdraw", "shop", ANN)
    (tmp_path / "list.txt").write_text(ANN)
    status, text, _ = call("consent", "import", "shop", tmp_path / "list.txt", *SAYS, "--attest")
    assert status == 1 and f"line 1: {ANN}: the person unsubscribed" in text


def test_export(call: Call, conn: sqlite3.Connection, tmp_path: Path) -> None:
    agree(conn, ANN)
    path = tmp_path / "out.csv"
    said(call("consent", "export", "shop", path), "1 consents written")
    assert path.read_text().splitlines()[1].startswith(f"{ANN},news,yes,2026-09-21T14:13:20Z,,sign-up form")
    refused(call("consent", "export", "shop", tmp_path / "gone" / "out.csv"), "No such file")
    untouched = path.read_bytes()
    refused(
        call("consent", "export", "shop", path, "--topic", "nwes"),
        "there is no topic 'nwes'; did you mean 'news'? there are news",
    )
    refused(call("consent", "export", "shop", path, "--group", "vip"), "there is no group 'vip'; there is none")
    refused(call("consent", "export", "shop", path, "--attribute", "city=Lviv"), "there is no attribute 'city'")
    assert path.read_bytes() == untouched


# --- suppression ------------------------------------------------------------------------


def test_suppressions(call: Call, conn: sqlite3.Connection, tmp_path: Path) -> None:
    agree(conn, ANN)
    said(
        call("suppression", "add", "shop", ANN, "--reason", "asked by phone"), f"{ANN} gets nothing more of shop (hand)"
    )
    said(call("suppression", "add", "shop", ANN, "--reason", "hand"), "that was so before")
    assert parsed(call("suppression", "add", "shop", BOB, "--reason", "unsubscribed", "--json"))["changed"]
    rows = parsed(call("suppression", "list", "shop", "--json"))
    assert [(r["email"], r["reason"], r["topic"], r["detail"]) for r in rows] == [
        (ANN, "hand", "*", "asked by phone"),
        (BOB, "unsubscribed", "*", "hand"),
    ]
    assert ANN not in said(call("suppression", "list", "shop", "--reason", "unsubscribed"), BOB)
    path = tmp_path / "out.csv"
    said(call("suppression", "export", "shop", path), "2 suppressions written")
    imported = parsed(call("suppression", "import", "rival", path, "--json"))
    assert (imported["taken"], imported["refused"]) == (2, 0)
    assert [r["reason"] for r in parsed(call("suppression", "list", "rival", "--json"))] == ["hand", "unsubscribed"]
    said(call("suppression", "remove", "shop", ANN, "--reason", "was a mistake"), f"lifted for {ANN}: hand")
    refused(call("suppression", "remove", "shop", BOB, "--reason", "please"), "only a fresh consent by the person")
    refused(call("suppression", "remove", "shop", ANN, "--reason", "again"), "not suppressed")
    refused(call("suppression", "add", "shop", ANN, "--reason", " "), "reason is empty")
    assert len(column(conn, "SELECT 1 FROM audit WHERE action LIKE 'suppression-%'")) == 3


# --- campaign, stats ------------------------------------------------------------------------


@pytest.fixture
def staged(conn: sqlite3.Connection) -> int:
    for name in ("ann", "bob", "cy"):
        agree(conn, f"{name}@people.example")
    _, done = put(conn, [ANN, BOB, "cy@people.example"], campaign="autumn", stage=Stage(10, 1))
    assert done.campaign_id is not None
    return done.campaign_id


def test_a_campaign_released(call: Call, staged: int) -> None:
    (row,) = parsed(call("campaign", "list", "shop", "--json"))
    assert (row["id"], row["tenant"], row["name"], row["state"]) == (staged, "shop", "autumn", "staged")
    assert (row["recipients"], row["passed"], row["held"]) == (3, 1, 2)
    said(call("campaign", "list"), "autumn")
    assert parsed(call("campaign", "list", "rival", "--json")) == []
    said(call("campaign", "release", staged), f"campaign {staged} released, 2 held copies go now")
    shown = parsed(call("campaign", "show", staged, "--json"))
    assert (shown["state"], shown["held"], shown["why"]) == ("released", 0, "released by the administrator")
    refused(call("campaign", "release", staged), "already")
    refused(call("campaign", "show", 99), "no campaign 99")


def test_a_campaign_declined(call: Call, conn: sqlite3.Connection, staged: int) -> None:
    refused(call("campaign", "decline", staged), "--reason", 2)
    refused(call("campaign", "decline", staged, "--reason", " "), "reason is empty")
    shown = parsed(call("campaign", "decline", staged, "--reason", "complaints", "--json"))
    assert (shown["state"], shown["dropped"], shown["held"], shown["why"]) == ("declined", 2, 0, "complaints")
    assert one(conn, "SELECT value FROM counter WHERE name = ?", COUNTER) == 1


def test_stats(call: Call, staged: int) -> None:
    figures = {
        "accepted": 3,
        "delivered": 0,
        "bounced": 0,
        "deferred": 0,
        "held": 2,
        "unsubscribed": 0,
        "complained": 0,
        "contested": 0,
        "refused": {},
        "opened": dict.fromkeys(("total", "human", "unsure", "proxy", "prefetch", "scanner", "hits"), 0),
        "clicked": dict.fromkeys(("total", "human", "unsure", "proxy", "prefetch", "scanner", "hits"), 0),
        "forwarded": 0,
    }
    assert parsed(call("stats", "shop", "--json")) == {"tenant": "shop"} | figures
    head = {"tenant": "shop", "campaign": staged, "name": "autumn", "state": "staged"}
    for name in (staged, "autumn"):
        assert parsed(call("stats", "shop", "--campaign", name, "--json")) == head | figures
    refused(call("stats", "shop", "--campaign", "spring"), "no campaign 'spring'")
    refused(call("stats", "rival", "--campaign", staged), "no campaign")


# --- queue, trace ---------------------------------------------------------------------------------


def test_events_of_the_last_hours(call: Call, conn: sqlite3.Connection) -> None:
    agree(conn, ANN)
    said(call("events", "shop", "--since", "12h"), "AT")
    refused(call("events", "shop", "--since", "soonish"), "12h or 7d", 2)


def test_the_queue(call: Call, conn: sqlite3.Connection) -> None:
    id_ = encode_id(put(conn, [ANN, "bob@Other.example"])[0])
    rows = parsed(call("queue", "list", "--tenant", "shop", "--domain", "People.Example", "--json"))
    assert [(r["id"], r["number"], r["address"], r["state"]) for r in rows] == [(id_, 0, ANN, "ready")]
    said(call("queue", "hold", id_.upper(), "--reason", "odd"), "2 copies held")
    assert {r["reason"] for r in parsed(call("queue", "list", "--state", "held", "--json"))} == {"operator: odd"}
    assert parsed(call("queue", "stats", "--json"))["held_by_reason"] == {"operator": 2}
    said(call("queue", "stats"), "held by reason")
    said(call("queue", "release", "--domain", "other.example"), "1 copy released")
    said(call("queue", "retry", "--tenant", "shop"), "1 copy retried")
    assert parsed(call("queue", "cancel", id_, "--json")) == {
        "changed": 2,
        "busy": 0,
        "staged": 0,
        "frozen": 0,
        "braked": 0,
        "lifted": 0,
    }
    shown = parsed(call("queue", "show", id_, "--json"))
    assert shown["id"] == id_ and [r["state"] for r in shown["recipients"]] == ["cancelled", "cancelled"]
    said(call("queue", "show", id_), "cancelled by the operator")
    refused(call("queue", "cancel", id_), "it is cancelled")
    assert parsed(call("queue", "list", "--json")) == []


def test_the_queue_used_wrongly(call: Call, conn: sqlite3.Connection) -> None:
    beat(conn, Node("elsewhere", "elsewhere", NOW, NOW, 0, 60.0))
    claim = Claim("elsewhere/0/1/1/1", NOW + 10**9)  # of another node, which may well live
    id_ = encode_id(put(conn, [ANN], claim=claim)[0])
    refused(call("queue", "cancel", id_), "1 being delivered now; look again")
    refused(call("queue", "cancel"), "name a queue id, --tenant or --domain", 2)
    refused(call("queue", "show", "nonsense"), "is no queue id", 2)
    refused(call("queue", "show", "0000000000000"), "there is no message 0000000000000")
    refused(call("queue", "hold", "--domain", "-"), "malformed", 2)
    refused(call("queue", "list", "--state", "odd"), "odd", 2)


def test_staged_copies_are_left_to_their_campaign(call: Call, conn: sqlite3.Connection, staged: int) -> None:
    refused(call("queue", "release", "--tenant", "shop"), "relay campaign release")


def test_a_trace(call: Call, conn: sqlite3.Connection) -> None:
    agree(conn, ANN)
    old = encode_id(put(conn, [ANN], now=NOW - 5)[0])
    id_ = encode_id(put(conn, [ANN])[0])
    story = parsed(call("trace", id_, "--json"))
    assert story["id"] == id_ and story["tenant"] == "shop" and story["same_message_id"] == []
    assert [s["what"] for s in story["steps"]] == ["accepted"]
    (copy,) = story["recipients"]
    assert copy["address"] == ANN
    assert copy["steps"][0] == {
        "at": "2026-09-21T14:13:20.000Z",
        "what": "consent",
        "why": "to news: sign-up form (form)",
    }
    by_message_id = parsed(call("trace", "m@shop.example", "--json"))
    assert (by_message_id["id"], by_message_id["same_message_id"]) == (id_, [old])
    status, text, note = call("trace", "<m@shop.example>")
    assert status == 0 and f"queue id      {id_}" in text and old in note
    assert "2026-09-21T14:13:20Z  consent  to news: sign-up form (form)" in text
    refused(call("trace", "gone@shop.example"), "there is no message gone@shop.example")


def test_text_from_outside_does_not_steer_the_terminal(call: Call, conn: sqlite3.Connection) -> None:
    id_, _ = put(conn, [ANN])
    with transaction(conn):
        conn.execute("UPDATE recipient SET state = 3, status = '550 \x1b[2J'")
        conn.execute("UPDATE submission SET subject = '\x1b]0;x\x07'")
    for command in ("trace", "queue"):
        words = ("trace", encode_id(id_)) if command == "trace" else ("queue", "show", encode_id(id_))
        assert "\x1b" not in said(call(*words), "550 \\x1b[2J")


def test_the_tenant_of_another_is_not_touched(call: Call, conn: sqlite3.Connection) -> None:
    put(conn, [ANN], tenant_id=2)
    refused(call("queue", "cancel", "--tenant", "shop"), "nothing there to cancel")
    assert column(conn, "SELECT tenant_id FROM recipient WHERE state = 0") == [2] and SHOP == 1
