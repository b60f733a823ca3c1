"""docs/RULES.md names every rule once, and what it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.meta.tree import ROOT

RULES = {f"R{number}" for number in range(1, 38)} | {"R8a", "R8b", "R18a", "R25a", "R31a"}
TEXT = (ROOT / "docs" / "RULES.md").read_text("utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| R")]
TOPS = ("policies/", "config/")


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def _tests_in(file: str) -> frozenset[str]:
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    return frozenset(
        node.name
        for node in ast.parse(path.read_bytes()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def missing(modules: str, tests: str) -> list[str]:
    """What two cells name and the project doesn't have."""
    files = [name if name.startswith(TOPS) else f"relay/{name}" for name in named(modules)]
    gone = [name for name in files if not (ROOT / name).is_file()]
    for name in named(tests):
        file, _, test = name.partition("::")
        if test not in _tests_in(file):
            gone.append(name)
    return gone


def test_every_rule_has_one_row() -> None:
    assert sorted(row[0] for row in ROWS) == sorted(RULES)
    assert all(len(row) == 5 and row[1] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_a_row_says_what_is_kept_where_and_what_is_missing(row: list[str]) -> None:
    _, _, kept, modules, tests = row
    found = re.fullmatch(r"(yes)(?:; .+)?|(partly|not yet): .+", kept)
    assert found is not None, kept
    if kept.startswith("not yet"):
        assert not modules and not tests
    else:
        assert named(modules) and named(tests)
    assert missing(modules, tests) == []


def test_what_is_not_there_is_missed() -> None:
    assert missing("`web/nowhere.py`", "`meta/test_rules.py::test_nothing`, `meta/none.py::test_x`") == [
        "relay/web/nowhere.py",
        "meta/test_rules.py::test_nothing",
        "meta/none.py::test_x",
    ]


def test_every_file_of_attacks_is_told() -> None:
    told = set(re.findall(r"`((?:attacks|unit)/[\w.]+)`", TEXT.partition("## What attackers try")[2]))
    there = {f"attacks/{path.name}" for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert there <= told
    assert [name for name in told if not (ROOT / "tests" / name).is_file()] == []


def test_it_stands_alone() -> None:
    assert "../shared" not in TEXT and "RULES.md" not in TEXT
