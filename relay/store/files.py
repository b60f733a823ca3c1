"""Why a file of the relay can't be opened, in words that say what to do."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path


def cause(path: Path) -> str:
    """What stands in the way of reading and writing the file; empty if nothing that can be told."""
    for one in (path.parent, path):
        try:
            found = one.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"can't be reached: {error.strerror}; correct server.data_dir, or run this as the relay's user"
        if one == path and stat.S_ISDIR(found.st_mode):
            return "is a directory; correct server.data_dir"
        if os.statvfs(one).f_flag & os.ST_RDONLY:
            return f"lies on a file system that is mounted read-only; find out why (`dmesg`), then remount {mount(one)}"
        if not os.access(one, os.R_OK | os.W_OK | (os.X_OK if one == path.parent else 0)):
            me, whose = _user(os.geteuid()), _user(found.st_uid)
            return (
                f"can't be used by {me}: {one} belongs to {whose} and {me} may not read and write it;"
                f" run this as {whose}, or as root `chown -R {me} {path.parent}`"
            )
    return ""


def empty(path: Path) -> str:
    """What is to be said of a database file without a single octet; else nothing.

    Its size is asked for only: a process that opens a database besides SQLite and closes it again loses all locks that
    SQLite holds for it (fcntl(2)).
    """
    try:
        size = path.stat().st_size
    except OSError:
        return ""
    return "" if size else "is empty; restore it from a backup. For a new relay, move it away and use `relay init`"


def beside(database: Path) -> Iterator[str]:
    """Files that the relay needs beside the database and could not open, each with what to do."""
    names = [*(f"{database.name}-{end}" for end in ("wal", "shm", "turn", "owners")), "lock"]
    for file in (database.with_name(name) for name in names):
        try:
            found = file.stat()
        except OSError:
            continue  # it is made when it is needed
        if not stat.S_ISREG(found.st_mode):
            yield f"{file} is no file; move it away"
        elif not os.access(file, os.R_OK | os.W_OK):
            me, whose = _user(os.geteuid()), _user(found.st_uid)
            yield f"{file} belongs to {whose} and {me} may not use it; as root `chown -R {me} {file.parent}`"


def mount(path: Path) -> Path:
    """Where its file system is mounted."""
    path = path.absolute()
    while not path.is_mount():
        path = path.parent
    return path


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def open_small(path: Path) -> int:
    """A descriptor of a small file in data_dir, made if need be, mode 0600; root makes it the directory's owner's.

    Or else a command that root ran would leave files that the relay's own user can't open.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        whose, made = path.parent.stat(), os.fstat(fd)
        if (made.st_uid, made.st_gid) != (whose.st_uid, whose.st_gid):
            os.fchown(fd, whose.st_uid, whose.st_gid)
    return fd
