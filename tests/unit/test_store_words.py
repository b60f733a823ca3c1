"""A chore that fails writes one line where the disk is to blame, and where it happened only if nobody knows why."""

from __future__ import annotations

import errno
import logging
import sqlite3
from pathlib import Path

import pytest

from relay.store.database import StoreError
from relay.store.words import failed

_log = logging.getLogger("test")


def of(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("words of SQLite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (of(sqlite3.SQLITE_FULL), "the disk is full: make room"),
        (of(sqlite3.SQLITE_BUSY), "another program keeps writing to it"),
        (OSError(errno.ENOSPC, "No space left on device"), "make room, or free inodes"),
        (StoreError("no database at x; restore it"), "restore it"),
    ],
)
def test_one_line(error: Exception, text: str, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    failed(_log, "the chore failed", error, tmp_path / "relay.db")
    (record,) = caplog.records
    assert record.getMessage().startswith("the chore failed: ")
    assert text in record.getMessage()
    assert not record.exc_info


@pytest.mark.parametrize("error", [of(sqlite3.SQLITE_ERROR), ValueError("odd")])
def test_what_nobody_foresaw(error: Exception, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    failed(_log, "the chore failed", error, tmp_path / "relay.db")
    assert caplog.records[0].exc_info
