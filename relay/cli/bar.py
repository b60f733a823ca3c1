"""A bar of progress on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from relay.cli.printing import note


@contextmanager
def bar(what: str, *, lines_s: float = 0.0) -> Iterator[Callable[[int, int], None]]:
    """Called with what is done and all there is; elsewhere than on a terminal nothing, or a line in so many seconds."""
    if not sys.stderr.isatty():
        yield _lines(what, lines_s) if lines_s else lambda done, all_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, all_: shown.update(task, completed=done, total=max(done, all_))


def _lines(what: str, every_s: float) -> Callable[[int, int], None]:
    told_at = time.monotonic()

    def tell(done: int, all_: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= every_s:
            told_at = time.monotonic()
            note(f"{what}: {done} of {all_}")

    return tell
