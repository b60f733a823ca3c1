"""Header fields that the relay writes: folded, encoded, with slots (RFC 5322 §2.2.3, RFC 2047)."""

from __future__ import annotations

import functools
import re

from relay.mail.slots import KnownSlots, encoded_words, joined, split_slots, tight_slots
from relay.mail.stored import Piece, Slot

PREFERRED_OCTETS = 78
MAX_OCTETS = 998

_NAME = re.compile(r"[!-9;-~]{1,76}\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WORD = re.compile(r'"(?:[^"\\]|\\.)*+"|[^ \t]+')
_ESCAPE = re.compile(r"\\(.)")
_NOTHING_KNOWN = KnownSlots(())


def field(name: str, value: str, known: KnownSlots) -> tuple[Piece, ...]:
    """One header field as pieces, with CRLF; ``value`` may hold ``{{name}}`` slots, which are never folded within.

    Raises ValueError for what can't stand in a header field: controls (CR and LF among them), a bad name, a word that
    makes a line longer than 998 octets.
    """
    return _fixed(name, value) if "{{" not in value else _made(name, value, known)


@functools.lru_cache(maxsize=1024)
def _fixed(name: str, value: str) -> tuple[Piece, ...]:
    """A field without slots: most messages of a stream carry the same."""
    return _made(name, value, _NOTHING_KNOWN)


def _made(name: str, value: str, known: KnownSlots) -> tuple[Piece, ...]:
    if not _NAME.match(name):
        raise ValueError(f"{name!a} is no name for a header field")
    if _CONTROL.search(value):
        raise ValueError(f"the value for the header field {name} has a control character")
    pieces: list[Piece] = [name.encode() + b":"]
    column = len(name) + 1
    for word in _words(value):
        octets = _octets(word, known)
        if column + 1 + octets > PREFERRED_OCTETS and column > len(name) + 1:
            pieces.append(b"\r\n")
            column = 0
        if column + 1 + octets > MAX_OCTETS:
            raise ValueError(f"the value for the header field {name} has a word of {octets} octets")
        pieces.append(b" ")
        pieces.extend(word)
        column += 1 + octets
    pieces.append(b"\r\n")
    return joined(pieces)


def _octets(word: tuple[Piece, ...], known: KnownSlots) -> int:
    return sum(known.octets(piece) if isinstance(piece, Slot) else len(piece) for piece in word)


@functools.lru_cache(maxsize=1024)
def _words(value: str) -> tuple[tuple[Piece, ...], ...]:
    """The units between which a line may be folded, each as pieces."""
    words: list[tuple[Piece, ...]] = []
    plain: list[str] = []
    """Neighbouring words beyond ASCII; blanks between encoded words are lost, so they are encoded as one."""
    for token in _WORD.findall(tight_slots(value)):
        if token.isascii() or _is_address(token):
            _flush(plain, words)
            words.extend(_split(token))
        else:
            plain.append(_ESCAPE.sub(r"\1", token[1:-1]) if token[0] == '"' and token[-1] == '"' else token)
    _flush(plain, words)
    return tuple(words)


def _flush(plain: list[str], words: list[tuple[Piece, ...]]) -> None:
    if plain:
        words.extend((word,) for word in encoded_words(" ".join(plain)))
        plain.clear()


def _is_address(token: str) -> bool:
    """An address can't be encoded (RFC 2047 §5); beyond ASCII it needs SMTPUTF8 as it stands (RFC 6532)."""
    return token[0] != '"' and "@" in token and "{{" not in token


def _split(token: str) -> list[tuple[Piece, ...]]:
    """A token without blanks outside of quotes; blanks in quotes are places to fold too."""
    words: list[tuple[Piece, ...]] = []
    for item in re.findall(r"[^ \t]+", token):
        word: list[Piece] = []
        for place, text in enumerate(split_slots(item)):
            if place % 2:
                word.append(Slot(text, "header"))
            elif text:
                word.append(text.encode())
        words.append(tuple(word))
    return words
