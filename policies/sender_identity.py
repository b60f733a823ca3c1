"""The sender is true (R14): reverse-path and From lie in the tenant's verified domains.

A verified domain covers the names below it, since its owner controls them.
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

_ADDRESS_IN_NAME = re.compile(r"[^\s@<>\"']+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")


def covered(domain: str, verified: frozenset[str]) -> bool:
    """Whether ``domain`` or a parent of it is among the verified ones."""
    labels = domain.split(".")
    return any(".".join(labels[i:]) in verified for i in range(len(labels)))


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
        if covered(domain, txn.tenant.verified_domains):
            return PASS
        return _not_verified("reverse-path", domain, txn.tenant)

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        for address in msg.from_addresses:
            domain = address.rpartition("@")[2]
            if not covered(domain, txn.tenant.verified_domains):
                return _not_verified("From", domain, txn.tenant)
        for name in msg.from_names:
            shown = _ADDRESS_IN_NAME.search(name)
            if shown and not covered(shown.group(1).lower(), txn.tenant.verified_domains):
                return Reject(refusal("sender", "the From name shows an address that is not yours"))
        return PASS


def _not_verified(where: str, domain: str, tenant: Tenant) -> Reject:
    if covered(domain, tenant.all_domains):
        return Reject(refusal("sender", f"{where} domain {domain} is not verified yet"))
    return Reject(refusal("sender", f"{where} domain {domain} is not one of your verified domains"))
