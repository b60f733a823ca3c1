"""Feedback reports (RFC 5965): what kind of feedback, about whom, with which copy; and what each kind does.

Reads a mail that came back and says which reports are in it: none, one, or
several. Forms that are no feedback report by their MIME types, but the same
thing, are in ``feedback/loops.py``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from relay.feedback import report
from relay.feedback.mime import Mail, MimePart, parse, readable
from relay.feedback.phrases import CUT
from relay.feedback.texts import unquoted
from relay.mail.address import AddressError, parse_address

MAX_REPORTS: Final = 50
MAX_NAMED: Final = 50
MAX_NESTING: Final = 2
"""A report that was forwarded as an attachment, or several in a digest."""

REPORT_TYPES: Final = frozenset(
    ("message/feedback-report", "message/x-feedback-report", "text/feedback-report", "application/feedback-report")
)
COPY_TYPES: Final = frozenset(
    ("message/rfc822", "message/global", "text/rfc822-headers", "text/rfc822", "message/rfc822-headers")
)


class Meaning(StrEnum):
    """What a report does."""

    COMPLAINT = "complaint"
    """The person called the message spam: stops all mail (R8)."""
    OPT_OUT = "unsubscribe"
    """The person wants no more of it, without a reproach: a withdrawal (R3)."""
    NOT_SPAM = "not-spam"
    """The contrary of a complaint (RFC 6430): nothing."""
    OPERATOR = "operator"
    """No word of the person: the operator is told, nobody is stopped."""


_TYPES: Final[dict[Meaning, tuple[str, ...]]] = {
    Meaning.COMPLAINT: (
        *("abuse", "spam", "junk", "fraud", "phishing", "phish", "complaint", "unsolicited", "ube", "uce"),
        *("abuse-report", "spam-report", "report-spam", "spam-complaint", "this-is-spam", "mark-as-spam"),
    ),
    Meaning.OPT_OUT: (
        *("opt-out", "opt-out-list", "optout", "opt-out-request", "unsubscribe", "unsubscribed", "unsubscribe-request"),
        *("list-unsubscribe", "unsubscription"),
    ),
    Meaning.NOT_SPAM: (
        *("not-spam", "notspam", "no-spam", "non-spam", "not-junk", "notjunk", "ham", "not-abuse", "false-positive"),
        *(
            "not-phish",
            "not-phishing",
            "nospam",
            "unjunk",
            "miscategorized",
            "miscategorised",
            "legitimate",
            "unspam",
            "this-is-not-spam",
        ),
    ),
    Meaning.OPERATOR: ("auth-failure", "virus", "malware", "other", "dmarc", "dkim", "spf"),
}
MEANINGS: Final = {kind: meaning for meaning, kinds in _TYPES.items() for kind in kinds}
"""By feedback type. ``virus`` and ``other`` (RFC 5965 §7.3) say something of the message and nothing of what the
person wants; a type that isn't here is taken as ``other``."""

WHY: Final = {
    Meaning.COMPLAINT: "the person called it spam",
    Meaning.OPT_OUT: "the person asked for no more of it",
    Meaning.NOT_SPAM: "the person said that it is no spam (RFC 6430)",
    Meaning.OPERATOR: "it says nothing of what the person wants",
}

_PLAIN: Final = frozenset(
    (
        *("a", "as", "an", "is", "this", "it", "by", "the", "user", "users", "recipient", "feedback", "report"),
        *("reports", "reported", "marked", "message", "mail", "email"),
    )
)
_SPAM: Final = frozenset(
    ("abuse", "spam", "junk", "complaint", "complaints", "complained", "scam", "phish", "phishing", "fraud")
)
_NOT: Final = frozenset(("not", "no", "isnt", "isn", "un"))
_OUT: Final = frozenset(("unsubscribe", "unsubscribed", "unsubscription", "optout"))
_COMMENT: Final = re.compile(r"\([^()]{0,500}\)")
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,60}")
_AUTHENTICATION: Final = frozenset(("auth-failure", "identity-alignment", "delivery-result", "dkim-domain", "spf-dns"))
"""Fields that only authentication failure reports have (RFC 6591 §3, RFC 9991)."""
_NAMING: Final = re.compile(
    r"^(?:original-rcpt-to|removal-recipient|original-recipient|x-hmxmroriginalrecipient|redacted-address)"
    r"[ \t]*:[ \t]*(.{0,400})$",
    re.I | re.M,
)
_IN_TEXT: Final = re.compile(r"^feedback-type[ \t]*:", re.I | re.M)
_BESIDE: Final = frozenset(
    ("user-agent", "version", "original-mail-from", "original-rcpt-to", "arrival-date", "source-ip")
)
"""One of these stands with the type where the fields are written into the text."""
_BOUNDARY: Final = re.compile(rb"^--([!-~][ -~]{0,69})[ \t]*\n(?=content-[a-z-]+[ \t]*:)", re.I | re.M)


@dataclass(frozen=True, slots=True)
class ComplaintReport:
    """One report. ``reverse_path`` and ``recipients`` are what it claims, ``""`` and none where it says nothing."""

    form: str
    """``arf``, or one of ``feedback/loops.py``."""
    type: str
    """In lower case, without comment and parameters."""
    meaning: Meaning
    reverse_path: str = ""
    recipients: tuple[str, ...] = ()
    copies: tuple[bytes, ...] = ()
    """The returned message, or its header alone."""
    known: bool = True
    """Whether the type is one of those we know."""

    @property
    def why(self) -> str:
        if not self.known:
            return f"the feedback type {self.type!a} is not known: {WHY[self.meaning]}"
        return WHY[self.meaning]

    def names(self, address: str) -> bool:
        return any(same(address, name) for name in self.recipients)


def meaning_of(value: str) -> tuple[str, Meaning, bool]:
    """Type, meaning, and whether the type is known, of a ``Feedback-Type`` as it stands in the report.

    RFC 5965 §3.1 has a bare word; comments, parameters, quotes, lists and words instead of dashes are met too.
    """
    text = readable(value).lower()
    for _ in range(3):  # nested comments
        text = _COMMENT.sub(" ", text)
    text = re.split(r"[;,]", text.partition("(")[0])[0]
    words = re.sub(r"[\"'<>\[\]]", " ", text).replace("_", "-").split()
    whole = "-".join(words)[:60]
    if whole in MEANINGS:
        return whole, MEANINGS[whole], True
    first = _WORD.match(words[0]) if words else None
    kind = first.group() if first else whole
    known = MEANINGS.get(kind) or _by_words(whole)
    if known is None:
        return whole, Meaning.OPERATOR, False
    return (kind if kind in MEANINGS else whole), known, True


def _by_words(kind: str) -> Meaning | None:
    """What a type of several words means, if all of them are plain: ``user-reported-spam``."""
    words = set(re.split(r"[^a-z]+", kind)) - {""}
    if words & _NOT and words & {"spam", "junk", "phish", "phishing"} and words <= _NOT | _PLAIN | _SPAM:
        return Meaning.NOT_SPAM
    if words & _OUT and words <= _OUT | _PLAIN:
        return Meaning.OPT_OUT
    return Meaning.COMPLAINT if words & _SPAM and words <= _SPAM | _PLAIN else None


def reports(mail: Mail, depth: int = MAX_NESTING) -> list[ComplaintReport]:
    """All feedback reports in a mail, in order; empty if it is something else. Never raises."""
    found = list(_machine_readable(mail.parts))
    if not found and len(mail.parts) <= 1 and b"feedback-report" in mail.top.body[:64_000].lower():
        again = mended(mail)
        found = list(_machine_readable(again.parts)) if again is not None else []
    if not found:
        found = list(_written_out(mail))
    if not found and depth:
        for part in mail.parts:
            if part.type in ("message/rfc822", "application/octet-stream") and _holds_report(part):
                found += reports(parse(part.decoded()), depth - 1)
    return found[:MAX_REPORTS]


def about(found: Sequence[ComplaintReport], address: str) -> ComplaintReport:
    """The report that counts for a recipient: of those that name it, else of all, the gravest."""
    order = (Meaning.COMPLAINT, Meaning.OPT_OUT, Meaning.OPERATOR, Meaning.NOT_SPAM)
    naming = [report for report in found if report.names(address)]
    return min(naming or found, key=lambda report: order.index(report.meaning))


def _holds_report(part: MimePart) -> bool:
    """A report that was attached; a plain copy of ours isn't worth a second reading."""
    return b"feedback-report" in part.decoded()[:64_000].lower()


def _machine_readable(parts: Sequence[MimePart]) -> Iterator[ComplaintReport]:
    """By their MIME types; a copy belongs to the report before it, and any to the only one."""
    starts = [at for at, part in enumerate(parts) if part.type in REPORT_TYPES]
    for at, end in itertools.pairwise([*starts, len(parts)]):
        yield _report(parts[at].text(), _copies(parts if len(starts) == 1 else parts[at + 1 : end]))


def _copies(parts: Sequence[MimePart]) -> tuple[bytes, ...]:
    """Returned messages; some loops send theirs as a text."""
    copies = tuple(part.decoded() for part in parts if part.type in COPY_TYPES or _is_file_of_mail(part))
    return copies or tuple(part.decoded() for part in parts if part.type in ("text/plain", "text/html"))


def _is_file_of_mail(part: MimePart) -> bool:
    """A copy that was attached as a file of no particular type."""
    name = readable(part.parameters.get("name", "") or part.get("content-disposition"))
    return part.type == "application/octet-stream" and ".eml" in name.lower()


def mended(mail: Mail) -> Mail | None:
    """The same read by the boundary that its lines have, where the header names another; None if there is none."""
    found = _BOUNDARY.search(mail.top.body)
    if found is None:
        return None
    boundary = found.group(1).rstrip().decode("latin-1").replace("\\", "\\\\").replace('"', '\\"')
    head = f'Content-Type: multipart/report; boundary="{boundary}"\n\n'.encode("latin-1")
    return parse(head + mail.top.body)


def _written_out(mail: Mail) -> Iterator[ComplaintReport]:
    """The fields of a report in a text, as gateways leave them that know no feedback-report."""
    for part in mail.parts[:4]:
        if part.type not in ("text/plain", "application/octet-stream"):
            continue
        text = unquoted(part.text())
        found = _IN_TEXT.search(text)
        returned_at = CUT.search(text)
        if found is None or (returned_at is not None and returned_at.start() < found.start()):
            continue
        if not _BESIDE & report.fields(_block(text, found.start())).keys():
            continue
        rest = text[found.start() :]
        returned = rest.partition("\n\n")[2].lstrip("\n")
        yield _report(_block(text, found.start()), (returned.encode("utf-8", "replace"), *_copies(mail.parts[1:])))
        return


def _block(text: str, at: int) -> str:
    """The paragraph that a position lies in."""
    begin = text.rfind("\n\n", 0, at)
    end = text.find("\n\n", at)
    return text[begin + 2 if begin >= 0 else 0 : end if end >= 0 else len(text)]


def _report(text: str, copies: tuple[bytes, ...]) -> ComplaintReport:
    fields = report.fields(text.lstrip("\ufeff \t\n"))
    value = fields.get("feedback-type", "")
    if not value:
        # The field is required (RFC 5965 §3.1); where it is missing, the other fields say which kind it is.
        value = "auth-failure" if _AUTHENTICATION & fields.keys() else fields.get("abuse-type", "abuse")
    kind, meaning, known = meaning_of(value)
    named = [*_NAMING.findall(text), *(name for copy in copies for name in _NAMING.findall(_head(copy)))]
    return ComplaintReport(
        "arf",
        kind,
        meaning,
        fields.get("original-mail-from", ""),
        tuple(dict.fromkeys(filter(None, map(address_in, named[:MAX_NAMED])))),
        copies,
        known,
    )


def _head(copy: bytes) -> str:
    return copy[:64_000].replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("latin-1")


def address_in(value: str) -> str:
    """The address of a field such as ``rfc822; <a@b>`` or ``Ann <a@b>``."""
    value = value.rpartition(";")[2]
    inner = re.search(r"<([^<>]{1,320})>", value)
    return (inner.group(1) if inner else value).strip(" \t<>\"'")


def same(address: str, other: str) -> bool:
    """Whether two texts are the same address, however it is spelt."""
    try:
        return parse_address(other).canonical == parse_address(address).canonical
    except AddressError:
        return bool(other) and other.lower() == address.lower()
