"""Who is told of a verdict by mail: the administrator who is to decide, and the tenant whose campaign it is (R12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from relay.campaigns import counts
from relay.campaigns.campaigns import Campaign, by_id
from relay.queue import operator as operators
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.texts.language import DEFAULT, LANGUAGES, language

ONCE_S: Final = 30 * 86_400.0
"""A campaign that is left to people twice within so long, for the same reason, calls once."""


def waits(conn: Tx, operator: Operator, campaign_id: int, now: float) -> None:
    """The campaign was stopped, or is unclear: it waits for a person."""
    campaign = by_id(conn, campaign_id)
    name = _tenant(conn, campaign)[0]
    what = "was stopped" if campaign.state == "stopped" else "waits for your verdict"
    operators.call(
        conn,
        operator,
        f"campaign:{campaign_id}:{campaign.state}:{campaign.share}",
        f"campaign {campaign_id} of {name} {what}",
        [_what(campaign, name), campaign.why, _commands(campaign), _term(operator, campaign)],
        now=now,
        once_s=ONCE_S,
    )
    tell(conn, operator, campaign_id, campaign.state, campaign.why, now)


def overdue(conn: Tx, operator: Operator, campaign_id: int, now: float) -> None:
    """Nobody decided within the term: the next are called."""
    campaign = by_id(conn, campaign_id)
    name = _tenant(conn, campaign)[0]
    since = _time(campaign.asked_at or now)
    operators.call(
        conn,
        replace(operator, notify=operator.next or operator.notify),
        f"campaign:{campaign_id}:overdue:{campaign.asked_at:.0f}",
        f"campaign {campaign_id} of {name} has waited for a verdict since {since}",
        [_what(campaign, name), campaign.why, _commands(campaign)],
        now=now,
        once_s=ONCE_S,
    )
    counts.called_next(conn, campaign_id)


def tell(conn: Tx, operator: Operator, campaign_id: int, verdict: str, why: str, now: float) -> bool:
    """The tenant's letter; ``verdict``: stopped, undecided or declined. False where its contact takes no mail."""
    campaign = by_id(conn, campaign_id)
    _, contact, wanted = _tenant(conn, campaign)
    texts = language(wanted if wanted in LANGUAGES else DEFAULT)
    names = {"campaign": campaign.subject or campaign.name, "number": campaign_id, "why": why}
    said = [texts.plain(f"verdict.{verdict}.{part}", **names) for part in ("lead", "next")]
    subject = texts.plain(f"verdict.{verdict}.subject", **names)
    return to_tenant.tell(conn, operator, contact, texts.code, subject, said, now=now)


def _tenant(conn: Tx, campaign: Campaign) -> tuple[str, str, str]:
    """Name, contact and language."""
    row = conn.execute("SELECT name, contact, language FROM tenant WHERE id = ?", (campaign.tenant_id,)).fetchone()
    return str(row[0]), str(row[1]), str(row[2] or "")


def _what(campaign: Campaign, tenant: str) -> str:
    return (
        f"{tenant} sends “{campaign.subject or campaign.name}” to {campaign.recipients} recipients so far;"
        f" {campaign.passed} copies were let go. It is staged because {campaign.reason or 'of the settings'}."
    )


def _commands(campaign: Campaign) -> str:
    propose = "Declining is proposed. " if campaign.state == "stopped" else ""
    return (
        f"{propose}To look at it, and to decide:\n"
        f"relay campaign show {campaign.id}\n"
        f"relay campaign release {campaign.id} --reason …\n"
        f"relay campaign decline {campaign.id} --reason …"
    )


def _term(operator: Operator, campaign: Campaign) -> str:
    until = _time((campaign.asked_at or 0.0) + operator.review_s)
    after = ", ".join(operator.next) or "you again"
    return f"Until somebody decides its copies are held. The term ends at {until}; then {after} will be called."


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
