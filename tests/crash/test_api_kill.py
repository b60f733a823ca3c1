"""kill -9 while applications send by HTTP: every 202 is in the store, and a repeat with its key sends nothing twice."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from relay.values.ids import encode_id
from tests.support.hook import Hook, threaded
from tests.support.peers import until
from tests.support.relay import Relay


@pytest.fixture
def hook() -> Iterator[Hook]:
    with threaded() as served:
        yield served


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    made = Relay(tmp_path, {"delivery": {"enabled": False}, "log": {"level": "warning"}})
    made.tenant()
    exempt = ("--consent", "exempt", "--ground", "contract", "--reason", "test")
    made.cli("stream", "add", "acme", "service", "--kind", "transactional", *exempt)
    yield made
    made.kill()


@pytest.mark.parametrize(
    ("messages", "killed_after"),
    [(80, (30,)), pytest.param(2000, (150, 600, 1000, 1400, 1800), marks=pytest.mark.slow)],
)
def test_every_202_is_there_and_a_repeat_sends_nothing_twice(
    relay: Relay, hook: Hook, messages: int, killed_after: tuple[int, ...]
) -> None:
    """``killed_after``: answers after which the relay is killed. A webhook hears of each message nevertheless."""
    relay.cli("webhook", "add", "acme", hook.url, "--events", "accepted")
    token = relay.json("token", "add", "acme")["token"]
    relay.start()
    base_url = f"http://127.0.0.1:{relay.http}"
    ids: dict[int, str] = {}
    counted = threading.Condition()
    done = threading.Event()

    def send(number: int) -> None:
        """Until it is answered, always with the same key."""
        message = {"from": "a@acme.example", "to": f"r{number}@rcpt.example", "subject": "x", "text": "y" * 2_000}
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"kill-{number}"}
        while not done.is_set():
            with contextlib.suppress(httpx.HTTPError):
                answer = http.post("/v1/messages", json={**message, "stream": "service"}, headers=headers)
                if answer.status_code == 202:
                    with counted:
                        ids[number] = answer.json()["id"]
                        counted.notify_all()
                    return
                assert answer.status_code in (409, 503), answer.text
            done.wait(0.05)

    with httpx.Client(base_url=base_url, trust_env=False, timeout=30) as http, ThreadPoolExecutor(16) as pool:
        sending = [pool.submit(send, number) for number in range(messages)]
        try:
            for answers in killed_after:
                with counted:
                    assert counted.wait_for(lambda most=answers: len(ids) >= most, 60)  # type: ignore[misc]
                relay.kill()
                relay.start()
            until(lambda: len(ids) == messages, "all are answered", 60 + messages / 10)
        finally:
            done.set()
        for one in sending:
            one.result()
    with relay.database() as conn:
        rows = conn.execute("SELECT submission_id, address FROM recipient ORDER BY submission_id").fetchall()
    assert [encode_id(row[0]) for row in rows] == sorted(ids.values())
    assert {row[1] for row in rows} == {f"r{number}@rcpt.example" for number in range(messages)}
    until(lambda: heard(hook) >= set(ids.values()), "an event is missing", 60 + messages / 10)
    assert heard(hook) == set(ids.values())


def heard(hook: Hook) -> set[str]:
    """Messages that the webhook was told of; at least once each."""
    return {json.loads(one.body)["message"] for one in list(hook.taken)}
