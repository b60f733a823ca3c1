"""What is counted of service mail outlives a restart, through sockets (R18a)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.peers import until
from tests.support.relay import FREED, Relay
from tests.support.smtp import Dialog, Sink, mail

pytestmark = pytest.mark.peers
OFFER = (
    "Everything in the house is cheaper until Sunday. The sale takes in all shelves, and delivery is a present.\r\n"
    "Choose now: https://acme.example/sale\r\n\r\nMill Lane 4, Exampleton\r\n\r\nWe answer every letter.\r\n"
)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    sink = Sink()
    smart_host = {"smart_host": f"127.0.0.1:{sink.port}", "retry": ["1s"], "jitter": 0}
    relay = Relay(tmp_path, {"delivery": smart_host, "server": {"workers": 2}})
    relay.tenant()
    relay.cli("stream", "add", "acme", "orders", "--kind", "transactional", *FREED)
    login = relay.credential(stream="orders")

    def send(first: int, count: int) -> None:
        with Dialog(relay.submission) as dialog:
            dialog.ehlo()
            assert dialog.login(*login).code == 235
            for number in range(first, first + count):
                to = f"p{number}@rcpt.example"
                assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
                assert dialog.say(f"RCPT TO:<{to}>").code == 250
                assert dialog.data(mail(sender="news@acme.example", to=to, body=OFFER)).code == 250

    def delivered() -> set[str]:
        return {to for one in sink.messages for to in one.recipients if to.endswith("@rcpt.example")}

    relay.start()
    try:
        send(0, 20)
        until(lambda: len(delivered()) == 20, "the first twenty")
        relay.stop()
        relay.start()
        send(20, 3)
        held = until(lambda: relay.json("queue", "list", "--state", "held"), "what is kept")
        assert len(held) == 3 and len(delivered()) == 20
        assert [one["state"] for one in relay.json("campaign", "list")] == ["undecided"]
    finally:
        relay.stop()
        sink.close()
