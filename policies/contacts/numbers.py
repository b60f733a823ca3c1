"""Telephone numbers however they are written: apart, in words, with letters that look like digits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from ahocorasick_rs import AhoCorasick

from policies.contacts.plain import folded, letters_in
from relay.mail.skeleton import shown_letters, without_marks

_SPOKEN: Final = {
    "en": "zero one two three four five six seven eight nine",
    "ru": "ноль один два три четыре пять шесть семь восемь девять",
    "uk": "нуль один два три чотири п'ять шість сім вісім дев'ять",
    "et": "null üks kaks kolm neli viis kuus seitse kaheksa üheksa",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve",
}
_TENS: Final = {
    "en": "ten twenty thirty forty fifty sixty seventy eighty ninety",
    "ru": "десять двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
    "uk": "десять двадцять тридцять сорок п'ятдесят шістдесят сімдесят вісімдесят дев'яносто",
    "et": "kümme kakskümmend kolmkümmend nelikümmend viiskümmend kuuskümmend seitsekümmend kaheksakümmend "
    "üheksakümmend",
    "de": "zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "fr": "dix vingt trente quarante cinquante soixante soixante-dix quatre-vingt quatre-vingt-dix",
    "es": "diez veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
}
_ALSO: Final = {"oh": "0", "ein": "1", "zwo": "2", "один": "1", "одна": "1", "две": "2", "дві": "2"}
_AGAIN: Final = {"double": 2, "triple": 3, "doppel": 2, "doble": 2, "дважды": 2, "двічі": 2}
WINDOW: Final = 3
"""Digits in a row by whose words a number is thought of."""
_VALUES: Final = {word: str(value) for words in _SPOKEN.values() for value, word in enumerate(words.split())} | _ALSO
_PLAIN_VALUES: Final = {without_marks(shown_letters(word)).replace("'", ""): value for word, value in _VALUES.items()}


def _pair(language: str, number: int) -> str:
    """A number of two digits in words, without gaps; those from eleven to nineteen are seldom read out so."""
    tens, units = _TENS[language].split(), _SPOKEN[language].split()
    ten, unit = divmod(number, 10)
    if not unit:
        return tens[ten - 1]
    if language == "de":
        return f"{units[unit].removesuffix('s') if unit == 1 else units[unit]}und{tens[ten - 1]}"
    joint = "y" if language == "es" else ""
    return tens[ten - 1] + joint + units[unit]


def _plain(words: str) -> str:
    return without_marks(shown_letters(words)).replace("'", "").replace("-", "")


_PAIRS: Final = {
    _plain(_pair(language, number)): str(number) for language in _SPOKEN for number in range(20, 100) if number % 10
}
_ROUND: Final = {_plain(_pair(language, number)): str(number) for language in _SPOKEN for number in range(10, 100, 10)}
MOST_JOINED: Final = 4
"""Words of one number of two digits: "quatre-vingt-dix-sept"."""
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?|\d+")
_CLOSE: Final = 4
"""Characters between the words of one number."""
_MEANT: Final = {"0": "0Oo", "1": "1lI|", "2": "2Zz", "5": "5Ss", "6": "6b", "8": "8B", "9": "9g"}
_SEPARATOR: Final = r"[\s().,\-/|_\[\]{}*\u2013\u2014\u00a0\u00b7\u2022]{0,3}"


def number_pattern(forms: Iterable[str]) -> re.Pattern[str]:
    """One of these runs of digits, apart by anything, some of them letters that look like digits."""
    runs = (
        _SEPARATOR.join(f"[{re.escape(_MEANT.get(digit, digit))}]" for digit in form)
        for form in sorted(forms, key=len, reverse=True)
    )
    return re.compile(rf"(?<![^\W_])(?<!\d[^\w])(?:\+{_SEPARATOR})?(?:{'|'.join(runs)})(?![^\W_])(?!{_SEPARATOR}\d)")


def spoken(text: str) -> set[bytes]:
    """Runs of digits of which some are written as words."""
    found: set[bytes] = set()
    run: list[str] = []
    worded, end, times = False, 0, 1
    plain = without_marks(shown_letters(text))
    for start, stop, word in _in_pairs(plain):
        value = word if word.isdigit() else _PLAIN_VALUES.get(word, "")
        if run and start - end > _CLOSE:
            _end(found, run, worded)
            run, worded, times = [], False, 1
        end = stop
        if word in _AGAIN:
            times = _AGAIN[word]
        elif value:
            run.append(value * times)
            worded, times = worded or not plain[start:stop].isdigit(), 1
        else:
            _end(found, run, worded)
            run, worded, times = [], False, 1
    _end(found, run, worded)
    return found


def _in_pairs(plain: str) -> Iterator[tuple[int, int, str]]:
    """Where each word stands, and the word; those that are a number of two digits together are that number."""
    words = [(one.start(), one.end(), one[0].replace("'", "").replace("\u2019", "")) for one in _WORD.finditer(plain)]
    at = 0
    while at < len(words):
        for count in range(min(MOST_JOINED, len(words) - at), 0, -1):
            several = words[at : at + count]
            joined = "".join(word for _, _, word in several)
            value = _PAIRS.get(joined) or _ROUND.get(joined)
            if value and (count == 1 or several[-1][0] - several[0][1] <= len(joined) + _CLOSE):
                yield several[0][0], several[-1][1], value
                break
        else:
            count = 1
            yield words[at]
        at += count


def _end(found: set[bytes], run: list[str], worded: bool) -> None:
    if worded and len(run) > 1:
        found.add("".join(run).encode("ascii", "ignore"))


def is_spoken(letters: bytes, forms: frozenset[bytes]) -> bool:
    """Whether digits of one of these numbers may stand there as words. ``letters`` as of ``letters_in``."""
    return bool(_spoken_hints(forms).find_matches_as_indexes(letters.decode("ascii", "ignore")))


@lru_cache(maxsize=64)
def _spoken_hints(forms: frozenset[bytes]) -> AhoCorasick:
    """Of all languages, some digits in a row as their words, in plain letters without gaps."""
    hints = set()
    for form in forms:
        for start in range(len(form) - WINDOW + 1):
            digits = [octet - 48 for octet in form[start : start + WINDOW]]
            if start + WINDOW < len(form) and digits[0]:
                pairs = int(form[start : start + 2]), int(form[start + 2 : start + 4])
                if pairs[1] > 9:
                    hints |= {_letters("".join(_pair(language, pair) for pair in pairs)) for language in _SPOKEN}
            for words in _SPOKEN.values():
                every = words.split()
                hints.add(_letters("".join(every[digit] for digit in digits)))
                for again in _AGAIN:
                    if digits[0] == digits[1]:
                        hints.add(_letters(again + every[digits[0]]))
    return AhoCorasick(sorted(hints))


def _letters(words: str) -> str:
    return letters_in(folded(words)).decode("ascii", "ignore")
