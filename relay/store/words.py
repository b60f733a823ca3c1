"""What an error of the disk or the database means and what to do about it, for those who run the relay."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from enum import StrEnum
from pathlib import Path
from typing import Final

from relay.store.engines import StoreAddress

_DATABASE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: make room on the file system of {directory}",
    sqlite3.SQLITE_CORRUPT: "it is damaged: stop the relay, keep a copy, see what `relay check` says, restore a backup",
    sqlite3.SQLITE_NOTADB: "it is no database, or its first page is damaged: keep a copy of it and restore a backup",
    sqlite3.SQLITE_IOERR: "the disk has errors: look at the system's log (`dmesg`) and at {directory}",
    sqlite3.SQLITE_READONLY: "it can't be written: remount {directory} for writing, or run as the database's owner",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened: does {directory} exist, may this user write there, and has its file"
    " system room and inodes left (`df -h`, `df -i`)?",
    sqlite3.SQLITE_PERM: "this user may not use it: run as the database's owner",
    sqlite3.SQLITE_NOMEM: "there is no memory left for it: allow more (LimitAS=, MemoryMax=)",
    sqlite3.SQLITE_BUSY: "another program keeps writing to it (`fuser -v` names it): end that, or try again",
}
_SYSTEM: Final = {
    errno.ENOSPC: "the disk is full: make room, or free inodes (`df -h`, `df -i`)",
    errno.EDQUOT: "this user's disk quota is used up: make room or have it raised",
    errno.EROFS: "the file system is read-only: remount it for writing",
    errno.EACCES: "this user may not: run as the relay's user, or chown the directory",
    errno.EPERM: "this user may not: run as the relay's user, or chown the directory",
    errno.EIO: "the disk has errors: look at the system's log (`dmesg`)",
    errno.EMFILE: "this process may open no more files: raise LimitNOFILE= (`ulimit -n`)",
    errno.ENFILE: "the system may open no more files: raise fs.file-max",
    errno.ENOMEM: "there is no memory left: allow more (LimitAS=, MemoryMax=)",
}


class StoreFault(StrEnum):
    """What is wrong with a database that can't be used."""

    FULL = "full"
    DAMAGED = "damaged"
    DISK = "disk"
    READ_ONLY = "read-only"
    CLOSED = "closed"
    """Its file can't be opened."""
    AWAY = "away"
    """A server that can't be reached."""
    OTHER = "other"


_FAULTS: Final = {
    sqlite3.SQLITE_FULL: StoreFault.FULL,
    sqlite3.SQLITE_CORRUPT: StoreFault.DAMAGED,
    sqlite3.SQLITE_NOTADB: StoreFault.DAMAGED,
    sqlite3.SQLITE_IOERR: StoreFault.DISK,
    sqlite3.SQLITE_READONLY: StoreFault.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: StoreFault.CLOSED,
}


def fault(error: BaseException) -> StoreFault:
    """Of an error of the store; OTHER for any that isn't, or that passes by itself."""
    if getattr(error, "away", False):
        return StoreFault.AWAY
    return _FAULTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, StoreFault.OTHER)


_LITTLE_OCTETS: Final = 64 * 1024


def _full(directory: Path) -> bool:
    try:
        found = os.statvfs(directory)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _LITTLE_OCTETS


def explained(error: BaseException, path: StoreAddress) -> str:
    """The error, and what to do where that is known. ``path``: the database, or its directory."""
    if isinstance(error, MemoryError):
        return f"out of memory; {_DATABASE[sqlite3.SQLITE_NOMEM]}"
    todo = getattr(error, "todo", "")  # a server's failure brings its own
    if isinstance(error, sqlite3.Error) and not todo and isinstance(path, Path):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        directory = path.parent if path.suffix == ".db" else path
        if code == sqlite3.SQLITE_IOERR and _full(directory):
            code = sqlite3.SQLITE_FULL  # what SQLite makes of a file beside the database that can't grow
        todo = _DATABASE.get(code, "").format(directory=directory)
    elif isinstance(error, OSError):
        todo = _SYSTEM.get(error.errno or 0, "")
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{text}; {todo}" if todo else text


def failed(log: logging.Logger, what: str, error: Exception, path: StoreAddress) -> None:
    """Log that something failed: in a line where the disk or the database is to blame, else with where it happened."""
    text = explained(error, path)
    if text != str(error) or type(error).__module__.startswith("relay."):
        log.error("%s: %s", what, text)
    else:
        log.error("%s", what, exc_info=error)
