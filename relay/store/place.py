"""Is the database still where it was opened?

A file that is deleted or replaced under a connection goes on to take writes,
without a name: all that is promised then is gone with the process. The
directory's time tells of every such change, so one call for each commit is
enough as long as nothing happens there.
"""

from __future__ import annotations

import os
from pathlib import Path


class Place:
    """Of a database file and its log, as they are now; raises OSError if they are gone."""

    def __init__(self, path: Path) -> None:
        self._directory = str(path.parent)
        self._files = [str(path), f"{path}-wal"]
        found = os.stat(path)  # noqa: PTH116
        self._known: list[tuple[int, int] | None] = [(found.st_dev, found.st_ino), None]
        self._changed_ns = -1
        self.mark = f"{found.st_dev}-{found.st_ino}-{os.getppid()}"
        """The same in all processes of one relay that have this file open."""

    def reopened(self) -> None:
        """A connection that was the last one took its log with it; the database must still be the same file."""
        self._known[1] = None
        self._changed_ns = -1

    def same_file(self) -> bool:
        """Whether the database itself is where it was, whatever became of its log."""
        try:
            stat = os.stat(self._files[0])  # noqa: PTH116
        except OSError:
            return False
        return self._known[0] == (stat.st_dev, stat.st_ino)

    def lost(self, *, thorough: bool = False) -> str:
        """What is gone or another file than before, or ``""``.

        ``thorough`` looks at the files in any case: a directory's time has steps of some milliseconds.
        """
        try:
            changed_ns = os.stat(self._directory).st_mtime_ns  # noqa: PTH116
        except OSError as error:
            return f"{self._directory}: {error.strerror}"
        if changed_ns == self._changed_ns and not thorough:
            return ""
        for number, file in enumerate(self._files):
            known = self._known[number]
            try:
                stat = os.stat(file)  # noqa: PTH116
            except OSError as error:
                if known is None:
                    continue  # no log as yet
                return f"{file}: {error.strerror}"
            if known is not None and known != (stat.st_dev, stat.st_ino):
                return f"{file} is another file than the one that was opened"
            self._known[number] = (stat.st_dev, stat.st_ino)
        self._changed_ns = changed_ns
        return ""
