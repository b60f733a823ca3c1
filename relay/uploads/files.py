"""Where lists stand that were handed in, each in a directory of its own, and their reports; only the relay sees it."""

from __future__ import annotations

import os
import re
import secrets as random
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from relay.values.errors import RegistryError

_PLACE: Final = "uploads"
_REPORT: Final = "refused.csv"
_NEW: Final = "new-"
_NEW_S: Final = 3600.0
_MOST_NAME: Final = 120
_ODD: Final = re.compile(r"[^\w .()+,&'@-]+")


def plain_name(name: str) -> str:
    """A file's name as somebody gave it, without directories and whatever may not stand in one."""
    last = re.split(r"[/\\]", name)[-1]
    kept = _ODD.sub("_", "".join(one for one in last if one.isprintable())).strip(" .")
    stem, dot, suffix = kept.rpartition(".")
    short = f"{stem[: _MOST_NAME // 2]}.{suffix[:10]}" if dot and stem else kept[: _MOST_NAME // 2]
    return short.encode()[:_MOST_NAME].decode(errors="ignore").strip(" .") or "list"


class UploadFiles:
    """Below ``data_dir``."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / _PLACE

    def put(self, name: str, body: bytes | memoryview) -> Path:
        """Keep it until it has a number (``settle``). Raises RegistryError, then nothing of it is left."""
        place = self._root / f"{_NEW}{random.token_hex(8)}"
        try:
            self._root.mkdir(0o700, exist_ok=True)
            place.mkdir(0o700)
            handle = os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
        except OSError as error:
            shutil.rmtree(place, ignore_errors=True)
            raise RegistryError(f"the file can't be kept: {error.strerror or error}; tell the operator") from error
        return place

    def settle(self, place: Path, job_id: int) -> None:
        """Give what was put its number; quick, so that it can be done within a transaction."""
        self.drop(job_id)
        place.rename(self._root / str(job_id))

    def list_of(self, job_id: int, name: str) -> Path:
        return self._root / str(job_id) / name

    def report_of(self, job_id: int) -> Path:
        return self._root / f"{job_id}-{_REPORT}"

    def drop_list(self, job_id: int) -> None:
        """The list alone; its report stays."""
        shutil.rmtree(self._root / str(job_id), ignore_errors=True)

    def drop(self, job_id: int) -> None:
        """All of it."""
        self.drop_list(job_id)
        with suppress(OSError):
            self.report_of(job_id).unlink()

    def clean(self, known: set[int]) -> None:
        """Drop what belongs to no list that is known."""
        for path in self._root.glob("*") if self._root.is_dir() else ():
            number = re.match(r"\d{1,18}", path.name)
            if number is not None and int(number[0]) in known:
                continue
            with suppress(OSError):
                if path.stat().st_mtime > time.time() - _NEW_S:  # it may be known in a moment
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
