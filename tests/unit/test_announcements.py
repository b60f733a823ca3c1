"""Announcements to tenants: planned work a day ahead, letters once, bands above pages, by page, API and command."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from relay.announcements import book, telling
from relay.announcements.book import AnnouncementWish
from relay.announcements.values import DAY_S, Announcement, AnnouncementKind, AnnouncementState, LetterState
from relay.cli.main import relay
from relay.conduct import account
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.store.kept import KeptConnection
from relay.tenants import tenants
from relay.values.errors import RegistryError
from tests.support.inside import person, signed_in
from tests.support.told import forget, letters
from tests.support.web import Served, Shop, serving

OPERATOR = Operator("relay.example.com", "Example Mail", ("boss@relay.example",))
BASE = "https://relay.example.com"
NOW = 1_796_000_000.0  # 2026-11-30T00:53:20Z
HOUR_S = 3600.0
WORK, NOTICE = AnnouncementKind.WORK, AnnouncementKind.NOTICE


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop.create(tmp_path_factory.mktemp("announce"))
    made.add_tenant("other")
    return made


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(shop: Shop) -> None:
    with transaction(shop.conn) as conn:
        conn.execute("DELETE FROM announcement")
        conn.execute("UPDATE tenant SET language = ''")
        conn.execute("UPDATE account SET terminated_at = NULL")
        forget(shop)


def wish(
    kind: AnnouncementKind = NOTICE, begin: float = 0.0, length: float = HOUR_S, **given: object
) -> AnnouncementWish:
    """``begin`` and ``length`` in seconds, from now and from the begin on."""
    made = AnnouncementWish(kind, "New disks", "Mail waits.\n\nIt is sent afterwards.", begin, begin + length)
    return replace(made, **given)  # type: ignore[arg-type]


def add(shop: Shop, given: AnnouncementWish, now: float = NOW) -> Announcement:
    moved = replace(given, from_at=now + given.from_at, until_at=now + given.until_at)
    with transaction(shop.conn) as conn:
        return book.add(conn, moved, actor="kaja", now=now)


def tell(shop: Shop, now: float = NOW) -> int:
    """All letters that are due; the number of steps."""
    steps = 0
    while telling.turn(KeptConnection(shop.settings.stored), OPERATOR, BASE, now):
        steps += 1
    return steps


@pytest.mark.parametrize(
    ("kind", "begin_h", "length_h", "taken"),
    [
        (WORK, 0, 24, True),  # a day isn't more than a day
        (WORK, 0, 24.01, False),
        (WORK, 23.99, 48, False),
        (WORK, 24, 48, True),
        (WORK, 240, 300, True),
        (WORK, -5, 30, False),  # it runs already
        (WORK, -5, 6, True),
        (NOTICE, 0, 500, True),
    ],
)
def test_long_work_is_announced_a_day_ahead(
    shop: Shop, kind: AnnouncementKind, begin_h: float, length_h: float, taken: bool
) -> None:
    given = wish(kind, begin_h * HOUR_S, length_h * HOUR_S)
    if taken:
        assert add(shop, given).urgent == ""
        return
    with pytest.raises(RegistryError, match=r"a day before it begins \(R35\).* UTC or later"):
        add(shop, given)
    assert book.listing(shop.conn, NOW) == []
    assert add(shop, replace(given, urgent=" The disk \n fails. ")).urgent == "The disk fails."


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (wish(title=""), "title"),
        (wish(title="x" * 121), "title"),
        (wish(title="a\x1bb"), "title"),
        (wish(text=" \n "), "empty"),
        (wish(text="x" * 4_001), "4000"),
        (wish(text="a\x00b"), "printable"),
        (wish(length=0), "before it begins"),
        (wish(length=-5), "before it begins"),
        (wish(begin=-7_200), "over already"),
        (wish(length=500 * DAY_S), "nearer"),
        (wish(begin=-40 * DAY_S, length=41 * DAY_S), "30 days ago"),
        (wish(urgent="x" * 501), "reason"),
        (wish(tenants=("acme", "acmee")), "acme"),
        (wish(tenants=("acme",) * 501), "500"),
    ],
)
def test_what_can_not_be_taken_leaves_nothing(shop: Shop, given: AnnouncementWish, told: str) -> None:
    with pytest.raises(RegistryError, match=told):
        add(shop, given)
    assert book.listing(shop.conn, NOW) == [] and tell(shop) == 0 and letters(shop) == []


def test_letters_go_once_in_each_tenant_s_language(shop: Shop) -> None:
    with transaction(shop.conn) as conn:
        conn.execute("UPDATE tenant SET language = 'de' WHERE name = 'other'")
    row = add(shop, wish(WORK, 0, 30 * HOUR_S, urgent="<b>It</b> fails."))
    assert row.letters(NOW) is LetterState.WAITING
    assert tell(shop) == 1 and tell(shop) == 0
    english, german = letters(shop, "hello@acme.example"), letters(shop, "hello@other.example")
    assert len(english) == len(german) == 1
    assert english[0].subject == "Planned work: New disks"
    for said in (
        "Example Mail plans work on the mail service from 30 Nov 2026, 00:53 UTC until 1 Dec 2026, 06:53 UTC.",
        "It is sent afterwards.", "Why it can’t wait: <b>It</b> fails.", f"{BASE}/account/announcements/{row.id}",
    ):  # fmt: skip
        assert said in english[0].text
    assert "&lt;b&gt;It&lt;/b&gt;" in english[0].html and "<b>" not in english[0].html
    assert german[0].subject == "Geplante Arbeiten: New disks"
    assert "von 30.11.2026, 00:53 UTC bis 01.12.2026, 06:53 UTC" in german[0].text
    assert book.by_id(shop.conn, row.id).letters(NOW) is LetterState.WRITTEN


def test_named_tenants_alone_are_told_and_a_terminated_one_is_not(shop: Shop) -> None:
    add(shop, wish(tenants=("other", "other")))
    tell(shop)
    assert [one.to for one in letters(shop)] == ["hello@other.example"]
    forget(shop)
    other = tenants.find(shop.conn, "other").id
    with transaction(shop.conn) as conn:
        account.terminate(conn, other, NOW)
    with pytest.raises(RegistryError, match="terminated"):
        add(shop, wish(tenants=("other",)))
    add(shop, wish())
    tell(shop)
    assert [one.to for one in letters(shop)] == ["hello@acme.example"]


def test_a_step_that_is_repeated_leaves_out_and_repeats_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "STEP", 1)
    row = add(shop, wish())
    assert telling.turn(KeptConnection(shop.settings.stored), OPERATOR, BASE, NOW)
    with pytest.raises(ZeroDivisionError), transaction(shop.conn) as conn:  # the process ends amid one
        assert telling.step(conn, OPERATOR, BASE, NOW)
        raise ZeroDivisionError
    assert len(letters(shop)) == 1 and book.by_id(shop.conn, row.id).told_at is None
    tell(shop)
    assert sorted(one.to for one in letters(shop)) == ["hello@acme.example", "hello@other.example"]


def test_who_was_told_is_told_of_the_withdrawal(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "STEP", 1)
    row = add(shop, wish(WORK))
    assert telling.turn(KeptConnection(shop.settings.stored), OPERATOR, BASE, NOW)  # acme alone
    with transaction(shop.conn) as conn:
        row = book.withdraw(conn, row, reason="The disks are late.", actor="kaja", now=NOW)
        with pytest.raises(RegistryError, match="withdrawn already"):
            book.withdraw(conn, row, actor="kaja", now=NOW)
    assert (row.state(NOW), row.letters(NOW)) == (AnnouncementState.WITHDRAWN, LetterState.STOPPED)
    tell(shop)
    # Both have the same moment, and their ids come as chance has it.
    told = {one.subject: one for one in letters(shop)}
    assert sorted(told) == ["Planned work: New disks", "Withdrawn: New disks"]
    assert {one.to for one in told.values()} == {"hello@acme.example"}
    taken_back = told["Withdrawn: New disks"].text
    assert "It doesn’t take place so." in taken_back and "Reason: The disks are late." in taken_back
    over = add(shop, wish())
    assert over.letters(NOW + 2 * HOUR_S) is LetterState.STOPPED and tell(shop, NOW + 2 * HOUR_S) == 0
    with transaction(shop.conn) as conn, pytest.raises(RegistryError, match="over already"):
        book.withdraw(conn, over, actor="kaja", now=NOW + 2 * HOUR_S)
    assert {row[0] for row in shop.conn.execute("SELECT action FROM audit WHERE action LIKE 'announcement-%'")} == {
        "announcement-made",
        "announcement-withdrawn",
    }


def test_bands_by_time_tenant_and_log_in(shop: Shop) -> None:
    ann, ben = (person(shop, f"{name}{time.monotonic_ns()}@acme.example", "viewer", shop.tenant_id) for name in "ab")
    ids = [int(shop.value("SELECT id FROM login WHERE shown = ?", one.email)) for one in (ann, ben)]
    other = tenants.find(shop.conn, "other").id
    work, notice = add(shop, wish(WORK, 5 * HOUR_S)), add(shop, wish(begin=2 * HOUR_S, tenants=("acme",)))

    def seen(tenant_id: int, login_id: int, after_h: float) -> list[int]:
        found = book.bands(shop.conn, tenant_id, login_id, NOW + after_h * HOUR_S, 3)
        return [one.id for one in found]

    assert seen(shop.tenant_id, ids[0], 0) == [work.id]  # a notice from its begin on
    assert seen(shop.tenant_id, ids[0], 2.5) == [notice.id, work.id]
    assert seen(shop.tenant_id, ids[0], 3) == [work.id] and seen(shop.tenant_id, ids[0], 6) == []
    assert seen(other, ids[0], 2.5) == [work.id]
    with transaction(shop.conn) as conn:
        book.put_away(conn, work, ids[0])
        book.put_away(conn, work, ids[0])
    assert seen(shop.tenant_id, ids[0], 0) == [] and seen(shop.tenant_id, ids[1], 0) == [work.id]


def test_old_ones_are_forgotten(shop: Shop) -> None:
    add(shop, wish(), NOW - 100 * DAY_S)
    kept = add(shop, wish())
    with transaction(shop.conn) as conn:
        assert book.forget(conn, NOW - 50 * DAY_S) == 1 and book.forget(conn, NOW - 50 * DAY_S) == 0
    assert [one.id for one in book.listing(shop.conn, NOW)] == [kept.id]


def test_there_are_bounds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "MOST_OPEN", 2)
    for _ in range(2):
        add(shop, wish())
    with pytest.raises(RegistryError, match="withdraw some"):
        add(shop, wish())
    assert add(shop, wish(), NOW + DAY_S)  # those are over


def day(after_s: float) -> str:
    """As a browser's field has it."""
    return time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + after_s))


def form(**given: str) -> dict[str, str]:
    words = {"kind": "work", "title": "New disks", "text": "Mail waits.", "from": day(3_600), "until": day(7_200)}
    return {**words, "tenants": "", "urgent": "", **given}


def test_from_the_desk_to_the_account(shop: Shop, served: Served) -> None:
    with (
        signed_in(served, person(shop, f"o{time.monotonic_ns()}@relay.example", "operator")) as desk,
        signed_in(served, person(shop, f"v{time.monotonic_ns()}@acme.example", "viewer", shop.tenant_id)) as client,
    ):
        refused = desk.post("/desk/announcements", data=form(until=day(3 * DAY_S), title='"><b>'))
        assert refused.status_code == 422 and "a day before it begins" in refused.text
        assert (
            'value="&#34;&gt;&lt;b&gt;"' in refused.text and "Mail waits." in refused.text
        )  # nothing is written twice
        assert "no time" in desk.post("/desk/announcements", data=form(until="soon")).text
        assert "say until when" in desk.post("/desk/announcements", data=form(until="")).text
        assert "did you mean" in desk.post("/desk/announcements", data=form(tenants="acme, othr")).text
        assert desk.post("/desk/announcements", data=form(kind="x")).status_code == 422
        path = desk.post("/desk/announcements", data=form(tenants="acme")).headers["location"]
        number = path.rpartition("/")[2]
        assert "being written" in desk.get(path).text and "New disks" in desk.get("/desk/announcements").text
        page = client.get("/account/campaigns").text
        assert 'class="band work"' in page and f'href="/account/announcements/{number}"' in page and " UTC" in page
        assert 'name="back" value="/account/campaigns"' in page
        away = f"/account/announcements/{number}/away"
        assert client.post(away, data={"back": "/account/campaigns"}).headers["location"] == "/account/campaigns"
        for back in ("//evil.example/", "https://evil.example/", "/desk/", "/account/\\evil", ""):
            assert client.post(away, data={"back": back}).headers["location"] == "/account/"
        assert 'class="band' not in client.get("/account/campaigns").text
        assert "New disks" in client.get("/account/announcements").text
        assert "Mail waits." in client.get(f"/account/announcements/{number}").text
        assert desk.post(f"{path}/withdraw", data={"reason": "Late."}).status_code == 303
        assert desk.post(f"{path}/withdraw").status_code == 422
        assert "Reason: Late." in client.get(f"/account/announcements/{number}").text
        with signed_in(served, person(shop, f"s{time.monotonic_ns()}@relay.example", "support")) as support:
            listed = support.get("/desk/announcements").text
            assert "New disks" in listed and 'id="announce"' not in listed
            assert support.post("/desk/announcements", data=form()).status_code == 403


def asked(served: Served, token: str, path: str) -> httpx.Response:
    return served.client.get(f"/v1/announcements{path}", headers={"authorization": f"Bearer {token}"})


def test_by_api_each_tenant_reads_its_own(shop: Shop, served: Served) -> None:
    now = time.time()
    _, token = shop.add_tenant(f"t{time.monotonic_ns()}")
    mine, everyone = add(shop, wish(tenants=("acme",)), now), add(shop, wish(WORK, 7_200, text="For all."), now)
    add(shop, wish(), now - DAY_S)  # over
    first = asked(served, shop.token, "?limit=1").json()
    (work,) = first["announcements"]
    assert (work["number"], work["kind"], work["state"], work["text"]) == (everyone.id, "work", "coming", "For all.")
    assert work["begins_at"].endswith("Z") and work["withdrawn_at"] is None
    second = asked(served, shop.token, f"?cursor={first['next']}").json()
    assert [one["number"] for one in second["announcements"]] == [mine.id] and second["next"] is None
    assert len(asked(served, shop.token, "?state=all").json()["announcements"]) == 3
    assert asked(served, shop.token, f"/{mine.id}").json()["state"] == "now"
    assert [one["number"] for one in asked(served, token, "").json()["announcements"]] == [everyone.id]
    for path in (f"/{mine.id}", "/999999"):
        assert asked(served, token, path).status_code == 404
    assert asked(served, token, "?state=x").status_code == 422 and asked(served, token, "?cursor=x").status_code == 422


def test_by_command(tmp_path: Path) -> None:
    def invoke(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(
            relay, [*(("-c", str(tmp_path / "relay.toml")) if words[0] != "init" else ()), *words]
        )
        return result.exit_code, result.output if result.exit_code else result.stdout

    assert invoke("init", "--dir", str(tmp_path), "--dev")[0] == 0
    assert invoke("tenant", "add", "shop", "--contact", "hello@shop.example")[0] == 0
    words = ("announce", "add", "--kind", "work", "--title", "New disks", "--text", "Mail waits.")
    later, far = f"{day(3_600)}Z", f"{day(3 * DAY_S)}+00:00"
    status, said = invoke(*words, "--from", later, "--until", far)
    assert status == 1 and "--urgent" in said and "R35" in said
    assert invoke(*words)[0] == 2  # until when?
    assert invoke(*words, "--until", "soon")[0] == 2
    assert invoke(*words, "--until", far, "--tenant", "shopp", "--urgent", "x")[0] == 1
    made = json.loads(invoke(*words, "--from", later, "--until", far, "--urgent", "It fails.", "--json")[1])
    assert (made["number"], made["state"], made["for"], made["urgent"]) == (1, "coming", "all", "It fails.")
    assert made["letters"] == "waiting" and made["from_at"].endswith("Z")
    named = json.loads(invoke(*words, "--until", f"{day(600)}", "--tenant", "shop", "--json")[1])
    assert (named["state"], named["for"]) == ("now", ["shop"])
    assert len(json.loads(invoke("announce", "list", "--json")[1])) == 2
    assert json.loads(invoke("announce", "withdraw", "2", "--reason", "Late.", "--json")[1])["withdrawn_why"] == "Late."
    assert invoke("announce", "withdraw", "2")[0] == 1 and invoke("announce", "show", "3")[0] == 1
    assert len(json.loads(invoke("announce", "list", "--json")[1])) == 1
    assert len(json.loads(invoke("announce", "list", "--state", "all", "--json")[1])) == 2
    assert "New disks" in invoke("announce", "show", "1")[1]
