"""What kind of text a list file is: its encoding, found in one pass with bounded memory.

Known are UTF-8 (with or without a mark), UTF-16, windows-1251 and latin-1;
every other eight-bit set reads as one of the last two, which does no harm to
addresses. Anything that is no text is refused before a line of it is used.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.registry.errors import RegistryError

_BLOCK: Final = 1 << 20
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")
_BINARY: Final = (
    (b"PK\x03\x04", "a spreadsheet or archive"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file"),
)
_HIGH_RUN: Final = re.compile(rb"[\x80-\xff]{2,}")
_HIGH: Final = re.compile(rb"[\x80-\xff]")


class ListError(RegistryError):
    """The file as a whole can't be used; nothing was changed."""


@dataclass(frozen=True, slots=True)
class TextKind:
    """How to open the file, and what was seen on the way."""

    encoding: str
    lines: int
    sha256: str


def recognise(path: Path) -> TextKind:
    """Raises ListError if the file can't be read or is no text."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            encoding = _by_head(path, head)
            file.seek(0)
            digest = hashlib.sha256()
            seen = _Seen(encoding)
            while block := file.read(_BLOCK):
                digest.update(block)
                seen.take(block)
    except OSError as error:
        raise ListError(f"{path} can't be read: {error.strerror or error}") from error
    if not head:
        raise ListError(f"{path} is empty")
    try:
        return TextKind(seen.encoding(), seen.lines, digest.hexdigest())
    except UnicodeError as error:
        raise ListError(f"{path} is no text: save it as CSV or TXT in UTF-8") from error


def _by_head(path: Path, head: bytes) -> str | None:
    """An encoding that shows at once; None: an eight-bit one."""
    for magic, what in _BINARY:
        if head.startswith(magic):
            raise ListError(f"{path} is {what}, not text: save it as CSV or TXT")
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    pairs = len(head) // 2
    if pairs >= 2:  # addresses are ASCII, so every other octet of UTF-16 is NUL
        for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            if head[start::2].count(0) * 10 >= pairs * 7 and not head[1 - start :: 2].count(0):
                return name
    if _CONTROL.search(head):
        raise ListError(f"{path} is not text: save it as CSV or TXT")
    return None


class _Seen:
    """Decides between the eight-bit encodings as blocks go by."""

    def __init__(self, certain: str | None) -> None:
        self._certain = certain
        self._decoder = codecs.getincrementaldecoder(certain or "utf-8")()
        self._utf8 = True
        self._control = False
        self._high = self._in_runs = self._undefined = 0
        self.lines = 1

    def take(self, block: bytes) -> None:
        self.lines += block.count(b"\n") or block.count(b"\r")
        wide = self._certain is not None and self._certain.startswith("utf-16")
        if not wide and not self._control:
            self._control = _CONTROL.search(block) is not None
        if self._utf8:
            try:
                text = self._decoder.decode(block)
                if wide and not self._control:
                    self._control = _CONTROL.search(text.encode("ascii", "ignore")) is not None
            except UnicodeError:
                self._utf8 = False
        if self._certain is None:
            self._high += len(_HIGH.findall(block))
            self._in_runs += sum(len(run) for run in _HIGH_RUN.findall(block))
            self._undefined += block.count(b"\x98")

    def encoding(self) -> str:
        if self._control:
            raise UnicodeError("control characters")
        if self._utf8:
            try:
                self._decoder.decode(b"", final=True)
            except UnicodeError:
                self._utf8 = False
        if self._utf8:
            return self._certain or "utf-8"
        if self._certain is not None:
            raise UnicodeError(self._certain)
        # Cyrillic words are runs of high octets; accents in Latin ones stand alone.
        cyrillic = self._in_runs * 2 > self._high and not self._undefined
        return "cp1251" if cyrillic else "latin-1"
