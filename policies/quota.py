"""The plan's messages and different subscribers a period (R19).

Asked at RCPT with what is used and what this transaction adds; counted in the
commit that enqueues, where the limits are checked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from policies.settings import Table
from relay.mail.status import Status, refusal
from relay.pipeline.contract import (
    Add,
    AddDistinct,
    Allowance,
    BasePolicy,
    Continue,
    Recipient,
    Reject,
    Transaction,
    Verdict,
)


def _told(word: str, what: str, used: int, limit: int | None, plan: Allowance) -> Status:
    renews = datetime.fromtimestamp(plan.renews_at, UTC).strftime("%Y-%m-%d")
    return refusal(word, f"{used} of {limit} {what} of plan {plan.plan} used, renews {renews}")


class Policy(BasePolicy):
    name = "quota"

    def __init__(self, settings: Mapping[str, object]) -> None:
        Table(settings).done()

    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        plan, usage = txn.tenant.allowance, txn.usage
        no_messages = _told("quota-messages", "messages", usage.messages, plan.messages, plan)
        if plan.messages is not None and usage.messages + len(txn.recipients) + 1 > plan.messages:
            return Reject(no_messages)
        no_subscribers = _told("quota-subscribers", "subscribers", usage.subscribers, plan.subscribers, plan)
        if plan.subscribers is not None and not rcpt.standing.counted:
            fresh = sum(1 for r in txn.recipients if not r.standing.counted) + 1
            if usage.subscribers + fresh > plan.subscribers:
                return Reject(no_subscribers)
        return Continue(
            effects=(
                Add(f"messages/{plan.period}", 1, plan.messages, no_messages),
                AddDistinct(f"subscribers/{plan.period}", plan.subscribers, no_subscribers),
            )
        )
