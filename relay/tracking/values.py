"""What a hit is, and whose: plain values."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from relay.keys.tracked_tokens import CopyMark


class HitKind(StrEnum):
    """As events name them."""

    OPENED = "opened"
    CLICKED = "clicked"
    FORWARDED = "forwarded"
    """A link for handing the message on: counted, and nothing is kept of it."""


class HitClass(StrEnum):
    """Who or what it was, from the most to the least human."""

    HUMAN = "human"
    UNSURE = "unsure"
    PROXY = "proxy"
    """A picture fetched for its reader's privacy, opened or not."""
    PREFETCH = "prefetch"
    SCANNER = "scanner"


CLASSES: Final = tuple(HitClass)
PIXEL: Final = -1
"""Place of the picture."""


class HitJudgement(NamedTuple):
    """A class and its reason."""

    hit_class: HitClass
    reason: str


class Hit(NamedTuple):
    """A request of a picture or a link, as it came in; ``at`` in seconds UTC."""

    mark: CopyMark
    kind: HitKind
    at: float
    address: str
    agent: str
    place: int = PIXEL
    links: int = 0
    """In its message."""
    url: str = ""
    decoy: bool = False
