"""From reply to outcome: what is about the session or our set-up; ``test_remote_behaviours`` has the rest."""

from __future__ import annotations

import pytest

from relay.delivery.outcome import Bounced, Reach, Retry, Where
from relay.delivery.smtp.classify import TABLE, decide, find
from relay.delivery.smtp.reply import Reply
from relay.mail.status import Class

GREETING, EHLO, TLS, AUTH = Where.GREETING, Where.EHLO, Where.TLS, Where.AUTH
MAIL, RCPT, DATA, DOT = Where.MAIL, Where.RCPT, Where.DATA, Where.DOT
SESSION, SITE = Reach.SESSION, Reach.SITE

# One line for each row of the table, in its order: where, reply, reach, status without text.
ROWS: list[tuple[Where, str, Reach, str]] = [
    (GREETING, "554 5.7.1 no SMTP here", SITE, "451 4.7.1"),
    (EHLO, "550 no", SITE, "451 4.5.0"),
    (TLS, "454 4.7.0 TLS not available", SITE, "454 4.7.0"),
    (AUTH, "535 5.7.8 bad password", SITE, "451 4.7.8"),
    (RCPT, "421 4.7.0 too many errors", SESSION, "421 4.7.0"),
    (RCPT, "354 what", SESSION, "451 4.5.0"),
    (RCPT, "503 5.5.1 MAIL first", SESSION, "451 4.5.1"),
    (MAIL, "530 5.7.0 Must issue a STARTTLS command first", SITE, "451 4.7.0"),
    (MAIL, "450 4.3.2 system not accepting", SITE, "450 4.3.2"),
]


def reply(text: str) -> Reply:
    code, _, rest = text.partition(" ")
    return Reply(int(code), rest)


@pytest.mark.parametrize("number", range(len(TABLE)))
def test_row(number: int) -> None:
    where, text, reach, status = ROWS[number]
    assert find(where, reply(text)) is TABLE[number]
    outcome = decide(where, reply(text), "mx [192.0.2.1]")
    assert isinstance(outcome, Retry)
    assert outcome.reach is reach
    assert f"{outcome.reason.code} {outcome.reason.enhanced}" == status
    if text[0] in "23":  # by itself it would tell nobody why the copy waits
        assert (outcome.diagnostic, outcome.status) == ("", f"{status} {where} was answered {text}")
    else:
        assert outcome.diagnostic == text
    assert outcome.remote == "mx [192.0.2.1]"


def test_each_row_has_its_case() -> None:
    assert len(ROWS) == len(TABLE)


def test_all_else_is_judged() -> None:
    assert find(RCPT, reply("550 5.1.1 no such user")) is None
    outcome = decide(RCPT, reply("550 5.1.1 no such user"), "mx")
    assert isinstance(outcome, Bounced)
    assert (outcome.kind, outcome.doubt, outcome.address_dead) == ("unknown-address", "", True)


REAL = [
    (RCPT, "550 5.1.1 The email account that you tried to reach does not exist. gsmtp", True),
    (RCPT, "550 5.2.1 The email account that you tried to reach is inactive.", False),
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
