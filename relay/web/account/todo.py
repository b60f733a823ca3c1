"""What a tenant has to do: each a text and the page to do it on, the most urgent first."""

from __future__ import annotations

from dataclasses import dataclass

from relay.campaigns.campaigns import Campaign
from relay.conduct import account
from relay.conduct.account import CONFIRMED
from relay.contests import rows as contests
from relay.contests.values import ContestState
from relay.store.contract import Tx
from relay.support import threads
from relay.support.values import ThreadState
from relay.tenants import credentials, domains
from relay.texts.language import Language
from relay.values.facts import Freeze
from relay.values.tenant import TenantRow
from relay.webhooks import book

WAITING = frozenset({"staged", "watching", "undecided", "stopped"})


@dataclass(frozen=True, slots=True)
class Chore:
    """``text`` is markup."""

    text: str
    href: str
    bad: bool = False


def of(
    conn: Tx,
    tenant: TenantRow,
    latest: list[Campaign],
    language: Language,
    *,
    second_factor: bool,
    window_s: float = 0.0,
) -> list[Chore]:
    """``latest``: its campaigns of which those that wait are told; ``window_s``: how long they are watched."""
    say = language.text
    found = []
    if tenant.freeze is not Freeze.NONE:
        key = "todo.frozen_all" if tenant.freeze is Freeze.ALL else "todo.frozen_bulk"
        found.append(Chore(say(key, reason=tenant.freeze_reason), "", bad=True))
    if account.of(conn, tenant.id).contact_state != CONFIRMED:
        found.append(Chore(say("todo.contact", contact=tenant.contact), "", bad=True))
    own = domains.listing(conn, tenant.id)
    if not own:
        found.append(Chore(say("todo.no_domain"), "/account/domains"))
    found += [
        Chore(say("todo.domain", domain=one.name), f"/account/domains/{one.name}", bad=True)
        for one in own
        if one.verified_at is None
    ]
    if not any(one.revoked_at is None for one in credentials.listing(conn, tenant.id)):
        found.append(Chore(say("todo.no_credential"), "/account/keys"))
    found += [
        Chore(say("todo.contest", date=language.date(one.due_at)), f"/account/contests/{one.id}", bad=True)
        for one in contests.of_tenant(conn, tenant.id, state=ContestState.OPEN, limit=5)
    ]
    found += [
        Chore(say("todo.support", subject=one.subject), f"/account/support/{one.id}")
        for one in threads.listing(conn, tenant.id, ThreadState.TENANT, limit=5)
    ]
    found += [
        Chore(_campaign(language, one, window_s), f"/account/campaigns/{one.id}")
        for one in latest
        if one.state in WAITING
    ]
    found += [
        Chore(say("todo.webhook", url=one.url), f"/account/keys/webhooks/{one.id}", bad=True)
        for one in book.of_tenant(conn, tenant.id)
        if one.state != "active"
    ]
    if not second_factor:
        found.append(Chore(say("todo.second_factor"), "/account/me"))
    return found


def _campaign(language: Language, one: Campaign, window_s: float) -> str:
    name = one.name or one.subject
    if one.state == "watching" and one.window_started_at is not None and window_s:
        until = language.moment(one.window_started_at + window_s)
        return language.text("todo.campaign.watched_until", campaign=name, moment=until)
    return language.text(f"todo.campaign.{one.state}", campaign=name)
