"""A message that is written already, with the recipients of its request: read as far as the envelope needs it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fastapi import Request

from relay.intake.api.handed import HandedMessage, HandedRecipient
from relay.intake.authors import authors
from relay.mail.address import AddressError
from relay.mail.decode import addresses_of
from relay.mail.parts import Malformed, ScanLimits
from relay.mail.scan import Scanned, find_bare, scan
from relay.mail.transfer import with_crlf
from relay.web.problems import Problem

MEDIA_TYPE: Final = "message/rfc822"
_LIMITS: Final = ScanLimits(16 * 1024 * 1024, 100_000, 1, 1, 1_000)
"""Only the header is read here; what is too much is said by who takes the message."""
_RECIPIENTS: Final = (b"to", b"cc", b"bcc")
_LINE: Final = re.compile(rb"\n")


class Unread(Problem):
    """Nobody can read it as a message, so nobody gets it."""

    def __init__(self, detail: str, to: Sequence[str]) -> None:
        super().__init__("malformed", detail)
        self.refused = [{"email": one, "code": "malformed", "detail": detail} for one in to]


def media_type(request: Request) -> None:
    """Raises Problem for a body of another type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != MEDIA_TYPE:
        raise Problem("media-type", f"send the message as it is, with Content-Type: {MEDIA_TYPE}")


def handed(body: bytes, stream: str, to: Sequence[str], tenant_id: int, client: str, *, sandbox: bool) -> HandedMessage:
    """Raises Problem for what nobody could take: no message, no recipient, lines that end in two ways."""
    message = _lines(body, to)
    header = message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    try:
        named = scan(header, _LIMITS)
        author = authors(named)[0][1]
        recipients = list(to) or _recipients(named)
    except Malformed as error:
        raise Unread(error.status.text, to) from None
    if not recipients:
        raise Problem("invalid", "to: nobody is named, neither in the request nor in the message")
    return HandedMessage(
        number=0,
        tenant_id=tenant_id,
        stream=stream,
        reverse_path=author,
        raw=message,
        recipients=tuple(HandedRecipient(one) for one in recipients),
        client=client,
        smtputf8=not all(one.rpartition("@")[0].isascii() for one in (*recipients, author)),
        sandbox=sandbox,
    )


def _lines(body: bytes, to: Sequence[str]) -> bytes:
    """Files have lines that end with LF; a mixture is nobody's file (RFC 5321 §2.3.8)."""
    message = with_crlf(body) if b"\r" not in body else body
    bare = find_bare(message)
    if bare is not None:
        what, offset = bare
        line = len(_LINE.findall(message, 0, offset)) + 1
        raise Unread(f"line {line} (offset {offset}) has a bare {what}", to)
    if not message.strip():
        raise Unread("there is no message", to)
    return message


def _recipients(scanned: Scanned) -> list[str]:
    """Raises Malformed."""
    try:
        found = [one for name in _RECIPIENTS for value in scanned.values(name) for _, one in addresses_of(value)]
    except AddressError as error:
        raise Malformed(f"To, Cc or Bcc: {error}") from None
    return list(dict.fromkeys(found))
