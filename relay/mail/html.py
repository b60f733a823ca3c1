"""Where and how a footer goes into HTML: what stands at the place that ``plan`` found.

``guard`` wraps the footer itself, so that nothing in the document hides it.
"""

from __future__ import annotations

from relay.mail.html_guard import guard
from relay.mail.html_place import PLACEHOLDER, Insertion, Placeholder, plan, read_page

__all__ = ["PLACEHOLDER", "Insertion", "Placeholder", "block", "guard", "in_place", "plan", "read_page"]


def block(found: Insertion, footer_html: str) -> str:
    """What is written at ``found.offset``: closing tags and the guarded footer."""
    return found.before + guard(footer_html, detached=bool(found.prologue), font=found.font)


def in_place(found: Insertion, footer_html: str) -> str:
    """What a safe placeholder is replaced by."""
    return guard(footer_html, font=found.font)
