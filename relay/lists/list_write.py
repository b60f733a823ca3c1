"""Lists of people written to files: CSV, or JSON lines where the name ends so.

Rows are streamed into a file beside the target that takes its place at the
end, so a half-written list is never seen. Personal data: only the owner of
the process may read it.
"""

from __future__ import annotations

import csv
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")
JSON_SUFFIXES: Final = frozenset({".jsonl", ".ndjson", ".json"})


def write_list(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> int:
    """Write all rows and return how many; raises OSError, then the target is as it was."""
    write = _json_lines if path.suffix.lower() in JSON_SUFFIXES else _csv
    return _replace(path, lambda file: write(file, columns, rows))


def write_text(path: Path, text: str) -> None:
    """Write one document about a person; raises OSError, then the target is as it was."""
    _replace(path, lambda file: file.write(text))


def _replace(path: Path, write: Callable[[TextIO], int]) -> int:
    try:
        return _written(path, write)
    except OSError as error:  # which names a file that nobody asked for
        raise OSError(error.errno, error.strerror, str(path)) from error


def _written(path: Path, write: Callable[[TextIO], int]) -> int:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".relay-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            written = write(file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    return written


def escape(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: a quote before ``= + - @``, tab and CR.

    What has such a quote already gets one more, so that ``list_values.unescape`` gives back what was there.
    """
    text = "" if value is None else str(value)
    if not text or text[0].isalnum():  # as nearly all are
        return text
    return "'" + text if _FORMULA.match(text) else text


def _csv(file: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> int:
    writer = csv.writer(file)
    writer.writerow([escape(name) for name in columns])
    written = 0
    for row in rows:
        writer.writerow([escape(cell) for cell in map(row.get, columns)])
        written += 1
    return written


def _json_lines(file: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> int:
    written = 0
    for row in rows:
        file.write(json.dumps({name: row.get(name) for name in columns}, ensure_ascii=False) + "\n")
        written += 1
    return written
