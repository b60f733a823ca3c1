"""Only ``CRLF . CRLF`` ends a message, and what other servers may take for its end ends the session.

Behind each variant stands a whole transaction, as an attacker would write it into the body of a message that an
application sends on (SMTP smuggling).
"""

from __future__ import annotations

import contextlib

import pytest

from tests.dialogs.conftest import House
from tests.dialogs.test_replies import MAIL, rcpt, starts
from tests.support.smtp import Dialog, mail

VARIANTS = [
    *(b"\n.\n", b"\r.\r", b"\n.\r", b"\r.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r"),
    *(b"\r\r\n.\r\n", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\n\r\n.\r\n", b"\r\n.\n\r\n", b"\r\n\r.\r\n", b"\r\n\n.\r\n"),
    *(b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n\0\r\n.\r\n", b"\0\r\n.\r\n", b"\r\0\n.\r\n", b"\r\n.\r\0\n"),
    *(b"\n\n.\n\n", b"\r\r.\r\r", b"\n.\n.\r\n.\r\n", b"\r\n..\n.\r\n", b"a\rb\r\n.\r\n", b"a\nb\r\n.\r\n"),
]


def second() -> bytes:
    """A transaction, to be found behind a message."""
    return f"{MAIL}\r\n{rcpt('smuggled')}\r\nDATA\r\n{mail(subject='Smuggled')}.\r\nQUIT\r\n".encode()


def rest(dialog: Dialog) -> list[str]:
    """What is said until the session ends."""
    replies = []
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            replies.append(str(dialog.read()))
    return replies


def submissions(house: House) -> int:
    with house.relay.database() as conn:
        return int(conn.execute("SELECT count(*) FROM submission").fetchone()[0])


@pytest.fixture(scope="module")
def returned(house: House) -> str:
    """The address that a bounce of a delivered message goes to."""
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("bounced"))
        starts(s.data(mail(subject="To bounce")), "250 ")
    return house.sink.to("bounced@rcpt.example").reverse_path


@pytest.mark.parametrize("end", VARIANTS, ids=ascii)
@pytest.mark.parametrize("how", ["DATA", "BDAT"])
def test_no_second_message_comes_in(house: House, how: str, end: bytes) -> None:
    first = mail(subject="First").encode().removesuffix(b"\r\n") + end
    before = submissions(house)
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("first"))
        if how == "DATA":
            starts(s.say("DATA"), "354 ")
            s.send(first + second() + b"\r\n.\r\n" + second())
        else:
            s.send(b"BDAT %d LAST\r\n%b" % (len(first), first) + second())
        (reply,) = rest(s)
    starts(reply, "554 5.6.0")
    assert "octet" in reply
    assert submissions(house) == before


@pytest.mark.parametrize("end", VARIANTS, ids=ascii)
@pytest.mark.parametrize("how", ["DATA", "BDAT"])
def test_nor_from_strangers(house: House, returned: str, how: str, end: bytes) -> None:
    first = b"From: <>\r\nSubject: failure\r\n\r\nHi" + end
    behind = f"RSET\r\nMAIL FROM:<>\r\nRCPT TO:<{returned}>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n".encode()
    with Dialog(house.relay.inbound) as s:
        s.ehlo()
        s.say("MAIL FROM:<>")
        starts(s.say(f"RCPT TO:<{returned}>"), "250 ")
        if how == "DATA":
            starts(s.say("DATA"), "354 ")
            s.send(first + behind + b"\r\n.\r\n" + behind)
        else:
            s.send(b"BDAT %d LAST\r\n%b" % (len(first), first) + behind)
        (reply,) = rest(s)
    starts(reply, "554 5.6.0")


@pytest.mark.parametrize("end", [b"\r\r\n.\r\n", b"a\nb\r\n.\r\n", b"\0\r\n.\r\n"], ids=ascii)
@pytest.mark.parametrize("before", [0, 100_000])
def test_nor_behind_a_message_that_is_refused_for_its_size(house: House, end: bytes, before: int) -> None:
    """Its octets are thrown away; where it ends for others is looked for all the same."""
    lines, count = b"y" * 70 + b"\r\n", submissions(house)
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("large"))
        s.say("DATA")
        s.send(b"Subject: large\r\n\r\n" + b"x" * before + b"\n" * (before > 0) + lines * 4000 + b"z" + end + second())
        (reply,) = rest(s)
    starts(reply, "552 5.3.4")
    assert submissions(house) == count


def test_a_large_message_without_such_an_end_ends_no_session(house: House) -> None:
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("large"))
        s.say("DATA")
        for piece in (b"Subject: large\r\n\r\n", *[b"y" * 70 + b"\r", b"\n"] * 4000, b".\r\n"):
            s.send(piece)
        starts(s.read(), "552 5.3.4")
        starts(s.say("NOOP"), "250 ")


def test_the_reply_comes_although_more_is_sent(house: House) -> None:
    """A socket that is closed while octets wait unread loses what was said last."""
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("x"))
        s.say("DATA")
        with contextlib.suppress(OSError):
            s.send(mail(body="a\rb\r\n").encode() + b".\r\n" + b"NOOP\r\n" * 50_000)
        starts(s.read(), "554 5.6.0")
        assert rest(s) == []
