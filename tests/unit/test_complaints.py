"""Complaints in the forms that providers send, to a signed address and to the one that loops were told.

Each row is a mail as such a provider writes it, all written for this table.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay.feedback.complaint import Meaning, meaning_of
from relay.keys.secrets import Secrets
from relay.keys.tokens import Mark, local_part
from tests.support.corpora_arf import CORPUS, readings
from tests.support.inbound import ANN, BEN, HOST, MARK, SUBMISSION, TOPIC, World, sample

LOOP = f"fbl@{HOST}"
COMPLAINT, OPT_OUT, NOTHING, TOLD = "complaint", "unsubscribed", "nothing", "told"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, feedback={"addresses": [LOOP]})
    yield made
    made.conn.close()


def lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def copy(world: World, mark: Mark = MARK, to: str = "ann@example.net", body: str = "Buy our news.") -> str:
    """The message as it left, with the fields that the relay puts in."""
    return (
        f"Return-Path: <{world.address('b', mark)}>\nReceived: from {HOST} by mx.example.net; Mon, 23 Nov 2026\n"
        f"From: Shop <a@shop.example>\nTo: {to}\nSubject: News of November\nMessage-ID: <1@shop.example>\n"
        f"X-Report-Abuse: <{world.link('report', mark)}>\nFeedback-ID: 0a1b2c:shop:bulk:relay\n"
        f"List-Unsubscribe: <mailto:{world.address('u', mark)}>,\n <{world.link('u', mark)}>\n"
        f"Content-Type: text/plain\n\n{body}\n"
    )


def without(text: str, *names: str) -> str:
    """A copy without some fields (folded ones too)."""
    kept, dropping = [], False
    head, _, body = text.partition("\n\n")
    for line in head.split("\n"):
        if line[:1] not in " \t":
            dropping = line.partition(":")[0].lower() in names
        if not dropping:
            kept.append(line)
    return "\n".join(kept) + "\n\n" + body


def arf(
    fields: str,
    returned: str = "",
    *,
    kind: str = "message/rfc822",
    head: str = "",
    encoding: str = "",
    boundary: str = "b",
    written: str = "b",
) -> str:
    """A report (RFC 5965 §2); ``written`` is the boundary of its lines, if another one."""
    part = base64.encodebytes(fields.encode()).decode() if encoding == "base64" else fields
    coded = f"Content-Transfer-Encoding: {encoding}\n" if encoding else ""
    tail = f"--{written}\nContent-Type: {kind}\n\n{returned}\n" if returned else ""
    return (
        f"From: <fbl@isp.example>\nTo: <abuse@relay.example>\nSubject: FW: News\n{head}MIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type=feedback-report;\n boundary="{boundary}"\n\n'
        f"--{written}\nContent-Type: text/plain\n\nThis is an email abuse report.\n\n"
        f"--{written}\nContent-Type: message/feedback-report\n{coded}\n{part}\n{tail}--{written}--\n"
    )


ABUSE = "Feedback-Type: abuse\nUser-Agent: Some/1.0\nVersion: 1\n"


def typed(value: str) -> Callable[[World], str]:
    return lambda w: arf(f"Feedback-Type: {value}\nUser-Agent: Some/1.0\nVersion: 1\n", copy(w))


def ses(world: World, feedback: str | None = "abuse", key: str = "notificationType") -> dict[str, object]:
    complaint: dict[str, object] = {
        "complainedRecipients": [{"emailAddress": "ann@example.net"}],
        "timestamp": "2026-11-23T10:00:00.000Z",
        "feedbackId": "0102-abc",
    }
    if feedback is not None:
        complaint["complaintFeedbackType"] = feedback
    return {
        key: "Complaint",
        "complaint": complaint,
        "mail": {
            "source": world.address(),
            "destination": ["ann@example.net"],
            "headers": [{"name": "List-Unsubscribe", "value": f"<mailto:{world.address('u')}>"}],
        },
    }


def suppressed_by_ses(world: World) -> dict[str, object]:
    value = ses(world)
    complaint = value["complaint"]
    assert isinstance(complaint, dict)
    complaint["complaintSubType"] = "OnAccountSuppressionList"
    return value


def sns(body: str) -> str:
    return (
        "From: AWS Notifications <no-reply@sns.amazonaws.com>\nTo: <x>\nSubject: AWS Notification Message\n"
        f"Content-Type: text/plain; charset=UTF-8\n\n{body}\n\n--\nIf you wish to stop receiving notifications:\n"
        "https://sns.eu-west-1.amazonaws.com/unsubscribe.html?x=1\n"
    )


def jmrp(world: World, *, named: bool = True, who: str = "staff@hotmail.com", subject: str = "") -> str:
    extra = "X-HmXmrOriginalRecipient: <ann@example.net>\n" if named else ""
    return (
        f"From: <{who}>\nTo: <x>\nSubject: {subject or 'complaint about message from 192.0.2.1'}\n"
        f'Content-Type: multipart/mixed; boundary="m"\n\n--m\nContent-Type: message/rfc822\n\n{extra}{copy(world)}\n'
        "--m--\n"
    )


def jmrp_whole(world: World) -> str:
    """The copy is the body."""
    return (
        "From: staff@hotmail.com\nTo: <x>\nSubject: complaint about message from 192.0.2.1\n"
        f"Content-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: ann@example.net\n{copy(world)}"
    )


def jmrp_bald(world: World) -> str:
    """The copy itself, with a field in front."""
    return f"X-HmXmrOriginalRecipient: <ann@example.net>\n{copy(world)}"


def quoting(world: World) -> str:
    """The copy as quoted text."""
    quoted = "".join(f"> {line}\n" for line in copy(world).split("\n"))
    return arf(ABUSE, f"The message was:\n{quoted}", kind="text/plain")


def spamcop(world: World) -> str:
    return (
        "From: 6213@reports.spamcop.net\nTo: <x>\nSubject: [SpamCop (192.0.2.1) id:6213] News\n\n"
        f"[ SpamCop V5 ]\nThis message is brief for your comfort.\n\n[ Offending message ]\n{copy(world)}"
    )


def bare(world: World, subject: str = "Spam complaint", text: str = "A customer reported this message.") -> str:
    return (
        f'From: <desk@isp.example>\nSubject: {subject}\nContent-Type: multipart/mixed; boundary="m"\n\n'
        f"--m\n\n{text}\n--m\nContent-Type: message/rfc822\n\n{copy(world)}\n--m--\n"
    )


def written_out(world: World) -> str:
    return f"From: <fbl@isp.example>\nSubject: report\n\nA report:\n\n{ABUSE}\n{copy(world)}"


def mail_ru(world: World) -> str:
    """The header of the copy alone."""
    fields = f"{ABUSE}Original-Mail-From: {world.address()}\nOriginal-Rcpt-To: ann@example.net\nSource-IP: 192.0.2.1\n"
    return arf(fields, without(copy(world), "return-path"), kind="text/rfc822-headers")


def redacted(world: World) -> str:
    hidden = without(copy(world, to="[redacted]"), "return-path")
    return arf(f"{ABUSE}Original-Rcpt-To: 4f1e2d@comcast.example\nRedacted: yes\n", hidden)


def forwarded(world: World) -> str:
    """A person's own forwarder: another address complains about Ann's copy."""
    return arf(f"{ABUSE}Original-Rcpt-To: <ann.new@yahoo.example>\n", copy(world, to="ann.new@yahoo.example"))


def verp_only(world: World) -> str:
    return arf(f"{ABUSE}Original-Mail-From: <{world.address()}>\n")


def srs(world: World) -> str:
    """A forwarder rewrote the reverse-path (SRS)."""
    local, _, domain = world.address().partition("@")
    head = f"Return-Path: <SRS0=hA1b=T2={domain}={local}@forward.example>\n"
    return arf(ABUSE, head + without(copy(world), "return-path", "list-unsubscribe", "x-report-abuse"))


def links_only(world: World) -> str:
    """Nothing but the links of the text is left, as quoted-printable."""
    body = f"Bye: {world.link('u')}".replace("=", "=3D")
    body = body[:40] + "=\n" + body[40:]
    bald = without(copy(world, body=body), "return-path", "list-unsubscribe", "x-report-abuse")
    return arf(ABUSE, bald.replace("\n\n", "\nContent-Transfer-Encoding: quoted-printable\n\n", 1))


def attached(world: World) -> str:
    """A whole report, forwarded as an attachment."""
    return (
        'From: <desk@isp.example>\nSubject: FW\nContent-Type: multipart/mixed; boundary="o"\n\n--o\n\nSee below.\n'
        f"--o\nContent-Type: message/rfc822\n\n{arf(ABUSE, copy(world))}\n--o--\n"
    )


def coded_copy(world: World) -> str:
    report = arf(ABUSE, "COPY").replace("\n\nCOPY", "\nContent-Transfer-Encoding: base64\n\nCOPY")
    return report.replace("COPY", base64.encodebytes(copy(world).encode()).decode())


def auth_failure(world: World) -> str:
    fields = "Feedback-Type: auth-failure\nUser-Agent: x/1\nVersion: 1\nAuth-Failure: dmarc\nIdentity-Alignment: none\n"
    return arf(fields + f"Original-Mail-From: <{world.address()}>\n", copy(world))


def untyped_auth(world: World) -> str:
    return arf("User-Agent: x/1\nVersion: 1\nAuth-Failure: dkim\nDKIM-Domain: shop.example\n", copy(world))


def folded(world: World) -> str:
    return arf("User-Agent: x/1\nVersion: 1\nFeedback-Type:\n  not-spam\n", copy(world))


def signed(world: World) -> str:
    """A gateway put the whole report into a part and added a text."""
    inner = arf(ABUSE, copy(world)).partition("MIME-Version: 1.0\n")[2]
    return (
        'From: <x@isp.example>\nSubject: x\nContent-Type: multipart/signed; boundary="s"\n\n'
        f"--s\n{inner}\n--s\nContent-Type: application/pgp-signature\n\nx\n--s--\n"
    )


def only_part(world: World) -> str:
    """No multipart at all."""
    fields = f"{ABUSE}Original-Mail-From: <{world.address()}>\n"
    return f"From: <x@isp.example>\nSubject: x\nContent-Type: message/feedback-report\n\n{fields}"


def as_text_file(world: World) -> str:
    return arf(ABUSE, copy(world)).replace("message/feedback-report", 'text/plain; name="feedback-report.txt"')


def x_arf(world: World, kind: str = "spam") -> str:
    return (
        'From: <x@abusix.example>\nSubject: report\nX-XARF: PLAIN\nContent-Type: multipart/mixed; boundary="m"\n\n'
        f"--m\nContent-Type: text/plain\n\nHello\n--m\nContent-Type: text/plain; name=report.txt\n\n"
        f"Version: 0.2\nCategory: abuse\nReport-Type: {kind}\nSource: 192.0.2.1\nSource-Type: ipv4\n"
        f"--m\nContent-Type: message/rfc822\n\n{copy(world)}\n--m--\n"
    )


def json_part(value: object) -> str:
    return (
        'From: <x@isp.example>\nSubject: event\nContent-Type: multipart/mixed; boundary="m"\n\n--m\n\nAn event.\n'
        f"--m\nContent-Type: application/json\n\n{json.dumps(value)}\n--m--\n"
    )


def x_arf_4(world: World) -> str:
    sample = base64.b64encode(copy(world).encode()).decode()
    return json_part(
        {"Version": "4", "Report": {"ReportClass": "Activity", "ReportType": "Spam"}, "Link": world.link(), "S": sample}
    )


FORMS: list[tuple[str, Callable[[World], str], str]] = [
    ("plain", typed("abuse"), COMPLAINT),
    ("upper case", typed("ABUSE"), COMPLAINT),
    ("comment", typed("abuse (the user pressed the button)"), COMPLAINT),
    ("comment first", typed("(x) Abuse"), COMPLAINT),
    ("nested comment", typed("abuse (a (b) c)"), COMPLAINT),
    ("parameter", typed("Abuse; y=z"), COMPLAINT),
    ("quoted", typed('"abuse"'), COMPLAINT),
    ("more words", typed("abuse reported by user"), COMPLAINT),
    ("fraud", typed("fraud"), COMPLAINT),
    ("spam", typed("spam"), COMPLAINT),
    ("phishing", typed("Phishing"), COMPLAINT),
    ("complaint", typed("complaint"), COMPLAINT),
    ("no type", lambda w: arf("User-Agent: x/1\nVersion: 1\nAbuse-Type: complaint\n", copy(w)), COMPLAINT),
    ("opt-out", typed("opt-out"), OPT_OUT),
    ("opt-out with a comment", typed("Opt-Out (list)"), OPT_OUT),
    ("opt-out-list", typed("opt-out-list"), OPT_OUT),
    ("unsubscribe", typed("unsubscribe"), OPT_OUT),
    ("not-spam", typed("not-spam"), NOTHING),
    ("not spam in two words", typed("Not spam"), NOTHING),
    ("not_spam", typed("not_spam (moved back)"), NOTHING),
    ("miscategorized", typed("miscategorized"), NOTHING),
    ("virus", typed("virus"), TOLD),
    ("other", typed("other"), TOLD),
    ("unknown type", typed("x-rays"), TOLD),
    ("not a known not", typed("not-wanted-here"), TOLD),
    ("auth-failure", auth_failure, TOLD),
    ("auth-failure without its type", untyped_auth, TOLD),
    ("header only", mail_ru, COMPLAINT),
    ("redacted recipient", redacted, COMPLAINT),
    ("forwarded person", forwarded, COMPLAINT),
    ("reverse-path only", verp_only, COMPLAINT),
    ("SRS", srs, COMPLAINT),
    ("links only", links_only, COMPLAINT),
    ("base64 report", lambda w: arf(ABUSE, copy(w), encoding="base64"), COMPLAINT),
    ("base64 copy", coded_copy, COMPLAINT),
    ("mangled boundary", lambda w: arf(ABUSE, copy(w), boundary="=_a", written="=_b"), COMPLAINT),
    ("fields in the text", written_out, COMPLAINT),
    ("report as an attachment", attached, COMPLAINT),
    ("no reverse-path kept", lambda w: arf(ABUSE, without(copy(w), "return-path")), COMPLAINT),
    ("report link alone", lambda w: arf(ABUSE, without(copy(w), "return-path", "list-unsubscribe")), COMPLAINT),
    (
        "precedence and auto-submitted",
        lambda w: arf(ABUSE, copy(w), head="Auto-Submitted: auto-generated\n"),
        COMPLAINT,
    ),
    ("JMRP", jmrp, COMPLAINT),
    ("JMRP without a name", lambda w: jmrp(w, named=False), COMPLAINT),
    ("JMRP by its field", lambda w: jmrp(w, who="jmrp@other.example", subject="junk"), COMPLAINT),
    ("JMRP as the body", jmrp_whole, COMPLAINT),
    ("JMRP without a wrapping", jmrp_bald, COMPLAINT),
    ("quoted copy", quoting, COMPLAINT),
    ("SES", lambda w: sns(json.dumps(ses(w))), COMPLAINT),
    ("SES indented", lambda w: sns(json.dumps(ses(w), indent=2)), COMPLAINT),
    (
        "SES wrapped by SNS",
        lambda w: sns(json.dumps({"Type": "Notification", "Message": json.dumps(ses(w))})),
        COMPLAINT,
    ),
    ("SES event publishing", lambda w: sns(json.dumps(ses(w, key="eventType"))), COMPLAINT),
    ("SES without a type", lambda w: sns(json.dumps(ses(w, None))), COMPLAINT),
    ("SES not-spam", lambda w: sns(json.dumps(ses(w, "not-spam"))), NOTHING),
    ("SES auth-failure", lambda w: sns(json.dumps(ses(w, "auth-failure"))), TOLD),
    ("SpamCop", spamcop, COMPLAINT),
    ("folded type", folded, NOTHING),
    ("byte order mark", lambda w: arf("\ufeffFeedback-Type: not-spam\nVersion: 1\n", copy(w)), NOTHING),
    ("inside a signed mail", signed, COMPLAINT),
    ("a report alone", only_part, COMPLAINT),
    ("cut off", lambda w: arf(ABUSE, copy(w)).partition("Subject: News")[0], COMPLAINT),
    ("as a text file", as_text_file, COMPLAINT),
    (
        "upper case MIME",
        lambda w: arf(ABUSE, copy(w)).replace("message/feedback-report", "MESSAGE/Feedback-Report"),
        COMPLAINT,
    ),
    ("SES stopped by its own list", lambda w: sns(json.dumps(suppressed_by_ses(w))), TOLD),
    ("EventBridge", lambda w: json_part({"detail-type": "x", "detail": ses(w, key="eventType")}), COMPLAINT),
    (
        "JSON feedback-type",
        lambda w: json_part({"feedback-type": "abuse", "original-mail-from": w.address()}),
        COMPLAINT,
    ),
    ("JSON not-spam", lambda w: json_part({"feedback_type": "not-spam", "original_mail_from": w.address()}), NOTHING),
    ("JSON record type", lambda w: json_part({"RecordType": "SpamComplaint", "Link": w.link("report")}), COMPLAINT),
    ("X-ARF", x_arf, COMPLAINT),
    ("X-ARF 4", x_arf_4, COMPLAINT),
    ("X-ARF of an attack", lambda w: x_arf(w, "login-attack"), TOLD),
]


def outcome(world: World) -> str:
    found = {reason for _, reason in world.suppressed()}
    if found:
        assert found in ({COMPLAINT}, {OPT_OUT})
        return found.pop()
    return TOLD if world.kept() else NOTHING


@pytest.mark.parametrize("to", ["loop", "abuse", "b", "u"])
@pytest.mark.parametrize(("name", "form", "expected"), FORMS, ids=[row[0] for row in FORMS])
def test_forms(world: World, name: str, form: Callable[[World], str], expected: str, to: str) -> None:
    address = {"loop": LOOP, "abuse": f"abuse@{HOST}"}.get(to) or world.address(to)
    assert world.rcpt(address).code == 250
    assert world.send(lines(form(world)), address, reverse_path="fbl@isp.example", times=2).code == 250
    assert outcome(world) == expected
    assert len(world.events()) == (1 if expected in (COMPLAINT, OPT_OUT) else 0)
    assert world.consent_is_live() is (expected != OPT_OUT)


@pytest.mark.parametrize(
    ("value", "kind", "meaning", "known"),
    [
        ("abuse", "abuse", Meaning.COMPLAINT, True),
        (" Abuse ; charset=x", "abuse", Meaning.COMPLAINT, True),
        ("abuse, fraud", "abuse", Meaning.COMPLAINT, True),
        ("<abuse>", "abuse", Meaning.COMPLAINT, True),
        ("=?utf-8?q?abuse?=", "abuse", Meaning.COMPLAINT, True),
        ("opt out", "opt-out", Meaning.OPT_OUT, True),
        ("not-spam; x=abuse", "not-spam", Meaning.NOT_SPAM, True),
        ("not abuse", "not-abuse", Meaning.NOT_SPAM, True),
        ("auth failure", "auth-failure", Meaning.OPERATOR, True),
        ("other abuse", "other", Meaning.OPERATOR, True),
        ("", "", Meaning.OPERATOR, False),
        ("((((", "", Meaning.OPERATOR, False),
        ("non-abuse", "non-abuse", Meaning.OPERATOR, False),
    ],
)
def test_feedback_types(value: str, kind: str, meaning: Meaning, known: bool) -> None:
    assert meaning_of(value) == (kind, meaning, known)


# --- whom it is about -------------------------------------------------------------------


def second(world: World) -> Mark:
    """Ben had a copy of his own."""
    world.conn.executescript(f"""
        INSERT INTO subscriber (id, tenant_id, address, created_at) VALUES ({BEN},1,'ben@example.net',0);
        INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address, domain, state,
         due_at, changed_at) VALUES ({SUBMISSION},1,1,5,{BEN},'ben@example.net','example.net',3,0,0);
    """)
    return Mark(BEN, TOPIC, SUBMISSION, 1)


def several(*reports: str) -> bytes:
    """Reports one after another in one mail."""
    parts = "".join(f"--o\nContent-Type: message/rfc822\n\n{report}\n" for report in reports)
    return lines(
        f'From: <f@isp.example>\nSubject: digest\nContent-Type: multipart/digest; boundary="o"\n\n{parts}--o--\n'
    )


def test_several_reports_in_one_mail(world: World) -> None:
    ben = second(world)
    raw = several(arf(ABUSE, copy(world)), arf(ABUSE, copy(world, ben, "ben@example.net")))
    world.send(raw, LOOP, reverse_path="f@isp.example")
    assert world.suppressed() == [(ANN, "complaint"), (BEN, "complaint")]


def test_several_report_parts_in_one_report(world: World) -> None:
    ben = second(world)
    one = arf(ABUSE, copy(world))
    more = (
        f"--b\nContent-Type: message/feedback-report\n\n{ABUSE.replace('abuse', 'not-spam')}\n"
        f"--b\nContent-Type: message/rfc822\n\n{copy(world, ben)}\n--b--\n"
    )
    world.send(lines(one.replace("--b--\n", more)), LOOP, reverse_path="f@isp.example")
    assert world.suppressed() == [(ANN, "complaint")]


def test_of_several_to_a_signed_address_each_concerns_its_own_person(world: World) -> None:
    ben = second(world)
    raw = several(arf(ABUSE.replace("abuse", "not-spam"), copy(world)), arf(ABUSE, copy(world, ben)))
    world.send(raw, reverse_path="f@isp.example")
    assert world.suppressed() == [(BEN, "complaint")]


def test_of_several_without_tags_those_count_that_name_the_person(world: World) -> None:
    fields = "Original-Rcpt-To: <{}>\n"
    raw = several(
        arf(ABUSE.replace("abuse", "not-spam") + fields.format("ann@example.net")),
        arf(ABUSE + fields.format("ben@example.net")),
    )
    world.send(raw, reverse_path="f@isp.example")
    assert world.suppressed() == []


def test_the_envelope_outweighs_a_tag_quoted_in_the_text(world: World) -> None:
    ben = second(world)
    quoting = copy(world, body=f"Ben wrote: leave at {world.link('u', ben)}")
    world.send(lines(arf(ABUSE, quoting)), LOOP, reverse_path="f@isp.example")
    assert world.suppressed() == [(ANN, "complaint")]


def test_tags_of_several_people_in_one_place_are_nobody_s(world: World) -> None:
    ben = second(world)
    text = f"Subject: x\n\n{world.link('u')} {world.link('u', ben)}\n"
    world.send(lines(arf(ABUSE, text)), LOOP, reverse_path="f@isp.example")
    assert world.suppressed() == []
    assert b"tags of several people" in world.kept()[0]


# --- forged -----------------------------------------------------------------------------


def forged(world: World, local: str) -> bytes:
    return lines(arf(f"{ABUSE}Original-Mail-From: <{local}@{HOST}>\nOriginal-Rcpt-To: <ann@example.net>\n"))


def test_without_our_tag_nobody_is_stopped_and_the_operator_sees_it(world: World) -> None:
    token = world.address().partition("@")[0]
    strange = local_part(Secrets({1: b"x" * 32}, 1), "b", MARK)
    for local in ("bounce", token[:30] + ("a" if token[30] != "a" else "b") + token[31:], "u" + token[1:], strange):
        assert world.send(forged(world, local), LOOP, f"abuse@{HOST}", reverse_path="x@evil.example").code == 250
    assert (world.suppressed(), world.events()) == ([], [])
    assert len(world.kept()) == 4


def test_a_message_id_is_no_tag(world: World) -> None:
    bald = without(copy(world), "return-path", "list-unsubscribe", "x-report-abuse")
    world.send(lines(arf(f"{ABUSE}Original-Rcpt-To: <ann@example.net>\n", bald)), LOOP, reverse_path="x@evil.example")
    assert world.suppressed() == []
    (kept,) = world.kept()
    assert b"Message-ID of a message of shop" in kept


@pytest.mark.parametrize(
    "text",
    [
        "Subject: Your newsletter\n\nI like it. Ann",
        "Subject: Please confirm your feedback loop\n\nhttps://fbl.isp.example/confirm",
        "Subject: Out of office\nAuto-Submitted: auto-replied\n\nI am away.",
    ],
)
def test_what_is_no_report_goes_to_the_operator(world: World, text: str) -> None:
    world.send(lines("From: <x@isp.example>\n" + text), LOOP, reverse_path="x@isp.example")
    assert world.suppressed() == []
    assert len(world.kept()) == 1


def test_a_copy_alone_counts_only_where_loops_send_it(world: World) -> None:
    raw = lines(bare(world))
    world.send(raw, f"abuse@{HOST}", reverse_path="x@isp.example")
    world.send(raw, reverse_path="x@isp.example")
    assert world.suppressed() == []
    world.send(raw, LOOP, reverse_path="x@isp.example")
    assert world.suppressed() == [(ANN, "complaint")]


@pytest.mark.parametrize(
    ("subject", "text"),
    [("A question", "what is this?"), ("Not spam", "moved back"), ("DMARC spam report", "aggregate")],
)
def test_a_copy_that_nobody_calls_spam_is_no_complaint(world: World, subject: str, text: str) -> None:
    world.send(lines(bare(world, subject, text)), LOOP, reverse_path="x@isp.example")
    assert world.suppressed() == []
    assert len(world.kept()) == 1


def test_a_bounce_of_a_report_is_none(world: World) -> None:
    bounce = sample("dead-5.1.1").replace(b"--\r\n", b"--\r\nFeedback-Type: abuse\r\nVersion: 1\r\n", 1)
    world.send(bounce)
    assert world.suppressed() == [(ANN, "hard-bounce")]


def test_a_loop_s_address_is_taken_wherever_it_lies(tmp_path: Path) -> None:
    world = World(tmp_path, feedback={"addresses": ["Loops@Mail.Operator.example"]})
    assert world.rcpt("loops@mail.operator.example").code == 250
    assert world.rcpt("postmaster@mail.operator.example").code == 250
    assert world.rcpt("other@mail.operator.example").code == 550
    assert world.rcpt("loops@operator.example").code == 550
    world.conn.close()


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpora are not here")
def test_corpora() -> None:
    wrong = [(file, change) for file, change, right, found in readings([CORPUS]) if found != [right]]
    assert wrong == []
