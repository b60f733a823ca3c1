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

from relay.mail import header
from relay.mail.additions import Additions
from relay.mail.apply import Edited
from relay.mail.bodies import readable
from relay.mail.edit import Unreadable, edit
from relay.mail.footer import Footer
from relay.mail.scan import MAX_LINE_OCTETS, Malformed, Part, Scanned, enclosing_boundaries, find_long_line
from relay.mail.slots import Known, fill, joined, quoted_printable
from relay.mail.stored import VERSION, Piece, Slot, Template

__all__ = ["PRIVATE_FIELDS", "Splice", "Template", "compile_template"]

PRIVATE_FIELDS = frozenset({"bcc", "resent-bcc", "return-path", "relay-*"})
"""Never leave, whatever the caller asks. A name that ends with ``*`` stands for all that begin so."""


class Splice:
    """Replacements of byte ranges of the message, kept in any order, cut out in document order."""

    def __init__(self, message: bytes) -> None:
        self.message = message
        self.ranges: list[tuple[int, int, Sequence[Piece]]] = []

    def put(self, start: int, end: int, pieces: Sequence[Piece]) -> None:
        self.ranges.append((start, end, pieces))

    def cut(self, start: int, end: int) -> list[Piece]:
        """Pieces for the octets from ``start`` to ``end`` with what replaces some of them."""
        out: list[Piece] = []
        position = start
        for first, last, pieces in sorted(self.ranges, key=lambda one: one[:2]):
            if start <= first and last <= end:
                out.append(self.message[position:first])
                out.extend(pieces)
                position = last
        out.append(self.message[position:end])
        return out


def compile_template(
    scanned: Scanned,
    additions: Additions,
    remove: AbstractSet[str] = frozenset(),
    values: Sequence[Mapping[str, str]] = (),
    *,
    if_missing: Sequence[tuple[str, str]] = (),
) -> Template:
    """Put the additions into a scanned message.

    ``remove``: lower-case names of header fields that don't leave, besides PRIVATE_FIELDS; ``relay-*`` form allowed.
    ``values``: the recipients' slot values as far as they are known, from which charset and encoding are chosen.
    ``if_missing``: header fields to add where the message has none of that name, such as Date and Message-ID.
    Raises Malformed for a message that can't be mended, ValueError for additions that can't stand in a message.
    """
    return _Compiler(scanned, additions, values).run(remove, if_missing)


class _Compiler:
    def __init__(self, scanned: Scanned, additions: Additions, values: Sequence[Mapping[str, str]]) -> None:
        self.scanned = scanned
        self.message = scanned.message
        self.additions = additions
        self.known = Known(values)
        self.splice = Splice(scanned.message)
        self.new_fields: dict[bytes, bytes] = {}
        """MIME fields of the message itself that change, by lower-case name."""
        self.marks: set[str] = set()

    def run(self, remove: AbstractSet[str], if_missing: Sequence[tuple[str, str]]) -> Template:
        footer = Footer.of(self.additions.footer_text, self.additions.footer_html)
        wrapped = self._edit_parts(footer if footer else None)
        start = self.scanned.body_start
        body = self.splice.cut(start, len(self.message))
        if wrapped:
            body = self._wrap(footer, body)
        pieces = joined(body)
        fields = self._fields(remove, if_missing, wrapped)
        return Template(
            VERSION,
            tuple(fields),
            pieces,
            self._has_8bit(pieces),
            any(self._has_8bit(one) for one in fields),
            wrapped,
            tuple(sorted(self.marks)),
        )

    def _has_8bit(self, pieces: Sequence[Piece]) -> bool:
        for piece in pieces:
            if isinstance(piece, Slot):
                free = not piece.qp and piece.form != "header" and piece.charset != "ascii"
                if free and self.known.characters([piece.name]):
                    return True
            elif not piece.isascii():
                return True
        return False

    # --- the readable parts ----------------------------------------------------

    def _edit_parts(self, footer: Footer | None) -> bool:
        """Edit the readable parts; whether the message must be wrapped for the footer to be seen."""
        found = readable(self.scanned)
        edits, reached = self._edits(found.parts, footer)
        wrapped = footer is not None and not (found.covered and reached)
        if wrapped:
            edits, _ = self._edits(found.parts, None)
        for part, result in edits:
            self.marks |= result.marks
            self._replace_mime_fields(part, result)
            for start, end, pieces in result.pieces:
                self.splice.put(part.body_start + start, part.body_start + end, pieces)
        self._check_lines({part.index for part, result in edits if result.encoding})
        return wrapped

    def _edits(self, parts: Sequence[Part], footer: Footer | None) -> tuple[list[tuple[Part, Edited]], bool]:
        edits: list[tuple[Part, Edited]] = []
        reached = True
        for part in parts:
            try:
                result = edit(
                    part,
                    self.message[part.body_start : part.body_end],
                    footer,
                    self.known,
                    enclosing_boundaries(self.scanned, part),
                )
            except Unreadable:
                reached = False
                continue
            if result is not None:
                reached = reached and result.footer
                edits.append((part, result))
        return edits, reached

    def _check_lines(self, encoded_anew: set[int]) -> None:
        """Over-long lines are mended in text parts; anywhere else the message is refused."""
        message = self.message
        position = find_long_line(message, self.scanned.body_start, len(message))
        if position < 0:
            return
        mended = iter([one for one in self.scanned.parts if one.index in encoded_anew])
        while position >= 0:
            part = next((one for one in mended if position < one.body_end), None)
            if part is None or position < part.body_start:
                line = message.count(b"\n", 0, position) + 1
                raise Malformed(f"line {line} (offset {position}) has more than {MAX_LINE_OCTETS} octets")
            position = find_long_line(message, part.body_end, len(message))

    def _replace_mime_fields(self, part: Part, result: Edited) -> None:
        """Content-Transfer-Encoding and Content-Type say what the body has become."""
        changes: dict[bytes, bytes] = {}
        if result.encoding:
            changes[b"content-transfer-encoding"] = b"Content-Transfer-Encoding: " + result.encoding.encode() + b"\r\n"
        if result.charset:
            changes[b"content-type"] = _content_type(part, result.charset)
        if part.index == 0:
            self.new_fields = changes
            return
        for one in part.fields:
            if one.name in changes:
                self.splice.put(one.start, one.end, (changes.pop(one.name),))
        added = b"".join(changes.values())
        if not self.message.startswith(b"\r\n", part.header_end):
            added += b"\r\n"  # no empty line before the body, whose first line might now look like a field
        self.splice.put(part.header_end, part.header_end, (added,))

    # --- a part of its own for the footer --------------------------------------

    def _wrap(self, footer: Footer, body: list[Piece]) -> list[Piece]:
        """multipart/mixed: the footer as text, then the original entity as it came (RFC 2046 §5.1.3)."""
        boundary = self._boundary()
        text = footer.text or "{{unsubscribe_url}}"
        pieces = fill(text.replace("\n", "\r\n") + "\r\n", "text", "utf-8")
        plain = not self._has_8bit(pieces)
        encoding = b"7bit" if plain else b"quoted-printable"
        entity = [self.message[one.start : one.end] for one in self.scanned.fields if one.name.startswith(b"content-")]
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
        fields: list[tuple[Piece, ...]] = []
        for one in self.scanned.fields:
            if one.name in exact or one.name.startswith(begins):
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
