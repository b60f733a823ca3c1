"""The lot that says who belongs to the first part of a campaign (R10)."""

from __future__ import annotations

from relay.campaigns.draw import drawn, key, order

KEY = bytes(range(16))


def went(draw: bytes, count: int, every: int = 10, share: int = 1) -> list[int]:
    return [place for place in range(1, count + 1) if drawn(draw, place, every, share)]


def test_one_of_each_ten_goes() -> None:
    places = went(KEY, 1000)
    assert [(place - 1) // 10 for place in places] == list(range(100))


def test_nobody_can_foresee_which() -> None:
    """All ten places are drawn about equally often, and another key draws others."""
    within = [(place - 1) % 10 for place in went(KEY, 10_000)]
    assert all(60 < within.count(place) < 140 for place in range(10))
    other = went(key(), 1000)
    assert len(set(went(KEY, 1000)) & set(other)) < 30
    assert key() != key()


def test_who_went_stays_when_the_share_grows() -> None:
    narrow, wide, all_ = (set(went(KEY, 500, share=share)) for share in (1, 3, 10))
    assert narrow < wide < all_ and (len(narrow), len(wide), len(all_)) == (50, 150, 500)


def test_an_order_of_those_who_wait() -> None:
    rows = [(1, number) for number in range(50)]
    assert sorted(rows, key=lambda row: order(KEY, *row)) != rows
    assert sorted(rows, key=lambda row: order(KEY, *row)) == sorted(rows, key=lambda row: order(KEY, *row))
