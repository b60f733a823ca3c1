"""Lines of more than 998 octets in a body (RFC 5322 §2.1.1, RFC 5321 §4.5.3.1.6), mended where nobody can tell.

Text is encoded anew, base64 is cut into lines, other octets become base64, header fields of parts are folded, and so
are the messages within the message. What decodes from a part stays the same octet for octet. Where anything new
would break what was signed or encrypted, or where no encoding may stand, the message is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from relay.mail.apply import guarded_qp
from relay.mail.field_fold import folded, wrapped
from relay.mail.parts import Malformed, Part, ScanLimits
from relay.mail.scan import MAX_LINE_OCTETS, Scanned, enclosing_boundaries, find_long_line, scan
from relay.mail.splice import Splice, put_fields
from relay.mail.transfer import DECODED, decode, encode_base64, encode_qp

_NO_LIMITS = ScanLimits(*[sys.maxsize] * 5)
"""What stands in a message was scanned with the real ones."""
_DEEPEST = 5
"""Messages within each other."""
_BLANKS = b" \t\r\n"
_BASE64_LINE = 76


def mend_lines(
    scanned: Scanned,
    splice: Splice,
    anew: frozenset[int] | set[int],
    top: dict[bytes, bytes],
    outer: Sequence[bytes] = (),
    level: int = 0,
) -> None:
    """Put into ``splice`` what the too long lines of the body become.

    ``anew``: parts that are encoded anew already. ``top``: the message's own new fields, by lower-case name.
    ``outer``: boundaries around the message. Raises Malformed.
    """
    _Mending(scanned, splice, top, outer, level).run(anew)


class _Mending:
    def __init__(
        self, scanned: Scanned, splice: Splice, top: dict[bytes, bytes], outer: Sequence[bytes], level: int
    ) -> None:
        self.scanned = scanned
        self.message = scanned.message
        self.splice = splice
        self.top = top
        self.outer = outer
        self.level = level

    def run(self, anew: frozenset[int] | set[int]) -> None:
        position = self.scanned.body_start
        for part in self.scanned.parts:
            if part.index:
                self._nothing_between(position, part.header_start)
                position = part.body_start
            if part.index or self.level:
                self._header(part)
            if part.is_multipart:
                continue
            if part.index not in anew:
                self._leaf(part)
            position = part.body_end
        self._nothing_between(position, len(self.message))

    def _nothing_between(self, start: int, end: int) -> None:
        """What stands between parts, before and after them is nobody's, and delimiters can't be cut."""
        at = find_long_line(self.message, start, end) if start < end else -1
        if at >= 0:
            raise self._refused(at, "")

    def _refused(self, at: int, why: str) -> Malformed:
        return Malformed(f"{self.scanned.where(at)} has more than {MAX_LINE_OCTETS} octets{why}")

    def _header(self, part: Part) -> None:
        if find_long_line(self.message, part.header_start, part.header_end) < 0:
            return
        begun = {start for start, _, _ in self.splice.ranges}
        for one in part.fields:
            at = find_long_line(self.message, one.start, one.end)
            if at < 0 or one.start in begun:
                continue
            self._sealed(part, at)
            made = folded(one.name, self.message[one.start : one.end])
            if made is None or find_long_line(made, 0, len(made)) >= 0:
                raise self._refused(at, " in a field of a part's header, which can't be folded there")
            self.splice.put(one.start, one.end, (made,))

    def _sealed(self, part: Part, at: int) -> None:
        """Raises Malformed where the part is signed or encrypted."""
        child, index = part.index, part.parent
        while index >= 0:
            above = self.scanned.parts[index]
            if above.content_type == "multipart/signed" and above.children[0] == child:
                raise self._refused(at, " in a signed part, which can't be changed; sign it with shorter lines")
            if above.content_type == "multipart/encrypted":
                raise self._refused(at, " in an encrypted part, which can't be changed; write it with shorter lines")
            child, index = index, above.parent

    def _leaf(self, part: Part) -> None:
        at = find_long_line(self.message, part.body_start, part.body_end)
        if at < 0:
            return
        self._sealed(part, at)
        body = self.message[part.body_start : part.body_end]
        boundaries = [*enclosing_boundaries(self.scanned, part), *self.outer]
        encoding, made = self._encoded(part, body, boundaries)
        if part.ambiguous or made is None or find_long_line(made, 0, len(made)) >= 0:
            raise self._refused(at, " where they can't be encoded in another way")
        pieces = guarded_qp([made], boundaries) if encoding == "quoted-printable" else [made]
        self.splice.put(part.body_start, part.body_end, pieces)
        if encoding:
            self._declare(part, b"Content-Transfer-Encoding: %s\r\n" % encoding.encode())

    def _declare(self, part: Part, field: bytes) -> None:
        if part.index or self.level:
            put_fields(self.splice, part, {b"content-transfer-encoding": field, b"content-length": b""})
        else:
            self.top[b"content-transfer-encoding"] = field

    def _encoded(self, part: Part, body: bytes, boundaries: Sequence[bytes]) -> tuple[str, bytes | None]:
        """The new encoding (``""``: as it was) and the body in it; None if there is no way."""
        kind = part.content_type
        if part.encoding == "base64":
            return "", _rewrapped(body)
        if kind.startswith("multipart/"):
            return "", None
        if kind.startswith("message/"):
            return "", self._message(kind, body, boundaries) if part.encoding in DECODED else None
        octets = decode(body, part.encoding)
        if octets is None:
            return "", None
        if kind.startswith("text/"):
            return "quoted-printable", encode_qp(octets)
        return "base64", encode_base64(octets)

    def _message(self, kind: str, body: bytes, boundaries: Sequence[bytes]) -> bytes | None:
        """A message within the message may not be encoded (RFC 2046 §5.2.1), so its own parts are."""
        if kind not in ("message/rfc822", "message/global"):
            return _folded_lines(body)
        if self.level >= _DEEPEST:
            return None
        try:
            inner = scan(body, _NO_LIMITS)
            splice = Splice(inner.message)
            mend_lines(inner, splice, set(), {}, boundaries, self.level + 1)
        except Malformed:
            return None
        octets = b"".join(piece for piece in splice.cut(0, len(inner.message)) if isinstance(piece, bytes))
        return octets if body.endswith(b"\r\n") else octets.removesuffix(b"\r\n")


def _rewrapped(body: bytes) -> bytes:
    """Base64 in lines of 76; other octets than line ends and blanks stay for whoever reads them (RFC 2045 §6.8)."""
    kept = body.translate(None, _BLANKS)
    lines = [kept[at : at + _BASE64_LINE] for at in range(0, len(kept), _BASE64_LINE)]
    return b"\r\n".join(lines) + (b"\r\n" if body.endswith(b"\r\n") else b"")


def _folded_lines(body: bytes) -> bytes:
    """Reports are made of header fields (RFC 3464 §2.1)."""
    lines = [
        wrapped(b"", line).removesuffix(b"\r\n") if len(line) > MAX_LINE_OCTETS else line
        for line in body.split(b"\r\n")
    ]
    return b"\r\n".join(lines)
