"""One hit by itself: what its network, its program and its time say of it; bursts come after (``bursts``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from relay.tracking.machines import MachineTable
from relay.tracking.values import Hit, HitClass, HitJudgement, HitKind

INSTANT_S: Final = 2.0
"""Nobody reads and clicks within so many seconds after a server has taken the message."""
INSTANT_OPEN_S: Final = 1.0
UNKNOWN: Final = HitJudgement(HitClass.HUMAN, "")
_ADVANCE: Final = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
_WORDS: Final = (b"prefetch", b"prerender", b"preview")


def judge(hit: Hit, since_delivery_s: float | None, table: MachineTable) -> HitJudgement:
    """``since_delivery_s``: None where it isn't known when it was delivered."""
    if hit.decoy:
        return HitJudgement(HitClass.SCANNER, "decoy: followed a link that nobody sees")
    known = table.judge(hit.kind, hit.address, hit.agent)
    if known is not None:
        return known
    if not hit.agent.strip():
        return HitJudgement(HitClass.SCANNER, "no user agent")
    if since_delivery_s is not None:
        if since_delivery_s < 0:
            return HitJudgement(HitClass.SCANNER, "before the message was delivered")
        if hit.kind is HitKind.CLICKED and since_delivery_s < INSTANT_S:
            return HitJudgement(HitClass.SCANNER, f"within {INSTANT_S:g} s of delivery")
        if hit.kind is HitKind.OPENED and since_delivery_s < INSTANT_OPEN_S:
            return HitJudgement(HitClass.UNSURE, f"within {INSTANT_OPEN_S:g} s of delivery")
    return UNKNOWN


def in_advance(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """A request that shows nothing to anybody: it never counts."""
    if method != "GET":
        return True
    return any(word in headers[name].lower() for name in _ADVANCE if name in headers for word in _WORDS)
