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
