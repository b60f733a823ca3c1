"""From a Postal by the commands that docs/OPERATIONS.md tells, and then its application sends with what it has."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest

from relay.keys import dkim_keys
from relay.takeover.postal import PostalWishes, read_postal
from relay.tenants.domains import DnsRecord, zone_line
from tests.meta.tree import ROOT
from tests.support.dns import TinyDNS
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Received, Sink, mail

DUMPS = ROOT / "tests/fixtures/postal"
LOGIN = ("acme/news", "Abcdefghijklmnopqrstuv02")
OLD = "postal-zxcvbn._domainkey.acme.example"


def told() -> list[list[str]]:
    """The lines of the page that begin with ``relay``."""
    page = (ROOT / "docs/OPERATIONS.md").read_text().partition("## Coming from Postal\n")[2].partition("\n## ")[0]
    block = re.search(r"```\n(.*?)```", page, re.DOTALL)
    assert block is not None
    lines = [re.sub(r"\s+#.*", "", line) for line in block[1].splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("relay ")]


class Moved:
    def __init__(self, directory: Path) -> None:
        self.sink, self.dns = Sink(), TinyDNS()
        self.dns.__enter__()
        self.relay = Relay(
            directory,
            {
                "delivery": {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0},
                "dns": {"nameservers": [self.dns.address], "timeout": 5},
            },
        )
        for one in DUMPS.glob("*.sql"):
            shutil.copy(one, directory / one.name)
        self.relay.start()

    def close(self) -> None:
        self.relay.stop()
        self.sink.close()
        self.dns.__exit__(None, None, None)

    def prove(self) -> str:
        result = self.relay.run("domain", "verify", "acme-news", "acme.example")
        return result.stdout + result.stderr

    def publish(self, purpose: str) -> None:
        result = self.relay.run("domain", "verify", "acme-news", "acme.example", "--json")
        for record in json.loads(result.stdout)["records"]:
            if record["purpose"] == purpose and record["name"] != OLD:
                line = zone_line(DnsRecord(record["name"], record["type"], record["value"], purpose))
                self.dns.add(record["name"], record["type"], line.split(" ", 3)[3])

    def send(self, subject: str, to: str = "ann@people.example") -> str:
        with Dialog(self.relay.submission) as dialog:
            dialog.ehlo()
            assert dialog.login(*LOGIN).code == 235
            dialog.say("MAIL FROM:<news@acme.example>")
            reply = dialog.say(f"RCPT TO:<{to}>")
            if reply.code == 250:
                reply = dialog.data(mail(sender="news@acme.example", to=to, subject=subject))
            return str(reply)

    def arrived(self, subject: str) -> Received:
        def found() -> list[Received]:
            return [one for one in self.sink.messages if subject.encode() in one.data]

        return until(found, f"{subject} arrives")[0]


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Moved]:
    made = Moved(tmp_path)
    yield made
    made.close()


def signed_as_before(message: bytes, public: str) -> bool:
    """By a verifier that finds the record that Postal's customer published, and no other."""
    texts = {OLD: f"v=DKIM1; t=s; h=sha256; p={public};".encode()}
    checked = dkim.DKIM(message)
    count = message.count(b"DKIM-Signature:")
    return any(
        checked.verify(idx, dnsfunc=lambda name, **_: texts.get(name.decode().rstrip("."))) for idx in range(count)
    )


def test_moved_by_the_words_of_the_page(moved: Moved) -> None:
    relay, lines = moved.relay, told()
    assert [line[:2] for line in lines] == [["tenant", "add"], ["import", "postal"], ["import", "postal"], ["reload"]]
    before = relay.config.read_text()
    said = [relay.cli(*line) for line in lines[:2]]
    assert (
        "selector postal-zxcvbn" in said[1]
        and not relay.json("domain", "list")
        and not relay.json("credential", "list")
    )
    done = relay.json(*lines[2])
    assert [one["name"] for one in done["tokens"]] == ["postal-rails-app"] and done["credentials"] == []
    relay.cli(*lines[3])
    assert relay.config.read_text() == before
    suppressed = {one["email"] for one in relay.json("suppression", "list", "acme-news")}
    assert suppressed >= {"gone@people.example", "full.box@people.example", "hand@people.example"}

    again = relay.json(*lines[2])
    assert not [one for one in again["findings"] if one["fate"] == "carried"] and not again["tokens"]
    assert any("with selector postal-zxcvbn" in one["text"] for one in again["findings"] if one["fate"] == "there")

    # Of what has to be published only the proof is: the old key's record stands there already.
    plan = read_postal([DUMPS / "postal.sql"], PostalWishes("acme/news"), 0.0)
    pem = next(one.pem for one in plan.domains if one.name == "acme.example")
    public = dkim_keys.import_pem(pem, for_a_while=True).public
    moved.dns.add(OLD, "TXT", f'"v=DKIM1; t=s; h=sha256; p={public};"')
    moved.publish("verification")
    assert "acme.example" in moved.prove()
    assert moved.send("With the old key").startswith("250 ")
    assert signed_as_before(moved.arrived("With the old key").data, public)
    assert "suppressed" in moved.send("x", "gone@people.example")

    moved.publish("dkim")
    moved.prove()
    assert moved.send("With the new key").startswith("250 ")
    assert b"s=postal-zxcvbn;" not in moved.arrived("With the new key").data
    assert b"a=rsa-sha256" in moved.arrived("With the new key").data
