"""A tenant as it is stored."""

from __future__ import annotations

from dataclasses import dataclass

from relay.values.facts import Freeze


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant as stored; times in seconds UTC, ``plan_ends_at`` None where the plan has no end."""

    id: int
    name: str
    contact: str
    postal: str
    freeze: Freeze
    freeze_reason: str
    plan: str
    plan_started_at: float
    plan_ends_at: float | None
    created_at: float
    title: str = ""
    """What people read in place of ``name``."""
    language: str = ""
    colour: str = ""
    """``#rrggbb``; empty: the pages' own."""
    privacy: str = ""
    """Address of the privacy notice."""
    watched_at: float | None = None
    """When it was first watched; None: never."""
    watched_until: float | None = None

    @property
    def shown(self) -> str:
        """What people read."""
        return self.title or self.name
