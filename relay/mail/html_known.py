"""Tags judged once: for the fast reading, what each tag's text means.

Mail of one sender repeats the same tags, so that most are known already.
"""

from __future__ import annotations

import re
from typing import Final, final

from relay.mail.html_css import remote_sheet, style_flags
from relay.mail.html_names import FITS, PASSED, fits
from relay.mail.html_page import Hostile, judged
from relay.mail.html_tokens import TokenKind, tokens

# What a piece of the document, from one "<" to the next, begins with.
OPEN: Final = 0
END: Final = 1
EMPTY: Final = 2
OPEN_LINK: Final = 3
END_LINK: Final = 4
END_P: Final = 5
RULE: Final = 6
ROOT: Final = 7
END_ROOT: Final = 8
RAW: Final = 9
TEXT: Final = 10
COMMENT: Final = 11
BOGUS: Final = 12
ODD: Final = 13

FONTS: Final = 1 << 10
"""Among a tag's flags: it may name a font."""

_WS = r"\t\n\f\r "
_VALUE = r"(?>\"[^\"{]*+\"|'[^'{]*+'|[\w#%.-]++)"
_CALM_NAMES = (
    "class|id|align|valign|width|height|border|cellpadding|cellspacing|bgcolor|background|href|target|alt|title|role|lang"
    "|dir|name|color|size|face|colspan|rowspan|summary|type|start|xmlns|clear|data-[a-z-]++|aria-[a-z]++"
)
_CALM_ATTRIBUTES = (
    rf"(?>[{_WS}]++(?>(?:{_CALM_NAMES})={_VALUE}|src=(?>\"(?:[^jJ&\s\"{{][^\"{{]*+)?\"|'(?:[^jJ&\s'{{][^'{{]*+)?')))*+"
)
_CALM_TAG = re.compile(
    rf"([a-z][a-z0-9]*+){_CALM_ATTRIBUTES}"
    rf"(?:[{_WS}]++style=(?>\"([^\"&{{]*+)\"|'([^'&{{]*+)'){_CALM_ATTRIBUTES})?+[{_WS}]*+/?+"
)
"""Tags whose attributes need no judging but that of one style."""
_PLAIN_END = re.compile(r"/[a-z][a-z0-9]*+")
_KNOWN_TAGS, _KNOWN_OCTETS = 8192, 400
"""How many tags are remembered, and of what length: at most some megabytes."""


_NOWHERE: Final[frozenset[str]] = frozenset()


@final
class Tag:
    """What is known of a tag's text."""

    def __init__(
        self,
        op: int,
        name: str = "",
        flags: int = 0,
        tops: frozenset[str] = _NOWHERE,
        text: str = "",
        found: dict[str, str] | None = None,
    ) -> None:
        """``flags``: what its style attribute does, see ``html_css``; ``tops``: in which elements it just nests;
        ``found``: attributes of html and body."""
        self.op = op
        self.name = name
        self.flags = flags
        self.tops = tops
        self.text = text
        self.found = found


KNOWN: Final[dict[str, Tag]] = {}
"""Tags by their text between ``<`` and ``>``."""
SHORT: Final[dict[str, Tag]] = {}
"""Tags by the piece from behind their ``<`` to the next one, where nothing but blanks stands behind them."""
SHORT_OCTETS: Final = 12
_MOST_SHORT: Final = 4096


def judge(text: str) -> Tag:
    """What a tag is that isn't among ``KNOWN``; from now on it is, if it is short."""
    if text[:1].isalpha() or (text[:1] == "/" and text[1:2].isalpha()):
        tag = _judge(text)
        low = text.lower()
        if "font" in low or "face" in low:
            tag.flags |= FONTS
        if len(text) <= _KNOWN_OCTETS:
            if len(KNOWN) >= _KNOWN_TAGS:
                KNOWN.clear()
            KNOWN[text] = tag
        return tag
    if text.startswith("!--"):
        return _COMMENT_TAG
    return _BOGUS_TAG if text.startswith(("!", "/", "?")) and not text.startswith("![CDATA[") else _other(text)


_COMMENT_TAG, _BOGUS_TAG = Tag(COMMENT), Tag(BOGUS)


def remember(piece: str, text: str, tag: Tag) -> None:
    """Keep a short piece's tag, if it is one of an element and nothing stands behind it (``text``)."""
    if tag.op <= RULE and not text.strip("\t\n\f\r "):
        if len(SHORT) >= _MOST_SHORT:
            SHORT.clear()
        SHORT[piece] = tag


def _other(text: str) -> Tag:
    return Tag(ODD if text.startswith("!") else TEXT)


def _judge(text: str) -> Tag:
    """What a tag is, by the text between its ``<`` and ``>``."""
    if _PLAIN_END.fullmatch(text):
        return _judge_end(text[1:])
    calm = _CALM_TAG.fullmatch(text)
    if calm is not None:
        name = calm[1]
        style = calm[2] or calm[3]
        flags = style_flags(style) if style else 0
        if name in FITS:
            return _opening(name, flags, text)
        if name in PASSED or name == "br":
            return Tag(EMPTY, name, flags)
    markup = f"<{text}>"
    token = next(tokens(markup))
    if token.missing or token.end != len(markup) or not token.name.isascii():
        return Tag(ODD)
    return _judge_end(token.name) if token.kind is TokenKind.END else _judge_start(markup, text)


def _judge_end(name: str) -> Tag:
    if name != "hr" and fits(name) is not None:
        return Tag(END_P if name == "p" else END_LINK if name == "a" else END, name)
    if name in ("html", "body"):
        return Tag(END_ROOT, name)
    if name in PASSED or name in ("head", "style", "title", "hr", "link", "meta"):
        return Tag(EMPTY, name)
    return Tag(ODD)


def _judge_start(markup: str, text: str) -> Tag:
    token = next(tokens(markup))
    name = token.name
    try:
        found = judged(markup, token)
    except Hostile:
        return Tag(ODD)
    if name in ("html", "body"):
        return Tag(ROOT, name, found=found)
    if name in ("head", "style", "title"):
        return Tag(EMPTY if name == "head" else RAW, name)
    if name == "link":
        remote = "stylesheet" in found.get("rel", "").lower() and remote_sheet(found.get("href", ""))
        return Tag(ODD if remote else EMPTY, name)
    flags = style_flags(found["style"]) if "style" in found else 0
    if name in PASSED or name in ("br", "meta"):
        return Tag(EMPTY, name, flags)
    return _opening(name, flags, text)


def _opening(name: str, flags: int, text: str) -> Tag:
    tops = fits(name)
    if tops is None:
        return Tag(ODD)
    return Tag(RULE if name == "hr" else OPEN_LINK if name == "a" else OPEN, name, flags, tops, text)
