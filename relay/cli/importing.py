"""What the import commands share: a progress bar, the lines refused, the report."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from relay.cli.bar import bar
from relay.cli.common import fail, json_text, note, say
from relay.lists import told
from relay.lists.consent_import import ImportReport
from relay.lists.list_file import ListFile
from relay.lists.list_write import write_list
from relay.lists.refusals import REPORT_COLUMNS, Refusals
from relay.lists.wishes import MEANINGS
from relay.observe.escape import escaped

_TAKE: Final = "say --take-suppressions"


def check_report(report: Path | None, source: Path) -> None:
    """End the command before anything is taken if the refused lines can't be written to where they shall go."""
    if report is None:
        return
    if report.exists() and source.exists() and report.samefile(source):
        fail(f"the report would take the place of the list {source}: name another file with --report")
    if report.is_dir() or not os.access(report.parent, os.W_OK | os.X_OK):
        fail(f"the report {report} can't be written: name a file in a directory that is there and yours to write")


@contextmanager
def progress(lines: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere; called with the lines done so far."""
    with bar("lines") as step:
        yield lambda done: step(done, lines)


def remarks(file: ListFile) -> None:
    """Print how the file was understood, on stderr."""
    for remark in file.remarks:
        note(f"{file.name}: {remark}")


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
            write_list(to, REPORT_COLUMNS, refusals.all())
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
    for sentence in told.sums(report, dry_run=dry_run, take=_TAKE):
        say(_wrapped(sentence))
    for question, _ in told.asked(report):
        say(_wrapped(escaped(question)))
    for sentence in told.to_answer(report, MEANINGS):
        say(_wrapped(escaped(sentence)))
    for bad in refusals.first:
        say(_wrapped(escaped(told.refused(bad))))
    if refusals.count > len(refusals.first):
        where = f"all of them are in {to}" if to else "--report FILE or --json tells all"
        say(f"and {refusals.count - len(refusals.first)} more; {where}")


def _print_json(report: ImportReport, refusals: Refusals, dry_run: bool, remarked: Sequence[str]) -> None:
    """One object, written piece by piece: the refused lines may be many."""
    figures: dict[str, object] = {"lines": report.lines, "taken": report.taken, "duplicates": report.duplicates}
    figures |= {"refused": report.refused, "consents": report.taken, "undated": report.undated}
    figures |= {"offered_suppressions": report.offered, "offers": dict(report.offers), "suppressed": report.suppressed}
    if report.by_reason:
        figures["by_reason"] = dict(report.by_reason)
    figures |= {"asked": dict(report.asked), "remarks": list(remarked)}
    head = json_text({**figures, "dry_run": dry_run, "reasons": dict(report.reasons)})
    say(head[:-1] + ', "refusals": [', nl=False)
    for number, row in enumerate(refusals.all()):
        say((",\n " if number else "\n ") + json_text(row), nl=False)
    say("]}")
