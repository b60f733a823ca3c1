"""English texts of the account's pages about lists, forms, wordings and topics; ``english`` has the others."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

from typing import Final

LISTS: Final[dict[str, str]] = {
    "lists.label": "Pages about people",
    "nav.imports": "Imports",
    "imports.hand_in": "Hand in a list",
    "imports.lead": (
        "TXT, CSV, XLS, XLSX or vCard, at most {most} MiB. It is tried first and nothing is changed; you see what "
        "would become of each line before you take it."
    ),
    "imports.file": "File",
    "imports.source_note": (
        "The form, shop or event, as exactly as you can. Bought, rented or harvested lists aren’t taken."
    ),
    "imports.dates": "Dates that can be read in two ways",
    "imports.dates_none": "Refuse them",
    "imports.dates.dmy": "Day first (03/04 is 3 April)",
    "imports.dates.mdy": "Month first (03/04 is 4 March)",
    "imports.suppress": "Suppress whom the list itself calls unsubscribed, bounced or complaining",
    "imports.more": "More choices",
    "imports.groups": "Put all people into these groups",
    "imports.commas": "Several with commas between",
    "imports.skip": "Columns that aren’t kept",
    "imports.skip_note": "* keeps no attributes. Several with commas between",
    "imports.keep": "Columns that say nothing of consents",
    "imports.domains": "Domains that are right, though they look like a slip",
    "imports.encoding": "Encoding",
    "imports.encoding_note": "Empty: it is recognised",
    "imports.try": "Try it",
    "imports.try_again": "Try it again",
    "imports.waiting": "Handed in",
    "imports.taken": "Lists that were taken",
    "imports.none": "No list was taken yet.",
    "imports.sent": "Sent",
    "imports.people": "Taken",
    "imports.of": "{done} of {lines} lines",
    "imports.soon": "It begins in a moment.",
    "imports.again": "This page loads itself anew.",
    "imports.result": "What would become of it",
    "imports.result_taken": "What became of it",
    "imports.read": "How it was understood",
    "imports.questions": "What does the list mean?",
    "imports.meaning.none": "No answer: leave these lines out",
    "imports.meaning.agreed": "agreed",
    "imports.meaning.unsubscribed": "unsubscribed",
    "imports.meaning.hard-bounce": "dead address",
    "imports.meaning.complaint": "complained",
    "imports.meaning.refuse": "did not agree",
    "imports.refused": "Lines that aren’t taken",
    "imports.more_refused": "and {count} more; the report has all of them",
    "imports.report": "Download the report (CSV)",
    "imports.change": "Change what you say of it",
    "imports.take": "Take the list",
    "imports.attest": (
        "I state that everyone in this file agreed to this topic in this wording, the list was neither bought nor "
        "rented nor harvested, and I can prove it."
    ),
    "imports.drop": "Remove it",
    "imports.to_fate": "What became of its people",
    "imports.file_hash": "SHA-256 of the file",
    "imports.by": "By",
    "imports.turn": "Take it back",
    "imports.freeze": "Freeze it",
    "imports.freeze_lead": "Frozen, none of its consents counts, also for mail that waits, until you thaw it.",
    "imports.thaw": "Thaw it",
    "imports.undo": "Undo the whole list",
    "imports.undo_lead": (
        "Every consent of it is withdrawn. Who has proved the consent better since is kept; all others can only come "
        "back by themselves."
    ),
    "imports.sure": "I know that only the people themselves can come back",
    "imports.undoing": "It is being undone.",
    "job.try": "tried",
    "job.take": "taken",
    "job.undo": "undone",
    "state.waits": "waits",
    "state.runs": "running",
    "state.done": "done",
    "state.failed": "failed",
    "state.taken": "in force",
    "state.undone": "undone",
}
