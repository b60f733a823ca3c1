"""Fill a queue with realistic submissions: some for one recipient, most for 50; one tenant holds nearly all."""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.harness.works import message
from relay.mail.additions import Additions
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import compile_template
from relay.queue.enqueue import enqueue
from relay.queue.values import NewRecipient, NewSubmission
from relay.store.database import connect
from relay.values.facts import Recipient, Standing
from relay.values.ids import new_submission_id

OCTETS_EACH = 900
"""On the disk for each recipient, with its share of bodies, rounded up."""
MANY = 50
ONE_IN = 10
"""This part of the recipients has a submission of its own."""
_SMALL, _LARGE = 2048, 10_240
_A_COMMIT = 500
_SPAN_S = 1800.0
"""The submissions came over this long a time, and fall due over as long a one."""
_EXPIRE_S = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Part:
    """One tenant's share of the queue."""

    tenant: str
    stream: str
    """A transactional one."""
    recipients: int
    domain: str
    """The recipients'."""
    author: str
    first_due_at: float
    """Seconds UTC; the last one is due half an hour later, or with ``at_once`` all are due then."""
    at_once: bool = False


def fill(database: Path, parts: list[Part]) -> None:
    """Raises sqlite3.Error, for example if the disk is full."""
    conn = connect(database)
    conn.execute("PRAGMA synchronous = OFF")  # nothing is promised to anyone
    try:
        for number, part in enumerate(parts):
            submissions = _submissions(conn, part, number)
            while batch := list(itertools.islice(submissions, _A_COMMIT)):
                conn.execute("BEGIN IMMEDIATE")
                for new in batch:
                    enqueue(conn, new, None)
                conn.execute("COMMIT")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        conn.close()
    # As if it had grown in hours: else what the kernel still has to write is measured too.
    with database.open("rb") as file:
        os.fsync(file.fileno())


def _submissions(conn: sqlite3.Connection, part: Part, number: int) -> Iterator[NewSubmission]:
    tenant_id, stream_id = conn.execute(
        "SELECT t.id, s.id FROM tenant t JOIN stream s ON s.tenant_id = t.id WHERE t.name = ? AND s.name = ?",
        (part.tenant, part.stream),
    ).fetchone()
    people = [
        row[0] for row in conn.execute("SELECT id FROM subscriber WHERE tenant_id = ? LIMIT 1000000", (tenant_id,))
    ]
    templates = {size: _template(size) for size in (_SMALL, _LARGE)}
    begin = time.time() - _SPAN_S
    ids = itertools.count(number << 18)
    made = 0
    while made < part.recipients:
        several = min(MANY, part.recipients - made) if (made // MANY) % ONE_IN else 1
        for _ in range(1 if several > 1 else min(MANY, part.recipients - made)):
            progress = made / part.recipients
            accepted_at = begin + _SPAN_S * progress
            size = _LARGE if several > 1 else _SMALL
            yield NewSubmission(
                id=new_submission_id(accepted_at, lambda bits: next(ids) & ((1 << bits) - 1)),
                tenant_id=tenant_id,
                stream_id=stream_id,
                campaign="",
                campaign_explicit=False,
                topic="",
                reverse_path=part.author,
                message_id=f"<{number}.{made}@{part.author.partition('@')[2]}>",
                from_address=part.author,
                from_domain=part.author.partition("@")[2],
                subject="What is new this week",
                size_octets=size,
                accepted_at=accepted_at,
                due_at=part.first_due_at + (0.0 if part.at_once else _SPAN_S * progress),
                expires_at=accepted_at + _EXPIRE_S,
                template=templates[size],
                recipients=tuple(_recipient(part, people, n) for n in range(made, made + several)),
            )
            made += several


def _recipient(part: Part, people: list[int], n: int) -> NewRecipient:
    """The tenant's subscribers in turn; a tenant without any gets them made."""
    address = f"person{n}@{part.domain}"
    standing = Standing(people[n % len(people)]) if people else Standing()
    return NewRecipient(Recipient(address, address, part.domain, standing), {}, (), None)


def _template(octets: int) -> bytes:
    scanned = scan(message(octets).replace(b"\n", b"\r\n"), ScanLimits())
    return compile_template(scanned, Additions()).encode()
