"""``relay demo`` as a newcomer runs it: it ends by itself, says what happened, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_S = 120


def demo(directory: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    """In a process group of its own, as under a terminal; temporary files go below ``directory``."""
    return subprocess.Popen(
        [sys.executable, "-m", "relay.cli.main", "demo", *words],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(directory), "PYTHONIOENCODING": "utf-8", **env},
        start_new_session=True,
    )


def ended(port: int) -> bool:
    """Nobody listens on the port any more."""
    import socket

    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def test_once_tells_the_story_and_ends_by_itself(tmp_path: Path) -> None:
    with demo(tmp_path, "--once") as process:
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
    ):
        assert shown in output
    assert list(tmp_path.iterdir()) == [], "the temporary directory is gone"
    assert ended(int(re.findall(r"http://127\.0\.0\.1:(\d+)", output)[0]))


def test_every_command_it_shows_is_one(tmp_path: Path) -> None:
    """The directory that is kept is a working relay."""
    kept = tmp_path / "kept"
    with demo(tmp_path, "--once", "--dir", str(kept)) as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, output
    words = [sys.executable, "-m", "relay.cli.main", "campaign", "show", "1"]
    shown = subprocess.run(words, cwd=kept, capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    assert "new-books" in shown.stdout


def test_an_unmet_expectation_fails_it_and_is_named(tmp_path: Path) -> None:
    """The demonstration asserts for real: with a policy that is broken on purpose it must notice."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, importlib.abc\n"
        "class Breaker(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'policies.consent':\n"
        "            sys.meta_path.remove(self)\n"
        "            import policies.consent as module\n"
        "            module.refused = lambda *facts: None\n"
        "            return module.__spec__ and None\n"
        "sys.meta_path.insert(0, Breaker())\n"
    )
    with demo(tmp_path, "--once", PYTHONPATH=f"{tmp_path}:{Path.cwd()}") as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, output
    assert "not as expected: 4 people without consent refused, nobody else" in output


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
