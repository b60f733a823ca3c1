"""A text as words in one plain form: whatever alphabet, digits or gaps its letters hide behind.

Small letters without marks; letters of another alphabet that look like the
word's own are taken for these; digits between letters stand for letters
("v1agra"); letters set apart ("v i a g r a") are one word. All numbers are
``#``: prices differ, what they are of doesn't.
"""

# ruff: noqa: RUF001 - Cyrillic letters are meant here

from __future__ import annotations

import re
from typing import Final, NamedTuple

from relay.mail.skeleton import shown_letters, skeleton_of, without_marks

MOST_LETTERS: Final = 60_000
"""Characters of a text that are read."""
MOST_KEPT: Final = 50_000
"""Words whose form is remembered."""
LONGEST_KEPT: Final = 40
LEAST_TOKEN: Final = 16
"""Letters from which on a word with digits in it is no word: what links lead to is full of them."""
TOKEN: Final = "."
"""In its place."""

_DIGIT: Final = re.compile(r"\d")
_WORD: Final = re.compile(
    r"[^\W\d_][^\W_]*(?:[@$!|€][^\W_]+)*|\$[^\W\d_]+|\d+[^\W\d_]+[^\W_]*|\d+(?:[.,\u00a0 ]\d{3})*(?:[.,]\d+)?|%"
)
_APART: Final = re.compile(r"(?<![^\W_])[^\W_](?:[ .*_|\u00b7-]{1,4}[^\W_](?![^\W_])){5,}")
_SHAPE: Final = bytes(
    97 if chr(octet).isalnum() or octet == 63 else 32 if chr(octet) in " .*_|-\xb7" else 46 for octet in range(256)
)
"""Of Latin-1, in which all other letters are question marks: letters, what may stand between them, all else."""
_APART_FROM: Final = 6
_BLANK: Final = r"[\u00a0\u2000-\u200a\u202f\u205f\u3000 ]"
_IN_NUMBER: Final = re.compile(rf"(?<=\d){_BLANK}(?=\d{{3}})")
_HAS_SUCH: Final = re.compile(rf"\d{_BLANK}\d{{3}}")
"""Looked for first, as it begins with what can be found fast."""
_GAP: Final = re.compile(r"[ .*_|\u00b7-]{2,}")
_SEPARATORS: Final = re.compile(r"[ .*_|\u00b7-]")
_MARKS: Final = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+")
_UNIT: Final = re.compile(r"\d+[^\W\d_]{1,4}\Z|[^\W\d_]{1,3}\d+\Z")
_LATIN: Final = re.compile(r"[a-z]")
_CYRILLIC: Final = re.compile(r"[\u0400-\u04ff]")
_OWN_LATIN: Final = frozenset("dfgjlnqrsuvwz")
_LOOKS_LATIN: Final = frozenset("аеорсухіјѕһԁӏ")
_OWN_CYRILLIC: Final = frozenset("бвгґджзийлпфцчшщьъюяэыєї")
_TO_CYRILLIC: Final = str.maketrans("abcehikmoptxy", "авсенікмортху")
_DIGITS_LATIN: Final = str.maketrans("0134578@$!|€", "oieastbasiie")
_DIGITS_OTHER: Final = str.maketrans("0135792648@$!|€", "olesygzgabasile")
_DIGITS_CYRILLIC: Final = str.maketrans("013469", "оізчбд")
_OTHER_CYRILLIC: Final = str.maketrans("0134578", "оиеаств")

_forms: dict[str, tuple[str, str]] = {}


class ReadText(NamedTuple):
    words: list[str]
    """In one form."""
    others: dict[int, str]
    """Another form that a word may be meant in, by its number."""
    glued: frozenset[int]
    """Words that were letters set apart: several may be one."""
    lower: str
    """The text that the words are from; empty: as it is given."""
    text: str
    """As it was given, as far as it was read."""

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where these words stand in the text as it was given; near enough to show them."""
        start = end = 0
        lower = self.lower or _lowered(self.text)
        for number, one in enumerate(_WORD.finditer(lower)):
            start = one.start() if number == first else start
            if number == last:
                end = one.end()
                break
        scale = len(self.text) / max(1, len(lower))
        return int(start * scale), int(end * scale)


class _Chunk(NamedTuple):
    """What stands between two blanks."""

    words: tuple[str, ...]
    others: tuple[tuple[int, str], ...]
    """Place and another form."""
    latin: tuple[tuple[int, str], ...]
    """Place and form of a word that is Latin where the rest of the text is."""
    odd: int
    """Words that aren't of plain letters alone."""
    alone: int
    """Letters that stand for themselves; below 0: none does, but longer words are there."""


_words: dict[str, str] = {}
"""Chunks that are one plain word."""
_odd_words: dict[str, str] = {}
"""Chunks that are one word of other letters, read in one way."""
_chunks: dict[str, _Chunk] = {}
"""All others."""


def read_text(text: str) -> ReadText:
    """Of one text; never raises. By chunks, most of which were met before; letters set apart need the whole."""
    text = text[:MOST_LETTERS]
    words: list[str] = []
    others: dict[int, str] = {}
    latin: dict[int, str] = {}
    odd = alone = 0
    for piece in (_IN_NUMBER.sub(",", text) if _HAS_SUCH.search(text) is not None else text).split():
        word = _words.get(piece)
        if word is not None:
            words.append(word)
            alone = 0
            continue
        word = _odd_words.get(piece)
        if word is not None:
            words.append(word)
            alone = 0
            odd += 1
            continue
        chunk = _chunks.get(piece)
        if chunk is None:
            chunk = _understood(piece)
        if chunk.alone:
            alone = alone + chunk.alone if chunk.alone > 0 else 0
            if alone >= _APART_FROM:
                return _read_whole(text)
        odd += chunk.odd
        for place, form in chunk.others:
            others[len(words) + place] = form
        for place, form in chunk.latin:
            latin[len(words) + place] = form
        words += chunk.words
    if latin and odd * 2 < len(words):
        for number, form in latin.items():
            words[number] = form
    return ReadText(words, others, frozenset(), "", text)


def _understood(piece: str) -> _Chunk:
    """Remembered, unless it is so long that it is hardly met again."""
    lower = _lowered(piece)
    found: list[str] = _WORD.findall(lower)
    others: list[tuple[int, str]] = []
    latin: list[tuple[int, str]] = []
    odd = 0
    for number, word in enumerate(found):
        if word.isascii() and word.isalpha():
            continue
        odd += 1
        found[number], other = _form(word)
        if other:
            others.append((number, other))
        if _LOOKS_LATIN.issuperset(found[number]):
            latin.append((number, skeleton_of(found[number])))
    items = _shape(lower).replace(b".", b" ").split()
    single = sum(1 for one in items if len(one) == 1)
    chunk = _Chunk(tuple(found), tuple(others), tuple(latin), odd, single or -len(items))
    if len(piece) <= LONGEST_KEPT:
        if len(_words) + len(_odd_words) + len(_chunks) >= MOST_KEPT:
            _words.clear()
            _odd_words.clear()
            _chunks.clear()
        if len(found) == 1 and chunk.alone < 0 and not others and not latin:
            (_odd_words if odd else _words)[piece] = found[0]
        else:
            _chunks[piece] = chunk
    return chunk


def _lowered(text: str) -> str:
    lower = shown_letters(text)
    # Marks that are part of a letter stay with it.
    return lower if lower.isascii() else _MARKS.sub("", lower)


def _read_whole(text: str) -> ReadText:
    """One with letters set apart."""
    lower = _lowered(text)
    glued_at: list[tuple[int, int]] = []
    if _may_be_apart(lower) and _APART.search(lower) is not None:
        lower, glued_at = _joined(lower)
    found: list[str] = _WORD.findall(lower)
    others: dict[int, str] = {}
    odd = [number for number, word in enumerate(found) if not (word.isascii() and word.isalpha())]
    for number in odd:
        found[number], other = _form(found[number])
        if other:
            others[number] = other
    if odd and len(odd) * 2 < len(found):
        _all_latin(found, odd)
    return ReadText(found, others, _glued(lower, glued_at), lower, text)


def _may_be_apart(lower: str) -> bool:
    """Whether four letters stand for themselves one behind the other; quick, and never wrong about those that do."""
    return b" a a a a " in _shape(lower).replace(b"  ", b" ").replace(b"  ", b" ")


def _shape(lower: str) -> bytes:
    return lower.encode("latin-1", "replace").translate(_SHAPE)


def _glued(lower: str, places: list[tuple[int, int]]) -> frozenset[int]:
    if not places:
        return frozenset()
    starts = [one.start() for one in _WORD.finditer(lower)]
    return frozenset(n for n, start in enumerate(starts) if any(a <= start < b for a, b in places))


def plain_words(term: str) -> list[str]:
    """Of a term in a list: its words in the same form; a ``$`` behind one stays."""
    words = []
    for piece in re.findall(r"#|%|[^\W_]+\$?", shown_letters(term)):
        closed = piece.endswith("$")
        word = without_marks(piece.rstrip("$"))
        words.append(word + ("$" if closed else ""))
    return words


def _joined(lower: str) -> tuple[str, list[tuple[int, int]]]:
    """Letters set apart put together, and where those are that may be several words."""
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    at = length = 0
    for found in _APART.finditer(lower):
        words = [_SEPARATORS.sub("", word) for word in _GAP.split(found.group())]
        before, now = lower[at : found.start()], " ".join(words)
        pieces += (before, now)
        length += len(before) + len(now)
        if len(words) == 1:
            places.append((length - len(now), length))
        at = found.end()
    pieces.append(lower[at:])
    return "".join(pieces), places


def _form(word: str) -> tuple[str, str]:
    if len(word) >= LEAST_TOKEN and _DIGIT.search(word) is not None:
        return TOKEN, ""
    kept = _forms.get(word)
    if kept is None:
        kept = _worked_out(word)
        if len(_forms) >= MOST_KEPT:
            _forms.clear()
        _forms[word] = kept
    return kept


def _worked_out(word: str) -> tuple[str, str]:
    if word == "%":
        return word, ""
    if word[0].isdigit() and not any(c.isalpha() for c in word):
        return "#", ""
    plain = without_marks(word)
    if not plain.isalpha() and any(c.isdigit() or c in "@$!|€" for c in plain):
        if _UNIT.match(plain):
            short = len(plain) <= 5 and plain.isascii() and sum(map(str.isdigit, plain)) == 1
            return "#", plain.translate(_DIGITS_LATIN) if short else ""
        if _CYRILLIC.search(plain):
            return _one_script(plain.translate(_DIGITS_CYRILLIC)), _one_script(plain.translate(_OTHER_CYRILLIC))
        return _one_script(plain.translate(_DIGITS_LATIN)), _one_script(plain.translate(_DIGITS_OTHER))
    return _one_script(plain), ""


def _one_script(word: str) -> str:
    """In the alphabet that it is written in for the most part."""
    if word.isascii():
        return word
    latin, cyrillic = _LATIN.search(word) is not None, _CYRILLIC.search(word) is not None
    if cyrillic and not latin and word.isalpha() and all("\u0400" <= c <= "\u04ff" for c in word):
        return word
    if cyrillic and latin:
        own = sum(c in _OWN_LATIN for c in word)
        foreign = sum(c in _OWN_CYRILLIC for c in word)
        if foreign > own:
            return word.translate(_TO_CYRILLIC)
    return skeleton_of(word) if latin or not cyrillic else word


def _all_latin(words: list[str], odd: list[int]) -> None:
    """Whole words of letters that look Latin, in a text that is in Latin letters."""
    for number in odd:
        if _LOOKS_LATIN.issuperset(words[number]):
            words[number] = skeleton_of(words[number])
