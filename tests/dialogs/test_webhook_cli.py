"""``relay webhook …`` beside the running relay: what each command says, and what then happens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.client import BadWebhook, verify_webhook
from tests.support.hook import Hook, reply, threaded
from tests.support.peers import until
from tests.support.relay import CommandFailed, Relay


class Bureau:
    """A relay with two tenants; its mail goes nowhere but to the sandbox."""

    def __init__(self, directory: Path) -> None:
        self.relay = Relay(directory, {"delivery": {"smart_host": "127.0.0.1:9"}})
        self.relay.tenant()
        self.relay.cli("tenant", "add", "rival", "--contact", "post@rival.example")
        self.token = str(self.relay.json("token", "add", "acme")["token"])
        self.relay.start()

    def send(self, to: str = "delivered@sandbox.invalid") -> str:
        mail = {"from": "news@acme.example", "to": to, "subject": "x", "text": "x"}
        url, headers = f"http://127.0.0.1:{self.relay.http}/v1/messages", {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(trust_env=False, timeout=30) as http:
            return str(http.post(url, json=mail, headers=headers).json()["id"])

    def add(self, hook: Hook, *more: str) -> dict[str, Any]:
        made: dict[str, Any] = self.relay.json("webhook", "add", "acme", hook.url, *more)
        return made


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    made = Bureau(tmp_path_factory.mktemp("bureau"))
    yield made
    made.relay.stop()


@pytest.fixture
def hook() -> Iterator[Hook]:
    with threaded() as hook:
        yield hook


@pytest.fixture
def made(bureau: Bureau, hook: Hook) -> Iterator[dict[str, Any]]:
    """A webhook of acme for deliveries and bounces."""
    one = bureau.add(hook, "--events", "delivered,bounced")
    yield one
    bureau.relay.run("webhook", "remove", one["id"])


def heard(hook: Hook) -> list[str]:
    return [json.loads(taken.body)["type"] for taken in hook.taken]


def refused(relay: Relay, *words: str) -> str:
    """The one line that a command is refused with."""
    with pytest.raises(CommandFailed) as raised:
        relay.cli("webhook", *words)
    assert raised.value.status in (1, 2)
    return raised.value.stderr.strip()


# --- list, show ------------------------------------------------------------------------


def test_list_and_show_say_what_there_is(bureau: Bureau, hook: Hook, made: dict[str, Any]) -> None:
    relay = bureau.relay
    (one,) = [row for row in relay.json("webhook", "list", "acme") if row["id"] == made["id"]]
    assert (one["tenant"], one["url"], one["state"], one["waiting"]) == ("acme", hook.url, "active", 0)
    assert sorted(one["events"]) == ["bounced", "delivered"] or one["events"] == "bounced,delivered"
    assert "secret" not in one and made["secret"] not in relay.cli("webhook", "list", "acme")
    assert made["id"] in relay.cli("webhook", "list") and relay.json("webhook", "list", "rival") == []
    bureau.send()
    until(lambda: heard(hook) == ["delivered"], "nothing came")
    until(lambda: relay.json("webhook", "show", made["id"])["tries"], "the try is not on record")
    (tried,) = relay.json("webhook", "show", "acme", made["id"])["tries"]
    assert (tried["type"], tried["status"], tried["try"]) == ("delivered", 200, 1)
    assert tried["event"] == json.loads(hook.taken[0].body)["id"]
    assert made["secret"] not in relay.cli("webhook", "show", made["id"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "wh_999"), "wh_999"), (("show", "nothing"), "nothing"), (("test", "wh_999"), "wh_999"),
        (("rotate", "wh_999"), "wh_999"), (("remove", "wh_999"), "wh_999"),
        (("replay", "wh_999", "--failed"), "wh_999"),
        (("list", "nobody"), "nobody"), (("add", "nobody", "http://127.0.0.1:1/"), "nobody"),
        (("add", "acme", "ftp://x.example/"), "http"), (("add", "acme", "http://u:p@127.0.0.1/"), "user"),
        (("add", "acme", "nothing"), "http"), (("add", "acme", "http://127.0.0.1:1/", "--events", "no"), "no"),
        (("show", "a", "b", "c"), "name one"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_one_line(bureau: Bureau, words: tuple[str, ...], says: str) -> None:
    told = refused(bureau.relay, *words)
    assert says in told and told.count("\n") == 0 and "Traceback" not in told


def test_another_tenants_webhook_is_none(bureau: Bureau, made: dict[str, Any]) -> None:
    for command in ("show", "test", "rotate", "remove"):
        assert made["id"] in refused(bureau.relay, command, "rival", made["id"])
    assert bureau.relay.json("webhook", "show", made["id"])["state"] == "active"


# --- test ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "ok"),
    [(200, True), (204, True), (299, True), (301, False), (400, False), (404, False), (410, False), (500, False)],
)
def test_a_test_shows_what_the_server_answers(
    bureau: Bureau, hook: Hook, made: dict[str, Any], status: int, ok: bool
) -> None:
    hook.answer = lambda taken: reply(status, b"what it says")
    done = bureau.relay.run("webhook", "test", made["id"])
    assert (done.returncode, str(status) in done.stdout) == (0 if ok else 1, True), done.stdout
    told = json.loads(bureau.relay.run("webhook", "test", made["id"], "--json").stdout)
    assert (told["id"], told["ok"], told["status"]) == (made["id"], ok, status)
    assert heard(hook) == ["webhook.test"] * 2
    assert verify_webhook(made["secret"], hook.taken[0].headers, hook.taken[0].body).type == "webhook.test"
    assert bureau.relay.json("webhook", "show", made["id"])["state"] == "active"  # a test ends nothing


def test_a_test_of_who_isnt_there_says_so(bureau: Bureau, hook: Hook) -> None:
    gone = bureau.relay.json("webhook", "add", "acme", "http://127.0.0.1:1/hook")
    done = bureau.relay.run("webhook", "test", gone["id"])
    assert done.returncode == 1 and "127.0.0.1:1" in done.stdout and "Traceback" not in done.stderr
    bureau.relay.cli("webhook", "remove", gone["id"])


def test_one_that_was_gone_is_resumed_by_a_test(bureau: Bureau, hook: Hook, made: dict[str, Any]) -> None:
    relay = bureau.relay
    hook.answer = lambda taken: reply(410)
    bureau.send()
    until(lambda: relay.json("webhook", "show", made["id"])["state"] != "active", "410 didn't end it")
    shown = relay.json("webhook", "show", made["id"])
    assert shown["why"] and shown["ended_at"]
    missed = bureau.send()
    hook.answer = lambda taken: reply(200)
    assert "called again" in relay.cli("webhook", "test", made["id"])
    assert relay.json("webhook", "show", made["id"])["state"] == "active"
    until(lambda: any(missed.encode() in taken.body for taken in hook.taken), "it didn't go on from where it stopped")


# --- replay ----------------------------------------------------------------------------


def test_a_replay_sends_the_same_ids_once_more(bureau: Bureau, hook: Hook, made: dict[str, Any]) -> None:
    relay = bureau.relay
    before = datetime.now(UTC)  # what tests before this one sent is older
    bureau.send(), bureau.send("bounced@sandbox.invalid")
    until(lambda: sorted(heard(hook)) == ["bounced", "delivered"], "nothing came")
    ids = [json.loads(taken.body)["id"] for taken in hook.taken]
    assert relay.json("webhook", "replay", made["id"], "--event", ids[0])["queued"] == 1
    until(lambda: len(hook.taken) == 3, "the event was not sent again")
    assert json.loads(hook.taken[2].body) == json.loads(hook.taken[0].body)
    assert hook.taken[2].headers["webhook-id"] == ids[0]
    told = relay.json("webhook", "replay", made["id"], "--event", ids[0], "--event", ids[1])
    assert told == {"id": made["id"], "queued": 2}
    until(lambda: len(hook.taken) == 5, "both were not sent again")
    at = before.isoformat().replace("+00:00", "Z")
    assert relay.json("webhook", "replay", made["id"], "--since", at)["queued"] == 2
    until(lambda: len(hook.taken) == 7, "those of that time were not sent again")
    assert relay.json("webhook", "replay", made["id"], "--since", at, "--until", at)["queued"] == 0
    assert relay.json("webhook", "replay", made["id"], "--failed")["queued"] == 0


def test_what_failed_is_brought_back(bureau: Bureau, hook: Hook, made: dict[str, Any]) -> None:
    hook.answer = lambda taken: reply(500)
    id_ = bureau.send()
    until(lambda: any(id_.encode() in taken.body for taken in hook.taken), "it was not tried")
    relay = bureau.relay
    until(lambda: relay.json("webhook", "show", made["id"])["tries"], "the try is not on record")
    hook.answer = lambda taken: reply(200)
    assert relay.json("webhook", "replay", made["id"], "--failed")["queued"] >= 1
    until(lambda: relay.json("webhook", "show", made["id"])["tries"][0]["status"] == 200, "it was not brought back")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "since"), (("--event", "nothing"), "nothing"), (("--event", "evt_zzzzzzz"), "evt_zzzzzzz"),
        (("--since", "yesterday-ish"), "yesterday-ish"),
        (("--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"), "until"),
    ],
)  # fmt: skip
def test_a_replay_of_nothing_says_what_to_name(
    bureau: Bureau, made: dict[str, Any], options: tuple[str, ...], says: str
) -> None:
    assert says in refused(bureau.relay, "replay", made["id"], *options)


def test_another_tenants_event_cant_be_replayed(bureau: Bureau, hook: Hook, made: dict[str, Any]) -> None:
    bureau.send()
    until(lambda: heard(hook) == ["delivered"], "nothing came")
    id_ = json.loads(hook.taken[0].body)["id"]
    other = bureau.relay.json("webhook", "add", "rival", hook.url)
    assert id_ in refused(bureau.relay, "replay", other["id"], "--event", id_)
    bureau.relay.cli("webhook", "remove", other["id"])


# --- rotate, remove --------------------------------------------------------------------


def test_after_a_rotation_both_keys_sign(bureau: Bureau, hook: Hook, made: dict[str, Any]) -> None:
    fresh = bureau.relay.json("webhook", "rotate", made["id"])
    assert fresh["secret"] != made["secret"] and fresh["secret"].startswith("whsec_")
    assert len(fresh["public_keys"]) == 2 and made["public_keys"][0] in fresh["public_keys"]
    bureau.relay.run("webhook", "test", made["id"])
    bureau.send()
    until(lambda: len(hook.taken) == 2, "nothing came")
    for taken in hook.taken:
        for key in (made["secret"], fresh["secret"], *fresh["public_keys"]):
            assert verify_webhook(key, taken.headers, taken.body)
        with pytest.raises(BadWebhook):
            verify_webhook("whsec_" + "QUJD" * 11, taken.headers, taken.body)
    text = bureau.relay.cli("webhook", "rotate", made["id"])
    assert len(re.findall(r"^whsec_\S+$", text, re.M)) == 1 and "whpk_" in text


def test_a_removed_one_is_called_no_more(bureau: Bureau, hook: Hook) -> None:
    one = bureau.add(hook)
    other = bureau.relay.json("webhook", "add", "acme", hook.url.replace("a=1", "a=2"), "--events", "delivered")
    assert one["id"] in bureau.relay.cli("webhook", "remove", one["id"])
    bureau.send()
    until(lambda: "delivered" in heard(hook), "the other one was not called")
    assert {taken.target for taken in hook.taken} == {"/hook?a=2"}
    assert one["id"] in refused(bureau.relay, "show", one["id"])
    bureau.relay.cli("webhook", "remove", other["id"])
