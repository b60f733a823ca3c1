"""``quota.near`` through the running relay: by API, by webhook, by mail."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from tests.support.hook import threaded
from tests.support.peers import until
from tests.support.relay import FREED, Relay
from tests.support.smtp import Sink


def test_a_tenant_hears_that_its_plan_is_nearly_used(tmp_path: Path) -> None:
    sink = Sink()
    relay = Relay(
        tmp_path,
        {
            "delivery": {"smart_host": f"127.0.0.1:{sink.port}"},
            "plans.free": {"messages": 5, "subscribers": 0},
        },
    )
    relay.tenant(plan="free")
    relay.cli("stream", "add", "acme", "bare", "--kind", "transactional", *FREED, "--footer", "headers")
    token = relay.json("token", "add", "acme")["token"]
    contact = relay.json("tenant", "show", "acme")["contact"]
    with threaded() as hook:
        relay.start()
        try:
            relay.cli("webhook", "add", "acme", hook.url, "--events", "quota.near")
            url = f"http://127.0.0.1:{relay.http}/v1"
            with httpx.Client(
                base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
            ) as http:

                def send(number: int) -> int:
                    mail = {"from": "news@acme.example", "to": f"q{number}@rcpt.example", "subject": "x", "text": "x"}
                    return http.post("/messages", json={**mail, "stream": "bare"}).status_code

                def heard() -> list[tuple[str, int, int]]:
                    found = http.get("/events", params={"type": "quota.near"}).json()["events"]
                    return [
                        (one["detail"]["measure"], one["detail"]["used"], one["detail"]["percent"]) for one in found
                    ]

                assert [send(number) for number in range(3)] == [202] * 3
                assert send(3) == 202
                until(lambda: heard() == [("messages", 4, 80)], "the event didn't come")
                assert [send(4), send(5)] == [202, 422]
                until(lambda: heard()[1:] == [("messages", 5, 100)], "the second one didn't come")
                quota = http.get("/quota").json()
                found = http.get("/events", params={"type": "quota.near"}).json()["events"]
                assert {one["detail"]["renews_at"][:19] for one in found} == {quota["renews_at"][:19]}
                until(lambda: len(hook.taken) >= 2, "the webhook was not called")
                called = [json.loads(taken.body) for taken in hook.taken]
                assert {one["id"] for one in called} == {one["id"] for one in found}
                until(lambda: len([m for m in sink.messages if m.recipients == [contact]]) >= 2, "no letters")
        finally:
            relay.stop()
            sink.close()
