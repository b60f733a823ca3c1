"""When a try that failed is made again: over 75 hours, spread, and never sooner than the server asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

HOUR_S: Final = 3600.0
WAITS_S: Final = (5.0, 300.0, 1800.0, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S)
"""After the first, the second … try (Standard Webhooks 1.0, "Deliverability and Reliability"); then none follows."""
JITTER: Final = 0.1
LONGEST_S: Final = 24 * HOUR_S
"""What of a ``Retry-After`` is honoured."""
DEAD_S: Final = 5 * 24 * HOUR_S
"""An endpoint that has failed for so long, and never answered well meanwhile, is called no more."""
_SECONDS: Final = re.compile(r"\d{1,9}", re.ASCII)


def wait_s(tries: int, random: Callable[[], float]) -> float | None:
    """Seconds after so many tries; None: that was the last one. ``random`` gives [0, 1)."""
    if tries > len(WAITS_S):
        return None
    return WAITS_S[tries - 1] * (1 + JITTER * random())


def asked_s(field: str, now: float) -> float:
    """Seconds that a ``Retry-After`` asks for (RFC 9110 §10.2.3); 0 for none, or one that can't be read."""
    text = field.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_S)
    try:
        moment = parsedate_to_datetime(text).timestamp() if text else now
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(0.0, moment - now), LONGEST_S)
