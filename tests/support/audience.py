"""Campaigns through a running relay with people made up: addresses that are dead, readers who complain, leave, contest.

``make campaigns`` runs many sizes and audiences and writes what became of them into docs/STAGING.md; tests run few.
The receiving server refuses who is dead; the others act on the copy that they got, by the relay's own ways: an abuse
report to its inbound port, one-click unsubscribing, "I never agreed" on their page, each from a network of their own.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from relay.store.database import transaction
from tests.support.octets import values
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Received, Sink, mail

BATCH: Final = 50
"""Recipients a message."""
WORDING: Final = "Yes, send me the news"
PAGE: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "STAGING.md"
ENDED: Final = ("stopped", "undecided")
SHOWN: Final = (
    "state", "why", "recipients", "passed", "delivered", "bounced", "complained", "unsubscribed", "contested",
    "decided_by",
)  # fmt: skip
HOURS_S: Final = 7 * 3600.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Shares of the recipients, each person in one at most."""

    title: str
    dead: float = 0.0
    complains: float = 0.0
    leaves: float = 0.0
    contests: float = 0.0


USUAL: Final = Crowd("usual list", 0.01, 0.0002, 0.004)
DEAD: Final = Crowd("10 % dead", 0.10, 0.001, 0.01)
COMPLAINTS: Final = Crowd("1 % complaints", 0.02, 0.01, 0.03)
BOUGHT: Final = Crowd("bought list, 1 of 50 who mind presses the button", 0.15, 0.01, 0.04, 0.016)


@dataclass
class Sent:
    """One campaign of one tenant, and who its people are."""

    tenant: str
    crowd: Crowd
    size: int
    login: tuple[str, str]
    people: list[str]
    fates: dict[str, str]
    id: int = 0
    shown: dict[str, Any] = field(default_factory=dict)


class Town:
    """A relay, a receiving server, and everybody who gets mail."""

    def __init__(self, directory: Path, *, seed: int = 7) -> None:
        self.lot = random.Random(seed)
        self.sink = Sink()
        delivery = {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0}
        self.relay = Relay(
            directory,
            {
                "delivery": delivery,
                "http": {"trusted_proxies": ["127.0.0.1/32"]},
            },
        )
        self.sent: list[Sent] = []
        self._fates: dict[str, str] = {}
        self._read = 0
        self._web: httpx.Client | None = None

    def settle(self, name: str, crowd: Crowd, size: int) -> Sent:
        """A tenant without a record, and its list; before the relay starts."""
        relay, domain = self.relay, f"{name}.example"
        relay.tenant(name, domain)
        people = [f"p{number}@{name}-people.example" for number in range(size)]
        agreed = relay.directory / f"{name}.txt"
        agreed.write_text("\n".join(people) + "\n")
        relay.cli(
            "consent",
            "import",
            name,
            str(agreed),
            "--topic",
            "news",
            "--source",
            f"form on {domain}",
            "--wording",
            WORDING,
            "--attest",
        )
        made = Sent(name, crowd, size, relay.credential(name), people, self._cast(crowd, people))
        self.sent.append(made)
        return made

    def _cast(self, crowd: Crowd, people: Sequence[str]) -> dict[str, str]:
        """Who does what; a part of a person is one by chance."""
        order = list(people)
        self.lot.shuffle(order)
        fates: dict[str, str] = {}
        for fate in ("dead", "complains", "leaves", "contests"):
            exact = getattr(crowd, fate) * len(people)
            count = int(exact) + (self.lot.random() < exact % 1)
            fates |= {order.pop(): fate for _ in range(min(count, len(order)))}
        for address, fate in fates.items():
            if fate == "dead":
                self.sink.replies[address] = "550 5.1.1 no such user here"
        self._fates |= fates
        return fates

    def start(self) -> None:
        self.relay.start()
        self._web = httpx.Client(base_url=f"http://127.0.0.1:{self.relay.http}", timeout=30, trust_env=False)

    def send(self, one: Sent, people: Sequence[str] | None = None, story: str = "") -> None:
        """The campaign, by SMTP; ``people``: a part of the list."""
        people = one.people if people is None else people
        text = (
            story or f"{one.tenant} tells its readers that the harbour festival moves to next weekend, come all of you."
        )
        with Dialog(self.relay.submissions, tls=True) as dialog:
            dialog.ehlo()
            assert dialog.login(*one.login).code == 235
            for place in range(0, len(people), BATCH):
                assert dialog.say(f"MAIL FROM:<news@{one.tenant}.example>").code == 250
                for address in people[place : place + BATCH]:
                    assert dialog.say(f"RCPT TO:<{address}>").code == 250
                message = mail(
                    sender=f"News <news@{one.tenant}.example>", to="readers@rcpt.example", subject=f"News {place}",
                    body=f"{text}\r\n",
                )  # fmt: skip
                reply = dialog.data(message)
                assert reply.code == 250, reply
        one.id = max(int(row["id"]) for row in self.relay.json("campaign", "list", one.tenant))

    # -- what people do ------------------------------------------------------------

    def act(self) -> None:
        """Everybody who got a copy since the last time does what such people do."""
        messages = self.sink.messages
        while self._read < len(messages):
            got = messages[self._read]
            self._read += 1
            for address in got.recipients:
                self._one(got, self._fates.get(address, ""))

    def _one(self, got: Received, fate: str) -> None:
        if fate == "complains":
            self._complain(got)
        elif fate in ("leaves", "contests"):
            assert self._web is not None
            (link,) = [one for one in values(got.data, "List-Unsubscribe")[0].split("<") if "/u/" in one]
            token = link.partition("/u/")[2].partition(">")[0]
            path, form = f"/u/{token}", {"List-Unsubscribe": "One-Click"}
            if fate == "contests":
                path, form = f"/why/{token}", {"plea": "never"}
            address = f"10.{self.lot.randrange(1, 250)}.{self.lot.randrange(250)}.{self.lot.randrange(1, 250)}"
            answer = self._web.post(path, data=form, headers={"X-Forwarded-For": address})
            assert answer.status_code < 400, (fate, answer.status_code, answer.text[:300])

    def _complain(self, got: Received) -> None:
        """As a mailbox provider's feedback loop reports it (RFC 5965)."""
        report = (
            f"From: fbl@rcpt.example\r\nTo: {got.reverse_path}\r\nSubject: Abuse\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=feedback-report; boundary="r"\r\n\r\n'
            "--r\r\n\r\nThis is a report.\r\n--r\r\nContent-Type: message/feedback-report\r\n\r\n"
            "Feedback-Type: abuse\r\nUser-Agent: Test/1\r\nVersion: 1\r\n\r\n--r--\r\n"
        )
        with Dialog(self.relay.inbound) as dialog:
            dialog.ehlo()
            assert dialog.say("MAIL FROM:<fbl@rcpt.example>").code == 250
            assert dialog.say(f"RCPT TO:<{got.reverse_path}>").code == 250
            assert dialog.data(report).code == 250

    # -- what becomes of it ----------------------------------------------------------

    def look(self, one: Sent) -> dict[str, Any]:
        with self.relay.database() as conn:
            row = conn.execute(f"SELECT {', '.join(SHOWN)} FROM campaign WHERE id = ?", (one.id,)).fetchone()
        one.shown = dict(zip(SHOWN, row, strict=True))
        return one.shown

    def ended(self, one: Sent) -> bool:
        """It was decided or left to people, and all that may leave has left. Once a part was tried and its people have
        acted, its window is over: as if hours had passed, however busy the machine is."""
        shown = self.look(one)
        tried = shown["delivered"] + shown["bounced"] >= shown["passed"]
        self.act()
        if shown["state"] == "watching" and tried and shown == self.look(one):
            with self.relay.database() as conn, transaction(conn):
                conn.execute(
                    "UPDATE campaign SET window_started_at = ? WHERE id = ? AND state = 'watching' AND passed = ?",
                    (time.time() - HOURS_S, one.id, shown["passed"]),
                )
        if shown["state"] == "released":
            return bool(shown["delivered"] + shown["bounced"] >= shown["recipients"])
        return shown["state"] in ENDED or (shown["state"] == "open" and tried)

    def await_all(self, timeout_s: float = 60.0) -> None:
        until(lambda: all(list(map(self.ended, self.sent))), self.told, timeout_s)

    def told(self) -> str:
        return "\n".join(f"{one.tenant}: {one.shown}" for one in self.sent)

    def close(self) -> None:
        if self._web is not None:
            self._web.close()
        code = self.relay.stop()
        self.sink.close()
        assert code == 0, "\n".join(self.relay.log[-40:])


# --- the long form ---------------------------------------------------------------------

SIZES: Final = (15, 100, 300, 5000)
LARGE: Final = (50_000,)
CROWDS: Final = (USUAL, DEAD, COMPLAINTS, BOUGHT)
PASSED: Final = 1_000
"""What a stopped campaign of 50,000 may have sent: its first part, a fiftieth."""


def main() -> int:
    """All sizes and audiences, each a tenant of its own, at the same time through one relay.

    ``--large``: those of 50,000, whose verdicts are certain by the theory (``make simulate``); another one fails.
    """
    large = "--large" in sys.argv[1:]
    sizes = [int(one) for one in os.environ.get("SIZES", "").split()] or (LARGE if large else SIZES)
    seed = int(os.environ.get("SEED", "7"))
    with tempfile.TemporaryDirectory(dir="/var/tmp" if large else None) as directory:
        town = Town(Path(directory), seed=seed)
        for number, crowd in enumerate(CROWDS):
            for size in sizes:
                town.settle(f"t{number}x{size}", crowd, size)
        town.start()
        try:
            for one in town.sent:
                town.send(one)
            town.await_all(3600.0 if large else 900.0)
        finally:
            town.close()
    _write("running-large" if large else "running", _table(town, sizes))
    wrong = [one for one in town.sent if large and not _as_theory_says(one)]
    for one in wrong:
        print(f"{one.crowd.title}: not as the theory says: {one.shown}")
    return 1 if wrong else 0


def _as_theory_says(one: Sent) -> bool:
    went = one.shown["delivered"] + one.shown["bounced"]
    if one.crowd is USUAL:
        return bool(one.shown["state"] == "released" and went == one.size)
    return bool(one.shown["state"] == "stopped" and went <= PASSED)


def _table(town: Town, sizes: Sequence[int]) -> str:
    lines = ["| list | " + " | ".join(str(size) for size in sizes) + " |", "|---|" + "---|" * len(sizes)]
    for crowd in CROWDS:
        cells = [_cell(one) for one in town.sent if one.crowd is crowd]
        lines.append(f"| {crowd.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _write(name: str, table: str) -> None:
    head, begin, rest = PAGE.read_text().partition(f"<!-- {name} -->\n")
    end = f"<!-- end of {name} -->"
    PAGE.write_text(head + begin + table + "\n" + end + rest.partition(end)[2])
    print(table)


def _cell(one: Sent) -> str:
    shown = one.shown
    state = {"undecided": "left to a person"}.get(shown["state"], shown["state"])
    events = ", ".join(
        f"{shown[name]} {word}"
        for name, word in (
            ("bounced", "dead"),
            ("complained", "complained"),
            ("unsubscribed", "left"),
            ("contested", "never agreed"),
        )
        if shown[name]
    )
    return f"{state}, {shown['delivered'] + shown['bounced']} went" + (f": {events}" if events else "")


if __name__ == "__main__":
    raise SystemExit(main())
