"""A lease is made and changed by the queue alone: no other code can name one that the store doesn't know."""

from __future__ import annotations

import ast
import re

import pytest

from tests.meta.test_house import strings
from tests.meta.tree import python_files

MAKERS = {"Lease": "relay/queue/lease.py", "Claim": "relay/queue/lease.py"}
"""Which file alone makes values of the type."""
CHANGES = re.compile(r"\b(?:UPDATE recipient|INTO recipient)\b.*\b(?:owner|fence)\b", re.DOTALL)


def made(tree: ast.Module) -> list[tuple[int, str]]:
    """Line and type where a lease or a claim is made or changed: called, copied with other values, or asked for."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in MAKERS:
            found.append((node.lineno, name))
        if name in ("replace", "convert", "Decoder") and any(
            isinstance(part, ast.Name) and part.id in ("lease", *MAKERS) for part in ast.walk(node)
        ):
            found.append((node.lineno, "Lease"))
    return found


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("Lease(1, 2)", 1),
        ("values.Lease(1, 2)", 1),
        ("replace(lease, until=9)", 1),
        ("msgspec.convert(row, Lease)", 1),
        ("Claim('me', 9.0)", 1),
        ("lease.number", 0),
        ("take(lease)", 0),
        ("def f(lease: Lease) -> Lease: return lease", 0),
    ],
)
def test_what_makes_a_lease_is_seen(code: str, count: int) -> None:
    assert len(made(ast.parse(code))) == count


def test_leases_are_made_by_the_queue_alone() -> None:
    found = [
        f"{path}:{line} {name}"
        for path, tree in python_files("relay", "policies")
        for line, name in made(tree)
        if path != MAKERS[name]
    ]
    assert found == []


def test_owner_and_fence_are_written_by_the_queue_alone() -> None:
    found = [
        f"{path}:{line} {text[:60]!r}"
        for path, tree in python_files("relay", "policies")
        for line, text in strings(tree)
        if not path.startswith("relay/queue/") and CHANGES.search(text)
    ]
    assert found == []
