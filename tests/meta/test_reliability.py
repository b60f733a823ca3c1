"""docs/RELIABILITY.md: thirty figures, each with a command that is there."""

from __future__ import annotations

import re

from tests.meta.tree import ROOT

TEXT = (ROOT / "docs" / "RELIABILITY.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if re.match(r"\| \d+ ", line)
]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_the_figures_are_numbered_without_gaps() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 31))
    assert all(len(row) == 5 and row[1] and row[2] and row[4] for row in ROWS)


def test_every_command_is_there() -> None:
    for number, _, _, command, measured in ROWS:
        named = re.findall(r"`([^`]+)`", command)
        assert named or measured == "not there yet", number
        for name in named:
            target = re.search(r"\bmake ([a-z-]+)", name)
            assert target[1] in TARGETS if target else (ROOT / "tests" / name).is_file(), name
