"""What keeps a footer visible: inline styles no author's sheet can override, and a prologue.

A style attribute's ``!important`` comes before every rule of the author (CSS
Cascade 5 §6.1), ``@layer`` included. The ancestors html and body get theirs from
start tags written first: a later tag only adds attributes that are absent.
"""

from __future__ import annotations

import re
from functools import lru_cache

from relay.mail.html_font import PLAIN

_OUTER = (
    "all:initial;display:block;visibility:visible;opacity:1;position:relative;z-index:2147483647;clear:both;"
    "overflow:visible;min-width:240px;height:auto;max-height:none;margin:0;padding:12px;text-indent:0;"
    "font:14px/20px {font};color:{colour};background:{background};direction:{direction};unicode-bidi:isolate"
)
_INNER = "all:unset;display:{display};visibility:visible;opacity:1;font:inherit;color:{colour};unicode-bidi:normal"
"""``all`` does it in browsers; the rest is for programs that don't know it, and what it leaves out."""
_DETACHED_OUTER = (
    "all:initial;display:block;position:absolute;top:100%;left:0;right:0;z-index:2147483647;"
    "min-width:240px;padding:12px;font:14px/20px {font};color:{colour};background:{background};"
    "direction:{direction};unicode-bidi:isolate"
)
_DETACHED_INNER = "all:unset;display:{display};color:{colour}"
"""Shorter where a prologue says the rest: both together are to be within 3 KB."""
_INK, _LINK, _PAPER = "#333", "#0b57d0", "#fff"
_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*?)(\s*/?)>")
_STYLE = re.compile(r"\s+style\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_BLOCKS = frozenset({"div", "p", "center", "ul", "ol", "hr", "h1", "h2", "h3", "h4", "address", "footer", "section"})
_REMEMBERED = 4096
"""Octets of the longest footer whose guarded form is remembered: all letters of a stream have the same one."""
_PLAIN_STYLE = re.compile(r"[\w\s:;#%.,!-]*")

_ANCESTOR = "display:{display};visibility:visible;opacity:1;position:{position}"
_SHARED = (
    "float:none;inset:auto;overflow:visible;width:auto;max-width:none;height:auto;max-height:none;margin:0;clip-path:none;"
    "mask:none;transform:none;translate:none;scale:none;rotate:none;filter:none;zoom:1;contain:none;container-type:normal;"
    "content:normal;content-visibility:visible;transition:none;pointer-events:auto;writing-mode:horizontal-tb;columns:auto;"
    "outline:none;offset-path:none"
)
"""In a layer, the first of the document: among ``!important`` rules that is the strongest (CSS Cascade 5 §6.4.2)."""
_SHEET = (
    "@layer{{html,body{{{shared}}}"
    ":is(html,body,#relay-footer,#relay-footer *)::before,:is(html,body,#relay-footer,#relay-footer *)::after"
    "{{content:none!important}}"
    ":is(#relay-footer,#relay-footer *)::first-line,:is(#relay-footer,#relay-footer *)::first-letter"
    "{{all:unset!important}}#relay-footer *{{unicode-bidi:normal!important}}}}"
)


def _important(declarations: str) -> str:
    return "".join(f"{declaration}!important;" for declaration in declarations.split(";") if declaration)


def guard(footer_html: str, *, detached: bool = False, direction: str = "ltr", font: str = PLAIN) -> str:
    """The footer in a block that style sheets of the document can't hide.

    ``footer_html`` is the relay's own markup (well formed, no tables); a style
    attribute in it is kept in front of the protecting declarations. A detached
    block hangs below body's box instead of following what stands before it.
    ``font``: families, as ``html_font`` gives them.
    """
    make = _known_guard if len(footer_html) <= _REMEMBERED else _guard
    return make(footer_html, detached, direction, font)


def _guard(footer_html: str, detached: bool, direction: str, font: str) -> str:
    outer = _DETACHED_OUTER if detached else _OUTER
    inner = _DETACHED_INNER if detached else _INNER
    style = _important(outer.format(colour=_INK, background=_PAPER, direction=direction, font=font))
    inside = _TAG.sub(lambda tag: _styled(tag, inner), footer_html)
    text = _inner_style(inner, "inline", _INK)
    return f'<div id="relay-footer" style="{style}"><span style="{text}">{inside}</span></div>'


_known_guard = lru_cache(maxsize=64)(_guard)


@lru_cache(maxsize=8)
def _inner_style(inner: str, display: str, colour: str) -> str:
    return _important(inner.format(display=display, colour=colour))


def _styled(tag: re.Match[str], inner: str) -> str:
    name, rest, closing = tag[1].lower(), tag[2], tag[3]
    own = _STYLE.search(rest)
    kept = (own[1] or own[2] or "") if own else ""
    rest = rest[: own.start()] + rest[own.end() :] if own else rest
    if name == "br":
        style = _important("all:initial")
    elif name in _BLOCKS:
        style = _inner_style(inner, "block", _INK)
    else:
        style = _inner_style(inner, "inline", _LINK if name == "a" else _INK)
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
        f'<html style="{_plain(html_style)}{html}"><head><style>{_sheet()}</style></head>'
        f'<body style="{_plain(body_style)}{body}">'
    )


@lru_cache(maxsize=1)
def _sheet() -> str:
    return _SHEET.format(shared=_important(_SHARED))


def _plain(style: str) -> str:
    style = style.strip().rstrip(";")
    return f"{style};" if style and _PLAIN_STYLE.fullmatch(style) else ""
