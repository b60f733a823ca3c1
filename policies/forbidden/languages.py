"""In which languages a text may be: words of one mean something else in another."""

# ruff: noqa: RUF001 - Cyrillic letters are meant here

from __future__ import annotations

from collections import Counter
from typing import Final

FEW: Final = 4
"""Small words below which they tell nothing."""
SHARE: Final = 0.2
"""Of the most, from which on a language is one of the text's."""

SURE: Final = 2
"""Different small words of one language alone that make it one of the text's."""
_CYRILLIC: Final = {"ru", "uk"}

_SMALL: Final = {
    "en": "the of and to in is you that for on with are this be at your from have or it as an we our will not by more",
    "ru": "и в на не что с для по как это из за от до мы вы ваш вам у к но или его все так же при о уже",
    "uk": "і й в у на не що з із для по як це за від до ми ви ваш вам але або його всі так же при про вже та",
    "et": "ja on ei et see kui oma meie teie sa me ka mis oli ning voi aga sinu kes ma ta nii koik veel siis",
    "de": "der die das und ist in zu den mit von fur auf nicht ein eine sie wir ihr es im dem des sich auch oder bei",
    "fr": "le la les de des et est un une pour dans que qui vous nous sur avec pas au aux votre en du ce par plus ou",
    "es": "el la los las de del y es un una para en que con por su se al lo como mas no o tu le esta sin nos",
}
_LANGUAGES: Final[dict[str, list[str]]] = {}
for _language, _words in _SMALL.items():
    for _word in _words.split():
        _LANGUAGES.setdefault(_word, []).append(_language)


_ONLY: Final = {word: found[0] for word, found in _LANGUAGES.items() if len(found) == 1}


def languages_of(times: Counter[str]) -> frozenset[str]:
    """By the small words in it; all of them where there are few. A letter before an offer doesn't hide its language.

    ``times``: how often each word stands in the text.
    """
    counts: Counter[str] = Counter()
    own: dict[str, set[str]] = {}
    for word in times.keys() & _LANGUAGES.keys():
        for language in _LANGUAGES[word]:
            counts[language] += times[word]
        if word in _ONLY:
            own.setdefault(_ONLY[word], set()).add(word)
    cyrillic = sum(1 for word in times if "\u0400" <= word[0] <= "\u04ff")
    if sum(counts.values()) < FEW:
        return frozenset(_SMALL)
    most = max(counts.values())
    found = {language for language, count in counts.items() if count >= SHARE * most}
    found |= {language for language, seen in own.items() if len(seen) >= SURE}
    return frozenset(found | _CYRILLIC) if cyrillic >= FEW and not found & _CYRILLIC else frozenset(found)
