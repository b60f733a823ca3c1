"""What a message that came back means; samples of our own, named ``KIND-what.eml``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from relay.feedback import mime
from relay.feedback.analyse import FeedbackKind, Finding, analyse, automatic
from relay.feedback.classify import judge

SAMPLES = Path(__file__).parent.parent / "samples" / "bounces"
KINDS = {
    "dead": FeedbackKind.HARD,
    "soft": FeedbackKind.SOFT,
    "delayed": FeedbackKind.DELAYED,
    "delivered": FeedbackKind.NOTHING,
    "nothing": FeedbackKind.NOTHING,
    "auto": FeedbackKind.AUTOMATIC,
    "unclassified": FeedbackKind.UNKNOWN,
    "complained": FeedbackKind.COMPLAINT,
}


def read(raw: bytes) -> Finding:
    return analyse(mime.parse(raw), "ann@example.net")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.eml")), ids=lambda path: path.stem)
def test_samples(path: Path) -> None:
    assert read(path.read_bytes()).kind is KINDS[path.stem.split("-")[0]]


def test_samples_are_there() -> None:
    assert len(list(SAMPLES.glob("*.eml"))) >= 30


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.eml")), ids=lambda path: path.stem)
def test_line_ends_and_mbox_lines_change_nothing(path: Path) -> None:
    raw = path.read_bytes()
    bare = raw.replace(b"\r\n", b"\n")
    assert read(bare) == read(raw)
    assert read(b"From MAILER-DAEMON Mon Nov 23 10:00:00 2026\n" + bare) == read(raw)


def test_a_report_gives_type_code_and_diagnostic() -> None:
    finding = read((SAMPLES / "dead-5.1.1.eml").read_bytes())
    assert (finding.type, finding.status, finding.reply) == ("unknown-address", "5.1.1", 550)
    assert finding.diagnostic.startswith("550 5.1.1 <ann@example.net>: Recipient address rejected")
    assert (finding.remote, finding.source) == ("mail.example.net", "report")


def test_diagnostics_are_one_bounded_printable_line() -> None:
    raw = (SAMPLES / "dead-5.1.1.eml").read_bytes().replace(b"User unknown", b"User\x1b[2Junknown " + b"x" * 5000)
    finding = read(raw)
    assert finding.diagnostic.isprintable()
    assert len(finding.diagnostic) <= 500


def test_base64_and_quoted_printable_reports_are_read() -> None:
    status = b"Final-Recipient: rfc822; ann@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    head = b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n"
    import base64

    encoded = head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(status) + b"--x--\r\n"
    assert read(encoded).kind is FeedbackKind.HARD
    quoted = head + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + status.replace(b"5.1.1", b"5=2E1.1")
    assert read(quoted).kind is FeedbackKind.HARD


def test_the_returned_message_is_not_read() -> None:
    raw = (SAMPLES / "soft-words-only.eml").read_bytes()
    returned = b"--- Original message ---\r\n550 5.1.1 after RCPT TO: user unknown, no such user\r\n"
    assert read(raw + returned).kind is FeedbackKind.SOFT


@pytest.mark.parametrize(
    ("status", "diagnostic", "note", "dead"),
    [
        ("5.1.1", "", "", True),
        ("5.1.3", "", "", True),
        ("5.1.6", "550 5.1.6 moved", "", True),
        ("5.7.1", "550 invalid recipient", "", False),
        ("5.1.0", "550 5.1.0 <a@b.example> sender rejected", "", False),
        ("5.1.1", "450 4.1.1 user unknown", "", False),
        ("4.1.1", "", "", False),
        ("5.0.0", "550-5.1.1 The account\n550 5.1.1 does not exist", "", True),
        ("5.0.0", "550 (#5.1.1)", "", True),
        ("5.0.0", "connect to 5.1.1.7 failed", "", False),
        ("5.0.0", "550 5.1.1 user unknown, 5.7.1 refused", "", False),
        ("5.1.1", "550 5.1.1 user unknown", "your mailbox is full", False),
        ("5.1.0", "550 #5.1.0 Address rejected.", "the address couldn't be found", True),
        ("5.1.1", "550 5.1.1 <no-quota@spam.example> user unknown", "", True),
        ("", "553 sorry", "", False),
        ("", "", "", False),
    ],
)
def test_judgements(status: str, diagnostic: str, note: str, dead: bool) -> None:
    assert judge(status, diagnostic, note).dead is dead


@pytest.mark.parametrize("code", ["1.1", "1.3", "1.6"])
def test_codes_of_dead_addresses(code: str) -> None:
    assert judge(f"5.{code}", f"550 5.{code} no", "").dead
    assert not judge(f"4.{code}", f"450 4.{code} no", "").dead


@pytest.mark.parametrize(("code", "permanent"), [("1.2", True), ("1.10", True), ("4.4", True), ("2.1", False)])
def test_codes_that_count_when_they_come_again(code: str, permanent: bool) -> None:
    """Of a domain, as another host sees it, and of a disabled mailbox, which may be opened again."""
    judged = judge(f"5.{code}", f"550 5.{code} no", "")
    assert (judged.dead, bool(judged.doubt), judged.permanent) == (False, True, permanent)
    assert not judge(f"4.{code}", f"450 4.{code} no", "").doubt


@pytest.mark.parametrize("detail", [0, 1, 2, 3, 7, 8, 9, 25, 26, 27, 606])
def test_policy_is_never_a_dead_address(detail: int) -> None:
    assert not judge(f"5.7.{detail}", f"550 5.7.{detail} user unknown (in reply to RCPT TO command)", "").dead


@pytest.mark.parametrize(
    ("header", "reverse_path", "expected"),
    [
        ("Subject: unsubscribe", "ann@example.net", False),
        ("Auto-Submitted: no", "ann@example.net", False),
        ("Auto-Submitted: No; owner=ann", "ann@example.net", False),
        ("Subject: unsubscribe", "", True),
        ("Auto-Submitted: auto-replied", "ann@example.net", True),
        ("Auto-Submitted: auto-generated (vacation)", "ann@example.net", True),
        ("Precedence: bulk", "ann@example.net", True),
        ("Precedence: auto_reply", "ann@example.net", True),
        ("Precedence: first-class", "ann@example.net", False),
        ("X-Auto-Response-Suppress: All", "ann@example.net", True),
        ("X-Autoreply: yes", "ann@example.net", True),
        ("Subject: =?utf-8?q?Automatic_reply:_Offers?=", "ann@example.net", True),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=x", "ann@example.net", True),
        ("From: MAILER-DAEMON@example.net", "ann@example.net", True),
    ],
)
def test_what_a_program_wrote(header: str, reverse_path: str, expected: bool) -> None:
    assert automatic(mime.parse(f"{header}\r\n\r\nunsubscribe\r\n".encode()), reverse_path) is expected


def nested(depth: int) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(depth))
    return b"From: MAILER-DAEMON@x.example\r\nSubject: Undelivered\r\n" + head + b"\r\nerror"


BOMBS = {
    "deep": nested(20_000),
    "many parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 200_000,
    "same boundary": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 50_000,
    "long header": b"Subject: " + b"a" * 5_000_000 + b"\r\n\r\nx",
    "many fields": b"Subject: x\r\n" * 400_000 + b"\r\nx",
    "folded": b"Subject: x\r\n" + b" y\r\n" * 1_000_000 + b"\r\nx",
    "angle brackets": b"Subject: Undelivered\r\nContent-Type: text/html\r\n\r\n" + b"<" * 3_000_000,
    "open styles": b"Subject: Undelivered\r\nContent-Type: text/html\r\n\r\n" + b"<style" * 500_000,
    "spaces": b"Subject: Undelivered\r\n\r\n" + b" " * 3_000_000,
    "words": b"Subject: Undelivered\r\n\r\n" + b"user account exceed mail " * 100_000,
    "ats": b"Subject: Undelivered\r\n\r\n" + b"a@" * 1_000_000,
    "open addresses": b"Subject: Undelivered\r\n\r\n" + b"<a" * 1_000_000,
    "recipients": b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\n"
    + b"Final-Recipient: rfc822;a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    * 30_000,
    "parameters": b"Content-Type: multipart/mixed" + b'; a="' * 2_000 + b"\r\n\r\nx",
    "encoded words": b"From: MAILER-DAEMON\r\nSubject: " + b"=?utf-8?q?a?= " * 100_000 + b"\r\n\r\nx",
    "charset": b"Subject: Undelivered\r\nContent-Type: text/plain; charset=punycode\r\n\r\n" + b"a-9" * 300_000,
    "base64": b"Subject: Undelivered\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"A" * 5_000_001,
    "nothing": b"",
    "no header": b"\r\n\r\n",
    "octets": bytes(range(256)) * 1000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_do_no_harm(name: str) -> None:
    start = time.process_time()
    finding = read(BOMBS[name])
    assert finding.kind in FeedbackKind
    # A bound that only an explosion passes: each takes far below a tenth of it.
    assert time.process_time() - start < 5


def test_bounds_hold() -> None:
    mail = mime.parse(BOMBS["many parts"])
    assert len(mail.parts) <= mime.MAX_PARTS
    assert len(mime.parse(BOMBS["many fields"]).top.fields) <= mime.MAX_FIELDS
    assert len(mime.parse(BOMBS["long header"]).get("subject")) <= mime.MAX_FIELD_OCTETS


def _passed_on(final: str, original: str = "") -> Finding:
    """A report on ann@people.example whose host passed it on."""
    first = f"Original-Recipient: rfc822; {original}\n" if original else ""
    raw = (
        "From: MAILER-DAEMON@people.example\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\nSorry\n'
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; people.example\n\n"
        f"{first}Final-Recipient: rfc822; {final}\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 user unknown\n\n--b--\n"
    )
    return analyse(mime.parse(raw.encode()), "ann@people.example")


@pytest.mark.parametrize("original", ["", "ann@people.example", "list@other.example"])
@pytest.mark.parametrize("final", ["ann.private@mail.example", "ben@people.example", "<team@people.example>"])
def test_where_mail_is_passed_on_the_recipient_may_well_live(final: str, original: str) -> None:
    """An old address to which copies go still: it is the one that is gone. Said again a day later it counts."""
    found = _passed_on(final, original)
    assert (found.kind, found.dead, found.doubt) == (FeedbackKind.HARD, False, "unknown-address")


@pytest.mark.parametrize("original", ["", "ann@people.example"])
@pytest.mark.parametrize(
    "final", ["ann@people.example", "ANN@People.Example", "ann@mailstore3.people.example", "ann+x@y.example"]
)
def test_the_same_name_at_another_host_is_the_same_mailbox(final: str, original: str) -> None:
    assert _passed_on(final, original).dead
