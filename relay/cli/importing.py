"""What the import commands share: a progress bar, the lines refused, the report."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from relay.cli.bar import bar
from relay.cli.common import fail, json_text, note, say
from relay.lists.consent_import import ImportReport
from relay.lists.list_file import Bad, ListFile
from relay.lists.list_words import Said, plain
from relay.lists.list_write import write_list
from relay.observe.escape import escaped

SHOWN: Final = 20
"""Refused lines shown without --report and --json."""
MEANINGS: Final = tuple(said.value for said in (Said.AGREED, Said.LEFT, Said.BOUNCED, Said.COMPLAINED, Said.REFUSED))
"""What a word of a status column may be said to mean."""
_IN_MEMORY: Final = 1 << 20


def check_report(report: Path | None, source: Path) -> None:
    """End the command before anything is taken if the refused lines can't be written to where they shall go."""
    if report is None:
        return
    if report.exists() and source.exists() and report.samefile(source):
        fail(f"the report would take the place of the list {source}: name another file with --report")
    if report.is_dir() or not os.access(report.parent, os.W_OK | os.X_OK):
        fail(f"the report {report} can't be written: name a file in a directory that is there and yours to write")


def row_of(bad: Bad) -> dict[str, object]:
    """A line that wasn't used, as ``--json`` and reports have it; ``offer``: the list's own reason to suppress."""
    row: dict[str, object] = {"line": bad.line, "text": bad.text, "reason": bad.why}
    return row | {"offer": bad.offer} if bad.offer else row


class Refusals:
    """Refused lines in their order; many of them go to a temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115 - lives on
        self.first: list[Bad] = []
        self.count = 0

    def __call__(self, bad: Bad) -> None:
        self._file.write(json.dumps(row_of(bad)) + "\n")
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(bad)

    def all(self) -> Iterator[dict[str, object]]:
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)


@contextmanager
def progress(lines: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere; called with the lines done so far."""
    with bar("lines") as step:
        yield lambda done: step(done, lines)


def remarks(file: ListFile) -> None:
    """Print how the file was understood, wrapped, on stderr."""
    for remark in file.remarks:
        note(_wrapped(f"{file.name}: {remark}"))


def answers(words: Iterable[str]) -> dict[str, Said]:
    """What ``--status WORD=MEANING`` says; ends the command for what it can't mean."""
    found = {}
    for text in words:
        word, sign, meaning = text.rpartition("=")
        if not sign or not word.strip() or meaning.strip() not in MEANINGS:
            fail(f"{text[:40]!r} is no WORD=MEANING; a meaning is one of {', '.join(MEANINGS)}")
        found[plain(word)] = Said(meaning.strip())
    return found


def tell(
    report: ImportReport,
    refusals: Refusals,
    *,
    to: Path | None,
    as_json: bool,
    dry_run: bool = False,
    strict: bool = False,
    remarked: Sequence[str] = (),
) -> int:
    """Print what was done; returns the exit status: 1 if no line could be used, or ``strict`` and one was not."""
    if to is not None:
        try:
            write_list(to, ("line", "text", "reason", "offer"), refusals.all())
        except OSError as error:
            fail(f"the lines are taken, but the report {to} can't be written: {error.strerror or error}")
    if as_json:
        _print_json(report, refusals, dry_run, remarked)
    else:
        _print_text(report, refusals, to, dry_run)
    if strict and (report.refused or report.left):
        return 1
    return 0 if report.taken or report.duplicates or report.suppressed else 1


def _wrapped(text: str, indent: int = 2) -> str:
    width = max(40, min(120, shutil.get_terminal_size((80, 24)).columns))
    return textwrap.fill(text, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def _print_text(report: ImportReport, refusals: Refusals, to: Path | None, dry_run: bool) -> None:
    would = " (tried only, nothing was changed)" if dry_run else ""
    counts = f"{report.taken} taken, {report.duplicates} there already, {report.refused} refused"
    if report.offered:
        counts += f", {report.offered} out by the list's own word"
    say(_wrapped(f"{report.lines} lines: {counts}{would}"))
    if report.undated:
        say(_wrapped(f'{report.undated} of them without a date: footer and proof say "date not stated"'))
    _print_offers(report, dry_run)
    for where, lines in report.asked.most_common(SHOWN):
        say(_wrapped(f"asked: {escaped(where)} ({lines} lines): what does it mean?"))
    if report.asked:
        say(
            _wrapped(
                f"answer with --status 'WORD=MEANING' ({', '.join(MEANINGS)}), or --keep COLUMN if it says nothing of "
                "consents"
            )
        )
    for bad in refusals.first:
        say(_wrapped(f"line {bad.line}: {escaped(f'{bad.text}: {bad.why}' if bad.text else bad.why)}"))
    if refusals.count > len(refusals.first):
        where = f"all of them are in {to}" if to else "--report FILE or --json tells all"
        say(f"and {refusals.count - len(refusals.first)} more; {where}")


def _print_offers(report: ImportReport, dry_run: bool) -> None:
    if not report.offered:
        return
    parts = ", ".join(f"{count} {reason}" for reason, count in sorted(report.offers.items()))
    if report.left:
        say(_wrapped(f"to suppress: {parts}; say --take-suppressions, and they are, with these reasons"))
    elif dry_run:
        say(_wrapped(f"would be suppressed: {parts}"))
    else:
        say(_wrapped(f"suppressed: {report.suppressed} now, others were before ({parts} in the list)"))


def _print_json(report: ImportReport, refusals: Refusals, dry_run: bool, remarked: Sequence[str]) -> None:
    """One object, written piece by piece: the refused lines may be many."""
    figures: dict[str, object] = {"lines": report.lines, "taken": report.taken, "duplicates": report.duplicates}
    figures |= {"refused": report.refused, "consents": report.taken, "undated": report.undated}
    figures |= {"offered_suppressions": report.offered, "offers": dict(report.offers), "suppressed": report.suppressed}
    figures |= {"asked": dict(report.asked), "remarks": list(remarked)}
    head = json_text({**figures, "dry_run": dry_run, "reasons": dict(report.reasons)})
    say(head[:-1] + ', "refusals": [', nl=False)
    for number, row in enumerate(refusals.all()):
        say((",\n " if number else "\n ") + json_text(row), nl=False)
    say("]}")
