"""``relay reload``: the running relay takes the settings as they are now."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any, Final

import click

from relay.checks.ports import relay_process
from relay.cli.common import done, fail, json_option, load_settings, note

WAIT_S: Final = 120.0
LOOK_S: Final = 0.05


@click.command()
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Have the running relay take the settings and the certificate as they are now.

    No connection is refused and no session ended: new processes take what comes from then on, those of before go on
    with the sessions they have (ten minutes at most) and end. A file that is wrong changes nothing. Tells which
    settings were taken, and which take a restart. SIGHUP to the relay does the same, and tells it in the log.
    """
    settings = load_settings(ctx)  # most faults show here already
    data_dir = settings.server.data_dir
    running = relay_process(data_dir)
    if not running:
        fail(f"no relay runs on {data_dir}: start it; changes of server.data_dir take a restart")
    path = data_dir / "reloaded"
    before = _mark(path)
    try:
        os.kill(running, signal.SIGHUP)
    except PermissionError:
        fail(f"process {running} is another user's: run this as the relay's user or root, or `systemctl reload relay`")
    told = _answer(path, before, running)
    if not told["ok"]:
        fail("the settings are kept as they were: " + "; ".join(told["faults"]))
    changed, restart = told["changed"], told["restart"]
    text = f"taken: {', '.join(changed)}" if changed else "no setting has changed; the certificate was read again"
    done(ctx, text, {"changed": changed, "restart": restart}, as_json)
    if restart:
        note(f"these take a restart, `systemctl restart relay`: {', '.join(restart)}")


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


def _answer(path: Path, before: tuple[int, int], running: int) -> dict[str, Any]:
    end = time.monotonic() + WAIT_S
    while _mark(path) == before:
        if time.monotonic() > end:
            fail(f"process {running} has not answered within {WAIT_S:.0f} s: its log says more")
        try:
            os.kill(running, 0)
        except OSError:
            fail(f"process {running} has ended meanwhile: its log says why")
        time.sleep(LOOK_S)
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return told
