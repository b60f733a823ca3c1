"""When a finding is final: two looks, hours apart, over a restart; never while many vanish at once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from relay.delivery.outcome import Bounced, Retry
from relay.delivery.smtp.judge import CANARY_S, SITE, Judge, RouteFinding, span
from relay.delivery.smtp.trend import MANY, MANY_KNOWN, WINDOW_S, Trend
from relay.queue import looks
from relay.store.database import transaction
from relay.store.units import StoreBusy
from tests.support.delivery import Clock
from tests.unit.judging import HOUR_S, WAIT_S, Bank

DAY_S = 24 * HOUR_S


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path)


def gone(domain: str, kind: str = "no-name") -> RouteFinding:
    return RouteFinding(kind, 50, 1, 2, f"the domain {domain} does not exist")


class Dns:
    """Which domains are well; None for unsure. ``asked`` lists those that were probed."""

    def __init__(self, well: Mapping[str, bool | None] | None = None, *, default: bool | None = True) -> None:
        self.well = dict(well or {})
        self.default = default
        self.asked: list[str] = []

    async def __call__(self, domain: str) -> bool | None:
        self.asked.append(domain)
        return self.well.get(domain, self.default)


def look(judge: Judge, domain: str = "x.test", dns: Dns | None = None, kind: str = "no-name") -> Retry | Bounced:
    return asyncio.run(judge.missing(domain, gone(domain, kind), dns or Dns()))


def doing(action: Callable[[], Any]) -> None:
    """Run what the loop's side calls, and what it left to be written."""

    async def main() -> None:
        action()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())


def well(judge: Judge, *domains: str) -> None:
    def all_of_them() -> None:
        for domain in domains:
            judge.found(domain)
            judge.reached(domain)

    doing(all_of_them)


# -- two looks -----------------------------------------------------------------------------


def test_the_first_look_is_temporary_and_says_until_when(bank: Bank) -> None:
    outcome = look(bank.judge(Clock()))
    assert isinstance(outcome, Retry)
    assert outcome.status == (
        "450 4.1.2 the domain x.test does not exist, says DNS since 2027-01-15 08:00 UTC;"
        " tried again, and final if that is still so after 6 hours"
    )


@pytest.mark.parametrize(("after_s", "final"), [(0, False), (60, False), (WAIT_S - 1, False), (WAIT_S, True)])
def test_a_second_look_counts_when_it_is_far_enough_apart(bank: Bank, after_s: float, final: bool) -> None:
    clock = Clock()
    judge = bank.judge(clock)
    look(judge)
    clock.now += after_s
    outcome = look(judge)
    assert isinstance(outcome, Bounced if final else Retry)
    if isinstance(outcome, Bounced):
        assert outcome.status == "550 5.1.2 the domain x.test does not exist (looked up twice, 6 hours apart)"
        assert not outcome.address_dead


def test_the_first_look_survives_a_restart(bank: Bank) -> None:
    clock = Clock()
    look(bank.judge(clock))
    later = Clock()
    later.now += WAIT_S + HOUR_S
    assert isinstance(look(bank.judge(later)), Bounced)


@pytest.mark.parametrize("again", ["found", "another finding", "another domain", "too long ago"])
def test_looks_that_do_not_agree_begin_anew(bank: Bank, again: str) -> None:
    clock = Clock()
    judge = bank.judge(clock)
    look(judge, "x.test" if again != "another domain" else "y.test")
    clock.now += HOUR_S
    if again == "found":
        doing(lambda: judge.found("x.test"))
    if again == "another finding":
        look(judge, kind="no-host")
    clock.now += WAIT_S if again != "too long ago" else looks.FORGET_S
    assert isinstance(look(judge), Retry)
    clock.now += WAIT_S
    assert isinstance(look(judge), Bounced)


def test_what_is_final_stays_so_for_the_next_message(bank: Bank) -> None:
    clock = Clock()
    judge = bank.judge(clock)
    for _ in range(3):
        look(judge)
        clock.now += WAIT_S
    assert isinstance(look(judge), Bounced)


@pytest.mark.parametrize("jump_s", [WAIT_S, DAY_S, 10 * DAY_S, -10 * DAY_S])
def test_a_clock_that_is_set_makes_no_hours(bank: Bank, jump_s: float) -> None:
    class Set(Clock):
        jump_s = 0.0

        def wall(self) -> float:
            return super().wall() + self.jump_s

    clock = Set()
    judge = bank.judge(clock)
    look(judge)
    clock.jump_s = jump_s
    clock.now += 60
    assert isinstance(look(judge), Retry)
    clock.now += 1
    assert isinstance(look(judge), Retry)


def test_a_look_that_bears_a_later_time_than_now_does_not_count(bank: Bank) -> None:
    clock, earlier = Clock(), Clock()
    look(bank.judge(clock))
    earlier.now -= DAY_S
    assert isinstance(look(bank.judge(earlier)), Retry)


def test_a_store_that_takes_no_write_decides_nothing(bank: Bank) -> None:
    clock = Clock()
    look(bank.judge(clock))
    clock.now += WAIT_S

    async def busy(work: Callable[[sqlite3.Connection], Any]) -> Any:
        raise StoreBusy("full")

    bank.submit = busy  # type: ignore[method-assign]
    outcome = look(bank.judge(clock))
    assert isinstance(outcome, Retry)
    assert "could not be written down" in outcome.status
    doing(lambda: bank.judge(clock).found("x.test"))
    doing(lambda: bank.judge(clock).reached("y.test"))
    assert bank.log.count("look-lost") == 3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 seconds"), (1, "1 second"), (3, "3 seconds"), (60, "1 minute"), (90, "90 seconds"), (5400, "90 minutes"),
     (3600, "1 hour"), (25_300, "7 hours"), (90_000, "25 hours"), (260_000, "3 days")],
)  # fmt: skip
def test_spans_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


# -- many at once --------------------------------------------------------------------------


def test_a_jump_stops_judging_and_calls_the_operator_once(bank: Bank) -> None:
    clock = Clock()
    judge = bank.judge(clock)
    outcomes = [look(judge, f"d{n}.test") for n in range(50)]
    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert "so it says of many others at once" in outcomes[-1].status
    assert bank.calls() == 1
    assert bank.log.count("dns-doubted") == 1
    assert [name for name, finding in bank.looks().items() if finding and name] == []
    letters = bank.conn.execute("SELECT count(*) FROM recipient WHERE address = 'ops@relay.test'").fetchone()
    assert letters == (1,)


def test_few_that_vanish_are_judged(bank: Bank) -> None:
    judge = bank.judge(Clock())
    for n in range(MANY - 1):
        look(judge, f"d{n}.test")
    assert bank.calls() == 0
    assert len(bank.looks()) == MANY - 1


def test_many_that_vanish_among_more_that_are_well_are_judged(bank: Bank) -> None:
    judge = bank.judge(Clock())
    well(judge, *(f"good{n}.test" for n in range(20)))
    for n in range(15):
        assert "says DNS since" in look(judge, f"typo{n}.test").status
    assert bank.calls() == 0


def test_a_list_of_dead_domains_does_not_stop_judging_where_good_ones_are_well(bank: Bank) -> None:
    """A tenant's rotten list, or malice, must not keep others' copies from their end."""
    clock = Clock()
    judge = bank.judge(clock)
    well(judge, "a.test", "b.test", "c.test")
    for n in range(100):
        look(judge, f"dead{n}.test")
    assert bank.calls() == 0
    clock.now += WAIT_S
    assert isinstance(look(judge, "dead1.test"), Bounced)


@pytest.mark.parametrize("typed", [True, False])
def test_nonsense_that_strangers_type_in_stops_no_judging(bank: Bank, typed: bool) -> None:
    """Also where nothing is known to be good yet. Domains that were well are told from nonsense."""
    clock = Clock()
    judge = bank.judge(clock)
    for n in range(50):
        asyncio.run(judge.missing(f"nonsense{n}.test", gone(f"nonsense{n}.test"), Dns(), typed=typed))
    assert bank.calls() == (0 if typed else 1)
    clock.now += WAIT_S
    assert isinstance(look(judge, "nonsense1.test"), Bounced if typed else Retry)
    names = [f"known{n}.test" for n in range(MANY_KNOWN)]
    well(judge, *names)
    clock.now += DAY_S
    for name in names:
        last = asyncio.run(judge.missing(name, gone(name), Dns(default=False), typed=True))
    assert "so it says of many others at once" in str(last)
    assert bank.log.count("dns-doubted") == (1 if typed else 2)


@pytest.mark.parametrize("honest", [3, 20])
def test_domains_of_one_owner_that_end_together_say_nothing_of_others(bank: Bank, honest: int) -> None:
    """Somebody has mail sent to many subdomains of its own, e.g. by a form, and then takes them away."""
    clock = Clock()
    judge = bank.judge(clock)
    well(judge, *(f"good{n}.test" for n in range(honest)))
    clock.now += HOUR_S
    theirs = [f"x{n}.mallory.test" for n in range(200)]
    well(judge, *theirs)
    clock.now += HOUR_S
    dns = Dns(dict.fromkeys(theirs, False))
    look(judge, "dead.test", dns)
    for _ in range(20):
        clock.now += WAIT_S
        assert isinstance(look(judge, "dead.test", dns), Bounced)
    assert bank.calls() == 0


@pytest.mark.parametrize("known", [0, MANY_KNOWN, 20])
def test_a_lie_that_outlasts_the_wait_makes_nothing_final(bank: Bank, known: int) -> None:
    """Also after a restart in between, where the process remembers nothing; and it ends by itself."""
    clock = Clock()
    judge = bank.judge(clock)
    names = [f"d{n}.test" for n in range(max(MANY, known))]
    well(judge, *names[:known])
    liar = Dns(default=False)
    clock.now += DAY_S
    for _ in range(20):
        assert all(isinstance(look(judge, name, liar), Retry) for name in names)
        clock.now += 4 * HOUR_S
        judge = bank.judge(clock)
    assert 1 <= bank.calls() <= 20 * 4 * HOUR_S / (6 * HOUR_S)
    well(judge, *names)
    assert bank.log[-1] == "dns-trusted"
    assert looks.known(bank.conn, "d0.test").doubted is False
    look(judge, "typo.test")
    clock.now += WAIT_S
    assert isinstance(look(judge, "typo.test"), Bounced)


@pytest.mark.parametrize(
    ("dns", "outcome", "calls"),
    [
        (Dns(), Bounced, 0),
        (Dns({"b.test": False}), Bounced, 0),
        (Dns({"b.test": False, "c.test": False}), Retry, 1),
        (Dns(default=False), Retry, 1),
        (Dns(default=None), Retry, 0),
        (Dns({"b.test": None, "c.test": None}), Bounced, 0),
    ],
)
def test_domains_known_to_be_good_are_asked_for_before_anything_is_final(
    bank: Bank, dns: Dns, outcome: type, calls: int
) -> None:
    clock = Clock()
    judge = bank.judge(clock)
    well(judge, "a.test", "b.test", "c.test")
    look(judge)
    clock.now += WAIT_S
    dns.asked.clear()
    assert isinstance(look(judge, dns=dns), outcome)
    assert sorted(dns.asked) == ["a.test", "b.test", "c.test"]
    assert bank.calls() == calls


def test_their_good_answer_holds_for_a_moment(bank: Bank) -> None:
    clock, dns = Clock(), Dns()
    judge = bank.judge(clock)
    well(judge, "a.test")
    for name in ("x.test", "y.test", "z.test"):
        look(judge, name)
    clock.now += WAIT_S
    look(judge, "x.test", dns)
    look(judge, "y.test", dns)
    assert dns.asked == ["a.test"]
    clock.now += CANARY_S + 1
    look(judge, "z.test", dns)
    assert dns.asked == ["a.test", "a.test"]


def test_a_doubt_of_one_process_holds_for_all_and_over_a_restart(bank: Bank) -> None:
    clock = Clock()
    first, second = bank.judge(clock), bank.judge(clock)
    for n in range(MANY):
        look(first, f"d{n}.test")
    assert "nothing is decided" in look(second).status
    assert "nothing is decided" in look(bank.judge(clock)).status
    assert bank.calls() == 1


def test_looks_made_when_it_began_do_not_count(bank: Bank) -> None:
    clock = Clock()
    judge = bank.judge(clock)
    look(judge, "d0.test")
    for n in range(1, MANY):
        look(judge, f"d{n}.test")
    well(judge, *(f"d{n}.test" for n in range(1, MANY)))
    clock.now += WAIT_S
    assert isinstance(look(judge, "d0.test"), Retry)


def test_silence_does_not_end_a_doubt(bank: Bank) -> None:
    clock = Clock()
    judge = bank.judge(clock)
    for n in range(MANY):
        look(judge, f"d{n}.test")
    clock.now += 10 * WINDOW_S
    assert "nothing is decided" in look(judge).status


def test_a_doubt_ends_when_domains_that_are_known_to_be_good_are_well(bank: Bank) -> None:
    """Also where nothing else is looked up any more than what is gone."""
    clock, dns = Clock(), Dns(default=False)
    judge = bank.judge(clock)
    for n in range(3 * MANY):
        look(judge, f"d{n}.test", dns)
    well(judge, "a.test", "b.test", "c.test")
    clock.now += CANARY_S + 1
    assert "nothing is decided" in look(judge, "d0.test", dns).status
    asked = len(dns.asked)
    assert "nothing is decided" in look(judge, "d1.test", dns).status
    assert len(dns.asked) == asked > 0
    clock.now += CANARY_S + 1
    assert "says DNS since" in look(judge, "d1.test", Dns()).status
    assert "says DNS since" in look(judge, "d2.test", Dns()).status
    assert bank.calls() == 1


def test_sites_are_watched_apart(bank: Bank) -> None:
    """A filter that gives every host an address inside: the domains are well, their hosts aren't."""
    judge = bank.judge(Clock())
    for n in range(MANY):
        doing(partial(judge.found, f"d{n}.test"))
        look(judge, f"{SITE}mx.d{n}.test:25", kind="inside")
    assert bank.calls() == 1


def test_loops_are_no_sign_of_a_lie(bank: Bank) -> None:
    judge = bank.judge(Clock())
    for n in range(20):
        look(judge, f"d{n}.test", kind="loop")
    assert bank.calls() == 0


# -- the trend -----------------------------------------------------------------------------


def test_the_trend_knows_each_domain_once_and_forgets() -> None:
    trend = Trend()
    for _ in range(100):
        trend.add("x.test", 0, good=False, was_good=False)
    assert (trend.gone, trend.well, trend.alarming(0)) == (1, 0, False)
    for n in range(MANY):
        trend.add(f"d{n}.test", 0, good=False, was_good=False)
    assert trend.alarming(WINDOW_S)
    assert not trend.alarming(WINDOW_S + 1)
    assert (trend.gone, trend.well) == (0, 0)


def test_known_domains_that_vanish_alarm_sooner_and_despite_others() -> None:
    trend = Trend()
    for n in range(50):
        trend.add(f"new{n}.test", 0, good=True, was_good=False)
    for n in range(MANY_KNOWN):
        assert not trend.alarming(0)
        trend.add(f"old{n}.test", 0, good=False, was_good=True)
    assert trend.alarming(0)
    for n in range(MANY_KNOWN):
        trend.add(f"old{n}.test", 0, good=True, was_good=True)
    assert trend.sound(0)


def test_what_this_process_saw_well_counts_as_known() -> None:
    trend = Trend()
    for n in range(MANY_KNOWN):
        trend.add(f"d{n}.test", 0, good=True, was_good=False)
    for n in range(MANY_KNOWN):
        trend.add(f"d{n}.test", 1, good=False, was_good=False)
    assert trend.alarming(1)


# -- what is kept --------------------------------------------------------------------------


def test_the_sample_of_good_domains_is_bounded(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "MOST_GOOD", 5)
    judge = bank.judge(Clock())
    well(judge, *(f"d{n}.test" for n in range(20)))
    assert len(bank.looks()) == 5


def test_a_good_domain_is_written_once_a_day(bank: Bank) -> None:
    clock = Clock()
    judge = bank.judge(clock)
    well(judge, "a.test")
    first = looks.known(bank.conn, "a.test").good_at
    clock.now += DAY_S - 1
    well(judge, "a.test")
    assert looks.known(bank.conn, "a.test").good_at == first
    clock.now += 2
    well(judge, "a.test")
    assert looks.known(bank.conn, "a.test").good_at > first


def test_clean_up(bank: Bank) -> None:
    now = 2_000_000_000.0
    with transaction(bank.conn):
        looks.well(bank.conn, "good.test", now)
        looks.well(bank.conn, "old.test", now - looks.GOOD_S - 1)
        looks.well(bank.conn, "future.test", now + 2 * DAY_S)
        for n in range(10):
            looks.missing(bank.conn, f"d{n}.test", "no-name", now - 100 + n, WAIT_S)
        looks.missing(bank.conn, "stale.test", "no-name", now - looks.GOOD_S - 1, WAIT_S)
        looks.doubt(bank.conn, now - looks.GOOD_S - 5, now)
        assert looks.forget(bank.conn, now) == 3
        assert sorted(bank.looks()) == ["", *(f"d{n}.test" for n in range(10)), "good.test"]
        assert looks.forget(bank.conn, now, most=5) == 7
        assert sorted(bank.looks()) == ["", "d7.test", "d8.test", "d9.test", "good.test"]
