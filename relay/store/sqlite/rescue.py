"""The database's file was deleted or replaced under the running relay: what it held is written down again.

Connections that are open still see all of it, and nothing else does; with the
end of the process it would be gone, promised mail too. So a copy is made from
such a connection. Where the name is free the copy takes it, and the next start
goes on as if nothing had been; else it stays beside and the log says so.

Of a relay's processes, all of which have the lost file open, the first one does
so. The others must not: what they would put back, or tell people to, lacks what
was written since.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from relay.store import marks

PAGES: Final = 4096
"""Copied at a time."""
_FOLDER: Final = "saved"


def rescue(conn: sqlite3.Connection, path: Path, *, same_file: bool, mark: str) -> str:
    """Copy what ``conn`` sees; what was done, for the log. Takes as long as the disk needs; call from a thread.

    ``same_file``: the database itself is where it was, without what stood in its log. ``mark``: of the lost file, the
    same for all who have it open.
    Raises sqlite3.Error or OSError where that can't be done.
    """
    directory = path.parent if path.parent.is_dir() else path.parent.parent
    with _alone(directory):
        for file in (path, *sorted(directory.glob(f"{path.name}.saved-*"))):
            if _has(file, mark):
                return f"all that was in it is in {file} already, by another process of this relay"
        return _rescue(conn, path, directory, same_file=same_file, mark=mark)


def _rescue(conn: sqlite3.Connection, path: Path, directory: Path, *, same_file: bool, mark: str) -> str:
    copy = directory / f"{path.name}.saved-{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        copy.unlink()
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    with contextlib.closing(sqlite3.connect(copy)) as target:
        conn.backup(target, pages=PAGES)
        target.execute("PRAGMA journal_mode = DELETE")
        marks.remove(target, [name for name, _ in marks.below(target, _FOLDER)])
        marks.write(target, f"{_FOLDER}/{mark}", 1)
        target.commit()
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


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One process at a time."""
    fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _has(file: Path, mark: str) -> bool:
    """Looks into the file alone: with its log, SQLite would make one anew or put into it what isn't its own."""
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as conn:
            return marks.read(conn, f"{_FOLDER}/{mark}") is not None
    except sqlite3.Error:
        return False


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
