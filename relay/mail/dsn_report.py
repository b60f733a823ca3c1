"""What a delivery status notification tells (RFC 3464)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """RFC 3464 §2.3.3 (``expanded`` does not happen here)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What became of one recipient. Times in seconds UTC; ``""`` and None mean unknown."""

    final_recipient: str
    """``local@domain`` as used in RCPT."""
    action: Action
    status: str
    """Enhanced status code, e.g. ``5.1.1``."""
    original_recipient: str = ""
    """ORCPT as the client gave it: ``rfc822;`` and xtext (RFC 3461 §4.2)."""
    remote_mta: str = ""
    """Host name of the server that answered."""
    diagnostic: str = ""
    """The remote's reply, e.g. ``550 5.1.1 no such user``; ours if none answered."""
    last_attempt: float | None = None
    will_retry_until: float | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """Facts of one notification; times in seconds UTC."""

    reporting_mta: str
    """Our host name."""
    reverse_path: str
    """Who gets it; never empty (RFC 5321 §6.1: no notification about a null reverse-path)."""
    message_id: str
    """Of the notification, with angle brackets."""
    date: float
    recipients: tuple[RecipientReport, ...]
    original: bytes = b""
    """The mail object, or its header block; returned as ``ret`` says."""
    ret: str = ""
    """``FULL`` or ``HDRS`` (the default), RFC 3461 §4.3."""
    envelope_id: str = ""
    """ENVID as the client gave it, in xtext (RFC 3461 §4.4)."""
    arrival: float | None = None
