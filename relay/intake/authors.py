"""Who a message says it is from, or what is wrong with that."""

from __future__ import annotations

import re
from typing import Final

from relay.mail.address import AddressError
from relay.mail.decode import addresses_of
from relay.mail.scan import Malformed, Scanned

_QUIET: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|\((?:[^()\\]|\\.)*+\)|<[^<>]*+>', re.S)
_LONGEST_SHOWN = 60


def authors(scanned: Scanned) -> list[tuple[str, str]]:
    """Display name and canonical address of each mailbox in From; one at least. Raises Malformed."""
    value = scanned.values(b"from")[0]
    try:
        found = addresses_of(value)
    except AddressError as error:
        raise Malformed(f"the From field holds no valid address: {_unquoted_name(value) or error}") from None
    if not found or not all(address for _, address in found):
        raise Malformed("the From field holds no valid address")
    return found


def _unquoted_name(value: bytes) -> str:
    """What to do about ``Acme, Inc. <news@acme.example>``, in which the comma ends an address (RFC 5322 §3.4)."""
    name = value.translate(None, b"\r\n").rpartition(b"<")[0].strip()
    pieces = _QUIET.sub(b"", name).split(b",")
    if len(pieces) < 2 or b"@" in b"".join(pieces) or not name.isascii():
        return ""
    shown = name.decode("ascii").replace('"', "")[:_LONGEST_SHOWN]
    return f'a comma in a name ends it, so put the name in quotes: From: "{shown}" <...>'
