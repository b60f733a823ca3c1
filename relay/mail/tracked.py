"""A pixel and rewritten links in HTML: places for addresses that are each recipient's own.

Which links, and what their addresses are, is a policy's to say (``Additions``).
A place is put only where it can do no harm: into a tag's attribute, or as an
image of no size before the end of the body. Plain text stays as it is, for its
readers see the addresses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from relay.mail.additions import Additions
from relay.mail.apply import Change, Text
from relay.mail.content_links import address_of
from relay.mail.html_links import find_links, resolved
from relay.mail.html_tokens import Token, attribute_span
from relay.mail.slots import ENGINE_SLOTS, fill, slot_names, split_slots

MAX_HTML_OCTETS: Final = 512 * 1024
"""Longer HTML is left as it is: mail programs cut it off anyway."""
MOST_LINKS: Final = 10_000
WITH_PIXEL: Final = frozenset(("text/html", "application/xhtml+xml"))
"""AMP and watch faces have other images."""
_URL: Final = re.compile(r"(?:https?://|\{\{)[^\s<>\"'\x00-\x20\x7f]*", re.IGNORECASE)


class Tracking(NamedTuple):
    """Texts with ``{{name}}`` slots: of the pixel (``""``: none), and by the address of the link in whose place."""

    pixel: str
    links: Mapping[str, str]

    @classmethod
    def of(cls, additions: Additions, values: Sequence[Mapping[str, str]]) -> Tracking | None:
        """None if there is nothing to place. Raises ValueError for what would make a link that leads nowhere."""
        if not additions.pixel and not additions.links:
            return None
        made = cls(additions.pixel, dict(additions.links))
        for text in (*filter(None, (made.pixel,)), *made.links.values()):
            if _URL.fullmatch("{{}}".join(split_slots(text)[::2])) is None:
                raise ValueError(f"{text[:80]!r} is no web address")
            for name in slot_names(text) - ENGINE_SLOTS:
                if not values or not all(one.get(name) for one in values):
                    raise ValueError(f"{text[:80]!r} has the slot {name}, for which not every recipient has a value")
        return made

    def without_pixel(self) -> Tracking:
        return self._replace(pixel="")


def changes(text: Text, tracking: Tracking, pixel: bool) -> list[Change]:
    """Of one HTML part, in its decoded octets. ``pixel``: this is the part for it."""
    if len(text.octets) > MAX_HTML_OCTETS:
        return []
    markup = text.octets.decode("latin-1")
    found: list[Change] = []
    links = find_links(markup, text.charset)
    for token, base in links.anchors if tracking.links else ():
        if len(found) >= MOST_LINKS:
            break
        url, span = _address(markup, token, text.charset, base)
        wanted = tracking.links.get(url) if url else None
        if wanted is not None:
            quote = "" if markup[span[0] - 1] in "\"'" else '"'
            found.append(Change(*span, fill(f"{quote}{_escaped(wanted)}{quote}", "html", text.charset)))
    if pixel and tracking.pixel and links.end is not None:
        image = f'<img src="{_escaped(tracking.pixel)}" width="1" height="1" alt="" style="border:0" />'
        found.append(Change(links.end, links.end, fill(image, "html", text.charset)))
    return found


def _address(markup: str, token: Token, charset: str, base: str) -> tuple[str, tuple[int, int]]:
    """Where a tag's ``href`` leads and where its value stands; ``""`` if nowhere on the web."""
    span = attribute_span(markup, token, "href")
    if span is None:
        return "", (0, 0)
    url = address_of(resolved(markup[span[0] : span[1]], charset), base)
    return ("" if url.startswith("mailto:") else url), span


def _escaped(text: str) -> str:
    """For an attribute, with the slots as they are: their values are escaped when they are known."""
    return "".join(f"{{{{{item}}}}}" if place % 2 else escape(item) for place, item in enumerate(split_slots(text)))
