"""ISO-2022-JP as mail really has it: Microsoft's cp50221, a codec that Python lacks.

Phones write half-width katakana (``ESC ( I``), circled digits and other signs of NEC row 13 within ``ESC $ B``;
Python's own codec takes neither. JIS pairs are read as the same pairs of cp932, which has them all.
Decoding only: what is written anew is UTF-8. Source: RFC 1468, JIS X 0208, the WHATWG Encoding Standard §13.2.
"""

from __future__ import annotations

import codecs
import re
from typing import Any

NAME = "cp50221"

_SHIFT = re.compile(rb"\x1b(\([BJI]|\$[@B]|\$\(D|&@|\(H)|\x0e|\x0f")
_ASCII, _KANA, _PAIRS, _SUPPLEMENT = "ascii", "kana", "pairs", "supplement"
_SETS = {
    b"(B": _ASCII, b"(J": _ASCII, b"(H": _ASCII, b"(I": _KANA, b"$@": _PAIRS, b"$B": _PAIRS, b"$(D": _SUPPLEMENT,
    b"\x0e": _KANA, b"\x0f": _ASCII,
}  # fmt: skip


def decode(octets: Any, errors: str = "strict") -> tuple[str, int]:
    """The text of a buffer, as a codec gives it. Raises UnicodeDecodeError if ``errors`` is strict."""
    octets = bytes(octets)
    out: list[str] = []
    charset, position = _ASCII, 0
    for shift in _SHIFT.finditer(octets):
        out.append(_run(octets[position : shift.start()], charset, errors))
        position = shift.end()
        charset = _SETS.get(shift[1] or shift[0], charset)
    out.append(_run(octets[position:], charset, errors))
    return "".join(out), len(octets)


def _run(octets: bytes, charset: str, errors: str) -> str:
    if not octets:
        return ""
    if charset == _ASCII:
        # Bare katakana in eight bits is common too; anything else with the eighth bit is damage.
        return octets.decode("ascii") if octets.isascii() else octets.decode("cp932", errors)
    if charset == _KANA:
        return bytes(octet | 0x80 if 0x21 <= octet <= 0x5F else octet for octet in octets).decode("cp932", errors)
    return "".join(_pairs(octets, charset, errors))


def _pairs(octets: bytes, charset: str, errors: str) -> list[str]:
    out: list[str] = []
    position = 0
    while position < len(octets):
        if octets[position] <= 0x20:  # a line's end in a shifted state, which old programs leave open
            out.append(chr(octets[position]))
            position += 1
            continue
        pair = octets[position : position + 2]
        position += 2
        high = bytes(octet | 0x80 for octet in pair)
        if charset == _SUPPLEMENT:
            out.append((b"\x8f" + high).decode("euc_jp", errors))
        else:
            out.append((_shifted(pair) if _is_pair(pair) else b"\x81").decode("cp932", errors))
    return out


def _is_pair(pair: bytes) -> bool:
    return len(pair) == 2 and 0x21 <= pair[0] <= 0x7E and 0x21 <= pair[1] <= 0x7E


def _shifted(pair: bytes) -> bytes:
    """The Shift-JIS octets of a JIS pair."""
    row, cell = pair[0] - 0x21, pair[1]
    lead = (row >> 1) + (0x81 if row < 62 else 0xC1)
    if row & 1:
        return bytes((lead, cell + 0x7E))
    return bytes((lead, cell + 0x1F + (cell >= 0x60)))


def _encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
    return text.encode("iso2022_jp", errors), len(text)


def _find(name: str) -> codecs.CodecInfo | None:
    return codecs.CodecInfo(_encode, decode, name=NAME) if name == NAME else None


codecs.register(_find)
