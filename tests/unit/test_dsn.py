"""Notifications are valid RFC 3464 reports, and nothing that comes from outside breaks out of its field."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.feedback import mime
from relay.feedback.analyse import FeedbackKind, analyse
from relay.mail.dsn import MAX_RETURNED_OCTETS, build, wanted
from relay.mail.dsn_report import Action, Notification, RecipientReport

FAILED = RecipientReport(
    final_recipient="bob@example.net",
    action=Action.FAILED,
    status="5.1.1",
    original_recipient="rfc822;bob+40x@example.net",
    remote_mta="mx.example.net",
    diagnostic="550 5.1.1 no such user",
    last_attempt=1790000100.0,
)
NOTE = Notification(
    reporting_mta="relay.example.com",
    reverse_path="app@shop.example",
    message_id="<1@relay.example.com>",
    date=1790000200.0,
    recipients=(FAILED,),
    original=b"From: app@shop.example\r\nTo: bob@example.net\r\nSubject: Invoice\r\n\r\nBody text\r\n",
    envelope_id="QQ+2B314159",
    arrival=1790000000.0,
)


def parsed(note: Notification) -> EmailMessage:
    raw = build(note)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def groups(note: Notification) -> list[list[tuple[str, str]]]:
    part = list(parsed(note).iter_parts())[1]
    blocks = part.get_payload()
    assert isinstance(blocks, list)
    return [[(k, str(v)) for k, v in block.items()] for block in blocks if isinstance(block, EmailMessage)]


def test_the_whole_report() -> None:
    message = parsed(NOTE)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["From"].addresses[0].addr_spec == "MAILER-DAEMON@relay.example.com"
    assert message["To"].addresses[0].addr_spec == "app@shop.example"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == "<1@relay.example.com>"
    assert message["Date"].datetime.timestamp() == 1790000200
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert build(NOTE).isascii()
    assert build(NOTE) == build(NOTE)


def test_fields_of_the_machine_readable_part() -> None:
    about, recipient = groups(NOTE)
    assert dict(about) == {
        "Original-Envelope-Id": "QQ+314159",
        "Reporting-MTA": "dns; relay.example.com",
        "Arrival-Date": "Mon, 21 Sep 2026 14:13:20 +0000",
    }
    assert recipient == [
        ("Original-Recipient", "rfc822; bob@x@example.net"),
        ("Final-Recipient", "rfc822; bob@example.net"),
        ("Action", "failed"),
        ("Status", "5.1.1"),
        ("Remote-MTA", "dns; mx.example.net"),
        ("Diagnostic-Code", "smtp; 550 5.1.1 no such user"),
        ("Last-Attempt-Date", "Mon, 21 Sep 2026 14:15:00 +0000"),
    ]


def test_the_text_says_what_happened_and_what_to_do() -> None:
    text = next(parsed(NOTE).iter_parts()).get_content()
    for words in (
        "Your message could not be delivered to:",
        "  bob@example.net",
        "The server mx.example.net answered:",
        "550 5.1.1 no such user",
        "The address does not exist there.",
        "Check the spelling of the address",
    ):
        assert words in text


def test_a_delay_says_until_when() -> None:
    delayed = replace(FAILED, action=Action.DELAYED, status="4.4.1", will_retry_until=1790086400.0)
    note = replace(NOTE, recipients=(delayed,))
    assert parsed(note)["Subject"] == "Your message is delayed"
    assert "goes on trying until 2026-09-22 14:13 UTC" in " ".join(
        next(parsed(note).iter_parts()).get_content().split()
    )
    assert ("Will-Retry-Until", "Tue, 22 Sep 2026 14:13:20 +0000") in groups(note)[1]
    assert analyse(mime.parse(build(note)), "bob@example.net").kind is FeedbackKind.DELAYED


def test_several_recipients_and_actions() -> None:
    done = RecipientReport("eve@example.net", Action.DELIVERED, "2.0.0")
    note = replace(NOTE, recipients=(FAILED, done))
    assert parsed(note)["Subject"] == "Delivery report for your message"
    assert [dict(group)["Action"] for group in groups(note)[1:]] == ["failed", "delivered"]
    assert analyse(mime.parse(build(note)), "bob@example.net").kind is FeedbackKind.HARD
    assert analyse(mime.parse(build(note)), "eve@example.net").kind is FeedbackKind.NOTHING


def test_full_returns_the_message_and_hdrs_its_header() -> None:
    full = list(parsed(replace(NOTE, ret="FULL")).iter_parts())[2]
    assert full.get_content_type() == "message/rfc822"
    assert b"Subject: Invoice\r\n\r\nBody text" in build(replace(NOTE, ret="FULL"))
    assert b"Body text" not in build(NOTE)
    assert b"Subject: Invoice\r\n" in build(NOTE)
    assert len(list(parsed(replace(NOTE, original=b"")).iter_parts())) == 2


@pytest.mark.parametrize(
    "body", [b"x\r\n" * (MAX_RETURNED_OCTETS // 3), b"y" * 999 + b"\r\n"], ids=["too large", "line too long"]
)
def test_full_falls_back_to_the_header(body: bytes) -> None:
    note = replace(NOTE, ret="FULL", original=b"Subject: Invoice\r\n\r\n" + body)
    part = list(parsed(note).iter_parts())[2]
    assert part.get_content_type() == "text/rfc822-headers"
    assert body not in build(note)


def test_huge_and_odd_headers_are_bounded() -> None:
    note = replace(NOTE, original=b"X: " + b"a" * 5000 + b"\r\n" + b"Y: b\r\n" * 100_000 + b"\r\nbody")
    assert len(build(note)) < MAX_RETURNED_OCTETS + 8000
    assert b"body" not in build(replace(NOTE, original=b"\r\nbody"))
    assert b"Z: 1\r\nQ: 2" in build(replace(NOTE, original=b"Z: 1\nQ: 2\n\nbody"))


def test_the_boundary_stands_in_no_part() -> None:
    raw = build(NOTE)
    boundary = raw.split(b'boundary="')[1].split(b'"')[0]
    note = replace(NOTE, ret="FULL", original=b"Subject: x\r\n\r\n--" + boundary + b"--\r\n")
    assert len(list(parsed(note).iter_parts())) == 3
    assert build(note).count(boundary) == 1


def test_international_addresses_without_smtputf8() -> None:
    note = replace(NOTE, recipients=(replace(FAILED, final_recipient="jüri@example.ee", diagnostic="550 tühi"),))
    raw = build(note)
    assert raw.isascii()
    assert ("Final-Recipient", "utf-8; j\\x{FC}ri@example.ee") in groups(note)[1]
    assert "jüri@example.ee" in next(parsed(note).iter_parts()).get_content()


def test_international_reverse_path() -> None:
    jyri = replace(FAILED, final_recipient="jüri@example.ee", original_recipient="utf-8;j\\x{FC}ri@example.ee")
    raw = build(replace(NOTE, reverse_path="õ@shop.example", recipients=(jyri,)))
    assert "To: <õ@shop.example>\r\n".encode() in raw
    assert b"Content-Type: message/global-delivery-status\r\n" in raw
    assert "Original-Recipient: utf-8; jüri@example.ee\r\nFinal-Recipient: utf-8; jüri@example.ee\r\n".encode() in raw


def test_eight_bit_headers_are_declared() -> None:
    raw = build(replace(NOTE, original="Subject: Üks\r\n\r\n".encode()))
    assert b"message/global-headers\r\n" in raw
    assert b"Content-Transfer-Encoding: 8bit\r\n\r\nSubject: " in raw


EVIL = "x\r\nBcc: victim@example.org\r\n\r\n--=_x\nInjected: 1\x00\x85\u2028Injected: 2"


@pytest.mark.parametrize(
    "note",
    [
        replace(NOTE, reporting_mta=EVIL),
        replace(NOTE, envelope_id=EVIL),
        replace(NOTE, envelope_id="a+0D+0ABcc: victim@example.org+0D+0A+0D+0AInjected: 1"),
        replace(NOTE, recipients=(replace(FAILED, final_recipient=EVIL),)),
        replace(NOTE, recipients=(replace(FAILED, original_recipient=EVIL),)),
        replace(NOTE, recipients=(replace(FAILED, original_recipient="rfc822;a+0D+0AInjected: 1"),)),
        replace(NOTE, recipients=(replace(FAILED, original_recipient="utf-8;a\\x{D}\\x{A}Injected: 1"),)),
        replace(NOTE, recipients=(replace(FAILED, remote_mta=EVIL),)),
        replace(NOTE, recipients=(replace(FAILED, diagnostic=EVIL),)),
    ],
)
def test_nothing_breaks_out_of_its_field(note: Notification) -> None:
    message = parsed(note)
    assert [k for k, _ in message.items()] == [k for k, _ in parsed(NOTE).items()]
    assert len(list(message.iter_parts())) == 3
    assert not any(line.startswith((b"Bcc:", b"Injected:")) for line in build(note).split(b"\r\n"))


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_diagnostic_keeps_the_form(diagnostic: str, host: str) -> None:
    note = replace(NOTE, recipients=(replace(FAILED, diagnostic=diagnostic, remote_mta=host),))
    names = [name for name, _ in groups(note)[1]]
    assert set(names) <= {
        "Original-Recipient",
        "Final-Recipient",
        "Action",
        "Status",
        "Remote-MTA",
        "Diagnostic-Code",
        "Last-Attempt-Date",
    }
    assert analyse(mime.parse(build(note)), "bob@example.net").source == "report"


@pytest.mark.parametrize(
    "note",
    [
        replace(NOTE, reverse_path=""),
        replace(NOTE, reverse_path="a@b.example>, <c@d.example"),
        replace(NOTE, recipients=()),
        replace(NOTE, message_id="<a@b>\r\nBcc: c@d.example"),
        replace(NOTE, message_id="no brackets"),
        replace(NOTE, recipients=(replace(FAILED, status="550"),)),
        replace(NOTE, recipients=(replace(FAILED, status="5.1.1\r\nX: y"),)),
    ],
)
def test_facts_that_cannot_be_reported(note: Notification) -> None:
    with pytest.raises(ValueError):
        build(note)


@pytest.mark.parametrize(
    ("notify", "kind", "outcome", "expected"),
    [
        ("", "transactional", "failed", True),
        ("", "transactional", "delayed", False),
        ("", "transactional", "delivered", False),
        ("", "bulk", "failed", False),
        ("", "bulk", "delayed", False),
        ("", "bulk", "delivered", False),
        ("NEVER", "transactional", "failed", False),
        ("NEVER", "bulk", "failed", False),
        ("FAILURE", "bulk", "failed", True),
        ("FAILURE", "bulk", "delivered", False),
        ("failure,delay", "bulk", "delayed", True),
        ("SUCCESS,FAILURE", "transactional", "delivered", True),
        ("SUCCESS", "transactional", "failed", False),
        ("DELAY", "transactional", "failed", False),
        ("NEVER,FAILURE", "transactional", "failed", False),
    ],
)
def test_who_gets_one(notify: str, kind: str, outcome: str, expected: bool) -> None:
    assert wanted(notify, kind, outcome) is expected
