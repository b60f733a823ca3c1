"""The desk's queue, health and people's requests through a real socket: what the commands say, word for word."""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets as random
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import httpx
import pytest
from markupsafe import escape

from relay.campaigns import figures
from relay.checks import everything
from relay.queue import admin, sites, told
from relay.queue.admin import QueueAction, QueueChange, Selection
from relay.store.database import transaction
from relay.values.ids import encode_id, new_submission_id
from relay.web.inside import kept
from tests.support.inside import held_campaign, person, signed_in
from tests.support.peers import until
from tests.support.store import ON_SERVER
from tests.support.web import Served, Shop, serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop.create(tmp_path_factory.mktemp("desk-rest"), dns={"nameservers": ["127.0.0.1:9"]})
    held_campaign(shop, shop.tenant_id, copies=1)  # there is a stream then
    return shop


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(scope="module")
def desk(served: Served, shop: Shop) -> Iterator[httpx.Client]:
    with signed_in(served, person(shop, "boss@relay.example", "operator")) as client:
        yield client


def copies(shop: Shop, domain: str, count: int, *, tried: str = "", state: int = 0, due_s: float = 3600.0) -> int:
    """Copies of one message to a domain; the submission's id. ``tried``: the reply of the last try."""
    now, conn = time.time(), shop.conn
    with transaction(conn):
        (stream_id,) = conn.execute("SELECT id FROM stream WHERE tenant_id = ?", (shop.tenant_id,)).fetchone()
        id_ = new_submission_id(now, random.randbits)
        conn.execute(
            "INSERT INTO submission (id, tenant_id, stream_id, reverse_path, message_id, from_domain, subject,"
            " size_octets, accepted_at, expires_at, open_recipients, topic)"
            " VALUES (?, ?, ?, '', ?, 'shop.example', 's', 1, ?, ?, ?, 'news')",
            (id_, shop.tenant_id, stream_id, f"<{id_}@shop.example>", now, now + 86_400, count),
        )
        conn.executemany(
            "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
            " notify, changed_at, attempts, status, remote, held_by)"
            " VALUES (?, ?, ?, 0, ?, ?, ?, ?, '', ?, ?, ?, ?, ?)",
            [
                (id_, n, shop.tenant_id, f"p{n}@{domain}", domain, state, now + due_s, now + n, int(bool(tried)),
                 f"{tried} ({n})" if tried else "", "mx.far.example" if tried else "", 1 if state else 0)
                for n in range(count)
            ],
        )  # fmt: skip
    return id_


def test_sites_are_shown_with_their_next_try_and_last_failure(shop: Shop, desk: httpx.Client) -> None:
    copies(shop, "slow.example", 7, tried="451 4.7.1 <later>")
    copies(shop, "quick.example", 3, due_s=-5)
    row = {one.domain: one for one in sites.listing(shop.conn, sites.counted(shop.conn), None, "", 50)}
    assert (row["slow.example"].waiting, row["slow.example"].tried) == (7, 7)
    assert row["slow.example"].status == "451 4.7.1 <later> (6)" and row["slow.example"].remote == "mx.far.example"
    assert row["quick.example"].failed_at is None
    page = desk.get("/desk/queue").text
    assert "451 4.7.1 &lt;later&gt; (6)" in page and "mx.far.example" in page and "http-equiv" not in page
    assert page.index("slow.example") < page.index("quick.example")
    one = desk.get("/desk/queue", params={"domain": "Quick.Example"}).text
    assert "slow.example" not in one and "quick.example" in one
    assert 'http-equiv="refresh"' in desk.get("/desk/queue", params={"live": "yes"}).text
    for wrong in ({"domain": "no domain"}, {"tenant": "nobody"}):
        assert desk.get("/desk/queue", params=wrong).status_code == 422
    assert sites.listing(shop.conn, sites.counted(shop.conn), shop.tenant_id + 99, "", 50) == []


def test_what_waits_is_counted_from_the_index_alone(shop: Shop) -> None:
    """By their rows a million copies take ten seconds, and no page waits so long."""
    for sql, values in () if ON_SERVER else ((sites._LANES, ()), (figures._DEFERRED_OF, (1, 1))):
        plans = [str(row) for row in shop.conn.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        assert plans and all("COVERING INDEX recipient_due" in one for one in plans)
    copies(shop, "counted.example", 4, tried="451 4.0.0 later")
    id_ = copies(shop, "counted.example", 3)
    before = sites.sums(sites.counted(shop.conn))
    shop.conn.execute("UPDATE recipient SET owner = 7 WHERE submission_id = ? AND number = 0", (id_,))
    after = sites.sums(sites.counted(shop.conn))
    assert (after.leased, after.ready, after.deferred) == (before.leased + 1, before.ready - 1, before.deferred)
    row = sites.listing(shop.conn, sites.counted(shop.conn), shop.tenant_id, "counted.example", 9)[0]
    assert (row.waiting, row.tried, row.leased) == (7, 4, 1)
    shop.conn.execute("DELETE FROM recipient WHERE domain = 'counted.example'")


def test_a_count_that_took_long_is_shown_again_and_made_anew_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, counts = [0.0], iter(range(9))

    def count(took: float) -> Callable[[], int]:
        def run() -> int:
            clock[0] += took
            return next(counts)

        return run

    monkeypatch.setattr(kept, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    key = object()
    assert kept.counted(key, count(0.2)) == kept.Counted(0, 0.0)
    clock[0] += 5.9  # of the six seconds that it stands
    assert kept.counted(key, count(0.2)).found == 0
    assert kept.counted(key, count(0.2), fresh=True).found == 1  # something was done
    clock[0] += 7.0
    shown = kept.counted(key, count(0.2))
    assert shown.found == 1 and round(shown.age_s) == 7  # the old one, while a thread counts
    until(lambda: kept.counted(key, count(0.2)).found == 2, "the new count")
    clock[0] += kept.SHOWN_S
    assert kept.counted(key, count(0.0)).found == 3  # so old a one isn't shown
    assert kept.counted(key, count(0.0)).found == 4  # that one took no time, so it isn't kept


def test_the_queue_is_changed_by_filter_as_the_command_does(shop: Shop, desk: httpx.Client) -> None:
    id_ = copies(shop, "acted.example", 4, tried="451 4.0.0 later")

    def states() -> set[int]:
        return {row[0] for row in shop.conn.execute("SELECT state FROM recipient WHERE submission_id = ?", (id_,))}

    only = {"domain": "acted.example", "reason": "site is down"}
    assert desk.post("/desk/queue/hold", data={"reason": "all of it"}).status_code == 422  # nothing is named
    assert "4 copies held" in desk.post("/desk/queue/hold", data=only).text and states() == {1}
    assert desk.post("/desk/queue/retry", data=only).status_code == 422
    assert "4 copies released" in desk.post("/desk/queue/release", data={"id": encode_id(id_)}).text and states() == {0}
    assert "4 copies retried" in desk.post("/desk/queue/retry", data={"tenant": "acme", **only}).text
    assert "4 copies cancelled" in desk.post("/desk/queue/cancel", data=only).text and 0 not in states()
    for wrong in ({"id": "nonsense"}, {"domain": "..", "id": encode_id(id_)}, {"tenant": "nobody"}, only):
        assert desk.post("/desk/queue/cancel", data=wrong).status_code == 422, wrong
    assert desk.post("/desk/queue/burn", data=only).status_code == 404
    rows = shop.conn.execute(
        "SELECT action, actor, detail FROM audit WHERE action LIKE 'queue-%' ORDER BY id"
    ).fetchall()
    assert [row[0] for row in rows] == ["queue-hold", "queue-release", "queue-retry", "queue-cancel"]
    assert {row[1] for row in rows} == {"boss@relay.example"} and json.loads(rows[0][2])["reason"] == "site is down"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (QueueChange(1, 0, 0), "1 copy held"),
        (QueueChange(3, 2, 0), "3 copies held; 2 being delivered now left alone"),
        (QueueChange(3, 0, 4, 5, 6), "3 copies held; 4 left to their campaign's verdict; 5 left to the end of their"
         " tenant's freeze; 6 left to a word on their log-in, `relay credential release`"),
    ],
)  # fmt: skip
def test_what_was_done_is_said_in_a_sentence(change: QueueChange, text: str) -> None:
    assert told.changed(QueueAction.HOLD, change) == text


def test_held_copies_of_a_campaign_are_left_to_its_verdict(shop: Shop, desk: httpx.Client) -> None:
    held_campaign(shop, shop.tenant_id, name="verdict", copies=2)
    number = shop.value("SELECT max(id) FROM submission")
    answer = desk.post("/desk/queue/release", data={"id": encode_id(number)})
    assert answer.status_code == 422 and "its campaign&#39;s verdict" in answer.text
    assert admin.PAST[QueueAction.HOLD] == "held" and Selection(number) != Selection()


def test_health_shows_what_the_commands_say(shop: Shop, desk: httpx.Client) -> None:
    page = desk.get("/desk/health").text
    found = {one.what: one for one in everything.of_settings(shop.settings, dt.datetime.now(dt.UTC))}
    for what in ("secrets", "database", "policies", "program"):
        assert f">{what}<" in page, what
    assert str(escape(found["policies"].detail)) in page and "backup" in page
    assert re.search(r"Free on the disk</dt><dd>[\d,.]+&nbsp;[MGT]iB", page) and "Python 3." in page
    order = [re.search(r'class="word( good| bad)"', part) for part in page.split('<td data-label="State">')[1:]]
    marks = [one[1] for one in order if one]
    assert marks == sorted(marks) and len(marks) > 8  # what has to be mended stands first


def test_people_who_wait_are_shown_of_all_tenants(shop: Shop, desk: httpx.Client) -> None:
    other, _ = shop.add_tenant("other")
    for tenant_id, words in ((shop.tenant_id, "not <b>me</b>"), (other, "never heard of them")):
        reader = shop.consent("contester@people.example", "club", tenant_id=tenant_id)
        with transaction(shop.conn) as conn:
            conn.execute(
                "INSERT INTO contest (tenant_id, subscriber_id, topic_id, plea, words, state, at, due_at, source,"
                " counts, submission_id, number, network)"
                " VALUES (?, ?, 0, 'never', ?, 'open', 1, 9e9, 's', 1, 0, 0, x'')",
                (tenant_id, reader, words),
            )
    page = desk.get("/desk/people").text
    assert "not &lt;b&gt;me&lt;/b&gt;" in page and "never heard of them" in page and "acme" in page and "other" in page
    with transaction(shop.conn) as conn:
        conn.execute("UPDATE contest SET state = 'conceded', ended_at = 2 WHERE words LIKE 'never%'")
    assert "never heard of them" not in desk.get("/desk/people").text


def test_the_one_script_is_the_relays_own(served: Served, desk: httpx.Client) -> None:
    for path, own in (("/desk/", True), ("/desk/tenants", False), ("/desk/queue", False)):
        page = desk.get(path)
        policy = page.headers["content-security-policy"]
        assert ("script-src 'self'" in policy) is own and (page.text.count("<script") == 1) is own, path
        assert "unsafe" not in policy and "default-src 'none'" in policy
    script = desk.get("/desk/keys.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["x-content-type-options"] == "nosniff" and len(script.content) < 4_000
    assert desk.post("/desk/keys.js").status_code == 405
