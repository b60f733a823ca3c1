"""Counting a submission's recipients in the commit that stores it, where limits are asked again (R19).

All at once where all fit. Else one by one: other sessions or processes were
quicker, and who doesn't fit any more is refused without the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.ledger import counters
from relay.mail.status import Status
from relay.people import consents
from relay.pipeline.contract import Add, AddDistinct
from relay.queue.values import NewRecipient, NewSubmission, without
from relay.store.contract import Tx
from relay.values.facts import Recipient


class Refused(Exception):
    """A condition no longer holds; ``status`` is the reply. Nothing was kept."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.reply)
        self.status = status


@dataclass(slots=True)
class Counts:
    """What was counted, and for whom there was room."""

    new: NewSubmission
    """Of those who are left."""
    subscriber_ids: tuple[int, ...] = ()
    moved: dict[str, int] = field(default_factory=dict)
    """By how much which counter moved."""
    give_back: str = ""
    """The counter that copies go back to that are never sent."""
    people: str = ""
    """The set of different people, and its counter, that they are counted in."""
    refused: tuple[tuple[Recipient, Status], ...] = ()


def count(conn: Tx, new: NewSubmission) -> Counts:
    """Apply all effects on counters, in the caller's transaction; raises Refused where nobody is left."""
    found = Counts(new)
    fits = _all_at_once(conn, new, found)
    refused: list[tuple[Recipient, Status]] = []
    ids: list[int] = []
    for one in new.recipients:
        status = None if fits else _messages(conn, new.tenant_id, one, found)
        if status is None:
            known = one.recipient.standing.subscriber_id  # 0: nobody, of the sandbox
            person = (
                consents.subscriber(conn, new.tenant_id, one.recipient.canonical, new.accepted_at)
                if known is None
                else known
            )
            status = _person(conn, new.tenant_id, one, person, found)
            if status is None:
                ids.append(person)
                continue
            _undo(conn, new.tenant_id, one, found)
        refused.append((one.recipient, status))
    if refused:
        found.new, found.refused = without(new, refused), tuple(refused)
        if not found.new.recipients:
            raise Refused(refused[0][1])
    found.subscriber_ids = tuple(ids)
    return found


def _adds(one: NewRecipient) -> list[Add]:
    return [effect for effect in one.effects if isinstance(effect, Add)]


def _all_at_once(conn: Tx, new: NewSubmission, found: Counts) -> bool:
    """Whether all fit; else nothing is counted."""
    sums: dict[str, int] = {}
    last: dict[str, Add] = {}
    for one in new.recipients:
        for effect in one.effects:
            if isinstance(effect, Add):
                sums[effect.counter] = sums.get(effect.counter, 0) + effect.amount
                last[effect.counter] = effect
    found.give_back = next((counter for counter, effect in last.items() if effect.gives_back), "")
    done: list[str] = []
    for counter, effect in last.items():
        if not counters.add(conn, new.tenant_id, counter, sums[counter], effect.limit):
            for name in done:
                counters.give_back(conn, new.tenant_id, name, sums[name])
            return False
        done.append(counter)
    found.moved = sums
    return True


def _messages(conn: Tx, tenant_id: int, one: NewRecipient, found: Counts) -> Status | None:
    """Count one recipient's copy; why it doesn't fit."""
    done: list[Add] = []
    for effect in _adds(one):
        if not counters.add(conn, tenant_id, effect.counter, effect.amount, effect.limit):
            for made in done:
                counters.give_back(conn, tenant_id, made.counter, made.amount)
            return effect.refused
        done.append(effect)
    for made in done:
        found.moved[made.counter] = found.moved.get(made.counter, 0) + made.amount
    return None


def _person(conn: Tx, tenant_id: int, one: NewRecipient, person: int, found: Counts) -> Status | None:
    """Count the person where it is asked for; why it doesn't fit."""
    for effect in one.effects:
        if not isinstance(effect, AddDistinct):
            continue
        found.people = effect.counter
        if counters.first(conn, tenant_id, effect.counter, person):
            if not counters.add(conn, tenant_id, effect.counter, 1, effect.limit):
                counters.never_sent(conn, tenant_id, effect.counter, person)
                return effect.refused
            found.moved[effect.counter] = found.moved.get(effect.counter, 0) + 1
    return None


def _undo(conn: Tx, tenant_id: int, one: NewRecipient, found: Counts) -> None:
    """What was counted for who is refused after all."""
    for effect in _adds(one):
        counters.give_back(conn, tenant_id, effect.counter, effect.amount)
        found.moved[effect.counter] -= effect.amount
