"""audit and consent proof: as a person calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.audit import heads, sequence
from relay.store.database import connect
from tests.unit.test_cli_registry import Call, _json, _refused, call, home, shop

__all__ = ["call", "home", "shop"]

ANN = "ann@people.example"


@pytest.fixture
def agreed(call: Call, shop: None) -> None:
    words = ("--topic", "news", "--source", "form on shop.example", "--wording", "Yes, news.")
    assert call("consent", "add", "shop", ANN, *words)[0] == 0


def sql(home: Path, statement: str) -> None:
    conn = connect(home / "data" / "relay.db")
    conn.execute(statement)
    conn.close()


def test_a_whole_log_is_said_to_be_whole(call: Call, agreed: None) -> None:
    head = _json(call("audit", "head", "--json"))
    assert head["type"] == "relay-audit-head" and head["size"] == 5 and len(head["root"]) == 64
    status, out, _ = call("audit", "verify")
    assert status == 0 and out.startswith("leaves 5, records 5 (erased 0), heads 1, kept elsewhere 0\nwhole: ")
    told = _json(call("audit", "verify", "--json"))
    assert told["whole"] and told["faults"] == [] and told["not_yet_in_tree"] == 0


def test_what_isnt_under_a_head_yet_is_told(call: Call, agreed: None) -> None:
    assert "not yet under a head: 4 leaves; `relay audit head` signs one" in call("audit", "verify")[1]


def test_an_edit_ends_with_status_1_and_the_leaf(call: Call, home: Path, agreed: None) -> None:
    call("audit", "head")
    sql(home, "UPDATE audit SET actor = 'mallory' WHERE action = 'tenant-added'")
    status, out, err = call("audit", "verify")
    assert status == 1 and "leaf 0: record 1 of audit was changed" in out and "faults: 1" in err
    status, out, _ = call("audit", "verify", "--json")
    told = json.loads(out)
    assert status == 1 and not told["whole"] and told["faults"][0]["leaf"] == 0


@pytest.mark.parametrize(("as_json", "columns"), [((), ""), ((), "40"), ((), "80"), (("--json",), "80")])
def test_a_cut_shows_against_a_head_kept_in_a_file(
    call: Call, home: Path, agreed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: tuple[str, ...],
    columns: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", columns)  # a terminal is narrower than a signature, which is of use whole alone
    kept = tmp_path / "kept"
    kept.write_text(call("audit", "head", *as_json)[1])
    assert call("audit", "verify", "--head", str(kept))[0] == 0
    assert "is the beginning" in call("audit", "prove", "--from", str(kept))[1]
    for statement in (
        "DELETE FROM audit WHERE leaf_id > 1",
        "DELETE FROM consent_history",
        "DELETE FROM consent",
        "DELETE FROM audit_leaf WHERE id > 1",
        "DELETE FROM audit_head",
        "DELETE FROM audit_key",
        "UPDATE audit_leaf SET number = NULL",
    ):
        sql(home, statement)
    assert call("audit", "verify")[0] == 0
    status, out, _ = call("audit", "verify", "--head", str(kept))
    assert status == 1 and "the end was cut off" in out


def test_a_file_that_is_no_head_is_refused(call: Call, agreed: None, tmp_path: Path) -> None:
    head = _json(call("audit", "head", "--json"))
    for text, told in (
        ("", "this is no head"),
        ('{"size": 1}', "this is no head"),
        (json.dumps(head | {"size": head["size"] + 1}), "the signature of this head is wrong"),
        ("x" * 70_000, "too long for a head"),
    ):
        (tmp_path / "kept").write_text(text)
        _refused(call("audit", "verify", "--head", str(tmp_path / "kept")), told)


def test_what_is_not_in_the_tree_is_listed_without_a_number(call: Call, home: Path, agreed: None) -> None:
    """Numbers are given with a signed head, for which the key must open."""
    call("audit", "head")
    sql(home, "UPDATE audit_key SET sealed = x'00'")
    assert call("tenant", "warn", "shop", "--reason", "complaints")[0] == 0
    status, out, err = call("audit", "list", "shop", "--json", "--limit", "2")
    rows = json.loads(out)
    assert status == 0 and "key can't be opened" in err
    assert [(row["action"], row["leaf"] is None) for row in rows] == [("tenant-warned", True), ("consent-given", False)]
    assert "tenant-warned" in call("audit", "list", "shop")[1]


def test_leaves_are_listed_and_proved(call: Call, agreed: None) -> None:
    rows = _json(call("audit", "list", "shop", "--json"))
    assert [row["action"] for row in rows] == ["consent-given", "contact-confirmed", "stream-added", "tenant-added"]
    assert rows[0]["detail"]["address"] == ANN and rows[3]["leaf"] == 0
    assert len(_json(call("audit", "list", "--action", "tenant-*", "--limit", "1", "--json"))) == 1
    assert "leaf 0 (tenant-added, " in call("audit", "prove", "0")[1]
    found = _json(call("audit", "prove", "--tenant", "shop", "--email", ANN, "--json"))
    assert found["records"][0]["record"]["address"] == ANN
    _refused(call("audit", "prove", "99"), "there is no leaf 99; the tree has 5, from 0 on")
    _refused(call("audit", "prove"), "name a LEAF", status=2)
    _refused(call("audit", "prove", "--tenant", "shop"), "name a LEAF", status=2)


def test_what_is_recorded_meanwhile_is_proved_too(
    call: Call, agreed: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed, calls = sequence.sequence, []

    def late(*args: Any) -> heads.Head:
        head = signed(*args)
        calls.append(head)
        if len(calls) == 1:
            monkeypatch.setattr(sequence, "sequence", signed)
            assert call("consent", "withdraw", "shop", ANN)[0] == 0
        return head

    monkeypatch.setattr(sequence, "sequence", late)
    found = _json(call("audit", "prove", "--tenant", "shop", "--email", ANN, "--json"))
    assert [one["leaf"]["action"] for one in found] == ["consent-given", "consent-withdrawn"]


def test_a_new_key_signs_from_now_on(call: Call, agreed: None, tmp_path: Path) -> None:
    old = _json(call("audit", "head", "--json"))
    new = _json(call("audit", "rotate", "--json"))
    assert old["key"] != new["key"]
    (tmp_path / "kept").write_text(json.dumps(old))
    assert call("audit", "verify", "--head", str(tmp_path / "kept"))[0] == 0


@pytest.mark.parametrize("name", ["proof.html", "proof.json"])
def test_a_proof_is_written_and_holds(call: Call, agreed: None, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    made = _json(call("consent", "proof", "shop", ANN, "--topic", "news", "--out", str(file), "--json"))
    assert made["state"]["live"] and file.stat().st_mode & 0o077 == 0
    checker = Path(__file__).parents[2] / "docs" / "proof_check.py"
    done = subprocess.run([sys.executable, "-I", str(checker), str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and ANN in done.stdout


def test_a_proof_on_the_terminal(call: Call, agreed: None) -> None:
    status, out, err = call("consent", "proof", "shop", ANN, "--topic", "news")
    assert status == 0 and "in force" in out and "Yes, news." in out and "--out FILE" in err
    assert _json(call("consent", "proof", "shop", ANN, "--topic", "news", "--json"))["type"] == "relay-consent-proof"
    _refused(call("consent", "proof", "shop", ANN, "--topic", "golf"), "there is no topic 'golf'; there are: news")
    _refused(call("consent", "proof", "nobody", ANN, "--topic", "news"), "nobody")
