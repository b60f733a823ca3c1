"""Names and subjects that mislead (R15, R14) keep a campaign for the operator: reasons are weighed and told.

A From name that is a well-known brand's or another tenant's, in all mail; a
tenant of that name may be allowed to bear it. In bulk mail a mail system's name
too, answers that go to a brand, a subject that says "Re:" where nothing is
answered, or promises a receipt and sells: service mail answers tickets, hands
on what was written to a form by whoever works where, and tells of its servers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from policies.heads.names import read_brands, system, tenant_pretended
from policies.heads.subjects import false_answer, false_service
from policies.settings import PolicyTable
from relay.mail.address import AddressError, parse_domain
from relay.pipeline.contract import (
    PASS,
    BasePolicy,
    ContentFinding,
    Continue,
    Message,
    MessageVerdict,
    Suspect,
    Transaction,
)
from relay.values.facts import Kind, Tenant

ENOUGH: Final = 10
CLASS: Final = "names"
"""What is permitted to who bears the name by right."""
MOST_BODY: Final = 20_000
PROGRAMS: Final = frozenset(("GitLab", "WordPress"))
"""Well-known names under which programs that people run themselves write service mail, unless told otherwise."""


class Policy(BasePolicy):
    name = "misleading_head"

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        path = table.text("brands", "")
        self._enough = table.whole("enough", ENOUGH, 3, 100)
        table.done()
        self._brands = read_brands(path)
        self._pretended = lru_cache(maxsize=4096)(self._brands.pretended)
        self.content_classes = {CLASS: "names that are others' too"}

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        service = txn.stream.kind is not Kind.BULK and not txn.stream.consent_required
        found = list(self._names(txn.tenant, msg, PROGRAMS) if service else self._reasons(txn.tenant, msg))
        if not found or sum(weight for weight, _, _ in found) < self._enough:
            return PASS
        told = "; ".join(reason for _, reason, _ in found)
        return Continue(effects=(Suspect(f"misleading head: {told}"),))

    def findings(self, tenant: Tenant, msg: Message) -> Sequence[ContentFinding]:
        return [
            ContentFinding(self.name, "misleading head", reason, where, passage, weight / self._enough)
            for weight, reason, (where, passage) in self._reasons(tenant, msg)
        ]

    def _reasons(self, tenant: Tenant, msg: Message) -> Iterator[tuple[int, str, tuple[str, str]]]:
        """Weight, reason, where and passage."""
        yield from self._names(tenant, msg)
        if CLASS not in tenant.permits:
            for name in msg.from_names:
                if system(name):
                    yield 10, "the From name is that of a mail system", ("the From name", name[:200])
            for text in msg.replies_to:
                brand = self._answers_to(text, tenant)
                if brand:
                    yield 10, f"answers go to {brand}, and that is not the sender's", ("Reply-To", text[:200])
        answer = false_answer(msg.subject, [name for name, _ in msg.content.fields])
        if answer:
            yield 10, f'the subject begins with "{answer}" and answers nothing', ("the subject", msg.subject[:200])
        elif msg.subject:
            promised = self._promised(msg)
            if promised:
                yield (
                    10,
                    f'the subject speaks of "{promised}", the message is an offer',
                    ("the subject", msg.subject[:200]),
                )

    def _names(
        self, tenant: Tenant, msg: Message, spared: frozenset[str] = frozenset()
    ) -> Iterator[tuple[int, str, tuple[str, str]]]:
        """The same, of whose names it bears."""
        if CLASS in tenant.permits:
            return
        for name in msg.from_names:
            reason = "" if name in spared else self._pretends(name, tenant)
            if reason:
                yield 10, reason, ("the From name", name[:200])

    def _pretends(self, name: str, tenant: Tenant) -> str:
        brand = self._pretended(name, tenant.verified_domains)
        if brand is not None:
            return f"the From name is that of {brand.name}"
        other = tenant_pretended(name, tenant.named, (tenant.name, tenant.title))
        return f"the From name is that of another sender here, {other}" if other else ""

    def _answers_to(self, text: str, tenant: Tenant) -> str:
        for piece in text.split("@")[1:]:
            domain = piece.strip().split(">")[0].split(",")[0].split()[0:1]
            try:
                name = parse_domain(domain[0]) if domain else ""
            except AddressError:
                continue
            alike = "" if name in tenant.verified_domains else self._brands.looks_like(name)
            if alike and name not in self._brands.domains and name not in MAILBOXES:
                return f"{name}, which looks like {alike}"
            while name.count("."):
                if name in self._brands.domains and name not in tenant.verified_domains and name not in MAILBOXES:
                    return name
                name = name.partition(".")[2]
        return ""

    def _promised(self, msg: Message) -> str:
        if not false_service(msg.subject, "sale discount"):  # cheap, and nearly always the end of it
            return ""
        return false_service(msg.subject, "\n".join(one.text for one in msg.content.texts)[:MOST_BODY])


MAILBOXES: Final = frozenset(
    (
        *("gmail.com", "outlook.com", "live.com", "hotmail.com", "icloud.com", "yahoo.com", "aol.com", "mail.ru"),
        *("yandex.ru", "yandex.com", "ya.ru", "free.fr", "orange.fr", "laposte.fr", "telia.ee"),
    )
)
"""Domains of brands at which anybody has a mailbox."""
