"""A policy to copy: refuses recipients in domains that the settings name.

1. Copy this file, rename the class's ``name``.
2. Register it as an entry point in the group ``relay.policies`` of your package:
   ``[project.entry-points."relay.policies"]`` ``skeleton = "policies.skeleton:Policy"``.
3. Put its name into ``[policies] order`` and its settings under ``[policy.NAME]``.

Write only the hooks you need; the runner skips the others. Answer from what
you are handed: a hook that waits holds up all mail, and one that takes longer
than a second counts as Defer, as does an exception.
"""

from __future__ import annotations

from collections.abc import Mapping

from relay.mail.status import refusal
from relay.pipeline.contract import PASS, BasePolicy, Reject, Transaction, Verdict
from relay.values.facts import Recipient


class Policy(BasePolicy):
    name = "skeleton"

    def __init__(self, settings: Mapping[str, object]) -> None:
        domains = settings.get("refused_domains", [])
        if not isinstance(domains, list) or not all(isinstance(d, str) for d in domains):
            raise ValueError("refused_domains must be a list of domain names")
        unknown = set(settings) - {"refused_domains"}
        if unknown:
            raise ValueError(f"unknown key {sorted(unknown)[0]} (there is: refused_domains)")
        self._refused = frozenset(d.lower() for d in domains)

    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        if rcpt.domain in self._refused:
            return Reject(refusal("domain", f"{txn.tenant.name} sends no mail to {rcpt.domain}"))
        return PASS
