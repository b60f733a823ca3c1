"""Domains that a reader takes for another: the same once look-alike letters are one (UTS #39 §4), pure text.

Only letters that look alike in most fonts count: Cyrillic, Greek and a few
Latin ones, and marks above or below letters. Digits and letters of ASCII are
told apart, as registries do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

import idna

_LETTERS: Final = str.maketrans(
    "\u0430\u0441\u0501\u0435\u04bb\u0456\u0458\u04cf\u043e\u0440\u051b\u0455\u0443\u0445\u051d"
    "\u0475\u04af\u043a\u043c\u0442\u043d\u0432"  # Cyrillic
    "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03c9"  # Greek
    "\u0578\u0585\u057d\u0570\u0581\u0131\u0261\u00f8\u0142\u0111\u0251\u0269",  # Armenian and Latin
    "acdehijlopqsyxwvykmthbaikvoptuxwnouhgigoldai",
)


def alike(name: str, others: Iterable[str]) -> str:
    """One of ``others`` that looks as ``name`` does and isn't it; empty without one. All are lower-case A-labels."""
    seen = skeleton(name)
    return next((other for other in others if other != name and skeleton(other) == seen), "")


def skeleton(name: str) -> str:
    """What all domains that look the same have in common."""
    labels = []
    for label in name.split("."):
        try:
            shown = idna.decode(label) if label.startswith("xn--") else label
        except idna.IDNAError:
            shown = label
        parts = unicodedata.normalize("NFKD", shown.casefold()).translate(_LETTERS)
        labels.append("".join(letter for letter in parts if unicodedata.category(letter) not in ("Mn", "Me", "Cf")))
    return ".".join(labels)
