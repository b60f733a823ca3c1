"""``--watch``: a listing or an object that is drawn again and again until Ctrl-C.

On a terminal each round is one write over the one before, on the alternate
screen, so that nothing flickers and what stood there before comes back; the
last round stays when it ends. Elsewhere, and with ``--json``, one round is
printed and that is all.
"""

from __future__ import annotations

import functools
import math
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import click

from relay.cli import layout
from relay.cli.moments import shown
from relay.cli.printing import ShownRow, listing, output, painted, room, say_lines, show, shown_fields

F = TypeVar("F", bound=Callable[..., Any])

_ENTER: Final = "\x1b[?1049h\x1b[?25l"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_END_OF_LINE: Final = "\x1b[K"
_REST: Final = "\x1b[J"


def watch_option(command: F) -> F:
    """``--watch`` and ``--interval``, as parameter ``every``: seconds, or None for one round."""

    @functools.wraps(command)
    def run(*words: Any, watch: bool, interval: float, **more: Any) -> Any:
        if not math.isfinite(interval):  # which a range lets through
            raise click.BadParameter("it is no number of seconds", param_hint="'--interval'")
        return command(*words, every=interval if watch else None, **more)

    decorated: Any = click.option(
        "--interval",
        type=click.FloatRange(0.2, 3600),
        default=2.0,
        show_default=True,
        metavar="SECONDS",
        help="With --watch: how often.",
    )(run)
    decorated = click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")(decorated)
    found: F = decorated
    return found


def watch_output(
    ctx: click.Context,
    rows: Callable[[], Iterable[ShownRow]],
    columns: Sequence[str],
    as_json: bool,
    every: float | None,
) -> None:
    """``output`` of what ``rows`` finds, once or again and again."""
    if not _watches(as_json, every):
        output(ctx, rows(), columns, as_json)
        return
    assert every is not None
    _watch(lambda: listing(rows(), columns), every)


def watch_show(ctx: click.Context, fields: Callable[[], ShownRow], as_json: bool, every: float | None) -> None:
    """``show`` of what ``fields`` finds, once or again and again."""
    if not _watches(as_json, every):
        show(ctx, fields(), as_json)
        return
    assert every is not None
    _watch(lambda: shown_fields(fields()), every)


def watch_lines(draw: Callable[[], list[str]], every: float, *, once: bool) -> None:
    """Lines that are drawn anew; once in a pipe, or where that is asked for."""
    if once or not sys.stdout.isatty():
        say_lines(draw())
        return
    _watch(draw, every)


def _watches(as_json: bool, every: float | None) -> bool:
    return every is not None and not as_json and sys.stdout.isatty()


def _watch(draw: Callable[[], list[str]], every: float) -> None:
    last: list[str] = []
    try:
        with _screen():
            while True:
                last = draw()
                _write(_round(last, every))
                time.sleep(every)
    except KeyboardInterrupt:
        say_lines(last)


def _round(lines: Sequence[str], every: float) -> str:
    """One round as one write: no line is wider than the terminal, nor are there more than fit."""
    wide, high = room() or 80, max(shutil.get_terminal_size().lines, 4)
    place = high - 3
    kept = [*lines[:place], *([f"… {len(lines) - place} lines more"] if len(lines) > place else [])]
    head = f"{shown(time.time())}, every {every:g} s; Ctrl-C ends"
    whole = [head, "", *kept]
    return _HOME + "\n".join(painted(_fitted(line, wide)) + _END_OF_LINE for line in whole) + _REST


def _fitted(line: str, wide: int) -> str:
    return line if layout.width(line) <= wide else layout.cut(line, wide)


@contextmanager
def _screen() -> Iterator[None]:
    """The alternate screen without a cursor; both are put back however this ends."""
    before = {number: signal.signal(number, _ended) for number in (signal.SIGTERM, signal.SIGHUP)}
    _write(_ENTER)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _write(_LEAVE)


def _ended(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
