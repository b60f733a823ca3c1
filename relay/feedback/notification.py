"""Notifications of Amazon SES, plain or wrapped by SNS: JSON as the whole body, or within it.

Format: "Amazon SNS notification contents for Amazon SES" (``notificationType``,
``bounce``, ``complaint``, ``delivery``); event publishing says ``eventType``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from relay.feedback.mime import Mail

MAX_OCTETS: Final = 256 * 1024
MAX_RECIPIENTS: Final = 200
_MARKS: Final = ('"notificationType"', '"eventType"', '\\"notificationType\\"', '\\"eventType\\"')


@dataclass(frozen=True, slots=True)
class ToldRecipient:
    """One recipient of a bounce; ``""`` for what isn't said."""

    recipient: str
    action: str
    status: str
    diagnostic: str
    type: str
    """``Permanent``, ``Transient`` or ``Undetermined``."""
    subtype: str
    """``General``, ``NoEmail``, ``Suppressed``, ``OnAccountSuppressionList``, ``MailboxFull``, …"""


def notification(mail: Mail) -> Mapping[str, Any] | None:
    """The notification in a message, out of its wrapping; None if there is none."""
    for part in mail.parts[:4]:
        text = part.text()[:MAX_OCTETS]
        if not any(mark in text for mark in _MARKS):
            continue
        found = _object(text)
        if found is not None and isinstance(found.get("Message"), str):  # wrapped by SNS
            found = _object(found["Message"])
        if found is not None and kind(found):
            return found
    return None


def kind(found: Mapping[str, Any]) -> str:
    """``bounce``, ``complaint``, ``delivery``, ``deliverydelay``, … in lower case."""
    return str(found.get("notificationType") or found.get("eventType") or "").lower().replace(" ", "")


def bounced(found: Mapping[str, Any]) -> list[ToldRecipient]:
    """The recipients of a bounce or a delay."""
    about = found.get("bounce") or found.get("deliveryDelay") or {}
    if not isinstance(about, Mapping):
        return []
    rows = about.get("bouncedRecipients") or about.get("delayedRecipients") or []
    kinds = str(about.get("bounceType") or about.get("delayType") or ""), str(about.get("bounceSubType") or "")
    return (
        [_told(row, *kinds) for row in rows[:MAX_RECIPIENTS] if isinstance(row, Mapping)]
        if isinstance(rows, list)
        else []
    )


def _told(row: Mapping[str, Any], type_: str, subtype: str) -> ToldRecipient:
    def field(name: str) -> str:
        value = row.get(name)
        return value[:2000] if isinstance(value, str) else ""

    address = field("emailAddress").strip()
    if address.endswith(">"):
        address = address.rpartition("<")[2][:-1]
    diagnostic = field("diagnosticCode")
    if diagnostic.lower().startswith("smtp;"):
        diagnostic = diagnostic[5:].strip()
    return ToldRecipient(address, field("action").lower(), field("status"), diagnostic, type_, subtype)


def _object(text: str) -> dict[str, Any] | None:
    """The first JSON object in a text; lines that a mail program folded at a blank or with ``!`` are joined."""
    start = text.find("{")
    if start < 0:
        return None
    for candidate in (
        text[start:],
        text[start:].replace("!\n ", "").replace("!\n", ""),
        text[start:].replace("\n", ""),
    ):
        try:
            found, _ = json.JSONDecoder(strict=False).raw_decode(candidate)
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, dict) else None
    return None
