"""Header fields that name somebody else as the one who sends, signs or checked (R14): they don't leave."""

from __future__ import annotations

import re
from typing import Final

from relay.mail.address import AddressError
from relay.mail.decode import addresses_of
from relay.mail.scan import Scanned
from relay.values.facts import Tenant

_SENDERS = (b"sender", b"resent-from", b"resent-sender")
_SENDERS_NAMES = frozenset(
    ("sender", *(f"resent-{name}" for name in ("from", "sender", "to", "cc", "date", "message-id", "reply-to")))
)
_CLAIMS = frozenset(
    (
        *("authentication-results", "received-spf", "bimi-location", "bimi-indicator"),
        *("arc-seal", "arc-message-signature", "arc-authentication-results"),
        *("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-envelope-from"),
    )
)
"""What only a receiving server can say (RFC 8601 §5, RFC 8617): written before, it's made up. And Delivered-To
makes servers take a letter for one that goes round in circles (RFC 9228), which looks like a dead address."""
_NO_FIELDS: frozenset[str] = frozenset()
_SIGNATURES = frozenset(("dkim-signature", "domainkey-signature"))
_LOOKED_AT = frozenset((*_SENDERS, *(name.encode() for name in _SIGNATURES | _CLAIMS)))
_SIGNED_BY: Final = re.compile(rb"(?:^|.*;)d=([^;]*)").match


def suspicious(scanned: Scanned) -> bool:
    """Whether it has a field of those that may name somebody else."""
    return not scanned.index.keys().isdisjoint(_LOOKED_AT)


def fields(scanned: Scanned, tenant: Tenant) -> frozenset[str]:
    """Fields that name somebody else as the one who sends, signs or checked: they don't leave (R14)."""
    if not suspicious(scanned):
        return _CLAIMS
    return _foreign_senders(scanned, tenant) | _foreign_signatures(scanned, tenant) | _CLAIMS


def taken_out(scanned: Scanned, dropped: frozenset[str]) -> tuple[str, ...]:
    """Names of fields that don't leave, as people write them: the tenant is told."""
    found = (name.decode("ascii", "replace") for name in scanned.index)
    return tuple("-".join(word.capitalize() for word in name.split("-")) for name in found if name in dropped)


def _foreign_signatures(scanned: Scanned, tenant: Tenant) -> frozenset[str]:
    for name in _SIGNATURES:
        for value in scanned.values(name.encode()):
            domain = _SIGNED_BY(value.translate(None, b" \t\r\n"))
            if domain is None or domain[1].decode("latin-1").lower() not in tenant.verified_domains:
                return _SIGNATURES
    return _NO_FIELDS


def _foreign_senders(scanned: Scanned, tenant: Tenant) -> frozenset[str]:
    for name in _SENDERS:
        for value in scanned.values(name):
            try:
                named = addresses_of(value)
            except AddressError:
                return _SENDERS_NAMES
            if any(address.rpartition("@")[2] not in tenant.verified_domains for _, address in named):
                return _SENDERS_NAMES
    return _NO_FIELDS
