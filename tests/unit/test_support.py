"""Messages between tenants and staff: turns, due dates, letters, bounds, and the answer to a statement of reasons."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.cli.main import relay
from relay.conduct import enforcement, statements
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.support import appeals, threads
from relay.support.values import SupportThread, ThreadKind, ThreadState, due
from relay.tenants import tenants
from relay.values.errors import RegistryError
from tests.support.inside import held_campaign, person, signed_in
from tests.support.told import forget, letters
from tests.support.web import Served, Shop, serving

OPERATOR = Operator("relay.example.com", "Example Mail", ("boss@relay.example",))
BASE = "https://relay.example.com"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(
        tmp_path_factory.mktemp("support"),
        operator={"name": "Example Mail", "contact": "help@relay.example", "notify": ["boss@relay.example"]},
    )


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(shop: Shop) -> None:
    with transaction(shop.conn) as conn:
        for table in ("support_post", "support_thread", "statement"):
            conn.execute(f"DELETE FROM {table}")
        conn.execute("DELETE FROM event WHERE kind = 'operator.called'")
        forget(shop)


def begin(shop: Shop, **given: object) -> SupportThread:
    values = {"subject": "A question", "text": "How?", "actor": "ann@acme.example", "now": time.time(), **given}
    with transaction(shop.conn) as conn:
        return threads.open_(conn, OPERATOR, BASE, shop.tenant_id, **values)  # type: ignore[arg-type]


def write(shop: Shop, thread: SupportThread, *, staff: bool, text: str = "So.") -> SupportThread:
    with transaction(shop.conn) as conn:
        return threads.write(conn, OPERATOR, BASE, thread, text, staff=staff, actor="x", now=time.time())


@pytest.mark.parametrize(
    ("kind", "said", "answered"),
    [
        ("question", "2026-11-30T10:00", "2026-12-01T10:00"),  # Monday
        ("question", "2026-12-03T23:59", "2026-12-04T23:59"),
        ("question", "2026-12-04T10:00", "2026-12-07T10:00"),  # Friday
        ("question", "2026-12-05T00:00", "2026-12-08T00:00"),  # Saturday: a whole day from Monday on
        ("question", "2026-12-06T18:00", "2026-12-08T00:00"),
        ("appeal", "2026-12-04T10:00", "2026-12-07T10:00"),
        ("claim", "2026-11-30T10:00", "2026-12-28T10:00"),  # twenty business days are four weeks
        ("claim", "2026-12-05T10:00", "2027-01-04T00:00"),
    ],
)
def test_due_dates_leave_weekends_out(kind: str, said: str, answered: str) -> None:
    at, until = (datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp() for one in (said, answered))
    assert due(ThreadKind(kind), at) == until


def test_turns_and_letters(shop: Shop) -> None:
    thread = begin(shop)
    assert thread.state is ThreadState.STAFF and thread.due_at is not None
    (called,) = letters(shop)
    assert called.to == "boss@relay.example" and "How?" in called.text and f"/desk/support/{thread.id}" in called.text
    again = write(shop, thread, staff=False)
    assert again.due_at == thread.due_at  # a second text doesn't put the answer off
    assert len(letters(shop)) == 1  # nor call again within the hour
    answered = write(shop, again, staff=True, text="Like <b>this</b>.")
    assert (answered.state, answered.due_at) == (ThreadState.TENANT, None)
    told = letters(shop, "hello@acme.example")[0]
    assert (
        "Like <b>this</b>." in told.text and "&lt;b&gt;" in told.html and f"/account/support/{thread.id}" in told.text
    )
    with transaction(shop.conn) as conn:
        assert threads.close(conn, answered, actor="x", now=time.time()).state is ThreadState.CLOSED
        with pytest.raises(RegistryError):
            threads.close(conn, threads.by_id(conn, thread.id), actor="x", now=time.time())
    assert write(shop, threads.by_id(shop.conn, thread.id), staff=False).state is ThreadState.STAFF  # opened again
    assert [(one.staff, one.text) for one in threads.posts(shop.conn, thread.id)] == [
        (False, "How?"), (False, "So."), (True, "Like <b>this</b>."), (False, "So."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {"subject": ""}, {"subject": "x" * 121}, {"subject": "a\x1bb"}, {"text": " \n "}, {"text": "x" * 4_001},
        {"text": "a\x00b"}, {"about": "campaign:999"}, {"about": "tenant:1"}, {"about": "campaign:x"},
        {"about": "statement:1;--"}, {"about": "campaign:" + "9" * 19},
    ],
)  # fmt: skip
def test_what_can_not_be_taken_leaves_nothing(shop: Shop, given: dict[str, str]) -> None:
    with pytest.raises(RegistryError):
        begin(shop, **given)
    assert threads.listing(shop.conn) == [] and letters(shop) == []


def test_numbers_and_sizes_have_bounds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MOST_HOURLY", 3)
    thread = begin(shop)
    for _ in range(2):
        write(shop, thread, staff=False)
    with pytest.raises(RegistryError, match="wait a while"):
        write(shop, thread, staff=False)
    write(shop, thread, staff=True)  # staff isn't braked
    monkeypatch.setattr(threads, "MOST_HOURLY", 100)
    monkeypatch.setattr(threads, "MOST_POSTS", 4)
    with pytest.raises(RegistryError, match="open another"):
        write(shop, thread, staff=True)
    monkeypatch.setattr(threads, "MOST_OPEN", 1)
    with pytest.raises(RegistryError, match="open threads"):
        begin(shop)


def test_what_is_overdue_stands_first_and_search_finds(shop: Shop) -> None:
    now = time.time()
    late, soon = begin(shop, subject="Late 100%", now=now - 9 * 86_400), begin(shop, subject="Soon")
    claim = begin(shop, subject="Claim", kind=ThreadKind.CLAIM)
    assert [one.id for one in threads.waiting(shop.conn, 10)] == [late.id, soon.id, claim.id]
    assert late.overdue(now) and not soon.overdue(now)
    write(shop, soon, staff=True)
    assert [one.id for one in threads.waiting(shop.conn, 10)] == [late.id, claim.id]
    assert [one.id for one in threads.listing(shop.conn, state="tenant")] == [soon.id]
    assert [one.id for one in threads.listing(shop.conn, sought="late 100%")] == [late.id]
    assert threads.listing(shop.conn, sought="100_") == []
    assert [one.id for one in threads.listing(shop.conn, before=claim.id, limit=1)] == [soon.id]


def test_closed_ones_are_forgotten_after_their_time(shop: Shop) -> None:
    thread, other = begin(shop), begin(shop)
    with transaction(shop.conn) as conn:
        threads.close(conn, thread, actor="x", now=1_000.0)
        assert threads.forget(conn, 900.0) == 0
        assert threads.forget(conn, 1_100.0) == 1
    assert [one.id for one in threads.listing(shop.conn)] == [other.id]
    assert threads.posts(shop.conn, thread.id) == []


def warned(shop: Shop) -> statements.Statement:
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, shop.tenant_id)
        return enforcement.warn(conn, OPERATOR, owner, reason="complaints", actor="t", now=time.time())


def test_an_objection_is_a_thread_by_page_api_and_command(shop: Shop, served: Served) -> None:
    made = warned(shop)
    owner = person(shop, f"o{time.monotonic_ns()}@acme.example", "owner", shop.tenant_id)
    with signed_in(served, owner) as client:
        assert f'href="/account/statements/{made.id}"' in client.get("/account/support").text
        assert "complaints" in client.get(f"/account/statements/{made.id}").text
        to = client.post(f"/account/statements/{made.id}/answer", data={"text": "It was not us."}).headers["location"]
        page = client.get(to).text
        assert "It was not us." in page and f"/account/statements/{made.id}" in page
    thread = threads.about(shop.conn, shop.tenant_id, f"statement:{made.id}")
    assert thread is not None and thread.kind is ThreadKind.APPEAL and to == f"/account/support/{thread.id}"
    assert statements.by_id(shop.conn, made.id).answer == "It was not us."
    reviewer = person(shop, f"r{time.monotonic_ns()}@relay.example", "support")
    with signed_in(served, reviewer) as desk:
        assert f'href="/desk/support/{thread.id}"' in desk.get(f"/desk/statements/{made.id}").text
    by_api = served.client.post(
        f"/v1/statements/{made.id}/answer", json={"text": "Really."}, headers={"authorization": f"Bearer {shop.token}"}
    )
    assert by_api.status_code == 200
    with transaction(shop.conn) as conn:
        before = len(letters(shop, "hello@acme.example"))
        appeals.decide(
            conn, OPERATOR, BASE, statements.by_id(conn, made.id), "You are right.", actor="kaja", now=time.time()
        )
    assert len(letters(shop, "hello@acme.example")) == before + 1  # one letter, not two
    said = [(one.staff, one.text) for one in threads.posts(shop.conn, thread.id)]
    assert said == [(False, "It was not us."), (False, "Really."), (True, "You are right.")]
    assert threads.by_id(shop.conn, thread.id).state is ThreadState.TENANT


def test_the_whole_talk_by_pages(shop: Shop, served: Served) -> None:
    campaign = held_campaign(shop, shop.tenant_id)
    ann = person(shop, f"a{time.monotonic_ns()}@acme.example", "editor", shop.tenant_id)
    kaja = person(shop, f"k{time.monotonic_ns()}@relay.example", "support")
    with signed_in(served, ann) as client, signed_in(served, kaja) as desk:
        assert f'href="/account/support?about=campaign:{campaign}"' in client.get(f"/account/campaigns/{campaign}").text
        assert (
            f'name="about" value="campaign:{campaign}"'
            in client.get(f"/account/support?about=campaign:{campaign}").text
        )
        assert client.get("/account/support?about=campaign:999").status_code == 422
        given = {"subject": "Why held?", "text": "Please tell.", "kind": "claim", "about": f"campaign:{campaign}"}
        path = client.post("/account/support", data=given).headers["location"]
        number = path.rpartition("/")[2]
        waiting = desk.get("/desk/support").text
        assert "Why held?" in waiting and "Claim" in waiting
        assert f'href="/desk/campaigns/{campaign}"' in desk.get(f"/desk/support/{number}").text
        assert desk.post(f"/desk/support/{number}/write", data={"text": "Because of bounces."}).status_code == 303
        assert "Staff has answered" in client.get("/account/").text
        assert "Because of bounces." in client.get(path).text
        assert client.post(f"{path}/close").headers["location"] == "/account/support"
        assert client.post(f"{path}/close").status_code == 422
        assert "Why held?" in client.get("/account/support?state=closed&q=WHY").text
        assert "Why held?" not in client.get("/account/support?state=staff").text
        assert (
            client.get("/account/support?state=x").status_code == desk.get("/desk/support?state=x").status_code == 404
        )
        made = desk.post("/desk/support", data={"tenant": "acme", "subject": "Welcome", "text": "Hello."})
        assert "Hello." in client.get(made.headers["location"].replace("/desk", "/account")).text
        assert desk.post("/desk/support", data={"tenant": "none", "subject": "x", "text": "y"}).status_code == 422
    assert {row[0] for row in shop.conn.execute("SELECT action FROM audit WHERE action LIKE 'support-%'")} == {
        "support-written",
        "support-closed",
    }


def test_by_command(tmp_path: Path) -> None:
    def invoke(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(
            relay, [*(("-c", str(tmp_path / "relay.toml")) if words[0] != "init" else ()), *words]
        )
        return result.exit_code, result.output if result.exit_code else result.stdout

    assert invoke("init", "--dir", str(tmp_path), "--dev")[0] == 0
    assert invoke("tenant", "add", "shop", "--contact", "hello@shop.example")[0] == 0
    made = json.loads(invoke("support", "open", "shop", "--subject", "Hello", "--text", "Welcome", "--json")[1])
    assert (made["number"], made["state"], made["due_at"], made["overdue"]) == (1, "tenant", None, False)
    assert invoke("support", "open", "shop", "--subject", "x", "--text", "y", "--about", "campaign:1")[0] == 1
    assert json.loads(invoke("support", "list", "--json")[1]) == []
    assert len(json.loads(invoke("support", "list", "--state", "all", "--find", "HELL", "--json")[1])) == 1
    assert invoke("support", "answer", "1", "--text", "More")[0] == 0
    assert [one["text"] for one in json.loads(invoke("support", "show", "1", "--json")[1])["texts"]] == [
        "Welcome",
        "More",
    ]
    assert invoke("support", "close", "1")[0] == 0 and invoke("support", "close", "1")[0] == 1
    assert invoke("support", "show", "2")[0] == 1
