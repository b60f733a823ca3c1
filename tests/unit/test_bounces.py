"""Bounces in all the forms they come in: who failed, of which class, and whether that is for good."""
# ruff: noqa: E501, RUF001 - servers' own words, in their letters, on one line

from __future__ import annotations

import base64
import json
import quopri

import pytest

from relay.feedback import mime
from relay.feedback.analyse import FeedbackKind, Understood, analyse, understand
from relay.verdict.values import AnswerKind as Class

ANN = "ann@example.net"
RETURNED = "From: News <news@shop.example>\r\nTo: ann@example.net\r\nSubject: Offers\r\n"


def bounce(
    groups: str,
    note: str = "It could not be delivered.",
    *,
    boundary: str = "b",
    announced: str = "b",
    kind: str = "message/delivery-status",
    encoding: str = "7bit",
    subject: str = "Undelivered Mail Returned to Sender",
) -> bytes:
    """A multipart/report; ``announced``: the boundary that the header names."""
    fields = f"Reporting-MTA: dns; gw.example\r\n\r\n{groups}\r\n".encode()
    if encoding == "base64":
        fields = base64.encodebytes(fields)
    elif encoding == "quoted-printable":
        fields = quopri.encodestring(fields)
    return (
        (
            f"From: MAILER-DAEMON@gw.example\r\nTo: b-tag@relay.example\r\nSubject: {subject}\r\n"
            f'Content-Type: multipart/report; report-type=delivery-status; boundary="{announced}"\r\n\r\n'
            f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{note}\r\n\r\n"
            f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        ).encode()
        + fields
        + f"--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n{RETURNED}\r\n--{boundary}--\r\n".encode()
    )


def group(action: str, status: str, diagnostic: str, recipient: str = f"rfc822; {ANN}") -> str:
    said = f"Diagnostic-Code: {diagnostic}\r\n" if diagnostic else ""
    return f"Final-Recipient: {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n{said}"


def words(
    text: str, subject: str = "Undelivered mail", header: str = "", sender: str = "MAILER-DAEMON@gw.example"
) -> bytes:
    return f"From: {sender}\r\nTo: b-tag@relay.example\r\nSubject: {subject}\r\n{header}\r\n{text}\r\n".encode()


def one(raw: bytes) -> tuple[str, str, bool, str]:
    """Recipient, class, permanent, action of the only failure."""
    understood = understand(mime.parse(raw))
    (failure,) = understood.failures
    judged = failure.judgement
    return failure.recipient, judged.kind.value, judged.permanent, failure.action


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "class_", "permanent"),
    [
        # The report's fields contradict each other, or the answer.
        ("failed", "5.1.1", "", "unknown-address", True),
        ("failed", "5.0.0", "smtp; 550 5.1.1 user unknown", "unknown-address", True),
        ("failed", "5.7.1", "smtp; 550 5.1.1 user unknown", "unknown-address", True),
        ("failed", "5.4.4", "smtp; 550 5.1.1 user unknown", "unknown-address", True),
        ("failed", "4.4.7", "smtp; 550 5.1.1 user unknown", "unknown-address", True),
        ("failed", "5.1.1", "smtp; 550 5.7.1 blocked by policy", "blocked", False),
        ("failed", "5.1.1", "smtp; 550 mailbox full", "mailbox-full", False),
        ("failed", "5.1.1", "smtp; 450 4.2.1 try later", "temporary", False),
        ("failed", "5.0.0", "smtp; 451 4.7.1 greylisted", "greylisted", False),
        ("failed", "5.0.0", "smtp; 421 too many connections", "rate", False),
        ("failed", "4.4.7", "smtp; delivery time expired", "expired", False),
        ("failed", "4.4.1", "X-Postfix; connect to mx.example.net[192.0.2.1]:25: Connection timed out", "network", False),
        ("delayed", "5.1.1", "smtp; 550 5.1.1 user unknown", "unknown-address", False),
        ("delayed", "4.4.1", "smtp; 451 4.4.1 no answer", "temporary", False),
        ("failure", "5.1.1", "", "unknown-address", True),
        ("error", "5.1.1", "", "unknown-address", True),
        ("FAILED (final)", "5.1.1 (bad mailbox)", "", "unknown-address", True),
        ("failed", "5.2.2", "smtp; 552 5.2.2 over quota", "mailbox-full", False),
        ("failed", "5.2.1", "smtp; 550 5.2.1 account disabled", "disabled", False),
        ("failed", "5.3.4", "", "too-large", False),
        ("failed", "5.4.6", "", "loop", False),
        ("failed", "5.7.26", "smtp; 550 5.7.26 DMARC", "authentication", False),
        ("failed", "5.6.0", "", "content", False),
        # Another host's word that the domain is gone or takes no mail.
        ("failed", "5.1.2", "", "no-mail-domain", True),
        ("failed", "5.4.4", "X-Postfix; Host or domain name not found. Name service error for name=example.net type=A: Host not found", "no-mail-domain", True),
        ("failed", "5.4.4", "X-Postfix; Name service error for name=example.net: Malformed or unexpected name server reply", "network", False),
        ("failed", "5.1.10", "smtp; 556 5.1.10 Recipient address has null MX", "no-mail-domain", True),
        ("failed", "5.0.0", "X-Postfix; unknown mail domain", "no-mail-domain", True),
        ("failed", "5.1.10", "smtp; 550 5.1.10 RESOLVER.ADR.RecipientNotFound", "unknown-address", True),
        # Whose words they are.
        ("failed", "5.1.1", "x-unix; procmail: no such user", "system", False),
        ("failed", "5.5.0", "smtp; 550 : User unknown", "filtered", False),
        ("failed", "5.4.1", "smtp; 550 5.4.1 Recipient address rejected: Access denied", "unknown-address", True),
    ],
)  # fmt: skip
def test_reports(action: str, status: str, diagnostic: str, class_: str, permanent: bool) -> None:
    recipient, kind, forever, _ = one(bounce(group(action, status, diagnostic)))
    assert (recipient, kind, forever) == (ANN, class_, permanent)


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_notices_of_success_are_no_failures(action: str) -> None:
    raw = bounce(group(action, "2.1.5", "smtp; 250 2.1.5 ok"))
    assert understand(mime.parse(raw)).failures[0].action == action
    assert analyse(mime.parse(raw), ANN).kind is FeedbackKind.NOTHING


@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
@pytest.mark.parametrize(
    "kind", ["message/delivery-status", "message/global-delivery-status", "Message/Delivery-Status"]
)
@pytest.mark.parametrize("announced", ["b", "another-one", "", "b; x"])
def test_parts_are_found(encoding: str, kind: str, announced: str) -> None:
    """However they are encoded, and though the header may name a boundary that isn't there."""
    raw = bounce(group("failed", "5.1.1", "smtp; 550 5.1.1 no"), encoding=encoding, kind=kind, announced=announced)
    assert one(raw) == (ANN, "unknown-address", True, "failed")


def test_international_addresses() -> None:
    """RFC 6533: in UTF-8, and as utf-8-addr-xtext."""
    assert one(bounce(group("failed", "5.1.1", "", "utf-8; jõgi@näide.example"), kind="message/global-delivery-status"))[0] == "jõgi@näide.example"  # fmt: skip
    assert one(bounce(group("failed", "5.1.1", "", r"utf-8; j\x{F5}gi@n\x{E4}ide.example")))[0] == "jõgi@näide.example"


@pytest.mark.parametrize("cut", [0.55, 0.7, 0.85])
def test_reports_that_were_cut_off(cut: float) -> None:
    raw = bounce(group("failed", "5.1.1", "smtp; 550 5.1.1 no"), note=f"<{ANN}>: 550 5.1.1 User unknown")
    assert one(raw[: int(len(raw) * cut)])[:3] == (ANN, "unknown-address", True)


def test_several_recipients_each_with_its_own_reason() -> None:
    raw = bounce(
        group("failed", "5.1.1", "smtp; 550 5.1.1 User unknown")
        + "\r\n"
        + group("failed", "5.2.2", "smtp; 552 5.2.2 Mailbox full", "rfc822; bob@example.net")
        + "\r\n"
        + group("delayed", "4.4.1", "", "rfc822; cid@example.net"),
        note=f"<{ANN}>: user unknown\r\n\r\n<bob@example.net>: mailbox is full\r\n\r\n<cid@example.net>: no answer",
    )
    told = understand(mime.parse(raw)).failures
    assert [(f.recipient, f.judgement.kind, f.judgement.permanent, f.action) for f in told] == [
        (ANN, Class.UNKNOWN_ADDRESS, True, "failed"),
        ("bob@example.net", Class.FULL, False, "failed"),
        ("cid@example.net", Class.TEMPORARY, False, "delayed"),
    ]
    assert analyse(mime.parse(raw), "bob@example.net").kind is FeedbackKind.SOFT
    assert analyse(mime.parse(raw), "cid@example.net").kind is FeedbackKind.DELAYED
    assert analyse(mime.parse(raw), ANN).dead


def test_the_sender_s_own_spelling_is_shown() -> None:
    raw = bounce(f"Original-Recipient: rfc822;{ANN}\r\n" + group("failed", "5.1.1", "", "x400; /S=ANN/"))
    assert one(raw)[0] == ANN


def inside(raw: bytes, sender: str, note: str) -> bytes:
    """A message that was forwarded as an attachment."""
    head = (
        f"From: {sender}\r\nTo: b-tag@relay.example\r\nSubject: Fwd: look\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
        f"--o\r\nContent-Type: text/plain\r\n\r\n{note}\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return head.encode() + raw + b"\r\n--o--\r\n"


def test_a_report_in_a_forwarded_message_is_read() -> None:
    report = bounce(group("failed", "5.1.1", "smtp; 550 5.1.1 no"))
    assert one(inside(report, "bob@example.org", "What is this?")) == (ANN, "unknown-address", True, "failed")


def test_a_report_that_is_returned_is_what_was_sent_not_what_came_of_it() -> None:
    report = bounce(group("failed", "5.1.1", "smtp; 550 5.1.1 no", "rfc822; other@example.org"))
    raw = inside(report, "MAILER-DAEMON@gw.example", f"<{ANN}>: mailbox is full")
    assert one(raw)[:3] == (ANN, "mailbox-full", False)


SES = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": ANN,
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
        ],
    },
    "mail": {"source": "x@shop.example", "destination": [ANN]},
}


def ses(type_: str, subtype: str, status: str = "", diagnostic: str = "") -> dict[str, object]:
    row = {"emailAddress": f"Ann <{ANN}>", **({"status": status} if status else {}), **({"diagnosticCode": diagnostic} if diagnostic else {})}  # fmt: skip
    return {"notificationType": "Bounce", "bounce": {"bounceType": type_, "bounceSubType": subtype, "bouncedRecipients": [row]}}  # fmt: skip


@pytest.mark.parametrize(
    ("told", "class_", "permanent"),
    [
        (SES, "unknown-address", True),
        (SES | {"notificationType": None, "eventType": "Bounce"}, "unknown-address", True),
        (ses("Permanent", "NoEmail"), "unknown-address", True),
        (ses("Permanent", "General"), "unknown-address", True),
        (ses("Permanent", "General", "5.7.1", "smtp; 554 5.7.1 spam"), "spam", False),
        (ses("Permanent", "General", "5.4.1", "smtp; 550 5.4.1 Recipient address rejected: Access denied"), "unknown-address", True),
        (ses("Permanent", "Suppressed", "5.1.1"), "unknown-address", True),
        (ses("Permanent", "OnAccountSuppressionList", "5.1.1"), "blocked", False),
        (ses("Transient", "General"), "other", False),
        (ses("Transient", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"), "unknown-address", False),
        (ses("Transient", "MailboxFull", "5.2.2"), "mailbox-full", False),
        (ses("Transient", "MessageTooLarge"), "too-large", False),
        (ses("Transient", "ContentRejected"), "content", False),
        (ses("Transient", "AttachmentRejected"), "content", False),
        (ses("Undetermined", "Undetermined"), "other", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrapped", ["plain", "by SNS", "with a footer", "folded", "as JSON itself"])
def test_notifications(told: dict[str, object], class_: str, permanent: bool, wrapped: str) -> None:
    text = json.dumps(told)
    header = "Content-Type: text/plain\r\n"
    if wrapped == "by SNS":
        text = json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": text, "Signature": "x=="})
    elif wrapped == "with a footer":
        text += "\r\n\r\n--\r\nIf you wish to stop receiving notifications, visit https://sns.example/x?a=1\r\n"
    elif wrapped == "folded":
        text = text.replace(", ", ",\r\n ")
    elif wrapped == "as JSON itself":
        header = "Content-Type: application/json\r\n"
    raw = words(text, "AWS Notification Message", header, "no-reply@sns.amazonaws.com")
    assert one(raw)[:3] == (ANN, class_, permanent)


@pytest.mark.parametrize("kind", ["Delivery", "Send", "Complaint"])
def test_other_notifications_are_no_bounces(kind: str) -> None:
    raw = words(json.dumps({"notificationType": kind, "mail": {}}), "AWS", "", "no-reply@sns.amazonaws.com")
    assert analyse(mime.parse(raw), ANN).kind is not FeedbackKind.HARD


WORDS = [
    # qmail
    (f"Hi. This is the qmail-send program at gw.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<{ANN}>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 user unknown\nGiving up on 192.0.2.1.\n", "unknown-address", True),
    (f"Hi. This is the qmail-send program at gw.example.\n\n<{ANN}>:\nSorry, no mailbox here by that name. (#5.1.1)\n", "unknown-address", True),
    (f"<{ANN}>:\nSorry, I couldn't find any host named example.net. (#5.1.2)\n", "no-mail-domain", True),
    (f"<{ANN}>:\nSorry, I couldn't find a mail exchanger or IP address. (#5.4.4)\n", "no-mail-domain", True),
    (f"<{ANN}>:\n192.0.2.1 failed after I sent the message.\nRemote host said: 554 Message rejected as spam\n", "spam", False),
    (f"<{ANN}>:\nvdelivermail: account is locked email bounced\n", "disabled", False),
    (f"<{ANN}>:\nuser does not exist, but will deliver to /var/vpopmail/\ncan not open new email file errno=2 mailbox full\n", "mailbox-full", False),
    # Exim
    (f"This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  {ANN}\n    SMTP error from remote mail server after RCPT TO:<{ANN}>:\n    host mx.example.net [192.0.2.1]: 550 No such user here\n", "unknown-address", True),
    (f"The following address(es) failed:\n\n  {ANN}\n    host mx.example.net [192.0.2.1]\n    SMTP error from remote mail server after end of data:\n    550 Message rejected, unknown user\n", "filtered", False),
    (f"The following address(es) failed:\n\n  {ANN}\n    all relevant MX records point to non-existent hosts\n", "no-mail-domain", True),
    (f"The following address(es) failed:\n\n  {ANN}\n    an MX or SRV record indicated no SMTP service\n", "no-mail-domain", True),
    (f"The following address(es) failed:\n\n  {ANN}\n    retry timeout exceeded\n", "expired", False),
    (f"The following address(es) failed:\n\n  {ANN}\n    Unrouteable address\n", "no-mail-domain", True),
    # Sendmail
    (f"   ----- The following addresses had permanent fatal errors -----\n<{ANN}>\n    (reason: 550 5.1.1 <{ANN}>... User unknown)\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.net.:\n>>> RCPT To:<{ANN}>\n<<< 550 5.1.1 <{ANN}>... User unknown\n550 5.1.1 <{ANN}>... User unknown\n", "unknown-address", True),
    (f"   ----- Transcript of session follows -----\n550 {ANN}... Host unknown (Name server: example.net: host not found)\n", "no-mail-domain", True),
    (f"   ----- The following addresses had permanent fatal errors -----\n<{ANN}>\n\n   ----- Transcript of session follows -----\n>>> DATA\n<<< 552 Mailbox full\n", "mailbox-full", False),
    # Exchange, Notes, GroupWise
    (f"Your message\n\n  To:      {ANN}\n  Subject: Offers\n  Sent:    Fri, 20 Jul 2001\n\ndid not reach the following recipient(s):\n\n{ANN} on Fri, 20 Jul 2001 11:08:59 -0700\n    The recipient name is not recognized\n", "unknown-address", True),
    (f"Diagnostic information for administrators:\n\nGenerating server: gw.example\n\n{ANN}\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n", "unknown-address", True),
    (f"Fehlermeldung: Der Name der E-Mail-Adresse wurde nicht gefunden.\n\n{ANN}\nEmpfänger nicht gefunden\n", "unknown-address", True),
    (f"------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\n{ANN}\n", "unknown-address", True),
    (f"The message could not be delivered to:\n{ANN}\nmailbox quota exceeded\n", "mailbox-full", False),
    # Other languages
    (f"Votre message n'a pas pu être remis.\n\n{ANN}: 550 5.1.1 utilisateur inconnu\n", "unknown-address", True),
    (f"Ваше сообщение не доставлено.\n\n{ANN}\nПочтовый ящик не существует\n", "unknown-address", True),
    (f"Ваш лист не доставлено.\n\n{ANN}\nСкринька переповнена\n", "mailbox-full", False),
    (f"{ANN}\n宛先のメールアドレスが見つかりませんでした\n", "unknown-address", True),
    (f"{ANN}\n收件人不存在\n", "unknown-address", True),
    (f"Teie kiri ei jõudnud kohale.\n\n{ANN}\nSellist kasutajat ei ole\n", "unknown-address", True),
    # In so many words, without a code or a stage: as often a filter's.
    (f"Unable to deliver message to: <{ANN}>\nServer mx.example.net[192.0.2.1] failed with: 550 <{ANN}> No such user here\n", "unknown-address", False),
    (f"Your message to {ANN} was rejected. Please contact helpdesk@gw.example.\nReason: it looks like spam\n", "spam", False),
    (f"The user {ANN} has moved\n", "moved", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "class_", "permanent"), WORDS)
@pytest.mark.parametrize("form", ["plain", "html", "base64", "crlf"])
def test_words(text: str, class_: str, permanent: bool, form: str) -> None:
    header = "Content-Type: text/plain; charset=utf-8\r\n"
    if form == "html":
        header = "Content-Type: text/html; charset=utf-8\r\n"
        text = "<html><body>" + text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace(
            "\n", "<br>"
        )
    elif form == "base64":
        header += "Content-Transfer-Encoding: base64\r\n"
        text = base64.encodebytes(text.encode()).decode()
    elif form == "crlf":
        text = text.replace("\n", "\r\n")
    returned = f"\n\n------ This is a copy of the message, including all the headers. ------\n\n{RETURNED}"
    for raw in (
        words(text, header=header),
        words(text + returned, header=header) if form in ("plain", "crlf") else b"",
    ):
        if raw:
            assert one(raw)[:3] == (ANN, class_, permanent)


def test_a_header_may_name_those_who_failed() -> None:
    raw = words("It failed: 550 5.1.1 user unknown", header=f"X-Failed-Recipients: {ANN}, bob@example.net\r\n")
    assert [f.recipient for f in understand(mime.parse(raw)).failures] == [ANN, "bob@example.net"]


NOT_FAILURES = [
    (words("I am away until Monday.", "Out of office: Offers", sender=ANN), FeedbackKind.AUTOMATIC),
    (words("I am away until Monday.", "Automatic reply: Offers", "Auto-Submitted: auto-replied\r\n", ANN), FeedbackKind.AUTOMATIC),
    (words("Thank you for your ticket.", "[#123] received", "Auto-Submitted: auto-replied\r\n", ANN), FeedbackKind.AUTOMATIC),
    (words("Please click to confirm that you are a person.", "Please confirm your message", sender=ANN), FeedbackKind.UNKNOWN),
    (words("Please send me more.", "Re: Offers", sender=ANN), FeedbackKind.UNKNOWN),
    (
        b"From: ann@example.net\r\nSubject: Read: Offers\r\n"
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n"
        b"--b\r\n\r\nYour message was read.\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        b"Final-Recipient: rfc822; ann@example.net\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n--b--\r\n",
        FeedbackKind.NOTHING,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "kind"), NOT_FAILURES)
def test_what_looks_like_a_bounce_and_is_none(raw: bytes, kind: FeedbackKind) -> None:
    assert understand(mime.parse(raw)) == Understood(kind, (), understand(mime.parse(raw)).why)
    assert analyse(mime.parse(raw), ANN).kind is kind


@pytest.mark.parametrize("text", ["It will be retried for four more days.", "This is a warning message only, you do not need to resend"])  # fmt: skip
def test_delays_in_words(text: str) -> None:
    raw = words(f"Delivery to {ANN} is delayed. {text}\n<{ANN}>: 550 5.1.1 user unknown", "Warning: delayed")
    assert one(raw) == (ANN, "unknown-address", False, "delayed")
    assert analyse(mime.parse(raw), ANN).kind is FeedbackKind.DELAYED
