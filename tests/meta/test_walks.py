"""docs/WALKS.md: five walks, whose functions are there; ARCHITECTURE.md: one screen, of folders that exist."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.meta.tree import ROOT

TEXT = (ROOT / "docs" / "WALKS.md").read_text("utf-8")
HOP = re.compile(r"^(\d+)\. `([\w/]+\.py)` \u203a `([\w.]+)`: \S")
WALKS = {
    title: [line for line in body.splitlines() if line[:1].isdigit()]
    for title, _, body in (part.partition("\n") for part in TEXT.split("\n## ")[1:])
}
TOPS = ("policies/", "config/")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
SCREEN = 100
"""Lines."""


@cache
def names(path: str) -> frozenset[str]:
    """Functions, classes and methods (``Class.method``) of a file."""
    found = set[str]()
    for node in ast.parse((ROOT / path).read_bytes()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(found)


def missing(line: str) -> str:
    """What is wrong with a hop; empty if nothing."""
    hop = HOP.match(line)
    if hop is None:
        return f"no hop: {line}"
    path = hop[2] if hop[2].startswith(TOPS) else f"relay/{hop[2]}"
    if not (ROOT / path).is_file():
        return f"{path} is not there"
    return "" if hop[3] in names(path) else f"{path} has no {hop[3]}"


def test_there_are_five() -> None:
    assert [title.partition(":")[0] for title in WALKS] == [
        "A message", "RCPT", "A row of a list", "An unsubscribe", "An outcome",
    ]  # fmt: skip


@pytest.mark.parametrize("walk", WALKS)
def test_each_hop_is_there(walk: str) -> None:
    assert [fault for line in WALKS[walk] if (fault := missing(line))] == []
    assert [int(line.partition(".")[0]) for line in WALKS[walk]] == list(range(1, len(WALKS[walk]) + 1))


def test_a_hop_that_is_not_there_would_be_seen() -> None:
    assert missing("1. `queue/lease.py` \u203a `lease_due`: leases") == ""
    assert missing("1. `queue/nowhere.py` \u203a `lease_due`: leases") == "relay/queue/nowhere.py is not there"
    assert missing("1. `queue/lease.py` \u203a `Lease.due`: leases") == "relay/queue/lease.py has no Lease.due"
    assert missing("1. queue/lease.py: leases").startswith("no hop")


def test_the_architecture_is_one_screen() -> None:
    assert len(ARCHITECTURE.splitlines()) <= SCREEN


def test_the_architecture_names_each_folder() -> None:
    told = set(re.findall(r"`relay/([a-z_]+)/`", ARCHITECTURE))
    there = {path.parent.name for path in (ROOT / "relay").glob("*/__init__.py")}
    assert told == there


def test_what_the_architecture_names_is_there() -> None:
    """Files by their path or, within the walk's drawing, by their name."""
    every = {path.name for top in ("relay", "policies", "config", "tests/meta") for path in (ROOT / top).rglob("*.py")}
    for word in re.findall(r"[\w/]+\.py\b", ARCHITECTURE):
        path = word if word.startswith(("relay/", "policies/", "config/", "tests/")) else f"relay/{word}"
        assert (ROOT / path).is_file() or word in every, word
    for word in re.findall(r"^ *(?:[│└▼▲─▶ ]+)?([a-z]+(?:/[a-z]+)+/)", ARCHITECTURE, re.M):
        assert (ROOT / "relay" / word).is_dir(), word
