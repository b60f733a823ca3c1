"""``/v1/messages`` through the running relay: what arrives, what is kept, what is refused."""

from __future__ import annotations

import base64
import email
import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any

import httpx
import pytest

from tests.dialogs.conftest import House
from tests.support.peers import until
from tests.support.smtp import Received

SERVICE = {"from": "Acme <news@acme.example>", "stream": "transactional", "subject": "Hello", "text": "Hi there.\n"}
_numbers = itertools.count(1)


def nobody() -> str:
    """An address that no other test writes to."""
    return f"api-{next(_numbers)}@rcpt.example"


def send(house: House, key: str = "", **given: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return house.http.post("/messages", json={**SERVICE, **given}, headers=headers)


def sent(house: House, **given: Any) -> dict[str, Any]:
    answer = send(house, **given)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


def read(received: Received) -> EmailMessage:
    made = email.message_from_bytes(received.data, policy=default)
    assert isinstance(made, EmailMessage)
    return made


def ahead(**given: float) -> str:
    return (datetime.now(UTC) + timedelta(**given)).isoformat().replace("+00:00", "Z")


# --- what arrives ---------------------------------------------------------------------


def test_each_recipient_gets_a_copy_of_his_own(house: House) -> None:
    ann, bob, eve = nobody(), nobody(), nobody()
    told = sent(house, to=[f"Ann <{ann}>", {"email": bob, "name": 'Bob "B" Ö.'}, eve])
    assert told["accepted"] == [ann, bob, eve] and told["refused"] == []
    assert read(house.sink.to(ann))["To"] == f"Ann <{ann}>"
    named = read(house.sink.to(bob))["To"].addresses[0]
    assert (named.display_name, named.addr_spec) == ('Bob "B" Ö.', bob)
    copies = [house.sink.to(one) for one in (ann, bob, eve)]
    assert [copy.recipients for copy in copies] == [[ann], [bob], [eve]]
    assert bob not in copies[0].data.decode() and ann not in copies[2].data.decode()
    assert all(read(copy)["Message-ID"] == told["message_id"] for copy in copies)
    assert all("Relay-" not in copy.head.decode() for copy in copies)


def test_cc_and_bcc_share_the_message_of_one_to(house: House) -> None:
    to, cc, bcc = nobody(), nobody(), nobody()
    assert sent(house, to=to, cc=[f"Cc <{cc}>"], bcc=bcc)["accepted"] == [to, cc, bcc]
    for one in (to, cc, bcc):
        made = read(house.sink.to(one))
        assert (made["To"], made["Cc"], made["Bcc"]) == (to, f"Cc <{cc}>", None)
        assert bcc not in house.sink.to(to).data.decode()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain\n", None),
        (None, "<p>only <b>HTML</b></p>"),
        ("both: ä€😀\n", "<p>both: ä€😀</p>"),
        ("=_\nFrom here\n.dot\n" + "long " * 400, "<p>" + "x" * 3000 + "</p>"),
        ("no end", "<p>no end"),
        ("  blanks  \n\n\ttab\n", None),
        ("a\r\nb\rc\nd", None),
    ],
)
def test_texts_arrive_as_they_were(house: House, text: str | None, html: str | None) -> None:
    to = nobody()
    sent(house, to=to, text=text, html=html, stream="bare")
    made = read(house.sink.to(to))
    for kind, given in (("plain", text), ("html", html)):
        part = made.get_body((kind,))
        assert (part is None) == (given is None)
        if part is not None and given is not None:
            whole = part.get_content().replace("\r\n", "\n").rstrip("\n")
            assert whole == given.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def test_files_and_pictures_go_along(house: House) -> None:
    to, octets = nobody(), bytes(range(256)) * 20
    files = [
        {"filename": "terms.pdf", "content": base64.b64encode(octets).decode()},
        {"filename": "Прайс лист №1.xlsx", "content": "", "content_type": "application/vnd.ms-excel"},
        {"filename": "logo.png", "content": base64.b64encode(b"PNG").decode(), "content_id": "<logo@acme>"},
        {"filename": "a" * 150 + "ä.txt", "content": "aGk", "content_type": "text/plain"},
    ]
    sent(house, to=to, html='<img src="cid:logo@acme">', attachments=files)
    made = read(house.sink.to(to))
    found = {part.get_filename(): part for part in made.walk() if part.get_filename()}
    assert list(found) == ["logo.png", "terms.pdf", "Прайс лист №1.xlsx", "a" * 150 + "ä.txt"]
    assert found["terms.pdf"].get_payload(decode=True) == octets
    assert found["terms.pdf"].get_content_type() == "application/pdf"
    assert found["logo.png"]["Content-ID"] == "<logo@acme>"
    assert found["logo.png"].get_content_disposition() == "inline"
    assert made.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in made.walk() if part.is_multipart()] == [
        "multipart/mixed",
        "multipart/alternative",
        "multipart/related",
    ]


@pytest.mark.parametrize(
    "subject",
    ["Hello", "Grüße aus Tartu", "=?utf-8?q?not_encoded?=", "Привет " * 30, "x " * 200, "{{unsubscribe_url}}", ""],
)
def test_subjects_arrive_as_they_were(house: House, subject: str) -> None:
    to = nobody()
    sent(house, to=to, subject=subject)
    assert read(house.sink.to(to))["Subject"].strip() == subject.strip()
    assert max(map(len, house.sink.to(to).head.split(b"\r\n"))) <= 998


def test_names_and_addresses_of_the_world(house: House) -> None:
    to = "jürgen@rcpt.example"
    author = {"email": "news@acme.example", "name": "Müller, Söhne & Co."}
    reply_to = ["Ann <ann@else.example>", "Бюро <bureau@else.example>"]
    sent(house, **{"from": author}, to=[{"email": to, "name": "Jörg"}, nobody()], reply_to=reply_to)
    received = house.sink.to(to)
    assert any("SMTPUTF8" in command for command in received.commands)
    made = email.message_from_bytes(received.data, policy=default.clone(utf8=True))
    assert made["From"].addresses[0].display_name == "Müller, Söhne & Co."
    assert to in received.head.decode()
    assert [one.display_name for one in made["Reply-To"].addresses] == ["Ann", "Бюро"]


def test_fields_of_the_application_arrive(house: House) -> None:
    to = nobody()
    given = {"X-Order": "17", "References": "<a@b.example>", "X-Greeting": "Grüße", "Message-ID": "<own@acme.example>"}
    told = sent(house, to=to, headers=given)
    made = read(house.sink.to(to))
    assert {name: made[name] for name in given} == given
    assert told["message_id"] == "<own@acme.example>"


# --- bad input --------------------------------------------------------------------------

BAD: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no from": (lambda m: m.pop("from"), "from"),
    "from is null": (lambda m: m.update({"from": None}), "from"),
    "to is null": (lambda m: m.update(to=None), "to"),
    "null among several": (lambda m: m.update(to=["a@b.example", None]), "to.1"),
    "no to": (lambda m: m.update(to=[]), "to"),
    "no address": (lambda m: m.update(to="ann"), "to.0.email"),
    "second is none": (lambda m: m.update(to=["a@b.example", "b@@"]), "to.1.email"),
    "line end in a name": (lambda m: m.update(to=[{"email": "a@b.example", "name": "A\r\nBcc: b"}]), "to.0.name"),
    "line end in subject": (lambda m: m.update(subject="a\nBcc: x@y.example"), "subject"),
    "line separator": (lambda m: m.update(subject="a\u2028b"), "subject"),
    "NUL in text": (lambda m: m.update(text="a\0b"), "text"),
    "half a character": (lambda m: m.update(text="\ud800"), "text"),
    "field injected": (lambda m: m.update(headers={"X-A": "b\r\nBcc: x@y.example"}), "headers.X-A"),
    "name injected": (lambda m: m.update(headers={"X-A: b\r\nBcc": "x@y.example"}), "headers.X-A: b\r\nBcc"),
    "reserved field": (lambda m: m.update(headers={"bcc": "x@y.example"}), "headers.bcc"),
    "relay's field": (lambda m: m.update(headers={"Relay-Topic": "news"}), "headers.Relay-Topic"),
    "signature": (lambda m: m.update(headers={"DKIM-Signature": "v=1"}), "headers.DKIM-Signature"),
    "10,000 fields": (lambda m: m.update(headers={f"X-{n}": "1" for n in range(10_000)}), "headers"),
    "no base64": (lambda m: m.update(attachments=[{"filename": "a", "content": "%%"}]), "attachments.0.content"),
    "bad type": (lambda m: m.update(attachments=[{"content": "", "content_type": "a/b\r\nc: d"}]),
                 "attachments.0.content_type"),
    "line end in a file's name": (
        lambda m: m.update(attachments=[{"content": "", "filename": "a\nb"}]), "attachments.0.filename"),
    "bad content id": (lambda m: m.update(attachments=[{"content": "", "content_id": "a>\r\n"}]),
                       "attachments.0.content_id"),
    "cc of several": (lambda m: m.update(to=["a@b.example", "b@b.example"], cc="c@b.example"), "cc"),
    "nothing to read": (lambda m: m.update(text=""), "text"),
    "no subject": (lambda m: m.pop("subject"), "subject"),
    "meta's name": (lambda m: m.update(meta={"A B": "1"}), "meta.A B"),
    "meta's value": (lambda m: m.update(meta={"a": "1\n2"}), "meta.a"),
    "meta is a number": (lambda m: m.update(meta={"a": 1}), "meta.a"),
    "no time": (lambda m: m.update(send_at="tomorrow"), "send_at"),
    "time without zone": (lambda m: m.update(send_at="2026-12-24T08:00:00"), "send_at"),
    "too far ahead": (lambda m: m.update(send_at="2099-01-01T00:00:00Z"), "send_at"),
    "expires before it is sent": (
        lambda m: m.update(send_at=ahead(days=2), expires_at=ahead(days=1)), "expires_at"),
    "expired": (lambda m: m.update(expires_at="2020-01-01T00:00:00Z"), "expires_at"),
    "unknown and null": (lambda m: m.update(colour=None), "colour"),
    "unknown": (lambda m: m.update(colour="red"), "colour"),
    "track": (lambda m: m.update(track="everything"), "track"),
    "a number": (lambda m: m.update(subject=5), "subject"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_fields_are_named_and_nothing_is_stored(house: House, case: str) -> None:
    change, field = BAD[case]
    message: dict[str, Any] = {**SERVICE, "to": nobody()}
    change(message)
    before = newest(house)
    answer = house.http.post("/messages", content=json.dumps(message), headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    told = answer.json()
    assert told["type"].endswith("/invalid")
    fields = [one["field"].removeprefix("body").removeprefix(".") for one in told["errors"]]
    assert field in fields, told
    assert newest(house) == before


def newest(house: House) -> list[str]:
    """Which message is the latest, by id: that of the test before may be on its way still."""
    return [one["id"] for one in house.http.get("/messages", params={"limit": 1}).json()["messages"]]


def test_all_wrong_fields_are_told_at_once(house: House) -> None:
    """Also what no single field shows: what is missing, what doesn't go together, what is past."""
    bad = [{"content": "%%", "content_type": "pdf", "content_id": "<<", "filename": "a\nb"}, {}]
    wrong: dict[str, Any] = {
        "to": ["x", "b@rcpt.example", 5], "cc": "z", "subject": None, "text": "", "tag": "",
        "meta": {"A": "b", "c": " "},
        "headers": {"Subject": "a", "X Y": "b", "X-Z": "a\nb", "x-q": "1", "X-Q": "2"}, "attachments": bad,
        "send_at": "2099-01-01T00:00:00Z", "expires_at": "1999-01-01T00:00:00Z", "nonsense": 1, "track": "maybe",
    }  # fmt: skip
    named = [one["field"].removeprefix("body.") for one in send(house, **wrong).json()["errors"]]
    assert sorted(named) == sorted(
        ["to.0.email", "to.2", "cc.0.email", "cc", "subject", "text", "tag", "meta.A", "meta.c", "headers.Subject",
         "headers.X Y", "headers.X-Z", "headers.x-q", "headers.X-Q", "attachments.0.content", "nonsense", "track",
         "attachments.0.content_type", "attachments.0.content_id", "attachments.0.filename", "attachments.1.content",
         "send_at", "expires_at"]
    )  # fmt: skip
    batch = house.http.post("/messages/batch", json={"messages": [{**SERVICE, "to": "a@b.example", **wrong}]})
    assert sorted(one["field"] for one in batch.json()["results"][0]["errors"]) == sorted(named)


NULLS: dict[str, Any] = dict.fromkeys(
    ("cc", "bcc", "reply_to", "html", "template", "data", "headers", "attachments", "topic", "campaign", "tag", "meta",
     "track", "send_at", "expires_at")
)  # fmt: skip


def test_more_recipients_than_a_message_may_have_are_no_passing_trouble(house: House) -> None:
    """A client that is told 503 comes again for ever; by SMTP the rest comes in another transaction (452)."""
    many = [f"crowd-{number}@rcpt.example" for number in range(21)]
    raw = "From: news@acme.example\r\nTo: " + ",\r\n ".join(many) + "\r\nSubject: x\r\n\r\nx\r\n"
    written: dict[str, Any] = {"params": {"stream": "transactional"}, "headers": {"Content-Type": "message/rfc822"}}
    for answer in (send(house, to=many), house.http.post("/messages/raw", content=raw.encode(), **written)):
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {"field": "to", "error": "there are 21 recipients, 20 are allowed; send it in parts"}
        ]


def test_null_is_a_field_that_is_left_out(house: House) -> None:
    """As client libraries write what nobody set."""
    ann, bob = nobody(), nobody()
    told = sent(house, to=[{"email": ann, "name": None, "data": None}], **NULLS)
    assert told["accepted"] == [ann] and read(house.sink.to(ann))["To"] == ann
    files = [{"filename": "a.txt", "content": "aGk=", "content_type": None, "content_id": None}]
    sent(house, to=bob, **{**NULLS, "headers": {"X-A": None, "X-B": "1"}, "meta": {"a": None}, "attachments": files})
    made = read(house.sink.to(bob))
    assert (made["X-A"], made["X-B"]) == (None, "1")
    assert [one.get_content_type() for one in made.iter_attachments()] == ["text/plain"]
    batch = house.http.post("/messages/batch", json={"messages": [{**SERVICE, **NULLS, "to": nobody()}]}).json()
    assert [one["status"] for one in batch["results"]] == [202]


def test_null_among_the_values_of_a_copy_stays_a_value(house: House) -> None:
    ann = nobody()
    sent(house, to=[{"email": ann, "data": {"name": None}}], text="Dear {{ name | default: 'friend' }}.\n")
    assert "Dear friend." in house.sink.to(ann).data.decode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"from":"a@acme.example","from":"news@acme.example"}', 422),
        (b'{"meta":{"a":"1","a":"2"}}', 422),
        (b"[" * 100_000, 422),
        (b'{"to":' * 50_000, 422),
        (b'{"to": NaN}', 422),
        (b'{"to": "a@b.example"', 422),
        (b"\xff\xfe{}", 422),
        (b"", 422),
        (b"null", 422),
    ],
)
def test_bodies_that_are_no_message(house: House, body: bytes, status: int) -> None:
    answer = house.http.post("/messages", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (status, 400)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_large_body_needs_a_token_and_a_small_message(house: House) -> None:
    large = {**SERVICE, "to": nobody(), "text": "x" * 1_500_000}
    refused = house.http.post("/messages", json=large)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (422, "too-large")
    stranger = httpx.post(
        f"{house.http.base_url}messages", json=large, headers={"Authorization": "Bearer rt_x"}, trust_env=False
    )
    assert stranger.status_code == 413


# --- repeats ----------------------------------------------------------------------------


def test_a_repeat_gets_the_first_answer_and_sends_nothing(house: House) -> None:
    to = nobody()
    first, again = send(house, "repeat-1", to=to), send(house, '"repeat-1"', to=to)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    assert len(house.http.get("/messages", params={"recipient": to}).json()["messages"]) == 1
    other = send(house, "repeat-1", to=to, subject="Other")
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (422, "idempotency-key")


def test_fifty_repeats_at_once_send_one(house: House) -> None:
    to = nobody()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: send(house, "fifty", to=to), range(50)))
    assert {one.status_code for one in answers} <= {202, 409}
    assert sum(one.status_code == 202 and "idempotency-replayed" not in one.headers for one in answers) == 1
    assert len({one.json()["id"] for one in answers if one.status_code == 202}) == 1
    assert len(house.http.get("/messages", params={"recipient": to}).json()["messages"]) == 1


def test_what_was_refused_is_worked_off_anew(house: House) -> None:
    to = nobody()
    given: dict[str, Any] = {"to": to, "stream": "news"}
    assert send(house, "anew", **given).status_code == 422
    house.relay.consent(to)
    assert send(house, "anew", **given).status_code == 202


def test_a_batch_has_a_result_for_each_and_repeats_send_nothing(house: House) -> None:
    one, two = nobody(), nobody()
    messages = [{**SERVICE, "to": one}, {**SERVICE, "to": "x"}, {**SERVICE, "to": two},
                {**SERVICE, "to": "dead@rcpt.example"}, {}]  # fmt: skip
    answers = [
        house.http.post("/messages/batch", json={"messages": messages}, headers={"Idempotency-Key": "batch-1"})
        for _ in range(2)
    ]
    results = answers[0].json()["results"]
    assert [result["status"] for result in results] == [202, 422, 202, 422, 422]
    assert results[1]["errors"][0]["field"] == "to.0.email"
    assert results[3]["type"].endswith("/suppressed")
    assert answers[1].json()["results"] == results
    for to in (one, two):
        assert len(house.http.get("/messages", params={"recipient": to}).json()["messages"]) == 1
    too_many = house.http.post("/messages/batch", json={"messages": [messages[0]] * 501})
    assert too_many.status_code == 422


# --- later, changed, cancelled ------------------------------------------------------------


def test_a_message_sent_later_is_changed_and_cancelled(house: House) -> None:
    to = nobody()
    told = sent(house, to=to, send_at=ahead(days=3))
    path = f"/messages/{told['id']}"
    shown = house.http.get(path).json()
    assert shown["states"] == {"ready": 1} and shown["send_at"].startswith(ahead(days=3)[:13])
    expires = datetime.fromisoformat(shown["expires_at"])
    moved = house.http.patch(path, json={"send_at": ahead(days=5)}).json()
    assert moved["send_at"].startswith(ahead(days=5)[:13])
    assert datetime.fromisoformat(moved["expires_at"]) - expires > timedelta(days=1.9)
    assert house.http.patch(path, json={"send_at": ahead(days=31)}).status_code == 422
    assert house.http.patch(path, json={"expires_at": ahead(days=4)}).status_code == 422
    assert house.http.patch(path, json={}).status_code == 422
    ends = house.http.patch(path, json={"expires_at": ahead(days=6)}).json()["expires_at"]
    late = house.http.patch(path, json={"send_at": ahead(days=7)})
    assert late.status_code == 422 and late.json()["errors"][0]["field"] == "body.send_at", late.text
    assert ends[:19] in late.json()["detail"]
    both = house.http.patch(path, json={"send_at": ahead(days=7), "expires_at": ahead(days=8)})
    assert both.status_code == 200 and both.json()["send_at"].startswith(ahead(days=7)[:13])
    assert house.http.delete(path).json() == {"id": told["id"], "cancelled": 1, "left": 0}
    assert house.http.delete(path).json()["cancelled"] == 0
    assert house.http.get(path).json()["copies"][0]["state"] == "cancelled"
    late = house.http.patch(path, json={"send_at": ahead(days=1)})
    assert (late.status_code, late.json()["type"].rpartition("/")[2]) == (409, "too-late")
    assert not any(to in one.recipients for one in house.sink.messages)


def test_what_has_left_cannot_be_cancelled(house: House) -> None:
    to = nobody()
    told = sent(house, to=to)
    house.sink.to(to)
    path = f"/messages/{told['id']}"
    until(lambda: house.http.get(path).json()["states"] == {"delivered": 1}, "it is written down")
    assert house.http.delete(path).status_code == 409
    assert house.http.patch(path, json={"send_at": ahead(days=1)}).status_code == 409


def test_a_moved_message_leaves_at_its_new_time(house: House) -> None:
    to = nobody()
    told = sent(house, to=to, send_at=ahead(days=3))
    assert house.http.patch(f"/messages/{told['id']}", json={"send_at": ahead(seconds=0)}).status_code == 200
    assert house.sink.to(to)


def test_what_has_not_left_by_its_last_moment_is_dropped(house: House) -> None:
    told = sent(house, to="bounce@nowhere.invalid", send_at=ahead(seconds=600), expires_at=ahead(seconds=900))
    path = f"/messages/{told['id']}"
    moved = house.http.patch(path, json={"send_at": ahead(seconds=300), "expires_at": ahead(seconds=301)})
    assert moved.status_code == 200
    # Held, so that nothing but the last moment ends it.
    house.relay.cli("queue", "hold", told["id"])
    assert house.http.get(path).json()["copies"][0]["holds"][0]["by"] == "operator"
    direct = sent(house, to=nobody(), send_at=ahead(seconds=1), expires_at=ahead(seconds=2))
    house.relay.cli("queue", "hold", direct["id"])
    until(lambda: house.http.get(f"/messages/{direct['id']}").json()["states"] == {"expired": 1}, "it is dropped")
    assert "last" in house.http.get(f"/messages/{direct['id']}").json()["copies"][0]["story"][-1]["why"]


# --- looking ------------------------------------------------------------------------------


def test_messages_are_found_by_what_they_named(house: House) -> None:
    to, other = nobody(), nobody()
    first = sent(house, to=[to, other], tag="order-1", meta={"order": "17"})["id"]
    second = sent(house, to=to, tag="order-2", send_at=ahead(days=1))["id"]

    def ids(**wanted: str) -> list[str]:
        answer = house.http.get("/messages", params=wanted)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["messages"]]

    assert ids(recipient=to) == ids(recipient=to.upper()) == [second, first]
    assert ids(recipient=other) == [first]
    assert ids(tag="order-1") == [first] and ids(tag="order-3") == []
    assert ids(recipient=to, state="ready") == [second]
    assert ids(recipient=to, since=ahead(minutes=1)) == [] and ids(recipient=to, until=ahead(minutes=-10)) == []
    assert house.http.get(f"/messages/{first}").json()["meta"] == {"order": "17"}
    page = house.http.get("/messages", params={"recipient": to, "limit": 1}).json()
    assert [one["id"] for one in page["messages"]] == [second]
    rest = house.http.get("/messages", params={"recipient": to, "limit": 1, "cursor": page["next"]}).json()
    assert [one["id"] for one in rest["messages"]] == [first]
    assert house.http.get("/messages", params={"state": "lost"}).status_code == 422
    for wrong in ("0000000000000", "x", "%00"):
        assert house.http.get(f"/messages/{wrong}").status_code == 404


def test_another_tenants_messages_are_not_there(house: House) -> None:
    told = sent(house, to=nobody(), send_at=ahead(days=1))
    house.relay.cli("tenant", "add", "other", "--contact", "post@other.example")
    token = house.relay.json("token", "add", "other")["token"]
    path = f"/messages/{told['id']}"
    with httpx.Client(
        base_url=house.http.base_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ) as own:
        assert [own.get(path).status_code, own.delete(path).status_code] == [404, 404]
        assert own.patch(path, json={"send_at": ahead(days=2)}).status_code == 404
        assert own.get("/messages").json() == {"messages": [], "next": None}
    assert house.http.get(path).json()["states"] == {"ready": 1}


# --- the sandbox ----------------------------------------------------------------------------


def test_sandbox_addresses_have_the_fates_of_their_names(house: House) -> None:
    used = house.relay.json("quota", "show", "acme")["messages_used"]
    names = ("delivered", "bounced", "deferred", "complained", "unsubscribed")
    told = sent(house, to=[f"{name}@sandbox.invalid" for name in names], stream="news")
    path = f"/messages/{told['id']}"
    until(lambda: house.http.get(path).json()["states"] == {"ready": 1, "delivered": 3, "bounced": 1}, "all ended")
    stories = {one["email"].partition("@")[0]: one for one in house.http.get(path).json()["copies"]}
    happened = {name: [step["what"] for step in one["story"]] for name, one in stories.items()}
    assert happened["delivered"] == ["delivered"] and happened["bounced"] == ["bounced"]
    assert happened["deferred"] == ["deferred", "waiting"]
    assert happened["complained"] == ["delivered", "complained"]
    assert happened["unsubscribed"] == ["delivered", "unsubscribed"]
    assert house.relay.json("quota", "show", "acme")["messages_used"] == used
    assert sent(house, to="bounced+again@sandbox.invalid")["accepted"] == ["bounced+again@sandbox.invalid"]
    assert "sandbox" not in house.relay.cli("suppression", "list", "acme")


def test_a_sandbox_token_reaches_nobody_and_is_told_the_truth(house: House) -> None:
    token = house.relay.json("token", "add", "acme", "--sandbox")["token"]
    used = house.relay.json("quota", "show", "acme")["messages_used"]
    given = {**SERVICE, "stream": "news", "to": ["a@rcpt.example", "stranger@rcpt.example"], "subject": "unreal"}
    answer = house.http.post("/messages", json=given, headers={"Authorization": f"Bearer {token}"}).json()
    assert answer["accepted"] == ["a@rcpt.example"]
    assert [one["code"] for one in answer["refused"]] == ["no-consent"]
    path = f"/messages/{answer['id']}"
    until(lambda: house.http.get(path).json()["states"] == {"delivered": 1}, "it is told so")
    assert not any(b"unreal" in one.data for one in house.sink.messages)
    assert house.relay.json("quota", "show", "acme")["messages_used"] == used
