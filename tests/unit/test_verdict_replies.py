"""What real servers answer, on the wire and quoted in a notice: the same answer means the same."""

from __future__ import annotations

import pytest

from relay.feedback import mime
from relay.feedback.analyse import understand
from relay.verdict.answer import read
from relay.verdict.values import AddressSays, AnswerKind, Judgement

ANN = "ann@example.net"

GONE = [
    f"550 5.1.1 <{ANN}>: Recipient address rejected: User unknown in virtual mailbox table",
    "550-No Such User Here",
    "550-User unknown",
    "550-5.1.1 unknown user / Teilnehmer existiert nicht",
    "550 RECIPIENT_NOT_FOUND",
    "550 BAD_RECIPIENT - see http://www.example.net/undelivered?r=BAD_RECIPIENT",
    "550 5.1.1 NO_SUCH_USER",
    "552 1 Requested mail action aborted, mailbox not found",
    "550 sorry, no mailbox here by that name. (#5.7.17)",
    "553 sorry, no mailbox here by that name (#5.7.1)",
    "550 sorry, that recipient doesn't exist (#5.7.1)",
    f"550 User not a member of domain: <{ANN}>",
    "550 That account is not hosted here",
    f"550 <{ANN}> not used",
    "550 Sorry, we do not have that mailbox here",
    "550 This person does not work here any more",
    "550 No local mailbox for ann",
    "550 Adressaten finns inte",
    "550 No account by that name here",
    "550 Requested action not taken: mailbox unavailable",
    "550 5.1.1 Not our Customer",
    f"550 The mailbox {ANN} has been permanently deleted",
    f"550 RCPT TO:<{ANN}> unknown",
    "550 we have no record of that user",
    "550 Nie ma takiej skrzynki",
    "550 Ingen sådan användare",
    "550 Korisnik ne postoji",
    "550 Uporabnik ne obstaja",
    "550 المستخدم غير موجود",
    "550 המשתמש לא קיים",
    f"554 RCPT ({ANN}) dosn't exist",
    f"550 mailbox {ANN} unavailable",
    f"550 Mailbox ( {ANN} ) not found or inactivated",
    f"550 No {ANN} in name directory",
    "550 destination addresses unknown",
    "550 unknown e mail address",
    "550 non existent user",
    f"550 {ANN}...user account is unavailable",
    f"550 {ANN} unknown, see https://help.example.net/1",
    "550 The email address you entered couldn't be found",
    "550 Niemand unter dieser Adresse bekannt",
    "550 that is not one of our own addresses",
    "550 no recipients for your mail here",
    '550 "No mailbox"',
    "550 5.1.1 Recipient address rejected: Failed recipient validation check",
    "550 unable to validate recipient",
    "550 no users here by that name",
    f"550 {ANN} is not a recognised email account",
    "550 not a valid email account",
    "550 Unable to find alias user",
    f"550 {ANN} isn't in my list of allowed recipients",
    "550 sorry, your recipient address is not in my local list",
    "550 not known at this site",
    "550 user is no longer available",
    "550 unknown in local recipient table",
    "550 unavailable mailbox",
    f"550 Command RCPT User <{ANN}> not OK",
    f"542 {ANN} Rejected",
    "553 sorry, badrcptto (#5.7.1)",
    "550 sorry, your envelope recipient is in my badrcptto list (#5.7.1)",
    "554 delivery error: dd Requested mail action aborted, mailbox invalid",
    f"550 <{ANN}>, destin. sconosciuto",
    "550 Destinatario errato",
    "550 ya no hay nadie con ese email",
    "550 Príjemca neexistuje",
    "550 local server don't exists that user",
    "550 not user of this server",
    "550 that account does no exists",
    "550 sorry, no mail-box here by that name",
    "550 No such ID",
    "550 mailbox name not allowed",
    "550 recipient unrecognized",
    "550 E-mail is not handled by this system",
    "550 No one with that email address here",
    "550 invalid adress",
    "550 no such mbox",
    "550 Unknown-user",
    "554 5.7.1 Recipient address rejected: Invalid-Recipient",
    "550 5.7.1 this address is marked as invalid",
    "550 Recipient address rejected: Not in the recipient list",
    "550 Restricted characters in address",
    "550 Unter dieser Adresse gibt es keine Person",
    "550 Das Postfach ist nicht mehr verfügbar",
    "550 no vaild recipient",
    f"550 user {ANN} is unroutable",
    f"550 Utilisateur ({ANN}) non recensé",
]
"""At RCPT: it takes no mail, for good."""

ALIVE = [
    ("503 5.5.1 no valid recipients", AnswerKind.FILTERED),
    ("554 5.5.1 Error: no valid recipients", AnswerKind.FILTERED),
    ("550 5.1.1 undeliverable address: mail for example.net loops back to myself", AnswerKind.LOOP),
    ("550 5.1.1 max message size exceeded", AnswerKind.TOO_LARGE),
    ("550 5.1.1 internal error", AnswerKind.SYSTEM),
    ("550 5.1.1 LDAP server unavailable", AnswerKind.SYSTEM),
    ("550 5.1.1 connection to database refused", AnswerKind.SYSTEM),
    ("550 5.1.1 recipient server not responding", AnswerKind.NETWORK),
    ("550 5.1.1 mail loop", AnswerKind.LOOP),
    ("550 5.1.1 STARTTLS required", AnswerKind.TLS),
    ("550 5.1.1 Mailbox temporarily locked", AnswerKind.TEMPORARY),
    ("550 5.1.1 Address verification in progress", AnswerKind.TEMPORARY),
    ("550 5.1.1 quarantined", AnswerKind.SPAM),
    ("550 5.1.1 unsubscribed", AnswerKind.FILTERED),
    ("550 Client does not exist in our whitelist", AnswerKind.AUTHENTICATION),
    ("501 5.5.4 Invalid domain name in HELO", AnswerKind.AUTHENTICATION),
    ("550 unknown user or wrong password", AnswerKind.AUTHENTICATION),
    ("550 invalid user credentials", AnswerKind.AUTHENTICATION),
    ("550 The account you are sending from does not exist", AnswerKind.SENDER),
    ("550 Your mailbox does not exist", AnswerKind.SENDER),
    ("550 <b@relay.example>: user unknown in sender check", AnswerKind.SENDER),
    ("550 Callback to relay.example failed: 550 user unknown", AnswerKind.SENDER),
    ("550 You are not a known user of this relay", AnswerKind.SENDER),
    ("550 5.7.1 Excessive unknown recipients - possible dictionary attack", AnswerKind.RATE),
    ("550 user database not found", AnswerKind.SYSTEM),
    ("550 Destinatario desconocido o mailbox lleno", AnswerKind.FULL),
    ("550 Sorry, this user has too much mail waiting", AnswerKind.FULL),
    ("550 Maximum number of invalid recipients reached", AnswerKind.RATE),
    ("550 Invalid recipients exceeded", AnswerKind.RATE),
    ("550 5.1.1 mailbox busy", AnswerKind.TEMPORARY),
    ("550 Post from non-member address unknown", AnswerKind.POLICY),
    ("550 moderated list, address not known to moderator", AnswerKind.POLICY),
    ("550 PGP key for user not found", AnswerKind.POLICY),
    ("550 AUTH user not found", AnswerKind.AUTHENTICATION),
    ("550 text contains invalid address", AnswerKind.CONTENT),
    ("550 missing recipient header; undisclosed recipients invalid", AnswerKind.CONTENT),
    ("550 MAILBOX_FULL", AnswerKind.FULL),
    ("550 inbox overflow", AnswerKind.FULL),
    ("550 please come back in 10 minutes", AnswerKind.TEMPORARY),
    ("550 slow down", AnswerKind.RATE),
    ("550 User is over the daily receiving limit", AnswerKind.RATE),
    ("554 Message rate limit exceeded for this sender", AnswerKind.RATE),
    ("550-Postmaster verification failed while checking <b@relay.example> 550 User unknown", AnswerKind.SENDER),
    ("554 5.7.1 Recipient address rejected: Access denied", AnswerKind.POLICY),
    ("550 5.7.27 Domain of sender does not accept mail", AnswerKind.SENDER),
    ("550 badrcptto: blocked by spam filter (#5.7.1)", AnswerKind.BLOCKED),
    ("550 Message was not accepted -- invalid mailbox. Mailbox is full", AnswerKind.FULL),
    ("550 Excessive userid unknowns", AnswerKind.RATE),
    ("550 5.7.1 sender not on the recipients list", AnswerKind.SENDER),
    ("550 illegal characters in sender address", AnswerKind.SENDER),
    ("556 The number of RCPTs is over size", AnswerKind.RATE),
    ("550 mail-box usage", AnswerKind.FULL),
]
"""Nothing is said against the address, though the words look like it."""

UNCERTAIN = [
    "550 Recipient lookup error, database does not exist",
    "550 mailing list does not exist for sender",
    "550 Message-ID does not exist",
    "550 no valid recipients in To header",
    "550 Recipient unknown error",
    "550 rejected; URL does not exist",
    "550 5.2.1 Mailbox disabled",
    "550 Account inactive",
    "550 This address does not receive mail",
    f"550 The mail server could not deliver to {ANN}. The account or domain may not exist, they may be blacklisted",
    "550 5.7.27 Host does not accept mail",
    "553 we weren't able to find the recipient domain",
    "550 Domain not used for mail",
    "550 5.1.1 Inactive mbox",
    "550 5.1.1 Suspended user",
    "550 can't verify recipient",
    "550 Domain not in use",
    "550 couldn't find any host named mx.example.org",
    "550 RCPT address has non-existant domain",
]
"""Never beyond doubt."""


def on_the_wire(text: str) -> Judgement:
    return read(text, [ANN]).judged("rcpt")


@pytest.mark.parametrize("text", GONE)
def test_the_mailbox_is_gone(text: str) -> None:
    judged = on_the_wire(text)
    assert (judged.kind, judged.permanent) == (AnswerKind.UNKNOWN_ADDRESS, True)


@pytest.mark.parametrize(("text", "kind"), ALIVE)
def test_nothing_is_said_against_the_address(text: str, kind: AnswerKind) -> None:
    judged = on_the_wire(text)
    assert (judged.kind, judged.address) == (kind, AddressSays.ALIVE)


@pytest.mark.parametrize("text", UNCERTAIN)
def test_never_beyond_doubt(text: str) -> None:
    assert not on_the_wire(text).dead


POSTFIX = """\
This is the mail system at host gw.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<{ann}>: host mx.example.net[192.0.2.5] said: {text} (in reply to RCPT TO command)
"""
EXIM = """\
A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {ann}
    SMTP error from remote mail server after RCPT TO:<{ann}>:
    host mx.example.net [192.0.2.5]: {text}
"""
QMAIL = """\
Hi. This is the qmail-send program at gw.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{ann}>:
192.0.2.5 does not like recipient.
Remote host said: {text}
Giving up on 192.0.2.5.
"""


@pytest.mark.parametrize("notice", [POSTFIX, EXIM, QMAIL], ids=["postfix", "exim", "qmail"])
@pytest.mark.parametrize("text", [*GONE, *(text for text, _ in ALIVE), *UNCERTAIN])
def test_a_notice_that_quotes_an_answer_means_what_the_answer_means(text: str, notice: str) -> None:
    head = f"From: MAILER-DAEMON@gw.example\nTo: b@relay.example\nSubject: Undelivered mail\nX-Failed-Recipients: {ANN}"
    (told,) = understand(mime.parse((f"{head}\n\n" + notice.format(ann=ANN, text=text)).encode())).failures
    wire = on_the_wire(text)
    assert told.recipient == ANN
    assert (told.judgement.permanent, told.judgement.address is AddressSays.ALIVE) == (
        wire.permanent,
        wire.address is AddressSays.ALIVE,
    )


def _only(groups: str, note: str = "It could not be delivered.") -> Judgement:
    raw = (
        "From: MAILER-DAEMON@gw.example\nTo: b@relay.example\nSubject: Undelivered mail\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\n{note}\n\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; gw.example\n\nFinal-Recipient: rfc822; {ANN}\nAction: failed\n{groups}\n\n--b--\n"
    )
    (told,) = understand(mime.parse(raw.encode())).failures
    return told.judgement


def test_what_a_notice_says_around_the_answer_decides_nothing() -> None:
    text = (
        f"Delivery to the following recipient failed permanently:\n\n     {ANN}\n\nTechnical details: we tried to"
        " deliver your message, but it was rejected by the recipient domain. The error that the other server returned"
        " was: 550 550 Address unknown.\n"
    )
    head = "From: MAILER-DAEMON@gw.example\nTo: b@relay.example\nSubject: Delivery failure\n\n"
    (told,) = understand(mime.parse((head + text).encode())).failures
    assert told.judgement.kind is AnswerKind.UNKNOWN_ADDRESS


def test_advice_to_try_again_is_no_delay() -> None:
    note = f"Address not found. Your message wasn't delivered to {ANN} because the address couldn't be found. Check for typos or unnecessary spaces and try again."  # noqa: E501
    assert _only("Status: 5.0.0", note).permanent


def test_suspended_is_not_made_unknown_by_the_reporting_server() -> None:
    said = "Diagnostic-Code: SMTP; 550 Mailbox currently suspended - Please contact correspondent directly"
    judged = _only(f"Status: 5.1.1\n{said}")
    assert (judged.kind, judged.permanent, judged.dead) == (AnswerKind.DISABLED, False, False)


def test_another_host_s_word_about_a_domain_is_never_beyond_doubt() -> None:
    judged = _only(
        "Status: 5.0.0\nDiagnostic-Code: smtp; DNS Error: lookup of example.net responded with code NXDOMAIN",
        f"Address not found. The address {ANN} couldn't be found.",
    )
    assert (judged.kind, judged.address) == (AnswerKind.NO_MAIL_DOMAIN, AddressSays.DOUBTED)


def test_recipients_without_a_blank_line_between_them() -> None:
    raw = (
        "From: MAILER-DAEMON@gw.example\nTo: b@relay.example\nSubject: Undelivered mail\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; gw.example\n"
        f"Final-Recipient: rfc822; bob@example.net\nOriginal-Recipient: rfc822; bob@example.net\nAction: failed\n"
        "Status: 5.2.2\nDiagnostic-Code: smtp; 550 5.2.2 Mailbox full\n"
        f"Final-Recipient: rfc822; {ANN}\nOriginal-Recipient: rfc822; {ANN}\nAction: failed\n"
        "Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n\n--b--\n"
    )
    told = understand(mime.parse(raw.encode())).failures
    assert [(one.recipient, one.judgement.permanent) for one in told] == [("bob@example.net", False), (ANN, True)]


@pytest.mark.parametrize("text", ["550 Domain may not exist or is invalid", "550 Host unknown"])
def test_after_rcpt_an_unknown_domain_is_another_one(text: str) -> None:
    assert read(text, [ANN]).judged("rcpt").kind is AnswerKind.NO_MAIL_DOMAIN
    assert read(text, [ANN]).judged("dot").kind is AnswerKind.SENDER


def test_a_notice_may_name_the_command_before_a_blank_line() -> None:
    text = (
        f"There was an error delivering mail to <{ANN}>.\n\nmx.example.net [192.0.2.25] did not like our RCPT TO:\n"
        f"550 5.2.1 <{ANN}>: Recipient address rejected: User unknown.\n"
    )
    head = "From: MAILER-DAEMON@gw.example\nTo: b@relay.example\nSubject: Mail delivery failed\n\n"
    (told,) = understand(mime.parse((head + text).encode())).failures
    assert (told.judgement.kind, told.judgement.permanent) == (AnswerKind.UNKNOWN_ADDRESS, True)


def _named(text: str, sender: str = "MAILER-DAEMON@gw.example") -> list[str]:
    head = (
        f"From: {sender}\nTo: b@relay.example\nSubject: Undelivered mail\nContent-Type: text/plain; charset=utf-8\n\n"
    )
    return [one.recipient for one in understand(mime.parse((head + text).encode())).failures]


@pytest.mark.parametrize(
    "text",
    [
        f"很抱歉您的邮件未能送达：\n收件人邮件地址（{ANN}）不存在，邮件无法送达。\n",  # noqa: RUF001
        f"收件人：{ANN}\n退信原因：用户不存在\n",  # noqa: RUF001
        f"您发给{ANN}的邮件被退回：用户不存在\n",  # noqa: RUF001
        f"{ANN}の宛先が見つかりませんでした\n",
        f"The user {ANN} has moved to bob@elsewhere.example; please try <bob@elsewhere.example>\n",
        f"Hello news@shop.example,\n\nthe mailbox {ANN} does not exist.\n",
        f"421 example.net... Deferred: Connection timed out\n\n   ----- Unsent message follows -----\nFrom: b@relay.example\nTo: {ANN}\n",  # noqa: E501
        f"Message could not be delivered to mobile.\nError: no valid recipients\n\nOriginal Message:\nFrom: News <b@relay.example>\nTo: {ANN}\n",  # noqa: E501
    ],
)
def test_who_failed_is_found_and_nobody_else(text: str) -> None:
    assert _named(text) == [ANN]


def test_somebody_may_write_to_himself() -> None:
    assert _named("<b@relay.example>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 no such user\n") == [
        "b@relay.example"
    ]


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        ('<192.0.2.3 #5.0.0 smtp; 550 "Unknown User">', AnswerKind.UNKNOWN_ADDRESS),
        ("<mx.example.net #5.0.0 smtp; 554 This mailbox is disabled (554.30)>", AnswerKind.DISABLED),
        ("<mx.example.net #5.0.0 smtp; 550 5.7.1 spam detected>", AnswerKind.SPAM),
    ],
)
def test_a_gateway_s_own_field_holds_the_answer(info: str, kind: AnswerKind) -> None:
    assert _only(f"Status: 5.0.0\nX-Supplementary-Info: {info}").kind is kind


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("550 5.1.1 <b-abc@relay.test>: does not exist", False),
        ("550 <b-abc@relay.test> User unknown", False),
        ("550 relay.test does not exist", False),
        ("550 5.1.1 <ann@people.example>: does not exist", True),
        ("550 5.1.1 <ANN@inner.people.example>: User unknown", True),
        ("550 5.1.1 <b-abc@relay.test> -> <ann@people.example>: User unknown", True),
        ("550 5.1.1 User unknown: <x@y.example>", True),
        ("550 5.1.1 mx.people.example: User unknown", True),
    ],
)
def test_what_is_said_of_another_address_counts_when_it_is_said_again(text: str, dead: bool) -> None:
    found = read(text, ["ann@people.example"]).judged("rcpt")
    assert found.dead is dead
    assert found.dead or found.doubt or found.kind is AnswerKind.SENDER


NOBODY_WAS_NAMED = [
    "501 <gw.example> is invalid or DNS says does not exist (in reply to EHLO command)",
    "550 Invalid Domain [192.0.2.3; 420] (in reply to MAIL FROM command)",
    "550 user unknown (in reply to MAIL FROM command)",
]


@pytest.mark.parametrize("text", NOBODY_WAS_NAMED)
def test_a_report_of_a_command_before_rcpt_says_nothing_of_the_recipient(text: str) -> None:
    judged = _only(f"Status: 5.0.0\nDiagnostic-Code: smtp; {text}")
    assert (judged.kind, judged.address) == (AnswerKind.SENDER, AddressSays.ALIVE)
    assert not _only("Status: 5.0.0\nDiagnostic-Code: smtp; " + text.partition(" (")[0], f"said: {text}").permanent


@pytest.mark.parametrize("text", ["SMTP error, RCPT TO: Host mx.example.net RCPT TO said 550 No such user here"])
def test_a_program_s_own_way_to_name_the_command(text: str) -> None:
    assert _only(f"Status: 5.0.0\nDiagnostic-Code: SMTP; {text}").permanent


def test_an_answer_about_the_order_of_commands_follows_from_the_one_before() -> None:
    text = (
        "   ----- The following addresses had permanent fatal errors -----\n"
        f"<{ANN}>\n    (reason: 550-5.1.1 That account does not exist. Please try)\n\n"
        "   ----- Transcript of session follows -----\n... while talking to mx.example.net.:\n>>> DATA\n"
        f"<<< 550-5.1.1 That account does not exist. Please\n<<< 550 5.1.1 again\n550 5.1.1 <{ANN}>... User unknown\n"
        "<<< 503-5.5.1 RCPT first.\n<<< 503 5.5.1 RFC 5321\n"
    )
    head = "From: MAILER-DAEMON@gw.example\nTo: b@relay.example\nSubject: Returned mail\n\n"
    (told,) = understand(mime.parse((head + text).encode())).failures
    assert (told.recipient, told.judgement.permanent) == (ANN, True)


@pytest.mark.parametrize(
    ("person", "answer"),
    [
        ("support@example.net", "550 5.1.1 <support@example.net> Recipient not found."),
        (ANN, "554 5.7.1\n    <b@relay.example.org>: Sender address rejected: Access denied"),
        (ANN, "550-Verification failed for\n    <news@shop.example> 550 Sender verify failed"),
    ],
)
def test_who_failed_stands_at_the_beginning_of_the_paragraph(person: str, answer: str) -> None:
    text = (
        f"The mail system\n\n<{person}>: host mx.example.net[192.0.2.5] said: {answer} (in reply to RCPT TO command)\n"
    )
    assert _named(text) == [person]


def test_a_file_with_the_line_ends_of_an_old_macintosh_is_read() -> None:
    lines = (
        f"From: MAILER-DAEMON@gw.example\nSubject: Undelivered mail\n\n<{ANN}>: host mx said: 550 5.1.1 User unknown\n"
    )
    (told,) = understand(mime.parse(lines.replace("\n", "\r").encode())).failures
    assert (told.recipient, told.judgement.permanent) == (ANN, True)


@pytest.mark.parametrize("text", ["550 5.1.1 Suspended user", "550 5.1.1 recipient disabled", "550 5.2.1 disabled"])
def test_a_mailbox_that_is_off_may_come_back(text: str) -> None:
    judged = on_the_wire(text)
    assert (judged.kind, judged.address, judged.permanent) == (AnswerKind.DISABLED, AddressSays.SUSPECTED, False)


def test_a_server_that_could_not_ask_the_next_one_says_nothing_of_the_address() -> None:
    found = read("550 5.1.1 unverified address: Host or domain name not found, try again", (ANN,)).judged("rcpt")
    assert (found.kind, found.address, found.lasting) == (AnswerKind.TEMPORARY, AddressSays.ALIVE, False)
