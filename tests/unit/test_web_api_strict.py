"""What no request of the API may be: misspelt, compressed, in another encoding; and HEAD is GET without its body."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.responses import Response

from relay.web.api.models import Given
from relay.web.api.models_messages import MailboxIn, MessageIn
from relay.web.api.once import Key
from relay.web.api.straight import Straight, StraightRoute
from relay.web.api.strict import fields_of
from relay.web.context import Context
from tests.support.web import Served, Shop, serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("strict"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture
def bearer(shop: Shop) -> dict[str, str]:
    return {"Authorization": f"Bearer {shop.token}"}


def test_no_route_ignores_a_parameter_that_it_doesnt_know(served: Served, bearer: dict[str, str]) -> None:
    """Else a filter that is misspelt shows, or changes, something else."""
    document = served.client.get("/v1/openapi.json").json()
    asked = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            filled = path
            for one in operation.get("parameters", ()):
                if one["in"] == "path":
                    filled = filled.replace(f"{{{one['name']}}}", "1")
            answer = served.client.request(
                method, f"/v1{filled}?recipent=x", headers={**bearer, "content-type": "application/json"}, content=b"{}"
            )
            assert answer.status_code in (415, 422), (method, path, answer.text)
            asked += 1
    assert asked > 40


@pytest.mark.parametrize(
    "path", ["/messages", "/messages?limit=1", "/events", "/quota", "/consents?email=a@b.example", "/suppressions",
             "/stats?by=day", "/stats?by=tag&since=3277-01-31", "/stats?by=site&since=9999-12-31",
             "/templates", "/topics", "/forms", "/webhooks", "/campaigns", "/domains", "/contests"]
)  # fmt: skip
def test_what_it_knows_is_taken(served: Served, bearer: dict[str, str], path: str) -> None:
    assert served.client.get(f"/v1{path}", headers=bearer).status_code == 200


TOPIC = {"name": "strict"}


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (gzip.compress(json.dumps(TOPIC).encode(), mtime=0), {"content-encoding": "gzip"}, 415, "Content-Encoding"),
        (json.dumps(TOPIC).encode(), {"content-encoding": "br"}, 415, "Content-Encoding"),
        (json.dumps(TOPIC).encode("utf-16"), {}, 422, "UTF-8"),
        (json.dumps(TOPIC).encode("utf-16-le"), {}, 422, "UTF-8"),
        (json.dumps(TOPIC).encode("utf-32"), {}, 422, "UTF-8"),
        ('{"name": "ä"}'.encode("latin-1"), {}, 400, "UTF-8"),
        (b"[" * 100_000, {}, 400, "depth"),
        (b'{"name": ' + b"9" * 5000 + b"}", {}, 400, "numbers"),
        (b'{"name": "a", "name": "b"}', {}, 422, ""),
        (b'{"name": "a"} {}', {}, 422, "JSON"),
        (b"name=a", {"content-type": "application/x-www-form-urlencoded"}, 415, "JSON"),
        (b"{}", {"content-type": "application/vnd.api+json"}, 415, "JSON"),
    ],
)
def test_bodies_are_json_in_utf8_and_nothing_is_stored_of_others(
    shop: Shop, served: Served, bearer: dict[str, str], body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    before = shop.dump()
    sent = {**bearer, "content-type": "application/json", **headers}
    answer = served.client.post("/v1/topics", content=body, headers=sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert shop.dump() == before


def test_identity_is_no_encoding_and_a_mark_at_the_beginning_does_no_harm(
    served: Served, bearer: dict[str, str]
) -> None:
    sent = {**bearer, "content-type": "application/json; charset=utf-8", "content-encoding": "identity"}
    answer = served.client.post("/v1/topics", content=b"\xef\xbb\xbf" + json.dumps(TOPIC).encode(), headers=sent)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("path", ["/quota", "/messages", "/openapi.json", "/docs", "/nothing", "/messages/1"])
def test_head_is_get_without_the_body(served: Served, bearer: dict[str, str], path: str) -> None:
    got = served.client.get(f"/v1{path}", headers=bearer)
    head = served.client.head(f"/v1{path}", headers=bearer)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "content-length"):
        assert head.headers.get(name) == got.headers.get(name)


def test_head_needs_a_token_too_and_changes_nothing(shop: Shop, served: Served, bearer: dict[str, str]) -> None:
    assert served.client.head("/v1/quota").status_code == 401
    before = shop.dump()
    assert served.client.head("/v1/consents/batch", headers=bearer).status_code == 405
    assert shop.dump() == before


def test_two_keys_are_none(shop: Shop, served: Served, bearer: dict[str, str]) -> None:
    before = shop.dump()
    fields = [*bearer.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = served.client.post("/v1/topics", json=TOPIC, headers=fields)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "invalid")
    assert shop.dump() == before


@pytest.mark.parametrize(
    "body", [b"To: a@b.example\r\n\r\nx", b"<html>", b"", b"From: a@b.example\r\nSubject: a\rb\r\n\r\nx"]
)
def test_what_is_no_message_is_told_in_words_alone(served: Served, bearer: dict[str, str], body: bytes) -> None:
    sent = {**bearer, "content-type": "message/rfc822"}
    answer = served.client.post("/v1/messages/raw?to=a@b.example", content=body, headers=sent)
    assert answer.json()["type"].endswith("/malformed")
    assert "5.6.0" not in answer.text and "a@b.example" in answer.text


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("Message-ID", "<a@b>", True), ("message-id", " <x.y-1@host.example> ", True), ("Message-ID", "abc", False),
        ("Message-ID", "<abc>", False), ("Message-ID", "<a@b> <c@d>", False), ("Message-ID", "<a b@c>", False),
        ("Message-ID", "<>", False), ("Date", "Mon, 30 Nov 2026 00:00:00 +0000", True), ("Date", "yesterday", False),
        ("Date", "2026-11-30", False), ("In-Reply-To", "anything at all", True),
    ],
)  # fmt: skip
def test_fields_that_others_rely_on_are_well_formed(name: str, value: str, good: bool) -> None:
    given = {"from": "a@b.example", "to": "c@d.example", "subject": "x", "text": "x", "headers": {name: value}}
    if good:
        assert MessageIn.model_validate(given).headers == {name: value}
    else:
        with pytest.raises(ValueError, match="not well-formed"):
            MessageIn.model_validate(given)


# --- messages, whose routes are read without FastAPI (relay.web.api.straight) --------------


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/batch"])
@pytest.mark.parametrize(
    ("body", "headers", "query", "status", "says"),
    [
        (b"", {}, "", 422, "body"),
        (b"null", {}, "", 422, "body"),
        (b"[]", {}, "", 422, "body"),
        (b'"text"', {}, "", 422, "body"),
        (b"{", {}, "", 422, "is no JSON"),
        (b"{} {}", {}, "", 422, "is no JSON"),
        (b"{'a': 1}", {}, "", 422, "is no JSON"),
        (b"\xef\xbb\xbf{}", {}, "", 422, "body."),
        (b'{"a": 1, "a": 2}', {}, "", 422, "stands in an object twice"),
        (b'{"a": NaN}', {}, "", 422, "NaN"),
        (b'{"a": "\xff"}', {}, "", 400, "UTF-8"),
        (b"[" * 100_000, {}, "", 400, "depth"),
        (b'{"a": ' + b"9" * 5000 + b"}", {}, "", 400, "numbers"),
        (b"{}", {"content-type": "text/plain"}, "", 415, "JSON"),
        (b"{}", {"content-type": ""}, "", 415, "JSON"),
        (json.dumps({}).encode("utf-16"), {}, "", 422, "UTF-8"),
        (b"{}", {}, "?dry_run=true", 422, "dry_run"),
        (b"{}", {}, "?", 422, "body."),
        (b"{}", {"idempotency-key": "a b"}, "", 422, "header.Idempotency-Key"),
        (b"{}", {"idempotency-key": "a" * 405}, "", 422, "header.Idempotency-Key"),
        (b"{}", {"idempotency-key": '"ok"', "content-type": 'application/json; charset="utf-8"'}, "", 422, "body."),
    ],
)
def test_messages_are_read_as_strictly(
    shop: Shop, served: Served, bearer: dict[str, str], path: str, body: bytes, headers: dict[str, str], query: str,
    status: int, says: str,
) -> None:  # fmt: skip
    before = shop.dump()
    given = {**bearer, "content-type": "application/json", **headers}
    answer = served.client.post(f"{path}{query}", headers=given, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json" and says in answer.text
    assert shop.dump() == before


def test_faults_of_head_and_body_are_told_together(served: Served, bearer: dict[str, str]) -> None:
    given = {"from": "x", "to": [], "subject": "a\r\nb", "colour": "red"}
    answer = served.client.post("/v1/messages", headers={**bearer, "idempotency-key": "a b"}, json=given)
    assert {one["field"] for one in answer.json()["errors"]} >= {
        "header.Idempotency-Key", "body.from.email", "body.to", "body.subject", "body.colour",
    }  # fmt: skip


def test_an_unexpected_error_is_answered_and_told_to_the_guard() -> None:
    router, seen = APIRouter(route_class=StraightRoute), list[Exception]()

    @router.post("/things")
    async def take(request: Request, given: MailboxIn, key: Key = None) -> Response:
        raise RuntimeError("a secret")

    async def told(_: Request, error: Exception) -> Response:
        seen.append(error)
        return Response("sorry", 500)

    app = Starlette()
    app.state.context = context = Context.__new__(Context)
    object.__setattr__(context, "clock", time.time)
    straight = Straight(app, [router], {Exception: told})

    async def asked(*, quiet: bool) -> httpx.Response:
        transport = httpx.ASGITransport(straight, raise_app_exceptions=not quiet)
        async with httpx.AsyncClient(transport=transport, base_url="http://relay.test") as client:
            return await client.post("/things", json={"email": "a@b.example"})

    assert asyncio.run(asked(quiet=True)).text == "sorry"
    assert [str(error) for error in seen] == ["a secret"]
    with pytest.raises(RuntimeError, match="a secret"):
        asyncio.run(asked(quiet=False))


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("PUT", 405), ("DELETE", 405)])
def test_other_methods_of_their_paths_go_the_usual_way(
    served: Served, bearer: dict[str, str], method: str, status: int
) -> None:
    answer = served.client.request(method, "/v1/messages", headers=bearer)
    assert answer.status_code == status
    assert status == 200 or answer.headers["allow"] == "GET, POST"


def _models() -> list[type[Given]]:
    found, waiting = list[type[Given]](), [Given]
    while waiting:
        found += (more := waiting.pop().__subclasses__())
        waiting += more
    return sorted(set(found), key=lambda one: one.__name__)


def test_what_may_be_left_out_may_be_null_and_the_document_says_so(served: Served) -> None:
    schemas = served.client.get("/v1/openapi.json").json()["components"]["schemas"]
    models = [one for one in _models() if one.__name__ in schemas]
    assert len(models) > 20
    for model in models:
        schema = schemas[model.__name__]
        optional = [name for name in schema["properties"] if name not in schema.get("required", ())]
        for name in optional:
            kinds = schema["properties"][name].get("anyOf", ())
            assert {"type": "null"} in kinds or name == "data", (model, name, schema["properties"][name])
        wrong = _wrong(model, {}), _wrong(model, dict.fromkeys(optional))
        assert wrong[0] == wrong[1], model
        assert _wrong(model, dict.fromkeys(schema["properties"])) == wrong[0], model


def _wrong(model: type[Given], given: dict[str, None]) -> list[tuple[str, str]]:
    try:
        model.model_validate(given)
    except ValidationError as error:
        return fields_of(error)
    return []


@pytest.mark.parametrize(
    ("path", "given", "says"),
    [
        ("messages", {"subject": "x" * 901}, "body.subject: is too long: it has 901, at most 900 are allowed"),
        ("messages", {"cc": [None]}, "body.cc.0: must be an object"),
        ("messages", {"from": None}, "body.from: is missing"),
        ("messages", {"headers": []}, "body.headers: must be an object"),
        ("messages", [], "body: must be an object"),
        ("messages/batch", {"messages": ["x"]}, "body.messages.0: must be an object"),
        ("suppressions", {"email": "a@b.example", "reason": "dislike"}, "body.reason: is none of unsubscribed, hard-"),
        ("suppressions", {"email": None, "reason": None}, "body.email: is missing"),
        ("topics", "news", "body: must be an object"),
        ("topics", {"name": 5}, "body.name: must be a string"),
        ("topics", {"name": "x" * 101}, "body.name: is too long: at most 100 are allowed"),
        ("messages", {"to": []}, "body.to: is empty"),
        ("messages", {"meta": {f"k{n}": "v" for n in range(21)}}, "body.meta: is too long: it has 21, at most 20 are"),
        ("messages", {"of_mine": 1}, "body.of_mine: is no field of this request"),
        ("messages", {"send_at": "2026-06-31T10:00:00Z"}, "body.send_at: is no time such as 2026-01-31T12:00:00Z"),
        ("messages", {"send_at": "2026-06-30T10:00:00+99:00"}, "body.send_at: is no time such as 2026-01-31T12:00:00Z"),
    ],
)
def test_faults_are_told_in_words_of_json(
    served: Served, bearer: dict[str, str], path: str, given: object, says: str
) -> None:
    answer = served.client.post(f"/v1/{path}", headers=bearer, json=given)
    assert answer.status_code == 422
    assert any(f"{one['field']}: {one['error']}".startswith(says) for one in answer.json()["errors"]), answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("messages?campaign=a&campaign=b", 422), ("messages?limit=1&limit=2", 422), ("stats?by=day&by=tag", 422),
        ("events?tag=a&tag=a", 422), ("events?type=accepted&type=refused", 200), ("messages?campaign=a&tag=b", 200),
    ],
)  # fmt: skip
def test_a_parameter_of_one_value_is_given_once(served: Served, bearer: dict[str, str], path: str, status: int) -> None:
    """Else which of them counts is anybody's guess."""
    assert served.client.get(f"/v1/{path}", headers=bearer).status_code == status
