"""The arguments of MAIL and RCPT: path and parameters (SIZE, BODY, SMTPUTF8, AUTH, RET, ENVID, NOTIFY, ORCPT); AUTH's.

One parser for both ports; parameters of DSN (RFC 3461) are unknown where EHLO doesn't offer it.
"""

from __future__ import annotations

import base64
import re
from typing import Final, NamedTuple

from relay.mail.address import Address, AddressError, Path, parse_path
from relay.mail.status import Status, permanent

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*\Z")
_UTF8_ADDR = re.compile(r"[!-~\u0080-\U0010ffff]*\Z")
_NOTIFY = frozenset(("SUCCESS", "FAILURE", "DELAY"))
_OF_MAIL = frozenset(("RET", "ENVID"))
_OF_RCPT = frozenset(("NOTIFY", "ORCPT"))
"""DSN's (RFC 3461 §4): not known where it isn't offered."""

# Which code stands for which command: RFC 6531 §3.5.
_NEEDS_SMTPUTF8 = "an address with letters outside ASCII needs SMTPUTF8"
REVERSE_PATH_NEEDS_SMTPUTF8: Final = permanent(50, 6, 7, _NEEDS_SMTPUTF8)
FORWARD_PATH_NEEDS_SMTPUTF8: Final = permanent(53, 6, 7, _NEEDS_SMTPUTF8)


class ArgumentError(Exception):
    """What follows MAIL or RCPT is malformed, unknown or asks for too much; ``status`` is the reply."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.text)
        self.status = status


class MailParameters(NamedTuple):
    size_octets: int = 0
    smtputf8: bool = False
    ret: str = ""
    """RFC 3461 §4.3: ``FULL`` or ``HDRS``."""
    envid: str = ""
    """RFC 3461 §4.4, still in xtext."""


class RcptParameters(NamedTuple):
    notify: str = ""
    """RFC 3461 §4.1: ``NEVER`` or a comma list in fixed order."""
    orcpt: str = ""
    """RFC 3461 §4.2: ``type;xtext``."""


def _malformed(name: str, want: str) -> ArgumentError:
    return ArgumentError(permanent(1, 5, 4, f"{name} must be {want}"))


def _pairs(text: str) -> list[tuple[str, str]]:
    pairs = []
    seen = set()
    for word in text.split():
        name, _, value = word.partition("=")
        name = name.upper()
        if name in seen:
            raise ArgumentError(permanent(1, 5, 4, f"{name[:20]} is given twice"))
        seen.add(name)
        pairs.append((name, value))
    return pairs


def _unknown(name: str, elsewhere: frozenset[str]) -> ArgumentError:
    """``elsewhere``: those of this command that a port with other extensions takes."""
    shown = "".join(c for c in name[:20] if c.isascii() and c.isprintable())
    known = "is not offered here" if name in elsewhere else "is not known"
    return ArgumentError(permanent(55, 5, 4, f"parameter {shown} {known}"))


def mail_argument(
    argument: bytes, *, extended: bool, largest: int, dsn: bool = True
) -> tuple[Address | None, MailParameters]:
    """What follows MAIL (RFC 5321 §4.1.1.2): the reverse-path, None for the null one. Raises ArgumentError.

    ``largest``: octets of the largest message that is taken (RFC 1870 §6.1). ``dsn``: it is offered.
    """
    path = _path(argument, b"FROM:", 7)
    parameters = _mail_parameters(path.parameters, extended, dsn)
    if parameters.size_octets > largest:
        raise ArgumentError(permanent(52, 3, 4, f"the message is larger than {largest} octets"))
    if path.address is not None and path.address.needs_smtputf8 and not parameters.smtputf8:
        raise ArgumentError(REVERSE_PATH_NEEDS_SMTPUTF8)
    return path.address, parameters


def rcpt_argument(
    argument: bytes, *, extended: bool, smtputf8: bool, dsn: bool = True
) -> tuple[Address, RcptParameters]:
    """What follows RCPT (RFC 5321 §4.1.1.3). Raises ArgumentError.

    ``smtputf8``: MAIL said it. ``dsn``: it is offered.
    """
    path = _path(argument, b"TO:", 3)
    if path.address is None:
        raise ArgumentError(permanent(1, 1, 3, "a forward-path must not be empty"))
    parameters = _rcpt_parameters(path.parameters, extended, dsn)
    if path.address.needs_smtputf8 and not smtputf8:
        raise ArgumentError(FORWARD_PATH_NEEDS_SMTPUTF8)
    return path.address, parameters


def _path(argument: bytes, word: bytes, detail: int) -> Path:
    """``detail``: of the enhanced code 5.1.x for a malformed one (RFC 3463 §3.2)."""
    if argument[: len(word)].upper() != word:
        raise ArgumentError(permanent(1, 5, 4, f"the argument must be {word.decode()}<address>"))
    try:
        return parse_path(argument[len(word) :].decode("utf-8"))
    except UnicodeDecodeError:
        raise ArgumentError(permanent(1, 5, 2, "the address is not valid UTF-8")) from None
    except AddressError as error:
        raise ArgumentError(permanent(1, 1, detail, str(error))) from None


def _mail_parameters(text: str, extended: bool, dsn: bool) -> MailParameters:
    if not text:
        return MailParameters()
    if not extended:
        raise ArgumentError(permanent(55, 5, 4, "parameters need EHLO"))
    size, utf8, ret, envid = 0, False, "", ""
    for name, value in _pairs(text):
        if name == "SIZE":
            if not value.isascii() or not value.isdigit() or len(value) > 20:
                raise _malformed("SIZE", "a number of octets")
            size = int(value)
        elif name == "BODY":
            if value.upper() not in ("7BIT", "8BITMIME"):
                raise _malformed("BODY", "7BIT or 8BITMIME")
        elif name == "SMTPUTF8":
            if value:
                raise _malformed("SMTPUTF8", "without a value")
            utf8 = True
        elif name == "AUTH":
            pass  # RFC 4954 §5: taken and not trusted
        elif name == "RET" and dsn:
            ret = value.upper()
            if ret not in ("FULL", "HDRS"):
                raise _malformed("RET", "FULL or HDRS")
        elif name == "ENVID" and dsn:
            if not value or len(value) > 100 or not _XTEXT.match(value):
                raise _malformed("ENVID", "xtext of at most 100 characters")
            envid = value
        else:
            raise _unknown(name, _OF_MAIL)
    return MailParameters(size, utf8, ret, envid)


def _rcpt_parameters(text: str, extended: bool, dsn: bool) -> RcptParameters:
    if not text:
        return RcptParameters()
    if not extended:
        raise ArgumentError(permanent(55, 5, 4, "parameters need EHLO"))
    notify = orcpt = ""
    for name, value in _pairs(text):
        if name == "NOTIFY" and dsn:
            words = value.upper().split(",")
            if words != ["NEVER"] and (not _NOTIFY.issuperset(words) or len(set(words)) != len(words)):
                raise _malformed("NOTIFY", "NEVER or a list of SUCCESS, FAILURE, DELAY")
            notify = ",".join(words)
        elif name == "ORCPT" and dsn:
            kind, semicolon, address = value.partition(";")
            good = _UTF8_ADDR if kind.lower() == "utf-8" else _XTEXT
            if not semicolon or not kind.isascii() or not kind or len(value) > 500 or not good.match(address):
                raise _malformed("ORCPT", "an address type, a semicolon and xtext")
            orcpt = value
        else:
            raise _unknown(name, _OF_RCPT)
    return RcptParameters(notify, orcpt)


def auth_response(line: bytes) -> bytes:
    """What a response says; raises ValueError (RFC 4954 §4: ``=`` is an empty one)."""
    return b"" if line == b"=" else base64.b64decode(line, validate=True)
