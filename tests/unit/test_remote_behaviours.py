"""What real servers answer, and what it leads to: state, code, reach, and whether the person is suppressed.

``dead``: at once. ``again``: if it is said again a day later. ``no``: never.
"""
# ruff: noqa: E501 - servers' own words, in their letters, on one line

from __future__ import annotations

import pytest

from relay.delivery.outcome import Bounced, Reach, Retry, Where
from relay.delivery.smtp.classify import decide
from relay.delivery.smtp.reply import Reply

GREETING, EHLO, TLS, AUTH = Where.GREETING, Where.EHLO, Where.TLS, Where.AUTH
MAIL, RCPT, DATA, DOT = Where.MAIL, Where.RCPT, Where.DATA, Where.DOT
RECIPIENT, MESSAGE, SESSION, SITE = Reach.RECIPIENT, Reach.MESSAGE, Reach.SESSION, Reach.SITE

Case = tuple[Where, str, str, str, Reach, str]

# Where, reply, state, status as it is kept, reach, suppressed. "{}" is the recipient.
TEMPORARY: list[Case] = [
    (GREETING, "421 4.3.2 Too many connections", "retry", "421 4.3.2", SITE, "no"),
    (GREETING, "554 5.7.1 Your access was blocked, see our page", "retry", "451 4.7.1", SITE, "no"),
    (GREETING, "521 we take no mail", "retry", "451 4.3.2", SITE, "no"),
    (GREETING, "550 5.1.1 user unknown", "retry", "451 4.1.1", SITE, "no"),
    (EHLO, "504 helo rejected: need fully-qualified hostname", "retry", "451 4.5.0", SITE, "no"),
    (EHLO, "550 5.7.1 Client host rejected: cannot find your reverse hostname", "retry", "451 4.7.1", SITE, "no"),
    (TLS, "454 4.7.0 TLS not available due to local problem", "retry", "454 4.7.0", SITE, "no"),
    (AUTH, "535 5.7.8 authentication failed", "retry", "451 4.7.8", SITE, "no"),
    (MAIL, "451 4.7.1 Greylisting in action, please come back later", "retry", "451 4.7.1", MESSAGE, "no"),
    (MAIL, "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", "retry", "421 4.7.0", SESSION, "no"),
    (MAIL, "452 4.3.1 Insufficient system storage", "retry", "452 4.3.1", MESSAGE, "no"),
    (
        MAIL,
        "550 5.7.1 too many messages from your address, please try again later",
        "retry",
        "451 4.7.1",
        MESSAGE,
        "no",
    ),
    (MAIL, "530 5.7.0 Must issue a STARTTLS command first", "retry", "451 4.7.0", SITE, "no"),
    (MAIL, "538 5.7.11 Encryption required", "retry", "451 4.7.11", SITE, "no"),
    (MAIL, "503 5.5.1 bad sequence of commands", "retry", "451 4.5.1", SESSION, "no"),
    (RCPT, "450 4.2.0 <{}>: Recipient address rejected: Greylisted", "retry", "450 4.2.0", RECIPIENT, "no"),
    (RCPT, "450 4.1.1 <{}>: Recipient address rejected: User unknown", "retry", "450 4.1.1", RECIPIENT, "no"),
    (
        RCPT,
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly",
        "retry",
        "450 4.2.1",
        RECIPIENT,
        "no",
    ),
    (RCPT, "451 5.1.1 no such user", "retry", "451 4.1.1", RECIPIENT, "no"),
    (RCPT, "452 4.2.2 mailbox full", "retry", "452 4.2.2", RECIPIENT, "no"),
    (RCPT, "421 4.4.2 idle", "retry", "421 4.4.2", SESSION, "no"),
    (
        RCPT,
        "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents delivery",
        "retry",
        "451 4.2.1",
        RECIPIENT,
        "no",
    ),
    (
        RCPT,
        "550 5.7.1 <{}>: Recipient address rejected: Greylisted, see our page",
        "retry",
        "451 4.7.1",
        RECIPIENT,
        "no",
    ),
    (RCPT, "550 5.2.2 <{}>: user is over quota", "retry", "451 4.2.2", RECIPIENT, "no"),
    (RCPT, "552 5.2.2 The email account that you tried to reach is over quota", "retry", "451 4.2.2", RECIPIENT, "no"),
    (RCPT, "552 too many recipients", "retry", "451 4.2.2", RECIPIENT, "no"),
    (RCPT, "550 Mailbox quota exceeded", "retry", "451 4.2.2", RECIPIENT, "no"),
    (RCPT, "550 Postfach ist voll", "retry", "451 4.2.2", RECIPIENT, "no"),
    (RCPT, "550 5.1.1 mailbox of this user is full", "retry", "451 4.1.1", RECIPIENT, "no"),
    (RCPT, "550 Почтовый ящик переполнен", "retry", "451 4.2.2", RECIPIENT, "no"),
    (RCPT, "550 邮箱已满", "retry", "451 4.2.2", RECIPIENT, "no"),
    (RCPT, "550 Try again later", "retry", "451 4.7.0", RECIPIENT, "no"),
    (RCPT, "550 4.7.1 temporarily refused", "retry", "451 4.7.1", RECIPIENT, "no"),
    (RCPT, "554 5.7.1 <{}>: Relay access denied, too many errors", "retry", "451 4.7.1", RECIPIENT, "no"),
    (RCPT, "550 5.1.1 too many invalid recipients", "retry", "451 4.1.1", RECIPIENT, "no"),
    (RCPT, "550 5.7.10 Encryption needed", "retry", "451 4.7.10", RECIPIENT, "no"),
    (RCPT, "550 5.7.1 TLS required by recipient", "retry", "451 4.7.1", RECIPIENT, "no"),
    (MAIL, "550 5.4.5 Daily user sending limit exceeded", "retry", "451 4.4.5", MESSAGE, "no"),
    (MAIL, "550 5.7.0 too many messages in this session", "retry", "451 4.7.0", MESSAGE, "no"),
    (MAIL, "554 5.7.0 Reject, session limit exceeded", "retry", "451 4.7.0", MESSAGE, "no"),
    (MAIL, "550 Maximum number of connections exceeded", "retry", "451 4.7.0", MESSAGE, "no"),
    (RCPT, "550 max recipients per message exceeded", "retry", "451 4.7.0", RECIPIENT, "no"),
    (DATA, "550 5.4.5 Daily sending quota exceeded", "retry", "451 4.4.5", MESSAGE, "no"),
    (DATA, "451 4.3.0 Temporary lookup failure", "retry", "451 4.3.0", MESSAGE, "no"),
    (DOT, "451 4.7.650 The mail server has been temporarily rate limited", "retry", "451 4.7.650", MESSAGE, "no"),
    (
        DOT,
        "421 4.7.28 Our system has detected an unusual rate of unsolicited mail",
        "retry",
        "421 4.7.28",
        SESSION,
        "no",
    ),
    (DOT, "552 5.2.2 mailbox full", "retry", "451 4.2.2", RECIPIENT, "no"),
    (DOT, "554 5.2.2 mailbox full", "retry", "451 4.2.2", RECIPIENT, "no"),
    (DOT, "354 go on", "retry", "451 4.5.0", SESSION, "no"),
]

DEAD: list[Case] = [
    (
        RCPT,
        "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550 5.1.1 double-checking the recipient's email address for typos or https://support.google.com/mail/?p=NoSuchUser 41be03b00d2f7-gsmtp",
        "bounce",
        "550 5.1.1",
        RECIPIENT,
        "dead",
    ),
    (
        RCPT,
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {} not found by SMTP address lookup",
        "bounce",
        "550 5.1.10",
        RECIPIENT,
        "dead",
    ),
    (
        RCPT,
        "550 5.1.1 <{}>: Recipient address rejected: User unknown in virtual mailbox table",
        "bounce",
        "550 5.1.1",
        RECIPIENT,
        "dead",
    ),
    (
        RCPT,
        "550 <{}>: Recipient address rejected: User unknown in local recipient table",
        "bounce",
        "550 5.1.1",
        RECIPIENT,
        "dead",
    ),
    (RCPT, "550 5.1.1 <{}>... User unknown", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 5.1.1 unknown or illegal alias: {}", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 No such user here", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 no such user {}", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "553 5.3.0 <{}>... No such user here", "bounce", "553 5.3.0", RECIPIENT, "dead"),
    (RCPT, "550 sorry, no mailbox here by that name (#5.1.1 - chkuser)", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)", "bounce", "511 5.1.1", RECIPIENT, "dead"),
    (
        RCPT,
        "554 delivery error: dd This user doesn't have a yahoo.com account ({}) [-5] - mta1.mail.example",
        "bounce",
        "554 5.1.1",
        RECIPIENT,
        "dead",
    ),
    (
        DOT,
        "554 delivery error: dd This user doesn't have a yahoo.com account ({}) [0] - mta1.mail.example",
        "bounce",
        "554 5.1.1",
        RECIPIENT,
        "dead",
    ),
    (
        RCPT,
        "550 Message was not accepted -- invalid mailbox.  Local mailbox {} is unavailable: user not found",
        "bounce",
        "550 5.1.1",
        RECIPIENT,
        "dead",
    ),
    (RCPT, "550 5.7.1 No such user!", "bounce", "550 5.7.1", RECIPIENT, "again"),
    (
        RCPT,
        "550 Mailbox not found. http://service.mail.example/cgi-bin/help?subtype=1&&id=20022",
        "bounce",
        "550 5.1.1",
        RECIPIENT,
        "dead",
    ),
    (RCPT, "550 User not found: {}", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 5.1.1 No such recipient here - nmail", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (
        RCPT,
        "550 5.5.0 Adresse destinataire invalide. Invalid recipient. OFR_416 [416]",
        "bounce",
        "550 5.5.0",
        RECIPIENT,
        "dead",
    ),
    (
        RCPT,
        "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. LPN007_401",
        "bounce",
        "550 5.1.1",
        RECIPIENT,
        "dead",
    ),
    (RCPT, "550 5.1.1 <{}>: user unknown [internal]: mailbox does not exist", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Empfaenger unbekannt", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Usuario desconocido", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Utente sconosciuto", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Utilisateur inconnu", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Nieznany użytkownik", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Такого пользователя нет: пользователь не найден", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Користувача не знайдено: користувач не існує", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Tundmatu kasutaja", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 ユーザーが見つかりません", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 用户不存在", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 5.1.1 sid=x {} recipient rejected", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 5.1.3 The recipient address <{}> is not a valid address", "bounce", "550 5.1.3", RECIPIENT, "dead"),
    (RCPT, "550 5.1.6 recipient no longer on server: {}", "bounce", "550 5.1.6", RECIPIENT, "dead"),
    (RCPT, "550 5.1.0 <{}>: address unknown", "bounce", "550 5.1.0", RECIPIENT, "dead"),
    (DATA, "550 5.1.1 <{}> User unknown", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (DOT, "550 5.1.1 <{}> User unknown", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (DOT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", "bounce", "550 5.1.10", RECIPIENT, "dead"),
    (
        RCPT,
        "550 5.1.1 User unknown. Please check the address and try again later",
        "bounce",
        "550 5.1.1",
        RECIPIENT,
        "dead",
    ),
    (RCPT, "550 5.1.1 User unknown; spam to unknown users is reported", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Recipient not found.  <http://x.smtp.example/why>", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 invalid recipient", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 Unknown user", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 unknown recipient", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 No such user ({})", "bounce", "550 5.1.1", RECIPIENT, "dead"),
    (RCPT, "550 I cannot deliver mail for {}", "bounce", "550 5.0.0", RECIPIENT, "no"),
    (RCPT, "550 Account does not exist", "bounce", "550 5.1.1", RECIPIENT, "dead"),
]

AGAIN: list[Case] = [
    (
        RCPT,
        "550 5.1.1 <{}>: Recipient address rejected: undeliverable address: Connection timed out",
        "bounce",
        "550 5.1.1",
        RECIPIENT,
        "again",
    ),
    (
        RCPT,
        "550 5.4.1 Recipient address rejected: Access denied. [AM1EUR05FT0.eop-eur05.prod.protection.outlook.com 2026-11-29T10:00:00.000Z 08DE2]",
        "bounce",
        "550 5.4.1",
        RECIPIENT,
        "again",
    ),
    (RCPT, "550 5.4.1 All recipient addresses rejected : Access denied", "bounce", "550 5.4.1", RECIPIENT, "again"),
    (RCPT, "550 5.5.0 Requested action not taken: mailbox unavailable", "bounce", "550 5.5.0", RECIPIENT, "again"),
    (RCPT, "550 Requested action not taken: mailbox unavailable", "bounce", "550 5.1.1", RECIPIENT, "again"),
    (RCPT, "550 #5.1.0 Address rejected.", "bounce", "550 5.1.1", RECIPIENT, "again"),
    (
        RCPT,
        "550 5.2.1 The email account that you tried to reach is disabled.",
        "bounce",
        "550 5.2.1",
        RECIPIENT,
        "again",
    ),
    (
        RCPT,
        "550 5.2.1 The email account that you tried to reach is inactive.",
        "bounce",
        "550 5.2.1",
        RECIPIENT,
        "again",
    ),
    (RCPT, "550 5.2.1 no", "bounce", "550 5.2.1", RECIPIENT, "again"),
    (RCPT, "525 5.7.13 account disabled", "bounce", "525 5.7.13", RECIPIENT, "again"),
    (RCPT, "550 Mailbox is frozen. See http://mail.example/err/3/", "bounce", "550 5.2.1", RECIPIENT, "again"),
    (RCPT, "550 Account blocked for inactivity: mailbox is inactive", "bounce", "550 5.2.1", RECIPIENT, "again"),
    (RCPT, "550 Benutzerkonto gesperrt", "bounce", "550 5.2.1", RECIPIENT, "again"),
    (RCPT, "550 Le compte du destinataire est bloque", "bounce", "550 5.2.1", RECIPIENT, "again"),
    (RCPT, "551 User not local; please try <new@example.org>", "bounce", "551 5.1.6", RECIPIENT, "again"),
    (RCPT, "550 5.1.2 <{}>: Recipient address rejected: Domain not found", "bounce", "550 5.1.2", RECIPIENT, "again"),
    (RCPT, "550 5.4.4 Unable to route: unrouteable mail domain", "bounce", "550 5.4.4", RECIPIENT, "again"),
    (
        RCPT,
        "556 5.1.10 <{}>: Recipient address rejected: Domain does not accept mail (nullMX)",
        "bounce",
        "556 5.1.10",
        RECIPIENT,
        "again",
    ),
    (RCPT, "556 domain does not accept mail", "bounce", "556 5.1.2", RECIPIENT, "again"),
    (RCPT, "521 host does not accept mail", "bounce", "521 5.1.2", RECIPIENT, "again"),
    (RCPT, "550 5.4.310 DNS domain example.net does not exist", "bounce", "550 5.4.310", RECIPIENT, "again"),
    (RCPT, "550 Unrouteable address", "bounce", "550 5.1.2", RECIPIENT, "again"),
    (RCPT, "550 5.7.1 <{}>: Recipient address rejected: User unknown", "bounce", "550 5.7.1", RECIPIENT, "again"),
    (
        RCPT,
        "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> 550 <{}>: User unknown",
        "bounce",
        "550 5.1.351",
        RECIPIENT,
        "again",
    ),
]

ABOUT_US: list[Case] = [
    (
        RCPT,
        "550 Verification failed for <news@sender.example>: unrouteable address",
        "bounce",
        "550 5.1.8",
        RECIPIENT,
        "no",
    ),
    (MAIL, "550 5.1.1 no such user", "bounce", "550 5.1.1", MESSAGE, "no"),
    (MAIL, "553 5.1.8 Domain of sender address does not exist", "bounce", "553 5.1.8", MESSAGE, "no"),
    (MAIL, "550 5.7.27 Sender address has null MX", "bounce", "550 5.7.27", MESSAGE, "no"),
    (MAIL, "552 5.3.4 Message size exceeds fixed limit", "bounce", "552 5.3.4", MESSAGE, "no"),
    (
        MAIL,
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "bounce",
        "554 5.7.1",
        MESSAGE,
        "no",
    ),
    (
        RCPT,
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1",
        "bounce",
        "554 5.7.1",
        MESSAGE,
        "no",
    ),
    (RCPT, "550 5.1.1 blocked using zen.spamhaus.org", "bounce", "550 5.1.1", RECIPIENT, "no"),
    (RCPT, "550 https://www.spamhaus.org/query/bl?ip=192.0.2.1", "bounce", "550 5.7.1", RECIPIENT, "no"),
    (
        RCPT,
        "550 5.1.1 <x@y.example>: Sender address rejected: User unknown in virtual mailbox table",
        "bounce",
        "550 5.1.1",
        RECIPIENT,
        "no",
    ),
    (RCPT, "550 Sender verify failed: no such user", "bounce", "550 5.1.8", RECIPIENT, "no"),
    (RCPT, "554 5.7.1 <{}>: Relay access denied", "bounce", "554 5.7.1", MESSAGE, "no"),
    (
        RCPT,
        "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        "bounce",
        "553 5.7.1",
        RECIPIENT,
        "no",
    ),
    (RCPT, "550 relay not permitted", "bounce", "550 5.7.1", RECIPIENT, "no"),
    (RCPT, "551 User not local", "bounce", "551 5.7.1", RECIPIENT, "no"),
    (RCPT, "550 mailbox unavailable (policy)", "bounce", "550 5.7.1", RECIPIENT, "no"),
    (RCPT, "554 5.7.1 <{}>: Recipient address rejected: Access denied", "bounce", "554 5.7.1", MESSAGE, "no"),
    (
        RCPT,
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
        "bounce",
        "550 5.7.133",
        MESSAGE,
        "no",
    ),
    (RCPT, "550 5.7.124 Sender not in allowed-senders list", "bounce", "550 5.7.124", MESSAGE, "no"),
    (RCPT, "550 Administrative prohibition", "bounce", "550 5.7.1", RECIPIENT, "no"),
    (RCPT, "550 Rejected by header based manually blocked senders", "bounce", "550 5.7.1", RECIPIENT, "no"),
    (RCPT, "550 5.1.1 Recipient rejected by our spam policy", "bounce", "550 5.1.1", RECIPIENT, "no"),
    (RCPT, "550 5.2.0 Message filtered", "bounce", "550 5.2.0", RECIPIENT, "no"),
    (RCPT, "554 transaction failed", "bounce", "554 5.0.0", RECIPIENT, "no"),
    (RCPT, "550", "bounce", "550 5.0.0", RECIPIENT, "no"),
    (DATA, "554 5.5.1 Error: no valid recipients", "bounce", "554 5.5.1", RECIPIENT, "no"),
    (
        DOT,
        "550 5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy",
        "bounce",
        "550 5.7.26",
        MESSAGE,
        "no",
    ),
    (
        DOT,
        "550 5.7.1 Our system has detected that this message is likely unsolicited mail",
        "bounce",
        "550 5.7.1",
        MESSAGE,
        "no",
    ),
    (
        DOT,
        "550-5.7.25 The IP address sending this message does not have a PTR record",
        "bounce",
        "550 5.7.25",
        MESSAGE,
        "no",
    ),
    (
        DOT,
        "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
        "bounce",
        "554 5.7.9",
        MESSAGE,
        "no",
    ),
    (DOT, "554 6.6.0 Error sending message for delivery", "bounce", "554 5.0.0", MESSAGE, "no"),
    (DOT, "550 High probability of spam", "bounce", "550 5.7.1", MESSAGE, "no"),
    (
        DOT,
        "550 spam message rejected. Please visit http://help.mail.example/notspam",
        "bounce",
        "550 5.7.1",
        MESSAGE,
        "no",
    ),
    (
        DOT,
        "554-Transaction failed\n554-Reject due to policy restrictions.\n554 For explanation visit https://postmaster.gmx.example",
        "bounce",
        "554 5.7.1",
        MESSAGE,
        "no",
    ),
    (DOT, "550 Unknown user {}", "bounce", "550 5.7.1", RECIPIENT, "no"),
    (DOT, "550 : User unknown", "bounce", "550 5.7.1", RECIPIENT, "no"),
    (DOT, "552 5.3.4 Message too big for system", "bounce", "552 5.3.4", MESSAGE, "no"),
    (
        DOT,
        "552-5.7.0 This message was blocked because its content presents a potential security issue",
        "bounce",
        "552 5.7.0",
        MESSAGE,
        "no",
    ),
    (DOT, "554 5.4.6 Hop count exceeded - possible mail loop", "bounce", "554 5.4.6", MESSAGE, "no"),
    (DOT, "554 5.4.14 Hop count exceeded - possible mail loop ATTR34", "bounce", "554 5.4.14", MESSAGE, "no"),
    (DOT, "554 5.6.0 Message with bare LF", "bounce", "554 5.6.0", MESSAGE, "no"),
    (DOT, "571 Message Refused", "bounce", "571 5.0.0", MESSAGE, "no"),
    (RCPT, "550 DY-001 Mail rejected. Host name not found for your IP address", "bounce", "550 5.7.1", RECIPIENT, "no"),
    (
        RCPT,
        "550 SC-001 (BAY004-MC1F1) Unfortunately, messages from 192.0.2.1 weren't sent. Part of their network is on our block list",
        "bounce",
        "550 5.7.1",
        RECIPIENT,
        "no",
    ),
    (RCPT, "550 5.7.511 Access denied, banned sender[192.0.2.1]", "bounce", "550 5.7.511", MESSAGE, "no"),
    (RCPT, "550 Your server IP address is in the SORBS DNSBL database, bye", "bounce", "550 5.7.1", RECIPIENT, "no"),
    (RCPT, "550 Rejected due to recipient preferences", "bounce", "550 5.7.1", RECIPIENT, "no"),
]

CASES = [*TEMPORARY, *DEAD, *AGAIN, *ABOUT_US]
PEOPLE = ("ann@example.net", "john.slater@spam.example", "no-spam-please@policy.example", "quota-full@blocked.example")


def reply(text: str) -> Reply:
    """As the parser would make it: the code is that of the last line."""
    lines = text.split("\n")
    return Reply(int(lines[-1][:3]), "\n".join(line[4:] for line in lines))


@pytest.mark.parametrize(("where", "text", "state", "status", "reach", "suppressed"), CASES)
@pytest.mark.parametrize("person", PEOPLE)
def test_behaviour(
    person: str, where: Where, text: str, state: str, status: str, reach: Reach, suppressed: str
) -> None:
    outcome = decide(where, reply(text.replace("{}", person)), "mx.example.net [192.0.2.25]", [person])
    assert isinstance(outcome, Bounced if state == "bounce" else Retry)
    assert f"{outcome.reason.code} {outcome.reason.enhanced}" == status
    assert outcome.reach is reach
    found = "no"
    if isinstance(outcome, Bounced):
        found = "dead" if outcome.address_dead else "again" if outcome.doubt else "no"
    assert found == suppressed


def test_there_are_enough() -> None:
    assert len(CASES) >= 150
    assert {where for where, *_ in CASES} == set(Where) - {Where.ROUTE, Where.CONNECT}
