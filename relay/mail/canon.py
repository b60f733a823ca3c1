"""Relaxed canonical forms of DKIM, as bytes to bytes (RFC 6376 §3.4.2, §3.4.4).

Lines end with CRLF and there is no bare CR or LF; intake sees to that.
"""

from __future__ import annotations

_TAB_TO_SPACE = bytes.maketrans(b"\t", b" ")


def squeezed(octets: bytes) -> bytes:
    """Each run of blanks becomes one space, and blanks before CRLF vanish; for a piece of a body."""
    if b"\t" in octets:
        octets = octets.translate(_TAB_TO_SPACE)
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets.replace(b" \r\n", b"\r\n")


def relaxed_field(field: bytes) -> bytes:
    """A header field, folded as it stands in the message, in relaxed form with its CRLF."""
    name, _, value = field.partition(b":")
    if b"\x0b" in value or b"\x0c" in value:  # blanks to split(), but not to RFC 6376
        value = squeezed(value.replace(b"\r\n", b"")).strip(b" ")
    else:
        value = b" ".join(value.split())
    return b"%s:%s\r\n" % (name.strip(b" \t").lower(), value)


def relaxed_body(body: bytes) -> bytes:
    """A whole body in relaxed form: no empty lines at its end, and CRLF after the last line unless it is empty."""
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    stripped = squeezed(body).rstrip(b"\r\n")
    return stripped + b"\r\n" if stripped else b""
