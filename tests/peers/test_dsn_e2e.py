"""Notices of failed delivery: who gets one, and what it says (RFC 3461, RFC 3464)."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage, MIMEPart

import pytest

from tests.peers.conftest import Office
from tests.support.peers import until
from tests.support.smtp import Received, mail

pytestmark = pytest.mark.peers

NO = "550 5.1.1 no such user here"


def refused(office: Office, who: str) -> str:
    address = f"{who}-d@rcpt.example"
    office.sink.replies[address] = NO
    return address


def notices(office: Office) -> int:
    """Notices ever made: a copy's end and its notice are written together."""
    [(count,)] = office.rows("SELECT count(*) FROM submission WHERE stream_id = 0")
    return int(count)


def parts(got: Received) -> tuple[EmailMessage, dict[str, str], dict[str, str], MIMEPart]:
    """The notice, its per-message fields, its only recipient's fields, and what is returned."""
    parsed = email.message_from_bytes(got.data, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed.get_content_type() == "multipart/report"
    assert parsed.get_param("report-type") == "delivery-status"
    _, status, original = parsed.iter_parts()
    whole, one = status.iter_parts()
    return parsed, dict(whole.items()), dict(one.items()), original


@pytest.mark.parametrize(
    ("ret", "kind"),
    [("", "text/rfc822-headers"), (" RET=HDRS", "text/rfc822-headers"), (" RET=FULL", "message/rfc822")],
)
def test_transactional_mail_gets_one(office: Office, ret: str, kind: str) -> None:
    name = f"returns{ret[5:].lower()}"
    address, sender = refused(office, name), f"{name}@acme.example"
    sent = mail(sender="Acme <orders@acme.example>", to=address, subject="Order 7", body="secret body\r\n")
    queue_id = office.send(
        office.direct, sent, address, sender=sender,
        mail=f"{ret} ENVID=order+2B7", parameters=f" ORCPT=rfc822;orig+2B{address}",
    )  # fmt: skip
    got = office.sink.to(sender)
    assert office.ends(queue_id)["state"] == "bounced"
    assert got.reverse_path == ""
    parsed, whole, one, original = parts(got)
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert "List-Unsubscribe" not in parsed
    assert whole["Original-Envelope-Id"] == "order+7"
    assert whole["Reporting-MTA"] == "dns; relay.test"
    assert one["Final-Recipient"] == f"rfc822; {address}"
    assert one["Original-Recipient"].startswith("rfc822")
    assert (one["Action"], one["Status"]) == ("failed", "5.1.1")
    assert NO in one["Diagnostic-Code"]
    assert original.get_content_type() == kind
    assert ("secret body" in original.as_string()) == (kind == "message/rfc822")
    assert "Subject: Order 7" in original.as_string()


def test_bulk_mail_gets_an_event_only(office: Office) -> None:
    address = refused(office, "bulk")
    office.agree(address)
    before = notices(office)
    queue_id = office.send(office.bulk, mail(to=address, subject="Bulk DSN"), address)
    story = office.ends(queue_id)
    assert story["state"] == "bounced"
    assert [step["what"] for step in story["steps"]][-1] == "bounced"
    assert NO in story["steps"][-1]["why"]
    assert notices(office) == before
    assert str(office.ask(office.bulk, address)).startswith("550 5.7.1 suppressed")


def test_bulk_mail_that_asked_gets_one(office: Office) -> None:
    address = refused(office, "asked")
    office.agree(address)
    office.send(
        office.bulk, mail(to=address, subject="Asked DSN"), address,
        sender="asked@acme.example", parameters=" NOTIFY=FAILURE,DELAY",
    )  # fmt: skip
    _, _, one, _ = parts(office.sink.to("asked@acme.example"))
    assert one["Final-Recipient"] == f"rfc822; {address}"


@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS", "DELAY"])
def test_who_does_not_want_one_gets_none(office: Office, notify: str) -> None:
    address, before = refused(office, f"never-{notify.lower()}"), notices(office)
    queue_id = office.send(
        office.direct, mail(sender="orders@acme.example", to=address), address,
        sender="never@acme.example", parameters=f" NOTIFY={notify}",
    )  # fmt: skip
    assert office.ends(queue_id)["state"] == "bounced"
    assert notices(office) == before


def test_a_null_reverse_path_gets_none(office: Office) -> None:
    address, before = refused(office, "null"), notices(office)
    queue_id = office.send(office.direct, mail(sender="orders@acme.example", to=address), address, sender="")
    assert office.ends(queue_id)["state"] == "bounced"
    assert notices(office) == before


def test_a_notice_that_cannot_be_delivered_ends_there(office: Office) -> None:
    address, sender = refused(office, "double"), "double@acme.example"
    office.sink.replies[sender] = "550 5.1.1 not here either"
    before = notices(office)
    office.send(office.direct, mail(sender="orders@acme.example", to=address), address, sender=sender)
    until(
        lambda: office.rows("SELECT state FROM recipient WHERE address = ?", sender) == [(3,)],
        "the notice was refused",
    )
    assert notices(office) == before + 1


def test_one_of_several_recipients(office: Office) -> None:
    """The others get their mail; the notice tells of the one that failed."""
    bad, good = refused(office, "one"), "fine-d@rcpt.example"
    office.send(
        office.direct, mail(sender="orders@acme.example", to=good, subject="Several"), good, bad,
        sender="several@acme.example",
    )  # fmt: skip
    office.sink.to(good)
    _, _, one, _ = parts(office.sink.to("several@acme.example"))
    assert one["Final-Recipient"] == f"rfc822; {bad}"


def test_who_asked_for_success_is_told_that_it_was_relayed(office: Office) -> None:
    office.send(
        office.direct,
        mail(sender="Acme <orders@acme.example>", to="glad-d@rcpt.example"),
        "glad-d@rcpt.example",
        sender="glad@acme.example",
        parameters=" NOTIFY=SUCCESS,FAILURE",
    )
    parsed, _, one, _ = parts(office.sink.to("glad@acme.example"))
    assert one["Final-Recipient"] == "rfc822; glad-d@rcpt.example"
    assert (one["Action"], one["Status"][0]) == ("relayed", "2")
    assert parsed["Auto-Submitted"] == "auto-replied"
