"""``relay demo`` as a newcomer runs it: it ends by itself, says what happened, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.postgres import programs

LIMIT_S = 300


DEMO = [sys.executable, "-m", "relay.cli.main", "demo"]


def demo(directory: Path, *options: str, words: Sequence[str] = DEMO) -> subprocess.Popen[str]:
    """In a process group of its own, as under a terminal; temporary files go below ``directory``."""
    return subprocess.Popen(
        [*words, *options],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(directory), "PYTHONIOENCODING": "utf-8"},
        start_new_session=True,
    )


def ended(port: int) -> bool:
    """Nobody listens on the port any more."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def test_once_tells_the_story_and_ends_by_itself(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with demo(tmp_path, "--once", "--dir", str(kept)) as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, output
    told = re.search(r"(\d+) expectations, all met, in (\d+) s", output)
    assert told is not None, output
    assert int(told[1]) >= 30
    assert "\x1b" not in output, "no colours where there is no terminal"
    for shown in (
        "550 5.7.1 no-consent: ",
        "550 5.7.1 unsubscribed: ",
        "550 5.7.1 suppressed: ",
        "550 5.7.1 sender: ",
        "$ relay campaign release 1",
        "DKIM rsa-sha256, d=bookshop.example",
        "DKIM ed25519-sha256, d=bookshop.example",
        "/v1/openapi.json",
        "owner@bookshop.example opens the account",
        "desk@provider.example opens the desk",
    ):
        assert shown in output
    assert ended(int(re.findall(r"http://127\.0\.0\.1:(\d+)", output)[0]))
    words = [sys.executable, "-m", "relay.cli.main", "campaign", "show", "1"]
    shown_again = subprocess.run(words, cwd=kept, capture_output=True, text=True, timeout=60)
    assert "new-books" in shown_again.stdout, "a directory that is named is kept, and is a working relay"


def test_an_unmet_expectation_fails_it_and_is_named(tmp_path: Path) -> None:
    """The demonstration asserts for real: with a verifier that finds no signature it must fail."""
    code = (
        "from relay.cli.main import relay\n"
        "from relay.demo import signatures\n"
        "signatures.verify = lambda octets, port: []\n"
        "relay(['demo', '--once'])\n"
    )
    with demo(tmp_path, words=[sys.executable, "-c", code]) as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, output
    assert "not as expected: signed twice, with RSA and Ed25519" in output
    assert "1 of 3" in output.splitlines()[-1], "all else went on"
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stays_up_until_it_is_told_to_end(tmp_path: Path, number: int) -> None:
    with demo(tmp_path) as process:
        assert process.stdout is not None
        output = ""
        while "Ctrl-C ends it" not in output:
            # The descriptor itself: what a text stream has buffered, select doesn't see.
            ready, _, _ = select.select([process.stdout], [], [], LIMIT_S)
            piece = os.read(process.stdout.fileno(), 65536) if ready else b""
            assert piece, output
            output += piece.decode()
        assert process.poll() is None
        process.send_signal(number)
        rest, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, output + rest
    assert list(tmp_path.iterdir()) == []
    assert ended(int(re.findall(r"http://127\.0\.0\.1:(\d+)", output)[0]))


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with demo(tmp_path, "--dir", str(tmp_path)) as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "not empty" in output
    assert (tmp_path / "mine").read_text() == "kept"


@pytest.mark.slow
def test_the_same_story_with_a_database_server_of_its_own(tmp_path: Path) -> None:
    programs()
    with demo(tmp_path, "--once", "--store", "postgres") as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0 and "expectations, all met" in output, output
    place = re.search(r"host=(/tmp/relay-demo-pg-\w+)", output)
    assert place is not None and not Path(place[1]).exists()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--store", "mysql"), 2, "--store: sqlite, postgres or a URL"),
        (("--store", "postgresql://host"), 2, "names no database"),
        (("--store", "postgres", "--dir", "kept"), 1, "a directory that is kept needs a store that is"),
    ],
)
def test_a_store_that_can_not_be_is_told(tmp_path: Path, words: tuple[str, ...], status: int, said: str) -> None:
    with demo(tmp_path, "--once", *words) as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == status and said in output, output
    assert list(tmp_path.iterdir()) == []
