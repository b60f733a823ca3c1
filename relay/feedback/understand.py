"""What one mail that came back means: for each of those it may concern, and for the operator. Pure.

In two steps, since the people behind a tag stand in the store: ``open_mail``
reads the mail and finds the tags inside, ``understand`` judges it for targets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relay.feedback import loops, tags
from relay.feedback.analyse import FeedbackKind, Finding, analyse, named_in, of_reports
from relay.feedback.complaint import ComplaintReport, Meaning, about
from relay.feedback.letter import word
from relay.feedback.mime import Mail, parse, readable
from relay.feedback.record import Item
from relay.feedback.tags import FoundTags
from relay.keys.secrets import Secrets
from relay.keys.tokens import SHARED, Mark

_PERSONAL = (Meaning.COMPLAINT, Meaning.OPT_OUT)


@dataclass(frozen=True, slots=True)
class Concerned:
    """Somebody whom a message that came back may be about."""

    prefix: str
    mark: Mark
    address: str
    one_of_several: bool = False
    """Shared a copy with others: it is about this one only if it says so, and proves nothing then."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A mail as read; ``inside``: each report with the tags found in it."""

    mail: Mail
    inside: tuple[tuple[ComplaintReport, FoundTags], ...]

    @property
    def reports(self) -> list[ComplaintReport]:
        return [report for report, _ in self.inside]


def open_mail(secrets: Secrets, raw: bytes, *, loop: bool) -> Opened:
    """``loop``: it came to an address that only feedback loops know."""
    mail = parse(raw)
    found = loops.reports(mail, loop=loop)
    return Opened(mail, tuple((report, tags.find(secrets, report.reverse_path, report.copies)) for report in found))


def understand(reverse_path: str, opened: Opened, targets: Sequence[Concerned]) -> list[Item]:
    """What a mail to signed addresses means for each of those they name."""
    if opened.inside:
        # Of several reports in one mail, those with a tag of their own are about somebody else.
        plain = [report for report, own in opened.inside if len(opened.inside) == 1 or not own.marks]
        return [item for target in targets if plain and (item := _reported(plain, target)) is not None]
    named = named_in(opened.mail) if any(target.one_of_several for target in targets) else None
    return [item for target in targets if (item := _returned(opened.mail, reverse_path, target, named)) is not None]


def inside(
    opened: Opened, targets: Callable[[Mark], Sequence[Concerned]], *, marked: bool
) -> tuple[list[Item], list[str]]:
    """What the reports mean for whom their own tags name, and why some of them mean nothing: for the operator.

    ``marked``: the mail came to a signed address. Then that says whom a single report is about, and those of several
    that have no tag of their own.
    """
    items: list[Item] = []
    unclear: list[str] = []
    for report, own in opened.inside:
        if marked and report.meaning in _PERSONAL and (len(opened.inside) == 1 or not own.marks):
            continue
        found = _by_tag(report, own, targets)
        items += found
        if report.meaning is not Meaning.NOT_SPAM and not found:
            unclear.append(_unclear(report, own))
    return items, unclear


def _by_tag(report: ComplaintReport, own: FoundTags, targets: Callable[[Mark], Sequence[Concerned]]) -> list[Item]:
    if own.one is None or report.meaning not in _PERSONAL:
        return []
    found = [item for target in targets(own.one) if (item := _reported([report], target)) is not None]
    if not found and own.one.number == SHARED:
        return [_item(report, own.one, unproved=True)]  # it names none of those who had the copy
    return found


def _unclear(report: ComplaintReport, own: FoundTags) -> str:
    if report.meaning is Meaning.OPERATOR:
        return f"A feedback report of the type {report.type!a}: {report.why}."
    if len(own.marks) > 1:
        return "A spam report with tags of several people: nobody can tell whom it is about, so it counts for nobody."
    if own.forged:
        return "A spam report whose tag is forged or damaged: it counts for nobody."
    return "A spam report without a tag of ours: nobody can tell whom it is about, so it counts for nobody."


def _reported(found: Sequence[ComplaintReport], target: Concerned) -> Item | None:
    """What feedback reports mean for a target."""
    chosen = about(found, target.address)
    if target.one_of_several and not chosen.names(target.address):
        return None
    return _item(chosen, target.mark, unproved=target.one_of_several)


def _item(report: ComplaintReport, mark: Mark, *, unproved: bool) -> Item:
    if report.meaning is Meaning.OPT_OUT:
        return Item(mark, None, (("report", report.type), ("form", report.form)), unproved)
    return Item(mark, of_reports([report], ""), unproved=unproved)


def _returned(mail: Mail, reverse_path: str, target: Concerned, named: Callable[[str], bool] | None) -> Item | None:
    """What any other mail means for a target; None if it isn't about it."""
    if target.one_of_several and (named is None or not named(target.address)):
        return None
    if target.prefix == "u":
        return _letter(mail, reverse_path, target)
    return Item(target.mark, analyse(mail, target.address), unproved=target.one_of_several)


def _letter(mail: Mail, reverse_path: str, target: Concerned) -> Item:
    """A letter to an unsubscribe address asks for it, if it is a person's word."""
    judged = word(mail, reverse_path)
    if not judged.counts:
        return Item(
            target.mark, Finding(FeedbackKind.AUTOMATIC, diagnostic=judged.sign), unproved=target.one_of_several
        )
    evidence = {
        "reverse_path": reverse_path,
        "from": readable(mail.get("from")),
        "message_id": mail.get("message-id"),
        "subject": readable(mail.get("subject")),
        "sign": judged.sign,
    }
    kept = tuple((name, value[:320]) for name, value in evidence.items() if value)
    return Item(target.mark, None, kept, target.one_of_several)
