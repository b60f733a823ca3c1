"""A relay with a tenant of whom no campaign was released: what it sends is staged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Reply, Sink, mail

FIRST = 4
"""Recipients of a day that go at once in these tests; the default is 20."""
STORIES = {
    "Good news": "The bakery on the corner has opened again, with two ovens and a cat that sleeps on the flour.",
    "Together": "Our choir looks for voices of every kind, rehearsals are on Tuesday evenings in the old school hall.",
    "Bad news": "The rowing club meets at the old boathouse again, bring dry shoes and something for the grill.",
    "Other news": "The library lends telescopes from October on, please bring them back before the moon is full again.",
    "Kept news": "Because of the storm the harbour festival moves to next weekend, all tickets stay valid until then.",
    "Fine": "Twelve gardens open their gates on Sunday, a map with all the cake stands hangs at the town hall door.",
    "Spam": "The museum of clocks shows forty new pieces this autumn, and the tower may be climbed on Sundays.",
    "Few": "The repair café meets monthly, someone there surely knows why your toaster hums so sadly every morning.",
    "Climbs": "Snow is expected above eight hundred metres; the lift runs from Friday if the engine agrees to start.",
}


def people(count: int, first: int = 1) -> list[str]:
    return [f"p{number}@rcpt.example" for number in range(first, first + count)]


class Fresh:
    """A relay with a tenant of whom no campaign was released."""

    def __init__(self, directory: Path, **policy: object) -> None:
        self.sink = Sink()
        delivery = {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0}
        self.relay = relay = Relay(
            directory, {"delivery": delivery, "policy.staged_sending": {"first": FIRST, **policy}}
        )
        relay.tenant(plan="free")
        agreed = directory / "agreed.txt"
        agreed.write_text("\n".join(people(80)) + "\n")
        relay.cli(
            "consent", "import", "acme", str(agreed), "--topic", "news", "--source", "form on acme.example",
            "--wording", "Yes, send me the news", "--attest",
        )  # fmt: skip
        self.login = relay.credential()
        relay.start()

    def send(
        self,
        subject: str,
        recipients: Sequence[str],
        *,
        story: str = "",
        extra: str = "",
        together: bool = False,
        body: Callable[[str], str] | None = None,
    ) -> Reply:
        """One message each, or one for all; the last reply to DATA. The content is the subject's story, or ``body`` of
        the first recipient."""
        batches = [list(recipients)] if together else [[one] for one in recipients]
        with Dialog(self.relay.submissions, tls=True) as dialog:
            dialog.ehlo()
            assert dialog.login(*self.login).code == 235
            for batch in batches:
                assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
                for recipient in batch:
                    assert dialog.say(f"RCPT TO:<{recipient}>").code == 250
                if body is None:
                    text = f"Dear {batch[0].partition('@')[0]},\r\n\r\n{story or STORIES[subject]}\r\n"
                else:
                    text = body(batch[0])
                reply = dialog.data(mail(to=batch[0], subject=subject, body=text, extra=extra))
        return reply

    def arrived(self, subject: str) -> list[str]:
        """Who got it, in order of number."""
        mark = f"\r\nSubject: {subject}\r\n".encode()
        got = [address for m in list(self.sink.messages) if mark in m.data for address in m.recipients]
        return sorted(got, key=lambda address: int(address[1:].partition("@")[0]))

    def campaigns(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.relay.json("campaign", "list", "acme")
        return rows

    def campaign(self, subject: str) -> dict[str, Any]:
        rows = [row for row in self.campaigns() if row["name"].endswith(subject)]
        assert len(rows) == 1, [row["name"] for row in self.campaigns()]
        shown: dict[str, Any] = self.relay.json("campaign", "show", str(rows[0]["id"]))
        assert rows[0].keys() <= shown.keys()
        return shown

    def comes(self, subject: str, **figures: object) -> dict[str, Any]:
        """The campaign once its figures are these."""
        seen: dict[str, Any] = {}

        def there() -> bool:
            seen.update(self.campaign(subject))
            return figures.items() <= seen.items()

        until(there, lambda: f"{subject}: {figures}; now {seen}")
        return seen

    def watched(self, subject: str) -> dict[str, Any]:
        """The campaign once all of its first part were tried."""
        return self.comes(subject, state="watching")

    def used(self) -> tuple[int, int]:
        shown = self.relay.json("quota", "show", "acme")
        return shown["messages_used"], shown["subscribers_used"]

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self.relay.database() as conn:
            return conn.execute(sql, values).fetchall()

    def close(self) -> None:
        code = self.relay.stop()
        self.sink.close()
        assert code == 0, "\n".join(self.relay.log[-40:])
