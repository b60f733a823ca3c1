"""Staged sending through a running relay: what goes at once, what a verdict does (R10 to R13, R19)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Reply, Sink, mail

pytestmark = pytest.mark.peers

FIRST = [1, 11, 21, 31]


def people(count: int) -> list[str]:
    return [f"p{number}@rcpt.example" for number in range(1, count + 1)]


class Fresh:
    """A relay with a tenant that never sent anything."""

    def __init__(self, directory: Path, **policy: object) -> None:
        self.sink = Sink()
        delivery = {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0}
        self.relay = relay = Relay(directory, {"delivery": delivery, "policy.staged_sending": policy})
        relay.tenant(plan="free")
        agreed = directory / "agreed.txt"
        agreed.write_text("\n".join(people(60)) + "\n")
        relay.cli(
            "consent", "import", "acme", str(agreed), "--topic", "news", "--source", "form on acme.example",
            "--wording", "Yes, send me the news", "--attest",
        )  # fmt: skip
        self.login = relay.credential()
        relay.start()

    def send(self, subject: str, recipients: Sequence[str], *, extra: str = "", together: bool = False) -> Reply:
        """One message each, or one for all; the last reply to DATA."""
        batches = [list(recipients)] if together else [[one] for one in recipients]
        with Dialog(self.relay.submissions, tls=True) as dialog:
            dialog.ehlo()
            assert dialog.login(*self.login).code == 235
            for batch in batches:
                assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
                for recipient in batch:
                    assert dialog.say(f"RCPT TO:<{recipient}>").code == 250
                reply = dialog.data(mail(to=batch[0], subject=subject, extra=extra))
        return reply

    def arrived(self, subject: str) -> list[str]:
        """Who got it, in order of number."""
        mark = f"\r\nSubject: {subject}\r\n".encode()
        got = [address for m in list(self.sink.messages) if mark in m.data for address in m.recipients]
        return sorted(got, key=lambda address: int(address[1:].partition("@")[0]))

    def campaign(self, subject: str) -> dict[str, Any]:
        rows = [row for row in self.relay.json("campaign", "list", "acme") if row["name"].endswith(subject)]
        assert len(rows) == 1
        shown: dict[str, Any] = self.relay.json("campaign", "show", str(rows[0]["id"]))
        assert rows[0].keys() <= shown.keys()
        return shown

    def comes(self, subject: str, **figures: object) -> dict[str, Any]:
        """The campaign once its figures are these."""
        seen: dict[str, Any] = {}

        def there() -> bool:
            seen.update(self.campaign(subject))
            return figures.items() <= seen.items()

        until(there, f"{subject}: {figures}; now {seen}")
        return seen

    def used(self) -> tuple[int, int]:
        shown = self.relay.json("quota", "show", "acme")
        return shown["messages_used"], shown["subscribers_used"]

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        conn = sqlite3.connect(f"file:{self.relay.directory}/data/relay.db?mode=ro", uri=True, timeout=10)
        try:
            return conn.execute(sql, values).fetchall()
        finally:
            conn.close()

    def close(self) -> None:
        code = self.relay.stop()
        self.sink.close()
        assert code == 0, "\n".join(self.relay.log[-40:])


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    made = Fresh(tmp_path_factory.mktemp("staged"))
    yield made
    made.close()


def numbered(numbers: Sequence[int]) -> list[str]:
    return [f"p{number}@rcpt.example" for number in numbers]


def test_one_in_ten_goes_then_all_after_the_release(fresh: Fresh) -> None:
    everybody = people(35)
    before = fresh.used()[0]
    assert fresh.send("Good news", everybody).code == 250
    shown = fresh.comes("Good news", delivered=4, held=31, state="watching")
    assert fresh.arrived("Good news") == numbered(FIRST)
    assert (shown["recipients"], shown["passed"]) == (35, 4)
    assert fresh.relay.json("queue", "stats")["held"] == 31
    assert fresh.used() == (before + 35, 35)
    said = fresh.relay.cli("campaign", "release", str(shown["id"]))
    assert "31 held copies go now" in said
    fresh.sink.wait(35)
    assert fresh.arrived("Good news") == everybody
    # Later arrivals of a released campaign aren't held any more.
    assert fresh.send("Good news", numbered([36, 37])).code == 250
    shown = fresh.comes("Good news", delivered=37, held=0, state="released")
    assert fresh.arrived("Good news") == people(37)
    assert fresh.relay.run("campaign", "release", str(shown["id"])).returncode == 1


def test_in_one_message_the_same_go_first(fresh: Fresh) -> None:
    assert fresh.send("Together", people(35), together=True).code == 250
    shown = fresh.comes("Together", delivered=4, held=31)
    assert fresh.arrived("Together") == numbered(FIRST)
    fresh.relay.cli("campaign", "release", str(shown["id"]))
    fresh.comes("Together", delivered=35, held=0)
    assert fresh.arrived("Together") == people(35)


def test_a_declined_campaign_is_dropped_and_given_back(fresh: Fresh) -> None:
    before = fresh.used()[0]
    assert fresh.send("Bad news", people(35)).code == 250
    shown = fresh.comes("Bad news", delivered=4, held=31)
    assert fresh.used()[0] == before + 35
    said = fresh.relay.cli("campaign", "decline", str(shown["id"]), "--reason", "looks bought")
    assert "31 held copies dropped" in said
    assert fresh.used()[0] == before + 4
    assert fresh.campaign("Bad news").items() >= {"state": "declined", "held": 0, "why": "looks bought"}.items()
    told = fresh.rows(
        "SELECT count(*), count(DISTINCT submission_id || '/' || number) FROM event WHERE kind = 'declined'"
        " AND campaign_id = ? AND detail LIKE '%looks bought%'",
        shown["id"],
    )
    assert told == [(31, 31)]
    reply = fresh.send("Bad news", numbered([40]))
    assert str(reply).startswith("550 5.7.1 campaign-declined"), reply
    assert "looks bought" in str(reply)
    assert fresh.used()[0] == before + 4
    # Bodies of what is done are gone (R27).
    kept = "SELECT count(*) FROM body JOIN submission s ON s.id = submission_id WHERE campaign_id = ?"
    assert fresh.rows(kept, shown["id"]) == [(0,)]
    # Another campaign of the same tenant is not concerned.
    assert fresh.send("Other news", numbered([1])).code == 250
    fresh.comes("Other news", delivered=1)
    assert fresh.arrived("Bad news") == numbered(FIRST)


def test_a_named_campaign_counts_over_subjects(fresh: Fresh) -> None:
    """Relay-Campaign: numbers go on although each person gets a subject of its own."""
    for number, address in enumerate(people(12), 1):
        reply = fresh.send(f"Dear {number}", [address], extra="Relay-Campaign: personal\r\n")
        assert reply.code == 250
    fresh.comes("personal", delivered=2, held=10)
    assert [fresh.arrived(f"Dear {number}") for number in (1, 2, 11, 12)] == [
        numbered([1]), [], numbered([11]), [],
    ]  # fmt: skip


def test_a_held_campaign_survives_a_restart(fresh: Fresh) -> None:
    assert fresh.send("Kept news", people(12)).code == 250
    shown = fresh.comes("Kept news", delivered=2, held=10)
    assert fresh.relay.stop() == 0
    fresh.relay.start()
    assert fresh.campaign("Kept news").items() >= {"held": 10, "state": "watching"}.items()
    fresh.relay.cli("campaign", "release", str(shown["id"]))
    fresh.comes("Kept news", delivered=12, held=0)
    assert fresh.arrived("Kept news") == people(12)


def test_the_window_decides(tmp_path: Path) -> None:
    """Short windows: what is clearly good is released by itself, what bounces is stopped and waits for a person.

    One message to all, so that the first stage is complete when the window opens, however slow the machine.
    """
    fresh = Fresh(tmp_path, window="2s", least=3)
    try:
        assert fresh.send("Fine", people(35), together=True).code == 250
        shown = fresh.comes("Fine", state="released", delivered=35, held=0)
        assert shown["decided_by"] == "relay"
        assert shown["why"].startswith("clearly good")
        assert fresh.arrived("Fine") == people(35)
        for number in FIRST[:3]:
            fresh.sink.replies[f"p{number}@rcpt.example"] = "550 5.7.1 go away"
        assert fresh.send("Spam", people(35), together=True).code == 250
        shown = fresh.comes("Spam", state="stopped", bounced=3)
        assert shown["why"].startswith("clearly bad (bounced)")
        assert fresh.send("Spam", numbered([41, 51])).code == 250
        assert fresh.comes("Spam", recipients=37, held=33)["state"] == "stopped"
        assert set(fresh.arrived("Spam")) <= {"p31@rcpt.example"}
        # Too few outcomes say nothing: it is left to the administrator.
        fresh.sink.replies.clear()
        assert fresh.send("Few", people(12), together=True).code == 250
        assert "only" in fresh.comes("Few", state="undecided", held=10)["why"]
    finally:
        fresh.close()
