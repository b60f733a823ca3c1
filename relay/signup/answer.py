"""What the owner of the mailbox answers to a confirmation mail: yes, or never ask me again.

A yes is a consent by double opt-in, newer than the request. It counts for a
topic only if the person didn't leave after asking: a link from before an
unsubscribe never brings anyone back (R8).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from relay.events import write as events
from relay.mail.address import Address, parse_address
from relay.people import consents, never_ask
from relay.people.consent_rules import DOUBLE_OPT_IN, ConsentRefused, terms
from relay.people.left import left_at
from relay.signup.ask import Office, closed, never_asked
from relay.signup.forms import Topic, source, verified_domains
from relay.signup.tokens import Confirm, Never
from relay.store.contract import Tx
from relay.tenants.web_address import below, host_of
from relay.tracking import consents as tracking

STEP: Final = 500
MAX_REPLY: Final = 300
"""Characters of the remote's reply that are kept."""
_COLUMNS: Final = (
    "o.id, o.form_id, f.name, f.key, o.tenant_id, CASE t.title WHEN '' THEN t.name ELSE t.title END, t.contact,"
    " o.address, o.topics, o.wording_id, w.text,"
    " o.language, o.evidence, o.asked_at, o.confirmed_at, o.tracking"
)


class RequestStanding(StrEnum):
    """What a request is at the moment."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    """Some time before; what it gave is still live."""
    LEFT = "left"
    """The person unsubscribed after asking."""
    CLOSED = "closed"
    """Complaint, hard bounce, the operator's word, or the wish never to be asked."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as stored; times in seconds UTC."""

    id: int
    form_id: int
    form: str
    form_key: str
    tenant_id: int
    tenant: str
    contact: str
    address: Address
    topics: tuple[Topic, ...]
    wording_id: int
    wording: str
    language: str
    evidence: Mapping[str, str]
    asked_at: float
    confirmed_at: float | None
    tracking: str
    """The words beside the box for tracking, if it was ticked."""


class _Stored(NamedTuple):
    """``_COLUMNS`` of a row."""

    id: int
    form_id: int
    form: str
    form_key: str
    tenant_id: int
    tenant: str
    contact: str
    address: str
    topics: str
    wording_id: int
    wording: str
    language: str
    evidence: str
    asked_at: float
    confirmed_at: float | None
    tracking: str


def find(conn: Tx, token: Confirm, now: float) -> Request | None:
    """The request of a verified token; None once it has expired, or its form is gone."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM opt_in o JOIN form f ON f.id = o.form_id JOIN tenant t ON t.id = o.tenant_id"
        " JOIN wording w ON w.id = o.wording_id WHERE o.id = ? AND o.form_id = ? AND o.expires_at > ?",
        (token.request_id, token.form_id, now),
    ).fetchone()
    return None if row is None else _request(conn, row)


def _request(conn: Tx, row: tuple[Any, ...]) -> Request:
    stored = _Stored(*row)
    rows = conn.execute("SELECT id, name, title, description FROM topic WHERE tenant_id = ?", (stored.tenant_id,))
    names = {found[0]: Topic(*found) for found in rows}
    chosen = tuple(names[one] for one in json.loads(stored.topics) if one in names)
    return Request(
        id=stored.id,
        form_id=stored.form_id,
        form=stored.form,
        form_key=stored.form_key,
        tenant_id=stored.tenant_id,
        tenant=stored.tenant,
        contact=stored.contact,
        address=parse_address(stored.address),
        topics=chosen,
        wording_id=stored.wording_id,
        wording=stored.wording,
        language=stored.language,
        evidence=json.loads(stored.evidence),
        asked_at=stored.asked_at,
        confirmed_at=stored.confirmed_at,
        tracking=stored.tracking,
    )


def standing(conn: Tx, office: Office, request: Request) -> RequestStanding:
    """What a confirmation would meet now."""
    if closed(conn, office.secrets, request.tenant_id, request.address):
        return RequestStanding.CLOSED
    if never_asked(conn, office.secrets, request.tenant_id, request.address):
        return RequestStanding.CLOSED  # not LEFT, whose page leads to the form: no letter would come
    if request.confirmed_at is not None:
        return RequestStanding.CONFIRMED if _still_live(conn, office, request) else RequestStanding.LEFT
    if not _open(conn, office, request):
        return RequestStanding.LEFT if office.limits.may_return else RequestStanding.CLOSED
    return RequestStanding.OPEN


def confirm(conn: Tx, office: Office, request: Request, *, ip: str, agent: str, now: float) -> tuple[Topic, ...]:
    """Record the consents of an OPEN request; the topics that were agreed to.

    ``ip`` and ``agent`` are of the confirmation; those of the asking are in the request.
    """
    agreed = _open(conn, office, request)
    origin = _source(conn, request)
    asked = request.evidence
    proof: dict[str, object] = {
        "form": request.form,
        "asked_at": request.asked_at,
        "confirmed_at": now,
        "asked_ip": asked.get("ip", ""),
        "asked_by": asked.get("by", ""),
        "confirmed_ip": ip,
        "asked_agent": asked.get("agent", ""),
        "confirmed_agent": agent,
        "age": asked.get("age", ""),
        "request": request.id,
        "letter": asked.get("letter", ""),
        **_delivery(conn, request.id),
    }
    for topic in agreed:
        consents.give(
            conn,
            office.secrets,
            request.tenant_id,
            request.address,
            topic=topic.name,
            source=origin,
            wording=request.wording,
            means=DOUBLE_OPT_IN,
            given_at=now,
            now=now,
            ip=asked.get("ip", ""),
            page=asked.get("page", ""),
            language=request.language,
            actor="form",
            evidence=proof,
        )
    if request.tracking and agreed:
        _track(conn, office, request, origin, proof, now)
    conn.execute("UPDATE opt_in SET confirmed_at = ? WHERE id = ?", (now, request.id))
    detail = {"form": request.form, "topics": [topic.name for topic in agreed], "means": DOUBLE_OPT_IN}
    events.of_account(conn, request.tenant_id, "subscribed", detail, now)
    return agreed


def _track(conn: Tx, office: Office, request: Request, origin: str, proof: Mapping[str, object], now: float) -> None:
    """The box of its own was ticked, so tracking is agreed to as well; unless it was switched off after the asking."""
    person = consents.standing(conn, request.tenant_id, request.address.canonical, "").subscriber_id
    ended_at = None if person is None else tracking.of(conn, person).withdrawn_at
    if ended_at is not None and ended_at > request.asked_at:
        return
    tracking.give(
        conn,
        office.secrets,
        request.tenant_id,
        request.address,
        source=origin,
        wording=request.tracking,
        means=DOUBLE_OPT_IN,
        given_at=now,
        now=now,
        ip=request.evidence.get("ip", ""),
        page=request.evidence.get("page", ""),
        language=request.language,
        actor="form",
        evidence=proof,
    )


def _delivery(conn: Tx, request_id: int) -> dict[str, object]:
    """When the letter was taken, by whom, and with which reply: the mailbox is there, and it is where the link was."""
    row = conn.execute(
        "SELECT at, detail FROM event WHERE submission_id = ? AND kind = 'delivered' ORDER BY id LIMIT 1", (request_id,)
    ).fetchone()
    if row is None:
        return {}
    told = json.loads(row[1])
    reply, remote = " ".join(str(told.get("status", "")).split()), str(told.get("remote", ""))
    return {"letter_taken_at": row[0], "letter_taken_by": remote, "letter_reply": reply[:MAX_REPLY]}


def _open(conn: Tx, office: Office, request: Request) -> tuple[Topic, ...]:
    """The topics that may be agreed to: not left since the asking, nor ever where nobody may return."""
    ends = {topic: _left_at(conn, office, request, topic) for topic in request.topics}
    return tuple(
        topic
        for topic, ended_at in ends.items()
        if ended_at is None or (office.limits.may_return and ended_at < request.asked_at)
    )


def _left_at(conn: Tx, office: Office, request: Request, topic: Topic) -> float | None:
    return left_at(conn, office.secrets, request.tenant_id, request.address.canonical, topic.name)


def _still_live(conn: Tx, office: Office, request: Request) -> bool:
    standing = consents.standing(conn, request.tenant_id, request.address.canonical, "")
    return any(
        consent is not None and consent.live for consent in (standing.consent(topic.name) for topic in request.topics)
    ) and any(_left_at(conn, office, request, topic) is None for topic in request.topics)


def _source(conn: Tx, request: Request) -> str:
    """The form, with the site it stands on where that is the tenant's; anyone can claim another."""
    plain, host = source(request.form), host_of(request.evidence.get("page", ""))
    if not host or not below(host, verified_domains(conn, request.tenant_id)):
        return plain
    try:
        return terms(topic="any", source=f"{plain} on {host}", wording="any", means=DOUBLE_OPT_IN).source
    except ConsentRefused:
        return plain


# --- never again ---------------------------------------------------------------------


def never(conn: Tx, token: Never, *, ip: str, agent: str, now: float) -> bool:
    """The mailbox's owner wants no more questions of the tenant, and nothing else of it: a withdrawal.

    False where the request is deleted, and with it the address: then the person
    is to be looked for (``never_ask.search``), and to ``leave``.
    """
    if conn.execute("SELECT 1 FROM tenant WHERE id = ?", (token.tenant_id,)).fetchone() is None:
        return True
    never_ask.add(conn, token.tenant_id, token.person, now)
    row = conn.execute(
        "SELECT address FROM opt_in WHERE id = ? AND tenant_id = ?", (token.request_id, token.tenant_id)
    ).fetchone()
    if row is None:
        return False
    subscriber_id = consents.subscriber(conn, token.tenant_id, parse_address(row[0]).canonical, now)
    leave(conn, token, subscriber_id, ip=ip, agent=agent, now=now)
    return True


def leave(conn: Tx, token: Never, subscriber_id: int, *, ip: str, agent: str, now: float) -> None:
    """End everything of one of the tenant's people, who said never."""
    consents.withdraw(
        conn,
        token.tenant_id,
        subscriber_id,
        topic_id=consents.EVERYTHING,
        means="never-ask",
        now=now,
        evidence={"ip": ip, "agent": agent},
    )


def erase(conn: Tx, tenant_id: int, person: bytes) -> int:
    """Delete the requests of a mailbox (one of its ``mailboxes.hashes``); how many."""
    return conn.execute("DELETE FROM opt_in WHERE tenant_id = ? AND person = ?", (tenant_id, person)).rowcount


def forget(conn: Tx, now: float) -> int:
    """Delete requests whose time is over, a step at most; how many (R5, R27)."""
    return conn.execute(
        "DELETE FROM opt_in WHERE id IN (SELECT id FROM opt_in WHERE expires_at <= ? LIMIT ?)", (now, STEP)
    ).rowcount
