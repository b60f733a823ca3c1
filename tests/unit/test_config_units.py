"""Durations and sizes, there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import units


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0.0),
        (90, 90.0),
        (0.5, 0.5),
        ("90s", 90.0),
        ("30m", 1800.0),
        ("6h", 21600.0),
        ("5d", 432000.0),
        ("2w", 1209600.0),
        ("250ms", 0.25),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        ("0s", 0.0),
    ],
)
def test_durations(value: object, seconds: float) -> None:
    assert units.parse_duration(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *("", "5", "5 m", "m", "-5m", "1h 30m", "5M", "5min", "\u0665m", "1e3s", ".5s", "99999999d"),
        *(-1, float("inf"), float("nan"), True, None, [], 10**400),
    ],
)
def test_no_durations(value: object) -> None:
    with pytest.raises(ValueError):
        units.parse_duration(value)


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (0, 0),
        (4096, 4096),
        ("4096", 4096),
        ("4096B", 4096),
        ("256KiB", 262144),
        ("25MiB", 26214400),
        ("25 MiB", 26214400),
        ("25mib", 26214400),
        ("25MB", 25_000_000),
        ("25kB", 25_000),
        ("1.5GiB", 1610612736),
        ("1GB", 10**9),
    ],
)
def test_sizes(value: object, octets: int) -> None:
    assert units.parse_octets(value) == octets


@pytest.mark.parametrize(
    "value", ["", "MiB", "25M", "25MiBs", "-1", "1.5", "0.3KiB", "9999999GiB", -1, 1.5, True, None]
)
def test_no_sizes(value: object) -> None:
    with pytest.raises(ValueError):
        units.parse_octets(value)


def test_the_error_says_what_to_write() -> None:
    with pytest.raises(ValueError, match=r'"5 parsecs" is not a duration: write seconds, or text like "90s"'):
        units.parse_duration("5 parsecs")
    with pytest.raises(ValueError, match=r'"25M" is not a size: write octets, or text like "256KiB"'):
        units.parse_octets("25M")


def test_a_long_text_is_shown_short() -> None:
    with pytest.raises(ValueError) as caught:
        units.parse_duration("x" * 100_000)
    assert len(str(caught.value)) < 200


@given(st.integers(0, 10**9))
def test_whole_seconds_come_back(seconds: int) -> None:
    assert units.parse_duration(units.format_duration(seconds)) == seconds


@given(st.integers(0, 1 << 50))
def test_octets_come_back(octets: int) -> None:
    assert units.parse_octets(units.format_octets(octets)) == octets


def test_written_in_the_largest_whole_unit() -> None:
    written = [units.format_duration(s) for s in (0, 0.25, 45, 60, 5400, 7200, 86400)]
    assert written == ["0s", "0.25s", "45s", "1m", "90m", "2h", "1d"]
    assert [units.format_octets(n) for n in (0, 1000, 1024, 1 << 20, 1 << 30)] == ["0", "1000", "1KiB", "1MiB", "1GiB"]
