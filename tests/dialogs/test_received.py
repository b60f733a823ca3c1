"""Received: the application's address is named where the settings say so, and nowhere else (RFC 5321 §4.4)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relay.intake.received import literal
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink, mail

CLIENT = "127.0.0.7"

SHOWN = [
    ("192.0.2.1", "[192.0.2.1]"),
    ("2001:db8::1", "[IPv6:2001:db8::1]"),
    ("2001:DB8:0:0::1", "[IPv6:2001:db8::1]"),
    ("::1", "[IPv6:::1]"),
    ("::ffff:192.0.2.1", "[192.0.2.1]"),
    ("fe80::1%eth0", "[IPv6:fe80::1]"),
    ("local", ""),
    ("", ""),
    ("192.0.2.1 (x)\r\nBcc: a@b.example", ""),
]


@pytest.mark.parametrize(("client", "shown"), SHOWN)
def test_the_address_is_a_literal(client: str, shown: str) -> None:
    assert literal(client) == shown


@pytest.mark.parametrize("recorded", [False, True])
def test_a_message_arrives_with_it_or_without(tmp_path: Path, recorded: bool) -> None:
    sink = Sink()
    relay = Relay(
        tmp_path,
        {
            "delivery": {"smart_host": f"127.0.0.1:{sink.port}"},
            "server": {"hostname": "relay.test", "data_dir": "data", "record_client": recorded},
        },
    )
    try:
        relay.tenant()
        user = relay.credential(stream="transactional")
        relay.start()
        with Dialog(relay.submission, source=CLIENT) as client:
            client.ehlo()
            client.login(*user)
            client.say("MAIL FROM:<news@acme.example>")
            client.say("RCPT TO:<a@rcpt.example>")
            assert client.data(mail()).code == 250
        got = sink.to("a@rcpt.example")
        source = f"[{CLIENT}]" if recorded else "relay.test"
        trace = rf"from {re.escape(source)} \(submission\) by relay.test with ESMTPA id \S+; "
        assert re.match(trace, got.field("Received"))
        assert (CLIENT.encode() in got.data) == recorded
    finally:
        relay.stop()
        sink.close()
