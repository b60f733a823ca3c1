"""DMARC as receivers read it: the DNS tree walk of RFC 9989 instead of a list of public suffixes.

A walk asks at most eight names, from the domain towards the root. What it
finds says where the organisation ends, which record applies, and which of its
policies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from relay.tenants.lookup import LookupFailed, RecordLookup

MOST_QUERIES: Final = 8
"""Of one walk (RFC 9989 §4.10): the domain's own name, then at most the seven nearest the root."""
POLICIES: Final = ("none", "quarantine", "reject")
_VERSION: Final = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_ALMOST: Final = re.compile(r"v[ \t]*=[ \t]*dmarc1\b", re.I)
_MAILTO: Final = re.compile(r"mailto:[^\s,;!@]+@[^\s,;!@]+(?:!\d+[kmgt]?)?\Z", re.I)
_GONE: Final = ("pct", "rf", "ri")
"""Tags that RFC 7489 had; receivers ignore them now."""


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """One record in force; ``tags`` in lower case, the first of a kind, with values without blanks around."""

    domain: str
    text: str
    tags: Mapping[str, str]

    def policy(self, tag: str) -> str | None:
        """A valid one of ``p``, ``sp`` and ``np``, else None."""
        value = self.tags.get(tag, "").lower()
        return value if value in POLICIES else None

    @property
    def psd(self) -> str:
        value = self.tags.get("psd", "u").lower()
        return value if value in ("y", "n") else "u"

    @property
    def testing(self) -> bool:
        return self.tags.get("t", "n").lower() == "y"

    @property
    def reports(self) -> bool:
        """Whether reports are asked for at an address that can be one."""
        return any(_MAILTO.match(one.strip()) for one in self.tags.get("rua", "").split(","))

    @property
    def applies(self) -> bool:
        """Without a valid policy, and without reports to send, receivers do nothing with it (RFC 9989 §4.7)."""
        return self.sound or self.reports

    @property
    def sound(self) -> bool:
        """Its policies are such."""
        others = [tag for tag in ("sp", "np") if tag in self.tags]
        return self.policy("p") is not None and all(self.policy(tag) is not None for tag in others)


@dataclass(frozen=True, slots=True)
class DmarcAnswer:
    """What holds for a domain; ``record`` None: no DMARC at all."""

    domain: str
    organization: str
    """The organisational domain."""
    record: DmarcRecord | None
    policy: str
    """What is asked of receivers for mail of this domain that fails; ``""`` without a record."""
    tag: str
    """Where it stands: ``p``, ``sp`` or ``np``."""
    faults: tuple[str, ...] = ()
    """What there is and isn't read, and why."""
    unknown: str = ""
    """Why a name that counts could not be looked up."""
    asked: tuple[str, ...] = ()
    """The domains that were asked about, in this order."""


def record_of(domain: str, text: str) -> DmarcRecord | None:
    """A TXT record's whole text as one of DMARC; None for anything else."""
    if not _VERSION.match(text):
        return None
    tags: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals and name.strip():
            tags.setdefault(name.strip().lower(), value.strip())
    return DmarcRecord(domain, text, tags)


def targets(domain: str) -> list[str]:
    """The domains that a walk asks about, the longest first."""
    labels = domain.split(".")
    rest = labels[1:] if len(labels) < MOST_QUERIES else labels[-(MOST_QUERIES - 1) :]
    return [domain, *(".".join(rest[start:]) for start in range(len(rest)))]


def answer(domain: str, lookup: RecordLookup) -> DmarcAnswer:
    """Walk, and say what it comes to. Never raises LookupFailed: see ``unknown``."""
    found: list[DmarcRecord] = []
    faults: list[str] = []
    asked: list[str] = []
    unknown = ""
    for name in targets(domain):
        asked.append(name)
        try:
            texts = lookup(f"_dmarc.{name}", "TXT")
        except LookupFailed as error:
            unknown = f"TXT _dmarc.{name} can't be looked up: {error}"
            break
        record, fault = _only(name, texts)
        faults += [fault] if fault else []
        if record is not None:
            found.append(record)
            if record.psd == "n" or (record.psd == "y" and name != domain):
                break
    organization = _organization(domain, found)
    record = _applying(domain, organization, found)
    if unknown and record is None:
        return DmarcAnswer(domain, organization, None, "", "", tuple(faults), unknown, tuple(asked))
    if record is not None and not record.applies:
        faults.append(f"the record at _dmarc.{record.domain} has no valid policy and no rua: receivers ignore it")
        record = None
    if record is None:
        return DmarcAnswer(domain, organization, None, "", "", tuple(faults), asked=tuple(asked))
    policy, tag = _policy(domain, record, lookup)
    return DmarcAnswer(domain, organization, record, policy, tag, tuple(faults), asked=tuple(asked))


def aligned(first: str, second: str, lookup: RecordLookup) -> bool:
    """Whether two domains are one organisation's: relaxed alignment (RFC 9989 §4.10.2)."""
    return first == second or answer(first, lookup).organization == answer(second, lookup).organization


def remarks(found: DmarcAnswer) -> list[str]:
    """What is worth a word though a record applies."""
    record = found.record
    if record is None:
        return []
    told = []
    gone = [tag for tag in _GONE if tag in record.tags]
    if gone:
        instead = ": t=y says that a policy is only tried" if "pct" in gone else ""
        told.append(f"{', '.join(gone)} isn't read any more (RFC 9989){instead}")
    if not record.sound:
        told.append("a policy in it is none of none, quarantine and reject: it counts as p=none")
    if record.tags.get("aspf", "r").lower() == "s" and record.domain == found.domain:
        told.append("aspf=s: the return path below the domain doesn't align, only the DKIM signature does")
    return told


def sentence(found: DmarcAnswer) -> str:
    """For people: which record, which policy."""
    record = found.record
    if record is None:
        return ""
    place = "" if record.domain == found.domain else f" of {record.domain}"
    tried = ", only tried (t=y)" if record.testing and found.policy != "none" else ""
    return f"TXT _dmarc.{record.domain}: {found.tag}={found.policy}{place}{tried}"


def _only(name: str, texts: Sequence[str]) -> tuple[DmarcRecord | None, str]:
    """The one record of a name, or why what is there isn't read."""
    records = [record for text in texts if (record := record_of(name, text)) is not None]
    if len(records) > 1:
        return None, f"_dmarc.{name} has {len(records)} DMARC records: receivers take none of them"
    if records:
        return records[0], ""
    if any(_ALMOST.search(text) for text in texts):
        return None, f"the record at _dmarc.{name} isn't read: it must begin with v=DMARC1, in capitals"
    return None, ""


def _organization(domain: str, found: Sequence[DmarcRecord]) -> str:
    for record in found:
        if record.psd == "n":
            return record.domain
        if record.psd == "y" and record.domain != domain:
            below = len(record.domain.split(".")) + 1
            return ".".join(domain.split(".")[-below:])
    return found[-1].domain if found else domain


def _applying(domain: str, organization: str, found: Sequence[DmarcRecord]) -> DmarcRecord | None:
    """The domain's own, else the organisation's, else the public suffix's (RFC 9989 §4.10.1)."""
    places = {record.domain: record for record in found}
    own = places.get(domain) or places.get(organization)
    return own or next((record for record in found if record.psd == "y"), None)


def _policy(domain: str, record: DmarcRecord, lookup: RecordLookup) -> tuple[str, str]:
    """What the record says for the domain, and by which tag."""
    if not record.sound:
        return "none", "p"
    tags = ["p"]
    if record.domain != domain:
        tags = ["sp", "p"]
        if "np" in record.tags and not _exists(domain, lookup):
            tags = ["np"]
    for tag in tags:
        policy = record.policy(tag)
        if policy is not None:
            return policy, tag
    return "none", "p"


def _exists(domain: str, lookup: RecordLookup) -> bool:
    """A name with an address or a mail exchanger (RFC 9989 §3.2.13); one that can't be asked about is taken for one."""
    try:
        return any(lookup(domain, kind) for kind in ("A", "AAAA", "MX"))
    except LookupFailed:
        return True
