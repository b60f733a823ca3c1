"""How text that strangers and tenants wrote is shown: never an octet that steers a terminal or hides.

One owner for logs, listings, errors and JSON on a terminal. Escaped is all
that ``str.isprintable`` denies (C0, C1, DEL, line and paragraph separators,
bidirectional and zero-width controls, tags, surrogates, BOM, private use) and
what it calls printable though nobody sees it. Letters of every script stay
readable. Text that is printable already is given back as it is.
"""

from __future__ import annotations

import re
from typing import Final

# Printable by its category, but blank: fillers, joiners and variation selectors (Default_Ignorable_Code_Point), and
# the empty Braille cell. U+FE0E and U+FE0F stay: with them an emoji says whether it is text or picture.
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
)


def escaped(text: str) -> str:
    """One line: what can't be seen as ``\\n``, ``\\x1b``, ``\\u202e``."""
    return text if _plain(text) else "".join(map(_shown, text))


def escaped_lines(text: str) -> str:
    """The same, but line feeds stay: for texts of several lines that the relay itself lays out."""
    return text if _plain(text) else "\n".join(map(escaped, text.split("\n")))


def escaped_json(text: str) -> str:
    """JSON as an encoder wrote it, with what can't be seen as ``\\uXXXX``: it decodes to the same values (RFC 8259 §7).

    Line feeds stay: outside a string they are layout, and inside one no encoder leaves them.
    """
    return text if _plain(text) else "\n".join(map(_json_line, text.split("\n")))


def escaped_html(text: str) -> str:
    """HTML to be pasted: what can't be seen as a character reference, so that pasting it gives the same text."""
    return text if _plain(text) else "".join(c if _plain(c) or c == "\n" else f"&#{ord(c)};" for c in text)


def _plain(text: str) -> bool:
    return text.isprintable() and (text.isascii() or _BLANK.search(text) is None)


def _shown(character: str) -> str:
    return character if _plain(character) else character.encode("unicode_escape").decode("ascii")


def _json_line(line: str) -> str:
    return line if _plain(line) else "".join(c if _plain(c) else _json_escape(c) for c in line)


def _json_escape(character: str) -> str:
    octets = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{octets[place]:02x}{octets[place + 1]:02x}" for place in range(0, len(octets), 2))
