"""Charset names of mail, mapped to codecs that are safe to run on mail.

Python's registry also holds codecs that aren't charsets (``zlib``, ``rot13``)
or that take quadratic time (``idna``, ``punycode``); a message may name any of
them, so only real charsets get through.
"""

from __future__ import annotations

import codecs
import functools
from enum import Enum

from relay.mail import jis

_NO_CHARSET = frozenset(
    {"idna", "punycode", "undefined", "mbcs", "oem", "unicode_escape", "raw_unicode_escape", "unicode-escape"}
)
_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_ALIASES = {
    "cp-850": "cp850",
    "unicode-1-1-utf-7": "utf-7",
    "x-sjis": "shift_jis",
    "x-gbk": "gbk",
    "x-big5": "big5",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "gb2312": "gb18030",
    "windows-874": "cp874",
    "ascii": "us-ascii",
    "iso-2022-jp": jis.NAME,
    "iso2022-jp": jis.NAME,
    "csiso2022jp": jis.NAME,
    "iso-2022-jp-ms": jis.NAME,
    "cp50220": jis.NAME,
    "cp50222": jis.NAME,
}
"""Names that mail uses and Python doesn't know, or knows too narrowly."""

_TRAILING_ASCII = ("shift_jis", "cp932", "gbk", "gb18030", "big5", "cp950", "cp949", "johab", "euc_jis")


class Family(Enum):
    """How ASCII bytes relate to a charset's text."""

    SUPERSET = "each ASCII byte is that ASCII character"
    TRAILING = "as SUPERSET, but an ASCII byte may also be the second half of a character"
    OTHER = "stateful or wide: ASCII can't be found, or put in, byte by byte"


@functools.lru_cache(maxsize=512)
def codec(name: str) -> str | None:
    """Python's name for the charset ``name`` of a message; None if it isn't known as a charset."""
    wanted = name.strip().strip("'\"").lower()
    wanted = _ALIASES.get(wanted, wanted)
    if not wanted or len(wanted) > 40 or not wanted.isascii() or "\0" in wanted:
        return None
    try:
        info = codecs.lookup(wanted)
    except LookupError:
        return None
    if info.name in _NO_CHARSET or not getattr(info, "_is_text_encoding", True):
        return None
    try:
        "a".encode(info.name)
    except (UnicodeError, LookupError):
        return None
    return info.name


@functools.lru_cache(maxsize=512)
def family(codec_name: str) -> Family:
    """The family of a codec that ``codec`` returned."""
    if codec_name.startswith(("iso2022", jis.NAME, "hz", "utf-16", "utf-32", "utf-7")):
        return Family.OTHER
    try:
        if _PRINTABLE.decode(codec_name).encode("ascii") != _PRINTABLE:
            return Family.OTHER
    except UnicodeError:
        return Family.OTHER
    return Family.TRAILING if codec_name.startswith(_TRAILING_ASCII) else Family.SUPERSET


def encodes(text: str, codec_name: str) -> bool:
    """Whether the charset has every character of ``text``."""
    if text.isascii():
        return True
    try:
        text.encode(codec_name)
    except UnicodeError:
        return False
    return True
