"""Which Python `make setup` takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.tree import ROOT

TOOLS = ("bash", "env")


def fake(directory: Path, name: str, says: str) -> None:
    """A Python by that name that answers what the script asks it with ``says``, or fails without that."""
    path = directory / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n" if says else "#!/bin/sh\nexit 127\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A directory to be the whole PATH."""
    for tool in TOOLS:
        found = next(one for one in (Path("/bin", tool), Path("/usr/bin", tool)) if one.exists())
        (tmp_path / tool).symlink_to(found)
    return tmp_path


def interpreter(path: Path | str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "interpreter"],
        env={"PATH": str(path), **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_the_best_one_is_taken_and_of_equals_the_newest(path: Path) -> None:
    fake(path, "python3.13", "")
    fake(path, "python3.12", "2 /whole")
    fake(path, "python3.11", "3 /optimised")
    fake(path, "python3", "3 /older")
    assert interpreter(path).stdout == "/optimised\n"


def test_what_is_asked_of_a_real_one(path: Path) -> None:
    (path / "python3").symlink_to(sys.executable)
    assert Path(interpreter(path).stdout.strip()) == Path(sys.executable).resolve()


def test_the_one_that_is_named_wins(path: Path) -> None:
    fake(path, "python3.11", "3 /optimised")
    assert interpreter(path, PYTHON=sys.executable).stdout == f"{sys.executable}\n"


def test_one_that_is_named_and_not_there_is_an_error(path: Path) -> None:
    fake(path, "python3.11", "3 /optimised")
    done = interpreter(path, PYTHON="no-such-python")
    assert (done.returncode, done.stdout) == (1, "")
    assert "PYTHON=no-such-python is not Python 3.11 or newer" in done.stderr


def test_none_at_all_is_an_error_that_says_what_to_do(path: Path) -> None:
    done = interpreter(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "install it or set PYTHON" in done.stderr
