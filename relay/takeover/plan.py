"""What was found on another server, and what becomes of each of it here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of one thing."""

    CARRIED = "carried"
    """Taken over: by a dry run it would be."""
    THERE = "there"
    """So already."""
    LOOK = "look"
    """A person has something to do."""
    LEFT = "left"
    """Not taken over; the text says why, and that nothing is to be done or what is instead."""


@dataclass(frozen=True, slots=True)
class TakeoverFinding:
    fate: Fate
    what: str
    """Where it stood: a setting, a file, a table's entry."""
    text: str


@dataclass(frozen=True, slots=True)
class CarriedDomain:
    name: str
    selector: str
    pem: bytes
    """Its private key; empty: it has none."""
    source: str


@dataclass(frozen=True, slots=True)
class CarriedLogin:
    username: str
    password: str = ""
    """Empty: nobody knows it, a new one is made."""
    source: str = ""


@dataclass(frozen=True, slots=True)
class CarriedSuppression:
    address: str
    reason: str
    """One of ``relay.values.facts.Reason``."""
    detail: str
    since: float | None = None
    """Seconds UTC; None: from now on."""


@dataclass(frozen=True, slots=True)
class CarriedToken:
    """An application that asks by HTTP: what it had there can't be its token here."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class CarriedWebhook:
    url: str
    types: tuple[str, ...]
    """Of events; none: all."""
    source: str


SettingValue = str | int | list[str]


@dataclass(slots=True)
class TakeoverPlan:
    findings: list[TakeoverFinding] = field(default_factory=list)
    settings: dict[tuple[str, str], tuple[SettingValue, str]] = field(default_factory=dict)
    """By table and key: value and where it stood."""
    domains: list[CarriedDomain] = field(default_factory=list)
    logins: list[CarriedLogin] = field(default_factory=list)
    networks: list[tuple[str, str]] = field(default_factory=list)
    """CIDR and where it stood."""
    suppressions: list[CarriedSuppression] = field(default_factory=list)
    tokens: list[CarriedToken] = field(default_factory=list)
    webhooks: list[CarriedWebhook] = field(default_factory=list)
    smart_host_password: str = ""

    def tell(self, fate: Fate, what: str, text: str) -> None:
        self.findings.append(TakeoverFinding(fate, what, text))

    def look(self, what: str, text: str) -> None:
        self.tell(Fate.LOOK, what, text)

    def left(self, what: str, text: str) -> None:
        self.tell(Fate.LEFT, what, text)


class TakeoverError(Exception):
    """Nothing could be read; the text says what to do."""
