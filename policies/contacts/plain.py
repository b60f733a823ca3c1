"""Texts in one plain form in which contacts are compared, and their letters and digits alone."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from relay.mail.skeleton import by_words, shown_letters, skeleton_of, without_marks

STANDS_FOR: Final = bytes.maketrans(b"01345789iy", b"oleastbglu")
"""Of UTF-8, in which octets below 128 are themselves."""
SIGNS: Final = (
    ("$", re.compile(r"\$(?=[a-z0-9@.])"), "s"),
    ("!", re.compile(r"!(?<=[a-z0-9@.]!)(?=[a-z0-9@.])"), "l"),
    ("|", re.compile(r"\|(?<=[a-z0-9@.]\|)(?=[a-z0-9@.])"), "l"),
)
"""Each begins with the sign itself: that is looked for much faster than what stands before it."""
PAIRS: Final = (("rn", "m"), ("vv", "w"))
_NO_DIGITS: Final = bytes(octet for octet in range(256) if not 48 <= octet <= 57)
_NO_LETTERS: Final = bytes(octet for octet in range(128) if not chr(octet).isalnum())
_digit_words: dict[str, str] = {}


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
    return "".join(str(unicodedata.digit(c, c)) for c in without_marks(shown_letters(word)))
