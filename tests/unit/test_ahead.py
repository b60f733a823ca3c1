"""What is signed before its commit: taken only for the copy that it was made for, and the same as made later."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from config.settings import Settings
from relay.delivery.ahead import Ahead
from relay.delivery.compose import Composer, Links
from relay.mail.address import parse_address
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import Template, compile_template
from relay.pipeline.contract import Additions, Recipient, Standing
from relay.queue.values import Lease, NewRecipient, NewSubmission, Submission
from relay.registry import domains, streams, tenants
from relay.registry.secrets import Secrets
from relay.registry.snapshot import Snapshot, SnapshotSource
from relay.store.database import connect, migrate

NOW = 1_790_000_000.0
SECRETS = Secrets({1: b"1" * 32}, 1)
SETTINGS = Settings.model_validate(
    {"server": {"hostname": "relay.example"}, "plans": {}}, context={"base": Path("/tmp")}
)
RAW = b"From: a@shop.example\r\nTo: b@x.example\r\nSubject: hi\r\nRelay-Topic: x\r\n\r\nhello\r\n"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    migrate(tmp_path / "relay.db")
    connection = connect(tmp_path / "relay.db")
    tenant = tenants.add(connection, "shop", parse_address("o@shop.example"), actor="anna", now=NOW)
    streams.add_defaults(connection, tenant, actor="anna", now=NOW)
    domain = domains.add(connection, SECRETS, tenant, "shop.example", actor="anna", now=NOW)
    domains.mark_verified(connection, domain, "dns", actor="anna", now=NOW)
    yield connection
    connection.close()


class Bench:
    """A composer with a pool of one thread; ``lease`` is what the commit makes of the message."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.pool = ThreadPoolExecutor(1)
        self.composer = Composer(conn, SECRETS, Links("https://relay.example", "relay.example"), 1 << 20)
        self.ahead = Ahead(self.composer, self.pool)
        self.source = SnapshotSource(conn, SETTINGS, SECRETS, fresh_s=0)
        self.template = compile_template(
            scan(RAW, ScanLimits()), Additions(headers=(("X-Report-Abuse", "<{{report_url}}>"),)), frozenset(), [{}]
        )
        self.lease = _lease()

    @property
    def snapshot(self) -> Snapshot:
        return self.source.current()

    def begin(self, new: NewSubmission) -> None:
        self.ahead.begin(new, self.template, self.snapshot, NOW)

    def taken(self, lease: Lease | None = None, *, eight_bit: bool = True, shared: bool = False) -> bool:
        return self.ahead.take(lease or self.lease, self.snapshot, eight_bit=eight_bit, shared=shared) is not None


def _new(template: Template, *subscribers: int | None) -> NewSubmission:
    people = [
        NewRecipient(Recipient(f"b{n}@x.example", f"b{n}@x.example", "x.example", Standing(who)), {}, (), None)
        for n, who in enumerate(subscribers)
    ]
    return NewSubmission(
        5, 1, 1, "", False, "", "a@shop.example", "<1@shop.example>", "a@shop.example", "shop.example", "hi", 99,
        NOW, NOW, NOW + 86400, template.encode(), tuple(people),
    )  # fmt: skip


def _lease() -> Lease:
    submission = Submission(
        5,
        1,
        1,
        None,
        "",
        "a@shop.example",
        "shop.example",
        "<1@shop.example>",
        NOW,
        NOW + 86400,
        "",
        "",
        99,
        "messages",
    )
    return Lease(submission, 0, 7, "b0@x.example", "x.example", 1, 0, NOW + 1800)


def _run(conn: sqlite3.Connection, body: Callable[[Bench], Awaitable[None]]) -> None:
    bench = Bench(conn)
    try:
        asyncio.run(_awaited(body(bench)))
    finally:
        bench.pool.shutdown()


async def _awaited(body: Awaitable[None]) -> None:
    await body


def test_it_is_what_would_be_made_later(conn: sqlite3.Connection) -> None:
    async def body(bench: Bench) -> None:
        bench.begin(_new(bench.template, 7))
        begun = bench.ahead.take(bench.lease, bench.snapshot, eight_bit=True, shared=False)
        message = bench.composer.message(5)
        assert begun is not None and message is not None
        later = bench.composer.compose(bench.snapshot, message, bench.lease, NOW, eight_bit=True, shared=False)
        assert later.pending is not None and begun.composed == later
        assert await begun.signatures == later.pending.finish()
        assert not bench.taken()  # once

    _run(conn, body)


@pytest.mark.parametrize("subscribers", [(None,), (7, 8)])
def test_unknown_people_and_several_wait_for_the_commit(
    conn: sqlite3.Connection, subscribers: tuple[int | None, ...]
) -> None:
    async def body(bench: Bench) -> None:
        bench.begin(_new(bench.template, *subscribers))
        assert not bench.taken()

    _run(conn, body)


@pytest.mark.parametrize(("eight_bit", "shared"), [(False, False), (True, True)])
def test_a_copy_of_another_kind_is_made_anew(conn: sqlite3.Connection, eight_bit: bool, shared: bool) -> None:
    async def body(bench: Bench) -> None:
        bench.begin(_new(bench.template, 7))
        assert not bench.taken(eight_bit=eight_bit, shared=shared)

    _run(conn, body)


def test_another_message_leaves_it_alone(conn: sqlite3.Connection) -> None:
    async def body(bench: Bench) -> None:
        bench.begin(_new(bench.template, 7))
        assert not bench.taken(replace(bench.lease, submission=replace(bench.lease.submission, id=6)))
        assert bench.taken()

    _run(conn, body)


def test_keys_of_today(conn: sqlite3.Connection) -> None:
    async def body(bench: Bench) -> None:
        bench.begin(_new(bench.template, 7))
        domain = domains.find(conn, "shop.example")
        domains.rotate(conn, SECRETS, domain, at_once=True, actor="anna", now=NOW)
        assert not bench.taken()

    _run(conn, body)


def test_what_was_not_stored_is_forgotten(conn: sqlite3.Connection) -> None:
    async def body(bench: Bench) -> None:
        bench.begin(_new(bench.template, 7))
        bench.ahead.forget(6)
        assert bench.composer.message(5) is not None
        bench.ahead.forget(5)
        assert not bench.taken() and bench.composer.message(5) is None

    _run(conn, body)


def test_a_fault_is_left_for_the_delivery_to_tell(conn: sqlite3.Connection) -> None:
    async def body(bench: Bench) -> None:
        conn.execute("UPDATE dkim_key SET sealed = x'00'")
        bench.begin(_new(bench.template, 7))
        assert not bench.taken()

    _run(conn, body)
