"""``relay.client`` against the running relay, and against answers that only a bad day gives."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from relay.client import (
    AsyncRelayClient,
    BadWebhook,
    MessageTaken,
    ProblemAnswer,
    RelayClient,
    RelayUnreachable,
    TokenRefused,
    TooFast,
    asked,
    verify_webhook,
)
from relay.client.fields import MessageFields
from tests.dialogs.conftest import House
from tests.dialogs.test_api_messages import read
from tests.support.hook import threaded
from tests.support.peers import until

SENDER = "Acme <news@acme.example>"
_numbers = itertools.count(1)


def nobody() -> str:
    return f"client-{next(_numbers)}@rcpt.example"


def mail(to: Any, /, **more: Any) -> MessageFields:
    found: MessageFields = {"sender": SENDER, "to": to, "subject": "Hello", "text": "Hi.\n", "stream": "bare", **more}  # type: ignore[typeddict-item]
    return found


@pytest.fixture
def client(house: House) -> Iterator[RelayClient]:
    with RelayClient(f"http://127.0.0.1:{house.relay.http}", house.token) as client:
        yield client


# --- the running relay -----------------------------------------------------------------


def test_a_message_is_sent_looked_at_and_heard_of(house: House, client: RelayClient) -> None:
    to = nobody()
    sent = client.send(**mail([f"Ann <{to}>"], tag="order", meta={"order": "17"}))
    assert (sent.accepted, sent.refused, sent.replayed) == ((to,), (), False)
    assert read(house.sink.to(to))["To"] == f"Ann <{to}>"
    until(lambda: client.message(sent.id)["states"] == {"delivered": 1}, "it was not delivered")
    found = list(client.each_event(["accepted", "delivered"], message=sent.id))
    assert [one.type for one in found] == ["accepted", "delivered"]
    assert found[1].meta == {"order": "17"} and found[1].recipient == to and found[1].at.tzinfo is not None
    assert [one["id"] for one in client.each("/messages", "messages", recipient=to)] == [sent.id]


def test_the_same_key_sends_once(house: House, client: RelayClient) -> None:
    to = nobody()
    first = client.send(**mail(to), idempotency_key="order-17-once")
    again = client.send(**mail(to), idempotency_key="order-17-once")
    assert (again.id, again.replayed) == (first.id, True)
    with pytest.raises(ProblemAnswer) as raised:
        client.send(**mail(nobody()), idempotency_key="order-17-once")
    assert raised.value.word == "idempotency-key"
    house.sink.to(to)
    assert len([one for one in house.sink.messages if one.recipients == [to]]) == 1


def test_many_have_each_their_result(client: RelayClient) -> None:
    results = client.send_many([mail(nobody()), mail("gone@rcpt.example", stream="news"), mail("nobody")])
    assert [type(one) for one in results] == [MessageTaken, ProblemAnswer, ProblemAnswer]
    assert [getattr(one, "word", "") for one in results] == ["", "unsubscribed", "invalid"]


def test_a_message_of_the_standard_library_goes_as_it_is(house: House, client: RelayClient) -> None:
    to, hidden = nobody(), nobody()
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = SENDER, to, "Žodis"
    made.set_content("Labas.\n")
    made.add_attachment(b"octets", maintype="application", subtype="pdf", filename="a.pdf")
    sent = client.send_raw(made.as_bytes(), [to, hidden], stream="bare")
    assert sent.accepted == (to, hidden)
    assert read(house.sink.to(hidden))["Subject"] == "Žodis"


def test_a_message_is_cancelled_and_times_have_a_zone(client: RelayClient) -> None:
    sent = client.send(**mail(nobody(), send_at=datetime.now(UTC) + timedelta(hours=2)))
    assert client.cancel(sent.id)["cancelled"] == 1
    with pytest.raises(ValueError, match="zone"):
        client.send(**mail(nobody(), send_at=datetime.now()))


@pytest.mark.parametrize(
    ("change", "word", "says"),
    [
        ({"to": "gone@rcpt.example", "stream": "news"}, "unsubscribed", "unsubscribed"),
        ({"to": "never@rcpt.example", "stream": "news"}, "no-consent", "consent"),
        ({"to": "a@rcpt.example", "sender": "a@other.example"}, "sender", "other.example"),
        ({"to": "nobody"}, "invalid", "to"),
        ({"to": "a@rcpt.example", "subject": "a\nb"}, "invalid", "subject"),
        ({"to": "a@rcpt.example", "surprise": 1}, "invalid", "surprise"),
    ],
)
def test_refusals_say_why(client: RelayClient, change: dict[str, Any], word: str, says: str) -> None:
    with pytest.raises(ProblemAnswer) as raised:
        client.send(**mail("x@rcpt.example", **change))
    problem = raised.value
    assert (problem.status, problem.word) == (422, word) and says in str(problem)
    if word in ("unsubscribed", "no-consent"):
        assert [(one.email, one.code) for one in problem.refused] == [(change["to"], word)]
    if word == "invalid":
        assert says in problem.errors[0]["field"] or says in problem.errors[0]["error"]


def test_tokens_that_are_not_for_it(house: House, client: RelayClient) -> None:
    url = f"http://127.0.0.1:{house.relay.http}"
    reader = house.relay.json("token", "add", "acme", "--scope", "read")["token"]
    for token, status in (("rt_" + "a" * 32, 401), (reader, 403)):
        with RelayClient(url, token) as other, pytest.raises(TokenRefused) as raised:
            other.send(**mail(nobody()))
        assert raised.value.status == status
        assert token not in repr(other._access)
    assert client.call("GET", "/quota")["plan"] == "unlimited"


def test_the_same_for_asyncio(house: House) -> None:
    people = [nobody() for _ in range(10)]

    async def all_of_it() -> None:
        async with AsyncRelayClient(f"http://127.0.0.1:{house.relay.http}/v1/", house.token) as relay:
            sent = await asyncio.gather(*(relay.send(**mail(one)) for one in people))
            assert [one.accepted for one in sent] == [(one,) for one in people]
            results = await relay.send_many([mail(nobody()), mail("nobody")])
            assert [isinstance(one, MessageTaken) for one in results] == [True, False]
            assert (
                await relay.send_raw(b"From: a@acme.example\nTo: b@rcpt.example\nSubject: x\n\nx\n", stream="bare")
            ).id
            found = [one async for one in relay.each_event(["accepted"], message=sent[3].id)]
            assert [one.recipient for one in found] == [people[3]]
            assert [one["id"] async for one in relay.each("/messages", "messages", recipient=people[0])] == [sent[0].id]
            later = await relay.send(**mail(nobody(), send_at=datetime.now(UTC) + timedelta(hours=2)))
            assert (await relay.cancel(later.id))["cancelled"] == 1
            assert (await relay.message(later.id))["states"] == {"cancelled": 1}
            with pytest.raises(ProblemAnswer):
                await relay.send(**mail("gone@rcpt.example", stream="news"))

    asyncio.run(all_of_it())
    assert all(house.sink.to(one) for one in people)


@contextmanager
def losing(port: int, lost: int) -> Iterator[str]:
    """A way to ``port`` on which the first answers are lost: the request arrives, and the connection ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    left = [lost]

    def carry(taken: socket.socket) -> None:
        with taken, socket.create_connection(("127.0.0.1", port)) as onward:
            taken.settimeout(10)
            asked_octets = b""
            while b"\r\n\r\n" not in asked_octets:
                asked_octets += taken.recv(65_536)
            head, _, body = asked_octets.partition(b"\r\n\r\n")
            (length,) = [
                int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-l")
            ]
            while len(body) < length:
                body += taken.recv(65_536)
            onward.sendall(head.replace(b"keep-alive", b"close") + b"\r\n\r\n" + body)
            answer = b""
            while data := onward.recv(65_536):
                answer += data
            if left[0] > 0:
                left[0] -= 1
            else:
                taken.sendall(answer)

    def serve() -> None:
        while True:
            try:
                taken, _ = listening.accept()
            except OSError:
                return
            carry(taken)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def test_answers_that_are_lost_make_no_second_copy(house: House) -> None:
    to = nobody()
    with losing(house.relay.http, 2) as url, RelayClient(url, house.token) as client:
        sent = client.send(**mail(to))
    assert sent.replayed
    house.sink.to(to)
    assert len([one for one in house.sink.messages if one.recipients == [to]]) == 1


def test_webhooks_are_verified(house: House, client: RelayClient) -> None:
    with threaded() as hook:
        made = client.call("POST", "/webhooks", {"url": hook.url, "events": ["delivered"]})
        to = nobody()
        sent = client.send(**mail(to, meta={"order": "18"}))
        until(lambda: any(sent.id.encode() in one.body for one in hook.taken), "no event came")
        client.call("DELETE", f"/webhooks/{made['id']}")
    (taken,) = [one for one in hook.taken if sent.id.encode() in one.body]
    public = made["public_keys"][0] if "public_keys" in made else None
    for keys in filter(None, (made["secret"], public, ["whsec_" + "QUJD" * 8, made["secret"]])):
        event = verify_webhook(keys, taken.headers, taken.body)
        assert (event.type, event.recipient, event.meta) == ("delivered", to, {"order": "18"})
    stamp = int(taken.headers["webhook-timestamp"])
    wrong: list[tuple[dict[str, str], bytes, float]] = [
        (taken.headers, taken.body + b" ", stamp),
        (taken.headers, taken.body, stamp + 301),
        (taken.headers, taken.body, stamp - 301),
        ({**taken.headers, "webhook-id": "evt_other"}, taken.body, stamp),
        ({**taken.headers, "webhook-timestamp": str(stamp + 1)}, taken.body, stamp),
        ({**taken.headers, "webhook-timestamp": "soon"}, taken.body, stamp),
        ({**taken.headers, "webhook-signature": "v1,AAAA v1a,AAAA v1a,%%% ä"}, taken.body, stamp),
        ({**taken.headers, "webhook-signature": ""}, taken.body, stamp),
        ({}, taken.body, stamp),
    ]
    for headers, body, now in wrong:
        for key in filter(None, (made["secret"], public)):
            with pytest.raises(BadWebhook):
                verify_webhook(key, headers, body, clock=lambda now=now: now)  # type: ignore[misc]
    for bad in ("", "secret", "whsec_%", "rt_abc"):
        with pytest.raises(ValueError, match="key"):
            verify_webhook(bad, taken.headers, taken.body)


# --- bad days --------------------------------------------------------------------------

OK = {"id": "a", "message_id": "<a@x>", "accepted": ["a@x.example"], "refused": []}
Answer = Callable[[httpx.Request], httpx.Response]


def problem(status: int, word: str = "", **headers: str) -> httpx.Response:
    members = {"type": f"https://r/v1/problems/{word}" if word else "about:blank", "title": "T", "status": status}
    return httpx.Response(status, json=members, headers=headers)


def taken_one() -> httpx.Response:
    return httpx.Response(202, json=OK)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("relay.client.now.time.sleep", found.append)
    return found


class Script:
    """Answers in turn; exceptions are raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, tries: int = 4) -> RelayClient:
        return RelayClient("http://relay.test", "rt_x", tries=tries, transport=httpx.MockTransport(self))


@pytest.mark.parametrize(
    "bad",
    [
        [problem(503, "busy")], [problem(429, "rate")], [problem(500)], [httpx.Response(502, text="<html>")],
        [httpx.Response(504)], [problem(409, "in-progress")], [httpx.ConnectError("refused")],
        [httpx.ReadTimeout("slow")], [httpx.RemoteProtocolError("gone")], [problem(503), httpx.ReadError("x")],
        [problem(503), problem(429), problem(500)],
    ],
)  # fmt: skip
def test_what_passes_is_repeated_with_the_same_key(waits: list[float], bad: list[Any]) -> None:
    script = Script(*bad, taken_one())
    assert script.client().send(**mail("a@x.example")).id == "a"
    keys = {one.headers["idempotency-key"] for one in script.asked}
    assert len(keys) == 1 and len(keys.pop()) == 38
    assert len({one.content for one in script.asked}) == 1
    assert len(waits) == len(bad) and all(0 < one <= 60.5 for one in waits)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem(400), ProblemAnswer), (problem(401, "unauthorized"), TokenRefused),
        (problem(403, "scope"), TokenRefused),
        (problem(404, "not-found"), ProblemAnswer), (problem(409, "exists"), ProblemAnswer),
        (problem(413), ProblemAnswer), (problem(422, "no-consent"), ProblemAnswer),
        (httpx.Response(404, text="<html>no JSON"), ProblemAnswer), (httpx.Response(422, json=["odd"]), ProblemAnswer),
        (problem(429, "limit", **{"Retry-After": "600"}), TooFast),
    ],
)  # fmt: skip
def test_what_stays_is_raised_at_once(waits: list[float], answer: httpx.Response, kind: type[Exception]) -> None:
    script = Script(answer)
    with pytest.raises(kind):
        script.client().send(**mail("a@x.example"))
    assert waits == [] and len(script.asked) == 1


def test_tries_have_an_end(waits: list[float]) -> None:
    script = Script(*(problem(503, "busy", **{"Retry-After": "7"}) for _ in range(9)))
    with pytest.raises(TooFast) as raised:
        script.client(tries=3).send(**mail("a@x.example"))
    assert len(script.asked) == 3 and raised.value.retry_after_s == 7
    assert all(7 <= one <= 7.5 for one in waits)
    script = Script(*(httpx.ConnectError("refused") for _ in range(9)))
    with pytest.raises(RelayUnreachable) as lost:
        script.client(tries=2).send(**mail("a@x.example"), idempotency_key="mine")
    assert lost.value.key == "mine" and "refused" in str(lost.value)
    script = Script(httpx.ConnectError("refused"))
    with pytest.raises(RelayUnreachable):
        script.client().call("POST", "/webhooks/wh_1/test", repeat=False)


def test_of_a_batch_only_what_came_too_early_is_sent_again(waits: list[float]) -> None:
    early = {"status": 429, "type": "https://r/v1/problems/rate", "title": "T"}
    never = {"status": 422, "type": "https://r/v1/problems/no-consent", "title": "T"}
    script = Script(
        httpx.Response(200, json={"results": [{"status": 202, **OK}, early, never]}),
        httpx.Response(200, json={"results": [{"status": 202, **OK}, {"status": 202, **OK}, never]}),
    )
    results = script.client().send_many([mail("a@x.example")] * 3)
    assert [isinstance(one, MessageTaken) for one in results] == [True, True, False]
    assert len({one.headers["idempotency-key"] for one in script.asked}) == 1 and len(waits) == 1


@pytest.mark.parametrize(
    ("number", "asked_s", "chance", "wait"),
    [
        (1, None, 0.0, 0.25), (1, None, 1.0, 0.5), (4, None, 1.0, 4.0), (9, None, 1.0, 60.0), (1, "0", 0.0, 0.0),
        (1, "60", 0.0, 60.0), (1, "61", 0.0, None), (1, "soon", 1.0, 0.5), (10, None, 0.0, None),
        (1, "Wed, 21 Oct 2026 07:28:00 GMT", 1.0, 0.5), (1, "99999999999", 1.0, 0.5),
    ],
)  # fmt: skip
def test_how_long_is_waited(number: int, asked_s: str | None, chance: float, wait: float | None) -> None:
    headers = {} if asked_s is None else {"retry-after": asked_s}
    request = asked.call("GET", "/quota", None, {}, "")
    assert asked.wait_s(request, asked.ApiAnswer(503, headers, b""), number, 10, chance) == wait


@pytest.mark.parametrize(
    ("url", "token"), [("", "rt_x"), ("relay.example.com", "rt_x"), ("ftp://x", "rt_x"), ("http://x", "")]
)
def test_what_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch, url: str, token: str) -> None:
    monkeypatch.delenv("RELAY_URL", raising=False)
    monkeypatch.delenv("RELAY_TOKEN", raising=False)
    with pytest.raises(ValueError, match=r"RELAY_(URL|TOKEN)"):
        RelayClient(url, token)
    monkeypatch.setenv("RELAY_URL", "http://relay.test/v1/")
    monkeypatch.setenv("RELAY_TOKEN", "rt_env")
    script = Script(httpx.Response(200, json={"plan": "free"}))
    RelayClient(transport=httpx.MockTransport(script)).call("GET", "/quota")
    (one,) = script.asked
    assert (str(one.url), one.headers["authorization"]) == ("http://relay.test/v1/quota", "Bearer rt_env")


def test_texts_of_the_world_go_as_they_are() -> None:
    script = Script(taken_one())
    script.client().send(**mail({"email": "jürgen@x.example", "name": "Жук"}, subject="Grüße 😀"))
    told = json.loads(script.asked[0].content)
    assert told["to"]["name"] == "Жук" and told["subject"] == "Grüße 😀" and told["from"] == SENDER
    assert "sender" not in told
