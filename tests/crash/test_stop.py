"""A stop waits for final replies, a new relay takes mail meanwhile, and what is cut off is named."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from relay.delivery.smtp.limits import INITIAL_WINDOW
from relay.queue.owners import process_of
from tests.crash.conftest import Victim
from tests.support.load import Load, tried
from tests.support.peers import listening, until
from tests.support.smtp import Dialog

WAIT_S = 60

Old = subprocess.Popen[str]


@pytest.fixture
def graceful(victim: Victim) -> Iterator[Callable[[float], Victim]]:
    """The relay, started with so many seconds of grace."""

    def start(grace_s: float) -> Victim:
        victim.relay.configure({**victim.settings, "delivery": {**victim.settings["delivery"], "stop_grace": grace_s}})
        victim.relay.log = []
        victim.relay.start()
        return victim

    yield start
    victim.relay.kill()
    victim.relay.configure(victim.settings)


def in_transmission(victim: Victim, name: str) -> Load:
    """Messages that the sink has stored and not answered, and others that wait."""
    victim.sink.answering.clear()
    load = victim.load(30, name)
    load.reached(30)
    load.halt()
    victim.sink.wait(INITIAL_WINDOW)
    return load


def told_to_stop(victim: Victim) -> tuple[Old, list[str]]:
    """The process, which takes no more mail but still runs, and its log."""
    relay = victim.relay
    process, log = relay.process, relay.log
    assert process is not None
    process.send_signal(signal.SIGTERM)
    until(lambda: not listening(relay.submission), "it takes no more")
    assert process.poll() is None
    return process, log


def test_a_new_relay_takes_mail_while_the_old_one_waits(graceful: Callable[[float], Victim]) -> None:
    victim = graceful(120)
    load = in_transmission(victim, "old")
    old, _ = told_to_stop(victim)
    victim.relay.log, victim.relay.process = [], None
    victim.relay.start()
    assert old.poll() is None
    more = victim.load(30, "new")
    more.reached(30)
    more.halt()
    leased = "SELECT DISTINCT owner FROM recipient WHERE state = 0 AND owner IS NOT NULL"
    until(lambda: len(victim.rows(leased)) >= 2, "both deliver")
    victim.sink.answering.set()
    assert old.wait(WAIT_S) == 0
    assert victim.judge(more).doubled == 0
    assert load.compare(victim.sink.messages).doubled == 0
    victim.consistent()
    assert victim.relay.stop() == 0


def test_leases_of_an_old_relay_that_is_killed_while_it_waits_come_back(graceful: Callable[[float], Victim]) -> None:
    victim = graceful(120)
    load = in_transmission(victim, "killed")
    old, _ = told_to_stop(victim)
    victim.relay.log, victim.relay.process = [], None
    victim.relay.start()
    old.kill()
    old.wait(WAIT_S)
    victim.sink.answering.set()
    assert victim.judge(load).doubled <= 2 * INITIAL_WINDOW
    victim.consistent()


@pytest.mark.parametrize("killed", ["new", "both"])
def test_a_new_relay_is_killed_beside_the_old_one_and_started_again(
    graceful: Callable[[float], Victim], killed: str
) -> None:
    """Each start takes back what the dead held, nothing of the living: only what was on a dead one's wire repeats."""
    victim = graceful(120)
    first = in_transmission(victim, f"{killed}-first-")
    held = "SELECT owner, submission_id, fence FROM recipient WHERE state = 0 AND owner IS NOT NULL"
    old_pid = process_of(victim.rows(held)[0][0])
    old, _ = told_to_stop(victim)
    on_its_wire = {tried(message) for message in victim.sink.messages}
    victim.relay.log, victim.relay.process = [], None
    victim.relay.start()
    second = victim.load(30, f"{killed}-second-")
    second.reached(30)
    second.halt()

    def leases() -> tuple[set[tuple[int, ...]], set[tuple[int, ...]]]:
        """Of the old one, and of others: copies with their fences."""
        found = victim.rows(held)
        olds = {tuple(lease) for name, *lease in found if process_of(name) == old_pid}
        return olds, {tuple(lease) for _, *lease in found} - olds

    until(lambda: all(leases()), "both deliver")
    before, _ = leases()
    victim.relay.kill()
    if killed == "both":
        old.kill()
        old.wait(WAIT_S)
    victim.relay.log, victim.relay.process = [], None
    victim.relay.start()
    assert leases()[0] == (before if killed == "new" else set())
    victim.sink.answering.set()
    if killed == "new":
        assert old.wait(WAIT_S) == 0
    doubled = victim.judge(second).doubled + victim.judge(first).doubled
    assert doubled <= (1 if killed == "new" else 2) * INITIAL_WINDOW
    if killed == "new":  # nobody else had what the living one was sending
        again = Counter(name for name in map(tried, victim.sink.messages) if name in on_its_wire)
        assert set(again.values()) == {1}
    victim.consistent()
    assert victim.rows(held) == []
    assert victim.relay.stop() == 0


def test_what_is_cut_off_is_named(graceful: Callable[[float], Victim]) -> None:
    victim = graceful(1)
    load = in_transmission(victim, "cut")
    stored = len(victim.sink.messages)
    log = victim.relay.log
    assert victim.relay.stop() == 0
    named = [line for line in log if "cut off by the stop before the final reply came: it may arrive twice" in line]
    assert len(named) == stored, log
    assert all("id=" in line and "to=<r" in line and "remote=" in line for line in named)
    assert any(f"{stored} copies were cut off by the stop" in line for line in log)
    victim.sink.answering.set()
    victim.relay.start()
    assert victim.judge(load).doubled == stored
    victim.consistent()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_wait(graceful: Callable[[float], Victim], number: signal.Signals) -> None:
    victim = graceful(3600)
    in_transmission(victim, f"hurry{number:d}-")
    old, log = told_to_stop(victim)

    def ended() -> bool:
        old.send_signal(number)
        return old.poll() is not None

    until(ended, "it ends", WAIT_S)
    assert old.returncode == 0
    assert any("nothing is waited for any longer" in line for line in log)
    assert any("may arrive twice" in line for line in log)


def test_clients_are_sent_away_between_their_transactions(graceful: Callable[[float], Victim]) -> None:
    """Who has begun may finish, and has its ``250``; who rests hears 421 at once."""
    victim = graceful(60)
    in_transmission(victim, "sessions")
    relay = victim.relay
    idle, busy = Dialog(relay.submission), Dialog(relay.submission)
    for session in (idle, busy):
        session.ehlo()
        assert session.login(*victim.login).code == 235
    assert busy.say("MAIL FROM:<news@acme.example>").code == 250
    assert busy.say("RCPT TO:<r1@rcpt.example>").code == 250
    assert busy.say("DATA").code == 354
    old, _ = told_to_stop(victim)
    assert idle.read().code == 421
    text = "From: news@acme.example\r\nTo: r1@rcpt.example\r\nSubject: s\r\nRelay-Topic: news\r\n\r\nhello\r\n."
    assert busy.say(text).code == 250
    assert busy.read().code == 421
    victim.sink.answering.set()
    assert old.wait(WAIT_S) == 0
    victim.relay.process = None
    victim.relay.start()
    victim.drained()
