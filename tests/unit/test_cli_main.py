"""The frame of the command line: loading, errors, exit status, printing."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import relay.cli
from relay.cli import common, main
from relay.values.errors import RegistryError

ROOT = Path(__file__).resolve().parents[2]
LIGHT = {f"relay.cli.{name}" for name in ("main", "common", "layout", "moments", "printing", "near")}
PRESENT = [name for name in main.COMMANDS if importlib.util.find_spec(f"relay.cli.{name}")]


def _invoke(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main.relay, list(words))
    return result.exit_code, result.stdout, result.stderr


def _child(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "relay.cli.main", *words],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize("name", PRESENT)
def test_a_summary_that_lists_commands_lists_them_all(name: str) -> None:
    group = importlib.import_module(f"relay.cli.{name}").command
    for summary in (main.COMMANDS[name], group.help.split("\n\n")[0]):
        listed = {word.strip() for word in " ".join(summary.split()).rpartition(":")[2].rstrip(".").split(",")}
        known = set(getattr(group, "commands", ()))
        assert not listed & known or listed == known, summary


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["audit", "prove", str(10**30)], "a number is larger than any in the store"),
        (["audit", "list", "--limit", str(10**30)], "a number is larger than any in the store"),
        (["audit", "list", "sh\udcffop"], "an argument is no text in UTF-8"),
        (["consent", "export", "shop", "out.csv", "--topic", "\udcff"], "an argument is no text in UTF-8"),
    ],
)
def test_odd_arguments_are_wrong_use(tmp_path: Path, words: list[str], told: str) -> None:
    assert _child("init", "--dev", "--dir", str(tmp_path), "--hostname", "relay.example").returncode == 0
    config = ["-c", str(tmp_path / "relay.toml")]
    assert _child(*config, "tenant", "add", "shop", "--contact", "owner@shop.example").returncode == 0
    done = _child(*config, *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and told in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["stream", "add", "shop", "s"], "missing option '--kind'. Choose from: bulk, transactional; see"),
        (["queue", "hold", "nonsense"], "invalid value for 'ID': 'nonsense' is no queue id"),
    ],
)
def test_wrong_use_is_told_as_people_write(words: list[str], told: str) -> None:
    status, _, err = _invoke(*words)
    assert status == 2 and told in err


def test_what_asks_says_what_to_do_where_nobody_answers(tmp_path: Path) -> None:
    assert _child("init", "--dev", "--dir", str(tmp_path), "--hostname", "relay.example").returncode == 0
    config = ["-c", str(tmp_path / "relay.toml")]
    assert _child(*config, "tenant", "add", "shop", "--contact", "owner@shop.example").returncode == 0
    done = _child(*config, "tenant", "terminate", "shop", "--reason", "phishing")
    assert done.returncode == 2 and "relay: nobody is there to answer; say --yes" in done.stderr


def test_help_lists_every_command_and_imports_none() -> None:
    status, out, _ = _invoke("--help")
    assert status == 0
    assert all(f"\n  {name} " in out for name in main.COMMANDS)
    code = (
        "import json, sys, relay.cli.main as m; m.relay(['--help'], standalone_mode=False);"
        "print(json.dumps([n for n in sys.modules if n.startswith(('relay.cli.', 'rich', 'pydantic'))]))"
    )
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert set(json.loads(child.stdout.splitlines()[-1])) <= LIGHT


@pytest.mark.parametrize("name", PRESENT)
def test_the_summary_is_the_module_s_own(name: str) -> None:
    command: click.Command = importlib.import_module(f"relay.cli.{name}").command
    assert (command.help or "").replace("\n", " ").startswith(main.COMMANDS[name].rstrip("."))


@pytest.mark.parametrize("name", PRESENT)
def test_every_command_has_help(name: str) -> None:
    status, out, _ = _invoke(name, "--help")
    assert status == 0 and out.startswith("Usage: ")


def test_every_module_is_a_command() -> None:
    modules = {module.name for module in pkgutil.iter_modules(relay.cli.__path__)}
    commands = {name for name in modules if hasattr(importlib.import_module(f"relay.cli.{name}"), "command")}
    assert commands <= set(main.COMMANDS)


@pytest.mark.parametrize("words", [["nosuch"], ["--nosuch"], ["-c"], ["tenant", "nosuch"], ["tenant", "add"]])
def test_wrong_use_is_one_line_and_status_2(words: list[str]) -> None:
    status, out, err = _invoke(*words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith("relay: ") and "--help`" in err


def test_no_words_show_the_help_and_are_wrong_use() -> None:
    status, _, err = _invoke()
    assert status == 2 and "Commands:" in err


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RegistryError("there is no tenant 'x'"), "there is no tenant 'x'"),
        (sqlite3.OperationalError("database is locked"), "the database is busy"),
        (sqlite3.DatabaseError("file is not a database"), "the database refused: file is not a database"),
        (PermissionError(13, "Permission denied", "/etc/x"), "/etc/x: Permission denied"),
        (OSError("odd"), "unexpected OSError: odd"),
        (ZeroDivisionError("oops"), "RELAY_DEBUG=1"),
        (RegistryError("two faults:\n  a.b: wrong\n  c\x1b[2J: missing"), r"two faults: a.b: wrong; c\x1b[2J: missing"),
        (common.CommandFailure("as\nsaid"), "as; said"),
        (RegistryError("another has it", inside="shop has it"), "shop has it"),
    ],
)
def test_an_error_is_one_line_and_status_1(error: BaseException, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def broken() -> None:
        raise error

    monkeypatch.setattr(main.Relay, "get_command", lambda self, ctx, name: broken)
    status, out, err = _invoke("broken")
    assert (status, out) == (1, "")
    assert told in err and err.startswith("relay: ") and err.count("\n") == 1 and "Traceback" not in err


def test_an_interruption_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main.Relay, "get_command", lambda self, ctx, name: interrupted)
    status, _, err = _invoke("interrupted")
    assert status == 1 and err.strip() == "relay: interrupted"


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "relay.toml").write_text("[server\n")
    quiet = _child("-c", str(tmp_path / "relay.toml"), "tenant", "list")
    assert quiet.returncode == 1 and quiet.stderr.count("\n") == 1
    loud = _child("-c", str(tmp_path / "relay.toml"), "tenant", "list", RELAY_DEBUG="1")
    assert loud.returncode == 1 and "Traceback" in loud.stderr


def test_an_int_is_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def three() -> int:
        return 3

    monkeypatch.setattr(main.Relay, "get_command", lambda self, ctx, name: three)
    assert _invoke("three") == (3, "", "")


ONE_LINE = "m.Relay.get_command = lambda *_: m.click.Command('x', callback=lambda: print('line'))"


@pytest.mark.parametrize("code", ["m.relay(['--help'])", f"{ONE_LINE}; m.relay(['x'])"], ids=["help", "buffered"])
def test_a_broken_pipe_is_silent(code: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    words = [sys.executable, "-c", f"import relay.cli.main as m; {code}"]
    child = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert child.communicate(timeout=30)[1] == b"" and child.returncode == 1


def test_no_settings_file_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.load.SEARCHED", (tmp_path / "relay.toml",))
    status, _, err = _invoke("tenant", "list")
    assert status == 1 and "relay init" in err


# --- printing -----------------------------------------------------------------

ROWS = [
    {"name": "shop", "created_at": 0.25, "live": True, "left": None, "topics": ("news", "offers"), "id": 7},
    {"name": "名前\x1b[2J", "created_at": 1e9, "live": False, "left": "", "topics": (), "id": 8},
]


def _printed(*words: str) -> str:
    @click.command()
    @common.json_option
    @click.pass_context
    def listing(ctx: click.Context, as_json: bool) -> None:
        common.output(ctx, ROWS, ("name", "created_at", "live", "left", "topics"), as_json)

    result = CliRunner().invoke(listing, list(words))
    assert result.exit_code == 0
    return result.stdout


def test_a_table_is_aligned_plain_text_without_control_characters() -> None:
    assert _printed().splitlines() == [
        "NAME         CREATED               LIVE  LEFT  TOPICS",
        "shop         1970-01-01T00:00:00Z  yes   -     news, offers",
        "名前\\x1b[2J  2001-09-09T01:46:40Z  no    -     -",
    ]


def test_json_has_all_keys_and_iso_times() -> None:
    first, second = json.loads(_printed("--json"))
    assert first == {
        "name": "shop",
        "created_at": "1970-01-01T00:00:00.250Z",
        "live": True,
        "left": None,
        "topics": ["news", "offers"],
        "id": 7,
    }
    assert second["name"] == "名前\x1b[2J"


def test_an_object_is_shown_with_its_lists_below() -> None:
    @click.command()
    @click.pass_context
    def one(ctx: click.Context) -> None:
        common.show(ctx, {"name": "shop", "renews_at": 0.0, "streams": [{"name": "bulk", "id": 1}], "none": []}, False)

    assert CliRunner().invoke(one).stdout.splitlines() == [
        "name    shop",
        "renews  1970-01-01T00:00:00Z",
        "none    -",
        "",
        "streams:",
        "NAME  ID",
        "bulk   1",
    ]


# --- parameters ------------------------------------------------------------------


def test_parameters_are_parsed() -> None:
    assert str(common.EMAIL.convert("Anna@Bücher.example", None, None)) == "Anna@xn--bcher-kva.example"
    assert common.CIDR.convert("192.0.2.7", None, None) == "192.0.2.7/32"
    assert common.CIDR.convert("2001:DB8::/32", None, None) == "2001:db8::/32"
    assert common.MOMENT.convert("2026-11-23T14:05:00+02:00", None, None) == 1795435500.0
    assert common.MOMENT.convert("2026-11-23", None, None) == 1795392000.0


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (common.EMAIL, "anna", "@ is missing"),
        (common.CIDR, "192.0.2.7/24", "write 192.0.2.0/24"),
        (common.CIDR, "here", "192.0.2.0/24"),
        (common.MOMENT, "yesterday", "2026-11-23T14:05:00Z"),
    ],
)
def test_a_malformed_parameter_says_how_to_write_it(kind: click.ParamType[object], text: str, told: str) -> None:
    with pytest.raises(click.BadParameter, match=told):
        kind.convert(text, None, None)
