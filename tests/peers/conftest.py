"""One relay for the tests with real parts: a tenant, consents, and three kinds of servers behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.peers import Postfix, SmtpSink, until
from tests.support.ports import free_port
from tests.support.relay import FREED, Relay
from tests.support.smtp import Dialog, Reply, Sink

WORDING = "Yes, send me the news"


@dataclass
class Record:
    """A TXT record of a DKIM key."""

    name: str
    value: str


class Office:
    """Mail for ``rcpt.example`` and the tenant's own goes to ``sink``, for others to Postfix' parts, where started."""

    def __init__(self, directory: Path) -> None:
        self.sink = Sink()
        self.smtp_sink_port = free_port()
        self.postfix_port = free_port()
        self.relay = relay = Relay(
            directory,
            {
                "auth": {"plaintext_on_loopback": False, "failures": 50},
                "delivery": {"retry": ["1s"], "jitter": 0, "smart_host": f"127.0.0.1:{self.sink.port}"},
                "delivery.routes": {
                    "sink.example": f"127.0.0.1:{self.smtp_sink_port}",
                    "postfix.example": f"127.0.0.1:{self.postfix_port}",
                },
                "forms": {"least_time": 0},
                "policy.staged_sending": {"new_below": 0},
                "policy.unsubscribe_footer": {"permission": True},
            },
        )
        relay.cli("tenant", "add", "acme", "--contact", "post@acme.example", "--plan", "unlimited", "--transactional")
        relay.cli("topic", "add", "acme", "news")
        records = relay.json("domain", "add", "acme", "acme.example")
        self.dkim = [Record(r["name"].rstrip("."), r["value"]) for r in records if r["purpose"] == "dkim"]
        relay.cli("domain", "verify", "acme", "acme.example", "--vouch", "test")
        self.bulk = relay.credential(stream="bulk")
        relay.cli("stream", "add", "acme", "bare", "--kind", "transactional", *FREED, "--footer", "headers")
        self.direct = relay.credential(stream="bare")
        """Service mail that ends with no footer."""
        self.certificate = directory / "tls/certificate.pem"
        self.key = directory / "tls/key.pem"
        relay.start()

    def agree(self, *addresses: str, topic: str = "news") -> None:
        """All these agreed to hear about ``topic``."""
        path = self.relay.directory / "agreed.txt"
        path.write_text("\n".join(addresses) + "\n")
        self.relay.run("topic", "add", "acme", topic)  # refused where it is there
        self.relay.cli(
            "consent", "import", "acme", str(path), "--topic", topic,
            "--source", "form on acme.example", "--wording", WORDING, "--attest",
        )  # fmt: skip

    def session(self, who: tuple[str, str]) -> Dialog:
        """An encrypted session, logged in."""
        dialog = Dialog(self.relay.submissions, tls=True)
        dialog.ehlo()
        assert dialog.login(*who).code == 235
        return dialog

    def send(
        self,
        who: tuple[str, str],
        message: str | bytes,
        *recipients: str,
        sender: str = "news@acme.example",
        parameters: str = "",
        mail: str = "",
    ) -> str:
        """Submit; the queue id. ``parameters`` go to each RCPT, ``mail`` to MAIL."""
        with self.session(who) as dialog:
            assert dialog.say(f"MAIL FROM:<{sender}>{mail}").code == 250
            for recipient in recipients:
                reply = dialog.say(f"RCPT TO:<{recipient}>{parameters}")
                assert reply.code == 250, reply
            reply = dialog.data(message)
            assert reply.code == 250, reply
            return reply.text.split()[1]

    def ask(self, who: tuple[str, str], recipient: str) -> Reply:
        """The reply to RCPT."""
        with self.session(who) as dialog:
            assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
            return dialog.say(f"RCPT TO:<{recipient}>")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds, read beside the running relay."""
        with self.relay.database() as conn:
            return conn.execute(sql, values).fetchall()

    def trace(self, queue_id: str) -> Any:
        return self.relay.json("trace", queue_id)

    def ends(self, queue_id: str) -> dict[str, Any]:
        """The only recipient's story once its copy waits no more."""

        def ended() -> dict[str, Any] | None:
            copy: dict[str, Any] = self.trace(queue_id)["recipients"][0]
            return None if copy["state"] == "ready" else copy

        story = until(ended, f"{queue_id} ends")
        assert story is not None
        return story

    def close(self) -> None:
        code = self.relay.stop()
        self.sink.close()
        assert code == 0


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("office"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def smtp_sink(office: Office) -> Iterator[SmtpSink]:
    made = SmtpSink(office.smtp_sink_port)
    yield made
    made.close()


@pytest.fixture(scope="session")
def postfix(office: Office) -> Iterator[Postfix]:
    made = Postfix(office.postfix_port, office.certificate, office.key, relayhost=f"[127.0.0.1]:{office.relay.inbound}")
    yield made
    made.close()
