"""English texts of the operator's announcements; ``english`` has the others."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

from typing import Final

ANNOUNCE: Final[dict[str, str]] = {
    "nav.announcements": "Announcements",
    "announce.none": "Nothing is announced.",
    "announce.kind": "What it is",
    "announce_kind.work": "Planned work",
    "announce_kind.notice": "Notice",
    "announce_state.coming": "to come",
    "announce_state.now": "now",
    "announce_state.over": "over",
    "announce_state.withdrawn": "withdrawn",
    "announce.span": "from {begin} until {end}",
    "announce.title": "Title",
    "announce.from": "From",
    "announce.until": "Until",
    "announce.utc": "In UTC.",
    "announce.from_note": "In UTC. Empty: from now on.",
    "announce.whom": "For whom",
    "announce.all": "all customers",
    "announce.tenants": "Customers’ short names",
    "announce.tenants_note": "With blanks or commas between them. Empty: all customers, those that come later too.",
    "announce.reason": "Why it can’t wait",
    "announce.reason_note": (
        "Planned work of more than a day is announced a day before it begins; less than a day ahead only with a reason,"
        " which customers read."
    ),
    "announce.urgent": "Why it can’t wait: {reason}",
    "announce.new": "Announce something",
    "announce.add": "Announce it",
    "announce.add_note": (
        "It stands on the customers’ pages at once, and goes to the contacts by mail, in their language around your"
        " words."
    ),
    "announce.by": "Announced by",
    "announce.letters": "Letters",
    "announce.letters_written": "all written, {moment}",
    "announce.letters_waiting": "being written",
    "announce.letters_stopped": "ended before all were written",
    "announce.withdraw": "Withdraw it",
    "announce.withdraw_note": "It goes from the customers’ pages, and who had a letter gets another one.",
    "announce.withdrawn": "Withdrawn",
    "announce.withdrawn_why": "Reason: {reason}",
    "announce.away": "Put away",
    "announce.more": "All announcements",
    "announce.mail.work.subject": "Planned work: {title}",
    "announce.mail.notice.subject": "Notice: {title}",
    "announce.mail.work.lead": "{operator} plans work on the mail service {span}.",
    "announce.mail.notice.lead": "{operator} lets you know, for the time {span}:",
    "announce.mail.page": "It stands in your account, too:",
    "announce.mail.recalled.subject": "Withdrawn: {title}",
    "announce.mail.work.recalled": (
        "{operator} withdraws the announcement of planned work “{title}” ({span}). It doesn’t take place so."
    ),
    "announce.mail.notice.recalled": "{operator} withdraws the notice “{title}” ({span}).",
}
