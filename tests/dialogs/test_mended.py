"""What applications write becomes mail that any server takes, on its way from a real client to a real server."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest

from tests.dialogs.conftest import House
from tests.support.smtp import Received, mail

MAIL = "MAIL FROM:<news@acme.example>"


def sent(house: House, name: str, message: str | bytes, options: str = "") -> Received:
    """As it arrives at a server that offers nothing beyond RFC 5321."""
    with house.session(house.bare) as s:
        assert s.say(MAIL + options).code == 250
        assert s.say(f"RCPT TO:<{name}@seven.example>").code == 250
        reply = s.data(message)
        assert reply.code == 250, reply
    got = house.seven_bit.to(f"{name}@seven.example")
    assert got.head.isascii() and got.data.startswith((b"DKIM-Signature:", b"Received:"))
    return got


def parsed(got: Received) -> EmailMessage:
    found = email.message_from_bytes(got.data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.parametrize("options", ["", " SMTPUTF8"])
def test_raw_letters_reach_a_server_that_knows_no_smtputf8(house: House, options: str) -> None:
    name = f"raw{len(options)}"
    message = mail(sender='"Müller, GmbH" <news@acme.example>', subject="Grüße 🎉", extra="X-Company: Müller\r\n")
    got = parsed(sent(house, name, message, options))
    assert got["Subject"] == "Grüße 🎉" and got["X-Company"] == "Müller"
    assert got["From"] == '"Müller, GmbH" <news@acme.example>'


def test_the_declared_charset_tells_what_raw_octets_mean(house: House) -> None:
    message = mail(subject="Новости", extra="Content-Type: text/plain; charset=windows-1251\r\n", body="Привет\r\n")
    got = parsed(sent(house, "cp1251", message.encode("cp1251")))
    assert got["Subject"] == "Новости" and got.get_content().strip() == "Привет"


def test_octets_that_nobody_can_tell_are_refused_by_the_fields_name(house: House) -> None:
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say("RCPT TO:<x@rcpt.example>")
        reply = s.data(mail(extra="X-Company: Müller\r\n").encode("latin-1"))
        assert reply.code == 554 and "the field X-Company holds octets" in reply.text
        assert "line 6 (offset " in reply.text


def test_empty_fields_are_written_anew_and_blanks_before_colons_go(house: House) -> None:
    message = (
        "From : news@acme.example\r\nTo: x@seven.example\r\nSubject : spaced\r\nDate:\r\nMessage-ID: <>\r\n\r\nHi\r\n"
    )
    got = sent(house, "empty", message)
    assert got.field("Date") and "@" in got.field("Message-ID") and got.field("Subject") == "spaced"
    assert b"From: news@acme.example\r\nTo:" in got.head


def test_long_lines_are_mended_and_the_rest_stays(house: House) -> None:
    extra = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    extra += f"References: {' '.join(f'<{number:060}@acme.example>' for number in range(20))}\r\n"
    first = "--b\r\nContent-Type: text/plain\r\n\r\nHi  \r\n--b\r\n"
    message = mail(extra=extra, body=f"{first}Content-Type: text/csv\r\n\r\n{'a;' * 900}\r\n--b--\r\n")
    got = sent(house, "long", message)
    assert max(map(len, got.data.split(b"\r\n"))) <= 998 and first.encode() in got.data
    assert list(parsed(got).iter_parts())[1].get_content() == "a;" * 900
    assert len(got.field("References").split()) == 20


def test_what_needs_nothing_arrives_as_it_was(house: House) -> None:
    message = mail(extra="X-Odd:   a\r\n\tb  \r\nContent-Length: 12\r\n", body="Hi  \r\n..\r\n\r\n\r\n")
    head, _, body = message.encode().partition(b"\r\n\r\n")
    got = sent(house, "same", message)
    assert head in got.data and got.data.endswith(b"\r\n\r\n" + body)
