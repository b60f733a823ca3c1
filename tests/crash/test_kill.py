"""kill -9 in the middle of the work: whatever got its 250 arrives."""

from __future__ import annotations

import os
import random
import signal

import pytest

from tests.crash.conftest import INFLIGHT, Victim, asked


def strike(victim: Victim, load_name: str, count: int, at: int) -> tuple[int, int, int]:
    """One load with one kill after ``at`` promises; (promised, doubled, unpromised)."""
    load = victim.load(count, load_name)
    load.reached(at)
    load.relay_is(up=False)
    victim.relay.kill()
    victim.relay.start()
    load.relay_is(up=True)
    load.reached(count)
    load.halt()
    tally = victim.judge(load)
    assert tally.promised == count
    assert tally.doubled <= INFLIGHT
    return tally.promised, tally.doubled, tally.unpromised


def told(record: pytest.FixtureRequest, *figures: tuple[int, int, int]) -> None:
    """Into the report (``pytest -rA``, JUnit): how often something came twice."""
    promised, doubled, unpromised = (sum(column) for column in zip(*figures, strict=True))
    text = f"{len(figures)} kills, {promised} promised, 0 lost, {doubled} twice, {unpromised} without a 250"
    record.node.user_properties.append(("outcome", text))
    print(text)


def test_2000_messages_and_a_kill(victim: Victim, request: pytest.FixtureRequest) -> None:
    victim.relay.start()
    told(request, strike(victim, "two", 2000, 1000))
    victim.whole()
    victim.consistent()


def test_three_kills(victim: Victim, request: pytest.FixtureRequest) -> None:
    victim.relay.start()
    rng = random.Random(1)
    told(request, *(strike(victim, f"k{turn}-", 700, rng.randrange(1, 600)) for turn in range(3)))
    victim.whole()
    victim.consistent()


def test_the_mail_process_alone_is_killed(victim: Victim) -> None:
    """The relay goes down with it, says so by its exit status, and the next start loses nothing."""
    relay = victim.relay.start()
    load = victim.load(300, "alone")
    load.reached(100)
    load.relay_is(up=False)
    os.kill(victim.mail_process(), signal.SIGKILL)
    assert relay.process is not None
    assert relay.process.wait(60) == 1
    relay.kill()
    relay.start()
    load.relay_is(up=True)
    load.reached(300)
    load.halt()
    victim.judge(load)
    victim.consistent()


def test_a_clean_stop_under_load(victim: Victim) -> None:
    """SIGTERM: what runs is finished, nothing is lost and nothing comes twice, however often."""
    relay = victim.relay.start()
    load = victim.load(900, "stop")
    for at in (200, 500):
        load.reached(at)
        load.relay_is(up=False)
        assert relay.stop() == 0
        relay.start()
        load.relay_is(up=True)
    load.reached(900)
    load.halt()
    tally = victim.judge(load)
    assert (tally.promised, tally.doubled, tally.unpromised) == (900, 0, 0)
    victim.consistent()


@pytest.mark.slow
def test_many_kills(victim: Victim, request: pytest.FixtureRequest) -> None:
    """``KILLS`` of them (20), each after a random number of messages (``SEED``)."""
    seed = asked("SEED", random.randrange(10**6))
    print(f"SEED={seed}")
    rng = random.Random(seed)
    victim.relay.start()
    figures = []
    for turn in range(asked("KILLS", 20)):
        figures.append(strike(victim, f"many{turn}-", 150, rng.randrange(1, 150)))
        victim.sink.messages.clear()
        if turn % 20 == 0:
            victim.whole()
    told(request, *figures)
    victim.whole()
    victim.consistent()
