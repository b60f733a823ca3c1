"""A short form of ``make simulate``: what a stage lets out and what it holds, by size (R11 to R13)."""

from __future__ import annotations

import random

import pytest

from tests.support.staging_simulation import AUDIENCES, DOCS, Audience, happen, picture, simulate, table

RUNS = 150
HONEST = tuple(one for one in AUDIENCES if one.honest)
BAD = tuple(one for one in AUDIENCES if not one.honest)


@pytest.mark.parametrize("size", [25, 100, 250, 1000])
@pytest.mark.parametrize("audience", HONEST, ids=lambda one: one.title)
def test_honest_campaigns_go_out_without_a_human(audience: Audience, size: int) -> None:
    found = simulate(RUNS, 3, tracked=False, sizes=(size,), audiences=(audience,))
    assert found[audience.title, size].released >= 0.92


@pytest.mark.parametrize("size", [5000])
@pytest.mark.parametrize("audience", BAD, ids=lambda one: one.title)
def test_bad_lists_are_held(audience: Audience, size: int) -> None:
    one = simulate(RUNS, 3, tracked=False, sizes=(size,), audiences=(audience,))[audience.title, size]
    assert one.held >= 0.97 and one.left <= 0.2


def test_a_small_bad_list_is_held_as_often_as_it_can_be_known() -> None:
    """A tenth of dead addresses among 250; of one percent of complaints 59 % of lists show one before the last step."""
    found = simulate(RUNS, 3, tracked=False, sizes=(250,), audiences=BAD)
    held = {title: cell.held for (title, _), cell in found.items()}
    assert held["10 % dead"] >= 0.75 and held["bought list"] >= 0.95
    assert 0.5 <= held["1 % complaints, else fine"] <= 0.7


def test_openings_change_little() -> None:
    for audience in HONEST[:2]:
        without, with_ = (
            simulate(RUNS, 3, tracked=tracked, sizes=(250,), audiences=(audience,))[audience.title, 250]
            for tracked in (False, True)
        )
        assert abs(without.released - with_.released) <= 0.05


def test_events_happen_as_often_as_they_should() -> None:
    lot = random.Random(1)
    for n, p in ((100, 0.1), (5000, 0.001), (40, 0.9)):
        mean = sum(happen(lot, n, p) for _ in range(2000)) / 2000
        assert abs(mean - n * p) < 5 * (n * p * (1 - p) / 2000) ** 0.5
    assert happen(lot, 0, 0.5) == 0 == happen(lot, 10, 0.0)


def test_the_page_has_what_the_command_writes() -> None:
    page = (DOCS / "STAGING.md").read_text()
    for word in ("three", "five"):
        inside = page.partition(f"<!-- {word} -->\n")[2].partition(f"<!-- end of {word} -->")[0]
        assert inside.count("\n") == 2 + len(AUDIENCES) and all(one.title in inside for one in AUDIENCES)
        assert (DOCS / f"staging-{word}.svg").read_text().count("<polyline") == len(AUDIENCES)
    found = simulate(5, 1, tracked=False, sizes=(30, 100))
    assert table(found, (30, 100)).startswith("| list | 30 | 100 |\n") and picture(found, "x", (30, 100)).endswith(
        "</svg>\n"
    )
