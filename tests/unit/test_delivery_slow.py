"""A large message to a remote on a slow line: it goes through while the remote keeps taking it, and not for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relay.delivery.outcome import Delivered, Interrupted, Prepared, Retry
from relay.delivery.smtp.envelope import Features, Timeouts
from relay.delivery.smtp.session import LONGEST_DATA, SLICE_OCTETS, SLOWEST_OCTETS_S, Session
from tests.support.delivery import FakeAttempt

DATA_S = 30.0
LINE = b"a line of a large attachment, as long as lines are\r\n"
HEAD = b"From: a@example.com\r\nSubject: large\r\n\r\n"


class SlowLine(asyncio.Transport):
    """Takes what is written, an octet after another: time passes, and then there is room again."""

    def __init__(self, octets_s: float) -> None:
        super().__init__()
        self._octets_s = octets_s
        self._loop: Any = asyncio.get_running_loop()
        self.passed = 0.0
        real = self._loop.time
        self._loop.time = lambda: real() + self.passed  # type: ignore[method-assign]
        self.session: Any = None
        self.taken = bytearray()

    def write(self, data: Any) -> None:
        self.taken += data
        self.session.pause_writing()
        self.passed += len(data) / self._octets_s
        self._loop.call_soon(self._loop.call_soon, self._room)  # timers that ended meanwhile come first

    def _room(self) -> None:
        self.session.resume_writing()
        if self.taken.endswith(b"DATA\r\n"):
            self.session.data_received(b"250 ok\r\n250 ok\r\n354 go\r\n")
        elif self.taken.endswith(b"\r\n.\r\n"):
            self.session.data_received(b"250 2.0.0 taken\r\n")

    def set_protocol(self, protocol: Any) -> None:
        self.session = protocol

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass


async def _sent(octets: int, octets_s: float) -> tuple[object, float]:
    """The verdict on a message of so many octets over such a line, and how long it took."""
    line = SlowLine(octets_s)
    session = Session(line, "mx.example", "", Features(pipelining=True), Timeouts(10.0, DATA_S))
    data = HEAD + LINE * (octets // len(LINE))
    [verdict] = await session.send([FakeAttempt()], Prepared("a@example.com", data))
    session.close()
    return verdict, line.passed


@pytest.mark.parametrize("times", [1.5, 5, 100])
def test_a_line_that_keeps_up_has_the_time_that_it_takes(times: float) -> None:
    """Up to ``LONGEST_DATA`` limits; without progress none would have had more than one."""
    octets = int(SLOWEST_OCTETS_S * DATA_S * (LONGEST_DATA - 1))
    verdict, took_s = asyncio.run(_sent(octets, SLOWEST_OCTETS_S * times))
    assert isinstance(verdict, Delivered)
    assert (took_s > DATA_S) is (times < 4)


@pytest.mark.parametrize("times", [0.02, 0.25, 0.5])
def test_one_that_trickles_is_left(times: float) -> None:
    octets = int(SLOWEST_OCTETS_S * DATA_S * LONGEST_DATA)
    verdict, took_s = asyncio.run(_sent(octets, SLOWEST_OCTETS_S * times))
    assert isinstance(verdict, Interrupted | Retry)
    slice_s = SLICE_OCTETS / (SLOWEST_OCTETS_S * times)
    assert took_s < 2.5 * DATA_S + slice_s


def test_the_largest_message_has_an_end_too() -> None:
    octets = int(SLOWEST_OCTETS_S * DATA_S * LONGEST_DATA * 4)
    verdict, took_s = asyncio.run(_sent(octets, SLOWEST_OCTETS_S * 1.1))
    assert isinstance(verdict, Interrupted | Retry)
    assert took_s < (LONGEST_DATA + 1) * DATA_S
