"""What relays of earlier schemas left when they were killed is migrated, served and delivered, and new mail is taken.

Each was killed with mail arrived, bounced, deferred, held and staged, and with one message between final dot and reply.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest

from tests.support import schemas
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Received, Sink, mail

ALL = schemas.numbers()
SERVED = sorted({ALL[0], ALL[1], 40, 48, 60, ALL[-1]})
"""Through the whole program; tests/unit/test_upgrade.py looks at each."""


STAGED = ("staged", "watching", "undecided")


QUEUED = {
    "recipient": ("due_at", "changed_at"),
    "submission": ("accepted_at", "expires_at"),
    "campaign": ("created_at", "window_started_at"),
}
"""Times of what is under way."""


class Upgraded:
    def __init__(self, number: int, directory: Path) -> None:
        self.told = schemas.told(number)
        self.sink = Sink()
        self.relay = Relay(directory, {"delivery": {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1h"]}})
        data = directory / "data"
        for path in data.glob("relay.db*"):
            path.unlink()
        schemas.unpack(number, data / "relay.db")
        _as_if_just_now(data / "relay.db", time.time() - float(self.told["made_at"]))
        (data / "secrets").write_text(schemas.SECRETS)
        self.database = data / "relay.db"

    def session(self, who: str) -> Dialog:
        dialog = Dialog(self.relay.submission)
        dialog.ehlo()
        assert dialog.login(self.told[f"{who}_username"], self.told[f"{who}_password"]).code == 235
        return dialog

    def send(self, who: str, sender: str, to: str) -> str:
        """The last reply."""
        with self.session(who) as dialog:
            assert dialog.say(f"MAIL FROM:<{sender}>").code == 250
            reply = dialog.say(f"RCPT TO:<{to}>")
            return str(reply if reply.code != 250 else dialog.data(mail(sender=sender, to=to, subject="New")))

    def signed(self, message: Received) -> bool:
        """All its signatures are good, by the keys that have always been in DNS."""
        records = self._records()
        count = len(message.fields("DKIM-Signature"))
        signer = dkim.DKIM(message.data)
        return count > 0 and all(
            signer.verify(number, dnsfunc=lambda name, timeout=0: records.get(name)) for number in range(count)
        )

    def _records(self) -> dict[bytes, bytes]:
        conn = sqlite3.connect(self.database)
        found = conn.execute(
            "SELECT selector || '._domainkey.' || d.name || '.', algorithm, public"
            "  FROM dkim_key k JOIN domain d ON d.id = domain_id"
        ).fetchall()
        conn.close()
        return {
            name.encode(): f"v=DKIM1; k={kind.partition('-')[0]}; p={public}".encode() for name, kind, public in found
        }

    def close(self) -> None:
        self.relay.stop()
        self.sink.close()


@pytest.fixture(params=SERVED)
def upgraded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Upgraded]:
    found = Upgraded(request.param, tmp_path)
    yield found
    found.close()


def test_what_waited_arrives_and_new_mail_is_taken(upgraded: Upgraded) -> None:
    relay, sink = upgraded.relay, upgraded.sink
    relay.cli("migrate")
    relay.start()
    # Leased by a process that is gone: due at once. It may have arrived; nobody knows.
    sink.to("leased@rcpt.example")
    # Deferred ones, then those that somebody held, then the rest of a staged campaign.
    relay.cli("queue", "retry", "--domain", "rcpt.example")
    for name in ("late", "receipt"):
        sink.to(f"{name}@rcpt.example")
    assert not [message for message in sink.messages if "held@rcpt.example" in message.recipients]
    held = [row for row in relay.json("queue", "list", "--state", "held") if row["address"] == "held@rcpt.example"]
    relay.cli("queue", "release", held[0]["id"].partition("/")[0])
    sink.to("held@rcpt.example")
    staged = [row for row in relay.json("campaign", "list", "newcomer") if row["state"] in STAGED]
    relay.cli("campaign", "release", str(staged[0]["id"]))
    expected = {f"p{number}@staged.example" for number in range(schemas.STAGED) if number % 10}
    until(lambda: expected <= {to for message in sink.messages for to in message.recipients}, "the campaign")
    every = [to for message in sink.messages for to in message.recipients]
    assert len(every) == len(set(every)), "nothing goes out twice"
    assert not {"arrived@rcpt.example", "bounced@rcpt.example", "one@rcpt.example"} & set(every)

    for message in sink.messages:
        assert upgraded.signed(message), message.recipients

    assert upgraded.send("user", "news@acme.example", "later@rcpt.example").startswith("250 2.0.0 ")
    assert upgraded.signed(sink.to("later@rcpt.example"))
    assert upgraded.send("receipts", "shop@acme.example", "new@rcpt.example").startswith("250 2.0.0 ")
    sink.to("new@rcpt.example")
    refused = {"left": "unsubscribed", "stopped": "suppressed", "bounced": "suppressed", "nobody": "no-consent"}
    for name, why in refused.items():
        reply = upgraded.send("user", "news@acme.example", f"{name}@rcpt.example")
        assert reply.startswith(f"550 5.7.1 {why}: "), reply

    until(lambda: not relay.json("queue", "list"), "the end")
    (arrived,) = [row for row in _copies(upgraded.database) if row[0] == "leased@rcpt.example"]
    assert arrived[1] == 2
    relay.cli("audit", "verify")
    assert relay.stop() == 0
    assert not [line for line in relay.log if "Traceback" in line or " critical " in line], relay.log


def _as_if_just_now(database: Path, seconds: float) -> None:
    """Else what waits would be due by now, and a campaign's window over."""
    conn = sqlite3.connect(database)
    for table, columns in QUEUED.items():
        conn.execute(f"UPDATE {table} SET " + ", ".join(f"{column} = {column} + {seconds}" for column in columns))
    conn.commit()
    conn.close()


def _copies(database: Path) -> list[tuple[str, int]]:
    conn = sqlite3.connect(database)
    found = conn.execute("SELECT address, state FROM recipient").fetchall()
    conn.close()
    return found


def test_serve_says_what_to_do_first(tmp_path: Path) -> None:
    upgraded = Upgraded(ALL[0], tmp_path)
    try:
        said = upgraded.relay.run("serve")
        assert said.returncode == 1
        assert "run `relay migrate`" in said.stderr
    finally:
        upgraded.close()
