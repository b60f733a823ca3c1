"""The table that maps a remote's reply to an outcome.

``decide`` takes the first matching row of ``TABLE``. What no row knows is
temporary, so that an odd server costs a retry and never a hard bounce.
Sources: RFC 5321 §4.2.1, §4.5.3.1.10, RFC 3463, RFC 7505; the texts are those
that large providers really send.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from relay.delivery.outcome import Bounced, Reach, Retry, Where
from relay.delivery.reply import Reply, one_line
from relay.mail.status import Class, Status, permanent, temporary


class Verdict(StrEnum):
    RETRY = "retry"
    BOUNCE = "bounce"
    DEAD = "dead"
    """Bounce, and the address is dead."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; an empty condition matches everything."""

    where: frozenset[Where]
    codes: str
    """Regular expression for the whole reply code."""
    enhanced: str
    """Regular expression for the whole enhanced code, ``-`` if there is none."""
    text: str
    """Regular expression searched for in the text, without regard to case."""
    verdict: Verdict
    reach: Reach
    default: tuple[int, int]
    """Subject and detail where the remote gave none."""


def _row(
    where: str, codes: str, enhanced: str, text: str, verdict: Verdict, reach: Reach, default: tuple[int, int]
) -> Row:
    return Row(frozenset(Where(w) for w in where.split()), codes, enhanced, text, verdict, reach, default)


_ANY = "mail rcpt data dot"
_UNKNOWN_USER = (
    r"(?:user|recipient|mailbox|address|account|alias|person)[^.]{0,60}"
    r"(?:unknown|not found|does ?n[o']t exist|not exist|invalid|no longer|doesn't have|disabled|not known)"
    r"|(?:unknown|no such|invalid|bad destination|non-?existent) "
    r"(?:local )?(?:user|recipient|mailbox|address|account|person|alias)"
    r"|no mailbox (?:here|by)|not a valid (?:user|mailbox)"
)
_POLICY = r"spam|block ?list|black ?list|\bblocked\b|\bpolicy\b|reputation|spamhaus|\brbl\b|dnsbl|\bspf\b|dmarc|denied"
_LATER = r"gr[ae]y-?list|try again|later|temporar|too (?:many|quickly|fast)|at a rate|rate limit|throttl"
_FULL = r"quota|\bfull\b|over ?limit|insufficient (?:disk|storage)|exceeded storage"

RETRY, BOUNCE, DEAD = Verdict.RETRY, Verdict.BOUNCE, Verdict.DEAD
RECIPIENT, MESSAGE, SESSION, SITE = Reach.RECIPIENT, Reach.MESSAGE, Reach.SESSION, Reach.SITE

TABLE: tuple[Row, ...] = (
    # Before a transaction: it is about us or the host, never about an address.
    _row("greeting", "", "", "", RETRY, SITE, (3, 2)),
    _row("ehlo", "", "", "", RETRY, SITE, (5, 0)),
    _row("tls", "", "", "", RETRY, SITE, (7, 5)),
    _row("auth", "", "", "", RETRY, SITE, (7, 8)),
    # The session ends, or it is out of step.
    _row(_ANY, "421", "", "", RETRY, SESSION, (4, 2)),
    _row(_ANY, "[23]..", "", "", RETRY, SESSION, (5, 0)),
    _row(_ANY, "50[023]", "-|.*5\\.[0-9]+", "", RETRY, SESSION, (5, 1)),
    # What our set-up lacks (a log-in, TLS): the operator's task, not the recipient's fault.
    _row(_ANY, "530|53[48]", "", "", RETRY, SITE, (7, 0)),
    _row(_ANY, "4..", "4\\.3\\.2", "", RETRY, SITE, (3, 2)),
    # Temporary is what it says.
    _row("rcpt", "4..", "", "", RETRY, RECIPIENT, (0, 0)),
    _row("mail data dot", "4..", "", "", RETRY, MESSAGE, (0, 0)),
    # A loop stays one.
    _row("mail rcpt data dot", "5..", ".*4\\.6", "", BOUNCE, MESSAGE, (4, 6)),
    # Permanent by number, temporary by meaning.
    _row("rcpt", "5..", ".*2\\.2", "", RETRY, RECIPIENT, (2, 2)),
    _row("data dot", "5..", ".*2\\.2", "", RETRY, RECIPIENT, (2, 2)),
    _row("rcpt", "552|522", "-", "", RETRY, RECIPIENT, (2, 2)),
    _row("data dot", "552", "-", _FULL, RETRY, RECIPIENT, (2, 2)),
    _row("rcpt", "5..", "", _LATER, RETRY, RECIPIENT, (7, 0)),
    _row("mail data dot", "5..", "", _LATER, RETRY, MESSAGE, (7, 0)),
    # Too large.
    _row(_ANY, "5..", ".*(?:2\\.3|3\\.4)", "", BOUNCE, MESSAGE, (3, 4)),
    _row("mail data dot", "552", "-", "", BOUNCE, MESSAGE, (3, 4)),
    # The address is dead, unless the text speaks of us.
    _row("rcpt dot", "5..", ".*(?:1\\.(?:1|2|3|6|10)|2\\.1)", _POLICY, BOUNCE, RECIPIENT, (7, 1)),
    _row("rcpt dot", "5..", ".*(?:1\\.(?:1|2|3|6|10)|2\\.1)", "", DEAD, RECIPIENT, (1, 1)),
    _row("rcpt", "55[013]", "-", _POLICY, BOUNCE, RECIPIENT, (7, 1)),
    _row("rcpt", "55[013]", "-", _UNKNOWN_USER, DEAD, RECIPIENT, (1, 1)),
    # Policy and everything else that is final.
    _row(_ANY, "5..", ".*7\\.[0-9]+", "", BOUNCE, MESSAGE, (7, 1)),
    _row("rcpt", "5..", "", "", BOUNCE, RECIPIENT, (0, 0)),
    _row("mail data dot", "5..", "", "", BOUNCE, MESSAGE, (0, 0)),
)
"""In order; the first row that matches decides."""

_UNSURE = _row(_ANY, "", "", "", RETRY, SESSION, (3, 0))


LOOKED_AT = 2000
"""Characters of a reply that are searched for phrases; the rest is somebody's novel."""


def find(where: Where, reply: Reply) -> Row:
    """The row of ``TABLE`` that decides this reply."""
    enhanced = reply.enhanced
    dotted = "{}.{}.{}".format(*enhanced) if enhanced else "-"
    for row in TABLE:
        if (
            where in row.where
            and (not row.codes or re.fullmatch(row.codes, str(reply.code)))
            and (not row.enhanced or re.fullmatch(row.enhanced, dotted))
            and (not row.text or re.search(row.text, reply.text[:LOOKED_AT], re.IGNORECASE))
        ):
            return row
    return _UNSURE


def decide(where: Where, reply: Reply, remote: str) -> Retry | Bounced:
    """What a reply other than the wished one means.

    The class is the table's, never the enhanced code's: a remote's
    ``451 5.7.1`` comes out as 4.7.1.
    """
    row = find(where, reply)
    status = _status(row, reply)
    if row.verdict is Verdict.RETRY:
        return Retry(status, remote, row.reach, None, reply.line)
    return Bounced(status, remote, row.reach, row.verdict is Verdict.DEAD, reply.line)


def _status(row: Row, reply: Reply) -> Status:
    klass = Class.TEMPORARY if row.verdict is Verdict.RETRY else Class.PERMANENT
    basic = reply.code % 100 if reply.code // 100 == klass else (51 if klass is Class.TEMPORARY else 50)
    enhanced = reply.enhanced
    subject, detail = enhanced[1:] if enhanced and enhanced[0] != Class.OK else row.default
    text = one_line(reply.text)
    if enhanced:
        text = text.partition(" ")[2]
    return Status(klass, basic, subject, detail, text or "refused without a word")


def lost(where: Where, why: str, remote: str, reach: Reach = Reach.SESSION) -> Retry:
    """The session ended at ``where`` without a reply (RFC 3463 X.4.2)."""
    if where is Where.DOT:
        why = f"{why} after the message was sent; it may arrive twice"
    return Retry(temporary(51, 4, 2, one_line(f"{why} ({where})")), remote, reach)


def not_sent(subject: int, detail: int, text: str, remote: str, basic: int = 50) -> Bounced:
    """This message can't go to this remote, found before it was asked."""
    return Bounced(permanent(basic, subject, detail, text), remote, Reach.MESSAGE)
