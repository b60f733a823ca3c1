"""Memory and places that sessions share: who gets some where there is too little, and who gives way."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from relay.intake.smtp.limits import Failures, KnownAccounts
from relay.intake.smtp.shares import CROWD, QUIET_S, SLOW_S, Account, Budget, Sessions, network_of


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass(eq=False)
class One:
    """A session as budget and places see it."""

    budget: Budget
    charged: Account
    reading_since: float = 1000.0
    held_octets: int = 0
    gave_way: int = 0

    def wants(self, octets: int) -> bool:
        got = self.budget.take(self.charged, octets) or self.budget.take_from_others(self, octets)
        self.held_octets += octets if got else 0
        return got

    def give_way(self) -> None:
        self.gave_way += 1
        self.budget.give(self.charged, self.held_octets)
        self.held_octets = 0


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(clock: Clock, octets: int = 100, share: int = 100) -> tuple[Budget, list[One]]:
    budget = Budget(octets, share, clock)
    sessions: list[One] = []
    budget.watch(sessions)
    return budget, sessions


def test_who_has_less_gets_it_from_who_has_more(clock: Clock) -> None:
    budget, sessions = made(clock)
    hog, honest = Account(), Account()
    held = [One(budget, hog, reading_since=1000.0 + number) for number in range(10)]
    sessions += held
    assert all(one.wants(10) for one in held)
    late = One(budget, honest)
    sessions.append(late)
    assert late.wants(10)
    assert [one.gave_way for one in held] == [1] + [0] * 9, "the slowest gives way, and only as many as needed"
    assert budget.used == 100


@pytest.mark.parametrize("hogs", [1, 2, 5])
def test_an_honest_message_gets_in_however_many_hold_all(clock: Clock, hogs: int) -> None:
    budget, sessions = made(clock, 1000, 500)
    accounts = [Account() for _ in range(hogs)]
    for number in range(400):
        one = One(budget, accounts[number % hogs], reading_since=1000.0 + number)
        sessions.append(one)
        one.wants(10)
    for _ in range(20):  # one after the other, as an application sends
        honest = One(budget, Account())
        sessions.append(honest)
        assert honest.wants(10) and honest.wants(40)
        budget.give(honest.charged, 50)
        sessions.remove(honest)
    assert budget.used == sum(one.held_octets for one in sessions) <= 1000


def test_nobody_takes_from_who_has_less_or_as_much(clock: Clock) -> None:
    budget, sessions = made(clock)
    one, other = One(budget, Account()), One(budget, Account())
    sessions += [one, other]
    assert one.wants(50) and other.wants(50)
    assert not one.wants(1) and not other.wants(1)
    assert (one.gave_way, other.gave_way) == (0, 0)


def test_who_is_slow_gives_way_also_to_who_has_more(clock: Clock) -> None:
    """Or very many that hold very little each would keep all that is larger out, for as long as they like."""
    budget, sessions = made(clock)
    sessions += [One(budget, Account()) for _ in range(50)]
    assert all(one.wants(2) for one in sessions)
    honest = One(budget, Account())
    assert not honest.wants(40)
    clock.at += SLOW_S + 1
    assert honest.wants(40)
    assert sum(one.gave_way for one in sessions) == 20


def test_a_share_is_the_most_that_one_has(clock: Clock) -> None:
    budget, sessions = made(clock, 100, 60)
    account = Account()
    one, two = One(budget, account), One(budget, account)
    sessions += [one, two]
    assert one.wants(40) and not two.wants(30)
    assert two.wants(20)
    assert One(budget, Account()).wants(40)


def test_within_a_share_who_is_slow_gives_way_to_who_wants_less(clock: Clock) -> None:
    budget, sessions = made(clock, 100, 60)
    account = Account()
    slow, quick = One(budget, account), One(budget, account)
    sessions += [slow, quick]
    assert slow.wants(60)
    assert not quick.wants(10)
    clock.at += SLOW_S + 1
    assert quick.wants(10) and slow.gave_way == 1


def test_what_is_being_stored_does_not_give_way(clock: Clock) -> None:
    budget, sessions = made(clock)
    busy = One(budget, Account(), reading_since=0.0)
    sessions.append(busy)
    assert busy.wants(100)
    assert not One(budget, Account()).wants(1)
    assert busy.gave_way == 0


def test_more_than_there_is_at_all_moves_nobody(clock: Clock) -> None:
    budget, sessions = made(clock)
    hog = One(budget, Account())
    sessions.append(hog)
    assert hog.wants(90)
    assert not One(budget, Account()).wants(101)
    assert hog.gave_way == 0


# --- places --------------------------------------------------------------------------


@dataclass(eq=False)
class Guest:
    visitor: Account
    quiet_since: float
    known: bool = False
    left: list[int] = field(default_factory=list)

    def leave(self) -> None:
        self.left.append(1)
        self.quiet_since = 0.0


def test_a_flood_from_one_network_makes_place_for_another(clock: Clock) -> None:
    sessions = Sessions(10, 10, clock)
    guests: list[Guest] = []
    sessions.watch(guests)
    for number in range(10):
        account = sessions.enter("192.0.2.1")
        assert account is not None
        guests.append(Guest(account, 1000.0 + number))
    assert sessions.enter("198.51.100.1") is None, "none of them has been quiet for long"
    clock.at += QUIET_S + 4
    assert sessions.enter("198.51.100.1") is not None
    assert [bool(one.left) for one in guests] == [True] + [False] * 9
    assert sessions.enter("192.0.2.1") is None, "the flood itself gets no more"


def test_a_crowd_that_comes_and_goes_is_thinned_at_once(clock: Clock) -> None:
    """Who connects anew all the time is never quiet; who has logged in stays all the same."""
    sessions = Sessions(CROWD + 1, CROWD + 1, clock)
    guests: list[Guest] = []
    sessions.watch(guests)
    for number in range(CROWD + 1):
        account = sessions.enter("192.0.2.1")
        assert account is not None
        guests.append(Guest(account, clock.at, known=number == 0))
    assert sessions.enter("198.51.100.1") is not None
    assert [bool(one.left) for one in guests[:2]] == [False, True]


def test_who_has_logged_in_stays_longest(clock: Clock) -> None:
    sessions = Sessions(3, 3, clock)
    guests: list[Guest] = []
    sessions.watch(guests)
    for number, known in enumerate((True, False, True)):
        account = sessions.enter(f"192.0.2.{number % 2}")
        assert account is not None
        guests.append(Guest(account, 900.0 + number, known))
    assert sessions.enter("198.51.100.1") is not None
    assert [bool(one.left) for one in guests] == [False, True, False]


def test_a_network_that_is_gone_is_forgotten(clock: Clock) -> None:
    sessions = Sessions(10, 2, clock)
    for _ in range(3):
        one, two = sessions.enter("a"), sessions.enter("a")
        assert one is not None and one is two
        assert sessions.enter("a") is None
        sessions.leave("a", one)
        sessions.leave("a", one)
    assert sessions.open == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("local", "local"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_what_counts_as_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


# --- log-ins -------------------------------------------------------------------------


def test_failed_log_ins_have_a_bound_and_a_window(clock: Clock) -> None:
    failures = Failures(3, 60.0, clock=clock, most_keys=100)
    for _ in range(3):
        assert not failures.blocked("a")
        failures.failed("a")
    assert failures.blocked("a") and not failures.blocked("b")
    clock.at += 61
    assert not failures.blocked("a")
    for number in range(1000):
        failures.failed(f"network {number}")
    assert len(failures._windows) == 100


def test_who_got_in_lately_is_known_there_and_only_there(clock: Clock) -> None:
    known = KnownAccounts(clock=clock, lasts_s=100.0, most_networks=3, most_accounts=2)
    known.logged_in("nat", "shop")
    assert known.any("nat") and known.has("nat", "shop")
    assert not known.has("nat", "other") and not known.has("elsewhere", "shop") and not known.any("elsewhere")
    clock.at += 101
    assert not known.any("nat") and not known.has("nat", "shop")
    for number in range(10):
        known.logged_in(f"n{number}", "a")
        known.logged_in("nat", f"user {number}")
    assert known.has("nat", "user 9") and not known.has("nat", "user 7")
    assert sum(known.any(f"n{number}") for number in range(10)) == 2
