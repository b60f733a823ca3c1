"""From a remote's reply to an outcome.

What the reply means is ``relay.verdict``'s table, the same as for a report about
it; here stands what follows on the wire: another try or a bounce, and how far
that reaches. What nobody knows is temporary, so that an odd server costs a
retry and never a hard bounce. Sources: RFC 5321 §4.2.1, §4.5.3.1.10, RFC 3463.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from relay.delivery.outcome import Bounced, Reach, Retry, Where
from relay.delivery.smtp.reply import Reply, one_line
from relay.mail.status import Class, Status, permanent, temporary
from relay.verdict.answer import read
from relay.verdict.values import AnswerKind, Judgement

RECIPIENT, MESSAGE, SESSION, SITE = Reach.RECIPIENT, Reach.MESSAGE, Reach.SESSION, Reach.SITE


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Replies that are about the session or our set-up; an empty condition matches everything."""

    where: frozenset[Where]
    codes: str
    """Regular expression for the whole reply code."""
    enhanced: str
    """Regular expression for the whole enhanced code, ``-`` if there is none."""
    reach: Reach
    default: tuple[int, int]
    """Subject and detail where the remote gave none."""


def _row(where: str, codes: str, enhanced: str, reach: Reach, default: tuple[int, int]) -> SessionRow:
    return SessionRow(frozenset(Where(w) for w in where.split()), codes, enhanced, reach, default)


_ANY = "mail rcpt data dot"

TABLE: tuple[SessionRow, ...] = (
    # Before a transaction: it is about us or the host, never about an address.
    _row("greeting", "", "", SITE, (3, 2)),
    _row("ehlo", "", "", SITE, (5, 0)),
    _row("tls", "", "", SITE, (7, 5)),
    _row("auth", "", "", SITE, (7, 8)),
    # The session ends, or it is out of step.
    _row(_ANY, "421", "", SESSION, (4, 2)),
    _row(_ANY, "[23]..", "", SESSION, (5, 0)),
    _row(_ANY, "50[023]", "-|.*5\\.[0-9]+", SESSION, (5, 1)),
    # What our set-up lacks (a log-in, TLS): the operator's task, not the recipient's fault.
    _row(_ANY, "530|53[48]", "", SITE, (7, 0)),
    _row(_ANY, "4..", "4\\.3\\.2", SITE, (3, 2)),
)
"""In order; the first row that matches makes it another try. All else is judged."""

_DEFAULT: dict[AnswerKind, tuple[int, int]] = {
    AnswerKind.UNKNOWN_ADDRESS: (1, 1),
    AnswerKind.MOVED: (1, 6),
    AnswerKind.NO_MAIL_DOMAIN: (1, 2),
    AnswerKind.DISABLED: (2, 1),
    AnswerKind.FULL: (2, 2),
    AnswerKind.TOO_LARGE: (3, 4),
    AnswerKind.CONTENT: (6, 0),
    AnswerKind.SENDER: (1, 8),
    AnswerKind.TLS: (7, 10),
    AnswerKind.LOOP: (4, 6),
    AnswerKind.EXPIRED: (4, 7),
    AnswerKind.NETWORK: (4, 0),
    AnswerKind.SYSTEM: (3, 0),
    AnswerKind.PROTOCOL: (5, 0),
    AnswerKind.OTHER: (0, 0),
}
"""Subject and detail where the remote gave none; for the rest (7, 1), or (7, 0) where another try may do."""

_ONE_PERSON = frozenset(
    (
        AnswerKind.UNKNOWN_ADDRESS,
        AnswerKind.MOVED,
        AnswerKind.NO_MAIL_DOMAIN,
        AnswerKind.DISABLED,
        AnswerKind.FULL,
        AnswerKind.FILTERED,
    )
)
"""About one recipient even where the message was answered."""


def find(where: Where, reply: Reply) -> SessionRow | None:
    """The row of ``TABLE`` that decides this reply."""
    enhanced = reply.enhanced
    dotted = "{}.{}.{}".format(*enhanced) if enhanced else "-"
    for row in TABLE:
        if (
            where in row.where
            and (not row.codes or re.fullmatch(row.codes, str(reply.code)))
            and (not row.enhanced or re.fullmatch(row.enhanced, dotted))
        ):
            return row
    return None


def decide(where: Where, reply: Reply, remote: str, to: Sequence[str] = ()) -> Retry | Bounced:
    """What a reply other than the wished one means. ``to``: whom it is about, as the remote may repeat it.

    The class is the table's, never the enhanced code's: a remote's
    ``451 5.7.1`` comes out as 4.7.1.
    """
    row = find(where, reply)
    if row is not None and reply.code < 400:  # by itself "250 ok" would tell nobody why it waits
        text = one_line(f"{where} was answered {reply.line}")
        return Retry(temporary(51, *row.default, text), remote, row.reach)
    if row is not None:
        return Retry(_status(Class.TEMPORARY, row.default, reply), remote, row.reach, None, reply.line)
    judged = read(reply.text, to, reply.code).judged(where.value)
    if reply.code < 500 or not judged.lasting:
        status = _status(Class.TEMPORARY, _DEFAULT.get(judged.kind, (7, 0)) if reply.code >= 500 else (0, 0), reply)
        alone = where is Where.RCPT or (
            where is not Where.MAIL and judged.kind is AnswerKind.FULL and reply.code >= 500
        )
        return Retry(status, remote, RECIPIENT if alone else MESSAGE, None, reply.line)
    status = _status(Class.PERMANENT, _DEFAULT.get(judged.kind, (7, 1)), reply)
    reach = _reach(where, judged, reply)
    return Bounced(status, remote, reach, judged.dead, reply.line, judged.kind.value, judged.doubt)


def _reach(where: Where, judged: Judgement, reply: Reply) -> Reach:
    if where is Where.MAIL:
        return MESSAGE
    if judged.kind in _ONE_PERSON:
        return RECIPIENT
    if where is not Where.RCPT or judged.kind is AnswerKind.TOO_LARGE or (reply.enhanced or (0, 0, 0))[1] == 7:
        return MESSAGE
    return RECIPIENT


def _status(klass: Class, default: tuple[int, int], reply: Reply) -> Status:
    basic = reply.code % 100 if reply.code // 100 == klass else (51 if klass is Class.TEMPORARY else 50)
    enhanced = reply.enhanced
    subject, detail = enhanced[1:] if enhanced and enhanced[0] != Class.OK else default
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
