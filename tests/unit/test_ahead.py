"""Signing ahead of the commit: what is taken, what is thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from relay.delivery import ahead
from relay.delivery.ahead import Ahead
from relay.delivery.outcome import Prepared
from relay.pipeline.contract import Recipient, Standing
from relay.queue.values import Claim, Lease, Submission

CLAIM = Claim("w", 2000.0)
SUBMISSION = Submission(1, 1, 1, None, "", "b@t.example", "t.example", "<1@t.example>", 1.0, 2.0, "", "", 10, "")
LEASE = Lease(SUBMISSION, 0, 7, "a@x.example", "x.example", 1, 0, 2000.0)
MADE = Prepared(reverse_path="", data=b"signed", smtputf8=False, eight_bit=False, ret="HDRS")


def message(number: int = 1, *, people: tuple[int | None, ...] = (7,)) -> Any:
    recipients = [
        SimpleNamespace(
            recipient=Recipient("a@x.example", "a@x.example", "x.example", Standing(person), "", ""), slots={}
        )
        for person in people
    ]
    plain: dict[str, Any] = dict.fromkeys(("stream_id", "tenant_id"), 1)
    plain |= {"accepted_at": 1.0, "expires_at": 2.0, "size_octets": 10, "shared": False, "standing_version": 0}
    texts = dict.fromkeys(("topic", "reverse_path", "from_domain", "message_id", "ret", "envid"), "")
    return SimpleNamespace(id=number, recipients=recipients, template=b"", **plain, **texts)


class Desk:
    """As much of a worker as this needs."""

    signing_pool: ThreadPoolExecutor | None = None

    def __init__(self, *, idle: bool = True, fails: bool = False) -> None:
        self.engine = SimpleNamespace(idle=lambda domain: idle)
        self.composer = SimpleNamespace(remember=lambda *words: "compiled")
        self.snapshots = SimpleNamespace(current=lambda: SimpleNamespace(version=5))
        self.fails = fails
        self.signed = 0

    def attempt(self, lease: Lease) -> Any:
        async def composed() -> Prepared:
            self.signed += 1
            if self.fails:
                raise ValueError("no key")
            return MADE

        def begin(*words: object) -> Coroutine[Any, Any, Prepared]:
            return composed()

        return SimpleNamespace(composed=begin)


def begun(desk: Desk, *messages: Any) -> Ahead:
    """What was begun for messages, after a while."""

    async def run() -> Ahead:
        made = Ahead(desk)  # type: ignore[arg-type]
        for one in messages:
            made.begin(one, None, CLAIM)  # type: ignore[arg-type]
        for _ in range(3):
            await asyncio.sleep(0)
        return made

    return asyncio.run(run())


def test_a_copy_is_taken_once() -> None:
    desk = Desk()
    made = begun(desk, message())
    assert made.take(LEASE, 5) is MADE and desk.signed == 1
    assert made.take(LEASE, 5) is None


@pytest.mark.parametrize(
    ("idle", "people"),
    [(False, (7,)), (True, (None,)), (True, (7, 8))],
    ids=["no connection is idle", "the person is new", "several recipients"],
)
def test_what_is_not_made_ahead(idle: bool, people: tuple[int | None, ...]) -> None:
    desk = Desk(idle=idle)
    assert begun(desk, message(people=people)).take(LEASE, 5) is None and desk.signed == 0


@pytest.mark.parametrize(
    ("lease", "version"), [(LEASE, 6), (replace(LEASE, subscriber_id=8), 5)], ids=["keys changed", "another person"]
)
def test_what_would_be_made_otherwise_now_is_made_anew(lease: Lease, version: int) -> None:
    assert begun(Desk(), message()).take(lease, version) is None


def test_what_fails_ahead_is_made_anew() -> None:
    assert begun(Desk(fails=True), message()).take(LEASE, 5) is None


def test_few_are_kept_and_all_can_be_dropped() -> None:
    made = begun(Desk(), *[message(number) for number in range(1, ahead.MOST + 3)])
    leases = [replace(LEASE, submission=replace(SUBMISSION, id=number)) for number in (1, 2, 3, 4)]
    made.drop(3)
    assert [made.take(lease, 5) for lease in leases] == [None, None, None, MADE]
