"""What the import commands share: a progress bar, the lines refused, the report."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from relay.cli.common import fail, json_text, say
from relay.lists.consent_import import ImportReport
from relay.lists.list_file import Bad
from relay.lists.list_write import write_list
from relay.observe.escape import escaped

SHOWN: Final = 20
"""Refused lines shown without --report and --json."""
_IN_MEMORY: Final = 1 << 20


def check_report(report: Path | None, source: Path) -> None:
    """End the command before anything is taken if the refused lines can't be written to where they shall go."""
    if report is None:
        return
    if report.exists() and source.exists() and report.samefile(source):
        fail(f"the report would take the place of the list {source}: name another file with --report")
    if report.is_dir() or not os.access(report.parent, os.W_OK | os.X_OK):
        fail(f"the report {report} can't be written: name a file in a directory that is there and yours to write")


class Refusals:
    """Refused lines in their order; many of them go to a temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115 - lives on
        self.first: list[Bad] = []

    def __call__(self, bad: Bad) -> None:
        self._file.write(json.dumps({"line": bad.line, "text": bad.text, "reason": bad.why}) + "\n")
        if len(self.first) < SHOWN:
            self.first.append(bad)

    def all(self) -> Iterator[dict[str, object]]:
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)


@contextmanager
def progress(lines: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere; called with the lines done so far."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("lines"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("import", total=lines)
        yield lambda done: bar.update(task, completed=done, total=max(done, lines))


def tell(report: ImportReport, refusals: Refusals, *, to: Path | None, as_json: bool, dry_run: bool = False) -> int:
    """Print what was done; returns the exit status: 1 if no line could be used."""
    if to is not None:
        try:
            write_list(to, ("line", "text", "reason"), refusals.all())
        except OSError as error:
            fail(f"the lines are taken, but the report {to} can't be written: {error.strerror or error}")
    if as_json:
        _print_json(report, refusals, dry_run)
    else:
        _print_text(report, refusals, to, dry_run)
    return 0 if report.taken or report.duplicates else 1


def _print_text(report: ImportReport, refusals: Refusals, to: Path | None, dry_run: bool) -> None:
    would = " (tried only, nothing was changed)" if dry_run else ""
    counts = f"{report.taken} taken, {report.duplicates} there already, {report.refused} refused"
    say(f"{report.lines} lines: {counts}{would}")
    for bad in refusals.first:
        say(f"line {bad.line}: {escaped(f'{bad.text}: {bad.why}' if bad.text else bad.why)}")
    if report.refused > len(refusals.first):
        where = f"all of them are in {to}" if to else "--report FILE or --json tells all"
        say(f"and {report.refused - len(refusals.first)} more; {where}")


def _print_json(report: ImportReport, refusals: Refusals, dry_run: bool) -> None:
    """One object, written piece by piece: the refused lines may be many."""
    figures = {"lines": report.lines, "taken": report.taken, "duplicates": report.duplicates}
    figures |= {"refused": report.refused}
    head = json_text({**figures, "dry_run": dry_run, "reasons": dict(report.reasons)})
    say(head[:-1] + ', "refusals": [', nl=False)
    for number, row in enumerate(refusals.all()):
        say((",\n " if number else "\n ") + json_text(row), nl=False)
    say("]}")
