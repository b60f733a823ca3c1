"""A footer that the validator of AMP for Email takes (``text/x-amp-html``).

An AMP document may have no ``!important``, and mail programs show none that has it: so plain inline styles are the
strongest there are, and the guard of other HTML is neither needed nor allowed. What AMP's own runtime is loaded with
is looked through; anything else that could hide a footer makes the part one without a safe place.
Source: the AMP for Email format, its supported HTML and CSS.
"""

from __future__ import annotations

import re

from relay.mail.html import PLACEHOLDER, read_page
from relay.mail.html_page import Hostile, Page
from relay.mail.html_tree import TreeError

TYPE = "text/x-amp-html"

_RUNTIME = re.compile(
    r"<script\b[^>]*\bsrc\s*=\s*[\"']?https://cdn\.ampproject\.org/[^>]*>\s*</script\s*>"
    r"|<style\s+amp4email-boilerplate\s*>\s*body\s*\{\s*visibility\s*:\s*hidden;?\s*\}\s*</style\s*>",
    re.IGNORECASE,
)
_STYLE = re.compile(r"\s+style\s*=\s*(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_LINK = re.compile(r"<a\b", re.IGNORECASE)
_BLOCK = (
    "display:block;visibility:visible;opacity:1;clear:both;height:auto;max-height:none;margin:0;padding:12px;text-indent:0;"
    "font-family:sans-serif;font-size:14px;line-height:20px;color:#333;background-color:#fff"
)
_LINK_STYLE = "display:inline;visibility:visible;opacity:1;font-size:14px;color:#0b57d0;text-decoration:underline"


def place(markup: str) -> tuple[int, str] | None:
    """Where a footer goes in an AMP document and what is closed before it; None if no place is safe.

    Placeholders in it count as text.
    """
    looked_at = _RUNTIME.sub(
        lambda found: " " * len(found[0]), PLACEHOLDER.sub(lambda found: " " * len(found[0]), markup)
    )
    try:
        page = read_page(looked_at)
    except (Hostile, TreeError):
        return None
    return (page.offset, page.before) if _calm(page) else None


def _calm(page: Page) -> bool:
    sheets = page.sheets
    if page.root_risky or page.frameset or sheets.pseudo or sheets.pulls or sheets.opaque or sheets.floats_over:
        return False
    return not any(sheets.may_touch(name, page.roots.get(name, {})) for name in ("html", "body"))


def block(footer_html: str) -> str:
    """The footer in a block of its own."""
    inside = _LINK.sub(f'<a style="{_LINK_STYLE}"', _STYLE.sub("", footer_html))
    return f'<div style="{_BLOCK}">{inside}</div>'
