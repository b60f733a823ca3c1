"""The operator's desk through a real socket: what waits, its content in a frame, deciding, tenants."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import httpx
import pytest

from relay.accounts import activity, logins
from relay.audit.prove import Prover
from relay.audit.sequence import sequence
from relay.campaigns import campaigns
from relay.conduct import enforcement, statements, tenant_notes
from relay.lists import runs
from relay.queue.operator import Operator
from relay.store.database import transaction
from relay.tenants import tenants
from tests.support.inside import Person, held_campaign, person, signed_in
from tests.support.web import Served, Shop, serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(scope="module")
def operator(shop: Shop) -> Person:
    return person(shop, "operator@relay.example", "operator")


@pytest.fixture(scope="module")
def desk(served: Served, operator: Person) -> Iterator[httpx.Client]:
    with signed_in(served, operator) as client:
        yield client


@pytest.fixture
def tenant_id(shop: Shop, request: pytest.FixtureRequest) -> int:
    """Each test's own customer, with markup in what people read of it."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:50].strip("-")
    found, _ = shop.add_tenant(name)
    return found


def audited(shop: Shop, tenant_id: int) -> list[tuple[str, str]]:
    rows = shop.conn.execute("SELECT action, actor FROM audit WHERE tenant_id = ? ORDER BY id", (tenant_id,))
    return [(row[0], row[1]) for row in rows]


def test_what_waits_stands_with_figures_reasons_and_content(
    shop: Shop, served: Served, desk: httpx.Client, operator: Person, tenant_id: int
) -> None:
    id_ = held_campaign(shop, tenant_id, subject="Autumn <i>offer</i>")
    front = desk.get("/desk/")
    assert f'href="/desk/campaigns/{id_}"' in front.text and "Autumn &lt;i&gt;offer&lt;/i&gt;" in front.text
    page = desk.get(f"/desk/campaigns/{id_}")
    for said in ("9.09 %, between 5.48 and 13.99 %", "a list that is new here", "dead addresses 18 of 198",
                 "https://shop.example/sale", "hidden words", "hello@shop.example"):  # fmt: skip
        assert said in page.text, said
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    row = logins.find(shop.conn, operator.email)
    assert activity.of_login(shop.conn, row.id, None, 1)[0].detail == f"campaign {id_}: content"  # who read it is known


def test_the_content_has_no_network_no_script_and_no_way_out(shop: Shop, desk: httpx.Client, tenant_id: int) -> None:
    id_ = held_campaign(shop, tenant_id)
    answer = desk.get(f"/desk/campaigns/{id_}/content")
    policy = answer.headers["content-security-policy"].split("; ")
    wanted = {"sandbox", "default-src 'none'", "frame-ancestors 'self'", "form-action 'none'"}
    assert wanted <= {*policy}
    assert answer.headers["x-frame-options"] == "SAMEORIGIN" and answer.headers["referrer-policy"] == "no-referrer"
    assert "<h1 style=" in answer.text and "Twenty percent off" in answer.text
    for gone in ("<script", "<iframe", "<link", "<base", "<form", "<svg", "onload", "onclick", "href=",
                 "onerror", "alert(4)", "owned"):  # fmt: skip
        assert gone not in answer.text, gone
    assert 'src="https' not in answer.text


def test_a_release_lets_go_and_is_on_record(shop: Shop, desk: httpx.Client, operator: Person, tenant_id: int) -> None:
    id_ = held_campaign(shop, tenant_id)
    answer = desk.post(f"/desk/campaigns/{id_}/release", data={"reason": "known sender"})
    assert answer.headers["location"] == f"/desk/campaigns/{id_}"
    row = campaigns.by_id(shop.conn, id_)
    assert (row.state, row.why, row.decided_by, campaigns.held(shop.conn, id_)) == (
        "released", "known sender", operator.email, 0
    )  # fmt: skip
    assert ("campaign-released", operator.email) in audited(shop, tenant_id)
    assert desk.post(f"/desk/campaigns/{id_}/release").status_code == 422  # twice: it says so, and changes nothing
    assert f"campaign {id_} is released already" in desk.post(f"/desk/campaigns/{id_}/release").text
    page = desk.get(f"/desk/campaigns/{id_}").text
    assert 'id="release"' not in page and 'id="decline"' in page


def test_a_decline_needs_a_reason_drops_the_copies_and_tells_the_tenant(
    shop: Shop, desk: httpx.Client, tenant_id: int
) -> None:
    id_ = held_campaign(shop, tenant_id)
    assert desk.post(f"/desk/campaigns/{id_}/decline", data={"reason": "  "}).status_code == 422
    assert campaigns.by_id(shop.conn, id_).state == "undecided"
    assert desk.post(f"/desk/campaigns/{id_}/decline", data={"reason": "bought list"}).status_code == 303
    assert (campaigns.by_id(shop.conn, id_).state, campaigns.held(shop.conn, id_)) == ("declined", 0)
    letters = [body for (body,) in shop.conn.execute("SELECT template FROM body")]
    assert any(b"bought list" in one and b"declined" in one for one in letters)


def test_a_stop_holds_what_is_left(shop: Shop, desk: httpx.Client, operator: Person, tenant_id: int) -> None:
    id_ = held_campaign(shop, tenant_id, state="released")
    assert desk.post(f"/desk/campaigns/{id_}/stop", data={}).status_code == 422
    assert desk.post(f"/desk/campaigns/{id_}/stop", data={"reason": "a trap was hit"}).status_code == 303
    row = campaigns.by_id(shop.conn, id_)
    assert (row.state, row.why) == ("stopped", "a trap was hit")
    assert ("campaign-stopped", operator.email) in audited(shop, tenant_id)
    assert desk.post(f"/desk/campaigns/{id_}/stop", data={"reason": "x"}).status_code == 422


@pytest.mark.parametrize("id_", ["0", "999999", "-1", "x", "9" * 40, "1%00", "٣"])
def test_campaigns_that_arent_there(desk: httpx.Client, id_: str) -> None:
    for path in (f"/desk/campaigns/{id_}", f"/desk/campaigns/{id_}/content"):
        assert desk.get(path).status_code == 404


def test_tenants_are_found_by_a_part_of_what_is_known_of_them(shop: Shop, desk: httpx.Client) -> None:
    for number in range(60):
        shop.add_tenant(f"many-{number:02}")
    first = desk.get("/desk/tenants", params={"q": "MANY-"})
    assert first.text.count('href="/desk/tenants/many-') == 50
    more = re.search(r'href="(\?after=many-49[^"]*)" rel="next"', first.text)
    assert more is not None
    rest = desk.get("/desk/tenants" + more[1].replace("&amp;", "&"))
    assert rest.text.count('href="/desk/tenants/many-') == 10 and 'rel="next"' not in rest.text
    for odd in ("%", "_", "!", "'", '"><script>', "\\", "no-such", "x" * 500):
        answer = desk.get("/desk/tenants", params={"q": odd})
        assert answer.status_code == 200 and "<script>" not in answer.text
        assert 'href="/desk/tenants/' not in answer.text, odd


def test_what_is_done_to_a_tenant_is_done_told_and_on_record(
    shop: Shop, desk: httpx.Client, operator: Person, tenant_id: int
) -> None:
    name = tenants.by_id(shop.conn, tenant_id).name
    id_ = held_campaign(shop, tenant_id, state="released")
    page = f"/desk/tenants/{name}"

    def do(deed: str, **data: str) -> int:
        return desk.post(f"{page}/{deed}", data=data).status_code

    assert do("warn") == 422 and do("warn", reason="<b>too many</b> dead addresses") == 303
    assert "&lt;b&gt;too many&lt;/b&gt;" in desk.get(page).text
    assert do("freeze", reason="spam") == 303
    assert tenants.by_id(shop.conn, tenant_id).freeze == "bulk"
    assert do("freeze", reason="worse", all="yes") == 303
    assert tenants.by_id(shop.conn, tenant_id).freeze == "all" and 'id="freeze-all"' not in desk.get(page).text
    assert do("unfreeze") == 303 and do("unfreeze") == 422
    assert do("establish", reason="a customer of ten years") == 303
    assert do("plan", plan="medium") == 303 and do("plan", plan="no-such") == 422
    assert tenants.by_id(shop.conn, tenant_id).plan == "medium"
    assert do("terminate", reason="fraud") == 422 and do("terminate", reason="fraud", sure="other") == 422
    assert do("terminate", reason="fraud", sure=name) == 303
    assert campaigns.held(shop.conn, id_) == 0 and 'id="reinstate"' in desk.get(page).text
    assert do("unfreeze", reason="x") == 422  # as the command says it
    assert do("reinstate", reason="an error of ours") == 303
    assert do("explode", reason="x") == 404
    wanted = {"tenant-warned", "tenant-frozen", "tenant-unfrozen", "tenant-established", "plan-set",
              "tenant-terminated", "tenant-reinstated"}  # fmt: skip
    assert {action for action, actor in audited(shop, tenant_id) if actor == operator.email} >= wanted
    row = logins.find(shop.conn, operator.email)
    done = [one.detail for one in activity.of_login(shop.conn, row.id, None, 100) if one.action == "did"]
    assert f"tenant {name}: terminate" in done


def test_where_the_list_is_from_stands_beside_the_figures(shop: Shop, desk: httpx.Client, tenant_id: int) -> None:
    id_ = held_campaign(shop, tenant_id)
    assert "No list was handed in" in desk.get(f"/desk/campaigns/{id_}").text
    with transaction(shop.conn) as conn:
        (topic,) = conn.execute(
            "INSERT INTO topic (tenant_id, name) VALUES (?, 'news') RETURNING id", (tenant_id,)
        ).fetchone()
        for number in (1, 2):
            run = runs.begin(
                conn, tenant_id, topic, at=1e9, file=f"<fair>{number}.csv", sha256="0" * 64, source="the fair & more",
                actor="t",
            )  # fmt: skip
            runs.ended(conn, run, 1234 * number)
        conn.execute("INSERT INTO import_fate (import_id, kind, value) VALUES (?, 'complained', 17)", (run,))
    page = desk.get(f"/desk/campaigns/{id_}").text
    assert page.index("&lt;fair&gt;2.csv") < page.index("&lt;fair&gt;1.csv") and "the fair &amp; more" in page
    assert "2,468" in page and ">17</td>" in page


def test_loops_that_report_are_listed(shop: Shop, desk: httpx.Client) -> None:
    assert "loop has reported anything yet" in desk.get("/desk/reports").text
    with transaction(shop.conn) as conn:
        conn.execute("INSERT INTO rate_reporter (site, at) VALUES ('mail.example', 1700000000)")
    page = desk.get("/desk/reports").text
    assert "mail.example" in page and "14 Nov 2023" in page


def test_an_entry_of_the_log_is_proved(shop: Shop, desk: httpx.Client) -> None:
    head = sequence(shop.conn, shop.secrets, time.time)
    page = desk.get("/desk/log").text
    assert head.root.hex() in page and f'href="/desk/log/{head.size - 1}/proof"' in page
    document = desk.get("/desk/log/0/proof")
    assert document.headers["content-disposition"] == 'attachment; filename="proof-0.json"'
    found = document.json()
    assert found == Prover(shop.conn, head).inclusion(0) and found["head"]["root"] == head.root.hex()
    assert desk.get(f"/desk/log/{head.size}/proof").status_code == 422
    assert desk.get("/desk/log/x/proof").status_code == 404


def test_notes_are_for_staff_alone(shop: Shop, served: Served, desk: httpx.Client, tenant_id: int) -> None:
    name = tenants.by_id(shop.conn, tenant_id).name
    page = f"/desk/tenants/{name}"
    assert desk.post(f"{page}/notes", data={"note": "  "}).status_code == 422
    assert desk.post(f"{page}/notes", data={"note": "x" * 2_001}).status_code == 422
    assert desk.post(f"{page}/notes", data={"note": "Called: <b>new list</b>\r\nfrom the fair."}).status_code == 303
    (kept,) = tenant_notes.listing(shop.conn, tenant_id)
    shown = desk.get(page).text
    assert kept.text.endswith("\nfrom the fair.") and "Called: &lt;b&gt;new list&lt;/b&gt;" in shown
    with signed_in(served, person(shop, f"own@{name}.example", "owner", tenant_id)) as owner:
        for path in ("/account/", "/account/plan", "/account/support", "/account/me"):
            assert "new list" not in owner.get(path).text, path
    with signed_in(served, person(shop, f"help@{name}.example", "support")) as helper:
        assert "new list" in helper.get(page).text
        assert helper.post(f"{page}/notes/{kept.id}/remove").status_code == 303
        assert helper.post(f"{page}/notes/{kept.id}/remove").status_code == 422
    assert tenant_notes.listing(shop.conn, tenant_id) == []
    told = [row[0] for row in shop.conn.execute("SELECT detail FROM audit WHERE action LIKE 'tenant-note%'")]
    assert len(told) == 2 and not [one for one in told if "list" in one]  # a note can go for good


def test_a_tenant_that_isnt_there(desk: httpx.Client) -> None:
    for name in ("no-such", "x" * 300, "%27", "..%2f", "<b>"):
        assert desk.get(f"/desk/tenants/{name}").status_code == 404
        assert desk.post(f"/desk/tenants/{name}/warn", data={"reason": "x"}).status_code == 404


def test_reports_and_answers_are_seen_to(shop: Shop, desk: httpx.Client, operator: Person, tenant_id: int) -> None:
    now, name = time.time(), tenants.by_id(shop.conn, tenant_id).name
    with transaction(shop.conn) as conn:
        (report,) = conn.execute(
            "INSERT INTO spam_report (at, network, person, address, message, sender, description, confirmed_at,"
            " outcome) VALUES (?, x'', x'', 'r@people.example', 'pasted <b>mail</b>', 's@x.example', 'why', ?,"
            " 'desk')"
            " RETURNING id",
            (now, now),
        ).fetchone()
        owner = tenants.by_id(conn, tenant_id)
        made = enforcement.warn(conn, Operator("h.example", "H", ()), owner, reason="too many", actor="t", now=now)
        statements.answer(conn, made, "It was an <i>old</i> list.", actor="t", now=now)
    front = desk.get("/desk/reports").text
    assert f'href="/desk/reports/{report}"' in front and f'href="/desk/statements/{made.id}"' in front
    assert "pasted &lt;b&gt;mail&lt;/b&gt;" in desk.get(f"/desk/reports/{report}").text
    assert desk.post(f"/desk/reports/{report}/close").status_code == 422
    assert desk.post(f"/desk/reports/{report}/close", data={"note": "not ours"}).status_code == 303
    page = desk.get(f"/desk/statements/{made.id}", params={"lang": "de"}).text
    assert "It was an &lt;i&gt;old&lt;/i&gt; list." in page
    assert f"<code>{made.action}</code>" not in page and f"conduct.{made.action}" not in page  # in words
    desk.get("/desk/", params={"lang": "en"})
    assert desk.post(f"/desk/statements/{made.id}/decide", data={"text": "It stands."}).status_code == 303
    front = desk.get("/desk/reports").text
    assert f'href="/desk/reports/{report}"' not in front and f'href="/desk/statements/{made.id}"' not in front
    assert statements.by_id(shop.conn, made.id).decided_by == operator.email
    log = desk.get("/desk/log", params={"tenant": name, "action": "tenant-*"}).text
    assert "tenant-warned" in log and "too many" in log
    assert desk.get("/desk/log", params={"tenant": "no-such"}).status_code == 422
    assert "tenant-warned" not in desk.get("/desk/log", params={"action": "no-such"}).text
