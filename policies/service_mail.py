"""Bulk doesn't pass as service mail (R18a): looked at is what many people get word for word on an exempt stream.

Counted over a rolling day for each tenant, by sentences. That a template
repeats is in the nature of codes and receipts; it is kept for the operator
only with a second sign: the repeated sentences hold an offer, or tell at length
what has nothing to do with any matter of the reader's. A release admits it.
Without one it is reported, and slowed until the template is known: when its
sentences repeated on two days before. Streams that are essential are never
touched. What is counted is told to the other processes and kept over restarts,
a second or two later (``take_notes``).
"""

from __future__ import annotations

import logging
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from policies.service_notes import RepeatNotes
from policies.service_signs import Sentence, sentences
from policies.settings import PolicyTable
from relay.mail.shown import shown
from relay.mail.status import temporary
from relay.pipeline.contract import (
    PASS,
    BasePolicy,
    Continue,
    Defer,
    Hold,
    Message,
    MessageVerdict,
    PolicyNote,
    Suspect,
    Transaction,
)
from relay.values.facts import Kind, Tenant

_log = logging.getLogger("relay.policy")

DAY_S: Final = 86_400.0
CLASS: Final = "service-mail"
"""What is permitted to who may send such mail without being looked at."""
MOST_KEPT: Final = 4_000
"""Sentences of a tenant that are remembered, the latest."""
LEARNT: Final = 2
"""Days before today on which a template's sentences repeated, and after which it is known."""
SLOW: Final = "slowed: a service template that isn't known yet goes to many people"
MOST_NUMBERS: Final = 1_000_000
"""Numbers of people kept for all tenants together, some 70 MB; then who was quiet for longest begins anew."""


class _Repeated:
    """One sentence: whom it went to lately."""

    __slots__ = ("first_at", "people")

    def __init__(self, now: float) -> None:
        self.first_at = now
        self.people: set[int] = set()


class _Day:
    """A tenant's sentences of a rolling day, and its people of this day."""

    __slots__ = ("began_at", "learnt", "next_at", "numbers", "people", "seen", "told")

    def __init__(self, now: float) -> None:
        self.began_at = now
        self.numbers = 0
        """Of people, kept with sentences."""
        self.people: set[int] = set()
        self.seen: OrderedDict[int, _Repeated] = OrderedDict()
        self.told: set[int] = set()
        self.learnt: OrderedDict[int, set[int]] = OrderedDict()
        """Repeated sentences and the days on which they did."""
        self.next_at = 0.0
        """When the next copy of a template that isn't known may leave."""

    def count(
        self,
        sentence: int,
        people: Sequence[int],
        most: int,
        now: float,
        tenant_id: int = 0,
        notes: RepeatNotes | None = None,
    ) -> int:
        """How many people got the sentence within a day, these too; beyond ``most`` nobody more is remembered."""
        kept = self.seen.pop(sentence, None)
        if kept is not None and now - kept.first_at > DAY_S:
            self.numbers -= len(kept.people)
            kept = None
        if kept is None:
            kept = _Repeated(now)
        before = len(kept.people)
        if before <= most:
            kept.people.update(people)
            self.numbers += len(kept.people) - before
            if notes is not None and len(kept.people) > before:
                notes.repeated(tenant_id, sentence, kept.first_at, people)
        self.seen[sentence] = kept
        if len(self.seen) > MOST_KEPT:
            self.numbers -= len(self.seen.popitem(last=False)[1].people)
        return len(kept.people)

    @property
    def size(self) -> int:
        """Numbers of people kept."""
        return self.numbers + len(self.people)


class Policy(BasePolicy):
    name = "service_mail"
    reads_content = True

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        self._people = table.whole("people", 20, 2, 100_000)
        """So many different people in a day may get a sentence before it is looked at."""
        self._offers = table.whole("offers", 2, 1, 100)
        self._words = table.whole("words", 10, 1, 1000)
        self._prose = table.whole("prose", 60, 5, 10_000)
        self._new_per_day = table.whole("new_per_day", 2000, 0, 10**9)
        self._pace = table.whole("pace", 100, 0, 10**6)
        """Copies a minute of a template that isn't known; 0: as fast as they come."""
        self._longest_s = table.number("longest_wait", 900.0, 0.0, 6 * 3600.0)
        table.done()
        self.content_classes = {CLASS: "service mail that isn't looked at"}
        self._days: OrderedDict[int, _Day] = OrderedDict()
        self._told_per_day = self._new_per_day
        self._numbers = 0
        self._notes = RepeatNotes()

    def shared_among(self, workers: int) -> None:
        # What is counted is told to the others; the pace isn't.
        self._pace = -(-self._pace // workers)

    def take_notes(self) -> Sequence[PolicyNote]:
        return self._notes.take()

    def read_note(self, octets: bytes, now: float) -> None:
        found = RepeatNotes.read(octets)
        for tenant_id, person, at in found.people:
            day = self._day(tenant_id, now)
            if day.began_at <= at and person not in day.people:
                day.people.add(person)
                self._make_room(1)
        for tenant_id, sentence, first_at, people in found.sentences:
            if now - first_at <= DAY_S:
                day = self._day(tenant_id, now)
                before = day.size
                day.count(sentence, people, self._people, max(first_at, now - DAY_S))
                self._make_room(day.size - before)
        for tenant_id, sentence, when in found.days:
            self._repeats(self._day(tenant_id, now), sentence).add(when)

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        stream, tenant = txn.stream, txn.tenant
        if stream.kind is Kind.BULK or stream.consent_required or stream.essential or CLASS in tenant.permits:
            return PASS
        day = self._day(tenant.id, txn.now)
        people = [zlib.crc32(rcpt.canonical.encode()) for rcpt in txn.recipients]
        if self._too_many(day, tenant, people, txn.now):
            return Defer(
                temporary(50, 7, 1, f"rate: service mail of new senders goes to {self._told_per_day} people a day")
            )
        before = day.size
        repeated = [
            one
            for one in sentences(shown(msg.content).text)
            if day.count(one.number, people, self._people, txn.now, tenant.id, self._notes) > self._people
        ]
        self._make_room(day.size - before)
        if not repeated:
            return PASS
        why = self._sign(repeated)
        if not why:
            self._report(day, tenant, repeated, stream.name)
            return self._slowed(day, tenant, repeated, len(people), txn.now)
        most = max(len(day.seen[one.number].people) for one in repeated)
        return Continue(effects=(Suspect(f"bulk as service mail: {why}, word for word to {most} people in a day"),))

    def _day(self, tenant_id: int, now: float) -> _Day:
        day = self._days.pop(tenant_id, None) or _Day(now - now % DAY_S)
        if not 0 <= now - day.began_at <= DAY_S:
            self._numbers -= len(day.people)
            day.began_at, day.people, day.told = now - now % DAY_S, set(), set()
        self._days[tenant_id] = day
        return day

    def _slowed(self, day: _Day, tenant: Tenant, repeated: list[Sentence], copies: int, now: float) -> MessageVerdict:
        """A template that nobody knows goes at the pace, and is known once it repeated on two days before."""
        today = int(now // DAY_S)
        unknown = False
        for one in repeated:
            days = self._repeats(day, one.number)
            if today not in days:
                days.add(today)
                self._notes.day(tenant.id, one.number, today)
            unknown = unknown or len(days - {today}) < LEARNT
        if not unknown or not self._pace:
            return PASS
        step = 60.0 * copies / self._pace
        # What wasn't used for a minute is there at once.
        begin = max(day.next_at, now - 60.0)
        day.next_at = begin + step
        wait = min(begin - now, self._longest_s)
        return Hold(SLOW, now + wait) if wait > 0 else PASS

    def _repeats(self, day: _Day, sentence: int) -> set[int]:
        """The days on which a sentence repeated."""
        days = day.learnt.pop(sentence, None)
        if days is None:
            days = set()
        day.learnt[sentence] = days
        if len(day.learnt) > MOST_KEPT:
            day.learnt.popitem(last=False)
        return days

    def _make_room(self, more: int) -> None:
        self._numbers += more
        while self._numbers > MOST_NUMBERS and len(self._days) > 1:
            self._numbers -= self._days.popitem(last=False)[1].size

    def _too_many(self, day: _Day, tenant: Tenant, people: list[int], now: float) -> bool:
        """A tenant of whom no campaign was released has an allowance a day."""
        if tenant.record.released or not self._new_per_day:
            return False
        if len(day.people) >= self._new_per_day and not day.people.issuperset(people):
            return True
        fresh = [one for one in people if one not in day.people]
        day.people.update(fresh)
        self._numbers += len(fresh)
        self._notes.wrote_to(tenant.id, fresh, now)
        return False

    def _sign(self, repeated: list[Sentence]) -> str:
        """The second sign; empty without one."""
        offers = frozenset[str]().union(*(one.offers for one in repeated))
        words = sum(one.words for one in repeated)
        if len(offers) >= self._offers and words >= self._words:
            return f"an offer ({', '.join(sorted(offers)[:5])})"
        prose = sum(one.words for one in repeated if not one.about_matter)
        return f"{prose} words about nothing of the reader's" if prose >= self._prose else ""

    def _report(self, day: _Day, tenant: Tenant, repeated: list[Sentence], stream: str) -> None:
        fresh = [one.number for one in repeated if one.number not in day.told]
        if fresh and len(day.told) < MOST_KEPT:
            day.told.update(fresh)
            _log.info("tenant=%s stream=%s a service template repeats: %d sentences", tenant.name, stream, len(fresh))
