"""Bars over time: gaps stay gaps, what is small is seen, and the table says the same."""

from __future__ import annotations

import re
import time

import pytest

from relay.events import follow
from relay.events.follow import Follower
from relay.statistics import sums
from relay.store.database import transaction
from relay.web.inside.chart import GAP, HEIGHT, LEAST, PITCH, chart
from tests.support.inside import held_campaign, person, signed_in
from tests.support.web import Shop, serving

NAMES = ("delivered", "bounced")
FOLLOWERS: tuple[Follower, ...] = (*follow.ALL, sums.FOLLOWER)


def test_a_bar_a_day_and_gaps_stay() -> None:
    made = chart(NAMES, {100: {"delivered": 50, "bounced": 50}, 103: {"delivered": 25}}, 100, 103, 86_400)
    assert [bar.at for bar in made.bars] == [100 * 86_400 + n * 86_400 for n in range(4)]
    assert [bar.x for bar in made.bars] == [0, PITCH, 2 * PITCH, 3 * PITCH] and made.width == 4 * PITCH - GAP
    assert [(part.name, part.y, part.height) for part in made.bars[0].parts] == [
        ("delivered", 50, 50), ("bounced", 0, 50)
    ]  # fmt: skip
    assert made.bars[1].parts == () and made.bars[3].parts[0].height == HEIGHT / 4
    assert [bar.at // 86_400 for bar in made.told] == [100, 103] and made.most == 100 and not made.hourly


def test_one_among_millions_is_seen_within_the_picture() -> None:
    made = chart(NAMES, {7: {"delivered": 9_000_000, "bounced": 1}}, 7, 7, 3600)
    delivered, bounced = made.bars[0].parts
    assert bounced.height == LEAST and bounced.y == 0 and delivered.height <= HEIGHT and made.hourly


@pytest.mark.parametrize("rows", [{}, {5: {"delivered": 0, "bounced": 0}}])
def test_nothing_happened(rows: dict[int, dict[str, int]]) -> None:
    made = chart(NAMES, rows, 3, 9, 86_400)
    assert (made.most, len(made.bars), list(made.told)) == (0, 7, [])


def test_start_and_campaign_show_what_happened(tmp_path_factory: pytest.TempPathFactory) -> None:
    shop = Shop.create(tmp_path_factory.mktemp("chart"), dns={"nameservers": ["127.0.0.1:9"]})
    id_, now = held_campaign(shop, shop.tenant_id, name="spring", state="released", copies=12), time.time()
    hour, day = int(now // 3600), int(now // 86_400)
    with transaction(shop.conn) as conn:
        conn.execute("UPDATE campaign SET created_at = ? WHERE id = ?", (now - 86_400, id_))
        conn.executemany(
            "INSERT INTO stat_hour (tenant_id, hour, campaign_id, kind, value) VALUES (?, ?, ?, ?, ?)",
            [(shop.tenant_id, hour - 20, id_, "delivered", 1200), (shop.tenant_id, hour, id_, "bounced", 34)],
        )
        conn.executemany(
            "INSERT INTO daily (tenant_id, day, stream_id, kind, value) VALUES (?, ?, 1, ?, ?)",
            [(shop.tenant_id, day - 3, "delivered", 5678), (shop.tenant_id, day - 40, "delivered", 99_999)],
        )
        conn.executemany(
            "INSERT INTO stat_part (tenant_id, part, day, campaign_id, name, kind, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (shop.tenant_id, sums.SITE, day, id_, "big.example", "delivered", 1100),
                (shop.tenant_id, sums.CLASS, day, id_, "mailbox-unknown", "bounced", 34),
            ],
        )
    with serving(shop) as served, signed_in(served, person(shop, "o@acme.example", "owner", shop.tenant_id)) as client:
        page = client.get(f"/account/campaigns/{id_}?lang=en").text
        assert page.count('class="ground"') == 21  # an hour each, those without mail too
        assert re.search(r'<td class="num">1,200</td><td class="num">0</td>', page)
        assert "big.example" in page and "1,100" in page and ">mailbox-unknown<" in page
        start = client.get("/account/?lang=en").text
        assert start.count('class="ground"') == 14 and "5,678" in start and "99,999" not in start
