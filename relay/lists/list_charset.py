"""Which eight-bit character set words are written in, told by their letters; pure.

Names on a list are few and short, which general detectors are bad at, so the
candidates are those that this relay's lists come in, and a word counts by how
usual its letters and its capitals are. A wrong guess harms no address: those
are ASCII in all of them. The caller says what was taken.
"""

# ruff: noqa: RUF001 - typographic marks are meant here

from __future__ import annotations

import re
from typing import Final

MAX_SAMPLE: Final = 65_536
"""Octets of words that are looked at."""
WORDS: Final = re.compile(rb"[A-Za-z\x80-\xff]{0,20}[\x80-\xff][A-Za-z\x80-\xff]{0,20}")

CYRILLIC: Final = ("cp1251", "koi8-u", "cp866", "iso8859-5", "mac-cyrillic")
LATIN: Final = ("cp1252", "cp1250", "cp1257", "mac-roman", "cp850")
"""In the order of preference where letters don't decide."""

# Letters by how often they stand in Russian and Ukrainian, with weights.
_FREQUENT: Final = {
    letter: weight
    for weight, letters in ((4, "оаеинтсрв"), (3, "лкмдпуіяь"), (2, "гзбчйхжшюєї"), (1, "цщфыэъёґ"))
    for letter in letters
}
_USUAL: Final = {
    "cp1252": "äöüßéèêëàâçñáíóúõåøæãôîïûùœšžý’‘“”–«»¿¡",
    "cp1250": "ąćęłńóśźżčďěňřšťůúýžáéíőűöüäăâîşţđ’„”–",
    "cp1257": "āčēģīķļņšūžõäöüąęėįųøåæé’„”–",
    "mac-roman": "äöüßéèêëàâçñáíóúõåøæãôîïûùœ’‘“”–«»",
    "cp850": "äöüßéèêëàâçñáíóúõåøæãôîïûù«»",
}


def charset_of(sample: bytes) -> str:
    """The likeliest character set of words with octets above 127; ``latin-1`` where it does as well as any."""
    words = WORDS.findall(sample[:MAX_SAMPLE])
    if not words:
        return "latin-1"
    octets = b" ".join(words)
    scores = {name: _score(octets, name) for name in (*LATIN, *CYRILLIC)}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] == float("-inf") or (best == "cp1252" and not re.search(rb"[\x80-\x9f]", octets)):
        return "latin-1"
    return best


def _score(octets: bytes, name: str) -> float:
    """How usual the letters are; less than everything if it can't be this set."""
    try:
        text = octets.decode(name)
    except UnicodeError:
        return float("-inf")
    score = 0.0
    for word in text.split():
        score += sum(_letter(letter, name) for letter in word if not letter.isascii())
        foreign = sum(not letter.isascii() for letter in word)
        # Words are small, Capitalised or CAPITALS; anything else is a wrong reading.
        if len(word) > 1 and not (word.islower() or word.isupper() or word[1:].islower()):
            score -= 3.0 * foreign
        # A Latin word of some length has plain letters too, a Cyrillic one has none.
        if (foreign < len(word)) if name in CYRILLIC else (foreign == len(word) > 2):
            score -= 5.0 * foreign
    return score


def _letter(letter: str, name: str) -> float:
    small = letter.lower()
    if name in CYRILLIC:
        weight = _FREQUENT.get(small, -4)
    else:
        weight = 3 if small in _USUAL[name] else (-4 if not letter.isalpha() else 0)
    return float(weight)
