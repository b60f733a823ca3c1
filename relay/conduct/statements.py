"""Statements of reasons: what was done to a tenant, by which facts and which rule, and how it can object.

One for each hold, decline, warning, freeze and termination, whoever or whatever
decided. The tenant reads it by CLI, API and mail, and answers once or more; the
operator decides on the answer. All functions work in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from relay.audit import actions
from relay.events import write as events
from relay.store.contract import Tx
from relay.values.errors import RegistryError

MOST_TEXT: Final = 4_000
MOST_SHOWN: Final = 1_000
_COLUMNS: Final = (
    "s.id, s.tenant_id, t.name, s.at, s.action, s.about, s.rule, s.reason, s.facts, s.automatic, s.actor, s.ended_at,"
    " s.ended_by, s.answer, s.answered_at, s.answered_by, s.decision, s.decided_at, s.decided_by"
)
_FROM: Final = "statement s JOIN tenant t ON t.id = s.tenant_id"


@dataclass(frozen=True, slots=True)
class Statement:
    """Times in seconds UTC."""

    id: int
    tenant_id: int
    tenant: str
    at: float
    action: str
    """warned, frozen, declined, held, stopped, terminated …"""
    about: str
    """``campaign:12``, ``domain:shop.example`` …; ``""``: the account."""
    rule: str
    """Its number in docs/RULES.md."""
    reason: str
    facts: Sequence[Mapping[str, Any]]
    """Each a ``fact`` and what is to be filled in."""
    automatic: bool
    """Software decided by the facts alone; an answer brings a person to it."""
    actor: str
    ended_at: float | None
    """When it was undone, or its reason was gone."""
    ended_by: str
    answer: str
    answered_at: float | None
    answered_by: str
    decision: str
    decided_at: float | None
    decided_by: str


def add(
    conn: Tx,
    tenant_id: int,
    action: str,
    *,
    rule: str,
    reason: str,
    facts: Sequence[Mapping[str, object]] = (),
    about: str = "",
    automatic: bool,
    actor: str,
    now: float,
) -> Statement:
    """Write one down; who else is told of it is the caller's."""
    row = conn.execute(
        "INSERT INTO statement (tenant_id, at, action, about, rule, reason, facts, automatic, actor)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            tenant_id,
            now,
            action,
            about,
            rule,
            reason,
            json.dumps(list(facts), ensure_ascii=False),
            int(automatic),
            actor,
        ),
    ).fetchone()
    return by_id(conn, int(row[0]))


def end(conn: Tx, tenant_id: int, action_names: Sequence[str], about: str, *, actor: str, now: float) -> int:
    """What these said is over: undone, or superseded; how many."""
    marks = ",".join("?" * len(action_names))
    return conn.execute(
        "UPDATE statement SET ended_at = ?, ended_by = ? WHERE tenant_id = ? AND about = ? AND ended_at IS NULL"
        f" AND action IN ({marks})",
        (now, actor, tenant_id, about, *action_names),
    ).rowcount


def in_force(conn: Tx, tenant_id: int, action: str, about: str = "") -> Statement | None:
    """The latest of that kind which nothing has ended."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE s.tenant_id = ? AND s.action = ? AND s.about = ? AND s.ended_at IS NULL"
        " ORDER BY s.id DESC LIMIT 1",
        (tenant_id, action, about),
    ).fetchone()
    return None if row is None else _statement(row)


def by_id(conn: Tx, statement_id: int, tenant_id: int | None = None) -> Statement:
    """Raises RegistryError if there is none, or it is another tenant's."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM {_FROM} WHERE s.id = ?", (statement_id,)).fetchone()
    if row is None or (tenant_id is not None and row[1] != tenant_id):
        raise RegistryError(f"there is no statement {statement_id}; `relay statement list` shows all")
    return _statement(row)


def listing(
    conn: Tx, tenant_id: int | None = None, *, unanswered: bool = False, limit: int = MOST_SHOWN
) -> list[Statement]:
    """The newest first, of one tenant or all; ``unanswered``: whose answer nobody has decided on."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE (?1 IS NULL OR s.tenant_id = ?1)"
        " AND (?2 = 0 OR (s.answered_at IS NOT NULL AND (s.decided_at IS NULL OR s.decided_at < s.answered_at)))"
        " ORDER BY s.id DESC LIMIT ?3",
        (tenant_id, int(unanswered), limit),
    )
    return [_statement(row) for row in rows]


def answer(conn: Tx, statement: Statement, text: str, *, actor: str, now: float) -> Statement:
    """The tenant objects or explains; a later answer is added to the earlier."""
    said = _text(text, "answer")
    whole = f"{statement.answer}\n\n{said}" if statement.answer else said
    if len(whole) > MOST_TEXT * 4:
        raise RegistryError("there are long answers already; write to the operator instead")
    conn.execute(
        "UPDATE statement SET answer = ?, answered_at = ?, answered_by = ? WHERE id = ?",
        (whole, now, actor, statement.id),
    )
    detail = {"statement": statement.id, "about": statement.about, "answer": said}
    actions.record(conn, actor, "statement-answered", statement.tenant_id, detail, now)
    return by_id(conn, statement.id)


def decide(conn: Tx, statement: Statement, text: str, *, actor: str, now: float) -> Statement:
    """What a person says to the tenant's answer. It undoes nothing by itself: that is its own command."""
    said = _text(text, "decision")
    conn.execute(
        "UPDATE statement SET decision = ?, decided_at = ?, decided_by = ? WHERE id = ?",
        (said, now, actor, statement.id),
    )
    detail = {"statement": statement.id, "about": statement.about, "decision": said}
    actions.record(conn, actor, "statement-decided", statement.tenant_id, detail, now)
    events.of_account(
        conn, statement.tenant_id, "statement.decided", {"statement": statement.id, "decision": said}, now
    )
    return by_id(conn, statement.id)


def _text(text: str, what: str) -> str:
    said = "\n".join(" ".join(line.split()) for line in text.strip().splitlines()).strip()
    if not said:
        raise RegistryError(f"the {what} is empty; say it in a few words")
    if len(said) > MOST_TEXT or not said.replace("\n", " ").isprintable():
        raise RegistryError(f"the {what} must be printable text of at most {MOST_TEXT} characters")
    return said


def _statement(row: tuple[Any, ...]) -> Statement:
    names = Statement.__dataclass_fields__
    fields = dict(zip(names, row, strict=True))
    return Statement(**fields | {"facts": json.loads(fields["facts"] or "[]"), "automatic": bool(fields["automatic"])})
