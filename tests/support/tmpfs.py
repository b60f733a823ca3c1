"""A small file system of its own, so that a disk can be filled. Skipped by name where it can't be mounted (no root)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType

import pytest

MIB = 1024 * 1024


class Small:
    """``with Small(directory, "64m") as disk:`` mounts it there."""

    def __init__(self, directory: Path, size: str, inodes: int = 0) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        options = f"size={size}" + (f",nr_inodes={inodes}" if inodes else "")
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
        if os.geteuid() or subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("a tmpfs can't be mounted here; it needs root")

    @property
    def free(self) -> int:
        found = os.statvfs(self.directory)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """To the last page but for ``leave`` octets, by somebody else's file."""
        with (self.directory / "filler").open("wb", 0) as file:
            try:
                while self.free > leave:
                    file.write(bytes(min(MIB, max(4096, self.free - leave))))
                while not leave:
                    file.write(bytes(4096))
            except OSError:
                pass

    def clear(self) -> None:
        (self.directory / "filler").unlink()

    def use_inodes(self) -> None:
        names = self.directory / "names"
        try:
            names.mkdir(exist_ok=True)
            for number in range(1_000_000):
                (names / str(number)).touch()
        except OSError:
            pass

    def __enter__(self) -> Small:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["umount", "-l", str(self.directory)], capture_output=True, check=False)
