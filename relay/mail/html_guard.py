"""What keeps a footer visible: inline styles no author's sheet can override, and a prologue.

A style attribute's ``!important`` comes before every rule of the author (CSS
Cascade 5 §6.1), ``@layer`` included. The ancestors html and body get theirs from
start tags written first: a later tag only adds attributes that are absent.
"""

from __future__ import annotations

import re
from functools import lru_cache

_RESET = (
    "all:initial;display:{display};visibility:visible;opacity:1;position:{position};z-index:2147483647;float:none;clear:both;"
    "overflow:visible;clip:auto;clip-path:none;transform:none;filter:none;animation:none;transition:none;pointer-events:auto;"
    "width:{width};min-width:{minimum};max-width:none;height:auto;min-height:0;max-height:none;margin:0;padding:{padding};"
    "text-indent:0;text-align:left;letter-spacing:normal;word-spacing:normal;white-space:normal;"
    "font:14px/20px sans-serif;color:{colour};-webkit-text-fill-color:{colour};background:{background};"
    "direction:{direction};unicode-bidi:isolate"
)
_INLINE = (
    "all:initial;display:inline;visibility:visible;opacity:1;position:static;float:none;transform:none;filter:none;"
    "animation:none;transition:none;pointer-events:auto;text-indent:0;letter-spacing:normal;font:14px/20px sans-serif;"
    "color:{colour};-webkit-text-fill-color:{colour}"
)
_INK, _LINK, _PAPER = "#333333", "#0b57d0", "#ffffff"
_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*?)(\s*/?)>")
_STYLE = re.compile(r"\s+style\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_BLOCKS = frozenset({"div", "p", "center", "ul", "ol", "hr", "h1", "h2", "h3", "h4", "address", "footer", "section"})
_REMEMBERED = 4096
"""Octets of the longest footer whose guarded form is remembered: all letters of a stream have the same one."""
_PLAIN_STYLE = re.compile(r"[\w\s:;#%.,!-]*")

_ANCESTOR = (
    "display:{display};visibility:visible;opacity:1;position:{position};top:auto;right:auto;bottom:auto;left:auto;float:none;"
    "overflow:visible;clip:auto;clip-path:none;mask:none;transform:none;translate:none;scale:none;rotate:none;filter:none;"
    "backdrop-filter:none;perspective:none;zoom:1;contain:none;content:normal;content-visibility:visible;animation:none;"
    "transition:none;pointer-events:auto;mix-blend-mode:normal;writing-mode:horizontal-tb;columns:auto;width:auto;min-width:0;"
    "max-width:none;height:auto;min-height:0;max-height:none;margin:0;outline:none;offset-path:none;-webkit-line-clamp:none;"
    "container-type:normal;will-change:auto;user-select:auto"
)
_SHEET = (
    "@layer{html::before,html::after,body::before,body::after,#relay-footer::before,#relay-footer::after,"
    "#relay-footer *::before,#relay-footer *::after{content:none!important}"
    "#relay-footer::first-line,#relay-footer *::first-line,#relay-footer::first-letter,#relay-footer *::first-letter"
    "{color:inherit!important;-webkit-text-fill-color:inherit!important;font:inherit!important;float:none!important;"
    "background:none!important;margin:0!important;letter-spacing:normal!important;opacity:1!important}}"
)


def _important(declarations: str) -> str:
    return "".join(f"{declaration}!important;" for declaration in declarations.split(";") if declaration)


@lru_cache(maxsize=16)
def _block_style(direction: str, position: str, display: str = "block", padding: str = "0", minimum: str = "0") -> str:
    return _important(
        _RESET.format(
            display=display,
            position=position,
            width="auto",
            minimum=minimum,
            padding=padding,
            colour=_INK,
            background=_PAPER,
            direction=direction,
        )
    )


def guard(footer_html: str, *, detached: bool = False, direction: str = "ltr") -> str:
    """The footer in a block that style sheets of the document can't hide.

    ``footer_html`` is the relay's own markup (well formed, no tables); a style
    attribute in it is kept in front of the protecting declarations. A detached
    block hangs below body's box instead of following what stands before it.
    """
    make = _known_guard if len(footer_html) <= _REMEMBERED else _guard
    return make(footer_html, detached, direction)


def _guard(footer_html: str, detached: bool, direction: str) -> str:
    outer = _block_style(direction, "absolute" if detached else "relative", padding="12px", minimum="240px")
    if detached:
        outer += "top:100%!important;left:0!important;right:0!important;"
    inside = _TAG.sub(lambda tag: _styled(tag, direction), footer_html)
    text = _inline_style(_INK)
    return f'<div id="relay-footer" style="{outer}"><span style="{text}">{inside}</span></div>'


_known_guard = lru_cache(maxsize=64)(_guard)


@lru_cache(maxsize=4)
def _inline_style(colour: str) -> str:
    return _important(_INLINE.format(colour=colour))


def _styled(tag: re.Match[str], direction: str) -> str:
    name, rest, closing = tag[1].lower(), tag[2], tag[3]
    own = _STYLE.search(rest)
    kept = (own[1] or own[2] or "") if own else ""
    rest = rest[: own.start()] + rest[own.end() :] if own else rest
    if name in _BLOCKS:
        style = _block_style(direction, "static")
    else:
        style = _inline_style(_LINK if name == "a" else _INK)
        if name == "a":
            style += "text-decoration:underline!important;cursor:pointer!important;"
        elif name in ("b", "strong"):
            style += "font-weight:bold!important;"
    kept = kept.strip().rstrip(";") + ";" if kept.strip() else ""
    return f'<{name}{rest} style="{kept}{style}"{closing}>'


@lru_cache(maxsize=2)
def _ancestor_style(display: str, position: str) -> str:
    return _important(_ANCESTOR.format(display=display, position=position))


def prologue(html_style: str = "", body_style: str = "") -> str:
    """Start tags of html and body that no later tag or rule can make hide what is in them.

    The author's own style attributes are kept where they are plain.
    """
    html, body = _ancestor_style("block", "static"), _ancestor_style("flow-root", "relative")
    return (
        f'<html style="{_plain(html_style)}{html}"><head><style>{_SHEET}</style></head>'
        f'<body style="{_plain(body_style)}{body}">'
    )


def _plain(style: str) -> str:
    style = style.strip().rstrip(";")
    return f"{style};" if style and _PLAIN_STYLE.fullmatch(style) else ""
