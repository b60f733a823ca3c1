"""Where a rate stands: the published figures, few recipients, and hysteresis (R25)."""

from __future__ import annotations

import pytest

from config.conduct import Rates
from relay.conduct.levels import RateLevel, level
from relay.conduct.rates import BOUNCES, COMPLAINTS, RateCounts, steps
from relay.conduct.sites import site_of

FINE, ADVICE, REVIEW, PAUSE = RateLevel
RATES = Rates()


@pytest.mark.parametrize(
    ("measure", "count", "of", "expected"),
    [
        (BOUNCES, 0, 1000, FINE),
        (BOUNCES, 3, 200, FINE),  # 1.5 %
        (BOUNCES, 4, 200, ADVICE),  # 2 % to the point
        (BOUNCES, 3, 199, FINE),
        (BOUNCES, 50, 199, FINE),  # too few to say anything
        (BOUNCES, 200, 200, PAUSE),
        (BOUNCES, 199, 10_000, FINE),  # 1.99 %
        (BOUNCES, 200, 10_000, ADVICE),
        (BOUNCES, 499, 10_000, ADVICE),
        (BOUNCES, 500, 10_000, REVIEW),
        (BOUNCES, 999, 10_000, REVIEW),
        (BOUNCES, 1000, 10_000, PAUSE),
        (BOUNCES, 5, 0, FINE),
        (COMPLAINTS, 0, 200, FINE),
        (COMPLAINTS, 1, 1001, FINE),  # 0.0999 %
        (COMPLAINTS, 1, 1000, REVIEW),  # 0.1 % is advice and review at once
        (COMPLAINTS, 1, 200, PAUSE),  # 0.5 %; who is frozen by it is another question
        (COMPLAINTS, 49, 10_000, REVIEW),
        (COMPLAINTS, 50, 10_000, PAUSE),
        (COMPLAINTS, 3, 199, FINE),
        (COMPLAINTS, 7, 7000, REVIEW),
        (COMPLAINTS, 3, 3001, FINE),
    ],
)
def test_a_level_is_reached_at_its_figure(measure: str, count: int, of: int, expected: RateLevel) -> None:
    assert level(FINE, count, of, steps(RATES, measure), least=RATES.least, ease=RATES.ease) is expected


@pytest.mark.parametrize(
    ("before", "count", "of", "expected"),
    [
        (ADVICE, 19, 1000, ADVICE),  # 1.9 %: still above four fifths of 2 %
        (ADVICE, 16, 1000, ADVICE),
        (ADVICE, 15, 1000, FINE),  # 1.5 %
        (REVIEW, 49, 1000, REVIEW),
        (REVIEW, 39, 1000, ADVICE),
        (REVIEW, 18, 1000, ADVICE),
        (REVIEW, 10, 1000, FINE),
        (PAUSE, 99, 1000, PAUSE),
        (PAUSE, 79, 1000, REVIEW),
        (PAUSE, 45, 1000, REVIEW),
        (PAUSE, 30, 1000, ADVICE),
        (PAUSE, 0, 1000, FINE),
        (ADVICE, 60, 1000, REVIEW),  # up at once
        (REVIEW, 20, 100, REVIEW),  # too few to rise further
        (REVIEW, 2, 100, ADVICE),  # yet few are enough to fall
        (PAUSE, 0, 0, FINE),  # nothing is left in the window
    ],
)
def test_a_level_is_left_below_a_part_of_its_figure(
    before: RateLevel, count: int, of: int, expected: RateLevel
) -> None:
    assert level(before, count, of, steps(RATES, BOUNCES), least=200, ease=0.8) is expected


def counts(**figures: int) -> RateCounts:
    names = ("delivered", "bounced", "failed", "complained", "looped", "reporting", "placed", "contested")
    zero = dict.fromkeys(names, 0)
    return RateCounts("", "all mail", **zero | figures)


@pytest.mark.parametrize(
    ("figures", "expected", "blind"),
    [
        ({"delivered": 1000, "complained": 1}, (1, 1000), 1.0),
        ({"delivered": 1000, "placed": 1000, "reporting": 250, "complained": 2, "looped": 2}, (2, 250), 0.75),
        ({"delivered": 1000, "placed": 1000, "reporting": 1000, "complained": 2, "looped": 2}, (2, 1000), 0.0),
        # Too few of the reporting sites: a part of all.
        ({"delivered": 1000, "placed": 1000, "reporting": 199, "complained": 2, "looped": 2}, (2, 1000), 0.801),
        # By the page alone: nobody's loop, a part of all.
        ({"delivered": 1000, "placed": 1000, "reporting": 400, "complained": 3, "looped": 0}, (3, 1000), 0.6),
        # Both: the higher of the two.
        ({"delivered": 1000, "placed": 1000, "reporting": 900, "complained": 9, "looped": 1}, (9, 1000), 0.1),
        ({"delivered": 1000, "placed": 1000, "reporting": 250, "complained": 9, "looped": 8}, (8, 250), 0.75),
    ],
)
def test_complaints_are_a_part_of_what_went_where_they_are_reported(
    figures: dict[str, int], expected: tuple[int, int], blind: float
) -> None:
    found = counts(**figures)
    assert found.of(COMPLAINTS, 200) == expected
    assert found.blind == pytest.approx(blind)


def test_dead_addresses_are_a_part_of_all_that_came_to_an_end() -> None:
    assert counts(delivered=180, bounced=10, failed=10).of(BOUNCES, 200) == (10, 200)


@pytest.mark.parametrize(
    ("domain", "site"),
    [
        ("hotmail.com", "outlook.com"),
        ("hotmail.co.uk", "outlook.com"),
        ("LIVE.fr", "outlook.com"),
        ("outlook.com", "outlook.com"),
        ("yahoo.co.uk", "yahoo.com"),
        ("aol.com", "yahoo.com"),
        ("ymail.com", "yahoo.com"),
        ("bk.ru", "mail.ru"),
        ("mail.ru", "mail.ru"),
        ("mail.example.org", "mail.example.org"),
        ("outlook.example.com", "outlook.example.com"),  # a host of somebody's, no country's outlook
        ("live.shop.example", "live.shop.example"),
        ("gmail.com", "gmail.com"),
        ("firma.ee", "firma.ee"),
    ],
)
def test_a_provider_s_domains_are_one_site(domain: str, site: str) -> None:
    assert site_of(domain) == site
