"""Mailings as they are kept: written, changed while they are drafts, begun, stopped, gone on with.

All functions work in the caller's transaction; what is refused changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from relay.audit import actions
from relay.mailings import audience
from relay.store.contract import Tx
from relay.values.errors import RegistryError

FURTHEST_S: Final = 90 * 86_400.0
"""How far ahead a mailing may begin."""
MOST_DRAFTS: Final = 500
"""Of a tenant."""
COLUMNS: Final = (
    "id, tenant_id, name, topic, in_groups, stream, author, author_name, reply_to, subject, format, source, written,"
    " html, text, track, state, made_by, created_at, changed_at, start_at, last_at, started_at, ended_at, reached,"
    " up_to, people, accepted, refused, wait_until, why, campaign_id"
)


class MailingState(StrEnum):
    DRAFT = "draft"
    PLANNED = "planned"
    """It begins at its time."""
    SENDING = "sending"
    STOPPED = "stopped"
    """By somebody, or since the message itself was refused; it can go on."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class MailingContent:
    """What somebody writes, checked (``relay.mailings.writing``)."""

    name: str
    topic: str
    groups: tuple[str, ...]
    stream: str
    """By name; empty: the first for bulk mail."""
    author: str
    """Address."""
    author_name: str
    reply_to: str
    subject: str
    format: str
    """html, mjml, markdown or text: what ``source`` is."""
    source: str
    written: str
    """A text of the tenant's own beside the HTML; may be empty."""
    html: str
    text: str
    """As they are sent, with variables."""
    track: str
    """none, opens, clicks or all; empty: what the stream has."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """A mailing as stored; times in seconds UTC."""

    id: int
    tenant_id: int
    content: MailingContent
    state: MailingState
    made_by: str
    created_at: float
    changed_at: float
    start_at: float | None
    last_at: float | None
    """What hasn't left then is dropped."""
    started_at: float | None
    ended_at: float | None
    reached: int
    """Id of the last person who was handed in."""
    up_to: int
    people: int
    """Who had agreed when it began."""
    accepted: int
    refused: int
    wait_until: float | None
    why: str
    """It waits, or was stopped; empty: neither."""
    campaign_id: int | None

    @property
    def name(self) -> str:
        return self.content.name


# --- reading --------------------------------------------------------------------------


def find(conn: Tx, tenant_id: int, mailing_id: int) -> Mailing | None:
    """The tenant's own."""
    row = conn.execute(
        f"SELECT {COLUMNS} FROM mailing WHERE id = ? AND tenant_id = ?", (mailing_id, tenant_id)
    ).fetchone()
    return None if row is None else _mailing(row)


def by_id(conn: Tx, mailing_id: int) -> Mailing | None:
    """Of whichever tenant."""
    row = conn.execute(f"SELECT {COLUMNS} FROM mailing WHERE id = ?", (mailing_id,)).fetchone()
    return None if row is None else _mailing(row)


def page(conn: Tx, tenant_id: int, before: int | None, limit: int) -> list[Mailing]:
    """The tenant's, newest first, older than ``before``."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM mailing WHERE tenant_id = ? AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
        (tenant_id, before, before, limit),
    )
    return [_mailing(row) for row in rows]


def active(conn: Tx, now: float) -> list[Mailing]:
    """Of all tenants: those to begin and those to go on with now."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM mailing WHERE (state = 'planned' AND start_at <= ?)"
        " OR (state = 'sending' AND (wait_until IS NULL OR wait_until <= ?)) ORDER BY id",
        (now, now),
    )
    return [_mailing(row) for row in rows]


def refusals(conn: Tx, mailing_id: int) -> dict[str, int]:
    """How many people were refused, by the word of the refusal, the most first."""
    rows = conn.execute(
        "SELECT code, people FROM mailing_refusal WHERE mailing_id = ? ORDER BY people DESC, code", (mailing_id,)
    )
    return {str(code): int(people) for code, people in rows}


def waiting(conn: Tx, mailing_id: int) -> int:
    """How many people are asked for again."""
    row = conn.execute("SELECT count(*) FROM mailing_later WHERE mailing_id = ?", (mailing_id,)).fetchone()
    return int(row[0])


# --- writing --------------------------------------------------------------------------


def add(conn: Tx, tenant_id: int, content: MailingContent, *, actor: str, now: float) -> int:
    """The id of a new draft. Raises RegistryError."""
    audience.of(conn, tenant_id, content.topic, content.groups)
    row = conn.execute("SELECT count(*) FROM mailing WHERE tenant_id = ? AND state = 'draft'", (tenant_id,)).fetchone()
    if row[0] >= MOST_DRAFTS:
        raise RegistryError(f"there are {MOST_DRAFTS} drafts, which is the most; delete one first")
    (made,) = conn.execute(
        "INSERT INTO mailing (tenant_id, name, topic, in_groups, stream, author, author_name, reply_to, subject,"
        " format, source, written, html, text, track, state, made_by, created_at, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'draft', ?, ?, ?) RETURNING id",
        (tenant_id, *_values(content), actor, now, now),
    ).fetchone()
    return int(made)


def change(conn: Tx, row: Mailing, content: MailingContent, now: float) -> None:
    """Write a draft anew. Raises RegistryError."""
    audience.of(conn, row.tenant_id, content.topic, content.groups)
    changed = conn.execute(
        "UPDATE mailing SET name = ?, topic = ?, in_groups = ?, stream = ?, author = ?, author_name = ?, reply_to = ?,"
        " subject = ?, format = ?, source = ?, written = ?, html = ?, text = ?, track = ?, changed_at = ?"
        " WHERE id = ? AND state = 'draft'",
        (*_values(content), now, row.id),
    )
    if changed.rowcount != 1:
        raise RegistryError("it isn't a draft any more; only drafts can be changed")


def remove(conn: Tx, row: Mailing) -> None:
    """Delete a draft; what began stays, for what became of it. Raises RegistryError."""
    if conn.execute("DELETE FROM mailing WHERE id = ? AND state = 'draft'", (row.id,)).rowcount != 1:
        raise RegistryError("only drafts can be deleted; what was sent is kept")


def start(conn: Tx, row: Mailing, *, at: float | None, last_at: float | None, actor: str, now: float) -> None:
    """Begin now, or ``at`` a time; copies that haven't left by ``last_at`` are dropped. Raises RegistryError."""
    if at is not None and not now < at <= now + FURTHEST_S:
        raise RegistryError(f"choose a time to come, within {FURTHEST_S / 86_400:.0f} days")
    if last_at is not None and not (at or now) < last_at <= (at or now) + FURTHEST_S:
        raise RegistryError("the last hour must lie after the beginning")
    changed = conn.execute(
        "UPDATE mailing SET state = ?, start_at = ?, last_at = ?, changed_at = ? WHERE id = ? AND state = 'draft'",
        ("sending" if at is None else "planned", at, last_at, now, row.id),
    )
    if changed.rowcount != 1:
        raise RegistryError("it was begun already")
    if at is None:
        begin(conn, row, now)
    told = {"mailing": row.id, "name": row.name, "at": at}
    actions.record(conn, actor, "mailing-started", row.tenant_id, told, now)


def begin(conn: Tx, row: Mailing, now: float) -> None:
    """Whom it is for is settled: those who have agreed by now."""
    who = audience.of(conn, row.tenant_id, row.content.topic, row.content.groups)
    conn.execute(
        "UPDATE mailing SET state = 'sending', started_at = ?, up_to = ?, people = ?"
        " WHERE id = ? AND state IN ('planned', 'sending') AND started_at IS NULL",
        (now, audience.last(conn, who), audience.count(conn, who), row.id),
    )


def stop(conn: Tx, row: Mailing, *, actor: str, now: float) -> None:
    """Nobody more is handed in; what was planned is a draft again. Raises RegistryError."""
    planned = conn.execute(
        "UPDATE mailing SET state = 'draft', start_at = NULL, last_at = NULL WHERE id = ? AND state = 'planned'",
        (row.id,),
    ).rowcount
    if not planned:
        stopped = conn.execute(
            "UPDATE mailing SET state = 'stopped', wait_until = NULL, why = '' WHERE id = ? AND state = 'sending'",
            (row.id,),
        ).rowcount
        if not stopped:
            raise RegistryError("it isn't being sent")
    actions.record(conn, actor, "mailing-stopped", row.tenant_id, {"mailing": row.id, "name": row.name}, now)


def go_on(conn: Tx, row: Mailing, *, actor: str, now: float) -> None:
    """Go on where it was stopped. Raises RegistryError."""
    changed = conn.execute(
        "UPDATE mailing SET state = 'sending', wait_until = NULL, why = '' WHERE id = ? AND state = 'stopped'",
        (row.id,),
    )
    if changed.rowcount != 1:
        raise RegistryError("it wasn't stopped")
    actions.record(conn, actor, "mailing-resumed", row.tenant_id, {"mailing": row.id, "name": row.name}, now)


def _values(content: MailingContent) -> tuple[object, ...]:
    """In the order of the statements above."""
    return (
        *(content.name, content.topic, json.dumps(content.groups), content.stream, content.author),
        *(content.author_name, content.reply_to, content.subject, content.format, content.source),
        *(content.written, content.html, content.text, content.track),
    )


def _mailing(row: Sequence[Any]) -> Mailing:
    found = dict(zip(COLUMNS.split(", "), row, strict=True))
    return Mailing(
        **{name: found[name] for name in _OWN},
        state=MailingState(found["state"]),
        content=MailingContent(
            **{name: found[name] for name in _WRITTEN}, groups=tuple(json.loads(found["in_groups"]))
        ),
    )


_WRITTEN: Final = (
    *("name", "topic", "stream", "author", "author_name", "reply_to", "subject", "format", "source", "written"),
    *("html", "text", "track"),
)
_OWN: Final = tuple(name for name in COLUMNS.split(", ") if name not in _WRITTEN and name not in ("state", "in_groups"))
