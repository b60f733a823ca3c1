"""tenant, stream, credential, plan, quota, token, migrate, policies: as a person calls them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from relay.cli.main import relay
from relay.keys.secrets import Secrets
from relay.store.database import connect, migrate

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "relay.toml").write_text(
        '[server]\nhostname = "relay.example"\n[policies]\norder = []\n[plans.small]\nmessages = 500\n'
        "[plans.medium]\nmessages = 5000\n"
    )
    migrate(tmp_path / "data" / "relay.db")
    Secrets.create(tmp_path / "data" / "secrets")
    return tmp_path


@pytest.fixture
def call(home: Path) -> Call:
    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(relay, ["-c", str(home / "relay.toml"), *words])
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def shop(call: Call) -> None:
    assert call("tenant", "add", "shop", "--contact", "owner@shop.example")[0] == 0


def _json(answer: tuple[int, str, str]) -> Any:
    status, out, err = answer
    assert status == 0, err
    return json.loads(out)


def _refused(answer: tuple[int, str, str], told: str, status: int = 1) -> None:
    assert answer[0] == status and told in answer[2], answer
    assert answer[2].startswith("relay: ") and answer[2].count("\n") == 1


def test_a_tenant_comes_with_its_streams(call: Call) -> None:
    made = _json(
        call(
            "tenant",
            "add",
            "shop",
            "--contact",
            "owner@shop.example",
            "--postal",
            "1 Road",
            "--transactional",
            "--json",
        )
    )
    assert (made["name"], made["plan"], made["freeze"], made["postal"]) == ("shop", "free", "none", "1 Road")
    rows = _json(call("stream", "list", "shop", "--json"))
    assert [(r["name"], r["kind"], r["topic"], r["consent"]) for r in rows] == [
        ("bulk", "bulk", "*", "required"),
        ("transactional", "transactional", "*", "exempt"),
    ]
    assert [r["name"] for r in _json(call("tenant", "list", "--json"))] == ["shop"]
    assert "owner@shop.example" in call("tenant", "show", "shop")[1]


def test_a_tenant_can_begin_on_a_paid_plan(call: Call) -> None:
    made = _json(call("tenant", "add", "shop", "--contact", "o@shop.example", "--plan", "small", "--json"))
    assert (made["plan"], made["plan_in_force"], made["messages_limit"]) == ("small", "small", 500)


def test_a_refused_tenant_leaves_nothing(call: Call) -> None:
    _refused(call("tenant", "add", "shop", "--contact", "o@shop.example", "--plan", "huge"), "there is no plan 'huge'")
    _refused(call("tenant", "add", "Shop", "--contact", "o@shop.example"), "no tenant name")
    _refused(call("tenant", "add", "shop", "--contact", "nobody"), "the @ is missing", 2)
    assert _json(call("tenant", "list", "--json")) == []


def test_a_contact_that_mail_cant_get_to_is_refused(call: Call, home: Path) -> None:
    _refused(call("tenant", "add", "shop", "--contact", "a@b"), "'b' has no dot")
    _refused(call("tenant", "add", "shop", "--contact", "root@localhost"), "'localhost' has no dot")
    assert _json(call("tenant", "list", "--json")) == []
    with (home / "relay.toml").open("a") as file:
        file.write("[delivery]\nallow_private = true\n")  # a trial on one machine
    assert call("tenant", "add", "shop", "--contact", "root@localhost")[0] == 0
    _refused(call("tenant", "edit", "shop", "--contact", "a@b"), "mail can't get to a@b")
    assert _json(call("tenant", "show", "shop", "--json"))["contact"] == "root@localhost"


def test_freezing_is_told_with_reason_actor_and_time(call: Call, shop: None) -> None:
    _refused(call("tenant", "freeze", "shop"), "--reason", 2)
    assert call("tenant", "warn", "shop", "--reason", "dirty list")[0] == 0
    frozen = _json(call("tenant", "freeze", "shop", "--reason", "spam", "--all-streams", "--json"))
    assert (frozen["freeze"], frozen["freeze_reason"]) == ("all", "spam")
    free = _json(call("tenant", "unfreeze", "shop", "--json"))
    assert (free["freeze"], free["freeze_reason"]) == ("none", "")
    assert [(h["action"], h["reason"]) for h in free["history"]] == [
        ("tenant-warned", "dirty list"),
        ("tenant-frozen", "spam"),
        ("tenant-unfrozen", ""),
    ]
    assert all(h["actor"] and h["at"].endswith("Z") for h in free["history"])
    _refused(call("tenant", "unfreeze", "shop"), "not frozen")
    _refused(call("tenant", "freeze", "nobody", "--reason", "x"), "no tenant 'nobody'")


def test_streams_are_added_with_the_default_consent(call: Call, shop: None) -> None:
    made = _json(call("stream", "add", "shop", "news", "--kind", "bulk", "--topic", "newsletter", "--json"))
    assert (made["topic"], made["consent"]) == ("newsletter", "required")
    made = _json(call("stream", "add", "shop", "receipts", "--kind", "transactional", "--json"))
    assert (made["consent"], made["ground"], made["essential"]) == ("required", "", False)
    _refused(call("stream", "add", "shop", "x", "--kind", "bulk", "--consent", "exempt"), "can't be exempt")
    _refused(call("stream", "add", "shop", "news", "--kind", "bulk"), "already")
    _refused(call("stream", "add", "shop", "x", "--kind", "odd"), "--kind", 2)


def test_a_password_is_shown_once(call: Call, shop: None, home: Path) -> None:
    made = _json(call("credential", "add", "shop", "--stream", "bulk", "--only-from", "192.0.2.0/24", "--json"))
    assert made["username"].startswith("shop-bulk-") and made["only_from"] == "192.0.2.0/24"
    listed = call("credential", "list", "--json")[1] + call("credential", "list", "shop")[1]
    assert made["username"] in listed and made["password"] not in listed
    conn = connect(home / "data" / "relay.db")
    stored = conn.execute("SELECT secret_hash FROM credential").fetchone()[0]
    conn.close()
    secrets = Secrets.load(home / "data" / "secrets")
    assert secrets.password_matches(made["password"], stored)
    new = _json(call("credential", "reset", made["username"], "--json"))
    assert new["username"] == made["username"] and new["password"] != made["password"]
    assert _json(call("credential", "revoke", made["username"], "--json"))["revoked_at"]
    _refused(call("credential", "revoke", made["username"]), "no credential")


def test_the_password_for_people_is_on_stdout_alone(call: Call, shop: None) -> None:
    status, out, err = call("credential", "add", "shop", "--stream", "bulk")
    lines = dict(line.split() for line in out.splitlines())
    assert status == 0 and set(lines) == {"username", "password"} and lines["password"] not in err


def test_a_network_needs_no_password(call: Call, shop: None) -> None:
    made = _json(call("credential", "add", "shop", "--stream", "bulk", "--ip", "192.0.2.7", "--json"))
    assert made["ip"] == "192.0.2.7/32" and "password" not in made
    assert call("tenant", "add", "club", "--contact", "o@club.example")[0] == 0
    _refused(call("credential", "add", "club", "--stream", "bulk", "--ip", "192.0.2.0/24"), "overlaps 192.0.2.7/32")
    _refused(call("credential", "add", "club", "--stream", "bulk", "--ip", "192.0.2.1/24"), "write 192.0.2.0/24", 2)
    _refused(call("credential", "add", "shop", "--stream", "nope"), "no stream 'nope'")
    both = call("credential", "add", "shop", "--stream", "bulk", "--ip", "10.0.0.0/8", "--only-from", "10.0.0.0/8")
    _refused(both, "exclude", 2)
    assert call("credential", "revoke", "192.0.2.7")[0] == 0


def test_plans_and_quota(call: Call, shop: None) -> None:
    rows = {row["name"]: row for row in _json(call("plan", "list", "--json"))}
    assert (rows["free"]["messages"], rows["free"]["subscribers"], rows["free"]["days"]) == (3000, 300, None)
    assert (rows["small"]["messages"], rows["unlimited"]["messages"]) == (500, None)
    quota = _json(call("quota", "show", "shop", "--json"))
    assert (quota["messages_used"], quota["messages_limit"]) == (0, 3000)
    assert (quota["subscribers_used"], quota["subscribers_limit"]) == (0, 300)
    assert quota["plan"] == "free" and quota["renews_at"].endswith("-01T00:00:00.000Z")
    assert _json(call("plan", "set", "shop", "small", "--json"))["messages_limit"] == 500
    assert _json(call("plan", "set", "shop", "medium", "--json"))["messages_limit"] == 5500
    assert "unlimited" in call("quota", "show", "shop")[1]
    _refused(call("plan", "set", "shop", "huge"), "there is no plan 'huge'")


def test_tokens(call: Call, shop: None) -> None:
    made = _json(call("token", "add", "shop", "--name", "site", "--json"))
    assert made["token"].startswith("rt_") and made["name"] == "site"
    assert (made["scopes"], made["sandbox"]) == ("send consents read admin", False)
    made_so = _json(call("token", "add", "shop", "--scope", "read,send", "--sandbox", "--json"))
    assert (made_so["scopes"], made_so["sandbox"]) == ("send read", True)
    _refused(call("token", "add", "shop", "--scope", "send,sent"), "no scope 'sent'; use send, consents, read, admin")
    _refused(call("token", "add", "shop", "--scope", ","), "without a scope")
    assert made["token"] not in call("token", "list", "shop", "--json")[1]
    assert call("token", "add", "shop")[1].startswith("rt_")
    assert _json(call("token", "revoke", "shop", "site", "--json"))["revoked_at"]
    _refused(call("token", "revoke", "shop", "site"), "no token 'site' in force")


def test_migrate_says_what_it_did(call: Call, home: Path) -> None:
    assert "up to date" in call("migrate")[1]
    (home / "data" / "relay.db").unlink()
    _refused(call("migrate"), "relay init")
    _refused(call("tenant", "list"), "relay init")
    assert not (home / "data" / "relay.db").exists()


def test_a_newer_database_is_told(call: Call, home: Path) -> None:
    conn = sqlite3.connect(home / "data" / "relay.db")
    conn.execute("PRAGMA user_version = 9999")
    conn.close()
    _refused(call("tenant", "list"), "install the newer release")
    _refused(call("migrate"), "install the newer release")


def test_a_locked_database_is_told(call: Call, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.store.database.BUSY_TIMEOUT_S", 0.0)
    conn = connect(home / "data" / "relay.db")
    conn.execute("BEGIN IMMEDIATE")
    _refused(call("tenant", "add", "shop", "--contact", "o@shop.example"), "busy")
    assert _json(call("tenant", "list", "--json")) == []
    conn.execute("ROLLBACK")
    conn.close()


def test_missing_secrets_are_told(call: Call, home: Path) -> None:
    (home / "data" / "secrets").unlink()
    _refused(call("tenant", "list"), "secrets")


def test_missing_and_wrong_settings_are_told(call: Call, home: Path) -> None:
    (home / "relay.toml").write_text('[server]\nhostname = 7\nodd = "x"\n')
    status, _, err = call("tenant", "list")
    assert status == 1 and err.count("\n") == 1 and "server.hostname" in err and "server.odd" in err
    (home / "relay.toml").unlink()
    _refused(call("tenant", "list"), "relay.toml")


def test_no_policies_is_an_empty_listing(call: Call) -> None:
    assert _json(call("policies", "--json")) == []


def test_an_unknown_policy_is_told(call: Call, home: Path) -> None:
    (home / "relay.toml").write_text('[server]\nhostname = "relay.example"\n[policies]\norder = ["nosuch"]\n')
    _refused(call("policies"), "nosuch")


def test_notes_of_a_tenant(call: Call, shop: None) -> None:
    assert call("tenant", "note", "shop", "called; sends again in May")[0] == 0
    assert call("tenant", "note", "shop", "a second one")[0] == 0
    shown = _json(call("tenant", "show", "shop", "--json"))["notes"]
    assert [one["text"] for one in shown] == ["a second one", "called; sends again in May"]
    assert call("tenant", "note", "shop", "--remove", str(shown[0]["id"]))[0] == 0
    assert "called; sends again" in call("tenant", "show", "shop")[1]
    _refused(call("tenant", "note", "shop", "--remove", "99"), "no note 99")
    _refused(call("tenant", "note", "shop", "  "), "says nothing")
    assert call("tenant", "note", "shop")[0] == call("tenant", "note", "shop", "text", "--remove", "1")[0] == 2
