"""An unsubscribe nobody can remove (R6), the reason and the sender's true address (R7).

Bulk mail gets a footer in every readable part and the header fields of
RFC 2369 and RFC 8058; every message gets the tenant's contact address.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from msgspec import structs

from policies.settings import PolicyTable
from relay.mail.additions import Additions
from relay.pipeline.contract import BasePolicy, Continue, Message, MessageVerdict, Transaction, Verdict
from relay.values.facts import Consent, Kind, Recipient, Tenant

DAY_S = 86400.0


def reason(tenant: Tenant, topic: str, rcpt: Recipient) -> str:
    """Why this person gets this message, from the consent on record."""
    consent = rcpt.standing.consent(topic) if topic else None
    if consent is None or not consent.live:
        return f"You receive this message because of your dealings with {tenant.name}."
    return f"You receive this because you subscribed to {topic} of {tenant.name} {_when(consent)}."


def _when(consent: Consent) -> str:
    """When and where the person agreed; a time that nobody stated is not made up."""
    day = _day(int(consent.given_at // DAY_S))
    if consent.dated:
        return f"on {day} ({consent.source})"
    if consent.since:
        return f"({consent.source}; on the list since {consent.since}, taken over on {day})"
    return f"({consent.source}; date not stated, taken over on {day})"


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    """Of a day since 1970, in UTC: 2026-03-01. Kept, since it is asked for each recipient."""
    return date.fromordinal(date(1970, 1, 1).toordinal() + number).isoformat()


def _text(name: str, contact: str, postal: str) -> str:
    lines = [
        "--------------------------------------------------",
        "{{reason}}",
        "Unsubscribe: {{unsubscribe_url}}",
        "Your preferences: {{preferences_url}}",
        f"Sent by {name}, {contact}",
    ]
    if postal:
        lines.append(postal)
    return "\n".join(lines) + "\n"


def _html(name: str, contact: str, postal: str) -> str:
    contact = html.escape(contact)
    postal = f"<br>{html.escape(postal)}" if postal else ""
    return (
        "{{reason}}<br>"
        '<a href="{{unsubscribe_url}}">Unsubscribe</a> &middot; <a href="{{preferences_url}}">Your preferences</a><br>'
        f'Sent by {html.escape(name)}, <a href="mailto:{contact}">{contact}</a>{postal}'
    )


class Policy(BasePolicy):
    name = "unsubscribe_footer"
    protects = "people can't leave by the mail they get"

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        self._transactional = table.flag("transactional", False)
        """Put footer and unsubscribe fields on transactional streams too."""
        self._amp = table.flag("amp", True)
        """Whether AMP parts get a footer that their format allows; else they don't leave."""
        table.done()

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        tenant, stream = txn.tenant, txn.stream
        footer = stream.kind is Kind.BULK or self._transactional
        additions = _additions(tenant.name, tenant.contact, tenant.postal, stream.id, stream.kind, msg.campaign, footer)
        if not self._amp:
            additions = structs.replace(additions, amp=False)
        if not footer:
            return Continue(additions=additions)
        verdicts: dict[Recipient, Verdict] = {
            rcpt: Continue({"reason": reason(tenant, msg.topic, rcpt)}, additions=additions) for rcpt in txn.recipients
        }
        return verdicts


@lru_cache(maxsize=1024)
def _additions(
    name: str, contact: str, postal: str, stream_id: int, kind: Kind, campaign: str, footer: bool
) -> Additions:
    """The same for all messages of a campaign."""
    digest = hashlib.sha256(f"{stream_id}/{campaign}".encode()).hexdigest()[:12]
    headers = [
        ("X-Sender-Contact", f"{name} <{contact}>"),
        ("X-Report-Abuse", "<{{report_url}}>"),
        ("Feedback-ID", f"{digest}:{name}:{kind}:relay"),
    ]
    if not footer:
        return Additions(headers=tuple(headers))
    headers += [
        ("List-Unsubscribe", "<mailto:{{unsubscribe_mailto}}>, <{{unsubscribe_url}}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
    # A receipt or an invitation that is signed or has no text isn't put into another message: the fields have to do.
    return Additions(_text(name, contact, postal), _html(name, contact, postal), tuple(headers), wrap=kind is Kind.BULK)
