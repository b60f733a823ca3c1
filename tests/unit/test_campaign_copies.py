"""Each recipient of a campaign: pages leave nothing out, are searched, and say what CSV, API and command say."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets as random
import time
from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner

from relay.campaigns import campaigns
from relay.campaigns.campaigns import Campaign
from relay.cli.main import relay
from relay.queue import campaign_copies
from relay.queue.campaign_copies import CampaignCopy
from relay.store.database import transaction
from relay.tenants import streams, tenants
from relay.values.ids import new_submission_id
from tests.support.inside import person, signed_in
from tests.support.web import Served, Shop, serving

BEGIN = time.time() - 86_400
STATES = {"ready": 0, "held": 1, "delivered": 2, "bounced": 3}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("copies"))


@pytest.fixture(scope="module")
def campaign(shop: Shop) -> Campaign:
    """A hundred messages of it, some to three people, and as many of another between them."""
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, shop.tenant_id)
        streams.add_defaults(conn, owner, actor="t", now=BEGIN)
        stream_id = streams.of_tenant(conn, owner.id)[0].id
        ids = [
            conn.execute(
                "INSERT INTO campaign (tenant_id, stream_id, name, state, created_at, last_at)"
                " VALUES (?, ?, ?, 'released', ?, ?) RETURNING id",
                (owner.id, stream_id, name, BEGIN, BEGIN + 100),
            ).fetchone()[0]
            for name in ("ours", "other")
        ]
        for number in range(100):
            for campaign_id in ids:
                _message(shop, stream_id, campaign_id, number)
    return campaigns.by_id(shop.conn, ids[0])


def _message(shop: Shop, stream_id: int, campaign_id: int, number: int) -> None:
    at = BEGIN + number
    id_ = new_submission_id(at, random.randbits)
    shop.conn.execute(
        "INSERT INTO submission (id, tenant_id, stream_id, campaign_id, reverse_path, message_id, from_domain,"
        " size_octets, accepted_at, expires_at, open_recipients) VALUES (?, ?, ?, ?, '', 'm', 'x', 1, ?, ?, 0)",
        (id_, shop.tenant_id, stream_id, campaign_id, at, at + 9),
    )
    for part in range(3 if number % 10 == 0 else 1):
        name, state = list(STATES.items())[number % 4]
        address = f"=r{number}.{part}@{'Gmail' if number % 2 else 'people'}.example"
        shop.conn.execute(
            "INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address, domain,"
            " state, due_at, status, remote, hold_reason, changed_at, attempts, owner)"
            " VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, 'mx.example [192.0.2.1]:25', 'waits', ?, 1, ?)",
            (id_, part, shop.tenant_id, campaign_id, address, address.rpartition("@")[2].lower(), state, at,
             f"550 5.7.1 said {name}", at,
             "w" if number == 4 else None),
        )  # fmt: skip


def walked(
    shop: Shop, campaign: Campaign, search: str = "", state: str = "", limit: int = 7
) -> tuple[list[CampaignCopy], int]:
    """All pages, and how many there were."""
    found, place, pages = list[CampaignCopy](), None, 0
    while True:
        rows, place = campaign_copies.page(shop.conn, campaign, search, state, place, limit)
        assert len(rows) <= limit
        found, pages = found + rows, pages + 1
        if place is None:
            return found, pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 120, 500])
@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_pages_leave_nothing_out_and_nothing_comes_twice(
    shop: Shop, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, limit: int, piece: int
) -> None:
    monkeypatch.setattr(campaign_copies, "PIECE", piece)
    monkeypatch.setattr(campaign_copies, "MOST_LOOKED_AT", 10)
    found, _ = walked(shop, campaign, limit=limit)
    assert [one.email for one in found] == [
        f"=r{n}.{part}@{'Gmail' if n % 2 else 'people'}.example"
        for n in range(100)
        for part in range(1 if n % 10 else 3)
    ]


@pytest.mark.parametrize(
    ("search", "state", "count"),
    [
        ("", "", 120), ("", "delivered", 35),
        ("", "bounced", 25), ("", "held", 25), ("", "leased", 1), ("", "ready", 34),
        ("", "expired", 0), ("@people.example", "", 70), ("@GMAIL.example", "", 50), ("r10.", "", 3), ("R10.1", "", 1),
        ("=r10.1@people.example", "", 1), ("=R10.1@PEOPLE.EXAMPLE", "", 1), ("@example", "", 0), ("nobody", "", 0),
        ("=r10.1@people.example", "bounced", 0), ("=r10.1@people.example", "delivered", 1), ("%", "", 0), ("_", "", 0),
        ("@gmail.example", "bounced", 25),
    ],
)  # fmt: skip
def test_search(shop: Shop, campaign: Campaign, search: str, state: str, count: int) -> None:
    assert len(walked(shop, campaign, search, state)[0]) == count


def test_how_far_one_page_looks_has_an_end(shop: Shop, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_copies, "PIECE", 10)
    monkeypatch.setattr(campaign_copies, "MOST_LOOKED_AT", 40)
    rows, place = campaign_copies.page(shop.conn, campaign, "r99.0", "", None, 50)
    assert rows == [] and place is not None
    assert [one.email for one in walked(shop, campaign, "r99.0")[0]] == ["=r99.0@Gmail.example"]


def test_nothing_of_it_scans(shop: Shop, campaign: Campaign) -> None:
    asked: list[str] = []
    shop.conn.set_trace_callback(asked.append)
    walked(shop, campaign, "r1", "bounced")
    shop.conn.set_trace_callback(None)
    plans = [
        row[3] for sql in asked if sql.startswith("SELECT") for row in shop.conn.execute(f"EXPLAIN QUERY PLAN {sql}")
    ]
    assert len(plans) >= 3 and not [plan for plan in plans if plan.startswith("SCAN")], plans


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


def test_page_csv_api_and_command_say_the_same(shop: Shop, served: Served, campaign: Campaign) -> None:
    path = f"/account/campaigns/{campaign.id}/recipients"
    expected = [one.email for one in walked(shop, campaign, "@gmail.example")[0]]
    with signed_in(served, person(shop, "copies@acme.example", "owner", shop.tenant_id)) as client:
        assert f'href="{path}"' in client.get(f"/account/campaigns/{campaign.id}").text
        assert _paged(client, f"{path}?search=%40gmail.example") == expected
        found = client.post(f"{path}/export", data={"search": "@gmail.example"})
        assert found.headers["content-disposition"] == f'attachment; filename="campaign-{campaign.id}.csv"'
        rows = list(csv.DictReader(io.StringIO(found.text)))
        assert [row["email"] for row in rows] == [f"'{one}" for one in expected]  # no formula in a spreadsheet
        assert {row["state"] for row in rows} == {"held", "bounced"} and rows[0]["reason"] == "waits"
        assert {row["reason"] for row in rows if row["state"] == "bounced"} == {"550 5.7.1 said bounced"}
        assert {(row["status"], row["remote"]) for row in rows} == {("5.7.1", "mx.example [192.0.2.1]:25")}
        assert [
            client.get(f"{path}?{odd}").status_code for odd in ("state=x", "after=x", "after=9.9", "search=%00")
        ] == [200] * 4
        assert client.get("/account/campaigns/999/recipients").status_code == 404
    with signed_in(served, person(shop, "looks@acme.example", "viewer", shop.tenant_id)) as client:
        assert "/export" not in client.get(path).text and client.post(f"{path}/export").status_code == 403
    cursor, by_api = None, list[str]()
    while True:
        query = httpx.QueryParams({"search": "@gmail.example", "limit": 7, **({"cursor": cursor} if cursor else {})})
        answer = served.client.get(
            f"/v1/campaigns/{campaign.id}/recipients", params=query, headers={"Authorization": f"Bearer {shop.token}"}
        ).json()
        by_api += [one["email"] for one in answer["recipients"]]
        assert {one["status"] for one in answer["recipients"]} == {"5.7.1"}
        assert {one["reason"] for one in answer["recipients"]} <= {"waits", "550 5.7.1 said bounced"}
        cursor = answer["next"]
        if cursor is None:
            break
    assert by_api == expected
    file = shop.settings.server.data_dir / "relay.toml"
    file.write_text(f'[server]\nhostname = "relay.example.com"\ndata_dir = "{shop.settings.server.data_dir}"\n')
    words = ["-c", str(file), "campaign", "recipients", str(campaign.id), "--search", "@gmail.example", "--json"]
    said = CliRunner().invoke(relay, words)
    assert [one["email"] for one in json.loads(said.stdout)] == expected


def _paged(client: httpx.Client, path: str) -> list[str]:
    """The addresses of each page, by the link to the next."""
    found: list[str] = []
    base = path.partition("?")[0]
    while True:
        text = client.get(path).text
        found += re.findall(r'<a href="/account/people/one\?email=[^"]+"><bdi>([^<]+)</bdi>', text)
        following = re.search(r'<a href="\?([^"]+)" rel="next"', text)
        if following is None:
            return found
        path = f"{base}?{following[1].replace('&amp;', '&')}"
