"""A large message over a slow line comes in while it keeps coming; one that trickles, or stops, is ended (§4.5.3.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from relay.intake.smtp.inbound import InboundSession
from relay.intake.smtp.session import SLOWEST_OCTETS_S
from relay.intake.smtp.shared import Shared
from relay.intake.smtp.shares import Budget, Sessions
from relay.mail.status import Status, ok

COMMAND_S, DATA_S = 300.0, 600.0
LARGEST = 4 * 1024 * 1024
LINE = b"a line of a large attachment, as long as lines are\r\n"
HOUR = 3600.0


class Timer:
    def __init__(self, at: float, step: Callable[[], None]) -> None:
        self.at = at
        self.step = step
        self.off = False

    def cancel(self) -> None:
        self.off = True


class Time(asyncio.AbstractEventLoop):
    """A loop whose time passes when told; a timer is called in its time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> Any:
        self._timers.append(Timer(when, lambda: callback(*args)))
        return self._timers[-1]

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> Any:
        return self.call_at(self.now + delay, callback, *args)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        """Run a job that waits for nothing."""
        with pytest.raises(StopIteration):
            coro.send(None)
        return Timer(0.0, lambda: None)

    def pass_(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [one for one in self._timers if not one.off and one.at <= until]:
            first = min(due, key=lambda one: one.at)
            self._timers.remove(first)
            self.now = max(self.now, first.at)
            first.step()
        self.now = until


class Wire:
    """What the client reads."""

    def __init__(self) -> None:
        self.said = b""
        self.open = True

    def get_extra_info(self, name: str) -> object:
        return ("192.0.2.1", 5000)

    def write(self, data: bytes) -> None:
        self.said += data

    def write_eof(self) -> None:
        self.open = False

    def is_closing(self) -> bool:
        return not self.open

    def close(self) -> None:
        self.open = False

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0


class Desk:
    """Takes every address and message."""

    def __init__(self) -> None:
        self.taken = b""

    def rcpt(self, address: str, reverse_path: str) -> Status:
        return ok(50, 1, 5, "ok")

    async def message(self, reverse_path: str, recipients: list[str], raw: bytes, ip: str) -> Status:
        self.taken = raw
        return ok(50, 0, 0, "taken")


class Client:
    """In the midst of a transaction."""

    def __init__(self) -> None:
        loop: Any = Time  # not all of an event loop
        self.time: Time = loop()
        self.wire, self.desk = Wire(), Desk()
        shared = Shared(
            "relay.example",
            Sessions(10, 10, self.time.time),
            Budget(2 * LARGEST, LARGEST, self.time.time),
            LARGEST,
            10,
            COMMAND_S,
            DATA_S,
        )
        desk: Any = self.desk
        wire: Any = self.wire
        self.session = InboundSession(shared, desk, loop=self.time)
        self.session.connection_made(wire)
        self.send(b"EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@relay.example>\r\n")

    def send(self, octets: bytes) -> None:
        if self.wire.open:
            self.session.data_received(octets)

    def slowly(self, octets: bytes, octets_s: float) -> None:
        """In steps of about a minute."""
        step = max(1, int(60 * octets_s))
        for start in range(0, len(octets), step):
            self.time.pass_(60)
            self.send(octets[start : start + step])

    @property
    def ended(self) -> bool:
        return b"\r\n421 4.4.2 " in self.wire.said and not self.wire.open


@pytest.mark.parametrize("chunks", [False, True], ids=["DATA", "BDAT"])
@pytest.mark.parametrize("times", [1.2, 3])
def test_a_slow_line_has_the_time_that_it_takes(times: float, chunks: bool) -> None:
    client = Client()
    message = b"Subject: large\r\n\r\n" + LINE * (LARGEST // 2 // len(LINE))
    client.send(b"BDAT %d LAST\r\n" % len(message) if chunks else b"DATA\r\n")
    client.slowly(message, SLOWEST_OCTETS_S * times)
    client.send(b"" if chunks else b".\r\n")
    assert client.desk.taken == message
    assert b"taken" in client.wire.said
    client.time.pass_(COMMAND_S + 1)
    assert client.ended, "the next command has the time of commands"


def test_many_chunks_have_the_same_time() -> None:
    client = Client()
    part = LINE * 20_000
    for _ in range(3):
        client.send(b"BDAT %d\r\n" % len(part))
        client.slowly(part, SLOWEST_OCTETS_S * 1.5)
    client.send(b"BDAT 0 LAST\r\n")
    assert client.desk.taken == part * 3


@pytest.mark.parametrize("begin", [b"DATA\r\n", b"BDAT 4000000 LAST\r\n"], ids=["DATA", "BDAT"])
@pytest.mark.parametrize("rate", [1, 100, SLOWEST_OCTETS_S * 0.9])
def test_who_trickles_is_ended_in_the_time_of_a_message(rate: float, begin: bytes) -> None:
    client = Client()
    client.send(begin)
    client.slowly(LINE * 30, min(rate, 2))
    client.slowly((LINE * 60_000)[: int(DATA_S * rate)], rate)
    assert client.ended
    assert not client.desk.taken


@pytest.mark.parametrize("chunks", [False, True], ids=["DATA", "between chunks"])
def test_who_sends_fast_and_then_stops_is_ended_soon(chunks: bool) -> None:
    client = Client()
    much = LINE * 60_000
    client.send((b"BDAT %d\r\n" % len(much) if chunks else b"DATA\r\n") + much)
    client.time.pass_(DATA_S + COMMAND_S + 1)
    assert client.ended


def test_chunks_that_hold_nothing_win_no_time() -> None:
    client = Client()
    client.send(b"BDAT 1\r\nx")
    for _ in range(20):
        client.time.pass_(COMMAND_S / 5)
        client.send(b"BDAT 1\r\nx")
    assert client.ended


def test_the_largest_message_has_an_end() -> None:
    """What is refused for its size wins no time either."""
    client = Client()
    client.send(b"DATA\r\n")
    client.slowly(LINE * (2 * LARGEST // len(LINE)), SLOWEST_OCTETS_S * 4)
    assert client.ended
