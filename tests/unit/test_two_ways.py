"""One answer has one meaning: as a reply to RCPT, and in a report that the next hop wrote about it."""

from __future__ import annotations

import pytest

from relay.delivery.outcome import Bounced, Retry, Where
from relay.delivery.smtp.classify import decide
from relay.delivery.smtp.reply import Reply
from relay.feedback import mime
from relay.feedback.analyse import FeedbackKind, Finding, analyse
from tests.unit.test_remote_behaviours import ABOUT_US, AGAIN, DEAD, TEMPORARY, reply

PERSON = "ann@example.net"
TEXTS = sorted({text for where, text, *_ in (*ABOUT_US, *AGAIN, *DEAD, *TEMPORARY) if where is Where.RCPT})


def reported(answer: Reply, person: str, said_at: str) -> bytes:
    """As Postfix tells it: the lines joined, the code before each, which command it answered in the notice."""
    text = " ".join(f"{answer.code} {line}" for line in answer.text.split("\n"))
    status = ".".join(map(str, answer.enhanced)) if answer.enhanced else f"{answer.code // 100}.0.0"
    return (
        "From: MAILER-DAEMON@gw.example\r\nTo: b-tag@relay.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nThis is the mail system at host gw.example.\r\n\r\n"
        f"<{person}>: host mx.example.net[192.0.2.25] said: {text}{said_at}\r\n\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; gw.example\r\n\r\n"
        f"Final-Recipient: rfc822; {person}\r\nAction: failed\r\nStatus: {status}\r\n"
        f"Remote-MTA: dns; mx.example.net\r\nDiagnostic-Code: smtp; {text}\r\n\r\n--b--\r\n"
    ).encode()


def both_ways(text: str, person: str, said_at: str) -> tuple[Retry | Bounced, Finding]:
    answer = reply(text.replace("{}", person))
    return (
        decide(Where.RCPT, answer, "mx.example.net [192.0.2.25]", [person]),
        analyse(mime.parse(reported(answer, person, said_at)), person),
    )


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("person", [PERSON, "no.spam+later@policy-full.example"])
@pytest.mark.parametrize("said_at", [" (in reply to RCPT TO command)", ""], ids=["at RCPT", "not said where"])
def test_a_reply_and_a_report_about_it_mean_the_same(text: str, person: str, said_at: str) -> None:
    outcome, finding = both_ways(text, person, said_at)
    if " 5.3.0 " in text and not said_at:  # the code speaks of the system: without the command it takes two answers
        assert (finding.dead, finding.doubt) == (False, "unknown-address")
        return
    assert finding.dead is (isinstance(outcome, Bounced) and outcome.address_dead)
    assert bool(finding.doubt) is (isinstance(outcome, Bounced) and bool(outcome.doubt))
    assert finding.kind in (FeedbackKind.HARD, FeedbackKind.SOFT)
    if isinstance(outcome, Retry):
        assert finding.kind is FeedbackKind.SOFT
    elif said_at:
        assert finding.type == outcome.kind


def test_there_are_enough() -> None:
    assert len(TEXTS) >= 100


def test_after_the_message_a_filter_may_say_unknown_user() -> None:
    answer = reply(f"550 Unknown user {PERSON}")
    assert not decide(Where.DOT, answer, "mx", [PERSON]).doubt  # type: ignore[union-attr]
    finding = analyse(mime.parse(reported(answer, PERSON, " (in reply to end of DATA command)")), PERSON)
    assert (finding.kind, finding.dead, finding.doubt, finding.type) == (FeedbackKind.SOFT, False, "", "filtered")
