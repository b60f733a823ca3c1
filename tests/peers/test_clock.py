"""The whole relay under clocks that are wrong, by libfaketime: nothing is given up, parked, sent twice or hammered.

``forced`` is libfaketime's own way, in which the clock that nobody can set is set as well; ``set`` leaves that one
alone, as a step by hand or by NTP does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.peers import missing, need, until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink, mail

WAIT_S = 30
PERSON = "ann@rcpt.example"
LATER = "451 4.3.0 later"


def library() -> str:
    need("faketime")
    for directory in (Path("/usr/lib"), Path("/usr/local/lib")):
        for found in sorted(directory.glob("**/faketime/libfaketimeMT.so.1")):
            return str(found)
    missing("libfaketimeMT.so.1")
    raise AssertionError


class World:
    def __init__(self, directory: Path) -> None:
        self.forced = False
        self.sink = Sink()
        self._wish = directory / "clock"
        self._library = library()
        self.relay = relay = Relay(directory)
        self.settings({"retry": ["1s"]})
        relay.tenant()
        relay.consent(PERSON)
        self.login = relay.credential()

    def settings(self, delivery: dict[str, object]) -> None:
        smart_host = f"127.0.0.1:{self.sink.port}"
        self.relay.configure(
            {
                "delivery": {
                    "smart_host": smart_host,
                    "expire": "1d",
                    "jitter": 0,
                    "command_timeout": "60d",
                    **delivery,
                },
                "policy.staged_sending": {"new_below": 0},
            }
        )

    def clock(self, wish: str) -> None:
        """For running processes and those to come, e.g. ``+10d`` or ``+0 x100``."""
        fresh = self._wish.with_suffix(".new")
        fresh.write_text(wish)
        fresh.replace(self._wish)

    def start(self, wish: str) -> None:
        self.clock(wish)
        self.relay.log.clear()
        self.relay.start(
            {
                "LD_PRELOAD": self._library,
                "FAKETIME_TIMESTAMP_FILE": str(self._wish),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": str(int(not self.forced)),
            }
        )

    def hand_in(self) -> None:
        with Dialog(self.relay.submission) as session:
            session.ehlo()
            assert session.login(*self.login).code == 235
            assert session.say("MAIL FROM:<news@acme.example>").code == 250
            assert session.say(f"RCPT TO:<{PERSON}>").code == 250
            assert session.data(mail(to=PERSON, extra="Relay-Topic: news\r\n")).code == 250

    def tried(self) -> int:
        return len(self.sink.asked)

    def tried_again(self, times: int = 2) -> None:
        before = self.tried()
        until(lambda: self.tried() >= before + times, "it is tried again", WAIT_S)

    def delivered(self) -> None:
        self.sink.replies.clear()
        until(lambda: self.sink.messages, "it arrives", WAIT_S)
        until(lambda: not self.relay.json("queue", "list"), "it is written down", WAIT_S)
        assert len(self.sink.messages) == 1

    def close(self) -> None:
        self.relay.kill()
        self.sink.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("clock"))
    yield made
    made.close()


@pytest.fixture(params=[False, True], ids=["set", "forced"])
def world(request: pytest.FixtureRequest, made: World) -> Iterator[World]:
    """Stopped, with nothing in its queue, and a person whose server says: later."""
    made.forced = request.param
    made.settings({"retry": ["1s"]})
    made.sink.messages.clear()
    made.sink.replies[PERSON] = LATER
    yield made
    made.relay.kill()


@pytest.mark.parametrize(
    ("world", "jump"),
    # Back by force all waits of a process would stand still, as no clock of a machine can make them.
    [(False, "+10d"), (False, "-10d"), (True, "+10d")],
    indirect=["world"],
)
def test_a_clock_that_is_set_while_it_runs(world: World, jump: str) -> None:
    world.start("+0")
    world.hand_in()
    world.tried_again(3)
    world.clock(jump)
    world.tried_again()
    if not world.forced:
        world.clock("+0")
        world.tried_again()
    world.delivered()
    assert world.relay.stop() == 0


@pytest.mark.parametrize("jump", ["+10d", "-10d"])
def test_a_clock_that_is_set_while_nothing_runs(world: World, jump: str) -> None:
    world.start("+0")
    world.hand_in()
    world.tried_again(3)
    assert world.relay.stop() == 0
    world.start(jump)
    world.tried_again()
    assert world.relay.stop() == 0
    world.start("+0")
    world.tried_again()
    world.delivered()


@pytest.mark.parametrize("world", [False], indirect=True, ids=["set"])
def test_a_clock_that_was_ahead_at_the_start_and_is_set_right(world: World) -> None:
    world.start("+10d")
    world.hand_in()
    world.tried_again(3)
    world.clock("+0")
    world.tried_again()
    world.delivered()
    assert any("The clock was set back by 10 days" in line for line in world.relay.log)


@pytest.mark.parametrize("world", [False], indirect=True, ids=["set"])
def test_a_clock_a_hundred_times_as_fast_makes_no_storm(world: World) -> None:
    """A retry after five minutes doesn't come after three seconds."""
    world.settings({"retry": ["5m"]})
    world.start("+0")
    before = world.tried()
    world.hand_in()
    until(lambda: world.tried() > before, "it is tried", WAIT_S)
    tried, began = world.tried(), time.monotonic()
    world.clock("+0 x100")
    until(lambda: time.monotonic() - began > 10, "a thousand seconds by that clock", WAIT_S)
    assert world.tried() <= tried + 1
    assert not [line for line in world.relay.log if "Traceback" in line]
