"""What follows MAIL is answered alike by the port for submission and by the one for what comes back."""

from __future__ import annotations

import pytest

from tests.dialogs.conftest import House
from tests.support.smtp import Dialog
from tests.unit.test_intake_parameters import MAIL, NO_MAIL, NO_RCPT


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
            if b"SIZE=1001" in argument:
                continue  # the largest message of each port is its own
            told = said(inbound, argument)
            assert told == said(submission, argument), argument
            assert told.startswith(reply), argument


def test_what_one_takes_the_other_takes(house: House, inbound: Dialog) -> None:
    for argument, path, _ in MAIL:
        assert said(inbound, argument).startswith("250 2.1.0 "), (argument, path)


def test_faults_of_rcpt_are_told_alike(house: House, inbound: Dialog) -> None:
    with house.session(house.direct) as submission:
        for dialog, path in ((submission, "news@acme.example"), (inbound, "a@b.example")):
            for argument, reply in NO_RCPT:
                assert dialog.say(f"MAIL FROM:<{path}>").code == 250
                assert said(dialog, argument, b"RCPT").startswith(reply), argument
