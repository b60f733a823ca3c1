"""What a text looks like to a reader, in plain letters: for finding what was written so that programs don't find it.

Fullwidth, mathematical, circled and small-capital letters, letters of other
scripts that look like Latin ones (UTS #39 §4, and further: whole words in
Cyrillic to be read as Latin), marks on letters, and characters that don't
show. What registries call alike is narrower (``relay.tenants.lookalike``).
"""

# ruff: noqa: RUF001 - letters of many alphabets are meant here

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

_ALIKE: Final = {
    "a": "аɑɒᴀɐαаⲁꓮꭺәӑ∀ⱥ", "b": "вьъбʙɓꓐᏴⲃƅƀѣҍ฿", "c": "сϲᴄɔ¢ςꓚᏟⲥҫƈȼ", "d": "ԁᴅđðɖɗꓓᎠժδɖ",
    "e": "еєҽᴇǝəɘɛɜεξꓰᎬⲉэɇ℮€", "f": "ғфƒꜰɟꓝϝſ", "g": "ԍɢɡƃɠꓖᏀցǥ", "h": "нһʜħɥꓧᎻհⲏӈңҥњ", "i": "іɪıɩɨιꓲⲓӏ",
    "j": "јᴊյꓙᎫϳɉ", "k": "кқҝҟҡӄᴋʞƙκꓗᏦⲕ", "l": "ʟɫɭƚłǀlլꓡᏞℓ∣ⅼ", "m": "мᴍɯɱꓟᎷⲙ₥", "n": "пηлɴŋɲɳƞղոռպљꓠⲛ",
    "o": "оᴏøɵοσօꓳⲟөθ०০੦૦௦౦೦൦๐໐၀ჿ",
    "p": "рᴘþƿƥρքꓑᏢⲣ", "q": "ԛꞯզգ", "r": "гґяʀɾɼɽɹրꓣᏒᎡɍ",
    "s": "ѕꜱʂƨƽʃꓢᏚ", "t": "тҭᴛʇƭτꓔᎢⲧէŧ", "u": "иўцᴜʉʊʋυμսꓴ", "v": "ѵᴠʌνꓦᏙ", "w": "шщԝᴡʍωաꓪᎳѡ₩",
    "x": "хҳжχꓫⲭ×", "y": "уүұʏɣʎγꓬⲩ¥", "z": "ᴢꓜᏃʐƶζ", "ae": "æӕ", "oe": "œ",
    "bl": "ы", "io": "ю", "4": "чҷ", "3": "зʒӡ",
    ".": "\u3002\u00b7\u2022\u2219\u22c5\u06d4\u0701\u0702\u2e31\u30fb\ua4f8\u2027\u2024", "@": "\ufe6b\uff20",

    "-": "\u2010\u2011\u2012\u2013\u2014\u2212\u2043\u00ac", "'": "\u2018\u2019\u02bc\u02b9\u2032\u00b4",
    "/": "\u2044\u2215\u29f8",
}  # fmt: skip
_PLAIN: Final = {ord(letter): plain for plain, many in _ALIKE.items() for letter in many if letter != plain}
# Letters on dark grounds and of flags have no compatibility form.
_LETTERS: Final = _PLAIN | {first + n: chr(97 + n) for first in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)}
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0]"
)
_UNSEEN_BEYOND: Final = re.compile("[\U000e0000-\U000e0fff]+")
"""Apart from the others: sets of characters within the first plane are searched for ten times as fast."""
_CIRCLED_AT: Final = re.compile("(?<![\u24b6-\u24e9])[\u24b6\u24d0](?![\u24b6-\u24e9])")
_MARKS: Final = ("Mn", "Me")
MOST_KEPT: Final = 50_000
"""Words whose form is remembered: most of most mail are the same few thousand."""
LONGEST_KEPT: Final = 40
_plain: dict[str, str] = {}


def shown_letters(text: str) -> str:
    """In lower case, without what doesn't show; scripts as they are. Marks on letters stay."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", _UNSEEN_BEYOND.sub("", _UNSEEN.sub("", text))).casefold()


def without_marks(text: str) -> str:
    """Letters without what stands above and below them."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return apart if apart.isascii() else "".join(c for c in apart if unicodedata.category(c) not in _MARKS)


def look_of(name: str) -> str:
    """Letters and digits of a name as a reader sees them, without gaps: the same for names that look alike."""
    return "".join(filter(str.isalnum, skeleton_of(name)))


def skeleton_of(text: str) -> str:
    """The plain letters that a text is read as; most of it is ASCII then. Not for reading: texts in Cyrillic change."""
    if text.isascii():
        return text.lower()
    return by_words(text, _plain_word, _plain)


def _plain_word(word: str) -> str:
    return without_marks(shown_letters(_CIRCLED_AT.sub("@", word))).translate(_LETTERS)


def by_words(text: str, change: Callable[[str], str], kept: dict[str, str]) -> str:
    """With its words changed that hold letters beyond ASCII, all in lower case; ``kept`` remembers what became of them.

    For changes in which nothing beyond a blank counts. What is all ASCII, as most of any markup, costs nearly nothing.
    """
    return "\n".join([line if line.isascii() else _line(line, change, kept) for line in text.split("\n")]).lower()


def _line(line: str, change: Callable[[str], str], kept: dict[str, str]) -> str:
    words = line.split(" ")
    for number, word in enumerate(words):
        if word.isascii():
            continue
        form = kept.get(word)
        if form is None:
            form = change(word)
            if len(word) <= LONGEST_KEPT:
                if len(kept) >= MOST_KEPT:
                    kept.clear()
                kept[word] = form
        words[number] = form
    return " ".join(words)
