"""``/v1/webhooks`` through a real socket, called by the HTTP process itself; and ``relay webhook``."""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from relay.events import write
from relay.store.database import transaction
from relay.webhooks import book
from tests.support.hook import Hook, reply, threaded
from tests.support.inside import person, signed_in
from tests.support.peers import until
from tests.support.web import Served, Shop, serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("hooks"), webhooks={"allow_private": True})


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture
def hook() -> Iterator[Hook]:
    with threaded() as hook:
        yield hook


def ask(shop: Shop, served: Served, method: str, path: str = "", body: object = None, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {more.pop('token', shop.token)}", **more.pop("headers", {})}
    return served.client.request(method, f"/v1/webhooks{path}", headers=headers, json=body, **more)


def happens(shop: Shop, number: int) -> None:
    with transaction(shop.conn) as conn:
        for index in range(number):
            write.of_account(conn, shop.tenant_id, "suppressed", {"recipient": f"p{index}@x.example"}, 1.0)


def test_a_webhook_from_its_making_to_its_end(shop: Shop, served: Served, hook: Hook) -> None:
    made = ask(shop, served, "POST", body={"url": hook.url, "events": ["suppressed"]})
    assert made.status_code == 201, made.text
    webhook = made.json()
    path = f"/{webhook['id']}"
    secret = webhook.pop("secret")
    assert webhook["events"] == ["suppressed"] and webhook["state"] == "active"
    assert ask(shop, served, "GET", path).json() == webhook
    assert ask(shop, served, "GET").json() == {"webhooks": [webhook]}
    assert ask(shop, served, "POST", body={"url": hook.url}).json()["type"].endswith("/exists")

    happens(shop, 5)
    until(lambda: len(hook.taken) == 5, "events didn't come")
    assert len({Webhook(secret).verify(taken.body, taken.headers)["id"] for taken in hook.taken}) == 5
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(hook.taken[0].body + b" ", hook.taken[0].headers)
    until(lambda: len(ask(shop, served, "GET", f"{path}/tries").json()["tries"]) == 5, "tries aren't on record")
    page = ask(shop, served, "GET", f"{path}/tries", params={"limit": 2}).json()
    rest = ask(shop, served, "GET", f"{path}/tries", params={"cursor": page["next"]}).json()
    assert (len(page["tries"]), len(rest["tries"]), rest["next"]) == (2, 3, None)
    assert page["tries"][0]["status"] == 200 and page["tries"][0]["says"] == "ok"

    told = ask(shop, served, "POST", f"{path}/test").json()
    assert (told["ok"], told["status"], told["resumed"]) == (True, 200, False)
    assert json.loads(hook.taken[5].body)["type"] == "webhook.test"
    hook.answer = lambda taken: reply(500, b"out of order")
    told = ask(shop, served, "POST", f"{path}/test").json()
    assert (told["ok"], told["status"], told["says"]) == (False, 500, "out of order")
    hook.answer = lambda taken: reply(204, b"")

    event = json.loads(hook.taken[0].body)["id"]
    again = ask(shop, served, "POST", f"{path}/replay", {"events": [event]})
    assert (again.status_code, again.json()) == (202, {"queued": 1})
    until(lambda: len(hook.taken) == 8, "the replay didn't come")
    assert hook.taken[7].headers["webhook-id"] == event

    new = ask(shop, served, "POST", f"{path}/rotate").json()
    assert new["secret"] != secret and len(new["public_keys"]) == 2
    happens(shop, 1)
    until(lambda: len(hook.taken) == 9, "nothing came after the rotation")
    for one in (secret, new["secret"]):
        Webhook(one).verify(hook.taken[8].body, hook.taken[8].headers)

    changed = ask(shop, served, "PATCH", path, {"events": []}).json()
    assert changed["events"] == [] and changed["url"] == hook.url
    assert ask(shop, served, "DELETE", path).status_code == 204
    assert ask(shop, served, "GET", path).status_code == 404
    assert ask(shop, served, "GET").json() == {"webhooks": []}


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({}, 422, "url"),
        ({"url": 5}, 422, "url"),
        ({"url": ""}, 422, "url"),
        ({"url": "ftp://x.example/"}, 422, "https://"),
        ({"url": "https://u:p@x.example/"}, 422, "password"),
        ({"url": "https://x.example/", "events": "delivered"}, 422, "events"),
        ({"url": "https://x.example/", "events": ["opend"]}, 422, "did you mean"),
        ({"url": "https://x.example/", "secret": "mine"}, 422, "secret"),
        ({"url": 5, "events": 6, "more": 7}, 422, "body.url"),
        ([], 422, "body"),
    ],
)
def test_what_is_wrong_is_told_by_name(shop: Shop, served: Served, body: object, status: int, named: str) -> None:
    before = shop.dump()
    answer = ask(shop, served, "POST", body=body)
    assert (answer.status_code, named in answer.json()["detail"]) == (status, True), answer.text
    assert shop.dump() == before


def test_all_wrong_fields_are_told_at_once(shop: Shop, served: Served) -> None:
    answer = ask(shop, served, "POST", body={"url": 5, "events": 6, "more": 7})
    assert {error["field"] for error in answer.json()["errors"]} == {"body.url", "body.events", "body.more"}


def test_another_tenants_is_not_there(shop: Shop, served: Served, hook: Hook) -> None:
    _, other = shop.add_tenant("rival")
    made = ask(shop, served, "POST", body={"url": f"{hook.url}&rival"}, token=other).json()
    calls = [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate"), ("GET", "/tries")]
    for method, path in [*calls, ("POST", "/replay")]:
        body: object = {} if method == "PATCH" or path == "/replay" else None
        answer = ask(shop, served, method, f"/{made['id']}{path}", body)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "not-found"), (method, path)
    assert ask(shop, served, "DELETE", f"/{made['id']}", token=other).status_code == 204


@pytest.mark.parametrize("id_", ["x", "wh_", "wh_x", "wh_99999999999999999999", "wh_-1", "wh_1%20", "0", "%00"])
def test_other_words_are_no_webhooks(shop: Shop, served: Served, id_: str) -> None:
    assert ask(shop, served, "GET", f"/{id_}").status_code == 404


@pytest.mark.parametrize(
    ("body", "named"),
    [({}, "which events"), ({"events": ["evt_1"]}, "no id"), ({"since": "yesterday"}, "body.since"), ({"x": 1}, "x")],
)
def test_a_replay_says_which(shop: Shop, served: Served, hook: Hook, body: object, named: str) -> None:
    made = ask(shop, served, "POST", body={"url": f"{hook.url}&{id(body)}"}).json()
    answer = ask(shop, served, "POST", f"/{made['id']}/replay", body)
    assert answer.status_code == 422 and named in answer.json()["detail"]
    ask(shop, served, "DELETE", f"/{made['id']}")


def test_no_secret_is_stored_as_it_is(shop: Shop, served: Served, hook: Hook) -> None:
    made = ask(shop, served, "POST", body={"url": f"{hook.url}&s"}, headers={"Idempotency-Key": "k1"}).json()
    key = made["secret"].removeprefix("whsec_")
    assert key not in shop.dump()
    assert not any(key in zlib.decompress(row[0]).decode() for row in shop.conn.execute("SELECT body FROM idempotency"))
    ask(shop, served, "DELETE", f"/{made['id']}")


def test_the_account_tries_it_and_sends_events_once_more(shop: Shop, served: Served, hook: Hook) -> None:
    with transaction(shop.conn) as conn:
        for old in book.of_tenant(conn, shop.tenant_id):
            book.remove(conn, old, actor="test", now=time.time())
        row, _ = book.add(
            conn, shop.secrets, shop.tenant_id, hook.url, ["suppressed"], allow_private=True, actor="test",
            now=time.time(),
        )  # fmt: skip
    path = f"/account/keys/webhooks/{row.id}"
    with signed_in(served, person(shop, "hooks@acme.example", "owner", shop.tenant_id)) as owner:
        assert 'id="answer"' not in owner.get(path).text
        page = owner.post(f"{path}/test").text
        assert "It answered 200 within" in page and json.loads(hook.taken[-1].body)["type"] == "webhook.test"
        hook.answer = lambda taken: reply(500, b"<b>ill</b>")
        page = owner.post(f"{path}/test").text
        assert "answer well:" in page and "500" in page and "<b>ill" not in page
        happens(shop, 5)
        assert "own ids: 0." in owner.post(f"{path}/replay").text  # nothing failed as yet
        all_since = {"which": "since", "since": "1970-01-01T00:00"}
        assert re.search(r"own ids: [1-9]\d*\.", owner.post(f"{path}/replay", data=all_since).text)
        again = shop.value("SELECT count(*) FROM webhook_again WHERE webhook_id = ?", row.id)
        assert again >= 5
        for wrong in ("", "yesterday", "<b>"):
            assert owner.post(f"{path}/replay", data={"which": "since", "since": wrong}).status_code == 422, wrong
    with signed_in(served, person(shop, "edits@acme.example", "editor", shop.tenant_id)) as editor:
        assert editor.post(f"{path}/test").status_code == editor.post(f"{path}/replay").status_code == 403
