"""English texts of the desk's pages about queue, health and people who wait; ``english`` has the others."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

from typing import Final

DESK: Final[dict[str, str]] = {
    "desk.keys": (
        "Keys: j and k go through them, Enter opens one, r goes to releasing, d to declining; Enter does it."
    ),
    "desk.previous": "Previous one",
    "desk.next": "Next one",
    "nav.queue": "Queue",
    "queue.all": "All that waits",
    "queue.counted": "Counted {seconds} s ago; it is being counted anew, or will be in a moment.",
    "queue.ready": "Not tried yet",
    "queue.live": "Live figures",
    "queue.still": "Let them stand",
    "queue.sites": "By site",
    "queue.waiting": "Waiting",
    "queue.tried": "Tried before",
    "queue.next": "Next try",
    "queue.due": "now",
    "queue.failed": "What went wrong last",
    "queue.act": "Do something with it",
    "queue.act_note": "Name a tenant, a domain or a message; what is given must all apply.",
    "queue.hold": "Hold",
    "queue.release": "Let go",
    "queue.retry": "Try now",
    "queue.cancel": "Drop for good",
    "nav.health": "Health",
    "health.wrong": "To mend",
    "health.odd": "To know",
    "health.release": "Release",
    "health.free": "Free on the disk",
    "health.least": "No mail is taken below",
    "health.database": "Database",
    "health.checks": "What was looked at",
    "health.todo": "What to do",
    "health.level.ok": "well",
    "health.level.warn": "to know",
    "health.level.fail": "to mend",
    "health.note": (
        "As relay check and relay doctor --offline say it. They also read the whole database; relay doctor asks DNS and"
        " others’ servers, too."
    ),
    "avail.title": "Availability by month",
    "avail.month": "Month",
    "avail.service": "Mail and pages",
    "avail.support": "Writing to support",
    "avail.down": "Minutes lost",
    "avail.announced": "{count} of them announced",
    "avail.answers": "Answers in time",
    "avail.of": "{count} of {of}",
    "avail.promised": "Promised are {percent} % of each month. Months and times are in UTC.",
    "avail.none": "Nothing was measured as yet: it begins within a minute, while the relay runs.",
    "avail.outages": "Outages",
    "avail.what": "What",
    "avail.from": "From",
    "avail.until": "Until",
    "avail.minutes": "Minutes",
    "avail.lasts": "still now",
    "desk.origin": "Where the list is from",
    "desk.origin_note": "The latest lists that were handed in for its topic; others of its people came one by one.",
    "desk.origin_none": (
        "No list was handed in for its topic: its people came one by one, by form, by the API or by hand."
    ),
    "reports.loops": "Feedback loops",
    "reports.loop": "Provider",
    "reports.loop_last": "Latest report",
    "reports.loops_note": "Providers that tell us who pressed “spam”. What they report counts as complaints.",
    "reports.loops_none": "No provider’s loop has reported anything yet.",
    "log.head": "{size} entries were signed on {moment}. A number leads to the proof that its entry is among them.",
    "log.proof_of": "Proof of entry {number}",
    "tenants.notes": "Notes",
    "tenants.notes_lead": "For staff alone: the tenant never reads them.",
    "tenants.note": "New note",
    "tenants.note_add": "Keep it",
    "tenants.note_remove": "Remove the note of {moment}",
    "nav.asking": "People’s requests",
}
