"""The letters of a text in plain form, worked on as octets: much faster than by words, which remain for the rest.

The letters of the languages that most mail is written in are fewer than 256, so
a text becomes one octet a letter, and all that ``needles.folded`` does to it
is done to octets. A character beyond these is left out where it stands for no
letter and no digit (pictures, arrows, marks); else the text takes the long way.
"""

from __future__ import annotations

import codecs
import re
from typing import Any, Final

from policies.contacts.plain import PAIRS, SIGNS, STANDS_FOR, digits_in, folded, letters_in, shown_digits
from relay.mail.skeleton import skeleton_of

_LETTERS: Final = (
    "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßšžœÀÁÂÄÅÆÇÈÉÊÍÎÑÓÔÕÖØÚÜŠŽ"
    "абвгдежзийклмнопрстуфхцчшщъыьэюяёєіїґАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁЄІЇҐ"
)
_MOST_KNOWN: Final = 20_000


def _forms(letters: str) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
    """What each octet becomes, and octets that become several letters."""
    table = bytearray(range(256))
    many = []
    for place, letter in enumerate(letters):
        form = skeleton_of(letter).encode("ascii", "ignore")
        if len(form) > 1 and form.isalnum():
            many.append((bytes((place,)), form))
        else:
            table[place] = form[0] if len(form) == 1 else 32
    return bytes(table), tuple(many)


_ALPHABET: Final = ("".join(map(chr, range(128))) + _LETTERS).ljust(256, "\ufffe")
_MAP: Final[Any] = codecs.charmap_build(_ALPHABET)
_PLAIN, _SEVERAL = _forms(_ALPHABET.rstrip("\ufffe"))
_KNOWN: Final = frozenset(_ALPHABET)
_OCTET_SIGNS: Final = tuple(
    (sign.encode(), re.compile(pattern.pattern.encode()), letter.encode()) for sign, pattern, letter in SIGNS
)
_OCTET_PAIRS: Final = tuple((pair.encode(), one.encode()) for pair, one in PAIRS)
_NO_LETTERS: Final = bytes(octet for octet in range(256) if octet > 127 or not chr(octet).isalnum())
_NO_DIGITS: Final = bytes(octet for octet in range(256) if not 48 <= octet <= 57)
_HANDLER: Final = "relay.silent"
_MANY: Final = 200
"""Characters from which on each different one is looked at once."""
_mute: dict[str, bool] = {}


def plain_octets(text: str) -> tuple[bytes, bytes] | None:
    """Letters and digits as in ``letters_in(folded(text))``, and the digits alone; None for what is read by words."""
    if text.isascii():
        octets = text.encode("ascii")
        plain = octets.lower()
    else:
        octets = codecs.charmap_encode(text, "ignore", _MAP)[0]
        if len(octets) < len(text) and not _all_silent(text, len(text) - len(octets)):
            return None
        plain = octets.translate(_PLAIN)
        for octet, letters in _SEVERAL:
            plain = plain.replace(octet, letters)
    for sign, pattern, letter in _OCTET_SIGNS:
        if sign in plain:
            plain = pattern.sub(letter, plain)
    plain = plain.translate(STANDS_FOR)
    for pair, one in _OCTET_PAIRS:
        plain = plain.replace(pair, one)
    return plain.translate(None, _NO_LETTERS), octets.translate(None, _NO_DIGITS)


def _all_silent(text: str, others: int) -> bool:
    """Whether all its other characters, of which there are so many, stand for no letter and no digit."""
    if others > _MANY:
        return all(map(_silent, set(text) - _KNOWN))
    try:
        codecs.charmap_encode(text, _HANDLER, _MAP)
    except UnicodeEncodeError:
        return False
    return True


def _silent(letter: str) -> bool:
    silent = _mute.get(letter)
    if silent is None:
        silent = not any(one < 128 for one in letters_in(folded(letter))) and not digits_in(shown_digits(letter))
        if len(_mute) >= _MOST_KNOWN:
            _mute.clear()
        _mute[letter] = silent
    return silent


def _left_out(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    if not all(map(_silent, error.object[error.start : error.end])):
        raise error
    return "", error.end


codecs.register_error(_HANDLER, _left_out)
