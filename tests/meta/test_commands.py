"""Commands that tests give are those that people give, though they start at once."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import command
from tests.support.peers import until
from tests.support.relay import Relay

RELAY = Path(sys.executable).with_name("relay")


@pytest.mark.parametrize(
    "words", [["--version"], ["tenant"], ["tenant", "--help"], ["no-such-command"], ["tenant", "list"]], ids=" ".join
)
@pytest.mark.parametrize("debug", ["", "1"])
def test_status_and_texts_are_those_of_the_program(
    words: list[str], debug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAY_DEBUG", debug)
    real = subprocess.run([RELAY, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    quick = command(words, tmp_path, 60)
    assert (quick.returncode, quick.stdout, last(quick)) == (real.returncode, real.stdout, last(real))


def last(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The end of what it said; above it a traceback shows who called whom."""
    return done.stderr.splitlines()[-1:]


def test_a_command_that_goes_on_is_ended(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        relay.run("serve", timeout=0.5)
    until(lambda: not running_in(tmp_path), "its processes have ended")


def running_in(directory: Path) -> list[Path]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").resolve() == directory.resolve():
                found.append(process)
    return found
