"""One relay for all dialogs: tenants, streams, consents, and a sink behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.relay import FREED, Relay
from tests.support.smtp import Dialog, Sink


class House:
    """The relay with what the dialogs need."""

    def __init__(self, directory: Path) -> None:
        self.sink = Sink()
        self.seven_bit = Sink(extensions=())
        self.relay = Relay(
            directory,
            {
                "delivery": {
                    "smart_host": f"127.0.0.1:{self.sink.port}",
                    "routes": {"seven.example": f"127.0.0.1:{self.seven_bit.port}"},
                },
                "limits": {
                    "message_octets": 200_000,
                    "header_octets": 20_000,
                    "parts": 50,
                    "depth": 10,
                    "hops": 10,
                    "recipients": 20,
                },
                "auth": {"failures": 5, "window": "1h", "plaintext_on_loopback": False},
                "policy.staged_sending": {"new_below": 0},
            },
        )
        relay = self.relay
        relay.tenant()
        relay.cli("stream", "add", "acme", "news", "--kind", "bulk", "--topic", "news")
        self.bulk = relay.credential(stream="bulk")
        self.news = relay.credential(stream="news")
        self.direct = relay.credential(stream="transactional")
        relay.cli("stream", "add", "acme", "bare", "--kind", "transactional", *FREED, "--footer", "headers")
        self.bare = relay.credential(stream="bare")
        """Whose messages end with no footer."""
        for name in ("a", "b", "c", "gone", "partly"):
            relay.consent(f"{name}@rcpt.example")
        relay.consent("partly@rcpt.example", topic="offers")
        relay.consent("offers@rcpt.example", topic="offers")
        relay.cli("consent", "withdraw", "acme", "gone@rcpt.example")
        relay.cli("consent", "withdraw", "acme", "partly@rcpt.example", "--topic", "news")
        for name in ("dead", "dead2"):
            relay.consent(f"{name}@rcpt.example")
            relay.cli("suppression", "add", "acme", f"{name}@rcpt.example", "--reason", "asked by phone")
        self.token = str(relay.json("token", "add", "acme")["token"])
        relay.start()
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{relay.http}/v1",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
            trust_env=False,
        )

    def session(self, who: tuple[str, str] | None = None) -> Dialog:
        """An encrypted session, logged in as ``who``."""
        dialog = Dialog(self.relay.submissions, tls=True)
        assert dialog.ehlo().code == 250
        if who is not None:
            reply = dialog.login(*who)
            assert reply.code == 235, reply
        return dialog

    def close(self) -> None:
        self.http.close()
        code = self.relay.stop()
        self.sink.close()
        self.seven_bit.close()
        assert code == 0


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("house"))
    yield made
    made.close()
