"""``GET /v1/events`` through a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from relay.events import write
from relay.events.types import MEANINGS
from relay.store.database import transaction
from tests.support.web import Served, Shop, serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.create(tmp_path_factory.mktemp("api"))
    rival, _ = shop.add_tenant("rival")
    shop.consent("mary@example.com", "news")
    with transaction(shop.conn) as conn:
        for number in range(25):
            kind = "suppressed" if number % 5 else "tenant-warned"
            told = {"recipient": f"p{number}@example.com", "reason": "hand"}
            write.of_account(conn, shop.tenant_id, kind, told, 1_790_000_000.0 + number)
        write.of_account(conn, rival, "tenant-warned", {"reason": "not yours"}, 1_790_000_000.0)
    return shop


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


def get(shop: Shop, served: Served, status: int = 200, **params: Any) -> dict[str, Any]:
    answer = served.client.get("/v1/events", headers={"Authorization": f"Bearer {shop.token}"}, params=params)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def walk(shop: Shop, served: Served, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = get(shop, served, **params)
        found += page["events"]
        if page["ended"]:
            return found
        params["cursor"] = page["next"]


def test_all_once_oldest_first_and_the_same_again(shop: Shop, served: Served) -> None:
    whole = walk(shop, served, limit=1000)
    assert [one["type"] for one in whole][:2] == ["consent.given", "tenant.warned"]
    assert len(whole) == 26 and "not yours" not in str(whole)
    assert walk(shop, served, limit=7) == whole == walk(shop, served, limit=1)
    assert set(whole[0]) == {
        "id", "type", "at", "message", "recipient", "stream", "topic", "campaign", "tag", "meta", "detail",
    }  # fmt: skip


def test_the_last_cursor_goes_on_with_what_happens_later(shop: Shop, served: Served) -> None:
    last = get(shop, served, limit=1000)
    assert last["ended"] and get(shop, served, cursor=last["next"]) == {
        "events": [], "next": last["next"], "ended": True,
    }  # fmt: skip
    with transaction(shop.conn) as conn:
        write.of_account(conn, shop.tenant_id, "tenant-frozen", {"reason": "x"}, 1_790_000_999.0)
    assert [one["type"] for one in get(shop, served, cursor=last["next"])["events"]] == ["tenant.frozen"]


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({"type": "tenant.warned"}, 5),
        ({"type": ["tenant.warned", "consent.given"]}, 6),
        ({"type": "tenant.warned, consent.given"}, 6),
        ({"type": "bounced"}, 0),
        ({"recipient": "P3@EXAMPLE.com"}, 1),
        ({"recipient": "mary@example.com", "type": "consent.given"}, 1),
        ({"tag": "none"}, 0),
        ({"campaign": "none"}, 0),
        ({"message": "0a03zkr000000"}, 0),
    ],
)
def test_filters(shop: Shop, served: Served, params: dict[str, Any], number: int) -> None:
    found = walk(shop, served, limit=4, **params)
    assert len([one for one in found if one["type"] != "tenant.frozen"]) == number


@pytest.mark.parametrize(
    ("params", "word", "named"),
    [
        ({"type": "opend"}, "invalid", "opened"),
        ({"cursor": "x"}, "cursor", "cursor"),
        ({"cursor": "WzFd"}, "cursor", "cursor"),
        ({"limit": 0}, "invalid", "limit"),
        ({"limit": 1001}, "invalid", "limit"),
        ({"recipient": "x"}, "invalid", "recipient"),
        ({"type": "x" * 50, "limit": "many"}, "invalid", "limit"),
        ({"surprise": "1", "typ": "delivered"}, "invalid", "typ"),
    ],
)
def test_wrong_asking_is_told_by_name(
    shop: Shop, served: Served, params: dict[str, Any], word: str, named: str
) -> None:
    problem = get(shop, served, 422, **params)
    assert problem["type"].rpartition("/")[2] == word and named in problem["detail"]


def test_the_description_names_every_type(shop: Shop, served: Served) -> None:
    schemas = served.client.get("/v1/openapi.json").json()["components"]["schemas"]
    assert schemas["EventOut"]["properties"]["type"]["enum"] == list(MEANINGS)
