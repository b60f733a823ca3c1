"""What the demonstration shows: coloured and with bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.text import Text

INDENT: Final = "   "
MOST_COLUMNS: Final = 104
_STYLES: Final = {"2": "green", "3": "green", "4": "yellow", "5": "red"}


class Screen:
    """Prints the story and keeps the expectations that were not met."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, MOST_COLUMNS) if console.is_terminal else MOST_COLUMNS
        fancy = console.encoding.lower().replace("-", "") == "utf8"
        marks = ("✓", "✗", "─", "│") if fancy else ("ok", "FAILED", "-", "|")
        self._met, self._missed, self._rule, self._side = marks
        self._scenes = 0
        self.expected = 0
        self.failed: list[str] = []

    # -- telling -------------------------------------------------------------------

    def scene(self, title: str, told: str = "") -> None:
        """Begin a part of the story with its number."""
        self._scenes += 1
        head = f"{self._scenes:>2}  {title} "
        self._console.print()
        self._print(Text(head, "bold cyan").append(self._rule * max(0, self._width - len(head)), "cyan"))
        self.tell(told)

    def tell(self, text: str, style: str = "") -> None:
        """Prose, wrapped."""
        for line in textwrap.wrap(" ".join(text.split()), self._width - len(INDENT)):
            self._print(Text(INDENT + line, style))

    def command(self, *words: str) -> None:
        """A command as the user would type it, continued on further lines at its options."""
        lines = [""]
        for part in _parts(words):
            if lines[-1] and len(lines[-1]) + len(part) > self._width - 9:
                lines.append("")
            lines[-1] += f" {part}" if lines[-1] else part
        for number, line in enumerate(lines):
            tail = " \\" if number + 1 < len(lines) else ""
            self._print(Text(f"{INDENT}{'  ' if number else '$ '}{'  ' * bool(number)}{line}{tail}", "bold"))

    def output(self, text: str, most: int = 40) -> None:
        """What a command answered; at most ``most`` lines of it."""
        lines = text.splitlines()
        for line in lines[:most]:
            for piece in self._fit(line):
                self._print(Text(f"{INDENT}  {piece}".rstrip(), "dim"))
        if len(lines) > most:
            self._print(Text(f"{INDENT}  ({len(lines) - most} more lines)", "dim"))

    def dialog(self, lines: Sequence[tuple[str, str]]) -> None:
        """Parts of an SMTP session: (what the client said, what the relay replied), aligned."""
        column = max(len(said) for said, _ in lines)
        room = max(30, self._width - column - len(INDENT) - 2) if self._console.is_terminal else 2000
        for said, reply in lines:
            for number, piece in enumerate(textwrap.wrap(reply, room)):
                line = Text(f"{INDENT}{('' if number else said).ljust(column)}  ")
                self._print(line.append(piece, _STYLES.get(reply[:1], "")))

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and values, aligned; a value that is too long goes on below itself."""
        column = max(len(name) for name, _ in rows)
        room = max(30, self._width - column - len(INDENT) - 2)
        for name, value in rows:
            for number, piece in enumerate(textwrap.wrap(value, room) or [""]):
                label = "" if number else name
                self._print(Text(INDENT).append(f"{label.ljust(column)}  ", "dim").append(piece))

    def letter(self, text: str) -> None:
        """A message's text, with a line at its side."""
        for line in text.splitlines():
            for piece in self._fit(line):
                self._print(Text(f"{INDENT}{self._side} ", "cyan").append(piece))

    def addresses(self, rows: Sequence[tuple[str, str]]) -> None:
        """Like facts, but never cut: what one copies or clicks."""
        column = max(len(name) for name, _ in rows)
        for name, value in rows:
            self._print(Text(f"{INDENT}{name.ljust(column)}  ").append(value, "cyan"))

    def expect(self, met: bool, text: str) -> None:
        """Say whether the story went as it should; a miss is remembered."""
        self.expected += 1
        if not met:
            self.failed.append(text)
        line = Text(INDENT).append(self._met if met else self._missed, "green" if met else "bold red")
        self._print(line.append(f" {text}", "" if met else "bold red"))

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar on a terminal; elsewhere one line with the end state. Called with what is done so far."""
        reached = 0
        if not self._console.is_terminal:

            def note(done: int) -> None:
                nonlocal reached
                reached = done

            yield note
            self._print(Text(f"{INDENT}{label}: {reached} of {total}"))
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn(INDENT[:-1]), TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=self._console) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.update(task, completed=done)

    def blank(self) -> None:
        self._console.print()

    def _fit(self, line: str) -> list[str]:
        """On a terminal prose is wrapped and a table's line cut; elsewhere a line stays whole."""
        room = self._console.width - len(INDENT) - 2
        if not self._console.is_terminal or len(line) <= room:
            return [line]
        return [line[: max(10, room - 3)] + "..."] if "  " in line.strip() else textwrap.wrap(line, room)

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)


def _parts(words: Sequence[str]) -> list[str]:
    """Words quoted for a shell, an option together with its value."""
    parts: list[str] = []
    for word in words:
        quoted = shlex.quote(word)
        if parts and parts[-1].startswith("--") and " " not in parts[-1] and not word.startswith("--"):
            parts[-1] += f" {quoted}"
        else:
            parts.append(quoted)
    return parts
