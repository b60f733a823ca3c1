"""Contested consents among a tenant's rates (R8b, R25)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.conduct import judge, rates
from relay.store.database import reading
from tests.support.conduct import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def stands(world: World) -> tuple[int, int, str]:
    """(count, of, level) of all mail, as commands show it."""
    with reading(world.conn):
        fresh = rates.pending(world.conn)
        found = judge.standpoints(world.conn, world.ids["acme"], world.settings.rates, world.clock.now, fresh)
    (one,) = [one for one in found if (one.counts.scope, one.measure) == (rates.TENANT, rates.CONTESTS)]
    return one.count, one.of, one.level.word


@pytest.mark.parametrize(
    ("delivered", "contested", "expected"),
    [
        (5000, 1, (1, 5000, "fine")),  # an honest list
        (200, 1, (1, 200, "fine")),  # one person alone says nothing
        (5000, 2, (2, 5000, "fine")),
        (4000, 2, (2, 4000, "advice")),
        (2000, 2, (2, 2000, "review")),
        (400, 2, (2, 400, "pause")),
        (199, 9, (9, 199, "fine")),
    ],
)
def test_where_a_tenant_stands(world: World, delivered: int, contested: int, expected: tuple[int, int, str]) -> None:
    world.delivered(delivered)
    world.event("contested", contested)
    assert stands(world) == expected
    world.look()
    assert stands(world) == expected
    assert len(world.told()) == (expected[2] != "fine")
    assert len(world.calls()) == (expected[2] in ("review", "pause"))


def test_what_counts_apart_and_what_was_accepted_is_left_out(world: World) -> None:
    world.delivered(400)
    world.event("contested", 5, amount=0)
    assert stands(world) == (0, 400, "fine")
    world.event("contested", 3)
    world.event("contested", 2, amount=-1)
    assert stands(world) == (1, 400, "fine")


def test_the_warning_says_so_in_words(world: World) -> None:
    world.delivered(1000)
    world.event("contested", 4)
    world.look()
    [said] = world.rows("SELECT reason FROM statement")
    assert said[0].startswith("contested consents of all mail: 4 of 1000 (0.4 %) in 7 days")
