"""What is known of how a log-in is used: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec


class ContentSample(NamedTuple):
    """Numbers of what a message consists of to its reader."""

    words: frozenset[int]
    hosts: frozenset[int]
    """Of links, but those of the tenant's own domains."""


class PlaceUse(msgspec.Struct):
    """From one network."""

    copies: int = 0
    strangers: int = 0
    """Of these to people of whom the tenant had nothing yet."""


@dataclass(slots=True)
class LoginUse:
    """What one log-in did since it was written down last. Times in seconds UTC."""

    login: str
    tenant_id: int
    places: dict[str, PlaceUse] = field(default_factory=dict)
    learnt: list[ContentSample] = field(default_factory=list)
    """Of what is as ever: what the tenant sends consists of these too."""
    odd: int = 0
    """Copies from new networks, or out of all proportion."""
    unusual: list[ContentSample] = field(default_factory=list)
    """The latest of these, as far as they were looked at; those written down before too."""
    refresh: bool = False
    """The process wants to know the habits anew."""

    @property
    def copies(self) -> int:
        return sum(one.copies for one in self.places.values())

    @property
    def strangers(self) -> int:
        return sum(one.strangers for one in self.places.values())


class LoginHabits(NamedTuple):
    """What a log-in did before today."""

    days: int
    """With mail."""
    copies: int
    usual: float
    """Copies of an hour in the middle of those with mail."""
    peak: int
    """Of its busiest hour."""
    places_a_day: int
    """Networks that were new, on the day with the most."""
    strangers: float
    """Share of copies to people of whom nothing was known."""


class LoginBurst(NamedTuple):
    """What it does now."""

    rate: float
    """Copies within an hour."""
    from_new: int
    """Copies from networks that are new within a day."""
    new_places: int
    strangers: float
    """Share among these, or among all where no network is new."""
    unlike: float
    """How unlike all content before the content is, from 0 to 2; none seen: 0."""
    samples: int
    since: float
    """When the first of these networks was met, or the hour began."""


class Suspicions(NamedTuple):
    """Why a log-in seems to be used by another."""

    points: int
    place: bool
    """It comes from new networks: mail from the others goes on."""
    facts: tuple[dict[str, object], ...]
    """For the statement of reasons."""


class KnownLogin(NamedTuple):
    """What a process remembers of a log-in, to see at once what is unusual."""

    trusted: frozenset[str]
    """Networks."""
    unusual_rate: float
    """Copies of an hour."""
    samples: int
    """Of the tenant's content."""
    settled: bool
    """Whether its habits say something."""


@dataclass(frozen=True, slots=True)
class BrakeRow:
    """A brake as stored. Times in seconds UTC."""

    id: int
    tenant_id: int
    tenant: str
    login: str
    name: str
    at: float
    since: float
    spared: tuple[str, ...]
    statement_id: int
    ended_at: float | None
    decided: str
    decided_at: float | None
    decided_by: str
    held: int
    """Copies that it holds now."""
