"""The database's file is gone under the running relay: what it held is kept, and the process ends for a new start."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import cast

from relay.store.condition import Gone
from relay.store.contract import Tx
from relay.store.sqlite.committer import Committer
from relay.store.sqlite.rescue import rescue
from relay.store.thread import to_its_end
from relay.store.words import explained

_log = logging.getLogger("relay.store")


async def leave(committer: Committer, path: Path, looking: Tx) -> None:
    """``looking`` reads the database at ``path``. Raises Gone, unless it is back, or can't be copied."""
    conn = cast(sqlite3.Connection, looking)
    lost, same_file = committer.lost(), committer.place.same_file()
    if not lost:
        return  # it is back where it was
    try:
        done = await to_its_end(lambda: rescue(conn, path, same_file=same_file, mark=committer.place.mark))
    except (sqlite3.Error, OSError) as error:
        _log.critical("%s; what was in it can't be copied, trying again: %s", lost, explained(error, path))
        return
    raise Gone(f"{lost}; {done}")
