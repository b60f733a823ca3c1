"""States of one recipient's copy.

A lease is no state of its own: a leased copy stays READY with an owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class State(IntEnum):
    """What stands in ``recipient.state``; never renumber."""

    READY = 0
    """Waits for its time, or is leased."""
    HELD = 1
    """Kept until someone releases it."""
    DELIVERED = 2
    BOUNCED = 3
    EXPIRED = 4
    CANCELLED = 5
    """Dropped by the operator."""
    DECLINED = 6
    """Dropped with its campaign (R12)."""
    WITHDRAWN = 7
    """Consent was gone, or a suppression there, at the re-check before delivery (R3)."""


_END: Final[frozenset[State]] = frozenset()


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        # READY to READY is a retry.
        State.READY: frozenset(State),
        # Only the ready are tried, so nothing held is delivered, bounces or is re-checked.
        State.HELD: frozenset({State.READY, State.CANCELLED, State.DECLINED, State.EXPIRED}),
        # A DSN that comes back later tells that the copy was not delivered after all (RFC 3464).
        State.DELIVERED: frozenset({State.BOUNCED}),
        State.BOUNCED: _END,
        State.EXPIRED: _END,
        State.CANCELLED: _END,
        State.DECLINED: _END,
        State.WITHDRAWN: _END,
    }
)
"""Which state may follow which."""


BOUNCED_EARLY: Final = "bounced"
"""``hold_reason`` of a leased copy that was reported as bounced before its delivery was written down."""


OPEN: Final = frozenset({State.READY, State.HELD})
"""States of copies that still need their message's body."""


def allowed(before: State, after: State) -> bool:
    """Whether a copy may go from ``before`` to ``after``."""
    return after in TRANSITIONS[before]
