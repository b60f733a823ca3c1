"""Messages for tests of what policies find in them."""

from __future__ import annotations

import base64

from relay.intake import reading, relay_fields
from relay.mail.scan import ScanLimits, scan
from relay.pipeline.contract import Message
from tests.unit.test_policies import BULK, txn


def mail(body: str, kind: str = "plain", *, head: str = "", subject: str = "News", author: str = "Acme") -> bytes:
    """One part in UTF-8, 8 bit; ``head``: further fields, one a line."""
    fields = (
        f"From: {author} <news@acme.example>\nTo: reader@rcpt.example\nSubject: {subject}\nMIME-Version: 1.0\n{head}"
    )
    return f"{fields}Content-Type: text/{kind}; charset=utf-8\n\n{body}\n".replace("\n", "\r\n").encode()


def coded(octets: bytes, declared: str, encoding: str, *, disposition: str = "") -> bytes:
    """A message whose one part is in another charset or coding, or is a file."""
    if encoding == "base64":
        octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    head = "From: Acme <news@acme.example>\r\nTo: r@rcpt.example\r\nSubject: News\r\nMIME-Version: 1.0\r\n"
    head += f"Content-Type: {declared}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    if disposition:
        head += f"Content-Disposition: {disposition}\r\n"
    return head.encode() + b"\r\n" + octets + b"\r\n"


def read(raw: bytes) -> Message:
    """As policies are handed it."""
    scanned, asked = scan(raw, ScanLimits()), txn(BULK)
    return reading.facts(scanned, asked, relay_fields.read(scanned, asked.now), len(raw))
