"""The plan's messages and different subscribers a period (R19).

Asked at RCPT with what is used and what this transaction adds; counted in the
commit that enqueues, where the limits are checked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from policies.settings import PolicyTable
from relay.mail.status import Status, refusal
from relay.pipeline.contract import Add, AddDistinct, BasePolicy, Continue, Effect, Reject, Transaction, Verdict
from relay.values.facts import Allowance, Recipient


@lru_cache(maxsize=256)
def _told(word: str, what: str, used: int, limit: int, plan: str, renews_at: float) -> Status:
    renews = datetime.fromtimestamp(renews_at, UTC).strftime("%Y-%m-%d")
    return refusal(word, f"{used} of {limit} {what} of plan {plan} used, renews {renews}")


@lru_cache(maxsize=256)
def _effects(plan: Allowance) -> tuple[Effect, ...]:
    """Counted in the commit; a limit that is passed only there was used up to the last."""
    messages, subscribers = plan.messages or 0, plan.subscribers or 0
    return (
        Add(
            f"messages/{plan.period}",
            1,
            plan.messages,
            _told("quota-messages", "messages", messages, messages, plan.plan, plan.renews_at),
        ),
        AddDistinct(
            f"subscribers/{plan.period}",
            plan.subscribers,
            _told("quota-subscribers", "subscribers", subscribers, subscribers, plan.plan, plan.renews_at),
        ),
    )


class Policy(BasePolicy):
    name = "quota"

    def __init__(self, settings: Mapping[str, object]) -> None:
        PolicyTable(settings).done()

    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        plan, usage = txn.tenant.allowance, txn.usage
        limit = plan.messages
        used = usage.messages + len(txn.recipients)
        if limit is not None and used + 1 > limit:
            return Reject(_told("quota-messages", "messages", used, limit, plan.plan, plan.renews_at))
        limit = plan.subscribers
        if limit is not None and not rcpt.standing.counted:
            used = usage.subscribers + sum(1 for r in txn.recipients if not r.standing.counted)
            if used + 1 > limit:
                return Reject(_told("quota-subscribers", "subscribers", used, limit, plan.plan, plan.renews_at))
        return Continue(effects=_effects(plan))
