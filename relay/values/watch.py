"""Names of the counters of a watch: of recipients asked about, and of those whom the rules would refuse, and why."""

from __future__ import annotations

from typing import Final

ASKED: Final = "asked"
NOBODY: Final = "nothing"
"""Why: the person gave the tenant no consent that counts."""
OTHERS: Final = "others"
"""Why: the person agreed to other topics only."""


def prefix(watched_at: float) -> str:
    """What the names of one watch's counters begin with; ``watched_at`` in seconds UTC."""
    return f"watch/{int(watched_at)}/"


def asked(watched_at: float) -> str:
    """Counter of all recipients of mail that needs consent."""
    return prefix(watched_at) + ASKED


def missing(watched_at: float, why: str, topic: str) -> str:
    """Counter of those without a consent for the topic."""
    return f"{prefix(watched_at)}{why}/{topic}"
