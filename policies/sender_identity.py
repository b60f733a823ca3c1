"""The sender is true (R14): reverse-path and From lie in the tenant's verified domains.

Each domain is verified by its own: a name below it may be somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from policies.settings import Table
from relay.mail.status import refusal
from relay.pipeline.contract import (
    PASS,
    BasePolicy,
    Kind,
    Message,
    MessageVerdict,
    Reject,
    Tenant,
    Transaction,
    Verdict,
)

_DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,10}")


def _domains_shown(name: str) -> list[str]:
    """Domains of what looks like an address in a display name; each piece behind an @ is looked at once."""
    found = [_DOMAIN.match(piece) for piece in name.split("@")[1:]]
    return [match.group().lower() for match in found if match is not None]


class Policy(BasePolicy):
    name = "sender_identity"

    def __init__(self, settings: Mapping[str, object]) -> None:
        Table(settings).done()

    def on_reverse_path(self, txn: Transaction) -> Verdict:
        if not txn.reverse_path:
            if txn.stream.kind is Kind.BULK:
                return Reject(refusal("sender", "a bulk stream needs a reverse-path, <> is for transactional streams"))
            return PASS
        domain = txn.reverse_path.rpartition("@")[2]
        if domain in txn.tenant.verified_domains:
            return PASS
        return _not_verified("reverse-path", domain, txn.tenant)

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        for address in msg.from_addresses:
            domain = address.rpartition("@")[2]
            if domain not in txn.tenant.verified_domains:
                return _not_verified("From", domain, txn.tenant)
        for name in msg.from_names:
            if any(domain not in txn.tenant.verified_domains for domain in _domains_shown(name)):
                return Reject(refusal("sender", "the From name shows an address that is not yours"))
        return PASS


def _not_verified(where: str, domain: str, tenant: Tenant) -> Reject:
    if domain in tenant.all_domains:
        return Reject(refusal("sender", f"{where} domain {domain} is not verified yet"))
    return Reject(refusal("sender", f"{where} domain {domain} is not one of your verified domains"))
