"""``/emails``: the shape of Resend's API, asked by its own Python library and by hand."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import resend
from resend.exceptions import ResendError

from tests.dialogs.conftest import House
from tests.dialogs.test_api_messages import read
from tests.support.peers import until

MAIL: dict[str, Any] = {
    "from": "Acme <news@acme.example>",
    "subject": "Hello",
    "text": "Hi there.\n",
    "headers": {"Relay-Stream": "bare"},
}
_numbers = itertools.count(1)


def nobody() -> str:
    return f"resend-{next(_numbers)}@rcpt.example"


@pytest.fixture
def http(house: House) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {house.token}"}
    url = f"http://127.0.0.1:{house.relay.http}"
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def sdk(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(resend, "api_key", house.token)
    monkeypatch.setattr(resend, "api_url", f"http://127.0.0.1:{house.relay.http}")
    return resend


# --- their library ---------------------------------------------------------------------


def test_their_library_sends(house: House, sdk: Any) -> None:
    to, cc, bcc = [nobody(), nobody()], nobody(), nobody()
    sent = sdk.Emails.send(
        {
            **MAIL, "to": to, "cc": cc, "bcc": [bcc], "reply_to": "desk@acme.example", "html": "<p>Hi <b>there</b></p>",
            "tags": [{"name": "Order_Id", "value": "17"}],
            "attachments": [
                {"filename": "a.txt", "content": list(b"octets")},
                {"filename": "b.png", "content": base64.b64encode(b"PNG").decode(), "content_id": "logo"},
            ],
        }
    )  # fmt: skip
    for one in (*to, cc, bcc):
        made = read(house.sink.to(one))
        assert (made["To"], made["Cc"], made["Bcc"]) == (", ".join(to), cc, None)
        assert (made["From"], made["Reply-To"], made["Subject"]) == (MAIL["from"], "desk@acme.example", "Hello")
        files = {part.get_filename(): part.get_payload(decode=True) for part in made.walk() if part.get_filename()}
        assert files == {"a.txt": b"octets", "b.png": b"PNG"}
        assert bcc not in house.sink.to(to[0]).data.decode()
    found = sdk.Emails.get(sent["id"])
    assert (found["from"], found["subject"], set(found["to"])) == ("news@acme.example", "Hello", {*to, cc, bcc})
    assert found["tags"] == [{"name": "order_id", "value": "17"}]
    until(lambda: sdk.Emails.get(sent["id"])["last_event"] == "delivered", "it was not delivered")
    # One thing with one identity: our own API and events know it too.
    assert house.http.get(f"/messages/{sent['id']}").json()["meta"] == {"order_id": "17"}


def test_their_library_sends_many(house: House, sdk: Any) -> None:
    people = [nobody() for _ in range(3)]
    sent = sdk.Batch.send([{**MAIL, "to": one, "subject": one} for one in people])
    assert len({one["id"] for one in sent["data"]}) == 3 and "errors" not in sent
    assert [read(house.sink.to(one))["Subject"] for one in people] == people


def test_their_library_changes_and_cancels(sdk: Any) -> None:
    sent = sdk.Emails.send({**MAIL, "to": nobody(), "scheduled_at": "in 1 hour"})
    found = sdk.Emails.get(sent["id"])
    at = datetime.fromisoformat(found["scheduled_at"]) - datetime.now(UTC)
    assert found["last_event"] == "scheduled" and timedelta(minutes=50) < at <= timedelta(hours=1)
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    assert sdk.Emails.update({"id": sent["id"], "scheduled_at": later})["id"] == sent["id"]
    assert sdk.Emails.get(sent["id"])["scheduled_at"][:13] == later[:13]
    assert sdk.Emails.cancel(sent["id"])["object"] == "email"
    assert sdk.Emails.get(sent["id"])["last_event"] == "canceled"


def test_their_library_lists(sdk: Any) -> None:
    ids = [sdk.Emails.send({**MAIL, "to": nobody()})["id"] for _ in range(3)]
    first = sdk.Emails.list({"limit": 2})
    assert [one["id"] for one in first["data"]] == [ids[2], ids[1]] and first["has_more"]
    second = sdk.Emails.list({"limit": 1, "after": ids[1]})
    assert [one["id"] for one in second["data"]] == [ids[0]]


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"from": "x@other.example"}, 403, "validation_error"),
        ({"to": "gone@rcpt.example", "headers": {"Relay-Stream": "news"}}, 422, "validation_error"),
        ({"to": None}, 422, "missing_required_field"),
        ({"from": "no address"}, 422, "invalid_from_address"),
        ({"attachments": [{"filename": "x"}]}, 422, "invalid_attachment"),
    ],
)
def test_their_library_raises_what_it_knows(sdk: Any, change: dict[str, Any], status: int, kind: str) -> None:
    with pytest.raises(ResendError) as raised:
        sdk.Emails.send({**MAIL, "to": nobody(), **change})
    assert (int(raised.value.code), raised.value.error_type) == (status, kind)


def test_a_repeat_with_a_key_sends_once(house: House, sdk: Any) -> None:
    to = nobody()
    given = {**MAIL, "to": to}
    first = sdk.Emails.send(given, {"idempotency_key": "welcome-user/17 a"})
    assert sdk.Emails.send(given, {"idempotency_key": "welcome-user/17 a"})["id"] == first["id"]
    with pytest.raises(ResendError) as raised:
        sdk.Emails.send({**given, "subject": "Other"}, {"idempotency_key": "welcome-user/17 a"})
    assert (int(raised.value.code), raised.value.error_type) == (409, "invalid_idempotent_request")
    house.sink.to(to)
    assert len([one for one in house.sink.messages if one.recipients == [to]]) == 1


def test_parallel_repeats_send_once(house: House, http: httpx.Client) -> None:
    to = nobody()
    ask = lambda _: http.post("/emails", json={**MAIL, "to": to}, headers={"Idempotency-Key": "at once"})  # noqa: E731
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))
    good = {one.json()["id"] for one in answers if one.status_code == 200}
    late = {one.json()["name"] for one in answers if one.status_code != 200}
    assert len(good) == 1 and late <= {"concurrent_idempotent_requests"}
    house.sink.to(to)
    assert len([one for one in house.sink.messages if one.recipients == [to]]) == 1


# --- by hand ---------------------------------------------------------------------------


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """(status, name) of an error in their shape."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert told["statusCode"] == answer.status_code and told["message"]
    assert "ratelimit-remaining" in answer.headers
    return answer.status_code, told["name"]


V = "validation_error"


@pytest.mark.parametrize(
    ("change", "status", "name", "says"),
    [
        ({"surprise": 1}, 422, V, "surprise"),
        ({"to": ["a@rcpt.example"] * 51}, 422, V, "50"),
        ({"to": 7}, 422, V, "to"),
        ({"to": []}, 422, "missing_required_field", "to"),
        ({"to": [{"email": "a@rcpt.example"}]}, 422, V, "to"),
        ({"to": "a@rcpt.example, b@rcpt.example"}, 422, V, "to"),
        ({"to": "a@rcpt.example\r\nBcc: b@rcpt.example"}, 422, V, "to"),
        ({"from": None}, 422, "missing_required_field", "from"),
        ({"from": {"email": "news@acme.example"}}, 422, V, "from"),
        ({"from": "Acme\r\nBcc: x@y.example <news@acme.example>"}, 422, "invalid_from_address", "from"),
        ({"subject": None}, 422, "missing_required_field", "subject"),
        ({"subject": "a\r\nBcc: b@rcpt.example"}, 422, V, "subject"),
        ({"subject": 5}, 422, V, "subject"),
        ({"text": None}, 422, V, "text"),
        ({"text": 5}, 422, V, "text"),
        ({"html": ["x"]}, 422, V, "html"),
        ({"reply_to": "nobody"}, 422, V, "reply_to"),
        ({"headers": {"X-A": "a\nb"}}, 422, V, "X-A"),
        ({"headers": {"X A": "a"}}, 422, V, "X A"),
        ({"headers": {"X-A": 5}}, 422, V, "headers"),
        ({"headers": ["x"]}, 422, V, "headers"),
        ({"headers": {"Bcc": "x@y.example"}}, 422, V, "Bcc"),
        ({"headers": {"Relay-Sent": "x"}}, 422, V, "Relay-Sent"),
        ({"headers": {"Relay-Topic": "news"}, "topic_id": "news"}, 422, V, "twice"),
        ({"headers": {"Relay-Stream": "nothing"}}, 422, V, "stream"),
        ({"headers": {"Relay-Stream": "bulk"}, "topic_id": "nothing"}, 422, V, "no-consent"),
        ({"attachments": [{"content": "%%%"}]}, 422, "invalid_attachment", "attachments.0.content"),
        ({"attachments": [{"content": [1, 256]}]}, 422, "invalid_attachment", "attachments.0"),
        ({"attachments": [{"content": [True]}]}, 422, "invalid_attachment", "attachments.0"),
        ({"attachments": [{"path": "http://127.0.0.1/secret"}]}, 422, "invalid_attachment", "fetches nothing"),
        ({"attachments": [{"content": "aGk=", "url": "x"}]}, 422, "invalid_attachment", "url"),
        ({"attachments": [{"content": "aGk=", "content_type": "a\r\nb"}]}, 422, "invalid_attachment", "content_type"),
        ({"attachments": "x"}, 422, "invalid_attachment", "attachments"),
        ({"tags": [{"name": "a b", "value": "x"}]}, 422, V, "tags.0"),
        ({"tags": [{"name": "a", "value": 1}]}, 422, V, "tags.0"),
        ({"tags": [{"name": "a", "value": "1"}, {"name": "A", "value": "2"}]}, 422, V, "tags.1"),
        ({"tags": {"a": "b"}}, 422, V, "tags"),
        ({"scheduled_at": "tomorrow-ish"}, 422, V, "scheduled_at"),
        ({"scheduled_at": 5}, 422, V, "scheduled_at"),
        ({"scheduled_at": "9999-12-31T23:59:59+00:00"}, 422, V, "scheduled_at"),
        ({"scheduled_at": "in 99 days"}, 422, V, "scheduled_at"),
        ({"template": "welcome"}, 422, V, "template"),
        ({"template": {"id": "welcome"}}, 422, V, "template"),
        ({"template": {"id": "nothing"}, "text": None}, 422, V, "template"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_sent(
    house: House, http: httpx.Client, change: dict[str, Any], status: int, name: str, says: str
) -> None:
    before = house.http.get("/messages?limit=1").json()["messages"]
    answer = http.post("/emails", json={**MAIL, "to": "never@rcpt.example", **change})
    assert refusal(answer) == (status, name), answer.text
    assert says in answer.json()["message"]
    assert house.http.get("/messages?limit=1").json()["messages"] == before


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status", "name"),
    [
        ("POST", "/emails", b"{", "application/json", 400, V),
        ("POST", "/emails", b"", "application/json", 400, V),
        ("POST", "/emails", b"\xff\xfe", "application/json", 400, V),
        ("POST", "/emails", b"[" * 100_000, "application/json", 400, V),
        ("POST", "/emails", b"[]", "application/json", 422, V),
        ("POST", "/emails", b"null", "application/json", 422, V),
        ("POST", "/emails", b'{"to": "a@x.example", "to": "b@x.example"}', "application/json", 422, V),
        ("POST", "/emails", b'{"from": NaN}', "application/json", 422, V),
        ("POST", "/emails", b"a=b", "application/x-www-form-urlencoded", 415, V),
        ("POST", "/emails", b"x" * (52 * 1024 * 1024), "application/json", 413, V),
        ("POST", "/emails/batch", b"{}", "application/json", 422, V),
        ("POST", "/emails/batch", b"[]", "application/json", 422, V),
        ("POST", "/emails/batch", json.dumps([{}] * 101).encode(), "application/json", 422, V),
        ("GET", "/emails/nothing", b"", "", 404, "not_found"),
        ("GET", "/emails/0aper44ccp7wk", b"", "", 404, "not_found"),
        ("GET", "/emails/a/b/c", b"", "", 404, "not_found"),
        ("POST", "/emails/nothing/cancel", b"", "", 404, "not_found"),
        ("PATCH", "/emails/nothing", b'{"scheduled_at": "in 1 hour"}', "application/json", 404, "not_found"),
        ("PATCH", "/emails/nothing", b"{}", "application/json", 422, "missing_required_field"),
        ("PATCH", "/emails/nothing", b'{"scheduled_at": null}', "application/json", 422, V),
        ("PUT", "/emails", b"", "", 405, "method_not_allowed"),
        ("DELETE", "/emails/x", b"", "", 405, "method_not_allowed"),
        ("GET", "/emails?before=x", b"", "", 422, "invalid_parameter"),
        ("GET", "/emails?limit=0", b"", "", 422, "invalid_parameter"),
        ("GET", "/emails?limit=101", b"", "", 422, "invalid_parameter"),
        ("GET", "/emails?limit=x", b"", "", 422, "invalid_parameter"),
        ("GET", "/emails?after=x", b"", "", 404, "not_found"),
    ],
)
def test_odd_requests_are_answered_in_their_shape(
    http: httpx.Client, method: str, path: str, body: bytes, kind: str, status: int, name: str
) -> None:
    headers = {"content-type": kind} if kind else {}
    assert refusal(http.request(method, path, content=body, headers=headers)) == (status, name)


@pytest.mark.parametrize("key", ["", "x" * 257, "a\tb", "ключ".encode().decode("latin-1")])
def test_a_key_that_is_none_is_refused(http: httpx.Client, key: str) -> None:
    answer = http.post("/emails", json={**MAIL, "to": nobody()}, headers={b"Idempotency-Key": key.encode("latin-1")})
    assert refusal(answer) == (400, "invalid_idempotency_key")


def test_keys_are_told_apart(house: House, http: httpx.Client) -> None:
    assert refusal(http.get("/emails", headers={"Authorization": "Bearer re_123"})) == (403, "invalid_api_key")
    without = httpx.get(f"{http.base_url}/emails", trust_env=False)
    assert refusal(without) == (401, "missing_api_key")
    reader = house.relay.json("token", "add", "acme", "--scope", "read")["token"]
    answer = http.post("/emails", json={**MAIL, "to": nobody()}, headers={"Authorization": f"Bearer {reader}"})
    assert refusal(answer) == (401, "restricted_api_key")
    assert http.get("/emails", headers={"Authorization": f"Bearer {reader}"}).status_code == 200


def test_another_tenants_mail_is_not_found(house: House, http: httpx.Client) -> None:
    sent = http.post("/emails", json={**MAIL, "to": nobody(), "scheduled_at": "in 1 day"}).json()["id"]
    house.relay.cli("tenant", "add", "otherfirm", "--contact", "x@otherfirm.example")
    headers = {"Authorization": f"Bearer {house.relay.json('token', 'add', 'otherfirm')['token']}"}
    at = {"scheduled_at": "in 2 days"}
    assert refusal(http.get(f"/emails/{sent}", headers=headers)) == (404, "not_found")
    assert refusal(http.post(f"/emails/{sent}/cancel", headers=headers)) == (404, "not_found")
    assert refusal(http.patch(f"/emails/{sent}", json=at, headers=headers)) == (404, "not_found")
    assert refusal(http.get(f"/emails?after={sent}", headers=headers)) == (404, "not_found")
    assert http.get("/emails", headers=headers).json()["data"] == []


def test_a_batch_in_both_modes(house: House, http: httpx.Client) -> None:
    good, bad = nobody(), {**MAIL, "to": "no address"}
    refused = {**MAIL, "to": "gone@rcpt.example", "headers": {"Relay-Stream": "news"}}
    given = [{**MAIL, "to": good}, bad, refused]
    strict = http.post("/emails/batch", json=given)
    assert refusal(strict) == (422, V) and "E-mail 1" in strict.json()["message"]
    told = http.post("/emails/batch", json=given, headers={"x-batch-validation": "permissive"}).json()
    assert len(told["data"]) == 1 and [one["index"] for one in told["errors"]] == [1, 2]
    assert "unsubscribed" in told["errors"][1]["message"]
    house.sink.to(good)
    assert len([one for one in house.sink.messages if one.recipients == [good]]) == 1
    # What only the policies refuse is told in strict mode too, never passed over.
    told = http.post("/emails/batch", json=[{**MAIL, "to": nobody()}, refused]).json()
    assert len(told["data"]) == 1 and [one["index"] for one in told["errors"]] == [1]
    assert refusal(http.post("/emails/batch", json=[refused])) == (422, V)
    answer = http.post("/emails/batch", json=given, headers={"x-batch-validation": "other"})
    assert refusal(answer) == (422, V)


def test_a_batch_with_a_key_sends_once(house: House, http: httpx.Client) -> None:
    people = [nobody(), nobody()]
    given = [{**MAIL, "to": one} for one in people]
    answers = [http.post("/emails/batch", json=given, headers={"Idempotency-Key": "batch 1"}) for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", "true"]
    other = http.post("/emails/batch", json=given[:1], headers={"Idempotency-Key": "batch 1"})
    assert refusal(other) == (409, "invalid_idempotent_request")


def test_refused_recipients_are_named(http: httpx.Client) -> None:
    answer = http.post("/emails", json={**MAIL, "to": "gone@rcpt.example", "headers": {"Relay-Stream": "news"}})
    told = answer.json()
    assert (told["code"], [one["email"] for one in told["refused"]]) == ("unsubscribed", ["gone@rcpt.example"])


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("in 5 minutes", 300), ("in 1 min", 60), ("in an hour", 3600), ("in a day", 86_400), ("IN 2 Hours", 7200),
        ("in 30 s", 30), ("in 3 days", 259_200),
    ],
)  # fmt: skip
def test_times_as_people_say_them(http: httpx.Client, text: str, wait: int) -> None:
    before = datetime.now(UTC)
    sent = http.post("/emails", json={**MAIL, "to": nobody(), "scheduled_at": text}).json()
    found = http.get(f"/emails/{sent['id']}").json()
    at = datetime.fromisoformat(found["scheduled_at"])
    assert timedelta(seconds=wait - 1) <= at - before <= timedelta(seconds=wait + 60)
    http.post(f"/emails/{sent['id']}/cancel")


@pytest.mark.parametrize("zone", ["Z", "+00:00", "+00", ""])
def test_times_in_their_forms(http: httpx.Client, zone: str) -> None:
    at = (datetime.now(UTC) + timedelta(days=3)).replace(tzinfo=None, microsecond=0)
    sent = http.post("/emails", json={**MAIL, "to": nobody(), "scheduled_at": at.isoformat(sep=" ") + zone}).json()
    assert http.get(f"/emails/{sent['id']}").json()["scheduled_at"] == f"{at.isoformat()}.000Z"


def test_templates_and_variables(house: House, http: httpx.Client) -> None:
    made = {"name": "resend-hello", "subject": "Hello {{ who }}", "source": "<p>{{ who }}: {{ n }}</p>"}
    assert house.http.post("/templates", json=made).status_code == 201
    to = [nobody(), nobody()]
    given = {**MAIL, "to": to, "template": {"id": "resend-hello", "variables": {"who": "Ann", "n": 3}}}
    given.pop("text"), given.pop("subject")
    assert http.post("/emails", json=given).status_code == 200
    assert [read(house.sink.to(one))["Subject"] for one in to] == ["Hello Ann"] * 2
    given["template"] = {"id": "resend-hello", "variables": {"who": "Ann"}}
    assert "template.variables.n" in http.post("/emails", json=given).json()["message"]
