"""A stolen log-in through a running relay: held at the door and on its way out, told, released, dropped (R28)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.brake import habits
from relay.brake.familiar import sample_of
from relay.brake.values import LoginUse, PlaceUse
from relay.store.database import transaction
from tests.support.content import read
from tests.support.peers import until
from tests.support.relay import FREED, Relay
from tests.support.smtp import Dialog, Reply, Sink, mail

pytestmark = pytest.mark.peers
ORDER = "Hello,\r\n\r\nthank you for your order 17.\r\nWe send it tomorrow.\r\n\r\nAcme, Mill Lane 4, Exampleton\r\n"
PILLS = "Cheap tablets without a doctor, worldwide, quick and discreet.\r\nhttps://cheap-tablets.example/buy\r\n"
DAY = 86_400.0


class Shop:
    """A tenant whose server at 127.0.0.1 has sent receipts for a week; a thief comes from elsewhere on loopback."""

    def __init__(self, directory: Path) -> None:
        self.sink = Sink()
        self.relay = relay = Relay(
            directory,
            {
                "delivery": {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0},
                "operator": {"name": "Post & Co", "contact": "ops@operator.example"},
                "server": {"workers": 2},
            },
        )
        relay.tenant()
        relay.cli("stream", "add", "acme", "orders", "--kind", "transactional", *FREED)
        self.login = relay.credential(stream="orders")
        self.token = relay.json("token", "add", "acme")["token"]
        self._history()
        relay.start()
        headers = {"Authorization": f"Bearer {self.token}"}
        self.api = httpx.Client(
            base_url=f"http://127.0.0.1:{relay.http}/v1", headers=headers, trust_env=False, timeout=20
        )

    def _history(self) -> None:
        conn = self.relay.open_store()
        (tenant_id,) = conn.execute("SELECT id FROM tenant WHERE name = 'acme'").fetchone()
        (credential,) = conn.execute("SELECT id FROM credential WHERE username = ?", (self.login[0],)).fetchone()
        self.key = f"password:{credential}"
        now = time.time()
        sample = sample_of(read(mail(body=ORDER, subject="Your order").encode()), set())
        with transaction(conn):
            for day in range(2, 9):
                for hour in range(4):
                    use = LoginUse(self.key, tenant_id, {"127.0.0.0/24": PlaceUse(6, 3)})
                    habits.write(conn, use, now - day * DAY + hour * 3600)
                habits.learn(conn, tenant_id, [sample], now - day * DAY)
            conn.execute("UPDATE brake_place SET first_at = ?, last_at = ?", (now - 8 * DAY, now))
        conn.close()

    def send(self, first: int, count: int, *, source: str = "127.0.0.1", body: str = PILLS) -> Reply:
        with Dialog(self.relay.submission, source=source) as dialog:
            dialog.ehlo()
            assert dialog.login(*self.login).code == 235
            for number in range(first, first + count):
                assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
                assert dialog.say(f"RCPT TO:<p{number}@rcpt.example>").code == 250
                reply = dialog.data(mail(to=f"p{number}@rcpt.example", body=body, subject="Your order"))
                assert reply.code == 250, reply
        return reply

    def steal(self) -> int:
        """Until the brake is on; how many copies the thief has sent."""
        sent = 0
        store = self.relay.open_store()
        try:
            for turn in range(60):
                self.send(sent, 5, source=f"127.{50 + turn % 20}.0.{turn + 1}")
                sent += 5
                if store.execute("SELECT count(*) FROM brake").fetchone()[0]:
                    return sent
        finally:
            store.close()
        raise AssertionError("the thief was never braked")

    def braked(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.relay.json("credential", "braked", "acme")
        return found

    def delivered(self) -> set[str]:
        return {to for one in self.sink.messages for to in one.recipients if to.endswith("@rcpt.example")}

    def letters(self, to: str) -> list[str]:
        return [one.data.decode("utf-8", "replace") for one in self.sink.messages if to in one.recipients]

    def close(self) -> None:
        self.api.close()
        self.relay.stop()
        self.sink.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.close()


def test_a_thief_is_held_the_tenant_goes_on_and_says_that_it_was_not_it(shop: Shop) -> None:
    sent = shop.steal()
    assert sent <= 200
    shop.send(1000, 10, source="127.80.0.1")  # taken, and held
    shop.send(2000, 5, body=ORDER)  # the tenant's own server
    until(lambda: {f"p{n}@rcpt.example" for n in range(2000, 2005)} <= shop.delivered(), "the tenant's own mail")
    assert not {f"p{n}@rcpt.example" for n in range(1000, 1010)} & shop.delivered()
    (brake,) = shop.braked()
    assert brake["held"] >= 10 and brake["decided"] == ""
    letter = until(lambda: shop.letters("post@acme.example"), "the letter to the contact")[0]
    assert "used as never before" in letter and "/v1/brakes/" in letter
    until(lambda: shop.letters("ops@operator.example"), "the call")
    held = shop.relay.json("queue", "list", "--state", "held")
    story = shop.relay.cli("trace", held[0]["id"])
    assert "braked" in story
    assert shop.relay.run("queue", "release", "--tenant", "acme").returncode == 1
    events = shop.api.get("/events?type=held").json()["events"]
    assert any("log-in braked" in one["detail"]["reason"] for one in events)

    (number,) = [one["number"] for one in shop.api.get("/brakes").json()["brakes"]]
    assert shop.api.get(f"/statements/{number}").json()["action"] == "braked"
    answer = shop.api.post(f"/brakes/{number}/drop", json={"reason": "not us"})
    assert answer.status_code == 200 and answer.json()["decided"] == "dropped"
    until(
        lambda: not [one for one in shop.braked() if one["number"] == number and one["held"]], "what was held is gone"
    )
    assert not {f"p{n}@rcpt.example" for n in range(1000, 1010)} & shop.delivered()
    shop.send(3000, 2, source="127.90.0.1")  # the password is still the old one
    assert [one["held"] for one in shop.braked() if one["decided"] == ""] == [2]

    password = shop.relay.json("credential", "reset", shop.login[0])["password"]
    shop.login = (shop.login[0], password)
    shop.send(4000, 2, source="127.91.0.1", body=ORDER)
    until(lambda: {"p4000@rcpt.example", "p4001@rcpt.example"} <= shop.delivered(), "mail with the new password")


def test_it_was_the_tenant_and_nothing_is_lost(shop: Shop) -> None:
    sent = shop.steal()
    shop.send(1000, 10, source="127.80.0.1")
    said = shop.relay.cli("credential", "release", shop.login[0], "--reason", "a new office")
    assert "released" in said
    everybody = {f"p{n}@rcpt.example" for n in (*range(sent), *range(1000, 1010))}
    until(lambda: everybody <= shop.delivered(), "all that was held")
    assert len([one for one in shop.sink.messages if one.recipients[0].endswith("@rcpt.example")]) == len(everybody)
    shop.send(1010, 30, source="127.80.0.1")
    assert [one["decided"] for one in shop.braked()] == ["released"]
    until(lambda: len(shop.letters("post@acme.example")) == 2, "two letters")
    refused = shop.relay.run("credential", "release", shop.login[0])
    assert refused.returncode == 1 and "no mail of" in refused.stderr
