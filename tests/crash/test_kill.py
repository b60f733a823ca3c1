"""kill -9 in the middle of the work: whatever got its 250 arrives."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from relay.delivery.smtp.limits import INITIAL_WINDOW
from tests.crash.conftest import INFLIGHT, Victim, asked
from tests.support.load import Load
from tests.support.peers import listening, until


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


@pytest.mark.parametrize("workers", [1, 2])
def test_mail_processes_are_killed_one_after_the_other(victim: Victim, workers: int) -> None:
    """Each is started again at once: connections wait for it, its leases come back, the relay stays."""
    relay = victim.relay
    relay.configure({**victim.settings, "server": {"workers": workers}})
    relay.log.clear()
    try:
        relay.start()
        process, web = relay.process, victim.children()[-1]

        def others() -> list[int]:
            return [pid for pid in victim.children() if pid != web]

        load = victim.load(600, f"alone{workers}-")
        kills = 3
        for turn in range(kills):
            load.reached(150 * (turn + 1))
            oldest = until(others, "there is one")[0]
            os.kill(oldest, signal.SIGKILL)
            until(lambda gone=oldest: gone not in others(), "it is seen to be gone")  # type: ignore[misc]
        load.reached(600)
        load.halt()
        tally = victim.judge(load)
        assert tally.doubled <= kills * INFLIGHT
        assert process is not None and process.poll() is None
        ended = [line for line in relay.log if "the mail process ended (-9) and is started again" in line]
        assert len(ended) == kills, relay.log
        victim.consistent()
        assert relay.stop() == 0
    finally:
        relay.kill()
        relay.configure(victim.settings)


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


def in_transmission(victim: Victim, name: str) -> Load:
    """100 promised messages, some of which the sink has stored without an answer so far."""
    victim.sink.answering.clear()
    load = victim.load(100, name)
    load.reached(100)
    victim.sink.wait(INITIAL_WINDOW)
    return load


def test_a_clean_stop_waits_for_the_last_replies(victim: Victim) -> None:
    """What is on the wire at SIGTERM ends as delivered, and isn't sent again."""
    relay = victim.relay.start()
    load = in_transmission(victim, "wire")
    assert relay.process is not None
    relay.process.send_signal(signal.SIGTERM)
    until(lambda: not listening(relay.submission), "it takes no more")
    victim.sink.answering.set()
    assert relay.stop() == 0
    relay.start()
    load.halt()
    assert victim.judge(load).doubled == 0
    victim.consistent()


def test_what_was_on_the_wire_comes_twice_and_no_more(victim: Victim) -> None:
    """The price of never losing mail: a copy whose reply was not heard is sent again (RFC 1047)."""
    relay = victim.relay.start()
    load = in_transmission(victim, "twice")
    relay.kill()
    stored = len(victim.sink.messages)
    victim.sink.answering.set()
    relay.start()
    load.halt()
    assert victim.judge(load).doubled == stored
    victim.consistent()


def test_several_mail_processes_start_on_one_queue(victim: Victim) -> None:
    """None takes back what another has just leased."""
    relay = victim.relay
    relay.configure({**victim.settings, "delivery": {**victim.settings["delivery"], "enabled": False}})
    relay.start()
    load = victim.load(400, "workers")
    load.reached(400)
    load.halt()
    relay.kill()
    relay.configure({**victim.settings, "server": {"workers": 3}})
    try:
        relay.start()
        assert victim.judge(load).doubled == 0
    finally:
        relay.kill()
        relay.configure(victim.settings)


def test_several_mail_processes_take_mail_at_once(victim: Victim) -> None:
    """Forked from one parent, they have nothing random in common: no message is put off for another's id."""
    relay = victim.relay
    relay.configure({**victim.settings, "server": {"workers": 2}})
    try:
        relay.start()
        load = victim.load(800, "at-once")
        load.reached(800)
        load.halt()
        assert not load.refused
        assert victim.judge(load).doubled == 0
    finally:
        relay.kill()
        relay.configure(victim.settings)


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


def test_a_mail_process_that_dies_while_it_stops_is_told(victim: Victim) -> None:
    relay = victim.relay
    relay.start()
    process, mail = relay.process, victim.mail_process()
    assert process is not None
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    os.kill(mail, signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    until(lambda: children.read_text().split() == [str(mail)], "the web process has stopped")
    os.kill(mail, signal.SIGKILL)
    assert relay.stop() == 1
    assert any("the mail process ended (-9) instead of stopping in order" in line for line in relay.log)
