"""A person asks by a form: one confirmation mail, or none, and nobody is told which.

Nothing about an address may show in the answer. So the letter is written in
any case, and every request ends in one write.
"""

from __future__ import annotations

import json
import secrets as random
from dataclasses import dataclass
from enum import StrEnum

from config.pages import Forms
from relay.keys.secrets import Secrets
from relay.ledger import counters
from relay.mail.address import Address
from relay.people import consents, erased, never_ask
from relay.people.left import left_at
from relay.people.mailboxes import mailbox, mailboxes
from relay.queue import letters, operator
from relay.queue.operator import Operator
from relay.queue.own import OwnMessage
from relay.signup import forms, limits, tokens
from relay.signup.forms import Form, Topic, verified_domains
from relay.signup.letter import LetterFacts, version, write
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import Language
from relay.values.facts import Freeze, Reason
from relay.values.ids import encode_id, new_submission_id
from relay.values.tenant import TenantRow

UNSENT = "forms/unsent"
"""Counter of a tenant's requests that no mail was sent for."""


class Asked(StrEnum):
    """What became of a request; for the log and the figures, never for who asked."""

    SENT = "sent"
    FROZEN = "frozen"
    SUPPRESSED = "suppressed"
    NEVER = "never"
    LEFT = "left"
    """Unsubscribed, and the operator lets nobody come back."""
    MAILBOX = "mailbox"
    NETWORK = "network"
    FORM = "form"
    TENANT = "tenant"
    """The tenant's letters of this hour are used up."""
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Office:
    """What requests are worked off with; ``base_url`` is where the relay's pages are."""

    secrets: Secrets
    limits: Forms
    base_url: str
    mail_domain: str
    hostname: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person filled in, checked: a mailbox, topics of the form, and what proves it later."""

    address: Address
    topics: tuple[Topic, ...]
    language: Language
    ip: str = ""
    page: str = ""
    agent: str = ""
    old_enough: bool = False
    """The person said to be 16 or older (R5)."""
    tracking: str = ""
    """The words beside the box for tracking, if it was ticked."""
    by: str = ""
    """Who asked in the person's place, e.g. ``api``; then ``ip`` is what the tenant says of the person."""

    @property
    def network(self) -> str:
        """What the limit of networks counts: the client's own address, never one that a tenant wrote."""
        return "" if self.by else self.ip or "unknown"


def ask(conn: Tx, office: Office, form: Form, wish: Wish, now: float) -> Asked:
    """Work a request off, in the caller's transaction. ``now`` in seconds UTC."""
    tenant = tenants.by_id(conn, form.tenant_id)
    letter = _letter(conn, office, tenant, form, wish, now)
    outcome = _outcome(conn, office, tenant, form, wish, now)
    if outcome is Asked.TENANT:
        _call(conn, office, tenant, now)
    if outcome is not Asked.SENT:
        counters.add(conn, tenant.id, UNSENT, 1)
        return outcome
    limits.count(conn, office.secrets, wish.address, wish.network, form.tenant_id, form.id, now)
    _store(conn, office, form, wish, letter)
    letters.put(conn, letter, subscriber_id=subscriber(conn, tenant.id, wish.address), note=f"form {form.name}")
    return outcome


def _letter(conn: Tx, office: Office, tenant: TenantRow, form: Form, wish: Wish, now: float) -> OwnMessage:
    request_id = new_submission_id(now, random.randbits)
    person = mailbox(office.secrets, wish.address)
    confirm = tokens.confirm(office.secrets, tokens.Confirm(request_id, form.id))
    never = tokens.never(office.secrets, tokens.Never(tenant.id, request_id, person))
    expires_at = now + office.limits.link_lifetime
    message_id = f"<{encode_id(request_id)}@{office.hostname}>"
    written = write(
        LetterFacts(
            tenant=tenant.shown,
            name=tenant.name,
            contact=tenant.contact,
            postal=tenant.postal,
            domains=verified_domains(conn, tenant.id),
            mail_domain=office.mail_domain,
            to=wish.address,
            topics=[topic.shown for topic in wish.topics],
            language=wish.language,
            confirm_url=f"{office.base_url}/confirm/{confirm}",
            never_url=f"{office.base_url}/confirm/{never}",
            message_id=message_id,
            now=now,
            expires_at=expires_at,
        )
    )
    return letters.ready(
        written.raw,
        id=request_id,
        tenant_id=tenant.id,
        to=wish.address,
        from_domain=written.from_domain,
        subject=written.subject,
        message_id=message_id,
        now=now,
        expires_at=expires_at,
    )


def _outcome(conn: Tx, office: Office, tenant: TenantRow, form: Form, wish: Wish, now: float) -> Asked:
    if tenant.freeze is not Freeze.NONE:
        return Asked.FROZEN
    if never_asked(conn, office.secrets, tenant.id, wish.address):
        return Asked.NEVER
    if closed(conn, office.secrets, tenant.id, wish.address) or _bounced(conn, office.secrets, wish.address):
        return Asked.SUPPRESSED
    if not office.limits.may_return and all(
        left_at(conn, office.secrets, tenant.id, wish.address.canonical, one.name) is not None for one in wish.topics
    ):
        return Asked.LEFT
    if limit := limits.reached(
        conn, office.secrets, office.limits, wish.address, wish.network, form.tenant_id, form.id, now
    ):
        return Asked(limit)
    return Asked.FULL if _waiting(conn, tenant.id, office.limits.waiting, now) else Asked.SENT


def _waiting(conn: Tx, tenant_id: int, most: int, now: float) -> bool:
    """Whether so many requests wait for their confirmation; those whose form is gone had their letters too."""
    waiting = conn.execute(
        "SELECT count(*) FROM (SELECT 1 FROM opt_in WHERE tenant_id = ? AND confirmed_at IS NULL LIMIT ?) AS waiting",
        (tenant_id, most),
    ).fetchone()[0]
    return int(waiting) + forms.removed_waiting(conn, tenant_id, now) >= most


def _call(conn: Tx, office: Office, tenant: TenantRow, now: float) -> None:
    """Either somebody floods a form, or a customer grows: the operator sees which."""
    most = limits.per_hour(conn, office.limits, tenant.id)
    text = (
        f"{most} confirmation letters of {tenant.name} went out within an hour, which is the most. Who fills in its"
        " forms now gets no letter until that hour is over.",
        "If its forms are being flooded, its people get letters they never asked for: look at the requests with"
        f" `relay form list {tenant.name}`. If it grows, raise tenant_per_hour (for new tenants new_tenant_per_hour)"
        " in [forms].",
    )
    subject = f"{tenant.name} has used up its confirmation letters of this hour"
    operator.call(conn, office.operator, f"letters:{tenant.name}", subject, text, now=now)


def _store(conn: Tx, office: Office, form: Form, wish: Wish, letter: OwnMessage) -> None:
    evidence = {"ip": wish.ip, "page": wish.page, "agent": wish.agent, "age": "16 or older" if wish.old_enough else ""}
    evidence["by"] = wish.by
    evidence["letter"] = version(wish.language.code)
    conn.execute(
        "INSERT INTO opt_in (id, form_id, tenant_id, address, person, topics, wording_id, language, evidence, asked_at,"
        " expires_at, tracking) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        (letter.id, form.id, form.tenant_id, str(wish.address), mailbox(office.secrets, wish.address),
         json.dumps([topic.id for topic in wish.topics]), form.wording_id, wish.language.code,
         json.dumps({name: value for name, value in evidence.items() if value}), letter.now, letter.expires_at,
         wish.tracking),
    )  # fmt: skip


# --- what forbids a mail --------------------------------------------------------------


def never_asked(conn: Tx, secrets: Secrets, tenant_id: int, address: Address) -> bool:
    """Whether the mailbox's owner asked the tenant never to ask again."""
    return never_ask.said(conn, secrets, tenant_id, address.canonical)


def closed(conn: Tx, secrets: Secrets, tenant_id: int, address: Address) -> bool:
    """Whether a hard bounce, a complaint or the operator stops all mail of the tenant to the address."""
    standing = consents.standing(conn, tenant_id, address.canonical, "")
    if standing.subscriber_id is None:
        standing = erased.standing(conn, secrets, tenant_id, address.canonical, standing)
    return any(one.reason is not Reason.UNSUBSCRIBED for one in standing.suppressions)


def subscriber(conn: Tx, tenant_id: int, address: Address) -> int:
    """The person's id with the tenant, 0 if it has none."""
    return consents.standing(conn, tenant_id, address.canonical, "").subscriber_id or 0


def _bounced(conn: Tx, secrets: Secrets, address: Address) -> bool:
    """Whether an earlier confirmation mail to the mailbox, of whichever tenant, found it dead."""
    sql = (
        "SELECT 1 FROM opt_in o JOIN event e ON e.submission_id = o.id WHERE o.person = ? AND e.kind = 'bounced'"
        ' AND e.detail LIKE \'%"type":"hard"%\''
    )
    return any(conn.execute(sql, (person,)).fetchone() for person in mailboxes(secrets, address))
