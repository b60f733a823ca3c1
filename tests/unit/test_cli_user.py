"""``relay user``: who logs in to the pages, by the command as people type it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.accounts import logins, passwords
from relay.accounts.roles import STAFF_ROLES, TENANT_ROLES
from relay.cli.main import relay
from relay.store.database import connect

Invoke = Callable[..., tuple[int, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    runner = CliRunner()
    assert runner.invoke(relay, ["init", "--dir", str(tmp_path), "--dev"]).exit_code == 0
    words = ["-c", str(tmp_path / "relay.toml"), "tenant", "add", "shop", "--contact", "hello@shop.example"]
    assert runner.invoke(relay, words).exit_code == 0
    return tmp_path


@pytest.fixture
def user(home: Path) -> Invoke:
    def invoke(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(relay, ["-c", str(home / "relay.toml"), "user", *words])
        return result.exit_code, result.output if result.exit_code else result.stdout

    return invoke


def test_from_the_first_password_to_the_end(home: Path, user: Invoke) -> None:
    status, said = user("add", "ann@shop.example", "--tenant", "shop", "--role", "owner")
    password = said.split()[0]
    assert status == 0 and len(password) == 32
    conn = connect(home / "data" / "relay.db")
    stored = logins.stored_password(conn, logins.find(conn, "ann@shop.example").id)
    assert passwords.matches(password, stored)
    made = json.loads(user("add", "desk@relay.example", "--role", "reviewer", "--json")[1])
    assert made["tenant"] is None and made["role"] == "reviewer" and made["url"].endswith("/login")
    listed = json.loads(user("list", "--json")[1])
    assert [one["login"] for one in listed] == ["desk@relay.example", "ann@shop.example"]
    assert len(json.loads(user("list", "--tenant", "shop", "--json")[1])) == 1
    shown = json.loads(user("show", "ann@shop.example", "--json")[1])
    assert shown["sessions"] == [] and shown["recovery_codes_left"] == 0
    again = user("reset", "ann@shop.example")[1].split()[0]
    stored = logins.stored_password(conn, logins.find(conn, "ann@shop.example").id)
    assert passwords.matches(again, stored) and not passwords.matches(password, stored)
    assert user("disable", "ann@shop.example")[0] == 0 and user("disable", "ann@shop.example")[0] == 1
    assert user("enable", "ann@shop.example")[0] == 0 and user("enable", "ann@shop.example")[0] == 1
    assert user("remove", "ann@shop.example")[0] == 0 and user("show", "ann@shop.example")[0] == 1
    actions = [row[0] for row in conn.execute("SELECT action FROM audit WHERE action LIKE 'login-%' ORDER BY id")]
    assert actions == [f"login-{word}" for word in ("added", "added", "reset", "disabled", "enabled", "removed")]
    conn.close()


@pytest.mark.parametrize("role", [*TENANT_ROLES, *STAFF_ROLES])
@pytest.mark.parametrize("tenant", [True, False])
def test_each_role_on_each_side(user: Invoke, role: str, tenant: bool) -> None:
    status, said = user("add", "a@b.example", "--role", str(role), *(("--tenant", "shop") if tenant else ()))
    assert (status == 0) == ((role in TENANT_ROLES) == tenant), said
    assert status == 0 or "there are:" in said


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("add", "nonsense", "--role", "owner"), 2, "the @ is missing"),
        (("add", "a@b.example"), 2, "--role"),
        (("add", "a@b.example", "--role", "king"), 2, "king"),
        (("add", "a@b.example", "--role", "owner", "--tenant", "shp"), 1, "did you mean"),
        (("show", "nobody@b.example"), 1, "nobody logs in"),
        (("reset", "nobody@b.example"), 1, "relay user list"),
        (("remove", ""), 1, "nobody logs in"),
    ],
)
def test_what_is_refused_says_what_to_do(user: Invoke, words: tuple[str, ...], status: int, says: str) -> None:
    found, said = user(*words)
    assert found == status and says in said and said.count("\n") <= 1


def test_registrations_and_invitations_by_command(home: Path) -> None:
    def invoke(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(relay, ["-c", str(home / "relay.toml"), *words])
        return result.exit_code, result.output if result.exit_code else result.stdout

    status, said = invoke("invite", "add")
    assert status == 1 and "registration is closed" in said
    with (home / "relay.toml").open("a") as file:
        file.write('\n[accounts]\nregistration = "invite"\n')
    made = json.loads(invoke("invite", "add", "--email", "ann@x.example", "--note", "Ann", "--mail", "--json")[1])
    assert "/register?invite=" in made["url"] and made["state"] == "open" and made["note"] == "Ann"
    assert invoke("invite", "add", "--mail")[0] == 1
    assert invoke("invite", "add")[1].count("/register?invite=") == 1
    assert [one["number"] for one in json.loads(invoke("invite", "list", "--json")[1])] == [2, 1]
    assert invoke("invite", "revoke", "2")[0] == 0 and invoke("invite", "revoke", "2")[0] == 1
    conn = connect(home / "data" / "relay.db")
    assert conn.execute("SELECT count(*) FROM submission").fetchone()[0] == 1
    insert = (
        "INSERT INTO registration (at, state, email, person, name, phone, country, city, company, language, ip, agent,"
        " token_at, confirmed_at) VALUES (1, 'waiting', ?, x'', 'Ann', '+3725123456', 'EE', 'Tartu', 'New Ltd', 'et',"
        " '192.0.2.7', 'x', 1, 2)"
    )
    for address in ("ann@x.example", "bo@y.example"):
        conn.execute(insert, (address,))
    assert [one["email"] for one in json.loads(invoke("registration", "list", "--json")[1])] == [
        "bo@y.example",
        "ann@x.example",
    ]
    assert json.loads(invoke("registration", "show", "1", "--json")[1])["account"] == "New Ltd"
    admitted = json.loads(invoke("registration", "admit", "1", "--json")[1])
    assert (admitted["state"], admitted["tenant"]) == ("admitted", "new-ltd")
    assert invoke("registration", "admit", "1")[0] == 1 and invoke("registration", "show", "99")[0] == 1
    assert invoke("registration", "refuse", "2", "--reason", "not for us", "--silent")[0] == 0
    refused = json.loads(invoke("registration", "list", "--state", "refused", "--json")[1])
    assert [(one["number"], one["reason"]) for one in refused] == [(2, "not for us")]
    assert json.loads(invoke("tenant", "show", "new-ltd", "--json")[1])["title"] == "New Ltd"
    assert logins.find(conn, "ann@x.example").role == "owner"
    conn.close()
