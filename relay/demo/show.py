"""Sets the demonstration up, tells the story, and clears everything away however it ends."""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import click
from rich.console import Console

from relay.demo import people
from relay.demo.database import DemoDatabase
from relay.demo.machine import DemoError, FreePorts, Machine
from relay.demo.mailboxes import Mailboxes
from relay.demo.nameserver import DemoNameserver
from relay.demo.screen import Screen
from relay.demo.story import Story

_LOOK_S: Final = 0.3
_LOG_LINES: Final = 15
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


POSTGRES: Final = "postgres"


def show(*, once: bool, directory: Path | None, store: str = "") -> int:
    """The exit status: 0 if everything went as expected.

    ``store``: URL of an empty database, or POSTGRES for a server that goes with the demonstration.
    """
    if directory is not None and store == POSTGRES:
        raise click.ClickException(
            "a directory that is kept needs a store that is: --store postgresql://USER@HOST/NAME"
        )
    if directory is not None and directory.exists() and any(directory.iterdir()):
        raise click.ClickException(f"{directory} is not empty; name a new directory")
    with _signals(), ExitStack() as stack:
        place = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-demo-")))
        place.mkdir(parents=True, exist_ok=True)
        return _show(Screen(Console(highlight=False)), place.resolve(), once, _stored(stack, store))


def _stored(stack: ExitStack, store: str) -> str:
    """URL of what is to be used, for as long as ``stack`` is."""
    if store != POSTGRES:
        return store
    try:
        made = DemoDatabase()
    except DemoError as error:
        raise click.ClickException(str(error)) from error
    stack.callback(made.close)
    return made.url


def _show(screen: Screen, directory: Path, once: bool, store: str) -> int:
    started = time.monotonic()
    machine = Machine(directory, FreePorts.choose(random.Random()), store)
    with ExitStack() as stack:
        stack.callback(machine.stop)
        names = DemoNameserver(machine.ports.dns)
        stack.callback(names.close)
        mailboxes = Mailboxes(machine.ports.mailboxes, f"mx.{people.MAIL_DOMAIN}", people.DEAD)
        stack.callback(mailboxes.close)
        story = Story(screen, machine, names, mailboxes)
        try:
            story.tell()
            story.addresses()
        except Exception as error:
            # Whatever it is: it is told with the relay's log, and everything is ended in order.
            screen.expect(False, f"the story ended early: {type(error).__name__}: {error}")
        if not once and not screen.failed:
            _summary(screen, machine, started)
            story.invite()
            _stay(screen, machine)
        if machine.is_running():
            status = machine.stop()
            screen.expect(status == 0, f"the relay ended in order, exit status {status}")
        return _summary(screen, machine, started) if once or screen.failed else 0


def _summary(screen: Screen, machine: Machine, started: float) -> int:
    screen.blank()
    if not screen.failed:
        screen.tell(f"{screen.expected} expectations, all met, in {time.monotonic() - started:.0f} s.", "bold green")
        return 0
    for line in machine.log_lines()[-_LOG_LINES:]:
        screen.output(line)
    for text in screen.failed:
        screen.tell(f"not as expected: {text}", "bold red")
    screen.tell(f"{len(screen.failed)} of {screen.expected} expectations were not met.", "bold red")
    return 1


def _stay(screen: Screen, machine: Machine) -> None:
    """Show the relay's log as it grows, until Ctrl-C."""
    seen = len(machine.log_lines())
    screen.blank()
    try:
        screen.tell("Everything stays up; the log goes on below. Ctrl-C ends it.", "bold")
        while machine.is_running():
            lines = machine.log_lines()
            for line in lines[seen:]:
                screen.output(line)
            seen = len(lines)
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        screen.blank()
        return
    screen.expect(False, "the relay ended by itself")


@contextmanager
def _signals() -> Iterator[None]:
    """The first SIGINT, SIGTERM or SIGHUP interrupts; the clearing up that follows isn't interrupted again."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
