"""The tab key: commands, options, choices and stored names, at once and without a word of complaint."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.cli import completing, outline
from relay.cli.main import COMMANDS, relay
from relay.store.database import transaction
from relay.values.ids import encode_id
from tests.support.store import ON_SERVER
from tests.unit.records import agree, open_shop, put

ROOT = Path(__file__).resolve().parents[2]
RELAY = Path(sys.executable).with_name("relay")


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    (tmp_path / "data").mkdir()
    (tmp_path / "relay.toml").write_text('[server]\nhostname = "relay.example"\n')
    conn = open_shop(tmp_path / "data" / "relay.db")
    with transaction(conn):
        for tenant_id, name in ((1, "shop.example"), (2, "rival.example")):
            conn.execute(
                "INSERT INTO domain (tenant_id, name, token, created_at) VALUES (?, ?, 't', 0)", (tenant_id, name)
            )
    agree(conn, "ann@people.example")
    if ON_SERVER:
        with (tmp_path / "relay.toml").open("a") as file:
            file.write(f'[store]\nurl = "{(tmp_path / "data" / "relay.db").read_text()}"\n')
    yield conn
    conn.close()


def _offered(home: Path, line: str) -> list[str]:
    *words, begun = line.split(" ")
    return [found.value for found in completing.complete(["-c", str(home / "relay.toml"), *words], begun)]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("te", ["tenant", "template"]),
        ("tenant sh", ["show"]),
        ("tenant show ", ["rival", "shop"]),
        ("tenant show s", ["shop"]),
        ("tenant show x", []),
        ("tenant show shop ", []),
        ("tenant add ", []),
        ("stats ", ["rival", "shop"]),
        ("--utc stats ", ["rival", "shop"]),
        ("stats --json ", ["rival", "shop"]),
        ("queue list --tenant ", ["rival", "shop"]),
        ("queue list --tenant=", ["--tenant=rival", "--tenant=shop"]),
        ("queue list --tenant=s", ["--tenant=shop"]),
        ("queue list --state del", ["delivered"]),
        ("queue list --state=held", ["--state=held"]),
        ("queue list --ten", ["--tenant"]),
        ("queue list --limit ", []),
        ("message list --st", ["--state"]),
        ("domain list ", ["rival", "shop"]),
        ("domain add shop ", []),
        ("domain verify ", ["rival", "shop", "rival.example", "shop.example"]),
        ("domain verify shop ", ["shop.example"]),
        ("domain verify shop.e", ["shop.example"]),
        ("consent add shop a@b.example --topic ", ["news"]),
        ("consent add rival a@b.example --topic ", []),
        ("consent add --topic ", ["news"]),
        ("credential add shop --stream ", ["bulk"]),
        ("consent import shop ./li", ["./li"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("completion z", ["zsh"]),
        ("nosuch ", []),
        ("tenant nosuch ", []),
        ("tenant show -- ", ["rival", "shop"]),
    ],
)
def test_what_is_offered(conn: sqlite3.Connection, tmp_path: Path, line: str, offered: list[str]) -> None:
    assert _offered(tmp_path, line) == offered


def test_all_commands_and_options(tmp_path: Path) -> None:
    assert _offered(tmp_path, "") == list(COMMANDS)
    assert set(_offered(tmp_path, "-")) >= {"-c", "--config", "--utc", "--version", "--help"}


def test_ids_are_the_newest_first(conn: sqlite3.Connection, tmp_path: Path) -> None:
    old = encode_id(put(conn, ["ann@people.example"])[0])
    new = encode_id(put(conn, ["ann@people.example"], now=1_790_000_100.0)[0])
    for line in ("trace ", "queue show ", "queue cancel "):
        assert _offered(tmp_path, line) == [new, old]
    put(conn, ["ann@people.example"], campaign="autumn", random=3)
    (campaign,) = _offered(tmp_path, "campaign show ")
    assert campaign == str(conn.execute("SELECT id FROM campaign").fetchone()[0])


@pytest.mark.parametrize("kind", list(completing._SQL))
def test_each_kind_of_name_can_be_read(conn: sqlite3.Connection, kind: str) -> None:
    conn.execute(completing._SQL[kind], ("shop", 10)).fetchall()


def test_names_steer_no_terminal(conn: sqlite3.Connection, tmp_path: Path) -> None:
    with transaction(conn):
        conn.execute("INSERT INTO topic (tenant_id, name) VALUES (1, ?)", ("a\x1b[2J\nplain,b",))
    assert _offered(tmp_path, "consent add shop a@b.example --topic a") == ["a [2J plain,b"]


@pytest.mark.parametrize("state", ["no settings", "no database", "not TOML", "no SQLite", "old", "locked"])
def test_without_a_database_there_are_no_names_and_no_complaints(tmp_path: Path, state: str) -> None:
    (tmp_path / "data").mkdir()
    file, database = tmp_path / "relay.toml", tmp_path / "data" / "relay.db"
    if state != "no settings":
        file.write_text("[server\n" if state == "not TOML" else '[server]\nhostname = "relay.example"\n')
    holder = None
    if state == "no SQLite":
        database.write_bytes(b"x" * 5000)
    if state in ("old", "locked"):
        holder = sqlite3.connect(database, isolation_level=None)
        holder.execute("CREATE TABLE other (x)")
        if state == "locked":
            holder.execute("BEGIN EXCLUSIVE")
    done = subprocess.run(
        [RELAY],
        env=os.environ
        | {"_RELAY_COMPLETE": "bash_complete", "COMP_WORDS": f"relay -c {file} tenant show ", "COMP_CWORD": "5"},
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    if holder is not None:
        holder.close()


@pytest.mark.parametrize(
    "environment",
    [
        {"_RELAY_COMPLETE": "bash_complete"},
        {"_RELAY_COMPLETE": "bash_complete", "COMP_WORDS": "relay 'a", "COMP_CWORD": "x"},
        {"_RELAY_COMPLETE": "tcsh_complete"},
        {"_RELAY_COMPLETE": "nonsense"},
    ],
)
def test_odd_questions_get_no_traceback(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [RELAY], env=os.environ | environment, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_a_tab_loads_no_command(conn: sqlite3.Connection, tmp_path: Path) -> None:
    """What costs time is importing; 0.1 s of CPU is left where none of this is loaded."""
    code = (
        "import sys, relay.cli.main; from relay.cli import completing, completion\n"
        f"assert completing.complete(['-c', {str(tmp_path / 'relay.toml')!r}, 'stats'], '')\n"
        "print([n for n in sys.modules if n.startswith(('relay.queue', 'relay.people', 'relay.tenants', 'pydantic',"
        " 'cryptography', 'rich', 'msgspec'))])"
    )
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert child.stdout.strip() == "[]", child


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_the_shell_s(shell: str, tmp_path: Path) -> None:
    found = CliRunner().invoke(relay, ["completion", shell])
    assert found.exit_code == 0 and f"_RELAY_COMPLETE={shell}_complete" in found.stdout
    if shutil.which(shell):
        (tmp_path / "script").write_text(found.stdout)
        words = [shell, "--no-execute" if shell == "fish" else "-n", str(tmp_path / "script")]
        assert subprocess.run(words, capture_output=True, timeout=30, check=False).returncode == 0


def test_bash_completes_a_line(conn: sqlite3.Connection, tmp_path: Path) -> None:
    code = (
        'source <(relay completion bash) && COMP_WORDS=(relay tenant show s) COMP_CWORD=3'
        ' && _relay_completion relay s show && echo "${COMPREPLY[@]}"'
    )  # fmt: skip
    path = {"PATH": f"{RELAY.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", code],
        env=os.environ | path,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("shop\n", "")


def test_the_outline_is_what_the_commands_are() -> None:
    assert outline.FILE.read_text("utf-8") == outline.text(relay)
