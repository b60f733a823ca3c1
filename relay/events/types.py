"""What tenants are told of: types of events, and which kinds of rows tell of them.

A type is a promise to applications; a kind is how the house writes it down.
Kinds that are not here concern the operator, or say what another says already.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accepted": "A copy was taken into the queue.",
        "refused": "A recipient was refused; `detail.code` says why.",
        "delivered": "The recipient's server took the copy.",
        "deferred": "An attempt failed for now; another follows.",
        "bounced": "The copy can't be delivered, or came back.",
        "expired": "The copy was given up at the end of its time.",
        "held": "The copy waits; `detail` says for what, and until when where that is known.",
        "released": "The copy waits no more.",
        "declined": "The copy was dropped with its campaign.",
        "cancelled": "The copy was cancelled before it left.",
        "withdrawn": "The person's consent was gone before the copy left.",
        "opened": "The message was opened; `detail.class` says by what.",
        "clicked": "A link was followed; `detail.class` says by what.",
        "unsubscribed": "The person unsubscribed.",
        "contested": "The person contests the consent.",
        "complained": "The person reported the message as spam.",
        "suppressed": "Nothing more goes to the address.",
        "consent.given": "A consent was recorded; an import tells how many (`detail.count`).",
        "consent.withdrawn": "A consent ended.",
        "tenant.warned": "The operator warned the tenant.",
        "tenant.frozen": "The operator stopped the tenant's mail.",
        "campaign.staged": "A campaign's first part goes, the rest waits for a verdict.",
        "campaign.verdict": "A campaign was released, declined, stopped or left to the operator.",
        "quota.near": "Most of the plan is used, or all of it (`detail.percent`); once a period each.",
        "domain.failing": "A domain's records are not in place any more.",
    }
)
"""Type → what happened."""

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {name: name for name in MEANINGS}
    | {
        "soft-bounced": "bounced",
        "delayed": "deferred",
        "tenant-warned": "tenant.warned",
        "tenant-frozen": "tenant.frozen",
        "campaign-released": "campaign.verdict",
        "campaign-declined": "campaign.verdict",
        "campaign-stopped": "campaign.verdict",
        "campaign-undecided": "campaign.verdict",
    }
)
"""Kind → type."""

BESIDE: Final[Mapping[str, str]] = MappingProxyType({"accepted": "held", "unsubscribed": "consent.withdrawn"})
"""Kinds whose rows tell of another type too."""


def kinds_of(types: frozenset[str]) -> list[str]:
    """Kinds of rows among which events of these types are found."""
    found = {kind for kind, type_ in KINDS.items() if type_ in types}
    return sorted(found | {kind for kind, type_ in BESIDE.items() if type_ in types})
