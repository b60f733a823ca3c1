"""The machine-readable parts: delivery-status (RFC 3464) and feedback-report (RFC 5965)."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_RECIPIENTS = 200
MAX_LINES = 5000

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:(.*)")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_RECIPIENT = frozenset(("final-recipient", "original-recipient", "action", "status", "diagnostic-code"))
_BEGINS = ("final-recipient", "original-recipient")

DELIVERY_STATUS = ("message/delivery-status", "message/global-delivery-status")
FIELD = "final-recipient:"
"""In lower case: where this stands, a report's fields do."""
_MAIL = re.compile(r"[^\s<>,;:()\"]{1,64}@[\w.-]{1,255}")


def addresses(value: str) -> list[str]:
    """The addresses in a header field, roughly."""
    return _MAIL.findall(value[:8000])[:MAX_RECIPIENTS]


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """One group of a delivery-status part; ``""`` for what it doesn't say."""

    recipient: str
    original_recipient: str
    action: str
    """In lower case; made from the status where the field is missing."""
    status: str
    """``class.subject.detail``."""
    diagnostic_type: str
    """``smtp``, ``x-unix``, …; ``""`` if none is given."""
    diagnostic: str
    remote: str
    reporter: str = ""
    """Reporting-MTA, which RFC 3464 §2.2.2 demands."""


def recipients(text: str) -> list[RecipientStatus]:
    """All per-recipient groups of a delivery-status text, in order; never raises."""
    found = []
    reporter = ""
    for group in _groups(text):
        reporter = group.get("reporting-mta", reporter)
        if not _RECIPIENT & group.keys() or not {"action", "status"} & group.keys():
            continue
        found.append(_recipient(group, reporter))
        if len(found) == MAX_RECIPIENTS:
            break
    return found


def fields(text: str) -> dict[str, str]:
    """Fields of a feedback-report; the first of each name counts."""
    merged: dict[str, str] = {}
    for group in _groups(text):
        for name, value in group.items():
            merged.setdefault(name, value)
    return merged


def _groups(text: str) -> list[dict[str, str]]:
    """Blocks of fields between blank lines. A line that is no field goes on with the one before."""
    groups: list[dict[str, str]] = []
    current: dict[str, str] = {}
    last = ""
    for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
        line = line.rstrip().removeprefix("> ")
        if not line:
            if current:
                groups.append(current)
            current, last = {}, ""
            continue
        found = _FIELD.match(line)
        if found:
            last = found.group(1).lower()
            if last in current and last in _BEGINS:  # the blank line is missing
                groups.append(current)
                current = {}
            if last in current:
                last = ""
            else:
                current[last] = found.group(2).strip()[:2000]
        elif last and len(current[last]) < 2000:
            current[last] = f"{current[last]} {line.strip()}"[:2000]
    return [*groups, current] if current else groups


def _recipient(group: dict[str, str], reporter: str) -> RecipientStatus:
    found = _STATUS.search(group.get("status", ""))
    status = ".".join(found.groups()) if found else ""
    action = group.get("action", "").split(maxsplit=1)[0:1]
    word = _word(action[0].lower().strip(";,()")) if action else _action(status)
    kind, diagnostic = _diagnostic(group.get("diagnostic-code", "") or _supplementary(group))
    return RecipientStatus(
        recipient=_address(group.get("final-recipient", "")),
        original_recipient=_address(group.get("original-recipient", "")),
        action=word,
        status=status,
        diagnostic_type=kind,
        diagnostic=diagnostic,
        remote=group.get("remote-mta", "").partition(";")[2].strip() or group.get("remote-mta", ""),
        reporter=reporter,
    )


def _diagnostic(value: str) -> tuple[str, str]:
    """Type and text; a value without a type is taken as text."""
    found = re.match(r"\s*([A-Za-z][A-Za-z0-9-]{0,30})\s*;\s*(.*)", value, re.S)
    return (found.group(1).lower(), found.group(2)) if found else ("", value.strip())


def _supplementary(group: dict[str, str]) -> str:
    """Where some gateways put the other server's answer: ``<mx.b.example #5.0.0 smtp; 550 no such user>``."""
    _, found, answer = group.get("x-supplementary-info", "").partition("#")
    return answer.partition(" ")[2].strip().removesuffix(">") if found else ""


def _word(action: str) -> str:
    """What some servers write instead of ``failed``."""
    return "failed" if action.startswith(("fail", "err", "undeliv", "perm", "bounce", "reject")) else action


def _action(status: str) -> str:
    return {"5": "failed", "4": "delayed", "2": "delivered"}.get(status[:1], "")


def _address(value: str) -> str:
    kind, semicolon, address = value.partition(";")
    address = (address if semicolon else kind).strip()
    if kind.strip().lower() == "utf-8":
        address = _XTEXT.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)), address)
    address = address.partition(" ")[0] if "<" not in address else address[address.find("<") :].partition(">")[0]
    return address.removeprefix("<").removesuffix(">").strip()


_XTEXT = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
"""RFC 6533 §3: ``utf-8-addr-xtext``."""
