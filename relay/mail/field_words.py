"""A header field with raw letters beyond ASCII, written anew in ASCII (RFC 2047, RFC 2231, RFC 5890, RFC 3986).

Only what isn't ASCII is encoded, each thing the way its place allows: words of
texts and display names as encoded words, parameters with percent signs,
domains as A-labels. A local part has no such form: it needs SMTPUTF8.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from relay.mail.address import AddressError, parse_domain
from relay.mail.decode import decode_field
from relay.mail.slots import encoded_words

ADDRESS_FIELDS = frozenset(
    (
        *(b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"mail-reply-to", b"mail-followup-to", b"errors-to"),
        *(b"resent-from", b"resent-sender", b"resent-to", b"resent-cc", b"resent-bcc", b"resent-reply-to"),
        *(b"return-receipt-to", b"disposition-notification-to", b"x-confirm-reading-to", b"apparently-to"),
    )
)
IDENTIFIERS = frozenset((b"references", b"in-reply-to", b"message-id", b"resent-message-id", b"content-id"))
_PARAMETERS = frozenset((b"content-type", b"content-disposition"))
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*+"?|\\.|[<>,;:()]|[ \t]++|[^"\\<>,;:() \t]++', re.S)
_TOKEN = re.compile(r"([ \t]*+)([^ \t]++)")
_QUOTED_TOKEN = re.compile(r'([ \t]*+)("(?:[^"\\]|\\.)*+"?|[^ \t"]++)', re.S)
_PARAMETER = re.compile(r'(;[ \t]*)([^\s;="*]+)([ \t]*=[ \t]*)("(?:[^"\\]|\\.)*+"?|[^;]*+)', re.S)
_ESCAPE = re.compile(r"\\(.)", re.S)
_WORD = re.compile(r"=\?[!->@-~]+\?[bBqQ]\?[!->@-~]*\?=")


class NeedsUtf8(Exception):
    """The field holds an address that has no form in ASCII."""


def ascii_value(name: bytes, value: str) -> str:
    """The unfolded ``value`` of the field of that lower-case name, in ASCII; ``""``: there is nothing left of it.

    Raises NeedsUtf8.
    """
    if name in ADDRESS_FIELDS:
        return "".join(_mailbox(member) if member not in (",", ";", ":") else member for member in _members(value))
    if name in IDENTIFIERS:
        return "".join(f" {word}" for word in value.split() if word.isascii())
    if name in _PARAMETERS:
        return _words(_PARAMETER.sub(_parameter, value))
    if name.startswith(b"list-"):
        return re.sub(r"<[^<>]*>|[^<>]+", _uri_or_words, value)
    return _words(value)


def _uri_or_words(found: re.Match[str]) -> str:
    text = found[0]
    return quote(text, safe="".join(map(chr, range(33, 127))) + " ") if text[0] == "<" else _words(text)


def _parameter(found: re.Match[str]) -> str:
    value = found[4]
    if value.isascii():
        return found[0]
    if value[:1] == '"':
        value = _ESCAPE.sub(r"\1", value[1:].removesuffix('"'))
    return f"{found[1]}{found[2]}*=utf-8''{quote(value.strip(), safe='')}"


def _words(text: str, phrase: bool = False) -> str:
    """Each run of words beyond ASCII as encoded words; the others stay, and so do the blanks around them.

    ``phrase``: a quoted string is a word (RFC 5322 §3.2.5).
    """
    if text.isascii():
        return text
    out: list[str] = []
    run: list[str] = []
    """Words beyond ASCII and encoded words with the blanks between them."""
    for gap, token in (_QUOTED_TOKEN if phrase else _TOKEN).findall(text):
        if token.isascii() and _WORD.fullmatch(token) is None:
            _encode(run, out)
            out += (gap, token)
            continue
        if phrase and token[0] == '"':  # encoded words can't stand in quotes (RFC 2047 §5)
            token = _ESCAPE.sub(r"\1", token[1:].removesuffix('"'))
        (run if run else out).append(gap)
        run.append(token)
    _encode(run, out)
    return "".join(out) + text[len(text.rstrip(" \t")) :]


def _encode(run: list[str], out: list[str]) -> None:
    """Blanks between encoded words are no text (RFC 2047 §6.2), so neighbours are encoded as one; those alone stay."""
    text = "".join(run)
    if not text.isascii():
        text = " ".join(word.decode() for word in encoded_words(decode_field(text.encode("utf-8", "replace"))))
    out.append(text)
    run.clear()


def _members(value: str) -> list[str]:
    """An address list cut at its commas, semicolons and colons, which are members themselves."""
    out: list[str] = [""]
    angle = False
    depth = 0
    for match in _PIECE.finditer(value):
        piece = match[0]
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(depth - 1, 0)
        elif depth == 0 and piece in ("<", ">"):
            angle = piece == "<"
        elif depth == 0 and not angle and piece in (",", ";", ":"):
            out += (piece, "")
            continue
        out[-1] += piece
    return out


def _mailbox(text: str) -> str:
    """A mailbox, or the name of a group."""
    if text.isascii():
        return text
    name, angle, rest = _cut(text)
    if angle:
        spec, _, tail = rest.partition(">")
        return _phrase(name, _named) + "<" + _address(spec) + ">" + _phrase(tail, _named)
    if "@" in name.partition("(")[0]:
        return _phrase(name, _address)
    return _phrase(name, _named)


def _named(text: str) -> str:
    return _words(text, phrase=True)


def _cut(text: str) -> tuple[str, str, str]:
    """At the ``<`` outside of quotes and comments."""
    depth = 0
    for match in _PIECE.finditer(text):
        depth += (match[0] == "(") - (match[0] == ")")
        if match[0] == "<" and depth <= 0:
            return text[: match.start()], "<", text[match.end() :]
    return text, "", ""


def _phrase(text: str, plain: Callable[[str], str]) -> str:
    """A display name with its quotes and comments; ``plain`` does what stands outside of both."""
    if text.isascii():
        return text
    out: list[str] = []
    run = comment = ""
    depth = 0
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece == "(":
            depth += 1
        elif piece == ")" and depth:
            depth -= 1
            if not depth:
                out += (_outside(run, plain), "(" + _words(comment[1:]) + ")")
                run = comment = ""
                continue
        if depth:
            comment += piece
        else:
            run += piece
    out.append(_outside(run + comment, plain))
    return "".join(out)


def _outside(text: str, plain: Callable[[str], str]) -> str:
    if text.isascii():
        return text
    lead = text[: len(text) - len(text.lstrip(" \t"))]
    core = text.strip(" \t")
    return lead + plain(core) + text[len(lead) + len(core) :]


def _address(spec: str) -> str:
    """An addr-spec whose domain has a form in ASCII."""
    if spec.isascii():
        return spec
    local, at, domain = spec.rpartition("@")
    if not at or not local.isascii():
        raise NeedsUtf8
    try:
        return f"{local}@{parse_domain(domain.strip())}"
    except AddressError:
        raise NeedsUtf8 from None
