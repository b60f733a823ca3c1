"""One message's whole story, put together from what the stages wrote down.

The sources are the submission's row, its recipients' rows, the events, the
campaign and the history of consents; nothing is kept for tracing alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from relay.audit import actions
from relay.events.write import RETURNED
from relay.queue import held
from relay.queue.held import UNTOLD, CopyHold, StageTerms, moment
from relay.store.contract import Tx
from relay.values.ids import decode_id, encode_id
from relay.values.states import State

MAX_SUBMISSIONS: Final = 20
"""Messages shown for one Message-ID that was used again and again."""

VERDICTS: Final = (
    "campaign-released",
    "campaign-declined",
    "campaign-stopped",
    "campaign-undecided",
    "campaign-widened",
)
MOST_VERDICTS: Final = 1_000
"""Of a tenant, the latest, among which those on one campaign are looked for."""

_REASONS: Final = ("says", "status", "why", "reason", "diagnostic", "code", "means")
"""Names in an event's detail that say why, the best first."""


@dataclass(frozen=True, slots=True)
class TraceStep:
    """Something that happened, or (``waiting``) is due; ``at`` in seconds UTC."""

    at: float
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class CopyStory:
    """What became of one recipient's copy."""

    number: int
    address: str
    state: str
    attempts: int
    steps: tuple[TraceStep, ...]
    holds: tuple[CopyHold, ...] = ()
    """What holds it now."""


@dataclass(frozen=True, slots=True)
class MessageTrace:
    """One message from its acceptance to now."""

    submission_id: int
    queue_id: str
    message_id: str
    tenant: str
    stream: str
    topic: str
    campaign: str
    """Number, name and state; empty if it belongs to none."""
    reverse_path: str
    subject: str
    client: str
    size_octets: int
    tag: str
    meta: Mapping[str, Any]
    steps: tuple[TraceStep, ...]
    """What concerns the message as a whole: acceptance, refused recipients, the campaign's verdicts."""
    copies: tuple[CopyStory, ...]


def find(conn: Tx, text: str) -> list[int]:
    """Submissions by queue id or Message-ID (with or without angle brackets), newest first."""
    try:
        submission_id = decode_id(text.strip())
    except ValueError:
        pass
    else:
        if conn.execute("SELECT 1 FROM submission WHERE id = ?", (submission_id,)).fetchone():
            return [submission_id]
    bare = text.strip().removeprefix("<").removesuffix(">")
    rows = conn.execute(
        "SELECT id FROM submission WHERE message_id IN (?, ?) ORDER BY id DESC LIMIT ?",
        (bare, f"<{bare}>", MAX_SUBMISSIONS),
    )
    return [int(row[0]) for row in rows]


_HEAD: Final = (
    "s.message_id, coalesce(t.name, ''), coalesce(st.name, ''), s.topic, s.reverse_path, s.subject, s.client,"
    " s.size_octets, s.tag, s.meta, s.accepted_at, s.campaign_id, s.tenant_id"
)


class _Head(NamedTuple):
    """``_HEAD`` of a row."""

    message_id: str
    tenant: str
    stream: str
    topic: str
    reverse_path: str
    subject: str
    client: str
    size_octets: int
    tag: str
    meta: str
    accepted_at: float
    campaign_id: int | None
    tenant_id: int


def trace(conn: Tx, submission_id: int, terms: StageTerms = UNTOLD, *, who: bool = False) -> MessageTrace:
    """The story of a submission that is there; raises KeyError if it is not. ``who``: with who decided at the desk."""
    row = conn.execute(
        f"SELECT {_HEAD} FROM submission s LEFT JOIN tenant t ON t.id = s.tenant_id"
        " LEFT JOIN stream st ON st.id = s.stream_id WHERE s.id = ?",
        (submission_id,),
    ).fetchone()
    if row is None:
        raise KeyError(submission_id)
    head = _Head(*row)
    by_number = _events(conn, submission_id)
    name, verdicts = _campaign(conn, head.campaign_id, who)
    steps = [*by_number.pop(None, []), *verdicts]
    if not any(step.what == "accepted" for step in steps):
        steps.append(TraceStep(head.accepted_at, "accepted", ""))
    return MessageTrace(
        submission_id=submission_id,
        queue_id=encode_id(submission_id),
        message_id=head.message_id,
        tenant=head.tenant,
        stream=head.stream,
        topic=head.topic,
        campaign=name,
        reverse_path=head.reverse_path,
        subject=head.subject,
        client=head.client,
        size_octets=head.size_octets,
        tag=head.tag,
        meta=json.loads(head.meta) if head.meta else {},
        steps=tuple(sorted(steps, key=lambda step: step.at)),
        copies=_copies(conn, submission_id, (head.tenant_id, head.topic, head.accepted_at), by_number, terms),
    )


def _events(conn: Tx, submission_id: int) -> dict[int | None, list[TraceStep]]:
    """Steps by recipient number; None: of the whole message."""
    found: dict[int | None, list[TraceStep]] = {}
    rows = conn.execute(
        "SELECT number, at, kind, detail FROM event WHERE submission_id = ? AND kind <> ? ORDER BY id",
        (submission_id, RETURNED),
    )
    for number, at, kind, detail in rows:
        told = json.loads(detail) if detail else {}
        steps = found.setdefault(number, [])
        steps.append(TraceStep(at, kind, _accepted(told) if kind == "accepted" else _why(told)))
        if kind == "accepted":
            steps += [TraceStep(at, "refused", f"{address}: {reply}") for address, reply in told.get("refused", ())]
    return found


def _accepted(told: Mapping[str, Any]) -> str:
    count = told.get("recipients", 0)
    parts = [f"{count} recipient" + ("" if count == 1 else "s")] if count else []
    if told.get("held"):
        ends = [f"{why} until {moment(until)}" if until else str(why) for why, until in told.get("holds", ())]
        parts.append(f"{told['held']} held" + (f" ({'; '.join(ends)})" if ends else ""))
    if told.get("refused"):
        parts.append(f"{len(told['refused'])} refused")
    if told.get("taken_out"):
        fields = [name for name in told["taken_out"] if "/" not in name]
        types = [name for name in told["taken_out"] if "/" in name]
        parts += [f"taken out of the header: {', '.join(fields)}"] if fields else []
        parts += [f"parts that can't take the footer, taken out: {', '.join(types)}"] if types else []
    return ", ".join(parts)


def _why(told: Mapping[str, Any]) -> str:
    reasons = dict.fromkeys(str(told[name]) for name in _REASONS if told.get(name))
    text = "; ".join(reasons) or str(told.get("type", ""))
    if told.get("until"):
        text = f"{text} until {moment(told['until'])}"
    for name, word in (("remote", "at"), ("actor", "by"), ("topic", "topic")):
        if told.get(name):
            text = f"{text} {word} {told[name]}" if text else f"{word} {told[name]}"
    return text


def _campaign(conn: Tx, campaign_id: int | None, who: bool) -> tuple[str, list[TraceStep]]:
    row = conn.execute(
        "SELECT name, state, tenant_id, created_at, window_started_at FROM campaign WHERE id = ?", (campaign_id,)
    ).fetchone()
    if row is None:
        return "", []
    name, state, tenant_id, created_at, window_started_at = row
    steps = []
    if window_started_at is not None:
        steps.append(TraceStep(window_started_at, "campaign-watching", "all copies of the first part were tried once"))
    actors = _actors(conn, tenant_id, campaign_id) if who else {}
    # event_by_tenant bounds this: a campaign's own events carry no submission.
    rows = conn.execute(
        "SELECT at, kind, detail FROM event WHERE tenant_id = ? AND at >= ? AND submission_id IS NULL"
        " AND campaign_id = ? AND (kind LIKE 'campaign-%' OR kind LIKE 'campaign.%') ORDER BY at, id",
        (tenant_id, created_at, campaign_id),
    )
    for at, kind, detail in rows:
        told = json.loads(detail or "{}")
        what = f"campaign-{told['verdict']}" if "verdict" in told else kind.replace(".", "-")
        why = str(told.get("why", ""))
        actor = actors.get((at, what), "")
        steps.append(TraceStep(at, what, f"{why} (by {actor})" if actor else why))
    return f"{campaign_id} {name} ({state})", steps


def _actors(conn: Tx, tenant_id: int, campaign_id: int | None) -> dict[tuple[float, str], str]:
    """Who made which verdict on it: verdict and record bear the same time."""
    found = actions.of_tenant(conn, tenant_id, VERDICTS, MOST_VERDICTS)
    return {(one.at, one.action): one.actor for one in found if one.detail.get("campaign") == campaign_id}


def _copies(
    conn: Tx,
    submission_id: int,
    asked: tuple[int, str, float],
    by_number: Mapping[int | None, list[TraceStep]],
    terms: StageTerms,
) -> tuple[CopyStory, ...]:
    rows = conn.execute(
        "SELECT number, address, state, subscriber_id, due_at, owner, attempts, held_by, hold_reason, status,"
        " remote, changed_at FROM recipient WHERE submission_id = ? ORDER BY number",
        (submission_id,),
    ).fetchall()
    holding = held.of_message(conn, submission_id, terms)
    found = []
    for number, address, code, subscriber_id, due_at, owner, attempts, held_by, reason, *last in rows:
        status, remote, changed_at = last
        state = State(code)
        steps = [*_consent(conn, subscriber_id, *asked), *by_number.get(number, ())]
        if state is State.READY:
            text = "lease ends" if owner is not None else "next attempt" if attempts else "first attempt"
            steps.append(TraceStep(due_at, "leased" if owner is not None else "waiting", text))
        elif not any(step.what == state.name.lower() for step in steps):
            said = " at ".join(part for part in (status, remote) if part)
            why = held.word(held_by, reason) if state is State.HELD else said
            steps.append(TraceStep(changed_at, state.name.lower(), why))
        holds = tuple(holding.get(number, ()))
        found.append(CopyStory(number, address, state.name.lower(), attempts, tuple(steps), holds))
    return tuple(found)


def _consent(conn: Tx, subscriber_id: int, tenant_id: int, topic: str, accepted_at: float) -> list[TraceStep]:
    """The consent that the copy rested on when it was accepted."""
    rows = conn.execute(
        "SELECT h.action, h.at, h.evidence FROM consent_history h WHERE h.subscriber_id = ? AND h.recorded_at <= ?"
        " AND (h.topic_id = 0 OR h.topic_id = (SELECT id FROM topic WHERE tenant_id = ? AND name = ?)) ORDER BY h.id",
        (subscriber_id, accepted_at, tenant_id, topic),
    )
    live: TraceStep | None = None
    for action, at, evidence in rows:
        if action == "withdrawn":
            live = None
        elif action == "given" and live is None:
            told = json.loads(evidence)
            live = TraceStep(at, "consent", f"to {topic}: {told.get('source', '')} ({told.get('means', '')})")
    return [] if live is None else [live]
