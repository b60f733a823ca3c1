"""States of one recipient's copy, and the ids of submissions.

A lease is no state of its own: a leased copy stays READY with an owner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


# --- submission ids -------------------------------------------------------------

EPOCH_S: Final = 1_704_067_200.0
"""2024-01-01T00:00:00Z."""
_TIME_BITS: Final = 41
RANDOM_BITS: Final = 22

ID_LENGTH: Final = 13
_SHIFTS: Final = range(5 * (ID_LENGTH - 1), -1, -5)
_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES: Final = {
    **{digit: value for value, digit in enumerate(_DIGITS)},
    **{digit.upper(): value for value, digit in enumerate(_DIGITS)},
    **{"o": 0, "O": 0, "i": 1, "I": 1, "l": 1, "L": 1},
}


def new_submission_id(now: float, randbits: Callable[[int], int]) -> int:
    """A 63-bit id that sorts by time: 41 bits of milliseconds since 2024, 22 random bits.

    ``now`` is seconds UTC; enough until 2093. Raises ValueError for a time outside.
    """
    elapsed_ms = int((now - EPOCH_S) * 1000)
    if not 0 <= elapsed_ms < 1 << _TIME_BITS:
        raise ValueError("the clock is outside 2024 to 2093; set it right")
    return elapsed_ms << RANDOM_BITS | randbits(RANDOM_BITS)


def first_id(moment: float) -> int:
    """The least id of that time (seconds UTC): those of submissions before it are below."""
    return max(0, int((moment - EPOCH_S) * 1000)) << RANDOM_BITS


def encode_id(submission_id: int) -> str:
    """13 digits of Crockford base32 in lower case; they sort as the numbers do."""
    if not 0 <= submission_id < 1 << 63:
        raise ValueError(f"{submission_id} is no submission id")
    digits = _DIGITS
    return "".join([digits[submission_id >> shift & 31] for shift in _SHIFTS])


def decode_id(text: str) -> int:
    """The id of its text form, in either case, with o for 0 and i or l for 1; raises ValueError."""
    if len(text) != ID_LENGTH:
        raise ValueError(f"a queue id has {ID_LENGTH} characters")
    value = 0
    for char in text:
        digit = _VALUES.get(char)
        if digit is None:
            raise ValueError(f"a queue id has no {char!r}")
        value = value << 5 | digit
    if value >= 1 << 63:
        raise ValueError("the queue id is too large")
    return value
