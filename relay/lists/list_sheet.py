"""Rows of a spreadsheet (XLS, XLSX), read by calamine in a process of its own with limits.

A workbook is a ZIP of XML, or an OLE file: both may claim to hold far more
than they are worth reading. So the ZIP is inflated once into nothing, and
refused as soon as it grows out of proportion; only then the reader sees it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from relay.lists.list_rows import MAX_COLUMNS, MAX_LINE, Bad, ListRow
from relay.lists.list_text import ListError, TextKind
from relay.processes.own import own_python

ZIP: Final = b"PK\x03\x04"
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

MAX_FILE_OCTETS: Final = 256 << 20
MAX_INFLATED_OCTETS: Final = 1 << 30
"""A million lines of four columns are 0.3 GiB."""
MAX_RATIO: Final = 100
"""Real sheets shrink to a tenth; a part that shrinks more than this is a bomb."""
_FREE_OCTETS: Final = 4 << 20
"""Below this size a part may shrink as it likes, and below its fourfold all parts together."""
MAX_PARTS: Final = 2_000
READER_OCTETS: Final = 2 << 30
"""Address space of the reading process."""
TIMEOUT_S: Final = 180.0
_BLOCK: Final = 1 << 20
_WIDE: Final = re.compile(rb'\br="[A-Z]{3,}[0-9]')  # the 703rd column and beyond


@dataclass(frozen=True, slots=True)
class SheetRows:
    """A sheet's rows, on the disk as JSON lines; ``sheet_rows`` is the only maker."""

    path: Path
    kind: TextKind
    sheet: str
    others: int
    form: str
    _file: BinaryIO = field(repr=False, compare=False)

    @property
    def said(self) -> str:
        more = f"; {self.others} more sheets were not read" if self.others else ""
        return f"{self.form}, sheet {self.sheet[:40]!r}{more}"

    def rows(self) -> Iterator[ListRow]:
        decode = msgspec.json.Decoder(tuple[int, list[str] | None]).decode
        self._file.seek(0)
        self._file.readline()
        for line in self._file:
            number, cells = decode(line)
            if cells is None:
                yield number, Bad(number, "", f"the row is longer than {MAX_LINE} characters")
            else:
                yield number, cells


def sheet_rows(path: Path) -> SheetRows:
    """Raises ListError for what is no workbook, is protected, damaged, or a bomb."""
    size = path.stat().st_size
    if size > MAX_FILE_OCTETS:
        raise ListError(f"{path} is larger than {MAX_FILE_OCTETS >> 20} MiB; save it as CSV")
    with path.open("rb") as file:
        zipped = file.read(len(ZIP)) == ZIP
    if zipped:
        _check_zip(path, size)
    found = _read(path)
    try:
        head = msgspec.json.decode(found.readline())
        lines = sum(block.count(b"\n") for block in iter(lambda: found.read(_BLOCK), b""))
        kind = TextKind("", max(lines, 1), _digest(path))
        return SheetRows(path, kind, str(head["sheet"]), int(head["others"]), "XLSX" if zipped else "XLS", found)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ListError(f"{path} can't be read: {error}") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> BinaryIO:
    """Run the reader; its output, at the start. What it says is not believed before it ended well."""
    found = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the rows do
    words = [sys.executable, "-m", "relay.lists.sheet_reader", str(path.absolute()), str(READER_OCTETS)]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=found,
            stderr=subprocess.DEVNULL,
            env=own_python(),
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise ListError(f"{path} takes longer than {TIMEOUT_S:g} s to read; save it as CSV") from None
    if done.returncode:
        raise ListError(f"{path} can't be read: {_why(found)}")
    found.seek(0)
    return found


def _why(found: BinaryIO) -> str:
    """The reader's last word, if it had one."""
    size = found.seek(0, os.SEEK_END)
    found.seek(max(0, size - 4096))
    last = found.read().rstrip(b"\n").rpartition(b"\n")[2]
    with contextlib.suppress(msgspec.DecodeError, KeyError, TypeError):
        text = " ".join(str(msgspec.json.decode(last)["error"]).split())
        if "password" in text.lower() or "encrypt" in text.lower():
            return "it is protected by a password; take that off and save it again"
        return f"{text}; save it anew, or as CSV"
    return "it is damaged or needs too much memory; save the list alone in a new workbook, or as CSV"


# --- bombs -------------------------------------------------------------------------------


def _check_zip(path: Path, size: int) -> None:
    try:
        with path.open("rb") as file:
            _check_directory(path, file, size)
            with zipfile.ZipFile(file) as archive:
                parts = archive.infolist()
                if any(part.filename == "content.xml" for part in parts):
                    raise ListError(f"{path} is an OpenDocument sheet: save it as XLSX or CSV (File, Save as)")
                if len(parts) > MAX_PARTS or not any(part.filename.startswith("xl/") for part in parts):
                    raise ListError(f"{path} is an archive, not a workbook: unpack it, or save the list as XLSX or CSV")
                total = 0
                for part in parts:
                    total = _check_part(path, file, part, total)
                    if total > 4 * _FREE_OCTETS and total > MAX_RATIO * size:
                        raise _bomb(path)
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, ValueError) as error:
        raise ListError(f"{path} is a damaged workbook ({error}); save it anew, or as CSV") from error


def _bomb(path: Path) -> ListError:
    return ListError(f"{path} inflates beyond all proportion, which no list does; save it as CSV")


def _check_directory(path: Path, file: BinaryIO, size: int) -> None:
    """Before zipfile builds an object for each entry, see that they are few (APPNOTE 4.3.16)."""
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise zipfile.BadZipFile("its end is missing")
    count, length = struct.unpack_from("<HL", tail, at + 10)
    if count > MAX_PARTS or length > MAX_PARTS * 1_000:
        raise ListError(f"{path} has more than {MAX_PARTS} parts, which no list has; save it as CSV")


def _check_part(path: Path, file: BinaryIO, part: zipfile.ZipInfo, total: int) -> int:
    """Inflate one part into nothing; the octets of all parts so far."""
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or part.flag_bits & 1:
        raise ListError(f"{path} is packed or protected in an unusual way; save it anew, or as CSV")
    file.seek(part.header_offset)
    header = file.read(30)
    if header[:4] != ZIP:
        raise zipfile.BadZipFile("an entry is not where it should be")
    file.seek(sum(struct.unpack_from("<HH", header, 26)), os.SEEK_CUR)
    if part.compress_type == zipfile.ZIP_STORED:
        return total + part.compress_size
    sheet = part.filename.startswith("xl/worksheets/")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    left, taken, grown = part.compress_size, 0, 0
    carried = b""
    while not inflater.eof:
        given = inflater.unconsumed_tail
        if not given:
            given = file.read(min(left, 65_536))
            left -= len(given)
            if not given:
                break
        block = inflater.decompress(given, _BLOCK)
        taken = part.compress_size - left - len(inflater.unconsumed_tail)
        grown += len(block)
        if (grown > _FREE_OCTETS and grown > MAX_RATIO * taken) or total + grown > MAX_INFLATED_OCTETS:
            raise _bomb(path)
        if sheet and _WIDE.search(carried + block):
            raise ListError(f"{path} has more than {MAX_COLUMNS} columns; leave in what is needed")
        carried = block[-16:]
    return total + grown
