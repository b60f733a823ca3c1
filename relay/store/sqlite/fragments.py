"""Pieces of SQL that SQLite writes in its own way; another engine has its own of the same names."""

from __future__ import annotations

from typing import Final

AMONG: Final = "(SELECT value FROM json_each(?1))"
"""The values of a JSON array that is the first value, for ``IN``: one statement however many there are."""

AMONG_TEXTS: Final = "(SELECT value FROM json_each(?3))"
"""The same of texts, in the third value."""


def by_index(name: str) -> str:
    """Says which index finds the rows, where the planner would rather read the whole table."""
    return f"INDEXED BY {name}"


def elements(column: str, alias: str) -> str:
    """A JSON array's elements as rows, with the element in ``alias.value``."""
    return f"json_each({column}) {alias}"


def has_member(column: str) -> str:
    """Whether a JSON object has a member of that name and text (two values)."""
    return f"EXISTS (SELECT 1 FROM json_each({column}) j WHERE j.key = ? AND j.value = ?)"
