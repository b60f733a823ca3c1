"""What kind of text a list file is: its encoding, found in one pass with bounded memory.

UTF-8 (with or without a mark) and UTF-16 are told by their form, eight-bit
sets by their letters (``list_charset``). Anything that is no text is refused
before a line of it is used.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.lists.list_charset import MAX_SAMPLE, WORDS, charset_of
from relay.values.errors import RegistryError

_BLOCK: Final = 1 << 20
MAX_LINE_OCTETS: Final = 16 << 20
"""A picture in a card may stand on one line; what goes on for longer is no list."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")
_BINARY: Final = (
    (b"PK\x03\x04", "an archive"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file"),
    (b"\x80\x02}", "a settings file of Mailman (write `list_members --fullnames LIST > members.txt`)"),
    (b"SQLite format 3", "a database (export the table of the people as CSV)"),
    (b"!BDN", "an Outlook data file (export the contacts from Outlook as CSV)"),
)
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]+")
_LETTERS: Final = re.compile(r"[\x80-\ud7ff\ue000-\U0010ffff]+")
_KNOWN: Final = re.compile(r"utf-8(-sig)?|utf-16(-[lb]e)?|cp\d+|iso8859-\d+|koi8-[rtu]|mac-\w+|ascii")


class ListError(RegistryError):
    """The file as a whole can't be used; nothing was changed."""


@dataclass(frozen=True, slots=True)
class TextKind:
    """How to open the file, and what was seen on the way."""

    encoding: str
    """Empty where the format has its own."""
    lines: int
    sha256: str
    guessed: bool = False
    """By its letters; the file itself doesn't say."""
    damaged: bool = False
    """UTF-8 with some octets that are none: they stand as lone surrogates in what is read."""

    @property
    def errors(self) -> str:
        """How ``open`` shall take octets that are none of the encoding."""
        return "surrogateescape" if self.damaged else "strict"

    @property
    def said(self) -> str:
        """The encoding, for people."""
        if self.damaged:
            return f"{self.encoding} with damaged octets in some lines"
        return self.encoding + (" (by its letters)" if self.guessed else "")


def recognise(path: Path, encoding: str = "") -> TextKind:
    """``encoding`` goes before what would be found. Raises ListError if the file can't be read or is no text."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            encoding = _named(encoding) if encoding else _by_head(path, head) or ""
            if encoding == "utf-8" and head.startswith(codecs.BOM_UTF8):
                encoding = "utf-8-sig"  # the mark is no part of the first address
            file.seek(0)
            digest = hashlib.sha256()
            seen = _Seen(encoding or None)
            while block := file.read(_BLOCK):
                digest.update(block)
                seen.take(block)
                if seen.open_octets > MAX_LINE_OCTETS:
                    raise ListError(f"{path} has a line of more than {MAX_LINE_OCTETS >> 20} MiB, which no list has")
    except OSError as error:
        raise ListError(f"{path} can't be read: {error.strerror or error}") from error
    if not head:
        raise ListError(f"{path} is empty")
    try:
        damaged = seen.broken and _damaged(path)
        found = (encoding or "utf-8") if damaged else seen.encoding()
    except UnicodeError as error:
        raise ListError(f"{path} is no text{' in ' + encoding if encoding else ''}: save it in UTF-8") from error
    guessed = not encoding and found != "utf-8"
    return TextKind(found, seen.lines, digest.hexdigest(), guessed, damaged)


def _damaged(path: Path) -> bool:
    """UTF-8 that has octets which are none, but more letters that are: one bad octet is no other encoding."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    right = wrong = 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                text = decoder.decode(block)
                wrong += len(_SURROGATES.findall(text))
                right += len(_LETTERS.findall(text))
    except OSError as error:
        raise ListError(f"{path} can't be read: {error.strerror or error}") from error
    return 0 < wrong <= right


def _named(encoding: str) -> str:
    """A character set by the name that someone gave."""
    try:
        found = codecs.lookup(encoding)
    except (LookupError, ValueError):
        found = None
    if found is None or not _KNOWN.fullmatch(found.name):
        raise ListError(
            f"there is no encoding {encoding[:40]!r} for lists: name utf-8, utf-16, cp1251, koi8-u, cp1252 …"
        )
    return found.name


def _by_head(path: Path, head: bytes) -> str | None:
    """An encoding that shows at once; None: an eight-bit one."""
    for magic, what in _BINARY:
        if head.startswith(magic):
            raise ListError(f"{path} is {what}, not a list: save it as CSV, TXT, XLS, XLSX or vCard")
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
        raise ListError(f"{path} is not text: save it as CSV, TXT, XLS, XLSX or vCard")
    return None


class _Seen:
    """Decides between the eight-bit encodings as blocks go by."""

    def __init__(self, certain: str | None) -> None:
        self._certain = certain
        self._decoder = codecs.getincrementaldecoder(certain or "utf-8")()
        self._utf8 = True
        self._control = False
        self._words = bytearray()
        self.lines = 1
        self.open_octets = 0
        """Since the last line end, or a little more."""

    def take(self, block: bytes) -> None:
        ends = block.count(b"\n") or block.count(b"\r")
        self.lines += ends
        self.open_octets = 0 if ends else self.open_octets + len(block)
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
        if self._certain is None and len(self._words) < MAX_SAMPLE and not block.isascii():
            for found in WORDS.finditer(block):
                self._words += found[0] + b" "
                if len(self._words) >= MAX_SAMPLE:
                    break

    @property
    def broken(self) -> bool:
        """Not UTF-8 as a whole, where it may be."""
        return not self._utf8 and self._certain in (None, "utf-8", "utf-8-sig")

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
        return charset_of(bytes(self._words))
