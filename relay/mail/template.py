"""A message as literals and slots: made once at acceptance, rendered for each recipient.

What enters: a scanned message and what the relay adds. What leaves: a
``Template`` that holds every octet any copy will need, so that nothing can fail
or change between acceptance and the last retry. Octets that need no change are
taken over as they came.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from relay.mail import amp, header
from relay.mail.additions import Additions
from relay.mail.apply import Edited
from relay.mail.bodies import readable
from relay.mail.edit import Unreadable, edit
from relay.mail.footer import Footer
from relay.mail.long_lines import mend_lines
from relay.mail.own_tracking import Tracker, TrackWish
from relay.mail.scan import Part, Scanned, enclosing_boundaries, find_long_line
from relay.mail.slots import KnownSlots, fill, joined, quoted_printable
from relay.mail.splice import Splice, put_fields
from relay.mail.stored import VERSION, Piece, Slot, Template
from relay.mail.tracked import WITH_PIXEL, Tracking

__all__ = ["PRIVATE_FIELDS", "Splice", "Template", "compile_template"]

PRIVATE_FIELDS = frozenset({"bcc", "resent-bcc", "return-path", "relay-*"})
"""Never leave, whatever the caller asks. A name that ends with ``*`` stands for all that begin so."""
_OF_THE_BODY = frozenset((b"content-md5", b"content-length"))
"""What they say of a body is not true any more once that has changed (RFC 1864)."""


def compile_template(
    scanned: Scanned,
    additions: Additions,
    remove: AbstractSet[str] = frozenset(),
    values: Sequence[Mapping[str, str]] = (),
    *,
    if_missing: Sequence[tuple[str, str]] = (),
    trace: bytes = b"",
    track: TrackWish | None = None,
) -> Template:
    """Put the additions into a scanned message.

    ``remove``: lower-case names of header fields that don't leave, besides PRIVATE_FIELDS; ``relay-*`` form allowed.
    ``values``: the recipients' slot values as far as they are known, from which charset and encoding are chosen.
    ``if_missing``: header fields to add where the message has none of that name, such as Date and Message-ID.
    ``track``: places of the relay's own for openings and clicks.
    ``trace``: the field that stands before all others, with CRLF (RFC 5321 §4.4).
    Raises Malformed for a message that can't be mended, ValueError for additions that can't stand in a message.
    """
    return _Compiler(scanned, additions, values, track).run(remove, if_missing, trace)


class _Compiler:
    def __init__(
        self,
        scanned: Scanned,
        additions: Additions,
        values: Sequence[Mapping[str, str]],
        track: TrackWish | None = None,
    ) -> None:
        self.scanned = scanned
        self.message = scanned.message
        self.additions = additions
        self.tracking = Tracking.of(additions, values)
        self.tracker = Tracker(track) if track is not None and track.any else None
        self.known = KnownSlots(values)
        self.splice = Splice(scanned.message)
        self.new_fields: dict[bytes, bytes] = {}
        """MIME fields of the message itself that change, by lower-case name."""
        self.marks: set[str] = set()
        self.long_lines = False
        self.dropped: list[Part] = []

    def run(self, remove: AbstractSet[str], if_missing: Sequence[tuple[str, str]], trace: bytes) -> Template:
        footer = Footer.of(self.additions.footer_text, self.additions.footer_html)
        wrapped = self._edit_parts(footer if footer else None)
        start = self.scanned.body_start
        body = self.splice.cut(start, len(self.message))
        if wrapped:
            body = self._wrap(footer, body)
        pieces = joined(body)
        fields = self._fields(remove, if_missing, wrapped)
        if trace:
            fields.insert(0, (trace,))
        return Template(
            VERSION,
            tuple(fields),
            pieces,
            self._has_8bit(pieces),
            any(self._has_8bit(one) for one in fields),
            wrapped,
            tuple(sorted(self.marks)),
            tuple(part.content_type for part in self.dropped),
            tuple(self.tracker.links) if self.tracker is not None else (),
        )

    def _has_8bit(self, pieces: Sequence[Piece]) -> bool:
        for piece in pieces:
            if isinstance(piece, bytes):
                if not piece.isascii():
                    return True
            elif not piece.qp and piece.form != "header" and piece.charset != "ascii" and self._beyond_ascii(piece):
                return True
        return False

    def _beyond_ascii(self, slot: Slot) -> bool:
        return bool(self.known.characters([slot.name]))

    # --- the readable parts ----------------------------------------------------

    def _edit_parts(self, footer: Footer | None) -> bool:
        """Edit the readable parts; whether the message must be wrapped for the footer to be seen."""
        found = readable(self.scanned)
        long_lines = find_long_line(self.message, self.scanned.body_start, len(self.message)) >= 0
        self.long_lines = long_lines
        edits, reached, hostile = self._edits(found.parts, footer)
        wrapped = footer is not None and not (found.covered and reached) and (self.additions.wrap or hostile)
        if wrapped:
            self.dropped = []
            edits, _, _ = self._edits(found.parts, None)
        for part in self.dropped:
            self._drop(part)
        for part, result in edits:
            self.marks |= result.marks
            self._replace_mime_fields(part, result)
            for start, end, pieces in result.pieces:
                self.splice.put(part.body_start + start, part.body_start + end, pieces)
        if long_lines:
            mend_lines(self.scanned, self.splice, self._done(edits), self.new_fields)
        return wrapped

    def _done(self, edits: Sequence[tuple[Part, Edited]]) -> set[int]:
        """Parts whose lines are short by now."""
        return {part.index for part, result in edits if result.encoding} | {part.index for part in self.dropped}

    def _edits(self, parts: Sequence[Part], footer: Footer | None) -> tuple[list[tuple[Part, Edited]], bool, bool]:
        """What changes in which parts; whether the footer is in all of them, and whether one would hide it."""
        edits: list[tuple[Part, Edited]] = []
        reached = True
        hostile = False
        tracking = self.tracking
        if self.tracker is not None:
            self.tracker.reset()
        for part in parts:
            droppable = footer is not None and self._droppable(part)
            if droppable and not self.additions.amp:
                self.dropped.append(part)
                continue
            try:
                result = edit(
                    part,
                    self.message[part.body_start : part.body_end],
                    footer,
                    self.known,
                    enclosing_boundaries(self.scanned, part),
                    self.long_lines,
                    tracking,
                    self.tracker,
                )
            except Unreadable:
                if droppable:
                    self.dropped.append(part)
                reached = reached and droppable
                continue
            if tracking is not None and part.content_type in WITH_PIXEL:
                tracking = tracking.without_pixel()  # it is seen once
            if result is not None and droppable and not result.footer:
                self.dropped.append(part)
            elif result is not None:
                hostile = hostile or not result.footer
                edits.append((part, result))
        return edits, reached and not hostile, hostile

    def _replace_mime_fields(self, part: Part, result: Edited) -> None:
        """Content-Transfer-Encoding and Content-Type say what the body has become."""
        changes: dict[bytes, bytes] = {}
        if result.encoding:
            changes[b"content-transfer-encoding"] = b"Content-Transfer-Encoding: " + result.encoding.encode() + b"\r\n"
        if result.charset:
            changes[b"content-type"] = _content_type(part, result.charset)
        if part.index == 0:
            self.new_fields = changes
        elif result.pieces or changes:
            changes.update(dict.fromkeys(_OF_THE_BODY, b""))
            put_fields(self.splice, part, changes)

    def _droppable(self, part: Part) -> bool:
        """An AMP part beside others: whoever can't show it shows one of those."""
        return part.content_type == amp.TYPE and part.parent >= 0 and len(self.scanned.parts[part.parent].children) > 1

    def _drop(self, part: Part) -> None:
        """With the delimiter before it, up to the next one."""
        start = self.message.rfind(b"\r\n--", 0, part.header_start) + 2
        self.splice.put(start, min(part.body_end + 2, len(self.message)), ())

    # --- a part of its own for the footer --------------------------------------

    def _wrap(self, footer: Footer, body: list[Piece]) -> list[Piece]:
        """multipart/mixed: the footer as text, then the original entity as it came (RFC 2046 §5.1.3)."""
        boundary = self._boundary()
        text = footer.text or "{{unsubscribe_url}}"
        pieces = fill(text.replace("\n", "\r\n") + "\r\n", "text", "utf-8")
        plain = not self._has_8bit(pieces)
        encoding = b"7bit" if plain else b"quoted-printable"
        entity = [
            self.message[one.start : one.end]
            for one in self.scanned.fields
            if one.name.startswith(b"content-") and one.name not in _OF_THE_BODY
        ]
        if self.new_fields:
            entity = [one for one in entity if one.partition(b":")[0].strip().lower() not in self.new_fields]
            entity.extend(self.new_fields.values())
        self.new_fields = {b"content-type": b'Content-Type: multipart/mixed; boundary="%s"\r\n' % boundary}
        if not all(piece.isascii() for piece in body if isinstance(piece, bytes)):
            self.new_fields[b"content-transfer-encoding"] = b"Content-Transfer-Encoding: 8bit\r\n"
        return [
            b"--%s\r\nContent-Type: text/plain; charset=utf-8\r\n" % boundary,
            b"Content-Transfer-Encoding: %s\r\n\r\n" % encoding,
            *(pieces if plain else quoted_printable(joined(pieces), line_start=True)),
            b"\r\n--%s\r\n" % boundary,
            *entity,
            b"\r\n",
            *body,
            b"\r\n--%s--\r\n" % boundary,
        ]

    def _boundary(self) -> bytes:
        """One that isn't in the message; the same for the same message."""
        digest = hashlib.sha256(self.message)
        while True:
            boundary = b"=_relay_" + digest.hexdigest()[:32].encode()
            if boundary not in self.message:
                return boundary
            digest.update(b".")

    # --- the header ------------------------------------------------------------

    def _fields(
        self, remove: AbstractSet[str], if_missing: Sequence[tuple[str, str]], wrapped: bool
    ) -> list[tuple[Piece, ...]]:
        names, exact, begins = _not_leaving(frozenset(remove), tuple([name for name, _ in self.additions.headers]))
        new = dict(self.new_fields)
        changed = wrapped or bool(self.splice.ranges)
        fields: list[tuple[Piece, ...]] = []
        for one in self.scanned.fields:
            if one.name in exact or one.name.startswith(begins):
                continue
            if one.name in _OF_THE_BODY and changed:
                continue
            if one.name in new:
                fields.append((new.pop(one.name),))
            elif one.name in self.new_fields or (wrapped and one.name.startswith(b"content-")):
                continue
            else:
                fields.append((self.message[one.start : one.end],))
        if self.new_fields and b"mime-version" not in self.scanned.index:
            fields.append((b"MIME-Version: 1.0\r\n",))
        fields.extend((one,) for one in new.values())
        for name, value in if_missing:
            if name.lower().encode() not in self.scanned.index or name.lower() in names:
                fields.append(header.field(name, value, self.known))
        fields.extend(header.field(name, value, self.known) for name, value in self.additions.headers)
        return fields


@functools.lru_cache(maxsize=1024)
def _not_leaving(
    remove: frozenset[str], added: tuple[str, ...]
) -> tuple[frozenset[str], frozenset[bytes], tuple[bytes, ...]]:
    """Lower-case names of fields that don't leave as they came; those of them that are whole, and how others begin."""
    names = frozenset([name.lower() for name in (*remove, *added, *PRIVATE_FIELDS)])
    exact = frozenset([name.encode() for name in names if not name.endswith("*")])
    return names, exact, tuple([name[:-1].encode() for name in names if name.endswith("*")])


def _content_type(part: Part, charset: str) -> bytes:
    """The part's Content-Type with another charset; its other parameters stay."""
    out = [b"Content-Type: " + part.content_type.encode("latin-1")]
    for name, value in part.parameters.items():
        if name != "charset" and name.isascii() and value.isascii():
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            out.append(f'{name}="{quoted}"'.encode())
    out.insert(1, b'charset="' + charset.encode() + b'"')
    return b";\r\n ".join(out) + b"\r\n"
