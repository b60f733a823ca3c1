"""Clients that hand in many messages at once and remember which ones the relay promised to deliver.

Each try of each message has an id of its own in ``X-Try``. A client that got no
reply tries again under a new one, as a mail system does, so every arrival can
be told: promised, not promised, or delivered twice.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.support.smtp import Dialog, Received, Reply, mail

_TRY = re.compile(rb"\r\nX-Try: (\S+)\r\n")
RECIPIENTS = 50


def recipient(number: int) -> str:
    return f"r{number % RECIPIENTS}@rcpt.example"


@dataclass
class Tally:
    """What clients and sink know, compared."""

    promised: int
    lost: set[str] = field(default_factory=set)
    """Promised with a 250 and not arrived."""
    doubled: int = 0
    """Arrivals beyond the first of a try."""
    unpromised: int = 0
    """Tries that arrived although no 250 came: the connection broke before the client could read it."""


class Load:
    """``count`` messages by ``threads`` clients; ``submit`` runs until all are promised or ``halt`` is called."""

    def __init__(self, port: int, login: tuple[str, str], count: int, *, threads: int = 8, name: str = "m") -> None:
        self._port = port
        self._login = login
        self._todo: deque[tuple[int, int]] = deque((number, 0) for number in range(count))
        self._name = name
        self._changed = threading.Condition()
        self._halted = False
        self._busy = 0
        self.promised: set[str] = set()
        self.refused: Counter[str] = Counter()
        """Temporary replies to DATA, which the clients heed by trying again."""
        self.slowest_s = 0.0
        """The longest that a client waited for the reply to MAIL, RCPT or the end of its message."""
        self._up = threading.Event()
        self._up.set()
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(threads)]

    def start(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def relay_is(self, up: bool) -> None:
        """Clients wait while the relay is known to be down."""
        if up:
            self._up.set()
        else:
            self._up.clear()

    def reached(self, count: int, timeout_s: float = 60) -> None:
        """Wait until so many messages are promised."""
        with self._changed:
            there = self._changed.wait_for(lambda: len(self.promised) >= count, timeout_s)
            assert there, f"{len(self.promised)} of {count} messages were taken"

    def halt(self) -> None:
        """No new messages; return when all clients have ended."""
        self._halted = True
        self._up.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _next(self) -> tuple[int, int] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._todo or not self._busy or self._halted, 60)
            if self._halted or not self._todo:
                return None
            self._busy += 1
            return self._todo.popleft()

    def _ended(self, number: int, tried: int, done: bool) -> None:
        with self._changed:
            self._busy -= 1
            if done:
                self.promised.add(f"{self._name}{number}.{tried}")
            else:
                self._todo.append((number, tried + 1))
            self._changed.notify_all()

    def _client(self) -> None:
        dialog: Dialog | None = None
        while (job := self._next()) is not None:
            number, tried = job
            done = False
            try:
                self._up.wait(60)
                if dialog is None:
                    dialog = self._connect()
                done = self._send(dialog, number, f"{self._name}{number}.{tried}")
            except (OSError, EOFError, AssertionError):
                if dialog is not None:
                    dialog.close()
                dialog = None
            finally:
                self._ended(number, tried, done)
        if dialog is not None:
            dialog.close()

    def _connect(self) -> Dialog:
        dialog = Dialog(self._port)
        dialog.ehlo()
        assert dialog.login(*self._login).code == 235
        return dialog

    def _send(self, dialog: Dialog, number: int, mark: str) -> bool:
        assert self._timed(lambda: dialog.say("MAIL FROM:<news@acme.example>")).code == 250
        assert self._timed(lambda: dialog.say(f"RCPT TO:<{recipient(number)}>")).code == 250
        text = mail(to=recipient(number), subject="Many", extra=f"X-Try: {mark}\r\n")
        reply = self._timed(lambda: dialog.data(text))
        if reply.code != 250:
            self.refused[str(reply)[:9]] += 1
        return reply.code == 250

    def _timed(self, ask: Callable[[], Reply]) -> Reply:
        began = time.monotonic()
        reply = ask()
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        return reply

    def compare(self, messages: Iterable[Received]) -> Tally:
        arrived: Counter[str] = Counter()
        for message in messages:
            name = tried(message)
            if name.startswith(self._name):
                arrived[name] += 1
        return Tally(
            promised=len(self.promised),
            lost=self.promised - arrived.keys(),
            doubled=sum(count - 1 for count in arrived.values()),
            unpromised=len(arrived.keys() - self.promised),
        )


def tried(message: Received) -> str:
    """Which of all messages it is; empty for one of no load."""
    found = _TRY.search(b"\r\n" + message.head)
    return found[1].decode() if found else ""


def settled(rows: Callable[[str], list[tuple[int]]]) -> bool:
    """Whether nothing waits for delivery any more."""
    return rows("SELECT count(*) FROM recipient WHERE state = 0") == [(0,)]
