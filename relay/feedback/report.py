"""The machine-readable parts: delivery-status (RFC 3464) and feedback-report (RFC 5965)."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_RECIPIENTS = 200
MAX_LINES = 5000

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:(.*)")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_RECIPIENT = frozenset(("final-recipient", "original-recipient", "action", "status", "diagnostic-code"))

DELIVERY_STATUS = ("message/delivery-status", "message/global-delivery-status")


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


def recipients(text: str) -> list[RecipientStatus]:
    """All per-recipient groups of a delivery-status text, in order; never raises."""
    found = []
    for group in _groups(text):
        if not _RECIPIENT & group.keys() or not {"action", "status"} & group.keys():
            continue
        found.append(_recipient(group))
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
        line = line.rstrip()
        if not line:
            if current:
                groups.append(current)
            current, last = {}, ""
            continue
        found = _FIELD.match(line)
        if found:
            last = found.group(1).lower()
            if last in current:
                last = ""
            else:
                current[last] = found.group(2).strip()[:2000]
        elif last and len(current[last]) < 2000:
            current[last] = f"{current[last]} {line.strip()}"[:2000]
    return [*groups, current] if current else groups


def _recipient(group: dict[str, str]) -> RecipientStatus:
    found = _STATUS.search(group.get("status", ""))
    status = ".".join(found.groups()) if found else ""
    action = group.get("action", "").split(maxsplit=1)[0:1]
    word = action[0].lower().strip(";,()") if action else _action(status)
    kind, diagnostic = _diagnostic(group.get("diagnostic-code", ""))
    return RecipientStatus(
        recipient=_address(group.get("final-recipient", "")),
        original_recipient=_address(group.get("original-recipient", "")),
        action=word,
        status=status,
        diagnostic_type=kind,
        diagnostic=diagnostic,
        remote=group.get("remote-mta", "").partition(";")[2].strip() or group.get("remote-mta", ""),
    )


def _diagnostic(value: str) -> tuple[str, str]:
    """Type and text; a value without a type is taken as text."""
    found = re.match(r"\s*([A-Za-z][A-Za-z0-9-]{0,30})\s*;\s*(.*)", value, re.S)
    return (found.group(1).lower(), found.group(2)) if found else ("", value.strip())


def _action(status: str) -> str:
    return {"5": "failed", "4": "delayed", "2": "delivered"}.get(status[:1], "")


def _address(value: str) -> str:
    kind, semicolon, address = value.partition(";")
    address = (address if semicolon else kind).strip()
    return address.removeprefix("<").removesuffix(">").strip()
