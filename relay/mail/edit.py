"""Footers and placeholders in one readable part, whatever its charset and transfer encoding.

The part is looked at decoded; changes are then made in place where the
encoding allows, so that every other octet stays, else the part is encoded
anew as quoted-printable and its Content-* fields are replaced.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Final

from relay.mail import amp, come_again, tracked
from relay.mail.apply import Change, Edited, Text, apply
from relay.mail.bodies import is_html
from relay.mail.charset import Family, codec, encodes, family
from relay.mail.footer import Footer, amp_changes, html_changes, text_changes
from relay.mail.own_tracking import LINK_SLOT, PIXEL_OCTETS, Tracker, apart
from relay.mail.scan import Part, find_long_line
from relay.mail.slots import KnownSlots, slot_names
from relay.mail.stored import Slot
from relay.mail.tracked import WITH_PIXEL, Tracking

MARK = re.compile(
    rb"(\{(?=\{\{))?(?:\{\{|%7[Bb]%7[Bb])\s{0,8}(?P<name>relay_footer|unsubscribe_url|preferences_url)\s{0,8}"
    rb"(?:\}\}|%7[Dd]%7[Dd])(?(1)\})"
)
"""Three braces are what Handlebars and Mustache have for a value that isn't to be escaped."""
_HINTS = (b"relay_footer", b"unsubscribe_url", b"preferences_url")
MAX_MARKS = 10_000
"""Placeholders replaced in one part; more stay as they are."""


_NO_MARKS: Final[frozenset[str]] = frozenset()
TOKEN_OCTETS = 200
"""Of a tracked link, besides where it leads: the host, and who."""


class Unreadable(Exception):
    """Nobody can read this part as text, so nothing can be put into it."""


def edit(
    part: Part,
    body: bytes,
    footer: Footer | None,
    known: KnownSlots,
    boundaries: Sequence[bytes],
    long_lines: bool,
    tracking: Tracking | None = None,
    tracker: Tracker | None = None,
) -> Edited | None:
    """How to put ``footer`` (None: none) and the placeholders' slots into the part; None if nothing changes.

    ``tracking``: what to do with its links, and its pixel, if it is HTML. ``tracker``: places of the relay's own.

    ``body`` is the part's body as it stands in the message, ``boundaries`` are those around it, which no new line may
    look like. ``long_lines``: the message has lines of more than 998 octets; one here makes the part be encoded anew.
    Raises Unreadable.
    """
    long_line = long_lines and find_long_line(body, 0, len(body)) >= 0
    plain = family(codec(part.charset) or "ascii") is not Family.OTHER
    if tracking is not None and (part.content_type == amp.TYPE or not is_html(part)):
        tracking = None
    untouched = footer is None and not long_line and plain and tracking is None and tracker is None
    if untouched and part.encoding == "quoted-printable" and not _encoded_may_hold_marks(body):
        return None
    octets = come_again.decode(body, part.encoding)
    if octets is None:
        raise Unreadable
    if untouched and not may_hold_marks(octets):
        return None
    markup = is_html(part)
    text = _text(part, octets, footer, known, markup)
    marks = _marks(text)
    more = [] if tracking is None else tracked.changes(text, tracking, part.content_type in WITH_PIXEL)
    own = [] if tracker is None else _own(tracker, part, text, markup, known)
    if footer is None and not marks and not more and not own and (not long_line or part.encoding == "base64"):
        return None  # base64 is cut into lines by ``long_lines``
    result = Edited(frozenset([mark["name"].decode() for mark in marks]) if marks else _NO_MARKS)
    if footer is not None and footer.html and part.content_type == amp.TYPE:
        changes = amp_changes(text, footer, marks, result)
    elif markup:
        changes = html_changes(text, footer, marks, result, more)
    else:
        changes = text_changes(part, text, footer, marks)
    result.charset = text.declare
    changes = apart(changes, own) if own else changes
    apply(part, body, text, changes, known, boundaries, result, long_line)
    return result


def _own(tracker: Tracker, part: Part, text: Text, markup: bool, known: KnownSlots) -> list[Change]:
    """Places of the relay's own; what may come to stand there is told, since lines have a length."""
    found = tracker.in_html(text, part.content_type) if markup else tracker.in_text(text)
    for change in found:
        for piece in change.pieces:
            assert isinstance(piece, Slot)
            number = piece.name.removeprefix(LINK_SLOT)
            if number.isdecimal():
                link = tracker.links[int(number)]
                known.add(piece.name, (link.raw, "x" * (TOKEN_OCTETS + 2 * len(link.url))))
            else:
                known.add(piece.name, ("x" * PIXEL_OCTETS,))
    return found


def _text(part: Part, octets: bytes, footer: Footer | None, known: KnownSlots, markup: bool) -> Text:
    """Choose the charset for what is added; transcode the part if that is the only way."""
    name = codec(part.charset) if part.charset else "ascii"
    if name is None:
        return Text(octets, "ascii")
    if family(name) is Family.OTHER:
        return _transcoded(octets, name)
    if markup:
        # Numeric references stand for what the charset hasn't got; undeclared ones are ASCII here.
        return Text(octets, "ascii" if part.encoding == "7bit" and octets.isascii() else name)
    added = footer.text + known.characters(slot_names(footer.text)) if footer else ""
    if added.isascii():
        return Text(octets, name)
    if name == "ascii":
        return _undeclared(octets)
    if encodes(added, name):
        return Text(octets, name)
    try:
        return _transcoded(octets, name)
    except Unreadable:
        return Text(octets, "ascii")


def _undeclared(octets: bytes) -> Text:
    """US-ASCII, or 8-bit octets without a charset: UTF-8 is declared if they are that."""
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return Text(octets, "ascii")
    return Text(octets, "utf-8", declare="utf-8")


def _transcoded(octets: bytes, name: str) -> Text:
    try:
        text = octets.decode(name)
    except UnicodeError:
        raise Unreadable from None
    return Text(text.encode("utf-8", "replace"), "utf-8", declare="utf-8", transcoded=True)


def may_hold_marks(octets: bytes) -> bool:
    """Single octets first: they are found many times faster than words, and plain text has neither of them."""
    return (b"{" in octets or b"%" in octets) and any(hint in octets for hint in _HINTS)


def _encoded_may_hold_marks(body: bytes) -> bool:
    """The same before quoted-printable is decoded: ``{`` and ``%`` stand plain in it, or as ``=7B`` and ``=25``."""
    return b"{" in body or b"%" in body or b"=7" in body or b"=25" in body


def _marks(text: Text) -> list[re.Match[bytes]]:
    """Placeholders, without those that begin in the middle of a character."""
    if not may_hold_marks(text.octets):
        return []
    found: list[re.Match[bytes]] = []
    for mark in MARK.finditer(text.octets):
        found.append(mark)
        if len(found) >= MAX_MARKS:
            break
    if not found or text.transcoded or family(text.charset) is not Family.TRAILING:
        return found
    decoder = codecs.getincrementaldecoder(text.charset)("replace")
    whole: list[re.Match[bytes]] = []
    position = 0
    for mark in found:
        decoder.decode(text.octets[position : mark.start()])
        if not decoder.getstate()[0]:
            whole.append(mark)
        position = mark.start()
    return whole
