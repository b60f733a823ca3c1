"""Patterns that find a contact however it is spelt: letters for look-alikes, words for signs, gaps between letters.

Everything is compared in ``folded`` form: plain letters (``relay.mail.skeleton``)
with digits and signs that stand for letters taken for these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import permutations
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import idna

from policies.contacts.handles import handle_of, handle_pattern
from policies.contacts.numbers import number_pattern
from policies.contacts.plain import digits_in, folded

LEAST_PHRASE: Final = 10
"""Letters and digits of a postal address or the like below which it says too little to be looked for."""
LEAST_PATH: Final = 6
"""Letters of a site's path from which on it tells more than its domain."""
MOST_PIECES: Final = 3
"""Of a phrase between commas that are looked for in any order."""
LEAST_DIGITS: Final = 7
"""Of a telephone number."""

_GLUE: Final = r"[\W_]{0,3}"
_APART: Final = r"[\W_]{1,3}"
_AT_WORDS: Final = (
    "kukac", "małpa", "apenstaartje", "chiocciola", "ät", "zavináč", "afna", "papaki", "maymun", "krøllalfa",
    "at", "ett", "bei", "chez", "arroba", "arobase", "arobas", "klammeraffe", "affenschwanz",
    "ataht", "atmark", "apud",
    "собака", "собачка", "собакой", "эт", "ат", "равлик", "песик", "ета", "коммерческое at", "at sign",
    "at-sign", "snabel-a",
    "kommertsmark", "ulaukoma", "et",
)  # fmt: skip
_DOT_WORDS: Final = (
    "pont", "kropka", "punt", "ponto", "punkts", "piste", "nokta", "tečka", "punct", "taškas", "teleia",
    "dot", "punkt", "point", "punto", "pkt", "period", "full stop", "точка",
    "крапка", "тчк", "точк", "пункт", "дот", "dt",
)  # fmt: skip


def _words(words: tuple[str, ...]) -> str:
    forms = sorted({re.escape(folded(word)) for word in words}, key=len, reverse=True)
    return rf"(?<![a-z])(?:{'|'.join(forms)})(?![a-z])"


_AT_SIGN: Final = r"[\W_]{0,4}@[\W_]{0,4}"
_OPEN: Final = r"[\s\[({<*_~\-]{1,4}"
_CLOSE: Final = r"[\s\])}>*_~\-]{1,4}"
_AT_WORD: Final = rf"(?:{_OPEN}(?:{_words(_AT_WORDS)}|@){_CLOSE}|at)"
_DOT: Final = rf"[\W_]{{0,4}}(?:[.,]|{_words(_DOT_WORDS)}|dot)[\W_]{{0,4}}"
_SITE_DOT: Final = (
    rf"(?:[^\S\n]{{0,2}}\n?[^\S\n]{{0,2}}\.|\s{{1,3}}\.\s{{1,3}}|{_OPEN}{_words(_DOT_WORDS)}{_CLOSE}|dot"
    r"|\s{0,2}[\[({<*_~\-]{1,2}\s{0,2}\.\s{0,2}[\])}>*_~\-]{1,2}\s{0,2})"
)
"""A full stop and a blank are the end of a sentence, so not this."""


class Needle(NamedTuple):
    """One contact to look for."""

    shown: str
    """As the operator wrote it."""
    domain: str
    """Its domain as A-labels; empty for a number or a phrase."""
    hint: bytes
    """Letters that stand in any text that may hold it, once all but letters is gone, in UTF-8; empty: look always."""
    pattern: re.Pattern[str]
    numbers: frozenset[bytes] = frozenset()
    """Telephone numbers: the whole run of digits is one of these; ``pattern`` is for the text as it is shown."""
    exact: str = ""
    """A mail address, in lower case."""
    both: tuple[bytes, bytes] | None = None
    """Letters and digits that stand in any text that may hold it, where it is written in many ways."""


_STREET_WORDS: Final = """
street str st road rd avenue ave lane ln square sq boulevard blvd tänav tn t puiestee pst maantee mnt tee straße platz
weg allee gasse rue r bd chemin ch place pl quai calle c avenida avda av plaza paseo carrer via улица ул проспект пр
просп площадь пл переулок пер вулиця вул площа провулок пров
"""
STREETS: Final = frozenset(folded(word) for word in _STREET_WORDS.split())
"""What a street is called for short and at length: one stands for any other, and none at all."""
_STREET_FORMS: Final = "|".join(sorted(map(re.escape, STREETS), key=len, reverse=True))
ENDINGS: Final = tuple(folded(end) for end in ("straße", "strasse", "str"))
"""Of words that are names of streets themselves."""
LEAST_CODE: Final = 4
"""Digits of a postal code."""


def street_and_code(contact: str) -> tuple[bytes, bytes] | None:
    """Of a postal address with a word for its street: the longest other word, and its longest number."""
    words = [folded(word).strip(".,") for word in contact.split()]
    if not any(word in STREETS or word.endswith(ENDINGS) for word in words):
        return None
    code = max(re.findall(r"\d+", contact), key=len, default="")
    others = [word for word in words if word.isalpha() and word not in STREETS and not word.endswith(ENDINGS)]
    if len(code) < LEAST_CODE or not others:
        return None
    return _hint(max(others, key=len)), code.encode()


def needle(contact: str) -> Needle | None:
    """Of a mail address, a site (a domain or URL), a telephone number, or a phrase; None for what says too little."""
    contact = contact.strip()
    digits = re.sub(r"\D", "", contact)
    if re.fullmatch(r"\+?[\d\s()./\-]+", contact) and len(digits) >= LEAST_DIGITS:
        return _number(contact, digits)
    handle = handle_of(contact)
    if handle:
        return Needle(contact, "", _hint(handle), handle_pattern(handle))
    if "@" in contact and " " not in contact:
        return _address(contact)
    if re.fullmatch(r"(?:[a-z]+://)?[^\s/]+\.[^\s/]+(?:/\S*)?", contact, re.IGNORECASE):
        return _site(contact)
    if sum(map(str.isalnum, folded(contact))) < LEAST_PHRASE:
        return None
    pieces = [piece for piece in contact.split(",") if any(map(str.isalnum, piece))]
    orders = [_phrase(order) for order in permutations(pieces)] if len(pieces) <= MOST_PIECES else [_phrase(pieces)]
    pattern = re.compile(rf"(?<![a-z])(?:{'|'.join(orders)})(?![a-z])")
    both = street_and_code(contact)
    return Needle(contact, "", b"" if both else _hint(pieces[0]), pattern, both=both)


def _phrase(pieces: Iterable[str]) -> str:
    """In this order, and each with its number before or behind its words: "10123 Tallinn", "Tallinn 10123"."""
    return _GLUE.join(f"(?:{'|'.join(dict.fromkeys(map(_letters_apart, _turns(piece))))})" for piece in pieces)


def _turns(piece: str) -> list[str]:
    words = piece.split()
    if len(words) > 1 and words[0].isdigit():
        return [piece, " ".join((*words[1:], words[0]))]
    if len(words) > 1 and words[-1].isdigit():
        return [piece, " ".join((words[-1], *words[:-1]))]
    return [piece]


def _letters_apart(text: str) -> str:
    return "".join(map(_word_apart, text.split())).removesuffix(_GLUE)


def _word_apart(word: str) -> str:
    plain = folded(word).strip(".")
    if plain in STREETS:
        return rf"(?:(?:{_STREET_FORMS})(?![a-z]){_GLUE})?"
    stem = next((plain.removesuffix(end) for end in ENDINGS if plain.endswith(end) and plain != end), "")
    letters = _GLUE.join(re.escape(c) for c in stem or plain if c.isalnum())
    return f"{letters}(?:{'|'.join(ENDINGS)}){_GLUE}" if stem else f"{letters}{_GLUE}" if letters else ""


def _number(contact: str, digits: str) -> Needle:
    forms = {digits, f"00{digits}"}
    groups = re.findall(r"\d+", contact)
    if contact.startswith("+") and len(groups) > 1 and len(digits) - len(groups[0]) >= LEAST_DIGITS:
        national = digits[len(groups[0]) :]
        forms |= {national, f"0{national}", f"8{national}"}
    least = min(forms, key=len)
    found = frozenset(one.encode() for one in forms)
    return Needle(contact, "", _hint(least), number_pattern(forms), found)


def _unicode(domain: str) -> str:
    try:
        return idna.decode(domain) if "xn--" in domain else domain
    except idna.IDNAError:
        return domain


def _ascii(domain: str) -> str:
    try:
        return domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain


def _hint(text: str) -> bytes:
    return "".join([c for c in folded(text) if c.isalnum()][:64]).encode()


def _telling(domain: str) -> bytes:
    """Of the longest label: others, such as "status", stand in everybody's mail."""
    labels = _unicode(domain).split(".")
    return max((_hint(label) for label in labels[:-1] or labels), key=len)


def _labels(domain: str, glue: str) -> list[str]:
    return [glue.join(map(re.escape, folded(label))) for label in _unicode(domain).split(".")]


def _address(contact: str) -> Needle:
    local, _, domain = contact.lower().rpartition("@")
    pieces = [_GLUE.join(map(re.escape, folded(piece))) for piece in re.split(r"[.]", local)]
    name = rf"[\W_]{{0,3}}(?:{_words(_DOT_WORDS)})?[\W_]{{0,3}}".join(pieces)
    signed = f"{_AT_SIGN}{_DOT.join(_labels(domain, _GLUE))}"
    worded = f"{_AT_WORD}{_SITE_DOT.join(_labels(domain, ''))}"
    pattern = rf"(?<![a-z.+\-])(?<![a-z]_){name}(?:{signed}|{worded})(?![a-z]|[\-_.][a-z])"
    return Needle(contact, _ascii(domain), _telling(domain), re.compile(pattern), exact=contact.lower())


def _site(contact: str) -> Needle:
    parts = urlsplit(contact if "://" in contact else f"http://{contact}")
    domain = (parts.hostname or "").removeprefix("www.").lower()
    path = parts.path.rstrip("/")
    close = _SITE_DOT.join(_labels(domain, ""))
    wide = rf"[\W_]{{0,3}}(?:\.|{_words(_DOT_WORDS)})[\W_]{{0,3}}".join(_labels(domain, _APART))
    linked = r"[^\S\n]{0,2}\.[^\S\n]{0,2}".join(_labels(domain, ""))
    end = re.escape(folded(path)) if path else ""
    pattern = rf"(?:(?<![a-z\-])(?:{close}|{wide})|(?:https?|www|@|hxxps?)[\W_]{{0,4}}{linked}){end}(?![a-z\-]|\.[a-z])"
    hint = _hint(path) if len(path) > LEAST_PATH else _telling(domain)
    return Needle(contact, _ascii(domain), hint, re.compile(pattern))


_RUN: Final = re.compile(r"(?<![\w.,])\(?\+?\d(?:[\s().\-/\u2013\u00a0]{0,3}\d){5,30}(?![\w])")


def runs(text: str) -> set[bytes]:
    """Digits of what may be telephone numbers; ``text`` with its digits as they are shown."""
    return {digits_in(found) for found in _RUN.findall(text)}


@lru_cache(maxsize=64)
def needles(contacts: tuple[str, ...]) -> tuple[Needle, ...]:
    """Of all contacts, each once."""
    found = [needle(one) for one in dict.fromkeys(contacts)]
    return tuple(one for one in found if one is not None)
