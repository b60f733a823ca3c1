"""Ids of submissions: they sort by time and are short to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

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


def sent_at(submission_id: int) -> float:
    """When the id was made, seconds UTC."""
    return EPOCH_S + (submission_id >> RANDOM_BITS) / 1000
