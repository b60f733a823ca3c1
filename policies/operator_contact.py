"""The operator's own contact details stand in no tenant's bulk mail (R16).

Looked for: ``[operator] contact``, ``addresses`` and ``sites``. What the relay
itself puts in isn't in the message yet; links to its pages (the tenant's own
forms, a quoted footer) don't count, nor does what is the tenant's as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from policies.contacts.codings import WrittenAt
from policies.contacts.glimpses import may_hold
from policies.contacts.needles import Needle, needles, runs
from policies.contacts.numbers import is_spoken, spoken
from policies.contacts.places import places
from policies.contacts.plain import digits_in, folded, letters_in, shown_digits
from policies.remembered import Passed
from policies.settings import PolicyTable
from relay.mail.status import refusal
from relay.pipeline.contract import PASS, BasePolicy, ContentFinding, Message, MessageVerdict, Reject, Transaction
from relay.values.facts import Kind, OperatorFacts, Tenant

AROUND = 40
"""Characters shown before and behind what was found."""
_PAGES = r"/(?:u|p|s|c|o|why|confirm)/[\w.~%=-]+(?:\.gif)?|/(?:report|rights|terms|processors)\b[\w./~?=&%-]*"
_GAP = "\n" * 8
"""Longer than any gap that a pattern allows within a contact."""


class Policy(BasePolicy):
    name = "operator_contact"
    reads_content = True

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        self._service = table.flag("service", False)
        """Look at service mail too."""
        table.done()
        self._passed = Passed()
        self._needles: tuple[Needle, ...] = ()
        self._own = re.compile(r"(?!)")
        self._hosts: tuple[str, ...] = ()

    def serves(self, operator: OperatorFacts) -> None:
        contacts = (operator.contact, *operator.addresses, *operator.sites)
        self._needles = needles(tuple(one for one in contacts if one))
        self._hosts = (*(url.partition("://")[2].lower() for url in operator.pages), *operator.letters_to)
        hosts = "|".join(re.escape(url.rstrip("/").partition("://")[2]) for url in operator.pages if url)
        if hosts:
            own = rf"(?<![\w.@-])(?:https?://)?(?<![\w.@-])(?:{hosts})(?:{_PAGES})"
            letters = "|".join(re.escape(one) for one in operator.letters_to if one)
            if letters:  # addresses that unsubscribe and bounces come back to
                own += rf"|(?<![\w.-])[bu]-[a-z2-7]{{30,62}}@(?:{letters})(?![\w.-])"
            self._own = re.compile(own, re.IGNORECASE)

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        if not self._needles:
            return PASS
        if txn.stream.kind is not Kind.BULK and not txn.stream.consent_required and not self._service:
            return PASS
        key = (txn.tenant.id, msg.content.digest())
        if key in self._passed:
            return PASS
        for found in self.findings(txn.tenant, msg):
            return Reject(
                refusal(
                    "content",
                    f"contact details of this service ({found.what}) must not stand in your mail;"
                    f" found in {found.where}",
                )
            )
        self._passed.add(key)
        return PASS

    def findings(self, tenant: Tenant, msg: Message) -> list[ContentFinding]:
        """The first of each contact."""
        wanted = [one for one in self._needles if not _tenants_own(one, tenant)]
        if not wanted or not may_hold(msg, wanted):
            return []
        found = list(places(msg))
        whole = _GAP.join(dict.fromkeys(place.text for place in found))
        lower = whole.lower()
        own = any(host in lower for host in self._hosts)
        if not _within(self._own.sub(" ", whole) if own else whole, wanted):
            return []
        seen: list[ContentFinding] = []
        for place in found:
            text = self._own.sub(" ", place.text)
            for one in _within(text, wanted):
                seen.append(_finding(self.name, one, place, text))
                wanted.remove(one)
        return seen


def _tenants_own(one: Needle, tenant: Tenant) -> bool:
    return one.domain in tenant.verified_domains or one.exact == tenant.contact.lower() != ""


def _within(text: str, wanted: list[Needle]) -> list[Needle]:
    plain = folded(text)
    compact = letters_in(plain)
    found = [one for one in wanted if not one.numbers and one.hint in compact and one.pattern.search(plain)]
    numbers = [one for one in wanted if one.numbers]
    if numbers:
        shown = shown_digits(text)
        together = digits_in(shown)
        likely = any(form in together for one in numbers for form in one.numbers)
        digits = runs(shown) if likely else set()
        found += [
            one
            for one in numbers
            if not one.numbers.isdisjoint(digits)
            or ((likely or one.hint in compact) and one.pattern.search(shown))
            or (is_spoken(compact, one.numbers) and not one.numbers.isdisjoint(spoken(text)))
        ]
    return found


def _finding(policy: str, one: Needle, place: WrittenAt, text: str) -> ContentFinding:
    match = one.pattern.search(shown_digits(text) if one.numbers else folded(text))
    # Folding keeps nearly all lengths, so the passage is about where the pattern was found.
    start, end = match.span() if match is not None else (0, AROUND)
    passage = " ".join(text[max(0, start - AROUND) : end + AROUND].split())
    return ContentFinding(policy, "operator's contact details", one.shown, place.where, passage, 1.0, certain=True)
