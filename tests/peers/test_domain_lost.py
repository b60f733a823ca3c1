"""Nothing leaves unsigned or from a domain that isn't the tenant's at that moment (R14)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from relay.queue.holds import DOMAIN
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Received, Sink, mail

ANN = "ann@people.example"


class Office:
    def __init__(self, directory: Path) -> None:
        self.sink = Sink()
        smart = {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0}
        self.relay = Relay(directory, {"delivery": smart, "policy.staged_sending": {"new_below": 0}})
        self.relay.tenant()
        self.relay.consent(ANN)
        self.login = self.relay.credential()
        self.relay.start()

    def send(self, subject: str) -> str:
        """A message that waits, held by hand; its queue id."""
        with Dialog(self.relay.submission) as dialog:
            dialog.ehlo()
            dialog.login(*self.login)
            dialog.say("MAIL FROM:<news@acme.example>")
            dialog.say(f"RCPT TO:<{ANN}>")
            later = format_datetime(datetime.now(UTC) + timedelta(days=9))
            reply = dialog.data(mail(to=ANN, subject=subject, extra=f"Relay-Send-At: {later}\r\n"))
        assert reply.code == 250, reply
        return reply.text.split()[1]

    def arrived(self, subject: str) -> list[Received]:
        return [one for one in self.sink.messages if subject.encode() in one.data]

    def states(self) -> list[tuple[int, int]]:
        with self.relay.database() as conn:
            return conn.execute("SELECT state, held_by FROM recipient ORDER BY submission_id").fetchall()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.relay.stop()
    made.sink.close()


def test_what_waits_is_named_held_and_goes_when_the_domain_is_back(office: Office) -> None:
    relay = office.relay
    queue_id = office.send("Held until the domain is back")
    before = relay.json("domain", "list", "acme")[0]["selectors"]
    refused = relay.run("domain", "remove", "acme", "acme.example")
    assert refused.returncode == 1 and "1 copies from acme.example wait (1 due, 0 held)" in refused.stderr
    assert "held, and its keys kept" in relay.cli("domain", "remove", "acme", "acme.example", "--yes")
    assert relay.json("domain", "list") == []
    with Dialog(relay.submission) as dialog:
        dialog.ehlo()
        dialog.login(*office.login)
        assert str(dialog.say("MAIL FROM:<news@acme.example>")).startswith("550 5.7.1 sender: ")
    relay.cli("queue", "retry", queue_id)
    until(lambda: office.states() == [(1, DOMAIN)], "the copy is held")
    assert office.arrived("Held until") == []
    relay.cli("domain", "add", "acme", "acme.example")
    assert relay.json("domain", "list", "acme")[0]["selectors"] == before
    assert office.states() == [(1, DOMAIN)], "a claim alone lets nothing go"
    relay.cli("domain", "verify", "acme", "acme.example", "--vouch", "test")
    got = until(lambda: office.arrived("Held until"), "it goes")[0]
    assert all(f"s={selector};".encode() in got.data for selector in before)


def test_one_signature_where_the_second_is_off(office: Office) -> None:
    said = office.relay.cli("domain", "set", "acme", "acme.example", "--ed25519", "off")
    assert said == "acme.example signs by RSA alone\n"
    office.relay.cli("queue", "retry", office.send("By RSA alone"))
    got = until(lambda: office.arrived("By RSA alone"), "it goes")[0]
    assert got.data.count(b"DKIM-Signature:") == 1 and b"a=rsa-sha256" in got.data
    office.relay.cli("domain", "set", "acme", "acme.example", "--ed25519", "on")
    office.relay.cli("queue", "retry", office.send("By both again"))
    got = until(lambda: office.arrived("By both again"), "it goes")[0]
    assert got.data.count(b"DKIM-Signature:") == 2


def test_a_domain_that_nothing_waits_for_goes_at_once(office: Office) -> None:
    assert office.relay.cli("domain", "remove", "acme", "acme.example") == "acme.example removed from acme\n"
    office.relay.cli("domain", "add", "acme", "acme.example")
