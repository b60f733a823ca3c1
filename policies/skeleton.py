"""A policy to copy: refuses recipients in domains that the settings name, and bulk mail without a word to a reader.

1. Copy this file, rename the class's ``name``.
2. Register it as an entry point in the group ``relay.policies`` of your package:
   ``[project.entry-points."relay.policies"]`` ``skeleton = "policies.skeleton:Policy"``.
3. Put its name into ``[policies] order`` and its settings under ``[policy.NAME]``.

Write only the hooks you need; the runner skips the others. All hooks run on
the same thread: one written with ``def`` answers from what it is handed, for
while it works all mail stands still; one that takes longer than a second
counts as Defer, as does an exception. A hook that has to ask others is written
with ``async def`` (``examples/gatekeeper`` asks a service on the network): it
is awaited as long as its transaction may wait, and a Defer after that.
"""

from __future__ import annotations

from collections.abc import Mapping

from relay.mail.status import refusal
from relay.pipeline.contract import PASS, BasePolicy, Message, MessageVerdict, Reject, Transaction, Verdict
from relay.values.facts import Kind, Recipient


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

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        content = msg.content  # costs nothing until one of its facts is asked for
        if txn.stream.kind is not Kind.BULK or content.attachments or content.sealed:
            return PASS
        if any(text.text for text in content.texts):
            return PASS
        return Reject(refusal("empty", "the message says nothing to its reader"))
