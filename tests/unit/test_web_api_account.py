"""Suppressions, campaigns, figures, plan and domains by API; and which scope of a token may what."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from relay.campaigns import counts, numbering
from relay.store.database import transaction
from relay.tenants import api_tokens, domains, tenants
from relay.tenants.lookup import LookupFailed, within
from relay.web.api.scopes import needed
from tests.support.web import Served, Shop, serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("account"), dns={"nameservers": ["127.0.0.1:9"], "timeout": 0.2})


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


def ask(shop: Shop, served: Served, method: str, path: str, body: object = None, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {more.pop('token', shop.token)}"}
    return served.client.request(method, f"/v1{path}", headers=headers, json=body, **more)


def word(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


# --- suppressions -----------------------------------------------------------------------------------


def test_a_suppression_is_added_listed_and_lifted(shop: Shop, served: Served) -> None:
    made = ask(shop, served, "POST", "/suppressions", {"email": "Ann@Example.com", "detail": "asked by phone"})
    assert (made.status_code, made.json()) == (201, {"email": "ann@example.com", "reason": "hand", "changed": True})
    again = ask(shop, served, "POST", "/suppressions", {"email": "ann@example.com"})
    assert again.json()["changed"] is False
    (row,) = ask(shop, served, "GET", "/suppressions", params={"email": "ANN@example.com"}).json()["suppressions"]
    assert (row["email"], row["reason"], row["topic"], row["detail"]) == (
        "ann@example.com", "hand", None, "asked by phone",
    )  # fmt: skip
    lifted = ask(shop, served, "DELETE", "/suppressions", params={"email": "ann@example.com", "why": "mistake"})
    assert lifted.json() == {"email": "ann@example.com", "lifted": ["hand"]}
    gone = ask(shop, served, "DELETE", "/suppressions", params={"email": "ann@example.com", "why": "mistake"})
    assert (gone.status_code, word(gone)) == (409, "not-suppressed")


def test_what_a_person_ended_is_not_lifted(shop: Shop, served: Served) -> None:
    shop.consent("left@example.com", "news")
    assert ask(
        shop, served, "POST", "/suppressions", {"email": "left@example.com", "reason": "unsubscribed"}
    ).is_success
    answer = ask(shop, served, "DELETE", "/suppressions", params={"email": "left@example.com", "why": "please"})
    assert (answer.status_code, word(answer)) == (409, "not-suppressed")
    assert "double opt-in" in answer.json()["detail"]


def test_many_in_and_out(shop: Shop, served: Served) -> None:
    _, token = shop.add_tenant("many")
    people = [{"email": f"p{number:03}@example.com", "reason": "hard-bounce"} for number in range(250)]
    body = {"suppressions": [*people, {"email": "no@"}, people[0]]}
    done = ask(shop, served, "POST", "/suppressions/import", body, token=token)
    found = done.json()
    assert (done.status_code, found["added"], found["refused"], len(found["results"])) == (200, 250, 1, 252)
    assert found["results"][250]["problem"]["status"] == 422 and not found["results"][251]["suppression"]["changed"]
    listed: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = ask(shop, served, "GET", "/suppressions", params=params, token=token).json()
        listed += [one["email"] for one in page["suppressions"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert listed == [one["email"] for one in people]
    lines = ask(shop, served, "GET", "/suppressions/export", token=token).text.splitlines()
    assert [json.loads(line)["email"] for line in lines] == listed
    table = ask(shop, served, "GET", "/suppressions/export", params={"format": "csv"}, token=token)
    assert table.headers["content-disposition"] == 'attachment; filename="suppressions.csv"'
    assert table.text.splitlines()[0] == "email,reason,topic,since_at,detail" and len(table.text.splitlines()) == 251


@pytest.mark.parametrize(
    ("method", "path", "body", "params", "fields"),
    [
        ("POST", "/suppressions", {"email": 5, "reason": "bored", "x": 1}, {}, {"body.email", "body.reason", "body.x"}),
        ("POST", "/suppressions", {}, {}, {"body.email"}),
        ("POST", "/suppressions/import", {"suppressions": []}, {}, {"body.suppressions"}),
        ("DELETE", "/suppressions", None, {"email": "ann@example.com"}, {"query.why"}),
        ("GET", "/suppressions", None, {"reason": "bored", "limit": "0"}, {"query.reason", "query.limit"}),
        ("GET", "/stats", None, {"by": "minute", "since": "soon"}, {"query.by", "query.since"}),
        ("POST", "/domains", {"name": ""}, {}, {"body.name"}),
        ("POST", "/campaigns/1/stop", {}, {}, {"body.reason"}),
        ("GET", "/campaigns/x", None, {}, {"path.id"}),
    ],
)
def test_each_wrong_field_is_named_all_at_once(
    shop: Shop, served: Served, method: str, path: str, body: object, params: dict[str, str], fields: set[str]
) -> None:
    before = shop.dump()
    answer = ask(shop, served, method, path, body, params=params)
    assert answer.status_code == 422 and {one["field"] for one in answer.json()["errors"]} == fields, answer.text
    assert shop.dump() == before


@pytest.mark.parametrize(
    "path", ["/suppressions", "/campaigns", "/stats", "/quota", "/domains", "/events", "/webhooks"]
)
def test_a_misspelt_parameter_is_no_answer_of_something_else(shop: Shop, served: Served, path: str) -> None:
    answer = ask(shop, served, "GET", path, params={"emial": "x"})
    assert (answer.status_code, word(answer)) == (422, "invalid") and "emial" in answer.json()["detail"]


# --- campaigns, figures, plan -----------------------------------------------------------------------


def campaign(shop: Shop, name: str, state: str = "open", tenant_id: int = 0) -> int:
    owner = tenant_id or shop.tenant_id
    with transaction(shop.conn) as conn:
        row = conn.execute("SELECT min(id) FROM stream WHERE tenant_id = ?", (owner,)).fetchone()
        stream_id = (
            row[0]
            or conn.execute(
                "INSERT INTO stream (tenant_id, name, kind, consent, created_at)"
                " VALUES (?, 'bulk', 'bulk', 'required', 0) RETURNING id",
                (owner,),
            ).fetchone()[0]
        )
        made = numbering.for_message(
            conn, owner, stream_id, name, explicit=True, topic="news", from_address="a@acme.example", subject="Hello",
            now=time.time(),
        )  # fmt: skip
        conn.execute("UPDATE campaign SET state = ?, recipients = 10 WHERE id = ?", (state, made.id))
        counts.ended(conn, made.id, 7, 2, 9)
    return made.id


def test_campaigns_are_listed_shown_and_stopped(shop: Shop, served: Served) -> None:
    ids = [campaign(shop, f"c{number}", "released" if number % 2 else "staged") for number in range(5)]
    page = ask(shop, served, "GET", "/campaigns", params={"limit": 3}).json()
    rest = ask(shop, served, "GET", "/campaigns", params={"cursor": page["next"]}).json()
    assert [one["id"] for one in page["campaigns"] + rest["campaigns"]] == ids[::-1] and rest["next"] is None
    one = ask(shop, served, "GET", f"/campaigns/{ids[0]}").json()
    assert (one["name"], one["state"], one["accepted"], one["delivered"], one["bounced"]) == ("c0", "staged", 10, 7, 2)
    for id_ in ids[:2]:
        stopped = ask(shop, served, "POST", f"/campaigns/{id_}/stop", {"reason": "wrong price"})
        assert (stopped.status_code, stopped.json()["state"], stopped.json()["why"]) == (200, "stopped", "wrong price")
        again = ask(shop, served, "POST", f"/campaigns/{id_}/stop", {"reason": "wrong price"})
        assert (again.status_code, word(again)) == (409, "decided")
    rival, token = shop.add_tenant("rival")
    theirs = campaign(shop, "theirs", tenant_id=rival)
    for method, path, body in (("GET", "", None), ("POST", "/stop", {"reason": "x"})):
        assert ask(shop, served, method, f"/campaigns/{theirs}{path}", body).status_code == 404
    assert len(ask(shop, served, "GET", "/campaigns", token=token).json()["campaigns"]) == 1


def test_figures_by_campaign_day_tag_and_site(shop: Shop, served: Served) -> None:
    rival, token = shop.add_tenant("figures")
    campaign(shop, "autumn", tenant_id=rival)
    day = int(time.time() // 86_400)
    shop.conn.execute(
        "INSERT INTO daily (tenant_id, day, stream_id, kind, value) VALUES (?1, ?2, 1, 'accepted', 5),"
        " (?1, ?2, 1, 'delivered', 4), (?1, ?2, 1, 'returned', 1), (?1, ?2, 1, 'expired', 1),"
        " (?1, ?3, 1, 'accepted', 9)",
        (rival, day, day - 40),
    )
    zero = "deferred held unsubscribed complained contested refused opened opened_human clicked clicked_human"
    row = dict.fromkeys(zero.split(), 0)
    found = ask(shop, served, "GET", "/stats", token=token).json()
    today = time.strftime("%Y-%m-%d", time.gmtime(day * 86_400))
    assert found["rows"] == [{"key": today, "accepted": 5, "delivered": 3, "bounced": 2, **row}]
    found = ask(shop, served, "GET", "/stats", params={"by": "campaign"}, token=token).json()
    assert found["rows"] == [{"key": "autumn", "accepted": 10, "delivered": 7, "bounced": 2, **row}]
    for by in ("tag", "site"):
        assert ask(shop, served, "GET", "/stats", params={"by": by}, token=token).json()["rows"] == []
    far = ask(shop, served, "GET", "/stats", params={"by": "tag", "since": "2020-01-01"}, token=token)
    assert (far.status_code, word(far)) == (422, "invalid")


def test_the_plan_and_what_is_used(shop: Shop, served: Served) -> None:
    found = ask(shop, served, "GET", "/quota").json()
    assert (found["plan"], found["messages_used"], found["messages_limit"]) == ("free", 0, 3000)
    assert found["subscribers_limit"] == 300 and found["renews_at"].endswith("Z")


# --- domains ----------------------------------------------------------------------------------------


def test_a_domain_is_claimed_and_told_what_is_missing(shop: Shop, served: Served) -> None:
    made = ask(shop, served, "POST", "/domains", {"name": "News.Example.COM"})
    assert made.status_code == 201 and made.json()["name"] == "news.example.com"
    purposes = {record["purpose"] for record in made.json()["records"]}
    assert {"dkim", "return-path", "spf", "dmarc"} <= purposes and len(made.json()["selectors"]) == 2
    assert ask(shop, served, "GET", "/domains/news.example.com").json() == made.json()
    assert [one["name"] for one in ask(shop, served, "GET", "/domains").json()["domains"]] == ["news.example.com"]
    asked = ask(shop, served, "POST", "/domains/news.example.com/verify")
    assert asked.status_code in (409, 503), asked.text
    twice = ask(shop, served, "POST", "/domains", {"name": "news.example.com"})
    assert (twice.status_code, word(twice)) == (422, "domain")


@pytest.mark.parametrize(
    "name", ["com", "co.uk", "relay.example.com", "localhost", "127.0.0.1", "a b.example", "x" * 250]
)
def test_what_cannot_be_claimed(shop: Shop, served: Served, name: str) -> None:
    answer = ask(shop, served, "POST", "/domains", {"name": name})
    assert (answer.status_code, word(answer)) == (422, "domain")


def test_another_tenants_domain_is_not_there(shop: Shop, served: Served) -> None:
    assert ask(shop, served, "GET", "/domains/nobody.example.org").status_code == 404
    assert ask(shop, served, "POST", "/domains/nobody.example.org/verify").status_code == 404


def test_who_has_a_domain_is_told_to_nobody_else(shop: Shop, served: Served) -> None:
    """A tenant sees nothing of another, its name neither (R25a)."""
    shop.add_tenant("secretive")
    with transaction(shop.conn) as conn:
        theirs = domains.add(conn, shop.secrets, tenants.find(conn, "secretive"), "taken.example", actor="t", now=1.0)
        domains.mark_verified(conn, theirs, "dns", actor="test", now=1.0)
    answer = ask(shop, served, "POST", "/domains", {"name": "taken.example"})
    assert (answer.status_code, word(answer)) == (422, "domain")
    assert "another customer's" in answer.text and "secretive" not in answer.text


def test_who_waits_for_dns_waits_not_long() -> None:
    now, asked = [0.0], list[str]()

    def slow(name: str, kind: str) -> list[str]:
        asked.append(name)
        now[0] += 2
        return []

    bounded = within(slow, 3, lambda: now[0])
    assert bounded("a", "TXT") == [] and bounded("b", "TXT") == []
    with pytest.raises(LookupFailed, match="longer than 3 s"):
        bounded("c", "TXT")
    assert asked == ["a", "b"]


# --- scopes -----------------------------------------------------------------------------------------

WHO_MAY: dict[str, tuple[str, ...]] = {
    "GET /events": ("read",),
    "GET /webhooks": ("read",),
    "GET /webhooks/wh_9": ("read",),
    "GET /webhooks/wh_9/tries": ("read",),
    "POST /webhooks": ("admin",),
    "PATCH /webhooks/wh_9": ("admin",),
    "DELETE /webhooks/wh_9": ("admin",),
    "POST /webhooks/wh_9/test": ("admin",),
    "POST /webhooks/wh_9/replay": ("admin",),
    "POST /webhooks/wh_9/rotate": ("admin",),
    "GET /announcements": ("read",),
    "GET /announcements/1": ("read",),
    "GET /suppressions": ("consents", "read"),
    "GET /suppressions/export": ("consents", "read"),
    "POST /suppressions": ("consents",),
    "POST /suppressions/import": ("consents",),
    "DELETE /suppressions": ("consents",),
    "GET /campaigns": ("read",),
    "GET /campaigns/9": ("read",),
    "POST /campaigns/9/stop": ("admin",),
    "GET /stats": ("read",),
    "GET /quota": ("read",),
    "GET /domains": ("read",),
    "GET /domains/x.example": ("read",),
    "POST /domains": ("admin",),
    "POST /domains/x.example/verify": ("admin",),
    "GET /consents": ("consents", "read"),
    "POST /consents": ("consents",),
    "DELETE /consents": ("consents",),
    "GET /contests": ("consents", "read"),
    "GET /contests/9": ("consents", "read"),
    "POST /contests/9/answer": ("consents",),
    "POST /contests/9/concede": ("consents",),
    "GET /topics": ("consents", "read"),
    "POST /topics": ("consents",),
    "GET /forms": ("consents", "read"),
    "POST /forms": ("consents",),
}
"""Request → scopes of which one is enough; each cell is asked of the running API."""


@pytest.fixture(scope="module")
def tokens(shop: Shop) -> dict[str, str]:
    tenant_id, _ = shop.add_tenant("scoped")
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, tenant_id)
        return {
            scope: api_tokens.add(conn, shop.secrets, owner, scope, scopes=[scope], actor="test", now=1.0)[1]
            for scope in api_tokens.SCOPES
        }


@pytest.mark.parametrize("request_", WHO_MAY)
def test_who_may_what(shop: Shop, served: Served, tokens: dict[str, str], request_: str) -> None:
    method, _, path = request_.partition(" ")
    assert needed(method, path) == frozenset(WHO_MAY[request_])
    for scope, token in tokens.items():
        body: object = {} if method in ("POST", "PATCH") else None
        answer = ask(shop, served, method, path, body, token=token)
        assert (answer.status_code != 403) == (scope in WHO_MAY[request_]), (scope, answer.text)


def test_the_table_has_every_request_but_those_for_messages(shop: Shop, served: Served) -> None:
    listed = {tuple(one.split(" ")) for one in WHO_MAY}
    shapes = {(method, path.split("/")[1]) for method, path in listed}
    paths = served.client.get("/v1/openapi.json").json()["paths"]
    elsewhere = {"messages", "templates", "statements", "brakes"}
    there = {(method.upper(), path.split("/")[1]) for path, methods in paths.items() for method in methods}
    missing = {one for one in there - shapes if one[1] not in elsewhere and one[0] in ("GET", "POST")}
    assert missing == set()
