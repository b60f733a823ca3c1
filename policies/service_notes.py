"""What ``service_mail`` counts, for its copies in other processes and after a restart: only what is new, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from relay.pipeline.contract import PolicyNote

DAY_S: Final = 86_400.0
MOST: Final = 4_000
"""Numbers in one note."""
MOST_WAITING: Final = 40_000
"""Numbers that wait; what comes faster is counted by this process alone."""


class NotedRepeats(msgspec.Struct, array_like=True):
    """One note."""

    people: list[tuple[int, int, float]] = []
    """Tenant, number of a person it wrote to, when."""
    sentences: list[tuple[int, int, float, list[int]]] = []
    """Tenant, sentence, when it was first met in its day, people who got it."""
    days: list[tuple[int, int, int]] = []
    """Tenant, sentence, day on which it repeated."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(NotedRepeats)


class RepeatNotes:
    """What was counted since ``take`` was called last."""

    def __init__(self) -> None:
        self._now = NotedRepeats()
        self._full: list[NotedRepeats] = []
        self._waiting = 0
        self._size = 0

    def repeated(self, tenant_id: int, sentence: int, first_at: float, people: Sequence[int]) -> None:
        if self._room(len(people)):
            self._now.sentences.append((tenant_id, sentence, first_at, list(people)))

    def wrote_to(self, tenant_id: int, people: Sequence[int], at: float) -> None:
        if people and self._room(len(people)):
            self._now.people += [(tenant_id, one, at) for one in people]

    def day(self, tenant_id: int, sentence: int, when: int) -> None:
        if self._room(1):
            self._now.days.append((tenant_id, sentence, when))

    def _room(self, more: int) -> bool:
        if self._waiting + more > MOST_WAITING:
            return False
        self._waiting += more
        self._size += more
        if self._size > MOST:
            self._full.append(self._now)
            self._now, self._size = NotedRepeats(), more
        return True

    def take(self) -> list[PolicyNote]:
        found = [*self._full, self._now]
        self._now, self._full, self._waiting, self._size = NotedRepeats(), [], 0, 0
        notes = []
        for one in found:
            if one.people or one.sentences:
                notes.append(PolicyNote(_ENCODER.encode(NotedRepeats(one.people, one.sentences)), DAY_S))
            if one.days:
                notes.append(PolicyNote(_ENCODER.encode(NotedRepeats(days=one.days)), 30 * DAY_S))
        return notes

    @staticmethod
    def read(octets: bytes) -> NotedRepeats:
        """Raises msgspec.MsgspecError for what is no note."""
        return _DECODER.decode(octets)
