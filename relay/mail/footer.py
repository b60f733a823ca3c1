"""What a footer and the relay's placeholders change in a part's decoded text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from relay.mail import amp, come_again, html
from relay.mail.apply import Change, Edited, Text
from relay.mail.parts import Part
from relay.mail.slots import ENGINE_SLOTS, fill, split_slots
from relay.mail.stored import Piece, Slot

MAX_HTML_OCTETS = 512 * 1024
"""Longer HTML isn't searched for a safe place: that would hold up other mail, and mail programs cut it off anyway."""
_FOOTER = b"relay_footer"
_DECLARATION_END = "!important;"
_REMEMBERED = 8192
"""Characters of the longest block whose pieces are remembered: letters of a stream mostly end with the same one."""


@dataclass(frozen=True, slots=True)
class Footer:
    """The footer's two forms, with ``{{name}}`` slots; lines of ``text`` end with LF or CRLF."""

    text: str
    html: str

    @classmethod
    def of(cls, text: str, markup: str) -> Footer:
        """Lines in one form; HTML made of the text where there is none."""
        text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
        if text and not markup:
            markup = _as_html(text)
        return cls(text, markup.replace("\r\n", "\n").replace("\r", "\n"))

    def __bool__(self) -> bool:
        return bool(self.text or self.html)


def _as_html(text: str) -> str:
    out: list[str] = []
    for place, item in enumerate(split_slots(text)):
        if place % 2:
            link = item.endswith("_url")
            out.append(f'<a href="{{{{{item}}}}}">{{{{{item}}}}}</a>' if link else f"{{{{{item}}}}}")
        else:
            out.append(escape(item).replace("\n", "<br>\n"))
    return f"<p>{''.join(out)}</p>"


def _slot(mark: re.Match[bytes], text: Text, markup: bool) -> Slot:
    return Slot(mark["name"].decode(), "html" if markup else "text", text.charset)


def html_changes(
    text: Text, footer: Footer | None, marks: list[re.Match[bytes]], result: Edited, more: Sequence[Change] = ()
) -> list[Change]:
    """``more``: changes besides; of two that meet, the one that begins first is made."""
    changes = [Change(*mark.span(), (_slot(mark, text, True),)) for mark in marks if mark["name"] != _FOOTER]
    spans = {mark.span() for mark in marks if mark["name"] == _FOOTER}
    if footer is None or not footer.html:
        return _sorted([*changes, *(Change(start, end, ()) for start, end in spans), *more])
    if len(text.octets) > MAX_HTML_OCTETS:
        result.footer = False
        return _sorted([*changes, *(Change(start, end, ()) for start, end in spans), *more])
    plan = come_again.plan(text.octets)
    if not plan.hostile and plan.place is None:
        at = (plan.offset, plan.prologue_offset)
        changes = [one for one in changes if not any(one.start < offset < one.end for offset in at)]
        more = [one for one in more if not any(one.start < offset < one.end for offset in at)]
    result.footer = not plan.hostile
    place = plan.place
    taken = (place.start, place.end) if place else None
    spans |= {(one.start, one.end) for one in plan.placeholders}
    for span in spans:
        pieces = fill(_in_lines(html.in_place(plan, footer.html)), "html", text.charset) if span == taken else ()
        changes.append(Change(*span, pieces))
    if place is None and not plan.hostile:
        if plan.prologue:
            start = plan.prologue_offset
            lead = "\r\n" if start else ""
            changes.append(Change(start, start, fill(lead + _in_lines(plan.prologue), "html", text.charset)))
        block = html.block(plan, footer.html)
        make = _known_block if len(block) <= _REMEMBERED else _block
        changes.append(Change(plan.offset, plan.offset, make(block, text.charset)))
    return _sorted([*changes, *more])


def _block(markup: str, charset: str) -> tuple[Piece, ...]:
    return tuple(fill(f"\r\n{_in_lines(markup)}\r\n", "html", charset))


_known_block = lru_cache(maxsize=64)(_block)


def amp_changes(text: Text, footer: Footer, marks: list[re.Match[bytes]], result: Edited) -> list[Change]:
    """The same for AMP, where placeholders of the footer are only taken out: it stands at the end."""
    found = amp.place(text.octets.decode("latin-1")) if len(text.octets) <= MAX_HTML_OCTETS else None
    changes = [Change(*mark.span(), () if mark["name"] == _FOOTER else (_slot(mark, text, True),)) for mark in marks]
    if found is None:
        result.footer = False
        return _sorted(changes)
    offset, before = found
    changes = [one for one in changes if not one.start < offset < one.end]
    made = fill(f"\r\n{before}{_in_lines(amp.block(footer.html))}\r\n", "html", text.charset)
    return _sorted([*changes, Change(offset, offset, made)])


def _in_lines(markup: str) -> str:
    """The guard's long styles cut into lines, between declarations, where a line end means nothing."""
    markup = markup.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    pieces = markup.split(_DECLARATION_END)
    groups = [_DECLARATION_END.join(pieces[first : first + 8]) for first in range(0, len(pieces), 8)]
    return (_DECLARATION_END + "\r\n").join(groups)


def _sorted(changes: list[Change]) -> list[Change]:
    """In order and apart from each other."""
    out: list[Change] = []
    for change in sorted(changes, key=lambda one: (one.start, one.end)):
        if not out or change.start >= out[-1].end:
            out.append(change)
    return out


def text_changes(part: Part, text: Text, footer: Footer | None, marks: list[re.Match[bytes]]) -> list[Change]:
    flowed = part.parameters.get("format", "").lower() == "flowed"
    lines = _footer_pieces(footer.text, text.charset, flowed) if footer and footer.text else []
    changes: list[Change] = []
    placed = False
    for mark in marks:
        if mark["name"] != _FOOTER:
            changes.append(Change(*mark.span(), (_slot(mark, text, False),)))
        else:
            changes.append(Change(*mark.span(), () if placed else lines))
            placed = True
    if lines and not placed:
        end = len(text.octets)
        lead = b"" if end == 0 else b"\r\n" if text.octets.endswith((b"\n", b"\r")) else b"\r\n\r\n"
        changes.append(Change(end, end, [lead, *lines, b"\r\n"]))
    return changes


def _footer_pieces(footer: str, charset: str, flowed: bool) -> list[Piece]:
    """The footer's lines with CRLF between them; fixed lines, stuffed where the part is flowed (RFC 3676 §4)."""
    pieces: list[Piece] = []
    for number, line in enumerate(footer.split("\n")):
        if flowed:
            line = line if line == "-- " else line.rstrip(" ")
            if line.startswith((" ", ">", "From ")) or _begins_with_free_slot(line):
                line = " " + line
        pieces.append(b"\r\n" if number else b"")
        pieces.extend(fill(line, "text", charset))
    return pieces


def _begins_with_free_slot(line: str) -> bool:
    split = split_slots(line)
    return len(split) > 1 and split[0] == "" and split[1] not in ENGINE_SLOTS
