"""The rest of ``/v1``: many at once, double opt-in, history, export, topics, forms, repeats."""

from __future__ import annotations

import csv
import io
import json
import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.rights.retention import clean
from relay.signup import forms
from relay.signup.forms import FormWish
from relay.store.database import transaction
from relay.tenants import idempotency, tenants
from relay.texts.language import LANGUAGES
from relay.web.api import cursors, messages_sent
from relay.web.problems import TYPES, Problem
from tests.support.peers import until
from tests.support.web import Served, Shop, serving

GOOD = {"topic": "newsletter", "source": "sign-up form on acme.example", "wording": "Yes, write to me."}
FORM = {"name": "footer", "topics": ["newsletter", "offers"], "wording": "Yes, write to me."}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture
def api(shop: Shop, served: Served, request: pytest.FixtureRequest) -> Api:
    """The API as a tenant of the test's own uses it."""
    return Api(shop, served, *shop.add_tenant(f"t{abs(hash(request.node.nodeid)) % 10**12}"))


class Api:
    def __init__(self, shop: Shop, served: Served, tenant_id: int, token: str) -> None:
        self.shop, self.served, self.tenant_id, self.token = shop, served, tenant_id, token

    def raw(self, method: str, path: str, body: object = None, *, key: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        headers |= {"Idempotency-Key": key} if key else {}
        if body is not None:
            more["json"] = body
        answer = self.served.client.request(method, f"/v1{path}", headers=headers, **more)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
            assert answer.json()["title"]
        return answer

    def __call__(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, Any]:
        answer = self.raw(method, path, body, **more)
        return answer.status_code, answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, str]:
        """(status, type) of an answer that changed nothing."""
        before = self.shop.dump()
        status, problem = self(method, path, body, **more)
        assert self.shop.dump() == before
        return status, problem["type"].rpartition("/")[2]

    def form(self, **more: object) -> dict[str, Any]:
        status, made = self("POST", "/forms", {**FORM, **more})
        assert status == 201, made
        assert isinstance(made, dict)
        return made


def test_a_topic_that_nobody_made_is_told_wherever_it_is_named(api: Api) -> None:
    api("POST", "/consents", {"email": "a@example.com", **GOOD})
    for method, path, params, refusal in (
        ("GET", "/consents", {}, (422, "topic")),
        ("GET", "/consents/export", {}, (422, "topic")),
        ("DELETE", "/consents", {"email": "a@example.com"}, (404, "not-found")),
    ):
        wanted = {**params, "topic": "newsleter"}
        assert api.refused(method, path, params=wanted) == refusal
        assert "did you mean 'newsletter'? there are: newsletter" in api(method, path, params=wanted)[1]["detail"]
    assert len(api("GET", "/consents", params={"topic": "newsletter"})[1]["consents"]) == 1


def test_a_body_that_is_no_json_is_told_where(api: Api) -> None:
    answer = api.raw("POST", "/topics", content=b'{"name": }', headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0] == {"field": "body", "error": "is no JSON: Expecting value at character 9"}


# --- many at once ---------------------------------------------------------------------


def test_each_of_many_consents_has_its_result(api: Api) -> None:
    api("POST", "/consents", {"email": "gone@example.com", **GOOD})
    api("DELETE", "/consents", params={"email": "gone@example.com"})
    api("POST", "/topics", {"name": "offers"})
    wanted = [
        ({"email": "a@example.com", **GOOD}, 201, ""),
        ({"email": "gone@example.com", **GOOD}, 409, "unsubscribed"),
        ({"email": "no-at-sign", **GOOD}, 422, "address"),
        ({"email": "b@example.com", **GOOD, "source": "unknown"}, 422, "source"),
        ({"email": "a@example.com", **GOOD, "topic": "offers"}, 201, ""),
    ]
    status, done = api("POST", "/consents/batch", {"consents": [one for one, _, _ in wanted]})
    assert (status, done["recorded"], done["refused"]) == (200, 2, 3)
    for result, (_, code, word) in zip(done["results"], wanted, strict=True):
        assert result["status"] == code
        assert (result["consent"] is None) == bool(word)
        assert not word or result["problem"]["type"].endswith(f"/{word}")
    listed = api("GET", "/consents")[1]["consents"]
    assert {(one["email"], one["topic"]) for one in listed if one["live"]} == {
        ("a@example.com", "newsletter"),
        ("a@example.com", "offers"),
    }


@pytest.mark.parametrize(
    "body",
    [
        {"consents": []},
        {"consents": [{"email": "a@example.com", **GOOD}] * 501},
        {"consents": [{"email": "a@example.com", **GOOD}, {"email": "b@example.com"}]},
        {"consents": [{"email": "a@example.com", **GOOD}, {"email": "b@example.com", **GOOD, "ip": 3}]},
        {"consents": {"email": "a@example.com", **GOOD}},
        {},
    ],
)
def test_a_batch_that_is_not_well_formed_stores_nothing(api: Api, body: object) -> None:
    assert api.refused("POST", "/consents/batch", body) == (422, "invalid")


# --- double opt-in --------------------------------------------------------------------


def test_a_confirmation_mail_is_asked_for_by_form(api: Api) -> None:
    api.form(ask_age=True)
    wish = {"email": "Eva@people.example", "form": "footer", "topics": ["offers"], "old_enough": True}
    status, asked = api("POST", "/consents/opt-in", {**wish, "ip": "203.0.113.9", "page": "https://acme.example/join"})
    assert status == 202
    assert (asked["email"], asked["form"], asked["topics"]) == ("eva@people.example", "footer", ["offers"])
    assert api("GET", "/consents")[1]["consents"] == []  # nobody is subscribed by being asked
    sql = "SELECT evidence FROM opt_in WHERE tenant_id = ?"
    (evidence,) = (json.loads(row[0]) for row in api.shop.conn.execute(sql, (api.tenant_id,)))
    assert evidence.pop("letter").startswith("en/")
    assert evidence == {
        "ip": "203.0.113.9",
        "page": "https://acme.example/join",
        "age": "16 or older",
        "by": "api",
    }
    sql = "SELECT count(*) FROM recipient WHERE tenant_id = ? AND address = 'Eva@people.example'"
    assert api.shop.value(sql, api.tenant_id) == 1
    again = api.raw("POST", "/consents/opt-in", wish)
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (429, "limit")
    assert int(again.headers["retry-after"]) > 0
    assert api.shop.value(sql, api.tenant_id) == 1


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"old_enough": False}, 422, "age"),
        ({"form": "nothing"}, 404, "not-found"),
        ({"topics": ["secret"]}, 422, "topic"),
        ({"topics": []}, 422, "invalid"),
        ({"email": "x"}, 422, "invalid"),
        ({"email": "x@localhost"}, 422, "address"),
        ({"email": "x@[127.0.0.1]"}, 422, "address"),
        ({"language": "xx"}, 422, "invalid"),
        ({"page": "a\r\nb"}, 422, "page"),
        ({"ip": "1.2.3"}, 422, "invalid"),
        ({"old_enough": "yes"}, 422, "invalid"),
    ],
)
def test_askings_that_make_no_mail(api: Api, change: dict[str, object], status: int, word: str) -> None:
    api.form(ask_age=True)
    wish = {"email": "fay@people.example", "form": "footer", "topics": ["offers"], "old_enough": True, **change}
    assert api.refused("POST", "/consents/opt-in", wish) == (status, word)


def test_who_may_get_no_mail_is_not_asked(api: Api) -> None:
    api.form()
    wish = {"form": "footer", "topics": ["offers"]}
    person = api.shop.consent("bad@people.example", "offers", tenant_id=api.tenant_id)
    api.shop.conn.execute(
        "INSERT INTO suppression (subscriber_id, topic_id, reason, since_at, detail) VALUES (?, 0, 'complaint', 1, '')",
        (person,),
    )
    assert api.refused("POST", "/consents/opt-in", {"email": "bad@people.example", **wish}) == (409, "suppressed")
    with transaction(api.shop.conn) as conn:
        tenant = tenants.by_id(conn, api.tenant_id)
        tenants.freeze(conn, tenant, everything=True, reason="test", actor="test", now=1.0)
    assert api.refused("POST", "/consents/opt-in", {"email": "good@people.example", **wish}) == (409, "frozen")


def test_many_askings_without_an_address_of_the_person_share_no_network(api: Api) -> None:
    api.form()
    for number in range(25):
        wish = {"email": f"p{number}@people.example", "form": "footer", "topics": ["offers"]}
        assert api("POST", "/consents/opt-in", wish)[0] == 202


# --- history and export -----------------------------------------------------------------


def test_a_persons_history_comes_with_its_evidence(api: Api) -> None:
    api("POST", "/consents", {"email": "ann@example.com", **GOOD, "ip": "2001:DB8::1"})
    api("DELETE", "/consents", params={"email": "ann@example.com", "topic": "newsletter"})
    api("DELETE", "/consents", params={"email": "ann@example.com"})
    status, found = api("GET", "/consents/history", params={"email": "ANN@example.com"})
    assert (status, found["email"], found["next"]) == (200, "ann@example.com", None)
    assert [(one["action"], one["topic"]) for one in found["history"]] == [
        ("given", "newsletter"),
        ("withdrawn", "newsletter"),
        ("withdrawn", None),
    ]
    given = found["history"][0]
    assert given["wording"] == GOOD["wording"]
    assert (given["evidence"]["ip"], given["evidence"]["means"]) == ("2001:db8::1", "api")
    assert {(one["reason"], one["topic"]) for one in found["suppressions"]} == {
        ("unsubscribed", None),
        ("unsubscribed", "newsletter"),
    }
    params = {"email": "ann@example.com", "limit": "2"}
    first = api("GET", "/consents/history", params=params)[1]
    rest = api("GET", "/consents/history", params={**params, "cursor": first["next"]})[1]
    assert first["history"] + rest["history"] == found["history"]
    assert rest["next"] is None


def test_all_consents_are_exported(api: Api) -> None:
    with transaction(api.shop.conn) as conn:
        conn.executemany(
            "INSERT INTO subscriber (tenant_id, address, created_at) VALUES (?, ?, 1)",
            [(api.tenant_id, f"p{number:04}@example.com") for number in range(1_203)],
        )
    api.shop.consent("=cmd@example.com", "offers", tenant_id=api.tenant_id)
    api.shop.conn.execute(
        "INSERT INTO consent (subscriber_id, topic_id, given_at, source, wording_id, means, recorded_at)"
        " SELECT s.id, t.id, 1, 'list', w.id, 'import', 1 FROM subscriber s JOIN topic t ON t.tenant_id = s.tenant_id"
        " JOIN wording w ON w.tenant_id = s.tenant_id WHERE s.tenant_id = ? AND s.address LIKE 'p%'",
        (api.tenant_id,),
    )
    answer = api.raw("GET", "/consents/export")
    assert answer.headers["content-type"] == "application/jsonl"
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert len({row["email"] for row in rows}) == len(rows) == 1_204
    assert rows[1] == api("GET", "/consents", params={"email": rows[1]["email"]})[1]["consents"][0]
    sheet = api.raw("GET", "/consents/export", params={"format": "csv"})
    assert sheet.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [row["email"] for row in table][1:] == [row["email"] for row in rows][1:]
    assert table[0]["email"] == "'=cmd@example.com"  # no formula for a spreadsheet
    assert (table[1]["live"], table[1]["given_at"]) == ("yes", "1970-01-01T00:00:01Z")
    assert api("GET", "/consents/export", params={"format": "xml"})[0] == 422
    assert api("POST", "/topics", {"name": "nothing"})[0] == 201
    assert api.raw("GET", "/consents/export", params={"topic": "nothing"}).content == b""


def test_a_tenant_runs_two_exports_at_a_time(api: Api) -> None:
    """And gets its places back when a reader goes away."""
    for number in range(40):
        api.shop.consent(f"p{number}@example.com", "x" * 90, tenant_id=api.tenant_id)

    def taken() -> bool:
        with api.served.client.stream(
            "GET", "/v1/consents/export", headers={"Authorization": f"Bearer {api.token}"}
        ) as answer:
            return answer.status_code == 200

    for _ in range(6):
        until(taken, "a place for an export")  # that a reader is gone is seen a moment later


# --- topics and forms ---------------------------------------------------------------------


def test_topics_are_made_listed_and_found(api: Api) -> None:
    made = [api("POST", "/topics", {"name": name})[1] for name in ("b", "c", "a")]
    assert api("GET", "/topics")[1] == {"topics": sorted(made, key=lambda one: one["name"]), "next": None}
    first = api("GET", "/topics", params={"limit": "2"})[1]
    assert [one["name"] for one in first["topics"]] == ["a", "b"]
    assert [one["name"] for one in api("GET", "/topics", params={"cursor": first["next"]})[1]["topics"]] == ["c"]
    assert api("GET", f"/topics/{made[0]['id']}") == (200, made[0])
    assert api.refused("POST", "/topics", {"name": "a"}) == (409, "exists")
    assert api.refused("POST", "/topics", {"name": "*"}) == (422, "topic")
    assert api.refused("POST", "/topics", {"name": "a\u200bb"}) == (422, "topic")
    assert api.refused("GET", "/topics/999999") == (404, "not-found")
    assert api.refused("GET", "/topics/0") == (422, "invalid")


def test_a_form_is_made_changed_and_removed(api: Api) -> None:
    answer = api.raw("POST", "/forms", FORM)
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == "https://relay.example.com/v1/forms/footer"
    assert made["url"].startswith("https://relay.example.com/s/")
    assert f'action="{made["url"]}"' in made["html"]
    assert api.served.client.get(made["url"].removeprefix("https://relay.example.com")).status_code == 200
    assert api("GET", "/forms/footer") == (200, made)
    assert api("GET", "/forms") == (200, {"forms": [made]})
    assert api.refused("POST", "/forms", FORM) == (409, "exists")
    status, changed = api("PATCH", "/forms/footer", {"title": "News", "ask_age": True})
    assert (status, changed["title"], changed["topics"]) == (200, "News", FORM["topics"])
    assert api("PATCH", "/forms/footer", {"title": ""})[1]["title"] == ""
    assert api("DELETE", "/forms/footer") == (204, None)
    assert api.refused("GET", "/forms/footer") == (404, "not-found")
    assert api.refused("DELETE", "/forms/footer") == (404, "not-found")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": "No"}, "invalid"),
        ({"topics": []}, "invalid"),
        ({"topics": ["*"]}, "topic"),
        ({"wording": " "}, "wording"),
        ({"language": "xx"}, "form"),
        ({"redirect": "https://evil.example/"}, "form"),
        ({"frames": ["https://evil.example"]}, "form"),
        ({"title": "a\x00b"}, "form"),
        ({"ask_age": "true"}, "invalid"),
        ({"key": "mine"}, "invalid"),
    ],
)
def test_forms_that_can_not_be_made(api: Api, change: dict[str, object], word: str) -> None:
    assert api.refused("POST", "/forms", {**FORM, **change}) == (422, word)
    api.form()
    if "name" not in change:
        assert api.refused("PATCH", "/forms/footer", change) == (422, word)


def test_a_tenant_has_a_hundred_forms(api: Api) -> None:
    with transaction(api.shop.conn) as conn:
        owner = tenants.by_id(conn, api.tenant_id)
        for number in range(forms.MOST_FORMS):
            wish = FormWish(("news",), "Yes.")
            forms.add(conn, owner, f"f{number}", wish, languages=LANGUAGES, actor="test", now=1.0)
    assert api.refused("POST", "/forms", FORM) == (409, "full")


def test_another_tenants_things_are_not_there(api: Api) -> None:
    other = Api(api.shop, api.served, *api.shop.add_tenant(f"other-{api.tenant_id}"))
    made = other.form()
    topic = other("GET", "/topics")[1]["topics"][0]
    other("POST", "/consents", {"email": "theirs@example.com", **GOOD})
    for method, path, body in (
        ("GET", f"/topics/{topic['id']}", None),
        ("GET", "/forms/footer", None),
        ("PATCH", "/forms/footer", {"title": "Mine"}),
        ("DELETE", "/forms/footer", None),
        ("GET", "/consents/history?email=theirs@example.com", None),
        ("DELETE", "/consents?email=theirs@example.com", None),
        ("POST", "/consents/opt-in", {"email": "x@people.example", "form": "footer", "topics": ["offers"]}),
    ):
        assert api.refused(method, path, body) == (404, "not-found"), path
    assert api("GET", "/topics")[1]["topics"] == api("GET", "/forms")[1]["forms"] == []
    assert api.raw("GET", "/consents/export").content == b""
    assert other("GET", "/forms/footer")[1] == made


# --- repeats --------------------------------------------------------------------------------

KEY = '"8e03978e-40d5-43e8-bc93-6894a57f9324"'


def test_a_repeat_with_the_same_key_gets_the_first_answer(api: Api) -> None:
    body = {"email": "ann@example.com", **GOOD}
    first = api.raw("POST", "/consents", body, key=KEY)
    before = api.shop.dump()
    for key in (KEY, KEY.strip('"')):  # the draft's quotes are left out by many clients
        again = api.raw("POST", "/consents", body, key=key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
    assert api.shop.dump() == before
    assert "idempotency-replayed" not in first.headers
    api("POST", "/topics", {"name": "offers"})
    form = api.raw("POST", "/forms", FORM, key="form-1")
    again = api.raw("POST", "/forms", FORM, key="form-1")
    assert (again.status_code, again.content, again.headers["location"]) == (
        201,
        form.content,
        form.headers["location"],
    )


def test_a_key_is_for_one_request(api: Api) -> None:
    api("POST", "/consents", {"email": "ann@example.com", **GOOD}, key=KEY)
    other = {"email": "bob@example.com", **GOOD}
    assert api.refused("POST", "/consents", other, key=KEY) == (422, "idempotency-key")
    assert api.refused("POST", "/consents/batch", {"consents": [other]}, key=KEY) == (422, "idempotency-key")
    rival = Api(api.shop, api.served, *api.shop.add_tenant(f"rival-{api.tenant_id}"))
    assert rival("POST", "/consents", other, key=KEY)[0] == 201  # a key belongs to a tenant


def test_an_error_keeps_no_answer(api: Api) -> None:
    bad = {"email": "ann@example.com", **GOOD, "source": "unknown"}
    assert api.refused("POST", "/consents", bad, key=KEY) == (422, "source")
    assert api("POST", "/consents", {**bad, "source": "shop.example"}, key=KEY)[0] == 201


def test_a_kept_answer_ends(api: Api) -> None:
    body = {"name": "footer-topic"}
    assert api("POST", "/topics", body, key=KEY)[0] == 201
    sql = "SELECT max(expires_at) FROM idempotency WHERE tenant_id = ?"
    ends = float(api.shop.value(sql, api.tenant_id))
    clean(api.shop.settings.database, 10**12, 10**12, ends - 1)
    assert api("POST", "/topics", body, key=KEY)[0] == 201
    clean(api.shop.settings.database, 10**12, 10**12, ends)
    assert api.refused("POST", "/topics", body, key=KEY) == (409, "exists")


def test_repeats_at_the_same_time_do_the_work_once(api: Api) -> None:
    """One does it; the others get its answer, or are told that it is being worked off."""
    answers: list[httpx.Response] = []
    start = threading.Barrier(8)

    def go() -> None:
        start.wait()
        answers.append(api.raw("POST", "/topics", {"name": "once"}, key=KEY))

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(a.status_code == 201 and "idempotency-replayed" not in a.headers for a in answers) == 1
    for answer in answers:
        assert answer.status_code == 201 or answer.json()["type"].endswith("/in-progress")


def test_while_the_first_is_worked_off_a_repeat_is_told_so(api: Api) -> None:
    answers: queue.Queue[httpx.Response] = queue.Queue()
    api.shop.conn.execute("BEGIN IMMEDIATE")  # whichever comes first waits for the store

    def go() -> None:
        answers.put(api.raw("POST", "/topics", {"name": "slow"}, key=KEY))

    threads = [threading.Thread(target=go) for _ in range(2)]
    try:
        for thread in threads:
            thread.start()
        told = answers.get(timeout=20)
    finally:
        api.shop.conn.execute("ROLLBACK")
    assert (told.status_code, told.json()["type"].rpartition("/")[2]) == (409, "in-progress")
    assert answers.get(timeout=20).status_code == 201
    for thread in threads:
        thread.join()


def test_a_tenant_can_not_fill_the_store_with_answers(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MOST_OCTETS", 200)
    answer = idempotency.KeptAnswer(201, "", b"{}")
    with transaction(api.shop.conn) as conn:
        idempotency.keep(conn, api.tenant_id, "a", b"x", answer, 1.0)
        with pytest.raises(idempotency.TooMany):
            idempotency.keep(conn, api.tenant_id, "b", b"x", answer, 1.0)


@pytest.mark.parametrize("key", ['""', '"', "a b", "x" * 500, '"a"b'])
def test_a_key_of_the_wrong_form_is_refused(api: Api, key: str) -> None:
    assert api.refused("POST", "/consents", {"email": "ann@example.com", **GOOD}, key=key) == (422, "invalid")


# --- errors of the protocol -------------------------------------------------------------------


def test_what_is_not_json_is_told_so(api: Api) -> None:
    body = json.dumps({"email": "ann@example.com", **GOOD})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        for method, path in (("POST", "/consents"), ("POST", "/forms"), ("PATCH", "/forms/x"), ("DELETE", "/consents")):
            answer = api.raw(method, path, content=body, headers={"Content-Type": kind})
            assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (415, "media-type")
    answer = api.raw("POST", "/consents", content=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.status_code == 201


def test_a_body_that_is_too_large_is_told_so(api: Api) -> None:
    host, port = "127.0.0.1", api.served.port
    with socket.create_connection((host, port), timeout=20) as client:
        client.sendall(b"POST /v1/consents/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 1100000\r\n\r\n")
        head = client.recv(65_536).lower()
    assert head.startswith(b"http/1.1 413 ") and b"application/problem+json" in head


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/consents", "DELETE, GET, POST"),
        ("GET", "/consents/batch", "POST"),
        ("POST", "/consents/export", "GET"),
        ("DELETE", "/topics", "GET, POST"),
        ("DELETE", "/topics/1", "GET, PATCH"),
        ("POST", "/forms/footer", "DELETE, GET, PATCH"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(api: Api, method: str, path: str, allow: str) -> None:
    answer = api.raw(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("path", ["/", "/nothing", "/consents/", "/consents/x", "/forms/a/b", "/topics/1/2", "/v1"])
def test_a_path_that_is_not_there_is_a_problem(api: Api, path: str) -> None:
    assert api("GET", path)[0] in (404, 405)


def test_every_problem_word_can_be_opened(api: Api) -> None:
    for word, (status, _) in TYPES.items():
        assert api.served.client.get(f"/v1/problems/{word}").json()["status"] == status


def test_a_form_with_an_old_wording_can_be_changed_where_gaps_are_refused(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, consent={"wording_gaps": "refuse"})
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, shop.tenant_id)
        forms.add(conn, owner, "footer", FormWish(["news"], "Yes."), languages=LANGUAGES, actor="test", now=0.0)
    with serving(shop) as served:
        api = Api(shop, served, shop.tenant_id, shop.token)
        assert api("PATCH", "/forms/footer", {"title": "News"})[0] == 200
        assert api.refused("PATCH", "/forms/footer", {"wording": "Yes, please."}) == (422, "wording")


@pytest.mark.parametrize("ip", ["", "fe80::1%eth0", "fe80::1%" + "z" * 40])
def test_what_is_no_address_of_the_internet_is_no_evidence(api: Api, ip: str) -> None:
    assert api.refused("POST", "/consents", {"email": "zone@people.example", **GOOD, "ip": ip}) == (422, "invalid")


@pytest.mark.parametrize("at", [0.0, 1.5, 1790000000.1234567, 1764374400.0000002, 9e9 + 1 / 3])
def test_a_page_of_messages_begins_where_the_last_one_ended(at: float) -> None:
    """A moment that was rounded would show a message twice, or leave one out."""
    assert messages_sent._reached(cursors.write(*at.as_integer_ratio(), 7)) == (at, 7)


def test_a_cursor_that_is_none_of_messages() -> None:
    for parts in ((1, 0, 7), (1, 2), ("a", 1, 7), (-1, 1, 7)):
        with pytest.raises(Problem):
            messages_sent._reached(cursors.write(*parts))
