"""Tenants are told that their plan's end is near: event and letter, once a period and mark."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.quota import QuotaSettings
from relay.conduct import quota_watch
from relay.events import follow
from relay.events import write as events
from relay.ledger import counters
from relay.ledger.quota import messages_counter, subscribers_counter
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.texts.language import LANGUAGES, choose
from tests.support.conduct import DAY, NOW, World

PERIOD = datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m")
PLANS = {"free": {"messages": 100, "subscribers": 50}}


class Quota(World):
    def __init__(self, directory: Path, **tables: Any) -> None:
        super().__init__(directory, **{"plans": PLANS, **tables})
        self.follower = quota_watch.follower(self.settings, self.clock)
        follow.step(self.conn, self.follower)

    def used(self, messages: int = 0, subscribers: int = 0, *, tenant: str = "acme", period: str = PERIOD) -> None:
        """So much in all, by an acceptance."""
        with transaction(self.conn):
            counters.set_(self.conn, self.ids[tenant], messages_counter(period), messages)
            counters.set_(self.conn, self.ids[tenant], subscribers_counter(period), subscribers)
        id_ = self.message(tenant=tenant)
        with transaction(self.conn):
            events.accepted(self.conn, self.ids[tenant], id_, None, 1, {}, self.clock.now)

    def heard(self, tenant: str = "acme") -> list[tuple[str, int]]:
        """(measure, percent) of each event so far."""
        while follow.step(self.conn, self.follower):
            pass
        rows = self.rows("SELECT detail FROM event WHERE tenant_id = ? AND kind = 'quota.near' ORDER BY id",
                         self.ids[tenant])  # fmt: skip
        return [(one["measure"], one["percent"]) for one in map(_parsed, rows)]


def _parsed(row: tuple[Any, ...]) -> Any:
    return json.loads(row[0])


@pytest.fixture
def world(tmp_path: Path) -> Quota:
    return Quota(tmp_path)


@pytest.mark.parametrize(
    ("messages", "subscribers", "told"),
    [
        (0, 0, []),
        (79, 39, []),
        (80, 0, [("messages", 80)]),
        (99, 0, [("messages", 80)]),
        (100, 0, [("messages", 100)]),
        (140, 0, [("messages", 100)]),
        (0, 40, [("subscribers", 80)]),
        (0, 50, [("subscribers", 100)]),
        (80, 40, [("messages", 80), ("subscribers", 80)]),
        (100, 40, [("messages", 100), ("subscribers", 80)]),
    ],
)
def test_what_is_told_of_what_is_used(
    world: Quota, messages: int, subscribers: int, told: list[tuple[str, int]]
) -> None:
    world.used(messages, subscribers)
    assert world.heard() == told
    assert len(world.letters("post@acme.example")) == min(1, len(told))
    assert world.heard("rival") == []


def test_each_mark_is_told_once_a_period(world: Quota) -> None:
    for amount, told in ((80, 1), (81, 1), (95, 1), (70, 1), (90, 1), (100, 2), (99, 2), (100, 2)):
        world.used(amount)
        assert len(world.heard()) == told, amount
    world.clock.now += 40 * DAY
    period = datetime.fromtimestamp(world.clock.now, UTC).strftime("%Y-%m")
    world.used(79, period=period)
    assert len(world.heard()) == 2
    world.used(85, period=period)
    assert world.heard()[2:] == [("messages", 80)]
    assert len(world.letters("post@acme.example")) == 3


def test_the_event_says_all_that_is_to_know(world: Quota) -> None:
    world.used(83, 12)
    world.heard()
    (row,) = world.rows("SELECT detail FROM event WHERE kind = 'quota.near'")
    told = _parsed(row)
    renews = datetime.fromtimestamp(told.pop("renews_at"), UTC)
    assert told == {"measure": "messages", "used": 83, "limit": 100, "percent": 80, "plan": "free", "period": PERIOD}
    assert (renews.day, renews.hour) == (1, 0) and renews.timestamp() > NOW


def test_unlimited_plans_and_own_marks(tmp_path: Path) -> None:
    free = Quota(tmp_path / "a", plans={"free": {"messages": 0, "subscribers": 0}})
    free.used(10**9, 10**9)
    assert free.heard() == []
    early = Quota(tmp_path / "b", quota={"near": 50})
    early.used(50)
    assert early.heard() == [("messages", 50)]
    full = Quota(tmp_path / "c", quota={"near": 100})
    full.used(99)
    assert full.heard() == []
    full.used(100)
    assert full.heard() == [("messages", 100)]


@pytest.mark.parametrize("near", [0, -1, 101, "many", 1.5])
def test_a_mark_is_a_percentage(near: object) -> None:
    with pytest.raises(ValueError, match="near"):
        QuotaSettings.model_validate({"near": near})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("amount", [80, 100])
def test_the_letter_is_in_the_tenants_language(world: Quota, language: str, amount: int) -> None:
    world.tenant("poly", language=language)
    world.used(amount, amount // 2, tenant="poly")
    assert len(world.heard("poly")) == 2
    (subject,) = world.letters("post@poly.example")
    assert "poly" in subject
    say = choose(language).plain
    key = "full" if amount == 100 else "near"
    assert subject == say(f"quota.{key}.subject", tenant="poly", plan="free")
    texts = {choose(code).plain(f"quota.{key}.messages", used=1, limit=2, plan="x", date="y") for code in LANGUAGES}
    assert len(texts) == len(LANGUAGES)


def test_a_tenant_that_is_gone_stops_nobody(world: Quota) -> None:
    assert quota_watch.look(world.conn, Operator.of(world.settings), world.settings, 999_999, NOW) == []
