"""How alike two messages are to a reader, whatever is personal in them.

A message is reduced to the set of different words that a reader sees, each a
number of 32 bits: digits, addresses, links, codes and the recipient's own name
are left out before, order and repetition don't count. Two copies of one
campaign differ in few words on each side; two issues of one newsletter share
the template and differ in what they tell. So what counts is how much of the
one is missing in the other *and* the other way round, as a share of all:
personal blocks only add. What stands in the last paragraph (address, branch,
legal lines) counts a quarter, and what fills in a line that begins as a known
one ("Last time you bought: …") counts two words at most. Letters that look the
same are one. Copies teach: words that not all of them have
are personal, and what any had is no news (``Likeness.learn``).

No shingles, no simhash: one personal line changes many shingles, and two
issues of a template share most of them.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

MOST_WORDS: Final = 600
"""Different words of a message that count."""
MOST_SEEN: Final = 1_500
"""Words that a campaign is remembered by."""
MOST_LETTERS: Final = 40_000
"""Of a message's text; what stands behind isn't looked at."""
MOST_KNOWN: Final = 2_048
"""Lines whose numbers are kept, of all messages of this process."""
LONGEST_KNOWN: Final = 300
"""Characters of such a line."""
FEW: Final = 8
"""Different words below which a text tells nothing by itself: pictures, links and attachments count as well."""
APART: Final = 0.085
"""Share of words on both sides from which on two messages are two."""
OTHER: Final = 0.5
"""Share of new words from which on a message is another one, however much of the known one it repeats."""
FRAME: Final = 0.25
"""What a word of the last paragraph counts."""
BEGINS: Final = 3
"""Known words in a row with which a line begins whose rest is filled in for who reads it."""
FILLED: Final = 2
"""Words that such a rest counts at most."""
MOST_FILLED: Final = 8
"""New words up to which it is one."""

_LINK: Final = re.compile(r"(?:https?://|www\.|mailto:)\S+")
_ADDRESS: Final = re.compile(r"[^\s@]{1,64}@\S+")
_TOKEN: Final = re.compile(r"\w+(?:['\u2019\u02bc]\w+)*")
_DIGIT: Final = re.compile(r"\d")
"""What has one in it is a number, a date or a code, and no word."""
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_TOGETHER: Final = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
"""Scripts without blanks between words: read by pairs of characters."""
_LOOKS_LIKE: Final = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u043a\u043c\u0442\u043d\u0432"
    "\u03b1\u03b5\u03bf\u03c1\u03c5\u03bd\u03b9\u03ba\u03c7\u0131\u0261\u0251\u0578",
    "aeopcyxijsdqwhkmthbaeopuvikxigan",
)
"""Small letters of other alphabets by the Latin ones they are taken for."""


class Words(NamedTuple):
    """The words of one message; ``frame``: those that stand in its last paragraph alone."""

    core: frozenset[int]
    frame: frozenset[int]
    lines: tuple[tuple[int, ...], ...] = ()
    """Of ``core``, in order."""


def words(text: str, personal: Iterable[str] = (), marks: Sequence[str] = ()) -> Words:
    """Of the text that a reader sees. ``personal``: names and addresses of who gets it, as they stand in the message.

    ``marks``: file names of pictures, targets of links, digests of attachments; they
    count where the text says next to nothing.
    """
    text = text[:MOST_LETTERS]
    if not text.isascii():
        text = _TOGETHER.sub(_pairs, _UNSEEN.sub("", unicodedata.normalize("NFKC", text)))
        text = text.casefold().translate(_LOOKS_LIKE)
    else:
        text = text.lower()
    left_out = {_number(token) for given in personal for token in _tokens(_plain(given).replace("@", " "))}
    paragraphs = _paragraphs(text, left_out)
    last = paragraphs.pop() if len(paragraphs) > 1 else []
    lines = tuple(itertools.chain.from_iterable(paragraphs))
    core = _different(itertools.chain.from_iterable(lines))
    frame = _different(itertools.chain.from_iterable(last)) - core
    if len(core) + len(frame) < FEW or len(frame) > 2 * len(core):
        core, frame = core | frame, frozenset()
    if len(core) < FEW:
        core |= _different(_number(mark) for mark in marks)
    return Words(core, frame, lines)


def _plain(text: str) -> str:
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).casefold().translate(_LOOKS_LIKE)


class _Line(NamedTuple):
    numbers: tuple[int, ...]
    rest: str
    """Of what stands beside links and addresses the first character; one that is empty parts paragraphs."""


def _paragraphs(text: str, left_out: set[int]) -> list[list[tuple[int, ...]]]:
    """Of those that say something, the words by line; a link that stands alone parts paragraphs as well."""
    paragraphs: list[list[tuple[int, ...]]] = []
    current: list[tuple[int, ...]] = []
    says = False
    for line in text.split("\n"):
        known = _known_line(line) if len(line) <= LONGEST_KNOWN else _of_line(line)
        if not known.rest:
            if says:
                paragraphs.append(current)
            current, says = [], False
            continue
        says = says or not known.rest.isspace()
        numbers = known.numbers
        if not left_out.isdisjoint(numbers):
            numbers = tuple([one for one in numbers if one not in left_out])
        if numbers:
            current.append(numbers)
    return [*paragraphs, current] if says else paragraphs


def _of_line(line: str) -> _Line:
    text = _LINK.sub(" ", line) if ":" in line or "www." in line else line
    text = _ADDRESS.sub(" ", text) if "@" in text else text
    numbers = tuple([_number(token) for token in _tokens(text) if _DIGIT.search(token) is None])
    return _Line(numbers, (text.strip() or text.strip(" \t"))[:1])


_known_line: Final = functools.lru_cache(MOST_KNOWN)(_of_line)
"""Most lines of a message stood in the one before it."""


def _number(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) or 1


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def _pairs(match: re.Match[str]) -> str:
    run = match.group()
    return " " + " ".join(run[i : i + 2] for i in range(max(1, len(run) - 1))) + " "


def _different(found: Iterable[int]) -> frozenset[int]:
    return frozenset(itertools.islice(dict.fromkeys(found), MOST_WORDS))


def _filled(lines: Iterable[tuple[int, ...]], new: frozenset[int]) -> int:
    """How many of the new words are left out of account: the rests of lines that begin as known ones."""
    left_out = 0
    taken: set[int] = set()
    for line in lines:
        if new.isdisjoint(line) or len(line) <= BEGINS or not new.isdisjoint(line[:BEGINS]):
            continue
        rest = new.intersection(line) - taken
        taken |= rest
        if len(rest) <= MOST_FILLED:
            left_out += max(0, len(rest) - FILLED)
    return left_out


class Likeness:
    """What a campaign is remembered by: the words that all its copies have, and those that any had."""

    __slots__ = ("copies", "fixed", "frame", "seen")

    def __init__(self, fixed: frozenset[int], frame: frozenset[int], seen: frozenset[int], copies: int) -> None:
        self.fixed = fixed
        self.frame = frame
        self.seen = seen
        self.copies = copies

    @classmethod
    def first(cls, one: Words) -> Likeness:
        return cls(one.core, one.frame, one.core | one.frame, 1)

    def distance(self, one: Words) -> float:
        """0: the same; from ``APART`` on another content. Symmetric for two messages."""
        has = one.core | one.frame
        size = min(len(self.fixed) + FRAME * len(self.frame), len(one.core) + FRAME * len(one.frame))
        if has == self.seen:
            return 0.0
        if not size:
            return 1.0
        missing = len(self.fixed - has) + FRAME * len(self.frame - has)
        new = one.core - self.seen
        novel = len(new) + FRAME * len(one.frame - self.seen)
        if novel > OTHER * size:
            return novel / size
        return min(missing, novel - _filled(one.lines, new)) / size

    def learn(self, one: Words) -> Likeness:
        """With one more copy."""
        has = one.core | one.frame
        seen = self.seen if len(self.seen) >= MOST_SEEN else self.seen | has
        return Likeness(self.fixed & has, self.frame & has, seen, self.copies + 1)
