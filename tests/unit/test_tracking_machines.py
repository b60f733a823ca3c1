"""Hits replayed as gateways, proxies and people make them (R33); what each is must come out."""

from __future__ import annotations

import itertools
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.keys.tracked_tokens import CopyMark
from relay.tracking import machines
from relay.tracking.bursts import Bursts, Seen
from relay.tracking.classify import in_advance, judge
from relay.tracking.values import Hit, HitClass, HitKind
from relay.values.networks import network_of

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tracking"
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
FIRMS = 10
TABLE = machines.load()
_ids = itertools.count(1)


def patterns(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((FIXTURES / name).read_text("utf-8"))["pattern"]
    return found


def hits(pattern: dict[str, Any], firm: int) -> Iterator[tuple[Hit, float]]:
    """With the seconds since delivery, in the order of time."""
    agents, networks = pattern.get("agents", [BROWSER]), pattern.get("networks", ["203.0.N.77"])
    made = []
    for person in range(pattern.get("people", 1)):
        mark = CopyMark(1, 1, next(_ids), next(_ids), 0)
        begun = 1_000_000.0 * (firm + 1) + person * pattern.get("apart", 0)
        for place, (since, what) in enumerate(pattern["hits"]):
            kind = HitKind.OPENED if what == "o" else HitKind.CLICKED
            paired = len(networks) == len(pattern["hits"])
            turn = 0 if "people" in pattern else place if paired else place + firm
            address = networks[turn % len(networks)]
            made.append(
                (
                    Hit(
                        mark,
                        kind,
                        begun + since,
                        address.replace("N", str(firm + 1)),
                        agents[place % len(agents) if len(agents) <= len(pattern["hits"]) else firm % len(agents)],
                        -1 if what == "o" else int(what[1:]),
                        pattern.get("links", 1),
                        "https://shop.example/",
                    ),
                    since,
                )
            )
    return iter(sorted(made, key=lambda one: one[0].at))


def played(pattern: dict[str, Any]) -> list[Seen]:
    bursts, seen = Bursts(), []
    for firm in range(FIRMS):
        for hit, since in hits(pattern, firm):
            one = Seen(hit, network_of(hit.address), f"firm{firm}.example", since, judge(hit, since, TABLE))
            bursts.add(one)
            seen.append(one)
    return seen


MACHINES, PEOPLE = patterns("machines.toml"), patterns("people.toml")


@pytest.mark.parametrize("pattern", MACHINES, ids=lambda one: one["name"])
def test_machines_are_told_apart(pattern: dict[str, Any]) -> None:
    found = Counter(str(one.judged.hit_class) for one in played(pattern))
    assert found == {pattern["expect"]: sum(found.values())}, [one.judged for one in played(pattern)]
    assert all(one.judged.reason for one in played(pattern))


@pytest.mark.parametrize("pattern", PEOPLE, ids=lambda one: one["name"])
def test_people_are_no_machines(pattern: dict[str, Any]) -> None:
    assert {str(one.judged.hit_class) for one in played(pattern)} == {"human"}, [one.judged for one in played(pattern)]


def test_what_the_rules_were_not_written_for() -> None:
    """A single click by an unknown network, in its own time, is nobody's to tell from a person's."""
    seen = [(one["expect"], str(row.judged.hit_class)) for one in patterns("held_out.toml") for row in played(one)]
    machines_ = [found for expected, found in seen if expected != "human"]
    assert machines_.count("human") <= 0.05 * len(machines_)
    assert {found for expected, found in seen if expected == "human"} == {"human"}


def test_the_set_is_as_large_as_it_says() -> None:
    assert len(MACHINES) >= 30 and sum(len(played(one)) for one in MACHINES) >= 300
    assert sum(len(list(hits(one, 0))) * FIRMS for one in PEOPLE) >= 200


def test_what_comes_after_a_burst_is_told_apart() -> None:
    """The machine's tail belongs to it; the person who reads later, from elsewhere, does not."""
    bursts, mark = Bursts(), CopyMark(1, 1, 1, 1, 0)

    def seen(at: float, place: int, address: str = "203.0.113.5", agent: str = BROWSER) -> Seen:
        hit = Hit(mark, HitKind.CLICKED, at, address, agent, place, 20)
        one = Seen(hit, network_of(address), "firm.example", at, judge(hit, at, TABLE))
        bursts.add(one)
        return one

    early = seen(28.0, 9)
    burst = [seen(30.0 + place / 10, place) for place in range(3)]
    tail, person, later = seen(70.0, 12), seen(75.0, 1, "192.0.2.4"), seen(4_000.0, 2)
    assert {one.judged.hit_class for one in (early, *burst, tail)} == {HitClass.SCANNER}
    assert {one.judged.hit_class for one in (person, later)} == {HitClass.HUMAN}


def test_large_providers_have_no_gateway_of_a_firm() -> None:
    bursts = Bursts()
    for number in range(10):
        hit = Hit(CopyMark(1, 1, number, number, 0), HitKind.CLICKED, 10 + number / 10, "203.0.113.9", BROWSER, 0, 5)
        one = Seen(hit, network_of(hit.address), "gmail.com", 10.0, judge(hit, 10.0, TABLE))
        assert bursts.add(one) == []


@pytest.mark.parametrize(
    ("method", "headers", "advance"),
    [
        ("GET", {}, False),
        ("HEAD", {}, True),
        ("GET", {b"sec-purpose": b"prefetch"}, True),
        ("GET", {b"sec-purpose": b"prefetch;prerender"}, True),
        ("GET", {b"purpose": b"prefetch"}, True),
        ("GET", {b"x-purpose": b"preview"}, True),
        ("GET", {b"x-moz": b"prefetch"}, True),
        ("GET", {b"sec-fetch-dest": b"document"}, False),
    ],
)
def test_what_shows_nothing_to_anybody(method: str, headers: dict[bytes, bytes], advance: bool) -> None:
    assert in_advance(method, headers) is advance


def test_own_entries_come_first() -> None:
    table = machines.load({"40.107.3.0/24": "human", "198.51.100.0/24": "scanner click"}, {"acme gateway": "scanner"})
    hit = Hit(CopyMark(1, 1, 1, 1, 0), HitKind.CLICKED, 0, "40.107.3.8", BROWSER)
    assert judge(hit, 50, table).hit_class is HitClass.HUMAN
    assert judge(hit, 50, TABLE).hit_class is HitClass.SCANNER
    near = hit._replace(address="198.51.100.8")
    assert judge(near, 50, table).hit_class is HitClass.SCANNER
    assert judge(near._replace(kind=HitKind.OPENED), 50, table).hit_class is HitClass.HUMAN
    assert judge(hit._replace(agent="Acme Gateway 2"), 50, table).reason == "own entry"


def test_the_table_is_dated_and_its_entries_are_used() -> None:
    assert TABLE.made.year >= 2026
    assert all(one.by_agent or one.networks for one in TABLE.entries)
