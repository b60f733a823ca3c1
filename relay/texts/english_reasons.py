"""English texts of why copies failed and recipients were refused, by the words that events and replies have for it.

First the classes of docs/BOUNCES.md, then the words of the relay's own refusals, then of what holds copies, then the
steps of a message's story; ``english`` has the other texts.
"""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    "reason.unknown-address": "No such mailbox",
    "reason.moved": "The mailbox has moved",
    "reason.no-mail-domain": "The domain takes no mail",
    "reason.disabled": "The mailbox is closed",
    "reason.mailbox-full": "The mailbox is full",
    "reason.too-large": "The message is too large",
    "reason.content": "Something in the content isn’t taken",
    "reason.spam": "It was taken for spam",
    "reason.blocked": "The relay’s address is on a block list there",
    "reason.authentication": "The sender couldn’t be proved (SPF, DKIM, DMARC)",
    "reason.sender": "The sender isn’t taken",
    "reason.relay-denied": "That server takes no mail for the address",
    "reason.tls-required": "That server wants encryption",
    "reason.policy": "A rule of that server forbids it",
    "reason.filtered": "Refused for this person once it was seen",
    "reason.rate": "Too much at a time",
    "reason.greylisted": "That server wants to be asked again later",
    "reason.temporary": "Not taken for the moment",
    "reason.loop": "The mail goes round in circles",
    "reason.expired": "Given up: it couldn’t be delivered in time",
    "reason.network": "No connection to that server",
    "reason.system": "A fault at that server",
    "reason.protocol": "That server didn’t understand a command",
    "reason.no-consent": "No consent",
    "reason.unsubscribed": "Unsubscribed",
    "reason.suppressed": "Mail to the address was stopped",
    "reason.domain": "The sender’s domain isn’t proved",
    "reason.topic": "The topic doesn’t fit",
    "reason.stream": "The stream isn’t for such mail",
    "reason.frozen": "The account is frozen",
    "reason.campaign-declined": "The campaign was declined",
    # What holds copies (relay/queue/holds.py).
    "reason.staged": "Waits for the campaign’s verdict",
    "reason.operator": "Held by the operator",
    "reason.damaged": "The copy can’t be read",
    "reason.log-in braked": "Its log-in seems to be used by somebody else",
    # Steps of a message's story (relay/queue/trace.py).
    "step.accepted": "Accepted",
    "step.refused": "Refused",
    "step.delivered": "Delivered",
    "step.deferred": "Put off",
    "step.delayed": "Put off, says a report",
    "step.bounced": "Bounced",
    "step.soft-bounced": "Came back, says a report",
    "step.expired": "Given up",
    "step.held": "Held",
    "step.released": "Let go",
    "step.declined": "Declined with its campaign",
    "step.cancelled": "Cancelled",
    "step.withdrawn": "Not sent: the consent was gone",
    "step.opened": "Opened",
    "step.clicked": "Link followed",
    "step.unsubscribed": "Unsubscribed",
    "step.contested": "Consent contested",
    "step.complained": "Complaint",
    "step.suppressed": "Mail to the address stopped",
    "step.waiting": "Due",
    "step.leased": "On its way",
    "step.consent": "Consent",
    "step.campaign-watching": "Campaign being watched",
    "step.campaign-released": "Campaign released",
    "step.campaign-declined": "Campaign declined",
    "step.campaign-stopped": "Campaign stopped",
    "step.campaign-undecided": "Campaign with the operator",
    "step.campaign-widened": "Campaign goes to more",
}
