"""A site's window and back-off, step by step."""

from __future__ import annotations

from relay.delivery.smtp.limits import FIRST_BACK_OFF_S, INITIAL_WINDOW, LAST_BACK_OFF_S, LEAST_FAILURES, SiteLimits


def test_the_window_grows_with_answers_up_to_the_ceiling() -> None:
    limits = SiteLimits(20)
    assert limits.window == INITIAL_WINDOW
    for _ in range(6):
        limits.answered()
    assert limits.window == INITIAL_WINDOW + 1
    for _ in range(1000):
        limits.answered()
    assert limits.window == 20
    assert SiteLimits(2).window == 2


def test_a_failed_connection_beside_others_shrinks_only() -> None:
    limits = SiteLimits(20)
    assert not limits.unreachable(others=3, now=0)
    assert limits.window == 3
    assert not limits.unreachable(others=1, now=0)
    assert limits.window == 1
    assert limits.down_until == 0


def test_the_last_failed_connection_means_dead_and_the_back_off_doubles() -> None:
    limits, now, waits = SiteLimits(20), 0.0, []
    for _ in range(8):
        assert limits.unreachable(others=0, now=now)
        waits.append(limits.down_until - now)
        assert limits.window == 1
        now = limits.down_until
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert waits[0] == FIRST_BACK_OFF_S
    assert waits[-1] == LAST_BACK_OFF_S
    limits.answered()
    assert not limits.troubled
    assert limits.unreachable(others=0, now=now)
    assert limits.down_until - now == FIRST_BACK_OFF_S


def test_fruitless_sessions_in_a_row_mean_dead() -> None:
    limits = SiteLimits(2)
    assert [limits.fruitless(0) for _ in range(LEAST_FAILURES)] == [False, False, True]
    limits = SiteLimits(2)
    for _ in range(10):
        assert not limits.fruitless(0)
        assert not limits.fruitless(0)
        limits.answered()
