"""What follows MAIL is answered alike by the port for submission and by the one for what comes back.

But for DSN, which only the first offers: a parameter that wasn't offered is answered 555 (RFC 5321 §4.1.1.11).
"""

from __future__ import annotations

import pytest

from tests.dialogs.conftest import House
from tests.support.smtp import Dialog
from tests.unit.test_intake_parameters import MAIL, NO_MAIL, NO_RCPT

DSN = (b"RET=", b"ENVID=", b"NOTIFY=", b"ORCPT=")


def asks_for_dsn(argument: bytes) -> bool:
    return any(word in argument.upper() for word in DSN)


def said(dialog: Dialog, argument: bytes, verb: bytes = b"MAIL") -> str:
    reply = str(dialog.say(verb + b" " + argument))
    dialog.say("RSET")
    return reply


@pytest.fixture(scope="module")
def inbound(house: House) -> Dialog:
    dialog = Dialog(house.relay.inbound)
    dialog.ehlo()
    return dialog


def test_faults_are_told_alike(house: House, inbound: Dialog) -> None:
    with house.session(house.direct) as submission:
        for argument, reply in NO_MAIL:
            if b"SIZE=1001" in argument or asks_for_dsn(argument):
                continue  # the largest message of each port is its own
            told = said(inbound, argument)
            assert told == said(submission, argument), argument
            assert told.startswith(reply), argument


def test_what_one_takes_the_other_takes(house: House, inbound: Dialog) -> None:
    for argument, path, _ in MAIL:
        wanted = "555 5.5.4 parameter " if asks_for_dsn(argument) else "250 2.1.0 "
        assert said(inbound, argument).startswith(wanted), (argument, path)


def test_what_was_not_offered_is_not_taken(inbound: Dialog) -> None:
    assert not any("DSN" in line for line in inbound.ehlo().lines)
    for parameter in ("RET=HDRS", "ENVID=x"):
        told = said(inbound, f"FROM:<a@b.example> {parameter}".encode())
        assert told == f"555 5.5.4 parameter {parameter.partition('=')[0]} is not offered here"
    for parameter in ("NOTIFY=NEVER", "notify=SUCCESS", "ORCPT=rfc822;a@b.example"):
        assert inbound.say("MAIL FROM:<a@b.example>").code == 250
        told = said(inbound, f"TO:<postmaster@relay.example> {parameter}".encode(), b"RCPT")
        assert told == f"555 5.5.4 parameter {parameter.partition('=')[0].upper()} is not offered here"


def test_faults_of_rcpt_are_told_alike(house: House, inbound: Dialog) -> None:
    with house.session(house.direct) as submission:
        for dialog, path in ((submission, "news@acme.example"), (inbound, "a@b.example")):
            for argument, reply in NO_RCPT:
                if dialog is inbound and asks_for_dsn(argument):
                    continue
                assert dialog.say(f"MAIL FROM:<{path}>").code == 250
                assert said(dialog, argument, b"RCPT").startswith(reply), argument
