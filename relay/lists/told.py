"""An import in sentences: the same for whoever typed the command and whoever looks at the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote

from relay.lists.consent_import import ImportReport
from relay.lists.list_file import Bad
from relay.lists.refusals import SHOWN
from relay.values.prose import how_many


def sums(report: ImportReport, *, dry_run: bool, take: str) -> Iterator[str]:
    """How many lines became what; ``take`` is how the reader has those suppressed whom the list itself gives a reason
    for."""
    would = " (tried only, nothing was changed)" if dry_run else ""
    counts = f"{report.taken} taken, {report.duplicates} there already, {report.refused} refused"
    if report.offered:
        counts += f", {report.offered} out by the list's own word"
    yield f"{how_many(report.lines, 'line')}: {counts}{would}"
    if report.by_reason:
        yield "by reason: " + ", ".join(f"{lines} {reason}" for reason, lines in sorted(report.by_reason.items()))
    if report.undated:
        yield f'{report.undated} of them without a date: footer and proof say "date not stated"'
    if report.offered:
        yield _offers(report, dry_run, take)


def _offers(report: ImportReport, dry_run: bool, take: str) -> str:
    parts = ", ".join(f"{count} {reason}" for reason, count in sorted(report.offers.items()))
    if report.left:
        return f"to suppress: {parts}; {take}, and they are, with these reasons"
    if dry_run:
        return f"would be suppressed: {parts}"
    before = "" if report.suppressed == report.offered else ", the others were before"
    return f"suppressed: {report.suppressed} now{before} ({parts} in the list)"


def asked(report: ImportReport) -> Iterator[tuple[str, str]]:
    """What the list says and nobody here knows, the most frequent first: the question
    and the word an answer names."""
    for where, lines in report.asked.most_common(SHOWN):
        yield f"asked: {where} ({how_many(lines, 'line')}): what does it mean?", report.words.get(where, "")


def to_answer(report: ImportReport, meanings: Iterable[str]) -> Iterator[str]:
    """With which option the questions are answered, a sentence each."""
    listed = ", ".join(meanings)
    columns: dict[str, str] = {}
    for where, _ in report.asked.most_common(SHOWN):
        column, sign, _ = report.words.get(where, "").rpartition(":")
        if sign and where.startswith(f"{column!r} is "):
            columns.setdefault(column, report.words[where])
    for column, word in columns.items():
        yield (
            f"answer with --keep {quote(column)} if that column says nothing of consents, or with"
            f" --status {quote(f'{word}=MEANING')} ({listed}), from which its other answers follow"
        )
    if any(report.words.get(where, "").rpartition(":")[0] not in columns for where in report.asked):
        yield f"answer with --status 'WORD=MEANING' ({listed}), or --keep COLUMN if it says nothing of consents"


def refused(bad: Bad) -> str:
    return f"line {bad.line}: {f'{bad.text}: {bad.why}' if bad.text else bad.why}"
