"""kill -9 while applications send by HTTP: every 202 is in the store, and a repeat with its key sends nothing twice."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.peers import until
from tests.support.relay import Relay

MESSAGES = 80
KILLED_AFTER = (30,)
"""Answers after which the relay is killed."""


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    made = Relay(tmp_path, {"delivery": {"enabled": False}, "log": {"level": "warning"}})
    made.tenant()
    exempt = ("--consent", "exempt", "--ground", "contract", "--reason", "test")
    made.cli("stream", "add", "acme", "service", "--kind", "transactional", *exempt)
    yield made
    made.kill()


def test_every_202_is_there_and_a_repeat_sends_nothing_twice(relay: Relay) -> None:
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
        with httpx.Client(base_url=base_url, headers=headers, trust_env=False, timeout=30) as http:
            while not done.is_set():
                with contextlib.suppress(httpx.HTTPError):
                    answer = http.post("/v1/messages", json={**message, "stream": "service"})
                    if answer.status_code == 202:
                        with counted:
                            ids[number] = answer.json()["id"]
                            counted.notify_all()
                        return
                    assert answer.status_code in (409, 503), answer.text
                done.wait(0.05)

    with ThreadPoolExecutor(16) as pool:
        sending = [pool.submit(send, number) for number in range(MESSAGES)]
        try:
            for answers in KILLED_AFTER:
                with counted:
                    assert counted.wait_for(lambda most=answers: len(ids) >= most, 60)  # type: ignore[misc]
                relay.kill()
                relay.start()
            until(lambda: len(ids) == MESSAGES, "all are answered", 60)
        finally:
            done.set()
        for one in sending:
            one.result()
    listed = relay.json("message", "list", "--limit", "1000")
    rows = listed if isinstance(listed, list) else listed["messages"]
    assert sorted(row["id"] for row in rows) == sorted(ids.values())
    assert len({row["recipient"] for row in rows}) == MESSAGES
