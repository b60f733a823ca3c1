"""What was understood of a feedback report, and why. Pure but for the look-up handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from relay.feedback import loops, tags
from relay.feedback.complaint import ComplaintReport, Meaning
from relay.feedback.letter import Word, word
from relay.feedback.mime import parse
from relay.feedback.tags import FoundTags
from relay.keys.secrets import Secrets
from relay.keys.tokens import SHARED, Mark

EFFECTS = {
    Meaning.COMPLAINT: "stops all mail of the tenant to the person (R8)",
    Meaning.OPT_OUT: "ends the person's consent to the topic (R3)",
    Meaning.NOT_SPAM: "nothing",
    Meaning.OPERATOR: "nobody is stopped; the operator gets it",
}


class TagSearch(StrEnum):
    """What became of the search for a tag of ours."""

    VALID = "valid"
    SHARED = "shared"
    """Of a copy that several people had: told, and stops nobody by itself (R25)."""
    SEVERAL = "several"
    """Of different people: counts for nobody."""
    FORGED = "forged"
    NONE = "none"
    UNCHECKED = "unchecked"
    """No relay's secrets are at hand."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One report with what its tags say."""

    report: ComplaintReport
    found: TagSearch
    tags: FoundTags
    address: str
    """Of the person whom a valid tag names; ``""`` if it isn't known here."""

    @property
    def counts(self) -> bool:
        """Whether it does anything to a person, as far as the tag isn't against it."""
        personal = self.report.meaning in (Meaning.COMPLAINT, Meaning.OPT_OUT)
        return personal and self.found in (TagSearch.VALID, TagSearch.UNCHECKED)


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of a mail; ``letter``: what it would be as a letter to an unsubscribe address."""

    reports: tuple[Explained, ...]
    letter: Word


def explain(raw: bytes, secrets: Secrets | None, address_of: Callable[[Mark], str]) -> Explanation:
    """``secrets``: None where no relay is at hand; ``address_of``: ``""`` for whom it doesn't know."""
    mail = parse(raw)
    found = loops.reports(mail, loop=True)
    return_path = mail.get("return-path").strip("<> ") or ("" if mail.get("return-path") else "unknown")
    return Explanation(tuple(_one(report, secrets, address_of) for report in found), word(mail, return_path))


def _one(report: ComplaintReport, secrets: Secrets | None, address_of: Callable[[Mark], str]) -> Explained:
    if secrets is None:
        return Explained(report, TagSearch.UNCHECKED, FoundTags(), "")
    found = tags.find(secrets, report.reverse_path, report.copies)
    mark = found.one
    if mark is None:
        state = TagSearch.SEVERAL if found.marks else TagSearch.FORGED if found.forged else TagSearch.NONE
        return Explained(report, state, found, "")
    if mark.number == SHARED:
        return Explained(report, TagSearch.SHARED, found, "")
    return Explained(report, TagSearch.VALID, found, address_of(mark))
