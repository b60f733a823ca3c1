"""A copy with 8-bit octets made fit for a remote that doesn't offer 8BITMIME (RFC 6152 §3).

Deterministic like rendering, so nothing need be stored for it. To be done
before signing, since the body changes.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence

from relay.mail.apply import guarded_qp
from relay.mail.bodies import SEALED
from relay.mail.canon import relaxed_body
from relay.mail.render import Rendered, literals
from relay.mail.scan import Malformed, Part, ScanLimits, Scanned, enclosing_boundaries, scan
from relay.mail.splice import Splice
from relay.mail.transfer import DECODED, encode_base64, encode_qp

_NO_LIMITS = ScanLimits(*[sys.maxsize] * 5)
"""The message passed the real ones when it was accepted."""


def downgrade(fields: Sequence[bytes], body: bytes) -> Rendered | None:
    """The same message with 8-bit parts as quoted-printable (text) or base64.

    None if that would break it: 8-bit octets in a header, in signed or encrypted parts, or in an attached message.
    """
    try:
        scanned = scan(b"".join(fields) + b"\r\n" + body, _NO_LIMITS)
    except Malformed:
        return None
    splice = Splice(scanned.message)
    new_top = b""
    for part in scanned.parts:
        content = scanned.message[part.body_start : part.body_end]
        if part.is_multipart and part.encoding != "7bit":
            encoding, replaced = b"7bit", None
        elif part.is_multipart or content.isascii():
            continue
        elif part.encoding not in DECODED or part.content_type.startswith("message/") or _sealed(scanned, part):
            return None
        elif part.content_type.startswith("text/"):
            encoding, replaced = b"quoted-printable", encode_qp(content)
        else:
            encoding, replaced = b"base64", encode_base64(content)
        field = b"Content-Transfer-Encoding: %s\r\n" % encoding
        if part.index == 0:
            new_top = field
        else:
            _replace(splice, part, field)
        if replaced is not None:
            pieces = guarded_qp([replaced], enclosing_boundaries(scanned, part))
            splice.put(part.body_start, part.body_end, pieces)
    octets = literals(splice.cut(scanned.body_start, len(scanned.message)))
    top = _with_field(fields, scanned, new_top)
    if not (octets.isascii() and all(one.isascii() for one in top)):
        return None
    return Rendered(tuple(top), octets, hashlib.sha256(relaxed_body(octets)).digest())


def _sealed(scanned: Scanned, part: Part) -> bool:
    index = part.parent
    while index >= 0:
        if scanned.parts[index].content_type in SEALED:
            return True
        index = scanned.parts[index].parent
    return False


def _replace(splice: Splice, part: Part, field: bytes) -> None:
    # Without an empty line before the body its first line could look like a field once it is encoded.
    separator = b"" if splice.message.startswith(b"\r\n", part.header_end) else b"\r\n"
    for one in part.fields:
        if one.name == b"content-transfer-encoding":
            splice.put(one.start, one.end, (field,))
            field = b""
    splice.put(part.header_end, part.header_end, (field + separator,))


def _with_field(fields: Sequence[bytes], scanned: Scanned, new: bytes) -> list[bytes]:
    if not new:
        return list(fields)
    out: list[bytes] = []
    for one in fields:
        if one.partition(b":")[0].strip().lower() == b"content-transfer-encoding":
            if new:
                out.append(new)
            new = b""
        elif not one.lower().startswith(b"content-length:"):
            out.append(one)
    if new:
        out.append(new)
        if b"mime-version" not in scanned.index:
            out.append(b"MIME-Version: 1.0\r\n")
    return out
