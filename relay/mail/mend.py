"""A header as applications write it, made one that can be sent to anybody; once, at acceptance.

What enters: a scanned message as it came. What leaves: the same one, or one
whose header was mended: letters beyond ASCII encoded, long lines folded, blanks
before colons dropped. What needs none of it stays octet for octet. What can't
be mended is refused with the field's name and where it stands in the client's
own message.
"""

from __future__ import annotations

from dataclasses import replace

from relay.mail.charset import codec
from relay.mail.field_fold import folded, wrapped
from relay.mail.field_words import ADDRESS_FIELDS, IDENTIFIERS, NeedsUtf8, ascii_value
from relay.mail.parts import Field, Malformed, ScanLimits
from relay.mail.scan import MAX_LINE_OCTETS, Scanned, find_long_line, scan

MAX_FIELD_OCTETS = 64 * 1024
"""Verifiers of signatures give up above."""
_ONCE = (*(b"subject", b"to", b"date", b"message-id", b"from", b"sender", b"cc", b"in-reply-to", b"references"),)
"""RFC 5322 §3.6; large receivers refuse a second one. Reply-To: see ``check_replies``."""
_REPLACEABLE = frozenset((b"date", b"message-id"))
_NO_WORDS = frozenset((b"mime-version", b"content-transfer-encoding", b"dkim-signature"))


def mended(scanned: Scanned, limits: ScanLimits, *, smtputf8: bool) -> Scanned:
    """The message with a header that can be sent.

    ``smtputf8``: the client declared it; then addresses beyond ASCII keep the header as it is (RFC 6532).
    Raises Malformed.
    """
    head = scanned.message[: scanned.header_end]
    if len(scanned.index) != len(scanned.fields):
        _check_once(scanned)
        _check_hops(scanned, limits)
    if len(head) > MAX_FIELD_OCTETS:
        _check_sizes(scanned)
    long_line = find_long_line(head, 0, len(head)) >= 0
    raw = not head.isascii() or b"\x1b$" in head or b"\x1b(" in head
    if not long_line and not raw and not _spaced(scanned):
        return scanned
    stays = raw and smtputf8 and _needs_utf8(scanned)
    if stays:
        _check_utf8(scanned)
    out = [_mended_field(scanned, one, raw and not stays) for one in scanned.fields]
    made = b"".join(out)
    if made == head:
        return scanned
    again = scan(made + scanned.message[scanned.header_end :], _roomier(limits))
    _check_sizes(again)
    again.moved = len(made) - len(head)
    again.moved_lines = made.count(b"\n") - head.count(b"\n")
    return again


def shown(name: bytes) -> str:
    """A field's name as people write it."""
    return "-".join(word.capitalize() for word in name[:76].decode("ascii", "replace").split("-"))


def _roomier(limits: ScanLimits) -> ScanLimits:
    """Encoded words take more octets than the letters they stand for."""
    return replace(limits, header_octets=4 * limits.header_octets)


def _spaced(scanned: Scanned) -> bool:
    """Whether a name has a blank before its colon."""
    return any(one.value - one.start - 1 != len(one.name) for one in scanned.fields)


def check_replies(scanned: Scanned) -> None:
    """To be asked once policies have seen where each of several Reply-To fields leads. Raises Malformed."""
    _check_once(scanned, (b"reply-to",))


def _check_once(scanned: Scanned, names: tuple[bytes, ...] = _ONCE) -> None:
    for name in names:
        found = scanned.index.get(name, ())
        if len(found) > 1:
            where = scanned.where(found[1].start)
            raise Malformed(f"{where}: a second {shown(name)} field, one is allowed (RFC 5322 3.6)")


def _check_hops(scanned: Scanned, limits: ScanLimits) -> None:
    """The relay's own field comes on top of them."""
    hops = len(scanned.index.get(b"received", ())) + 1
    if hops > limits.hops:
        raise Malformed(f"{hops} Received fields, {limits.hops} are allowed: a mail loop", subject=4, detail=6)


def _check_sizes(scanned: Scanned) -> None:
    for one in scanned.fields:
        if one.end - one.start > MAX_FIELD_OCTETS:
            size = f"{one.end - one.start} octets, {MAX_FIELD_OCTETS} are allowed"
            raise Malformed(f"{scanned.where(one.start)}: the field {shown(one.name)} has {size}")


def _check_utf8(scanned: Scanned) -> None:
    for one in scanned.fields:
        if _decoded(scanned.message[one.start : one.end], ("utf-8",)) is None:
            raise _unreadable(scanned, one, scanned.message[one.start : one.end])


def _needs_utf8(scanned: Scanned) -> bool:
    """Whether an address in the header has no form in ASCII."""
    for one in scanned.fields:
        value = scanned.value(one)
        if one.name in ADDRESS_FIELDS and not value.isascii():
            try:
                ascii_value(one.name, value.translate(None, b"\r\n").decode("utf-8"))
            except NeedsUtf8:
                return True
            except UnicodeDecodeError:
                continue
    return False


def _mended_field(scanned: Scanned, one: Field, encode: bool) -> bytes:
    """One field, with CRLF; empty if it doesn't leave."""
    octets = scanned.message[one.start : one.end]
    label = octets[: len(one.name)] + b":"
    value = octets[one.value - one.start :]
    if encode and (not value.isascii() or b"\x1b" in value):
        return _encoded_field(scanned, one, label, value)
    octets = label + value
    if find_long_line(octets, 0, len(octets)) >= 0:
        made = folded(one.name, octets)
        if made is None or find_long_line(made, 0, len(made)) >= 0:
            at = find_long_line(scanned.message, one.start, one.end)
            what = f"of the header has more than {MAX_LINE_OCTETS} octets, and {shown(one.name)} can't be folded there"
            raise Malformed(f"{scanned.where(at)} {what}")
        return made
    return octets


def _encoded_field(scanned: Scanned, one: Field, label: bytes, value: bytes) -> bytes:
    if one.name in _REPLACEABLE:
        return b""  # as good as missing: no program reads it, and the relay has one of its own
    if one.name in _NO_WORDS:
        what = f"the field {shown(one.name)} holds octets beyond ASCII, which nothing can stand for there"
        raise Malformed(f"{scanned.where(one.start)}: {what}")
    text = _decoded(value.translate(None, b"\r\n"), _charsets(scanned, value))
    if text is None:
        raise _unreadable(scanned, one, value)
    try:
        made = ascii_value(one.name, text)
    except NeedsUtf8:
        what = f"an address in the field {shown(one.name)} has letters outside ASCII and needs SMTPUTF8"
        raise Malformed(f"{scanned.where(one.start)}: {what}", detail=7) from None
    if not made.strip() and one.name in IDENTIFIERS:
        return b""
    field = wrapped(label, made.encode("ascii"))
    return folded(one.name, field) or field


def _unreadable(scanned: Scanned, one: Field, value: bytes) -> Malformed:
    what = "holds octets that are neither ASCII nor UTF-8, nor of a charset that the message declares"
    what += "; encode it (RFC 2047)"
    try:
        value.decode()
        what = "holds control characters, which no text has; take them out"
    except UnicodeDecodeError:
        pass
    return Malformed(f"{scanned.where(one.start)}: the field {shown(one.name)} {what}")


def _charsets(scanned: Scanned, value: bytes) -> tuple[str, ...]:
    """Charsets that raw octets can be of, the surest first."""
    if b"\x1b$" in value or b"\x1b(" in value:
        return ("cp50221",)
    declared = {codec(part.charset) for part in scanned.parts if part.charset and part.content_type[:5] == "text/"}
    declared -= {None, "utf-8", "ascii"}
    if len(declared) != 1:
        return ("utf-8",)
    name = declared.pop() or ""
    # What calls itself Latin-1 is Windows-1252 (WHATWG Encoding §4.2).
    return ("utf-8", "cp1252", name) if name == "iso8859-1" else ("utf-8", name)


def _decoded(value: bytes, charsets: tuple[str, ...]) -> str | None:
    """The text; None if it is of none of them, or has controls that no text has."""
    for name in charsets:
        try:
            text = value.decode(name)
        except UnicodeError:
            continue
        if not any("\x7f" <= one <= "\x9f" or (one < " " and one not in "\t\r\n") for one in text):
            return text
    return None
