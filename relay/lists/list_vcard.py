"""Rows of a vCard file: 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), any number of cards.

Of a card only address, name, birth date and categories are read; pictures and
keys are passed over without being kept. A card with several addresses gives
the preferred one: which of them agreed can't be told from the card, so the
others are reported.
"""

from __future__ import annotations

import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from relay.lists.list_heard import spoken
from relay.lists.list_rows import MAX_LINE, Bad, ListRow, sound
from relay.lists.list_text import ListError, TextKind
from relay.people.profiles import MAX_VALUE

HEADER: Final = ["email", "name", "birthday", "groups", "note"]
BEGIN: Final = re.compile(r"\s*\ufeff?begin\s*:\s*vcard\s*$", re.I)
_END: Final = re.compile(r"end\s*:\s*vcard\s*$", re.I)
# group "." name *(";" parameter) ":" value; a parameter may be quoted (RFC 6350 §3.3).
_PROPERTY: Final = re.compile(r'(?:[\w-]+\.)?([\w-]+)((?:;(?:"[^"]*"|[^":;])*)*):(.*)\Z', re.S)
_WANTED: Final = frozenset({"EMAIL", "FN", "N", "BDAY", "CATEGORIES", "NOTE"})
_NAMES: Final = re.compile(r"(?:[\w-]+\.)?([\w-]+)")
_NO_CHARSET: Final = re.compile("unicode-escape|raw-unicode-escape|utf-7|idna|punycode|undefined")
"""Codecs of Python's own and transformations: what they make of octets may be no text, or take long."""
MAX_EMAILS: Final = 100
MAX_CARD_LINES: Final = 50_000
"""Lines of one card; a picture of 2.5 MB has them, folded at 76 octets."""
_SECOND: Final = "the card has another address, which was taken; list this one by itself if it agreed too"


@dataclass(slots=True)
class _Card:
    line: int
    emails: list[tuple[int, str]] = field(default_factory=list)
    """Preference (1 is best) and address."""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VcardRows:
    """A vCard file as rows under ``HEADER``."""

    path: Path
    kind: TextKind

    @property
    def said(self) -> str:
        return f"vCard, {self.kind.said}"

    def rows(self) -> Iterator[ListRow]:
        try:
            with self.path.open(encoding=self.kind.encoding, errors=self.kind.errors) as file:
                yield 0, HEADER
                cards = _cards(_lines(iter(lambda: file.readline(MAX_LINE), ""), self.path))
                yield from sound(cards) if self.kind.damaged else cards
        except (OSError, UnicodeError) as error:
            raise ListError(f"{self.path} changed or went away while it was read: {error}") from error


def _lines(pieces: Iterator[str], path: Path) -> Iterator[tuple[int, str]]:
    """Unfolded lines with the number of their first one; too long ones end at MAX_LINE characters.

    Raises ListError for a card that doesn't end.

    A line goes on where the next one begins with a blank (RFC 6350 §3.2), or,
    in quoted-printable of 2.1, where it ends in ``=``.
    """
    number, start, whole, open_line = 0, 0, "", False
    card = 0  # the number of its first line
    for piece in pieces:
        ended = piece.endswith("\n")
        text = piece.rstrip("\r\n")
        begins = not open_line
        open_line = not ended
        if begins:
            number += 1
            if text[:1] in "Bb" and BEGIN.match(text):
                card = number
            elif number - card > MAX_CARD_LINES:
                raise ListError(f"{path}: the card in line {card} has more than {MAX_CARD_LINES} lines; take it out")
        if not begins or (start and text[:1] in (" ", "\t")):
            whole = _joined(whole, text if not begins else text[1:])
        elif start and whole.endswith("=") and _quoted_printable(whole):
            whole = _joined(whole[:-1], text)
        else:
            if start:
                yield start, whole
            start, whole = number, text
    if start:
        yield start, whole


def _joined(whole: str, more: str) -> str:
    if len(whole) >= MAX_LINE:
        return whole  # each more would be a copy of all of it
    name = _NAMES.match(whole)
    if name is not None and name[1].upper() not in _WANTED:
        return whole  # a picture is not kept
    return (whole + more)[:MAX_LINE]


def _quoted_printable(line: str) -> bool:
    return re.match(r'[^:"]*;\s*(?:encoding\s*=\s*)?quoted-printable', line[:500], re.I) is not None


def _cards(lines: Iterator[tuple[int, str]]) -> Iterator[ListRow]:
    card: _Card | None = None
    inner = 0  # depth of cards within a card: AGENT of 2.1
    for number, line in lines:
        if BEGIN.match(line):
            if card is not None and inner:
                inner += 1
            else:
                if card is not None:
                    yield card.line, Bad(card.line, "", "the card is not closed: END:VCARD is missing")
                card = _Card(number)
        elif _END.match(line):
            if inner:
                inner -= 1
            elif card is not None:
                yield from _rows(card)
                card = None
        elif card is not None:
            if re.match(r"agent[^:]*:\s*$", line, re.I):
                inner = 1
                card.values.setdefault("AGENT", "")
            elif not inner:
                _take(card, line)
    if card is not None:
        yield card.line, Bad(card.line, "", "the card is not closed: END:VCARD is missing")


def _take(card: _Card, line: str) -> None:
    found = _PROPERTY.match(line)
    if found is None or found[1].upper() not in _WANTED:
        return
    name, parameters = found[1].upper(), found[2]
    value = _decoded(found[3], parameters).strip()
    if name == "EMAIL":
        if value and len(card.emails) < MAX_EMAILS:
            card.emails.append((_preference(parameters), _plain(value)))
    elif name == "N":
        parts = [_plain(part) for part in re.split(r"(?<!\\);", value)]
        card.values.setdefault("N", " ".join(part for part in (parts[1:2] + parts[:1]) if part))
    else:
        card.values.setdefault(name, value if name == "CATEGORIES" else _plain(value))


def _decoded(value: str, parameters: str) -> str:
    upper = parameters.upper()
    if "QUOTED-PRINTABLE" not in upper:
        return value
    octets = quopri.decodestring(value.encode("utf-8", "replace"))
    charset = re.search(r"CHARSET\s*=\s*\"?([\w.:-]+)", upper)
    for name in (charset[1] if charset else "utf-8", "utf-8", "cp1251"):
        try:
            if not _NO_CHARSET.fullmatch(codecs.lookup(name).name):
                return octets.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return octets.decode("latin-1")


def _plain(value: str) -> str:
    r"""``\,`` ``\;`` ``\\`` and ``\n`` undone (RFC 6350 §3.4)."""
    return re.sub(r"\\(.)", lambda m: " " if m[1] in "nN" else m[1], value) if "\\" in value else value


def _preference(parameters: str) -> int:
    """PREF=1 of 4.0; TYPE=pref of 3.0 and a bare PREF of 2.1 are first too."""
    number = re.search(r";PREF=\"?(\d{1,3})", parameters, re.I)
    if number:
        return int(number[1])
    return 1 if re.search(r"\bPREF\b", parameters, re.I) else 101


def _telling(card: _Card) -> str:
    """A note that says something of whether the person wants mail; others are not kept."""
    note = card.values.get("NOTE", "")
    return note[:MAX_VALUE] if spoken(note) else ""


def _rows(card: _Card) -> Iterator[ListRow]:
    if not card.emails:
        name = card.values.get("FN") or card.values.get("N", "")
        yield card.line, Bad(card.line, name[:254], "the card has no e-mail address")
        return
    best = min(card.emails, key=lambda email: email[0])
    name = card.values.get("FN") or card.values.get("N", "")
    groups = "; ".join(_plain(one.strip()) for one in re.split(r"(?<!\\),", card.values.get("CATEGORIES", "")) if one)
    yield card.line, [best[1], name, card.values.get("BDAY", ""), groups, _telling(card)]
    seen = {best[1].casefold()}
    for _, email in card.emails:
        if email.casefold() not in seen:
            seen.add(email.casefold())
            yield card.line, Bad(card.line, email[:254], _SECOND)
