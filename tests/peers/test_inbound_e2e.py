"""What comes back to addresses that the relay gave out; all else is refused at RCPT."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.peers.conftest import Office
from tests.support.peers import until
from tests.support.smtp import Dialog, Received, Reply, mail

pytestmark = pytest.mark.peers

PEOPLE = ("dead", "dead2", "full", "slow", "spam", "forged", "again")


@pytest.fixture(scope="module")
def delivered(office: Office) -> Callable[[str], Received]:
    office.agree(*(f"{who}-i@rcpt.example" for who in PEOPLE))

    def send(who: str) -> Received:
        address = f"{who}-i@rcpt.example"
        office.send(office.bulk, mail(to=address, subject=f"To {who}"), address)
        return office.sink.to(address)

    return send


def report(to: str, recipient: str, status: str, said: str, action: str = "failed") -> str:
    """A DSN as a recipient's server makes it (RFC 3464)."""
    return (
        f"From: MAILER-DAEMON@mx.rcpt.example\r\nTo: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@mx.rcpt.example>\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n'
        f"--r\r\n\r\nYour mail could not be delivered: {said}\r\n"
        "--r\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.rcpt.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {said}\r\n"
        f"\r\n--r\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: News\r\n\r\n--r--\r\n"
    )


def bring(office: Office, to: str, message: str, sender: str = "") -> Reply:
    """The reply to RCPT if it is a refusal, else to the message."""
    with Dialog(office.relay.inbound) as dialog:
        dialog.ehlo()
        assert dialog.say(f"MAIL FROM:<{sender}>").code == 250
        reply = dialog.say(f"RCPT TO:<{to}>")
        return reply if reply.code != 250 else dialog.data(message)


def events(office: Office, address: str) -> list[tuple[str, dict[str, object]]]:
    """Kind and detail of what is on record about the copies, but for the acceptance and what only sums are told."""
    rows = office.rows(
        "SELECT e.kind, e.detail FROM event e JOIN recipient r ON r.submission_id = e.submission_id"
        " AND r.number = e.number WHERE r.address = ? AND e.kind <> 'returned' ORDER BY e.id",
        address,
    )
    return [(kind, json.loads(detail)) for kind, detail in rows]


def test_a_failure_suppresses(office: Office, delivered: Callable[[str], Received]) -> None:
    got = delivered("dead")
    address = got.recipients[0]
    message = report(got.reverse_path, address, "5.1.1", "550 5.1.1 no such user here")
    assert bring(office, got.reverse_path, message).code == 250
    reply = office.ask(office.bulk, address)
    assert str(reply).startswith("550 5.7.1 suppressed"), reply
    assert str(office.ask(office.direct, address)).startswith("550 5.7.1 suppressed")
    [(kind, detail)] = events(office, address)
    assert kind == "bounced"
    assert (detail["status"], detail["hard"]) == ("5.1.1", True)
    assert "no such user here" in str(detail["diagnostic"])
    assert office.rows("SELECT bounced FROM campaign WHERE name LIKE '%To dead'") == [(1,)]
    [(state,)] = office.rows("SELECT state FROM recipient WHERE address = ?", address)
    assert state == 3
    assert address in office.relay.cli("suppression", "list", "acme")


def test_told_twice_counts_once(office: Office, delivered: Callable[[str], Received]) -> None:
    got = delivered("again")
    message = report(got.reverse_path, got.recipients[0], "5.1.1", "550 5.1.1 no such user here")
    for _ in range(3):
        # The local part's case may have changed on the way.
        assert bring(office, got.reverse_path.upper(), message).code == 250
    assert [kind for kind, _ in events(office, got.recipients[0])] == ["bounced"]
    assert office.rows("SELECT bounced FROM campaign WHERE name LIKE '%To again'") == [(1,)]


@pytest.mark.parametrize(
    ("who", "status", "action", "said"),
    [
        ("full", "5.2.2", "failed", "552 5.2.2 mailbox full"),
        ("slow", "4.4.1", "delayed", "451 4.4.1 no answer from host"),
    ],
)
def test_what_may_pass_suppresses_nobody(
    office: Office, delivered: Callable[[str], Received], who: str, status: str, action: str, said: str
) -> None:
    got = delivered(who)
    assert (
        bring(office, got.reverse_path, report(got.reverse_path, got.recipients[0], status, said, action)).code == 250
    )
    assert office.ask(office.bulk, got.recipients[0]).code == 250
    assert [kind for kind, _ in events(office, got.recipients[0])] in (["soft-bounced"], ["delayed"])


def test_a_complaint_suppresses(office: Office, delivered: Callable[[str], Received]) -> None:
    """Abuse reports (RFC 5965) that a mailbox provider sends to the reverse-path."""
    got = delivered("spam")
    message = (
        f"From: fbl@rcpt.example\r\nTo: {got.reverse_path}\r\nSubject: Abuse\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="r"\r\n\r\n'
        "--r\r\n\r\nThis is a report.\r\n--r\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: abuse\r\nUser-Agent: Test/1\r\nVersion: 1\r\n\r\n--r--\r\n"
    )
    assert bring(office, got.reverse_path, message, "fbl@rcpt.example").code == 250
    assert str(office.ask(office.bulk, got.recipients[0])).startswith("550 5.7.1 suppressed")
    assert office.rows("SELECT complained FROM campaign WHERE name LIKE '%To spam'") == [(1,)]


def test_forged_tags_are_refused(office: Office, delivered: Callable[[str], Received]) -> None:
    got = delivered("forged")
    local, _, domain = got.reverse_path.partition("@")
    for place in (2, 10, len(local) // 2, len(local) - 3):
        other = local[:place] + ("a" if local[place] != "a" else "b") + local[place + 1 :]
        reply = bring(office, f"{other}@{domain}", "")
        assert str(reply).startswith("550 5.1.1"), (place, reply)
    # A tag of one kind is none of the other, and none at another domain.
    assert str(bring(office, f"u{local[1:]}@{domain}", "")).startswith("550 5.1.1")
    assert str(bring(office, f"{local}@other.example", "")).startswith("550 5.7.1")
    assert office.ask(office.bulk, got.recipients[0]).code == 250


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("someone@relay.test", "550 5.1.1"),
        ("b-@relay.test", "550 5.1.1"),
        ("b-aaaa@relay.test", "550 5.1.1"),
        ("someone@rcpt.example", "550 5.7.1"),
        ("someone@gmail.com", "550 5.7.1"),
        ("someone%rcpt.example@relay.test", "550 5.1.1"),
        ("@relay.test:someone@rcpt.example", "550 5.7.1"),
        ("someone@[127.0.0.1]", "550 5.7.1"),
        ("news@acme.example", "550 5.7.1"),
    ],
)
def test_nothing_is_relayed(office: Office, to: str, code: str) -> None:
    before = len(office.sink.messages)
    assert str(bring(office, to, mail(), "stranger@example.net")).startswith(code)
    with Dialog(office.relay.inbound) as dialog:
        # One's own, then another's: the first being taken opens no door for the second.
        dialog.ehlo()
        assert "AUTH" not in dialog.ehlo().text
        assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
        assert dialog.say(f"RCPT TO:<{to}>").code == 550
        assert dialog.say("DATA").code == 503
    assert len(office.sink.messages) == before


# --- the operator and the loops -----------------------------------------------------------


def arf(reverse_path: str, more: str = "") -> str:
    return (
        "From: fbl@isp.example\r\nTo: <fbl@relay.test>\r\nSubject: Abuse\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="r"\r\n\r\n'
        "--r\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: Test/1\r\n"
        f"Version: 1\r\n{more}\r\n--r\r\nContent-Type: message/rfc822\r\n\r\nReturn-Path: <{reverse_path}>\r\n"
        "Subject: News\r\n\r\nx\r\n--r--\r\n"
    )


@pytest.mark.parametrize("to", ["abuse@relay.test", "postmaster@relay.test", "Postmaster"])
def test_the_operator_is_reached(office: Office, to: str) -> None:
    message = mail(to=to, subject=f"A question to {to}")
    assert bring(office, to, message, "joe@example.net").code == 250
    kept = office.relay.directory / "data" / "operator-mail" / "new"
    assert any(f"A question to {to}".encode() in path.read_bytes() for path in kept.iterdir())


def test_a_report_to_abuse_counts_by_the_tag_in_its_copy(office: Office) -> None:
    office.agree("loop-i@rcpt.example")
    office.send(office.bulk, mail(to="loop-i@rcpt.example", subject="To loop"), "loop-i@rcpt.example")
    got = office.sink.to("loop-i@rcpt.example")
    assert bring(office, "abuse@relay.test", arf("b-" + got.reverse_path[2:]), "fbl@isp.example").code == 250
    assert str(office.ask(office.bulk, "loop-i@rcpt.example")).startswith("550 5.7.1 suppressed")


def test_a_report_on_a_shared_copy_stops_nobody_and_the_next_copies_are_apart(office: Office) -> None:
    people = ("apart1-i@rcpt.example", "apart2-i@rcpt.example")
    office.send(office.direct, mail(to=", ".join(people), subject="Shared"), *people)
    got = office.sink.to(people[0])
    assert set(got.recipients) == set(people)
    forged = report(got.reverse_path, people[0], "5.1.1", "550 5.1.1 no such user here")
    assert bring(office, got.reverse_path, forged).code == 250
    assert office.ask(office.direct, people[0]).code == 250
    assert [kind for kind, _ in events(office, people[0])] == ["unproved"]

    seen = len(office.sink.messages)
    office.send(office.direct, mail(to=", ".join(people), subject="Apart"), *people)
    until(lambda: len(office.sink.messages) >= seen + 2, "two copies have come")
    copies = {m.recipients[0]: m.reverse_path for m in office.sink.messages[seen:]}
    assert set(copies) == set(people) and len(set(copies.values())) == 2
    real = report(copies[people[0]], people[0], "5.1.1", "550 5.1.1 no such user here")
    assert bring(office, copies[people[0]], real).code == 250
    assert str(office.ask(office.direct, people[0])).startswith("550 5.7.1 suppressed")
    assert office.ask(office.direct, people[1]).code == 250
