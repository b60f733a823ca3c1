"""Campaigns through a running relay, with people who are dead, complain, leave or never agreed (R12, R8b)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import bought_lists
from tests.support.audience import Crowd, Town

pytestmark = pytest.mark.peers

HONEST = Crowd("honest")
DEAD = Crowd("a third dead", dead=0.34)
NEVER = Crowd("never agreed", contests=0.3)


def test_honest_campaigns_go_and_bad_ones_are_stopped_with_figures(tmp_path: Path) -> None:
    """At the same time, each of a tenant without a record: 100 of a good list climb, of a bad one few leave; people who
    never agreed stop a list that nothing else speaks against."""
    town = Town(tmp_path)
    honest = town.settle("honest", HONEST, 100)
    dead = town.settle("deadish", DEAD, 100)
    never = town.settle("never", NEVER, 300)
    town.start()
    try:
        for one in (honest, dead, never):
            town.send(one)
        town.await_all(180.0)
        assert honest.shown["state"] == "released" and honest.shown["decided_by"] == "relay", town.told()
        assert (honest.shown["delivered"], honest.shown["bounced"]) == (100, 0)
        assert dead.shown["state"] == "stopped", town.told()
        gone = dead.shown["delivered"] + dead.shown["bounced"]
        assert gone <= 50 and re.search(r"clearly bad \(bounced\).*bounced \d+ of \d+ \(", dead.shown["why"]), (
            town.told()
        )
        assert never.shown["state"] == "stopped" and never.shown["contested"] >= 2, town.told()
        assert "never agreed" in never.shown["why"] and never.shown["delivered"] < 100, town.told()
        told = {row["tenant"]: row for row in town.relay.json("campaign", "list")}
        assert told["deadish"]["held"] == 100 - dead.shown["passed"] and told["honest"]["held"] == 0
        sites = town.relay.json("campaign", "show", str(dead.id), "--by", "site")
        assert [one["key"] for one in sites] == ["deadish-people.example"]
        assert (sites[0]["delivered"], sites[0]["bounced"]) == (dead.shown["delivered"], dead.shown["bounced"])
        (found,) = town.relay.json("campaign", "show", str(dead.id), "--by", "class")
        assert (found["key"], found["bounced"]) == ("bounced/unknown-address", dead.shown["bounced"])
        stats = town.relay.json("stats", "honest", "--by", "hour")
        assert sum(row["delivered"] for row in stats) == 100
    finally:
        town.close()


@pytest.mark.slow
def test_a_bought_list_of_5000_gets_no_further_than_300_copies() -> None:
    """`make bought` is the long form; docs/STAGING.md has its figures."""
    for one in bought_lists.run(3, 0, seed=11):
        assert one.shown["state"] == "stopped" and bought_lists.gone(one) <= bought_lists.WITHIN, one.shown
