"""The table from reply to outcome: one case for each row, and real servers' words."""

from __future__ import annotations

import pytest

from relay.delivery.classify import TABLE, decide, find
from relay.delivery.outcome import Bounced, Reach, Retry, Where
from relay.delivery.reply import Reply
from relay.mail.status import Class

GREETING, EHLO, TLS, AUTH = Where.GREETING, Where.EHLO, Where.TLS, Where.AUTH
MAIL, RCPT, DATA, DOT = Where.MAIL, Where.RCPT, Where.DATA, Where.DOT
RECIPIENT, MESSAGE, SESSION, SITE = Reach.RECIPIENT, Reach.MESSAGE, Reach.SESSION, Reach.SITE

# One line for each row of the table, in its order: where, reply, outcome, reach, dead, status without text.
ROWS: list[tuple[Where, str, type, Reach, bool, str]] = [
    (GREETING, "554 5.7.1 no SMTP here", Retry, SITE, False, "451 4.7.1"),
    (EHLO, "550 no", Retry, SITE, False, "451 4.5.0"),
    (TLS, "454 4.7.0 TLS not available", Retry, SITE, False, "454 4.7.0"),
    (AUTH, "535 5.7.8 bad password", Retry, SITE, False, "451 4.7.8"),
    (RCPT, "421 4.7.0 too many errors", Retry, SESSION, False, "421 4.7.0"),
    (RCPT, "354 what", Retry, SESSION, False, "451 4.5.0"),
    (RCPT, "503 5.5.1 MAIL first", Retry, SESSION, False, "451 4.5.1"),
    (MAIL, "530 5.7.0 Must issue a STARTTLS command first", Retry, SITE, False, "451 4.7.0"),
    (MAIL, "450 4.3.2 system not accepting", Retry, SITE, False, "450 4.3.2"),
    (RCPT, "450 4.2.0 greylisted", Retry, RECIPIENT, False, "450 4.2.0"),
    (DOT, "451 local error", Retry, MESSAGE, False, "451 4.0.0"),
    (DOT, "554 5.4.6 too many hops", Bounced, MESSAGE, False, "554 5.4.6"),
    (RCPT, "550 5.2.2 over quota", Retry, RECIPIENT, False, "451 4.2.2"),
    (DOT, "552 5.2.2 over quota", Retry, RECIPIENT, False, "451 4.2.2"),
    (RCPT, "552 storage", Retry, RECIPIENT, False, "451 4.2.2"),
    (DOT, "552 mailbox is full", Retry, RECIPIENT, False, "451 4.2.2"),
    (RCPT, "550 5.7.1 Greylisted for 5 minutes", Retry, RECIPIENT, False, "451 4.7.1"),
    (MAIL, "554 try again later", Retry, MESSAGE, False, "451 4.7.0"),
    (DOT, "552 5.3.4 too big", Bounced, MESSAGE, False, "552 5.3.4"),
    (DOT, "552 maximum size", Bounced, MESSAGE, False, "552 5.3.4"),
    (RCPT, "550 5.1.1 blocked using zen.spamhaus.org", Bounced, RECIPIENT, False, "550 5.1.1"),
    (RCPT, "550 5.1.1 no such user", Bounced, RECIPIENT, True, "550 5.1.1"),
    (RCPT, "550 mailbox unavailable (policy)", Bounced, RECIPIENT, False, "550 5.7.1"),
    (RCPT, "550 No such user here", Bounced, RECIPIENT, True, "550 5.1.1"),
    (RCPT, "554 5.7.1 relay access refused", Bounced, MESSAGE, False, "554 5.7.1"),
    (RCPT, "554 transaction failed", Bounced, RECIPIENT, False, "554 5.0.0"),
    (DATA, "554 transaction failed", Bounced, MESSAGE, False, "554 5.0.0"),
]


def reply(text: str) -> Reply:
    code, _, rest = text.partition(" ")
    return Reply(int(code), rest)


@pytest.mark.parametrize("number", range(len(TABLE)))
def test_row(number: int) -> None:
    where, text, kind, reach, dead, status = ROWS[number]
    assert find(where, reply(text)) is TABLE[number]
    outcome = decide(where, reply(text), "mx [192.0.2.1]")
    assert type(outcome) is kind
    assert outcome.reach is reach
    assert getattr(outcome, "address_dead", False) is dead
    assert f"{outcome.reason.code} {outcome.reason.enhanced}" == status
    assert outcome.diagnostic == text
    assert outcome.remote == "mx [192.0.2.1]"


def test_each_row_has_its_case() -> None:
    assert len(ROWS) == len(TABLE)


REAL = [
    (RCPT, "550 5.1.1 The email account that you tried to reach does not exist. gsmtp", True),
    (RCPT, "550 5.2.1 The email account that you tried to reach is inactive.", True),
    (RCPT, "550 5.5.0 Requested action not taken: mailbox unavailable", False),
    (RCPT, "550 5.4.1 Recipient address rejected: Access denied.", False),
    (RCPT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup", True),
    (RCPT, "550 <bob@example.net>: Recipient address rejected: User unknown in virtual mailbox table", True),
    (RCPT, "551 User not local", False),
    (RCPT, "553 sorry, that domain isn't in my list of allowed rcpthosts", False),
    (RCPT, "550 invalid recipient", True),
    (DOT, "550 5.7.26 Unauthenticated email is not accepted due to DMARC", False),
    (DOT, "550 5.7.1 Our system has detected that this message is likely unsolicited mail", False),
    (DOT, "554 5.7.9 Message not accepted for policy reasons", False),
    (MAIL, "553 5.1.8 Domain of sender address does not exist", False),
    (MAIL, "550 5.1.1 no such user", False),
]


@pytest.mark.parametrize(("where", "text", "dead"), REAL)
def test_real_permanent_replies(where: Where, text: str, dead: bool) -> None:
    outcome = decide(where, reply(text), "mx")
    assert isinstance(outcome, Bounced)
    assert outcome.address_dead is dead


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (RCPT, "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents delivery"),
        (MAIL, "550 5.7.1 too many messages from your address, please try again later"),
        (RCPT, "552 too many recipients"),
        (RCPT, "451 5.7.1 contradiction"),
        (DOT, "354 again"),
        (RCPT, "500 unrecognized"),
    ],
)
def test_temporary_in_spite_of_appearances(where: Where, text: str) -> None:
    outcome = decide(where, reply(text), "mx")
    assert isinstance(outcome, Retry)
    assert outcome.reason.klass is Class.TEMPORARY


def test_every_code_everywhere_has_a_consistent_outcome() -> None:
    for where in Where:
        for code in range(200, 600):
            for text in ("", "x", "5.1.1 x", "4.2.2 x", "2.0.0 x"):
                outcome = decide(where, Reply(code, text), "mx")
                assert outcome.reason.permanent is isinstance(outcome, Bounced)
                assert not (isinstance(outcome, Bounced) and code < 500)


def test_a_reply_can_not_break_the_status_line() -> None:
    outcome = decide(RCPT, Reply(550, "5.1.1 a\r\nb\0" + "x" * 5000), "mx")
    assert outcome.status.isprintable()
    assert len(outcome.status) < 600
