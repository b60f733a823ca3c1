"""``--watch``, on a real terminal and elsewhere; ``relay stats`` of all tenants."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.cli.main import relay
from relay.keys.secrets import Secrets
from tests.unit.records import open_shop, put

ROOT = Path(__file__).resolve().parents[2]
WATCHING = [["queue", "list"], ["queue", "stats"], ["stats"], ["stats", "shop"], ["campaign", "list"]]


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    (tmp_path / "data").mkdir()
    (tmp_path / "relay.toml").write_text('[server]\nhostname = "relay.example"\n[policies]\norder = []\n')
    Secrets.create(tmp_path / "data" / "secrets")
    conn = open_shop(tmp_path / "data" / "relay.db")
    put(conn, [f"p{i}@people.example" for i in range(40)])
    put(conn, ["ann@people.example"], hold="operator", tenant_id=2, random=1)
    yield conn
    conn.close()


def _invoke(home: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(relay, ["-c", str(home / "relay.toml"), *words])
    return result.exit_code, result.stdout, result.stderr


class Terminal:
    """A command on a terminal of 60 columns and 12 lines."""

    def __init__(self, home: Path, *words: str) -> None:
        self.fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
        self.child = subprocess.Popen(
            [sys.executable, "-m", "relay.cli.main", "-c", str(home / "relay.toml"), *words],
            cwd=ROOT,
            env=os.environ | {"TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.text = ""

    def until(self, pattern: str, times: int = 1) -> str:
        """Read until the pattern came so often, or the command ended."""
        while len(re.findall(pattern, self.text)) < times:
            try:
                self.text += os.read(self.fd, 65536).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                break
        return self.text

    def end(self, number: int) -> tuple[int, str]:
        self.child.send_signal(number)
        self.until("$never")
        os.close(self.fd)
        return self.child.wait(30), self.text


@pytest.mark.parametrize("words", WATCHING)
def test_a_pipe_gets_one_round(conn: sqlite3.Connection, tmp_path: Path, words: list[str]) -> None:
    status, out, err = _invoke(tmp_path, *words, "--watch", "--interval", "3600")
    assert (status, err) == (0, "") and out == _invoke(tmp_path, *words)[1] and "\x1b" not in out
    assert json.loads(_invoke(tmp_path, *words, "--watch", "--json")[1]) is not None


def test_rounds_are_drawn_over_each_other_until_ctrl_c(conn: sqlite3.Connection, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "stats", "--watch", "--interval", "0.2")
    terminal.until(r"\x1b\[H", 3)
    put(conn, ["new@people.example"], random=2)
    terminal.until(r"accepted +42", 1)
    status, text = terminal.end(signal.SIGINT)
    assert status == 0 and "Traceback" not in text
    assert text.startswith("\x1b[?1049h\x1b[?25l") and text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 1
    assert "\x1b[2J" not in text  # clearing first is what flickers
    last = text.rpartition("\x1b[?1049l")[2]
    assert re.match(r"accepted +42\r\n", last) and "\x1b[H" not in last


def test_a_round_is_no_wider_and_no_higher_than_the_terminal(conn: sqlite3.Connection, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "queue", "list", "--watch", "--interval", "0.2")
    text = terminal.until(r"\x1b\[J", 2).split("\x1b[J")[0]
    terminal.end(signal.SIGINT)
    lines = [re.sub(r"\x1b\[[?0-9]*[A-Za-z]", "", line) for line in text.split("\r\n")]
    assert len(lines) <= 12 and all(len(line) <= 60 for line in lines)
    assert "Ctrl-C ends" in lines[0] and "lines more" in lines[-1]


def test_the_terminal_is_put_back_when_it_is_ended_otherwise(conn: sqlite3.Connection, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "stats", "shop", "--watch")
    terminal.until(r"\x1b\[J")
    status, text = terminal.end(signal.SIGTERM)
    assert status == 143 and text.endswith("\x1b[?25h\x1b[?1049l")


def test_an_error_puts_the_terminal_back_too(conn: sqlite3.Connection, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "campaign", "show", "99", "--watch")
    terminal.until("$never")
    os.close(terminal.fd)
    assert terminal.child.wait(30) == 1
    assert "\x1b[?1049l" in terminal.text and "relay: " in terminal.text.rpartition("\x1b[?1049l")[2]


@pytest.mark.parametrize("interval", ["0", "0.1", "3601", "x", "nan"])
def test_an_interval_has_bounds(conn: sqlite3.Connection, tmp_path: Path, interval: str) -> None:
    status, _, err = _invoke(tmp_path, "stats", "--watch", "--interval", interval)
    assert status == 2 and "interval" in err


# --- stats of all -----------------------------------------------------------------------


def test_stats_without_a_tenant_are_of_all(conn: sqlite3.Connection, tmp_path: Path) -> None:
    found = json.loads(_invoke(tmp_path, "stats", "--json")[1])
    assert found["tenant"] is None and (found["accepted"], found["held"]) == (41, 1)
    assert [(row["tenant"], row["accepted"], row["held"]) for row in found["tenants"]] == [
        ("rival", 1, 1),
        ("shop", 40, 0),
    ]
    for row in found["tenants"]:
        assert json.loads(_invoke(tmp_path, "stats", row["tenant"], "--json")[1]) == row
    out = _invoke(tmp_path, "stats")[1]
    assert re.search(r"^accepted +41$", out, re.M) and "TENANT" in out


def test_stats_of_a_campaign_need_its_tenant(conn: sqlite3.Connection, tmp_path: Path) -> None:
    status, _, err = _invoke(tmp_path, "stats", "--campaign", "autumn")
    assert status == 2 and "name the tenant" in err
