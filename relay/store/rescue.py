"""The database's file was deleted or replaced under the running relay: what it held is written down again.

Connections that are open still see all of it, and nothing else does; with the
end of the process it would be gone, promised mail too. So a copy is made from
such a connection. Where the name is free the copy takes it, and the next start
goes on as if nothing had been; else it stays beside and the log says so.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

PAGES: Final = 4096
"""Copied at a time."""


def rescue(conn: sqlite3.Connection, path: Path, *, same_file: bool) -> str:
    """Copy what ``conn`` sees; what was done, for the log. Takes as long as the disk needs; call from a thread.

    ``same_file``: the database itself is where it was, without what stood in its log.
    Raises sqlite3.Error or OSError where that can't be done.
    """
    directory = path.parent if path.parent.is_dir() else path.parent.parent
    copy = directory / f"{path.name}.saved-{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        copy.unlink()
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    with contextlib.closing(sqlite3.connect(copy)) as target:
        conn.backup(target, pages=PAGES)
        target.execute("PRAGMA journal_mode = DELETE")
    _sync(copy)
    if same_file:
        os.rename(path, f"{path}.before-{os.getpid()}")  # noqa: PTH104
    if directory == path.parent and _put_back(copy, path):
        return f"all that was in it has been put back as {path}"
    return f"all that was in it is kept as {copy}: to go on with that, stop the relay and make it {path}"


def _put_back(copy: Path, path: Path) -> bool:
    """Under its name, unless another file has that now. A log that lies there belongs to neither."""
    try:
        os.link(copy, path)
    except OSError:
        return False
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{path}.before-{os.getpid()}{suffix}")
    copy.unlink()
    _sync(path.parent)
    return True


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
