"""Consents: given and withdrawn; a person's standing is read in ``standing`` (R1 to R3, R8).

All functions work in the caller's transaction. ``consent`` holds the present,
``consent_history`` every giving and withdrawing with its evidence, each bound
to a leaf of the audit log (``relay.audit``) and never changed afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from relay.audit import log
from relay.campaigns import counts
from relay.events import write as events
from relay.people import erased, grades, left, never_ask, suppressions, topics, wordings
from relay.people.consent_rules import (
    DOUBLE_OPT_IN,
    NEVER_ASK,
    ROLE,
    ConsentRefused,
    ConsentTerms,
    check_ip,
    check_time,
    terms,
)
from relay.people.doubtful import is_role
from relay.people.grades import grade_of
from relay.people.imported import FROZEN
from relay.people.mailbox import mailbox_of
from relay.people.standing import standing, standing_by_id
from relay.people.suppressions import EVERYTHING
from relay.store.contract import Tx
from relay.values.facts import Reason

if TYPE_CHECKING:
    from relay.keys.secrets import Secrets
    from relay.mail.address import Address

__all__ = [
    "EVERYTHING",
    "ConsentRefused",
    "give",
    "same_mailbox",
    "standing",
    "standing_by_id",
    "subscriber",
    "withdraw",
]

# --- names to ids ------------------------------------------------------------------


def subscriber(conn: Tx, tenant_id: int, canonical: str, now: float) -> int:
    """The id of a person with the tenant, made if it is new."""
    key = (tenant_id, canonical)
    row = conn.execute("SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?", key).fetchone()
    if row is None:
        row = conn.execute(
            "INSERT INTO subscriber (tenant_id, address, created_at, mailbox) VALUES (?, ?, ?, ?) RETURNING id",
            (*key, now, mailbox_of(canonical)),
        ).fetchone()
    return int(row[0])


def same_mailbox(conn: Tx, tenant_id: int, canonical: str) -> list[int]:
    """Ids of the tenant's people whose address is another spelling of this one's mailbox."""
    mailbox = mailbox_of(canonical)
    if mailbox is None:
        return []
    rows = conn.execute(
        "SELECT id FROM subscriber WHERE tenant_id = ? AND mailbox = ? AND address <> ? ORDER BY id",
        (tenant_id, mailbox, canonical),
    )
    return [int(row[0]) for row in rows]


# --- giving ------------------------------------------------------------------------


def give(
    conn: Tx,
    secrets: Secrets,
    tenant_id: int,
    address: Address,
    *,
    topic: str,
    source: str,
    wording: str,
    means: str,
    given_at: float,
    now: float,
    ip: str = "",
    page: str = "",
    language: str = "",
    actor: str = "cli",
    evidence: Mapping[str, object] | None = None,
) -> None:
    """Record that a person agreed to a topic; raises Refused, then nothing is changed.

    ``given_at`` (seconds UTC) is when the person agreed, ``now`` when it is
    recorded. A live consent stays as it is, the new one goes to the history
    only, unless it proves more (its grade, R4). Who unsubscribed, from the topic or from all, is refused unless the
    person itself came back: a double opt-in newer than the withdrawal (R8).
    The same holds for who was erased, and who said never to ask again.
    ``language`` is the code of the one that it was given in, where that is known.
    ``evidence`` is what else proves it, for the history.
    """
    agreed = terms(topic=topic, source=source, wording=wording, means=means, page=page)
    check_time(given_at, now)
    ip = check_ip(ip)
    topic_id = topics.may_be_first(conn, tenant_id, agreed.topic)
    person = conn.execute(
        "SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, address.canonical)
    ).fetchone()
    others = same_mailbox(conn, tenant_id, address.canonical)
    ended_at = left.left_at(conn, secrets, tenant_id, address.canonical, agreed.topic)
    gone = erased.find(conn, secrets, tenant_id, address.canonical)
    if ended_at is not None and not (means == DOUBLE_OPT_IN and given_at > ended_at):
        raise ConsentRefused(
            "unsubscribed",
            f"{address.canonical} unsubscribed; only a fresh consent by the person itself (double opt-in) lifts that",
        )
    if means != DOUBLE_OPT_IN and never_ask.said(conn, secrets, tenant_id, address.canonical):
        raise ConsentRefused("never-ask", f"{address.canonical} {NEVER_ASK}")
    if means != DOUBLE_OPT_IN and is_role(address.canonical):
        raise ConsentRefused("role", f"{address.canonical}: {ROLE}")
    demanded = grades.demanded(conn, topic_id)
    if grade_of(means, ip) > demanded:
        raise ConsentRefused("grade", grades.too_low(agreed.topic, demanded, grade_of(means, ip)))
    topic_id = topic_id or topics.first_or_known(conn, tenant_id, agreed.topic)
    subscriber_id = person[0] if person else subscriber(conn, tenant_id, address.canonical, now)
    if ended_at is not None:
        _lift(conn, tenant_id, subscriber_id, topic_id)
        for other in others:
            if _lift(conn, tenant_id, other, topic_id):
                told = {"reason": Reason.UNSUBSCRIBED, "mailbox_of": address.canonical, "actor": actor}
                _history(conn, other, topic_id, "lifted", now, now, told)
    if gone is not None:
        if gone.stopped:  # coming back to a topic lifts no complaint, before an erasure or after
            suppressions.add(conn, subscriber_id, Reason.HAND, detail=erased.STOPPED, now=now)
        erased.forget(conn, secrets, tenant_id, address.canonical)
    wording_id = wordings.make(conn, tenant_id, agreed.wording, now)
    _record(conn, subscriber_id, topic_id, agreed, wording_id, given_at=given_at, now=now, ip=ip, language=language)
    proof = {"source": agreed.source, "wording_id": wording_id, "means": means, "ip": ip, "page": agreed.page}
    story = {**(evidence or {}), **proof, "actor": actor}
    _history(conn, subscriber_id, topic_id, "given", given_at, now, story)
    told = {"recipient": address.canonical, "topic": agreed.topic, "means": means, "source": agreed.source}
    events.of_account(conn, tenant_id, "consent.given", told, now, 0)


def _record(
    conn: Tx,
    subscriber_id: int,
    topic_id: int,
    agreed: ConsentTerms,
    wording_id: int,
    *,
    given_at: float,
    now: float,
    ip: str,
    language: str,
) -> None:
    conn.execute(
        "INSERT INTO consent (subscriber_id, topic_id, channel, given_at, source, wording_id, ip, page, means,"
        " recorded_at, grade, language) VALUES (?, ?, 'email', ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (subscriber_id, topic_id, channel) DO UPDATE SET given_at = excluded.given_at,"
        " withdrawn_at = NULL, source = excluded.source, wording_id = excluded.wording_id, ip = excluded.ip,"
        " page = excluded.page, means = excluded.means, recorded_at = excluded.recorded_at, grade = excluded.grade,"
        " dated = 1, since = '', language = excluded.language, import_id = NULL"
        " WHERE consent.withdrawn_at IS NOT NULL OR excluded.grade < consent.grade"
        f" AND (consent.grade <> '{FROZEN}' OR excluded.grade < 'C')",
        (
            subscriber_id,
            topic_id,
            given_at,
            agreed.source,
            wording_id,
            ip,
            agreed.page,
            agreed.means,
            now,
            grade_of(agreed.means, ip),
            language,
        ),
    )


def _lift(conn: Tx, tenant_id: int, subscriber_id: int, topic_id: int) -> bool:
    """End the unsubscribing for one topic; one from everything goes on for the tenant's other topics.

    True if there was one.
    """
    conn.execute(
        "INSERT INTO suppression (subscriber_id, topic_id, reason, since_at, detail)"
        " SELECT p.subscriber_id, t.id, p.reason, p.since_at, p.detail FROM suppression p"
        " JOIN topic t ON t.tenant_id = ? AND t.id <> ?"
        " WHERE p.subscriber_id = ? AND p.topic_id = 0 AND p.reason = 'unsubscribed' ON CONFLICT DO NOTHING",
        (tenant_id, topic_id, subscriber_id),
    )
    done = conn.execute(
        "DELETE FROM suppression WHERE subscriber_id = ? AND topic_id IN (0, ?) AND reason = 'unsubscribed'",
        (subscriber_id, topic_id),
    )
    return done.rowcount > 0


# --- withdrawing ---------------------------------------------------------------------


def withdraw(
    conn: Tx,
    tenant_id: int,
    subscriber_id: int,
    *,
    topic_id: int,
    means: str,
    now: float,
    evidence: Mapping[str, str],
    submission_id: int | None = None,
    number: int | None = None,
) -> bool:
    """End a person's consent to a topic, or to everything (EVERYTHING); True if that changed something.

    Acts at once, also on queued mail: delivery asks for the standing again.
    Consents of other spellings of the same mailbox end with it.
    ``submission_id`` and ``number`` name the copy whose link was used; its
    campaign counts one unsubscribed person. Someone erased, or of another
    tenant, changes nothing.
    """
    person = conn.execute(
        "SELECT address FROM subscriber WHERE id = ? AND tenant_id = ?", (subscriber_id, tenant_id)
    ).fetchone()
    if person is None:
        return False
    row = conn.execute("SELECT name FROM topic WHERE id = ? AND tenant_id = ?", (topic_id, tenant_id)).fetchone()
    topic = None if row is None else str(row[0])
    if topic is None:
        topic_id = EVERYTHING  # a topic that is gone leaves the wider meaning, never nothing
    ended = _end(conn, subscriber_id, topic_id, now)
    for other in same_mailbox(conn, tenant_id, person[0]):
        if _end(conn, other, topic_id, now):
            ended = True
            _history(conn, other, topic_id, "withdrawn", now, now, {"means": means, "mailbox_of": person[0]})
    covered = conn.execute(
        "SELECT 1 FROM suppression WHERE subscriber_id = ? AND topic_id IN (0, ?) AND reason = 'unsubscribed'",
        (subscriber_id, topic_id),
    ).fetchone()
    if covered and not ended:
        return False
    if not covered:
        suppressions.unsubscribe(conn, subscriber_id, topic_id, evidence.get("detail") or means, now)
    story: dict[str, object] = {**evidence, "means": means}
    if submission_id is not None:
        story |= {"submission": submission_id, "number": number}
    _history(conn, subscriber_id, topic_id, "withdrawn", now, now, story)
    # Of a copy that was named its row has the address.
    said: dict[str, object] = {"means": means, "topic": topic} | (
        {} if submission_id is not None else {"recipient": person[0]}
    )
    if not ended:
        said["ended"] = False  # there was no consent
    _event(conn, tenant_id, subscriber_id, said, now, submission_id, number)
    return True


def staged(conn: Tx, subscriber_ids: Sequence[int], campaign_id: int) -> None:
    """Their mail is staged with a campaign; who was in a released one stays so."""
    conn.executemany(
        "UPDATE subscriber SET staged_in = ?1 WHERE id = ?2 AND (staged_in IS NULL OR staged_in <> ?1 AND NOT EXISTS"
        " (SELECT 1 FROM campaign k WHERE k.id = subscriber.staged_in AND k.state = 'released'))",
        [(campaign_id, one) for one in subscriber_ids],
    )


def _end(conn: Tx, subscriber_id: int, topic_id: int, now: float) -> bool:
    ended = conn.execute(
        "UPDATE consent SET withdrawn_at = ?1 WHERE subscriber_id = ?2 AND (?3 = 0 OR topic_id = ?3)"
        " AND withdrawn_at IS NULL",
        (now, subscriber_id, topic_id),
    )
    return ended.rowcount > 0


def _event(
    conn: Tx,
    tenant_id: int,
    subscriber_id: int,
    detail: Mapping[str, object],
    now: float,
    submission_id: int | None,
    number: int | None,
) -> None:
    """Tell the tenant (R9), and count a person once in the campaign it unsubscribed from."""
    row = conn.execute(
        "SELECT s.campaign_id, EXISTS (SELECT 1 FROM event e WHERE e.submission_id = r.submission_id"
        " AND e.number = r.number AND e.kind = 'unsubscribed')"
        " FROM recipient r JOIN submission s ON s.id = r.submission_id"
        " WHERE r.submission_id = ? AND r.number = ? AND r.subscriber_id = ?",
        (submission_id, number, subscriber_id),
    ).fetchone()
    campaign_id, counted = row if row is not None else (None, 0)
    events.of_copy(conn, tenant_id, "unsubscribed", submission_id, number, campaign_id, detail, now)
    if campaign_id is not None and not counted:
        counts.unsubscribed(conn, campaign_id)


def _history(
    conn: Tx,
    subscriber_id: int,
    topic_id: int,
    action: str,
    at: float,
    now: float,
    evidence: Mapping[str, object],
) -> None:
    kept = {name: value for name, value in evidence.items() if value not in ("", None)}
    log.history(conn, subscriber_id, topic_id, action, at, now, _json(kept))


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
