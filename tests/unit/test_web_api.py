"""``/v1/consents`` through a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from relay.mail.address import parse_address
from relay.store.database import transaction
from relay.tenants import api_tokens, tenants
from relay.web.api import consent_list
from tests.support.web import Served, Shop, serving

GOOD = {"topic": "newsletter", "source": "sign-up form on acme.example", "wording": "Yes, write to me."}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def call(served: Served, token: str, method: str, body: object = None, **params: str) -> tuple[int, dict[str, Any]]:
    answer = served.client.request(method, "/v1/consents", headers=bearer(token), params=params, json=body)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()


def test_a_consent_is_recorded_listed_and_withdrawn(shop: Shop, served: Served) -> None:
    more = {"ip": "203.0.113.5", "page": "https://acme.example/join", "at": "2026-01-02T03:04:05+02:00"}
    status, consent = call(served, shop.token, "POST", {"email": "Mary@Example.COM", **GOOD, **more})
    assert status == 201
    assert consent["email"] == "mary@example.com"
    assert (consent["live"], consent["means"], consent["ip"]) == (True, "api", "203.0.113.5")
    assert consent["given_at"] == "2026-01-02T01:04:05Z"
    assert call(served, shop.token, "GET", email="mary@example.com") == (200, {"consents": [consent], "next": None})
    status, done = call(served, shop.token, "DELETE", email="MARY@example.com", topic="newsletter")
    assert (status, done) == (200, {"email": "mary@example.com", "topic": "newsletter", "changed": True})
    assert call(served, shop.token, "DELETE", email="mary@example.com", topic="newsletter")[1]["changed"] is False
    assert call(served, shop.token, "GET", email="mary@example.com")[1]["consents"][0]["live"] is False


def test_who_unsubscribed_is_not_added_again(shop: Shop, served: Served) -> None:
    call(served, shop.token, "POST", {"email": "gone@example.com", **GOOD})
    assert call(served, shop.token, "DELETE", {"email": "gone@example.com"})[1]["topic"] is None
    before = shop.dump()
    status, problem = call(served, shop.token, "POST", {"email": "gone@example.com", **GOOD})
    assert status == 409
    assert problem["type"] == "https://relay.example.com/v1/problems/unsubscribed"
    assert shop.dump() == before


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"source": "unknown"}, "source"),
        ({"source": ""}, "source"),
        ({"source": "bought from a broker"}, "source"),
        ({"topic": "*"}, "topic"),
        ({"topic": " "}, "topic"),
        ({"wording": " "}, "wording"),
        ({"email": "no-at-sign"}, "address"),
        ({"email": "a\r\nb@example.com"}, "address"),
        ({"email": "\ud800@example.com"}, "invalid"),
        ({"email": None}, "invalid"),
        ({"ip": "1.2.3"}, "invalid"),
        ({"at": "2026-01-02T03:04:05"}, "invalid"),
        ({"at": "2999-01-01T00:00:00Z"}, "time"),
        ({"surprise": 1}, "invalid"),
        ({"wording": "x" * 30_000}, "invalid"),
    ],
)
def test_bad_consents_are_refused_with_a_reason(
    shop: Shop, served: Served, change: dict[str, object], word: str
) -> None:
    before = shop.dump()
    body = {"email": "new@example.com", **GOOD, **change}
    answer = served.client.post(
        "/v1/consents",
        headers={**bearer(shop.token), "content-type": "application/json"},
        content=json.dumps(body).encode(),
    )
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"].rpartition("/")[2] == word
    assert problem["detail"]
    assert served.client.get(problem["type"].removeprefix("https://relay.example.com")).json()["status"] == 422
    assert shop.dump() == before


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"[" * 200_000, b'{"email":' * 50_000, b"\xff\xfe", b'"text"', b"1e999999"],
    ids=["empty", "open", "list", "null", "deep-list", "deep-object", "not-utf8", "text", "number"],
)
def test_a_body_that_is_no_consent_is_a_problem(shop: Shop, served: Served, content: bytes) -> None:
    answer = served.client.post(
        "/v1/consents", headers={**bearer(shop.token), "content-type": "application/json"}, content=content
    )
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic {}", "Bearer {}x", "bearer x{}", "{}"])
def test_without_a_live_token_nothing_is_told(shop: Shop, served: Served, header: str) -> None:
    for path in ("/v1/consents", "/v1/nothing", "/v1/"):
        answer = served.client.get(path, headers={"Authorization": header.format(shop.token)})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["type"].endswith("/unauthorized")


def test_a_revoked_token_ends_with_the_next_request(shop: Shop, served: Served) -> None:
    with transaction(shop.conn):
        tenant = tenants.add(shop.conn, "short", parse_address("a@short.example"), actor="test", now=1.0)
        _, token = api_tokens.add(shop.conn, shop.secrets, tenant, "one", actor="test", now=1.0)
    assert call(served, token, "GET")[0] == 200
    with transaction(shop.conn):
        api_tokens.revoke(shop.conn, tenant, "one", actor="test", now=2.0)
    assert call(served, token, "GET")[0] == 401


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (("send",), "GET", "/v1/consents", 403),
        (("send",), "POST", "/v1/consents", 403),
        (("read",), "GET", "/v1/consents", 200),
        (("read",), "POST", "/v1/consents", 403),
        (("read",), "DELETE", "/v1/consents", 403),
        (("read", "send"), "POST", "/v1/topics", 403),
        (("consents",), "GET", "/v1/topics", 200),
        (("consents",), "POST", "/v1/consents", 422),
        (("admin",), "POST", "/v1/consents", 403),
        (("consents", "read"), "POST", "/v1/messages", 403),
        (("consents",), "GET", "/v1/nothing", 403),
        (("read",), "GET", "/v1/nothing", 404),
    ],
)
def test_a_token_is_good_for_its_scopes_alone(
    shop: Shop, served: Served, scopes: tuple[str, ...], method: str, path: str, status: int
) -> None:
    with transaction(shop.conn) as conn:
        owner = tenants.find(conn, "acme")
        _, token = api_tokens.add(conn, shop.secrets, owner, scopes=scopes, actor="test", now=1.0)
    answer = served.client.request(method, path, headers=bearer(token), json={} if method == "POST" else None)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["type"].endswith("/scope") and "needs the scope" in answer.json()["detail"]


def test_another_tenants_data_is_out_of_reach(shop: Shop, served: Served) -> None:
    other_id, other = shop.add_tenant("rival")
    person = shop.consent("theirs@example.com", "secret-topic", tenant_id=other_id)
    assert call(served, shop.token, "GET", email="theirs@example.com")[1]["consents"] == []
    assert call(served, shop.token, "GET", topic="secret-topic")[0] == 422
    assert call(served, shop.token, "DELETE", email="theirs@example.com")[0] == 404
    call(served, shop.token, "POST", {"email": "mine@example.com", **GOOD})
    assert call(served, shop.token, "DELETE", email="mine@example.com", topic="secret-topic")[0] == 404
    assert shop.live(person) == {"secret-topic"}
    assert [c["email"] for c in call(served, other, "GET")[1]["consents"]] == ["theirs@example.com"]


def test_a_list_comes_in_pages_without_gap_or_repeat(shop: Shop, served: Served) -> None:
    tenant_id, token = shop.add_tenant("pager")
    expected = []
    for number in range(7):
        for topic in ("a", "b"):
            shop.consent(f"p{number}@example.com", topic, tenant_id=tenant_id)
            expected.append((f"p{number}@example.com", topic))
    for limit in ("1", "3", "14", "1000"):
        found, cursor = [], None
        while True:
            _, page = call(served, token, "GET", limit=limit, **({} if cursor is None else {"cursor": cursor}))
            found += [(c["email"], c["topic"]) for c in page["consents"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert found == expected
    only_b = call(served, token, "GET", topic="b")[1]["consents"]
    assert len(only_b) == 7 and {c["topic"] for c in only_b} == {"b"}


@pytest.mark.parametrize("scanned", [2, 3, 7, 8])
def test_a_topic_that_few_have_is_found_over_short_pages(
    shop: Shop, served: Served, monkeypatch: pytest.MonkeyPatch, scanned: int
) -> None:
    monkeypatch.setattr(consent_list, "SCANNED", scanned)
    tenant_id, token = shop.add_tenant(f"few{scanned}")
    for number in range(7):
        shop.consent(f"p{number}@example.com", "many", tenant_id=tenant_id)
    for number in (0, 3, 4, 6):
        shop.consent(f"p{number}@example.com", "few", tenant_id=tenant_id)
    for limit in ("1", "2", "100"):
        found, cursor, pages = [], None, 0
        while pages < 20:
            more: dict[str, str] = {} if cursor is None else {"cursor": cursor}
            _, page = call(served, token, "GET", topic="few", limit=limit, **more)
            found += [c["email"] for c in page["consents"]]
            cursor, pages = page["next"], pages + 1
            if cursor is None:
                break
        assert found == [f"p{number}@example.com" for number in (0, 3, 4, 6)]


@pytest.mark.parametrize("cursor", ["x", "e30", "WzEsMiwzXQ", "é", "WyJhIiwxZTk5OSwiYiJd"])
def test_a_made_up_cursor_is_refused(shop: Shop, served: Served, cursor: str) -> None:
    status, problem = call(served, shop.token, "GET", cursor=cursor)
    assert (status, problem["type"].rpartition("/")[2]) == (422, "cursor")


@pytest.mark.parametrize(
    ("params", "body", "status"),
    [
        ({}, None, 422),
        ({"email": "nobody@example.com"}, None, 404),
        ({"email": "x"}, None, 422),
        ({"email": "a@example.com"}, {"email": "a@example.com"}, 422),
        ({}, {"email": "nobody@example.com", "topic": "x"}, 404),
        ({}, {"mail": "nobody@example.com"}, 422),
    ],
)
def test_withdrawals_that_name_nobody(
    shop: Shop, served: Served, params: dict[str, str], body: object, status: int
) -> None:
    before = shop.dump()
    assert call(served, shop.token, "DELETE", body, **params)[0] == status
    assert shop.dump() == before


def test_wrong_path_and_method_are_problems(shop: Shop, served: Served) -> None:
    assert served.client.get("/v1/nothing", headers=bearer(shop.token)).json()["status"] == 404
    answer = served.client.put("/v1/consents", headers=bearer(shop.token))
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert set(answer.headers["allow"].split(", ")) <= {"GET", "POST", "DELETE"}


def test_openapi_is_open_and_describes_what_is_there(served: Served) -> None:
    document = served.client.get("/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert document["servers"] == [{"url": "https://relay.example.com/v1"}]
    operations = document["paths"]["/consents"]
    assert set(operations) == {"get", "post", "delete"}
    for operation in operations.values():
        for status, answer in operation["responses"].items():
            wanted = "application/problem+json" if status >= "400" else "application/json"
            assert list(answer["content"]) == [wanted]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    names = json.dumps(document)
    assert "HTTPValidationError" not in names
