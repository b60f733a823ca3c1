"""What follows MAIL and RCPT: one parser, whichever port it comes in at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.intake.parameters import ArgumentError, MailParameters, RcptParameters, mail_argument, rcpt_argument

LARGEST = 1000

MAIL: list[tuple[bytes, str, MailParameters]] = [
    (b"FROM:<>", "", MailParameters()),
    (b"from:<a@b.example>", "a@b.example", MailParameters()),
    (b"FROM: <a@b.example>", "a@b.example", MailParameters()),
    (b"FROM:<@relay.example:a@b.example>", "a@b.example", MailParameters()),
    (b"FROM:<@one.example,@two.example:a@b.example>", "a@b.example", MailParameters()),
    (b"FROM:<a@b.example> SIZE=1000", "a@b.example", MailParameters(1000)),
    (b"FROM:<a@b.example> size=0", "a@b.example", MailParameters()),
    (b"FROM:<a@b.example>  SIZE=5  BODY=8bitmime", "a@b.example", MailParameters(5)),
    (b"FROM:<a@b.example> AUTH=<>", "a@b.example", MailParameters()),
    (b"FROM:<a@b.example> RET=hdrs ENVID=QQ+2B1", "a@b.example", MailParameters(0, False, "HDRS", "QQ+2B1")),
    ("FROM:<ä@b.example> SMTPUTF8".encode(), "ä@b.example", MailParameters(0, True)),
    (b"FROM:<a@b.example> SMTPUTF8", "a@b.example", MailParameters(0, True)),
    ("FROM:<a@bücher.example>".encode(), "a@xn--bcher-kva.example", MailParameters()),
    (b'FROM:<"a b"@b.example>', '"a b"@b.example', MailParameters()),
    (b"FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]", MailParameters()),
]

NO_MAIL: list[tuple[bytes, str]] = [
    (b"", "501 5.5.4 the argument must be FROM:<address>"),
    (b"<a@b.example>", "501 5.5.4 the argument must be FROM:<address>"),
    (b"TO:<a@b.example>", "501 5.5.4 the argument must be FROM:<address>"),
    (b"FROM:a@b.example", "501 5.1.7 "),
    (b"FROM:", "501 5.1.7 "),
    (b"FROM:<a@b.example", "501 5.1.7 "),
    (b"FROM:<a@b.example>SIZE=1", "501 5.1.7 "),
    (b"FROM:<a>", "501 5.1.7 "),
    (b"FROM:<a@@b.example>", "501 5.1.7 "),
    (b"FROM:<@b.example>", "501 5.1.7 "),
    (b"FROM:<a@b..example>", "501 5.1.7 "),
    (b"FROM:<a\xff@b.example>", "501 5.5.2 the address is not valid UTF-8"),
    ("FROM:<ä@b.example>".encode(), "550 5.6.7 "),
    ("FROM:<ä@b.example> BODY=8BITMIME".encode(), "550 5.6.7 "),
    (b"FROM:<a@b.example> SIZE=1001", "552 5.3.4 the message is larger than 1000 octets"),
    (b"FROM:<a@b.example> SIZE=", "501 5.5.4 SIZE must be "),
    (b"FROM:<a@b.example> SIZE=-1", "501 5.5.4 SIZE must be "),
    (b"FROM:<a@b.example> SIZE=1e3", "501 5.5.4 SIZE must be "),
    ("FROM:<a@b.example> SIZE=\u0661".encode(), "501 5.5.4 SIZE must be "),
    (b"FROM:<a@b.example> SIZE=999999999999999999999", "501 5.5.4 SIZE must be "),
    (b"FROM:<a@b.example> BODY=BINARYMIME", "501 5.5.4 BODY must be "),
    (b"FROM:<a@b.example> SMTPUTF8=yes", "501 5.5.4 SMTPUTF8 must be "),
    (b"FROM:<a@b.example> RET=ALL", "501 5.5.4 RET must be "),
    (b"FROM:<a@b.example> ENVID=", "501 5.5.4 ENVID must be "),
    (b"FROM:<a@b.example> ENVID=a+2x", "501 5.5.4 ENVID must be "),
    (b"FROM:<a@b.example> ENVID=a=b", "501 5.5.4 ENVID must be "),
    (b"FROM:<a@b.example> SIZE=1 size=2", "501 5.5.4 SIZE is given twice"),
    (b"FROM:<a@b.example> NOTIFY=NEVER", "555 5.5.4 parameter NOTIFY is not known"),
    (b"FROM:<a@b.example> X", "555 5.5.4 parameter X is not known"),
    (b"FROM:<a@b.example> MT-PRIORITY=3", "555 5.5.4 parameter MT-PRIORITY is not known"),
]

RCPT: list[tuple[bytes, str, RcptParameters]] = [
    (b"TO:<a@b.example>", "a@b.example", RcptParameters()),
    (b"to: <a@b.example>", "a@b.example", RcptParameters()),
    (b"TO:<a@b.example> NOTIFY=never", "a@b.example", RcptParameters("NEVER")),
    (b"TO:<a@b.example> NOTIFY=SUCCESS,failure", "a@b.example", RcptParameters("SUCCESS,FAILURE")),
    (
        b"TO:<a@b.example> ORCPT=rfc822;x+40b.example NOTIFY=DELAY",
        "a@b.example",
        RcptParameters("DELAY", "rfc822;x+40b.example"),
    ),
    ("TO:<ä@b.example>".encode(), "ä@b.example", RcptParameters()),
]

NO_RCPT: list[tuple[bytes, str]] = [
    (b"", "501 5.5.4 the argument must be TO:<address>"),
    (b"FROM:<a@b.example>", "501 5.5.4 the argument must be TO:<address>"),
    (b"TO:<>", "501 5.1.3 a forward-path must not be empty"),
    (b"TO:<a>", "501 5.1.3 "),
    (b"TO:a@b.example", "501 5.1.3 "),
    (b"TO:<a\xff@b.example>", "501 5.5.2 the address is not valid UTF-8"),
    (b"TO:<a@b.example> NOTIFY=", "501 5.5.4 NOTIFY must be "),
    (b"TO:<a@b.example> NOTIFY=NEVER,DELAY", "501 5.5.4 NOTIFY must be "),
    (b"TO:<a@b.example> NOTIFY=DELAY,DELAY", "501 5.5.4 NOTIFY must be "),
    (b"TO:<a@b.example> ORCPT=a@b.example", "501 5.5.4 ORCPT must be "),
    (b"TO:<a@b.example> ORCPT=rfc822;a=b", "501 5.5.4 ORCPT must be "),
    (b"TO:<a@b.example> SIZE=1", "555 5.5.4 parameter SIZE is not known"),
]


@pytest.mark.parametrize(("argument", "path", "parameters"), MAIL)
def test_mail(argument: bytes, path: str, parameters: MailParameters) -> None:
    address, found = mail_argument(argument, extended=True, largest=LARGEST)
    assert (str(address) if address else "", found) == (path, parameters)


@pytest.mark.parametrize(("argument", "path", "parameters"), RCPT)
def test_rcpt(argument: bytes, path: str, parameters: RcptParameters) -> None:
    address, found = rcpt_argument(argument, extended=True, smtputf8=True)
    assert (str(address), found) == (path, parameters)


@pytest.mark.parametrize(("argument", "reply"), NO_MAIL)
def test_no_mail(argument: bytes, reply: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        mail_argument(argument, extended=True, largest=LARGEST)
    assert refused.value.status.reply.startswith(reply)


@pytest.mark.parametrize(("argument", "reply"), NO_RCPT)
def test_no_rcpt(argument: bytes, reply: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        rcpt_argument(argument, extended=True, smtputf8=True)
    assert refused.value.status.reply.startswith(reply)


def test_letters_outside_ascii_need_what_mail_said() -> None:
    with pytest.raises(ArgumentError) as refused:
        rcpt_argument("TO:<ä@b.example>".encode(), extended=True, smtputf8=False)
    assert refused.value.status.reply.startswith("553 5.6.7 ")


def test_parameters_need_ehlo() -> None:
    parsers: list[Callable[[], object]] = [
        lambda: mail_argument(b"FROM:<a@b.example> SIZE=1", extended=False, largest=LARGEST),
        lambda: rcpt_argument(b"TO:<a@b.example> NOTIFY=NEVER", extended=False, smtputf8=False),
    ]
    for parse in parsers:
        with pytest.raises(ArgumentError) as refused:
            parse()
        assert refused.value.status.reply == "555 5.5.4 parameters need EHLO"
