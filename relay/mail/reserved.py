"""Header fields that only the writer of a message, or the relay, writes."""

from __future__ import annotations

from typing import Final

RESERVED_FIELDS: Final = frozenset(
    (
        *("from", "sender", "to", "cc", "bcc", "reply-to", "subject", "mime-version", "received", "return-path"),
        *("dkim-signature", "domainkey-signature", "authentication-results", "delivered-to", "x-sender-contact"),
        *("feedback-id", "x-report-abuse", "list-unsubscribe", "list-unsubscribe-post", "apparently-to"),
    )
)
"""Lower-case names, besides all that begin with ``content-``, ``relay-``, ``resent-`` or ``arc-``."""
