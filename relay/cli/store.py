"""``relay store``: where all that the relay keeps is, and how it gets to another place."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import click

from config.names import store_url
from config.settings import Settings
from relay.audit.verify import verify
from relay.checks.ports import relay_process
from relay.cli.bar import bar
from relay.cli.common import done, fail, json_option, load_settings, say
from relay.keys.belonging import FOREIGN, foreign
from relay.keys.secrets import Secrets
from relay.queue.nodes import own_id
from relay.queue.owners import end_leases, process_of
from relay.store.copy.ahead import copy_ahead
from relay.store.copy.places import notes_ended
from relay.store.copy.rows import Step, StoreCopied
from relay.store.copy.run import copy_store
from relay.store.database import connect
from relay.store.engines import StoreAddress, shown
from relay.store.whole import CopyRefused

FILE_NAME: Final = "relay.db"
EVERY_S: Final = 10.0
"""Between lines that tell how far it is, where there is no terminal."""


@click.group()
def command() -> None:
    """Where all that the relay keeps is: copy, keep."""


@command.command()
@click.option(
    "--to",
    "target",
    required=True,
    metavar="URL",
    help="postgresql://USER@HOST/NAME, an empty database; sqlite:FILE, which is not there yet; or sqlite, in data_dir.",
)
@click.option(
    "--ahead",
    is_flag=True,
    help="While the relay runs: most of it; the rest comes without --ahead.",
)
@json_option
@click.pass_context
def copy(ctx: click.Context, target: str, ahead: bool, as_json: bool) -> int:
    """Copy the whole store to another one: from SQLite to PostgreSQL, or back. The relay has to be stopped.

    Rows are compared by count and digest, and the audit log is verified on the other side. What was cut short goes on
    where it was when the same command is run again. The source stays as it is.

    Where that takes long, begin with --ahead while the relay runs: what changes meanwhile is noted. Then stop the
    relay, and the same command without --ahead copies what changed. `relay store keep` ends the notes of a copy that
    isn't wanted any more.
    """
    settings = load_settings(ctx)
    there = _place(target, settings.server.data_dir)
    if ahead:
        return _ahead(ctx, settings, there, as_json)
    with _stopped(settings.server.data_dir):
        _ready(settings, there)
        with ExitStack() as shown_:
            copied = _copied(copy_store, settings.stored, there, _steps(shown_))
    if copied.stopped_s:  # from here on nobody has to wait any more
        say(f"relay: all is there, {copied.stopped_s:.1f} s after the copy went on: {_next(settings, there)}", err=True)
    faults = _faults(settings, there)
    _tell(ctx, copied, there, _next(settings, there), faults, as_json)
    if faults:
        fail(f"the audit log is not whole, there as here; faults: {faults}; `relay audit verify` names them")
    return 0


@command.command()
@json_option
@click.pass_context
def keep(ctx: click.Context, as_json: bool) -> int:
    """Stay with this store: note no changes any more for a copy that was begun with --ahead. The relay may run."""
    stored = load_settings(ctx).stored
    noted = notes_ended(stored)
    done(ctx, "no changes are noted any more" if noted else "no changes were noted", {"noted": noted}, as_json)
    return 0


def _ahead(ctx: click.Context, settings: Settings, there: StoreAddress, as_json: bool) -> int:
    """Beside a relay at work."""
    _ours(settings, there)
    with ExitStack() as shown_:
        copied = _copied(copy_ahead, settings.stored, there, _steps(shown_))
    text = f"copied to {shown(there)} beside the relay"
    if copied.tables:
        text += f": {copied.rows} rows of {len(copied.tables)} tables, each compared"
    text += f"; {copied.changed} rows that changed meanwhile were carried over. Stop the relay when it suits, and run"
    told = {"to": shown(there), "rows": copied.rows, "carried_over": copied.changed, "whole": False}
    done(ctx, f"{text} the same without --ahead", told, as_json)
    return 0


def _place(target: str, data_dir: Path) -> StoreAddress:
    """A file or a server's URL; ends the command for what is neither."""
    if target == "sqlite":
        return (data_dir / FILE_NAME).absolute()
    scheme, sign, rest = target.partition(":")
    if sign and scheme in ("sqlite", "file"):
        return _file(re.sub(r"^/+", "/", unquote(rest)))
    if not sign:
        return _file(target)
    try:
        return store_url(target)
    except ValueError as error:
        text = str(error).partition("; leave it out")[0]
        fail(f"--to: {text.replace('what was given', 'this')}; for a file sqlite:FILE")


def _file(name: str) -> Path:
    path = Path(name).absolute()
    return path / FILE_NAME if path.is_dir() else path


@contextmanager
def _stopped(data_dir: Path) -> Iterator[None]:
    """No relay runs here, and none is started meanwhile."""
    from relay.serve import ServeError, lock

    if (running := relay_process(data_dir)) is not None:
        fail(f"a relay runs on {data_dir} (process {running or 'unknown'}): stop it first")
    try:
        fd = lock(data_dir)
    except ServeError as error:
        fail(str(error))
    try:
        yield
    finally:
        os.close(fd)


def _ready(settings: Settings, there: StoreAddress) -> None:
    """What was leased by a relay that was killed is let go, or the copy's relay would wait for it."""
    _ours(settings, there)
    stored = settings.stored
    left = end_leases(settings.database, time.time(), own_id(settings.database, stored), store=stored)
    if left.others:
        pids = ", ".join(sorted({process_of(name) for name in left.others}))
        fail(f"a relay that was stopped still waits for its last replies (process {pids}): try again in a moment")
    if left.nodes:
        names = ", ".join(node.name or node.id for node in left.nodes)
        fail(f"other machines hold leases ({names}): stop their relays, and start this one once more before the copy")


def _ours(settings: Settings, there: StoreAddress) -> None:
    if settings.stored == there:
        fail(f"the store is in {shown(there)} already: name another place")
    with closing(connect(settings.stored)) as conn:
        if foreign(conn, Secrets.load(settings.secrets_file)):
            fail(FOREIGN)


def _copied(
    way: Callable[[StoreAddress, StoreAddress, Step], StoreCopied],
    stored: StoreAddress,
    there: StoreAddress,
    step: Step,
) -> StoreCopied:
    try:
        return way(stored, there, step)
    except CopyRefused as error:
        fail(str(error))


def _steps(shown_: ExitStack) -> Step:
    """A bar for each kind of work, one after the other."""
    now, tell = "", None

    def step(what: str, rows: int, all_: int) -> None:
        nonlocal now, tell
        if what != now or tell is None:
            shown_.close()
            now, tell = what, shown_.enter_context(bar(f"rows {what}" if all_ else what, lines_s=EVERY_S))
        tell(rows, all_)

    return step


def _faults(settings: Settings, there: StoreAddress) -> int:
    """Of the audit log as it is in the copy."""
    with closing(connect(there)) as conn, bar("leaves verified", lines_s=EVERY_S) as step:
        return verify(conn, Secrets.load(settings.secrets_file), (), step).count


def _tell(ctx: click.Context, copied: StoreCopied, there: StoreAddress, next_: str, faults: int, as_json: bool) -> None:
    text = f"copied to {shown(there)}: {copied.rows} rows of {len(copied.tables)} tables, each compared"
    if copied.stopped_s:
        text += f"; {copied.changed} that changed after the first part were carried over"
    elif copied.resumed:
        text += ", gone on with" + (
            f" (changed meanwhile, copied anew: {', '.join(copied.anew)})" if copied.anew else ""
        )
    if not faults:
        text += "; the audit log is whole there"
    told = {
        "to": shown(there),
        "rows": copied.rows,
        "resumed": copied.resumed,
        "copied_anew": copied.anew,
        "carried_over": copied.changed,
        "audit_whole": not faults,
        "tables": [{"name": name, "rows": one.rows, "sha256": one.digest} for name, one in copied.tables.items()],
    }
    done(ctx, f"{text}. To go on there: {next_}", told, as_json)


def _next(settings: Settings, there: StoreAddress) -> str:
    """What makes the relay go on there."""
    if there == settings.database.absolute():
        return "take [store] url out of the settings; never start a relay on the old one again"
    if isinstance(there, Path):
        return f"make it {FILE_NAME} in server.data_dir, without [store] url; never start a relay on the old one again"
    return "make it [store] url; never start a relay on the old one again"
