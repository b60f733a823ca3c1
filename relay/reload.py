"""A reload: the settings file as it is now, held against what the relay runs with.

Run by the parent (``relay.processes.supervise``) as a program of its own, for the parent has loaded nothing that could
read settings. What is right is written where processes that are started from then on find it; what is wrong changes
nothing.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Final

from config.load import ConfigError, load
from config.reloading import differing, with_fixed
from config.settings import Settings
from relay.again import Kept
from relay.checks.files import exposed
from relay.checks.refusals import refusals
from relay.checks.result import Level

MOST_TOLD: Final = 100
"""Faults and names in the answer, which goes through a pipe."""


def answer(running: Settings, config: Path) -> tuple[dict[str, object], Settings | None]:
    """What is told, and the settings to go on with; None: nothing has changed, or something is wrong."""
    try:
        found = load(config)
    except ConfigError as error:
        return _wrong(str(error).splitlines()), None
    wanted, restart = with_fixed(running, found)
    faults = refusals(wanted)
    faults += [f"{one.what}: {one.detail}: {one.todo}" for one in exposed(wanted) if one.level is Level.FAIL]
    if faults:
        return _wrong([line for fault in faults for line in fault.splitlines()]), None
    changed = differing(running, wanted)
    told = {
        "ok": True,
        "changed": changed[:MOST_TOLD],
        "restart": restart[:MOST_TOLD],
        "faults": [],
        "log": [wanted.log.level, wanted.log.format],
    }
    return told, wanted if changed else None


def _wrong(faults: list[str]) -> dict[str, object]:
    return {"ok": False, "changed": [], "restart": [], "faults": faults[:MOST_TOLD]}


def main() -> None:
    """``python -m relay.reload FILE CONFIG``; FILE is the descriptor with what processes are made of."""
    written, config = int(sys.argv[1]), Path(sys.argv[2])
    kept: Kept = pickle.loads(os.pread(written, os.fstat(written).st_size, 0))
    told, wanted = answer(kept.settings, config)
    if wanted is not None:
        content = pickle.dumps(kept._replace(settings=wanted))
        os.pwrite(written, content, 0)
        os.ftruncate(written, len(content))
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
