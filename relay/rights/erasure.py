"""Erasing a person's data (R5, R26): all that names it with a tenant goes, at once and in one transaction.

What stays says nothing about whom: commitments of the audit log, counts, and
a keyed hash of the mailbox that keeps the person from being brought back.
Looking for it reads the whole queue and the tenant's events, so that is done
before the write lock is taken; what came in meanwhile is looked at under it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay.audit import erase as log
from relay.contests import rows as contests
from relay.events import forget as events
from relay.people import erased, forget
from relay.people.consents import same_mailbox
from relay.people.mailboxes import hashes
from relay.queue import forget as queue
from relay.queue.drop import QueuedCopy, give_up
from relay.signup import answer
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.tenants import idempotency
from relay.tracking import forget as tracking
from relay.values.facts import Reason
from relay.values.ids import RANDOM_BITS
from relay.values.states import State

if TYPE_CHECKING:
    from relay.keys.secrets import Secrets

WHY: Final = "the person was erased"
_MINUTE: Final = 60_000 << RANDOM_BITS
"""Of submission ids."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased."""

    people: int = 0
    """Spellings of the mailbox that were known."""
    records: int = 0
    """Of consents, withdrawals and suppressions, in the audit log; their commitments stay."""
    copies: int = 0
    """Of messages: addresses and replies of the remotes."""
    cancelled: int = 0
    """Of these, copies that waited."""
    busy: int = 0
    """Copies that are being delivered; they are left."""
    requests: int = 0
    """For subscription, with or without an answer."""

    @property
    def nothing(self) -> bool:
        return not (self.people or self.records or self.copies or self.busy or self.requests)


def erase(conn: Tx, secrets: Secrets, tenant_id: int, canonical: str, *, actor: str, now: float) -> Erasure:
    """Erase the person with this mailbox under all its spellings. Makes its own transaction.

    ``erased`` remembers it even if nothing was there. Raises AuditError, then nothing is changed.
    """
    found = _Found()
    _search(conn, tenant_id, canonical, found)
    with transaction(conn):
        _search(conn, tenant_id, canonical, found)
        people, copies = list(found.people), sorted(found.copies, key=_key)
        stopped = _stopped(conn, people)
        records = sum(log.erase(conn, person, actor, now) for person in people)
        records += log.erase_address(conn, tenant_id, canonical, actor, now)
        cancelled = len(give_up(conn, copies, State.CANCELLED, WHY, actor, now))
        busy = sum(not _blank(conn, copy, now) for copy in copies)
        requests = sum(answer.erase(conn, tenant_id, person) for person in hashes(secrets, canonical))
        events.blank(conn, found.events)
        idempotency.drop(conn, found.answers)
        for person in people:
            tracking.forget_person(conn, person)
            contests.forget(conn, person)
            forget.forget(conn, person)
        erased.remember(conn, secrets, tenant_id, canonical, stopped=stopped, now=now)
    return Erasure(len(people), records, len(copies) - busy, cancelled, busy, requests)


@dataclass(slots=True)
class _Found:
    """What names the person, and how far has been looked."""

    people: dict[int, str] = field(default_factory=dict)
    """Ids of its spellings, with the addresses."""
    copies: set[QueuedCopy] = field(default_factory=set)
    events: set[int] = field(default_factory=set)
    answers: set[int] = field(default_factory=set)
    """Of the API, kept for a repeated request."""
    looked: dict[str, int] = field(default_factory=dict)
    """Newest row seen, by table."""


def _search(conn: Tx, tenant_id: int, canonical: str, found: _Found) -> None:
    """Look at all rows, or the second time at those that are new."""
    found.people = _people(conn, tenant_id, canonical)
    named = _naming({canonical, *found.people.values()})
    # Ids of submissions are made before they are stored, and by several processes.
    copies = _after(conn, found, "recipient", "submission_id") - _MINUTE
    found.copies.update(queue.copies_of(conn, tenant_id, canonical, found.people, copies))
    rows = conn.execute(
        "SELECT id, detail FROM event WHERE tenant_id = ? AND id > ?", (tenant_id, _after(conn, found, "event", "id"))
    )
    found.events.update(id_ for id_, detail in rows if named(detail))
    rows = conn.execute(
        "SELECT id, body FROM idempotency WHERE tenant_id = ? AND id > ?",
        (tenant_id, _after(conn, found, "idempotency", "id")),
    )
    found.answers.update(id_ for id_, body in rows if named(zlib.decompress(body).decode()))


def _after(conn: Tx, found: _Found, table: str, column: str) -> int:
    """The newest row that an earlier look saw; remembers the one that this look will see."""
    before = found.looked.get(table, 0)
    found.looked[table] = conn.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchone()[0]
    return before


def _naming(addresses: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text names one of the addresses, and not only a longer one that ends or begins like it."""
    said = "|".join(map(re.escape, addresses))
    pattern = re.compile(rf"(?<![\w.!#$%&*+/?^{{|}}~-])(?:{said})(?![\w-]|\.\w)", re.IGNORECASE)
    return lambda text: pattern.search(text) is not None


def _people(conn: Tx, tenant_id: int, canonical: str) -> dict[int, str]:
    rows = conn.execute(
        "SELECT id, address FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, canonical)
    ).fetchall()
    for other in same_mailbox(conn, tenant_id, canonical):
        rows += conn.execute("SELECT id, address FROM subscriber WHERE id = ?", (other,)).fetchall()
    return dict(rows)


def _stopped(conn: Tx, people: Iterable[int]) -> bool:
    sql = "SELECT 1 FROM suppression WHERE subscriber_id = ? AND reason <> ? AND topic_id >= 0"
    return any(conn.execute(sql, (person, Reason.UNSUBSCRIBED)).fetchone() for person in people)


def _key(copy: QueuedCopy) -> tuple[int, int]:
    return copy.submission_id, copy.number


def _blank(conn: Tx, copy: QueuedCopy, now: float) -> bool:
    if not queue.blank(conn, copy, WHY, now):
        return False
    events.blank_copy(conn, copy.submission_id, copy.number)
    return True
