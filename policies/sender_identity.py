"""The sender is true (R14): reverse-path and From lie in the tenant's verified domains.

Each domain is verified by its own: a name below it may be somebody else's.
Answers may go anywhere but to another tenant, who has nothing to do with the
message, or to the operator; the tenant's own contact address may lie there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

from policies.settings import PolicyTable
from relay.mail.address import AddressError, parse_domain
from relay.mail.status import refusal
from relay.pipeline.contract import PASS, BasePolicy, Message, MessageVerdict, Reject, Transaction, Verdict
from relay.values.facts import Kind, Tenant

MOST_READ = 8192
"""Characters of a field that answers go by."""
_DOMAIN = re.compile(r"(?:[^\W_]|-){1,63}(?:\.(?:[^\W_]|-){1,63}){1,10}")
_DOTS = re.compile(r"[ \t]*([.@])[ \t]*")
_TURNING = frozenset("\u202d\u202e")
"""They show text in another order than it is written (UAX #9 §2.2); no name needs them."""
_UNSEEN = frozenset({"Cc", "Cf", "Mn", "Me"})
"""Categories of characters that stand between letters and don't show, or don't part them."""


def _domains_shown(name: str) -> list[str]:
    """Domains of what a reader takes for an address in a display name; each piece behind an @ is looked at once."""
    found = [_DOMAIN.match(piece.lstrip()) for piece in _as_read(name).split("@")[1:]]
    return [_canonical(match.group()) for match in found if match is not None]


def _another_s(text: str, tenant: Tenant) -> str:
    """A domain in a text, with or without an ``@``, that is another tenant's or the operator's; empty without one."""
    for domain in _domains_in(text):
        owner = next((name for name in _above(domain) if name in tenant.claimed), "")
        if owner and owner not in tenant.verified_domains:
            return domain
    return ""


@lru_cache(maxsize=256)
def _domains_in(text: str) -> tuple[str, ...]:
    """Remembered: names and addresses for answers are the same in most mail of a stream."""
    return tuple(_canonical(match.group()) for match in _DOMAIN.finditer(_as_read(text)[:MOST_READ]))


def _above(domain: str) -> Iterator[str]:
    """The domain itself and those it lies under, the nearest first."""
    while domain:
        yield domain
        domain = domain.partition(".")[2]


def _as_read(name: str) -> str:
    """Other forms of ``@`` and dot as themselves, without what can't be seen."""
    if name.isascii() and name.isprintable():
        return name
    plain = unicodedata.normalize("NFKC", name).replace("\u3002", ".")
    return "".join(letter for letter in plain if unicodedata.category(letter) not in _UNSEEN)


def _canonical(domain: str) -> str:
    try:
        return parse_domain(domain)
    except AddressError:
        return domain.lower()  # no domain of anybody's, so not the tenant's either


class Policy(BasePolicy):
    name = "sender_identity"
    protects = "mail goes out in names that are not the tenant's own"

    def __init__(self, settings: Mapping[str, object]) -> None:
        PolicyTable(settings).done()

    def on_reverse_path(self, txn: Transaction) -> Verdict:
        if not txn.tenant.contact_confirmed and txn.stream.kind is Kind.BULK:
            text = f"the contact address {txn.tenant.contact} is not confirmed yet; open the link in the letter to it"
            return Reject(refusal("sender", text))
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
            if _another_s(name, txn.tenant):
                return Reject(refusal("sender", "the From name shows a domain that is not yours"))
            if not _TURNING.isdisjoint(name):
                return Reject(refusal("sender", "the From name holds characters that turn the text around"))
        for text in msg.replies_to:
            domain = _another_s(_without(text, txn.tenant.contact), txn.tenant)
            if domain:
                return Reject(refusal("sender", f"answers must not go to {domain[:80]}, which is not yours"))
        return PASS


def _without(text: str, contact: str) -> str:
    """A field without the tenant's own contact address, wherever that lies, and without blanks around its dots."""
    return _freed(text[:MOST_READ], contact)


@lru_cache(maxsize=256)
def _freed(text: str, contact: str) -> str:
    return _pattern_of(contact).sub("", _DOTS.sub(r"\1", text))


@lru_cache(maxsize=1024)
def _pattern_of(contact: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.+-]){re.escape(contact)}(?![\w.-])", re.IGNORECASE)


def _not_verified(where: str, domain: str, tenant: Tenant) -> Reject:
    if domain in tenant.all_domains:
        return Reject(refusal("sender", f"{where} domain {domain} is not verified yet"))
    return Reject(refusal("sender", f"{where} domain {domain} is not one of your verified domains"))
