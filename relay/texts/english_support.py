"""English texts of what tenants and staff write to each other; ``english`` has the others."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

from typing import Final

SUPPORT: Final[dict[str, str]] = {
    "nav.support": "Messages with staff",
    "nav.helping": "Customers’ messages",
    "support.new": "Write a new message",
    "support.kind": "What it is",
    "support_kind.question": "Question",
    "support_kind.claim": "Claim",
    "support_kind.appeal": "Objection",
    "support_state.yours": "waiting for you",
    "support_state.theirs": "waiting for the other side",
    "support_state.closed": "closed",
    "support.due": "Answer due",
    "support.overdue": "overdue",
    "support.until": "An answer is due {moment}.",
    "support.changed": "Last text",
    "support.text": "Text",
    "support.texts": "What was written",
    "support.note": (
        "Questions are answered within a business day, claims within 20. Write no passwords; files can’t be attached."
    ),
    "support.mailed": "The customer’s contact gets it by mail, too.",
    "support.send": "Send",
    "support.close": "Close the matter",
    "support.by_staff": "staff",
    "support.by_tenant": "customer",
    "support.waiting": "Waiting for an answer",
    "support.about.campaign": "About campaign {number}",
    "support.about.statement": "About statement of reasons {number}",
    "support.appeal": "About statement {number}",
    "support.ask": "Ask the staff about this campaign",
    "support.mail.subject": "Message: {subject}",
    "support.mail.lead": "{operator} wrote to you about “{subject}”:",
    "support.mail.answer": "Answer in your account; answers by mail don’t come in there:",
    "statements.title": "Statements of reasons",
    "statements.lead": "Why something was done to your account or a campaign, and where you object to it.",
    "statements.number": "Number",
    "statements.about": "About",
    "statements.in_force": "in force",
    "statements.over": "over",
    "statements.object": "Object to it, or explain",
    "statements.thread": "What was written about it",
    "todo.support": "Staff has answered: <bdi>{subject}</bdi>",
}
