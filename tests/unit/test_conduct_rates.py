"""Rates of a tenant's mail over seven days: what counts, who is told, who is frozen (R25). Every clock is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.conduct import enforcement, judge, rates, statements
from relay.queue.operator import Operator
from relay.store.database import reading, transaction
from relay.tenants import tenants
from tests.support.conduct import DAY, HOUR, World

Make = Callable[..., World]
CONTACT = "post@acme.example"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[World] = []

    def build(**rates: object) -> World:
        made.append(World(tmp_path, **({"rates": rates} if rates else {})))
        return made[-1]

    yield build
    for world in made:
        world.close()


def standing(world: World, tenant: str = "acme") -> dict[tuple[str, str], tuple[int, int, str]]:
    """(scope's name, measure) → count, of, level; as commands show it, what no turn has read yet included."""
    with reading(world.conn):
        fresh = rates.pending(world.conn)
        found = judge.standpoints(world.conn, world.ids[tenant], world.settings.rates, world.clock.now, fresh)
    return {(one.counts.name, one.measure): (one.count, one.of, one.level.word) for one in found}


HARD = {"type": "hard"}
COUNTED: list[tuple[str, dict[str, Any], tuple[int, int]]] = [
    # kind, how, (dead addresses, complaints) that it adds
    ("bounced", {"detail": HARD}, (1, 0)),
    ("bounced", {"detail": {"hard": True, "source": "report"}, "amount": 0}, (1, 0)),
    ("bounced", {"detail": {"type": "refused", "class": "spam"}}, (0, 0)),
    ("bounced", {"detail": {"type": "refused"}}, (0, 0)),
    ("bounced", {"detail": HARD | {"again": True}}, (0, 0)),
    ("bounced", {"detail": HARD, "person": 0}, (0, 0)),  # a confirmation letter's
    ("soft-bounced", {"detail": {"type": "full"}}, (0, 0)),
    ("expired", {"detail": {"type": "expired"}}, (0, 0)),
    ("deferred", {"detail": {}}, (0, 0)),
    ("withdrawn", {"detail": {}}, (0, 0)),
    ("cancelled", {"detail": {}}, (0, 0)),
    ("declined", {"detail": {}}, (0, 0)),
    ("refused", {"detail": {"code": "suppressed"}}, (0, 0)),
    ("refused", {"detail": {"code": "no-consent"}}, (0, 0)),
    ("auto-reply", {"detail": {}}, (0, 0)),
    ("unclassified", {"detail": {"type": "virus"}}, (0, 0)),
    ("unproved", {"detail": {"says": "complained"}}, (0, 0)),
    ("unsubscribed", {"detail": {}}, (0, 0)),
    ("complained", {"detail": {"source": "report"}}, (0, 1)),
    ("complained", {"detail": {"source": "page"}}, (0, 1)),
    ("complained", {"detail": {}}, (0, 1)),
    ("complained", {"detail": {"source": "report", "again": True}}, (0, 0)),  # the same person, an older message
    ("complained", {"detail": {"source": "page"}, "domain": "sandbox.invalid"}, (0, 0)),
    ("bounced", {"detail": HARD, "ago": 6.9 * DAY}, (1, 0)),
    ("bounced", {"detail": HARD, "ago": 7.1 * DAY}, (0, 0)),
    ("complained", {"detail": {"source": "page"}, "ago": 8 * DAY}, (0, 0)),
    ("bounced", {"detail": HARD, "tenant": "rival"}, (0, 0)),
]


@pytest.mark.parametrize(("kind", "how", "expected"), COUNTED)
def test_what_counts(make: Make, kind: str, how: dict[str, Any], expected: tuple[int, int]) -> None:
    world = make()
    world.delivered(300)
    world.event(kind, 2, **how)
    before = standing(world)
    dead, complained = before["all mail", "bounces"][0], before["all mail", "complaints"][0]
    assert (dead, complained) == (2 * expected[0], 2 * expected[1])
    world.look()
    assert standing(world) == before  # read from events, then from sums


def test_two_hundred_recipients_are_needed(make: Make) -> None:
    world = make()
    world.delivered(149)
    world.dead(50)
    world.look()
    assert standing(world)["all mail", "bounces"] == (50, 199, "fine") and world.told() == []
    world.delivered(1)
    world.look(10)
    assert standing(world)["all mail", "bounces"] == (50, 200, "pause")
    assert world.told() == ["tenant.warned"]


@pytest.mark.parametrize(
    ("dead", "letters", "calls"),
    [(3, 0, 0), (4, 1, 0), (9, 1, 0), (10, 1, 1), (19, 1, 1), (20, 1, 1), (60, 1, 1)],
)
def test_who_is_told_of_dead_addresses(make: Make, dead: int, letters: int, calls: int) -> None:
    world = make()
    world.delivered(200 - dead)
    world.dead(dead)
    world.look()
    assert len(world.letters(CONTACT)) == letters == len(world.told())
    assert len(world.calls()) == calls == len(world.letters("ops@relay.example.com"))
    assert world.frozen() == "none"  # by default nothing is frozen without a person
    assert world.letters("post@rival.example") == []


def test_a_warning_says_figures_rule_and_how_to_object(make: Make) -> None:
    world = make()
    world.delivered(195)
    world.dead(5)
    world.look()
    [one] = statements.listing(world.conn, world.ids["acme"])
    assert (one.action, one.rule, one.automatic, one.actor) == ("warned", "R25", True, "relay")
    assert [(f["fact"], f["count"], f["of"], f["limit"]) for f in one.facts] == [("bounces", 5, 200, "2")]
    assert "5 of 200 (2.5 %)" in one.reason


def test_levels_have_a_memory(make: Make) -> None:
    """Around a figure nobody is told twice; after it was fine for a while, and a day, anew."""
    world = make()
    world.delivered(196)
    world.dead(4)
    world.look()
    world.delivered(6)  # 1.98 %
    world.look(HOUR)
    world.dead(1)  # 2.46 %
    world.look(HOUR)
    assert world.told() == ["tenant.warned"]
    world.delivered(400)  # 0.8 %
    world.look(HOUR)
    assert standing(world)["all mail", "bounces"][2] == "fine"
    world.look(2 * DAY)
    world.dead(12)
    world.look()
    assert world.told() == ["tenant.warned"] * 2


def test_what_got_worse_is_told_at_once(make: Make) -> None:
    world = make()
    world.delivered(190)
    world.dead(10)
    world.look()
    assert len(world.calls()) == 1
    world.dead(30)
    world.look(60)
    assert world.told() == ["tenant.warned"] * 2 and len(world.calls()) == 2
    assert world.calls()[1]["about"] == "rates:acme:pause"


def test_a_rate_ages_without_new_mail(make: Make) -> None:
    world = make()
    world.delivered(190)
    world.dead(10)
    world.look()
    world.look(8 * DAY)
    assert standing(world)["all mail", "bounces"] == (0, 0, "fine")
    assert world.rows("SELECT count(*) FROM rate_level WHERE level > 0") == [(0,)]
    world.look(3 * DAY)
    assert world.rows("SELECT count(*) FROM rate_sum") == [(0,)]


@pytest.mark.parametrize(
    ("freeze", "stream", "dead", "complained", "expected"),
    [
        ("never", "bulk", 40, 9, "none"),
        ("bulk", "bulk", 19, 0, "none"),
        ("bulk", "bulk", 20, 0, "bulk"),
        ("bulk", "bulk", 0, 3, "bulk"),
        ("bulk", "bulk", 0, 2, "none"),  # two people prove little
        ("all", "bulk", 20, 0, "all"),
        ("all", "transactional", 20, 0, "all"),
    ],
)
def test_who_is_frozen(make: Make, freeze: str, stream: str, dead: int, complained: int, expected: str) -> None:
    world = make(freeze=freeze)
    world.delivered(200 - dead, stream=stream)
    world.dead(dead, stream=stream)
    world.complained(complained, "page", stream=stream)
    world.look()
    assert world.frozen() == expected
    told = {"none": ["tenant.warned"], "bulk": ["tenant.frozen"], "all": ["tenant.frozen"]}[expected]
    assert world.told() == told
    if expected != "none":
        assert len(world.letters(CONTACT)) == 1
        [one] = statements.listing(world.conn, world.ids["acme"])
        assert one.automatic and one.rule == "R25" and one.ended_at is None


def test_service_mail_hides_no_bulk(make: Make) -> None:
    """Thousands of receipts that nobody complains about are no cover for a newsletter."""
    world = make()
    world.delivered(5000, stream="transactional")
    world.delivered(280)
    world.dead(20)
    world.look()
    found = standing(world)
    assert found["all mail", "bounces"][2] == "fine"
    assert found["all bulk mail", "bounces"] == (20, 300, "review") == found["stream bulk", "bounces"]
    assert len(world.calls()) == 1 and len(world.told()) == 1  # one letter, whatever it shows in


def test_a_campaign_is_judged_by_itself(make: Make) -> None:
    world = make()
    world.delivered(9000)
    world.conn.execute(
        "INSERT INTO campaign (id, tenant_id, stream_id, name, state, created_at, last_at, delivered, bounced)"
        " VALUES (5, ?, ?, 'offers', 'open', ?, ?, 282, 18)",
        (world.ids["acme"], world.streams["acme", "bulk"], world.clock.now, world.clock.now),
    )
    world.dead(18, campaign=5)
    world.look()
    found = standing(world)
    assert found["campaign 5 (offers)", "bounces"] == (18, 300, "review")
    assert found["all mail", "bounces"][2] == "fine" and len(world.calls()) == 1


def test_complaints_of_sites_that_report(make: Make) -> None:
    """Three quarters went where nobody reports: the rate is of the rest."""
    world = make()
    world.delivered(3000, "gmail.com")
    world.delivered(1000, "hotmail.com")
    world.complained(1, domain="outlook.com")
    world.look()
    assert standing(world)["all mail", "complaints"] == (1, 1000, "review")
    [first] = judge.standpoints(world.conn, world.ids["acme"], world.settings.rates, world.clock.now)[:1]
    assert first.counts.blind == 0.75


def test_an_unfreeze_begins_the_rates_anew(make: Make) -> None:
    """What lies before was judged by a person: the same mail freezes nobody twice, new mail does."""
    world = make(freeze="bulk")
    world.delivered(170)
    world.dead(30)
    world.look()
    assert world.frozen() == "bulk"
    world.clock.now += HOUR
    with transaction(world.conn) as conn:
        tenant = tenants.find(conn, "acme")
        enforcement.unfreeze(conn, Operator.of(world.settings), tenant, actor="anna", now=world.clock.now)
    world.look(1200)
    assert world.frozen() == "none" and standing(world)["all mail", "bounces"] == (0, 0, "fine")
    world.delivered(170)
    world.dead(30)
    world.look(60)
    assert world.frozen() == "bulk"
    assert world.told() == ["tenant.frozen", "tenant.unfrozen", "tenant.frozen"]


def test_a_watch_that_died_before_it_judged(make: Make) -> None:
    world = make()
    world.delivered(180)
    world.dead(20)
    world.watch._judge = lambda *_: (_ for _ in ()).throw(RuntimeError("killed"))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        world.look()
    assert world.told() == []
    world.watch = type(world.watch)(world.settings.database, world.settings, world.clock)
    world.look()
    assert world.told() == ["tenant.warned"]


def test_letters_are_in_the_tenant_s_language(make: Make) -> None:
    world = make()
    for code in ("de", "et"):
        world.tenant(f"t{code}", f"post@{code}.example", code)
        world.delivered(190, tenant=f"t{code}")
        world.dead(10, tenant=f"t{code}")
    world.look()
    assert world.letters("post@de.example") == ["Eine Warnung zu Mails von tde"]
    assert world.letters("post@et.example") == ["Hoiatus: tet kirjad"]
