"""``relay message list``: what was sent lately, newest first."""

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
from relay.queue import messages
from relay.queue.values import Claim
from relay.store.database import transaction
from relay.values.ids import encode_id
from tests.unit.records import NOW, open_shop, put

Call = Callable[..., tuple[int, str, str]]


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
        result = CliRunner().invoke(relay, ["-c", str(tmp_path / "relay.toml"), "message", "list", *map(str, words)])
        return result.exit_code, result.stdout, result.stderr

    return run


def _sent(conn: sqlite3.Connection, emails: list[str], at: float, subject: str, **more: Any) -> str:
    id_ = put(conn, emails, now=NOW + at, **more)[0]
    with transaction(conn):
        conn.execute("UPDATE submission SET subject = ? WHERE id = ?", (subject, id_))
    return encode_id(id_)


@pytest.fixture
def sent(conn: sqlite3.Connection) -> dict[str, str]:
    found = {
        "old": _sent(conn, ["ann@people.example"], 0, "Your order"),
        "many": _sent(conn, ["bob@people.example", "Ann.B@Bücher.example", "c@x.example"], 60, "Grüße aus KÖLN"),
        "rival": _sent(conn, ["ann@people.example"], 120, "Your ORDER 7", tenant_id=2),
        "held": _sent(conn, ["o'neil+tag@sub.people.example"], 180, "", hold="operator"),
        "leased": _sent(conn, ["d@x.example"], 240, "100%_sure", claim=Claim("worker", NOW + 1e9)),
    }
    with transaction(conn):
        conn.execute("UPDATE recipient SET state = 3 WHERE address = 'c@x.example'")
    return found


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), "leased held rival many old"),
        (("--limit", 2), "leased held"),
        (("--tenant", "rival"), "rival"),
        (("--tenant", "shop"), "leased held many old"),
        (("--recipient", "ann@people.example"), "rival old"),
        (("--recipient", "ANN@People.Example"), "rival old"),
        (("--recipient", " ann@people.example "), "rival old"),
        (("--recipient", "ann"), "rival many old"),
        (("--recipient", "ann.b@bücher.example"), "many"),
        (("--recipient", "ann.b@xn--bcher-kva.example"), "many"),
        (("--recipient", "@people.example"), "rival many old"),
        (("--recipient", "@PEOPLE.example"), "rival many old"),
        (("--recipient", "people.example"), "held rival many old"),
        (("--recipient", "o'neil+tag"), "held"),
        (("--recipient", "nobody@people.example"), ""),
        (("--recipient", "%"), ""),
        (("--recipient", "@"), "leased held rival many old"),
        (("--subject", "order"), "rival old"),
        (("--subject", "ORDER 7"), "rival"),
        (("--subject", "grüße aus köln"), "many"),
        (("--subject", "GRÜSSE"), "many"),
        (("--subject", "%_"), "leased"),
        (("--subject", "_"), "leased"),
        (("--subject", "no such"), ""),
        (("--state", "held"), "held"),
        (("--state", "bounced"), "many"),
        (("--state", "leased"), "leased"),
        (("--state", "ready"), "rival many old"),
        (("--state", "delivered"), ""),
        (("--state", "bounced", "--recipient", "ann"), ""),
        (("--state", "bounced", "--recipient", "c@x.example"), "many"),
        (("--state", "ready", "--tenant", "shop", "--subject", "order"), "old"),
        (("--since", "2026-09-21T14:15:20"), "leased held rival"),
        (("--since", "2026-09-21T14:15:20Z"), "leased held rival"),
        (("--since", "2026-09-21T16:15:20+02:00"), "leased held rival"),
        (("--until", "2026-09-21T14:15:20"), "rival many old"),
        (("--since", "2026-09-21T14:14:20", "--until", "2026-09-21T14:15:20"), "rival many"),
        (("--since", "2027-01-01"), ""),
        (("--until", "2024-01-01"), ""),
        (("--since", "0s"), ""),
    ],
)
def test_what_is_found(call: Call, sent: dict[str, str], words: tuple[object, ...], names: str) -> None:
    status, out, err = call(*words, "--json")
    assert (status, err) == (0, "")
    assert [row["id"] for row in json.loads(out)] == [sent[name] for name in names.split()]


def test_one_message_in_json(call: Call, sent: dict[str, str]) -> None:
    (row,) = json.loads(call("--recipient", "c@x.example", "--json")[1])
    assert row["recipient"] == "c@x.example" and row["recipients"] == 3 and row["tenant"] == "shop"
    assert row["states"] == {"ready": 2, "bounced": 1} and row["state"] == "ready 2, bounced 1"
    assert row["accepted_at"] == "2026-09-21T14:14:20.000Z" and row["message_id"] == "<m@shop.example>"


def test_for_people(call: Call, sent: dict[str, str]) -> None:
    lines = call()[1].splitlines()
    assert lines[0].split() == ["ID", "ACCEPTED", "TENANT", "RECIPIENT", "STATE", "SUBJECT"]
    assert lines[1].startswith(sent["leased"]) and "leased" in lines[1]
    assert "bob@people.example +2" in lines[4] and "ready 2, bounced 1" in lines[4]
    assert "TENANT" not in call("--tenant", "shop")[1]
    assert "2026-09-21T14:17:20Z" in lines[1]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--tenant", "nobody"), 1, "no tenant 'nobody'"),
        (("--since", "yesterday"), 2, "12h or 7d"),
        (("--state", "gone"), 2, "leased"),
        (("--limit", "0"), 2, "range"),
        (("--limit", "10001"), 2, "range"),
    ],
)
def test_wrong_use(call: Call, words: tuple[object, ...], status: int, told: str) -> None:
    found = call(*words)
    assert found[0] == status and told in found[2] and found[2].count("\n") == 1


def test_a_subject_steers_no_terminal(call: Call, conn: sqlite3.Connection) -> None:
    _sent(conn, ["ann@people.example"], 0, "\x1b[2J\u202egnp.exe")
    out = call()[1]
    assert "\x1b" not in out and "\u202e" not in out and r"\x1b[2J" in out


def test_pieces_join_and_the_looking_has_an_end(
    call: Call, conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [_sent(conn, ["ann@people.example" if i % 5 else "b@x.example"], i, f"s{i}") for i in range(23)]
    monkeypatch.setattr(messages, "PIECE", 4)
    found = json.loads(call("--recipient", "b@x.example", "--json")[1])
    assert [row["id"] for row in found] == [ids[i] for i in (20, 15, 10, 5, 0)]
    assert len(json.loads(call("--limit", "6", "--json")[1])) == 6
    monkeypatch.setattr(messages, "MOST_LOOKED_AT", 8)
    status, out, err = call("--recipient", "b@x.example", "--json")
    assert status == 0 and [row["id"] for row in json.loads(out)] == [ids[20], ids[15]]
    assert "looked at 8 messages, back to 2026-09-21T14:13:35Z; --until" in err
    again = call("--recipient", "b@x.example", "--until", "2026-09-21T14:13:35Z", "--json")
    assert [row["id"] for row in json.loads(again[1])] == [ids[15], ids[10]]


def test_it_walks_by_keys(conn: sqlite3.Connection) -> None:
    plans = []
    for sql in (
        "SELECT id, tenant_id, subject, accepted_at FROM submission WHERE id <= 9 AND id >= 0 ORDER BY id DESC LIMIT 5",
        "SELECT submission_id, address FROM recipient WHERE submission_id >= 1 AND submission_id <= 2"
        " AND domain = 'x' ORDER BY submission_id, number",
    ):
        plans += [row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert len(plans) == 2 and all("PRIMARY KEY" in plan for plan in plans), plans
