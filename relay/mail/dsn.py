"""Delivery status notifications that the relay itself sends.

Enters: facts about one message and the recipients to be reported. Leaves: a
whole mail object as bytes with CRLF, to be sent from the null reverse-path.
Sources: RFC 3464 (format), RFC 3461 (who gets one), RFC 6522 (multipart/report),
RFC 6533 (internationalised addresses), RFC 3834 (Auto-Submitted).

What comes from outside (diagnostics, host names, identifiers, addresses) is
cleaned of control characters before it stands in a field, so that nothing of
it can start a field or a part of its own.
"""

from __future__ import annotations

import hashlib
import quopri
import re
from datetime import UTC, datetime
from email.utils import format_datetime

from relay.mail.address import parse_address
from relay.mail.dsn_report import Action, Notification, RecipientReport
from relay.mail.dsn_text import explain

MAX_RETURNED_OCTETS = 64 * 1024
"""A longer original is returned as its header block only."""
_MAX_LINE_OCTETS = 998
_FOLD_AT = 76

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_HEX = re.compile(r"\+([0-9A-F]{2})")
_UNICODE = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")


def wanted(notify: str, kind: str, outcome: str) -> bool:
    """Whether this outcome (``failed``, ``delayed``, ``delivered``) is to be notified.

    ``notify`` is NOTIFY as given (RFC 3461 §4.1), ``""`` if absent. Without it
    failures of transactional mail are notified; bulk mail is reported by
    events, a declared departure from RFC 3461 §4.1's default.
    """
    asked = {word.strip().upper() for word in notify.split(",")} - {""}
    if asked:
        word = {"failed": "FAILURE", "delayed": "DELAY", "delivered": "SUCCESS"}[outcome]
        return word in asked and "NEVER" not in asked
    return kind == "transactional" and outcome == "failed"


def build(note: Notification) -> bytes:
    """The whole mail object, lines end in CRLF.

    All ASCII unless the returned original is not, or the reverse-path needs
    SMTPUTF8 anyway. Raises ValueError on facts that can't be reported.
    """
    _check(note)
    utf8 = not note.reverse_path.isascii()
    parts = [
        _text_part(explain(note)),
        _part(
            "message/global-delivery-status" if utf8 else "message/delivery-status",
            _status_body(note, utf8),
            "Delivery report",
        ),
    ]
    if note.original:
        parts.append(_original_part(note.original, note.ret.upper() == "FULL"))
    boundary = _boundary(note.message_id, parts)
    host = _ascii(note.reporting_mta)
    head = [
        _field("From", f"Mail delivery <MAILER-DAEMON@{host}>"),
        _field("To", f"<{_clean(note.reverse_path)}>"),
        _field("Subject", _subject(note)),
        _field("Date", _date(note.date)),
        _field("Message-ID", note.message_id),
        _field("Auto-Submitted", "auto-replied"),
        _field("MIME-Version", "1.0"),
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"\r\n'.encode(),
    ]
    mark = f"--{boundary}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts)
    return b"".join(head) + b"\r\n" + body + mark + b"--\r\n"


def _check(note: Notification) -> None:
    if not note.reverse_path:
        raise ValueError("a null reverse-path gets no notification")
    parse_address(note.reverse_path)
    if not note.recipients:
        raise ValueError("a notification reports at least one recipient")
    if not _MESSAGE_ID.fullmatch(note.message_id):
        raise ValueError("the Message-ID must be <left@right> in printable ASCII")
    for recipient in note.recipients:
        if not _STATUS.fullmatch(recipient.status):
            raise ValueError(f"{recipient.status!a} is no enhanced status code")


def _subject(note: Notification) -> str:
    actions = {r.action for r in note.recipients}
    if actions == {Action.FAILED}:
        return "Your message could not be delivered"
    if actions == {Action.DELAYED}:
        return "Your message is delayed"
    if actions <= {Action.DELIVERED, Action.RELAYED}:
        return "Your message was delivered"
    return "Delivery report for your message"


# --- the machine-readable part -------------------------------------------------


def _status_body(note: Notification, utf8: bool) -> bytes:
    """Per-message fields, then a group for each recipient (RFC 3464 §2.2, §2.3)."""
    fields = [("Reporting-MTA", f"dns; {note.reporting_mta}")]
    if note.envelope_id:
        fields.insert(0, ("Original-Envelope-Id", _xtext(note.envelope_id)))
    if note.arrival is not None:
        fields.append(("Arrival-Date", _date(note.arrival)))
    groups = [fields] + [_recipient_fields(r, utf8) for r in note.recipients]
    return b"\r\n".join(b"".join(_field(n, v if utf8 else _ascii(v)) for n, v in group) for group in groups)


def _recipient_fields(r: RecipientReport, utf8: bool) -> list[tuple[str, str]]:
    fields = []
    if r.original_recipient:
        fields.append(("Original-Recipient", _original_recipient(r.original_recipient, utf8)))
    fields += [
        ("Final-Recipient", _typed(r.final_recipient, utf8)),
        ("Action", r.action.value),
        ("Status", r.status),
    ]
    if r.remote_mta:
        fields.append(("Remote-MTA", f"dns; {r.remote_mta}"))
    if r.diagnostic:
        fields.append(("Diagnostic-Code", f"smtp; {r.diagnostic}"))
    if r.last_attempt is not None:
        fields.append(("Last-Attempt-Date", _date(r.last_attempt)))
    if r.will_retry_until is not None and r.action is Action.DELAYED:
        fields.append(("Will-Retry-Until", _date(r.will_retry_until)))
    return fields


def _typed(address: str, utf8: bool) -> str:
    """``rfc822;`` or ``utf-8;`` address; without SMTPUTF8 in its ASCII form (RFC 6533 §3)."""
    if address.isascii():
        return f"rfc822; {address}"
    if utf8:
        return f"utf-8; {address}"
    return "utf-8; " + "".join(c if "!" <= c <= "~" and c not in "+=\\" else f"\\x{{{ord(c):X}}}" for c in address)


def _original_recipient(orcpt: str, utf8: bool) -> str:
    kind, _, value = orcpt.partition(";")
    if kind.strip().lower() == "utf-8":
        address = _UNICODE.sub(_code_point, value)
        return _typed(address, utf8) if not address.isascii() else f"utf-8; {address}"
    return f"{kind.strip()}; {_xtext(value)}"


def _code_point(found: re.Match[str]) -> str:
    number = int(found.group(1), 16)
    return chr(number) if number < 0x110000 else "?"


def _xtext(text: str) -> str:
    """Decode xtext (RFC 3461 §4)."""
    return _HEX.sub(lambda found: chr(int(found.group(1), 16)), text)


# --- parts and fields ----------------------------------------------------------


def _part(kind: str, body: bytes, description: str) -> bytes:
    encoding = "7bit" if body.isascii() else "8bit"
    head = f"Content-Type: {kind}\r\nContent-Description: {description}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return head.encode() + b"\r\n" + body


def _text_part(lines: list[str]) -> bytes:
    """The readable part; quoted-printable if it needs more than ASCII."""
    body = "".join(_clean(line, " ", strip=False) + "\n" for line in lines).encode()
    if body.isascii() and all(len(line) <= _MAX_LINE_OCTETS for line in body.split(b"\n")):
        return _part("text/plain; charset=us-ascii", body.replace(b"\n", b"\r\n"), "Notification")
    head = (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Description: Notification\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head + quopri.encodestring(body).replace(b"\n", b"\r\n")


def _original_part(original: bytes, full: bool) -> bytes:
    """The message (bounded), or its header block."""
    original = b"\r\n".join(original.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"").split(b"\n"))
    head = original if original[:2] == b"\r\n" else original.partition(b"\r\n\r\n")[0]
    head = b"" if head[:2] == b"\r\n" else head.rstrip(b"\r\n") + b"\r\n"
    fits = len(original) <= MAX_RETURNED_OCTETS and max(map(len, original.split(b"\r\n"))) <= _MAX_LINE_OCTETS
    if full and fits:
        kind = "message/rfc822" if head.isascii() else "message/global"
        return _part(kind, original, "Undelivered message")
    lines: list[bytes] = []
    room = MAX_RETURNED_OCTETS
    for line in head.split(b"\r\n")[:-1]:
        line = line[:_MAX_LINE_OCTETS]
        room -= len(line) + 2
        if room < 0:
            break
        lines.append(line + b"\r\n")
    block = b"".join(lines)
    return _part(
        "text/rfc822-headers" if block.isascii() else "message/global-headers", block, "Headers of the message"
    )


def _boundary(seed: str, parts: list[bytes]) -> str:
    """A boundary that stands in no part; the same facts give the same one."""
    count = 0
    while True:
        text = "=_" + hashlib.sha256(f"{seed} {count}".encode()).hexdigest()[:32]
        if not any(text.encode() in part for part in parts):
            return text
        count += 1


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC))


def _clean(text: str, instead: str = " ", *, strip: bool = True) -> str:
    text = _CONTROL.sub(instead, text)
    return text.strip() if strip else text.rstrip()


def _ascii(text: str) -> str:
    return _clean(text).encode("ascii", "replace").decode("ascii")


def _field(name: str, value: str) -> bytes:
    """One field, folded at spaces; a word too long for any line is cut (RFC 5322 §2.1.1)."""
    lines, line = [], f"{name}:"
    for word in _clean(value).split(" "):
        while len(word.encode()) > _MAX_LINE_OCTETS - len(name) - 3:
            word = word[: len(word) // 2]
        if len(line) > len(name) + 1 and len(line) + 1 + len(word) > _FOLD_AT:
            lines.append(line)
            line = ""
        line += " " + word
    lines.append(line)
    return ("\r\n".join(lines) + "\r\n").encode()
