"""Writing a file that isn't there, whole and for good."""

from __future__ import annotations

import os
from pathlib import Path


def write_new(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """A new file, durable; removed again if it can't be written whole. ``owner``: ids of user and group."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600 & mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def write_over(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """The file with this content in place of the one that is there; at no time is there none, or half of one."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    write_new(beside, content, mode, owner)
    beside.replace(path)
