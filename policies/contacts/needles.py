"""Patterns that find a contact however it is spelt: letters for look-alikes, words for signs, gaps between letters.

Everything is compared in ``folded`` form: plain letters (``relay.mail.skeleton``)
with digits and signs that stand for letters taken for these.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import idna

from relay.mail.skeleton import by_words, shown_letters, skeleton_of

LEAST_PHRASE: Final = 10
"""Letters and digits of a postal address or the like below which it says too little to be looked for."""
LEAST_DIGITS: Final = 7
"""Of a telephone number."""

STANDS_FOR: Final = bytes.maketrans(b"01345789iy", b"oleastbglu")
"""Of UTF-8, in which octets below 128 are themselves."""
SIGNS: Final = (
    ("$", re.compile(r"\$(?=[a-z0-9@.])"), "s"),
    ("!", re.compile(r"!(?<=[a-z0-9@.]!)(?=[a-z0-9@.])"), "l"),
    ("|", re.compile(r"\|(?<=[a-z0-9@.]\|)(?=[a-z0-9@.])"), "l"),
)
"""Each begins with the sign itself: that is looked for much faster than what stands before it."""
PAIRS: Final = (("rn", "m"), ("vv", "w"))
_GLUE: Final = r"[\W_]{0,3}"
_APART: Final = r"[\W_]{1,3}"
_AT_WORDS: Final = (
    "at", "ett", "bei", "chez", "arroba", "arobase", "arobas", "klammeraffe", "affenschwanz",
    "ataht", "atmark", "apud",
    "собака", "собачка", "собакой", "эт", "ат", "равлик", "песик", "ета", "коммерческое at", "at sign",
    "at-sign", "snabel-a",
    "kommertsmark", "ulaukoma", "et",
)  # fmt: skip
_DOT_WORDS: Final = (
    "dot", "punkt", "point", "punto", "pkt", "period", "full stop", "точка",
    "крапка", "тчк", "точк", "пункт", "дот", "dt",
)  # fmt: skip


def folded(text: str) -> str:
    """One form for all that reads alike."""
    plain = skeleton_of(text)
    for sign, pattern, letter in SIGNS:
        if sign in plain:
            plain = pattern.sub(letter, plain)
    plain = plain.encode("utf-8", "surrogatepass").translate(STANDS_FOR).decode("utf-8", "surrogatepass")
    for pair, one in PAIRS:
        plain = plain.replace(pair, one)
    return plain


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
    """Telephone numbers: the whole run of digits is one of these."""
    exact: str = ""
    """A mail address, in lower case."""


def needle(contact: str) -> Needle | None:
    """Of a mail address, a site (a domain or URL), a telephone number, or a phrase; None for what says too little."""
    contact = contact.strip()
    digits = re.sub(r"\D", "", contact)
    if re.fullmatch(r"\+?[\d\s()./\-]+", contact) and len(digits) >= LEAST_DIGITS:
        return _number(contact, digits)
    if "@" in contact and " " not in contact:
        return _address(contact)
    if re.fullmatch(r"(?:[a-z]+://)?[^\s/]+\.[^\s/]+(?:/\S*)?", contact, re.IGNORECASE):
        return _site(contact)
    letters = [re.escape(c) for c in folded(contact) if c.isalnum()]
    if len(letters) < LEAST_PHRASE:
        return None
    return Needle(contact, "", _hint(contact), re.compile(rf"(?<![a-z]){_GLUE.join(letters)}(?![a-z])"))


def _number(contact: str, digits: str) -> Needle:
    forms = {digits, f"00{digits}"}
    groups = re.findall(r"\d+", contact)
    if contact.startswith("+") and len(groups) > 1 and len(digits) - len(groups[0]) >= LEAST_DIGITS:
        national = digits[len(groups[0]) :]
        forms |= {national, f"0{national}", f"8{national}"}
    return Needle(contact, "", b"", re.compile(r"(?!)"), frozenset(one.encode() for one in forms))


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
    return Needle(contact, _ascii(domain), _telling(domain), re.compile(pattern))


_NO_DIGITS: Final = bytes(octet for octet in range(256) if not 48 <= octet <= 57)
_NO_LETTERS: Final = bytes(octet for octet in range(128) if not chr(octet).isalnum())
_digit_words: dict[str, str] = {}
_RUN: Final = re.compile(r"(?<![\w.,])\(?\+?\d(?:[\s().\-/\u2013\u00a0]{0,3}\d){5,30}(?![\w])")


def runs(text: str) -> set[bytes]:
    """Digits of what may be telephone numbers; ``text`` with its digits as they are shown."""
    return {digits_in(found) for found in _RUN.findall(text)}


def digits_in(text: str) -> bytes:
    """Those of ASCII alone."""
    return text.encode("utf-8", "surrogatepass").translate(None, _NO_DIGITS)


def letters_in(text: str) -> bytes:
    """Without what is neither letter nor digit, as far as it is ASCII."""
    return text.encode("utf-8", "surrogatepass").translate(None, _NO_LETTERS)


def shown_digits(text: str) -> str:
    """With digits of all kinds and alphabets as those of ASCII, and without what doesn't show."""
    if text.isascii():
        return text
    return by_words(text, _digits_of_word, _digit_words)


def _digits_of_word(word: str) -> str:
    return "".join(str(unicodedata.digit(c, c)) for c in shown_letters(word))


@lru_cache(maxsize=64)
def needles(contacts: tuple[str, ...]) -> tuple[Needle, ...]:
    """Of all contacts, each once."""
    found = [needle(one) for one in dict.fromkeys(contacts)]
    return tuple(one for one in found if one is not None)
