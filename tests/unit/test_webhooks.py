"""Webhooks: each event is sent, signed, at least once; what fails is tried again in time; nobody holds up another."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from relay.events import stream, write
from relay.queue.operator import Operator
from relay.rights import retention
from relay.store.database import transaction
from relay.values.errors import RegistryError
from relay.webhooks import book, endpoint, keys, tries, waits
from relay.webhooks.client import WebhookClient
from relay.webhooks.dispatch import Dispatcher
from relay.webhooks.keys import WebhookKey
from relay.webhooks.tries import ReplayWish
from tests.support.hook import Hook, Taken, hooked, reply
from tests.unit.records import NOW, SECRETS, SHOP, column, one, open_shop

OPERATOR = Operator("relay.example.com", "Relay", ())


class World:
    """A store, a clock that is set by hand, and one who calls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.conn = open_shop(path)
        self.now = NOW
        self.dispatcher = self.started()

    def started(self) -> Dispatcher:
        client = WebhookClient(self.lookup, allow_private=True, timeout_s=5)
        return Dispatcher(
            self.path,
            SECRETS,
            OPERATOR,
            client,
            allow_private=True,
            clock=lambda: self.now,
            random=lambda: 0.0,
        )

    async def lookup(self, host: str) -> list[str]:
        return ["127.0.0.1"]

    def add(self, url: str, *types: str, tenant_id: int = SHOP) -> tuple[book.WebhookRow, WebhookKey]:
        with transaction(self.conn):
            return book.add(self.conn, SECRETS, tenant_id, url, types, allow_private=True, actor="test", now=self.now)

    def happens(self, number: int, kind: str = "suppressed", tenant_id: int = SHOP) -> None:
        with transaction(self.conn):
            for index in range(number):
                write.of_account(self.conn, tenant_id, kind, {"recipient": f"p{index}@x.example"}, self.now)

    async def turns(self, until: Callable[[], bool], most: int = 200) -> None:
        """Turns until that is so and nothing is on its way, and one more that writes it down."""
        for _ in range(most):
            await self.dispatcher.turn()
            await self.dispatcher.settled()
            if until():
                await self.dispatcher.turn()
                return
        raise AssertionError("it never came to that")

    def state(self, webhook_id: int = 1) -> book.WebhookRow:
        return book.find(self.conn, None, webhook_id)

    def log(self, webhook_id: int = 1) -> list[tuple[int, int]]:
        """(number, status) of each try, the oldest first."""
        return [(one.number, one.status) for _, one in reversed(tries.log(self.conn, webhook_id, limit=1_000))]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "relay.db")
    yield world
    world.conn.close()


def run(test: Callable[[Hook], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(30), hooked() as hook:
            await test(hook)

    asyncio.run(whole())


def ids(hook: Hook) -> list[str]:
    return [taken.headers["webhook-id"] for taken in hook.taken]


# --- sending ----------------------------------------------------------------------------------------


def test_each_event_from_then_on_is_sent_once_as_the_api_gives_it(world: World) -> None:
    world.happens(3)

    async def test(hook: Hook) -> None:
        world.add(hook.url)
        world.happens(30)
        await world.turns(lambda: len(hook.taken) >= 30)
        wanted = [event.members() for event in stream.read(world.conn, SHOP, limit=100).events][3:]
        assert sorted((json.loads(taken.body) for taken in hook.taken), key=lambda e: e["id"]) == wanted
        assert {taken.target for taken in hook.taken} == {"/hook?a=1"}
        assert hook.connections <= endpoint.MOST_AT_ONCE < 30 + 40
        assert world.log() == [(1, 200)] * 30
        assert world.state().place[0] == stream.head(world.conn, SHOP)[0]
        await world.turns(lambda: True)
        assert len(hook.taken) == 30

    run(test)


def test_only_the_types_wanted_and_only_the_tenants_own(world: World) -> None:
    async def test(hook: Hook) -> None:
        world.add(hook.url, "tenant.warned")
        world.happens(5)
        world.happens(2, "tenant-warned")
        world.happens(4, "tenant-warned", tenant_id=2)
        await world.turns(lambda: len(hook.taken) >= 2)
        assert [json.loads(taken.body)["type"] for taken in hook.taken] == ["tenant.warned"] * 2

    run(test)


def verified(taken: Taken, key: WebhookKey) -> bool:
    """By the words of the standard: one signature of each kind is the key's."""
    signed = f"{taken.headers['webhook-id']}.{taken.headers['webhook-timestamp']}.".encode() + taken.body
    kinds: dict[str, list[bytes]] = {}
    for word in taken.headers["webhook-signature"].split(" "):
        kind, _, text = word.partition(",")
        kinds.setdefault(kind, []).append(base64.b64decode(text))
    public = Ed25519PublicKey.from_public_bytes(key.public)
    for signature in kinds["v1a"]:
        try:
            public.verify(signature, signed)
            break
        except Exception:
            continue
    else:
        return False
    return keys.signatures(
        [key], taken.headers["webhook-id"], int(taken.headers["webhook-timestamp"]), taken.body
    ).split(" ")[0].removeprefix("v1,") in [base64.b64encode(one).decode() for one in kinds["v1"]]


def test_two_keys_sign_while_they_are_rotated_and_then_one(world: World) -> None:
    async def test(hook: Hook) -> None:
        row, old = world.add(hook.url)
        with transaction(world.conn):
            new = book.rotate(world.conn, SECRETS, row, actor="test", now=world.now)
        world.happens(1)
        await world.turns(lambda: len(hook.taken) == 1)
        assert verified(hook.taken[0], old) and verified(hook.taken[0], new)
        assert len(hook.taken[0].headers["webhook-signature"].split(" ")) == 4
        world.now += book.BOTH_S + 1
        world.happens(1)
        await world.turns(lambda: len(hook.taken) == 2)
        assert not verified(hook.taken[1], old) and verified(hook.taken[1], new)

    run(test)


def test_keys_are_stored_sealed_and_open_for_their_webhook_alone(world: World) -> None:
    _, key = world.add("https://app.example.com/")
    (sealed,) = column(world.conn, "SELECT sealed FROM webhook_key")
    assert isinstance(sealed, bytes) and key.secret not in sealed
    assert keys.unseal(SECRETS, sealed, 1).secret == key.secret
    with pytest.raises(Exception, match="moved or it is damaged"):
        keys.unseal(SECRETS, sealed, 2)


# --- what fails -------------------------------------------------------------------------------------


def test_tries_go_on_for_75_hours_and_then_the_event_is_given_up(world: World) -> None:
    async def test(hook: Hook) -> None:
        hook.answer = lambda taken: reply(500, b"sorry") if taken.headers["webhook-id"] == ids(hook)[0] else reply(200)
        world.add(hook.url)
        world.happens(1)
        at = []
        await world.turns(lambda: len(hook.taken) == 1)
        for wait in waits.WAITS_S:
            at.append(world.now)
            before = len(hook.taken)
            world.now += wait - 1
            await world.turns(lambda: True)
            assert len(hook.taken) == before, "too soon"
            world.now += 1
            await world.turns(lambda before=before: len(hook.taken) > before)  # type: ignore[misc]
        at.append(world.now)
        assert at[-1] - at[0] == 75 * 3600 + 35 * 60 + 5
        assert tries.waiting(world.conn, 1) == (0, None)
        assert world.log() == [(number, 500) for number in range(1, 11)]
        assert len(set(ids(hook))) == 1
        world.now += 30 * 86_400
        await world.turns(lambda: True)
        assert len(hook.taken) == 10

    run(test)


def test_waits_are_spread(world: World) -> None:
    assert waits.wait_s(1, lambda: 0.0) == 5 and waits.wait_s(1, lambda: 1.0) == 5.5
    assert waits.wait_s(9, lambda: 0.5) == pytest.approx(24 * 3600 * 1.05) and waits.wait_s(10, lambda: 0) is None


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("", 0), ("120", 120), (" 7 ", 7), ("0", 0), ("999999999", 86_400), ("-5", 0), ("soon", 0), ("1.5", 0),
        ("Mon, 21 Sep 2026 14:15:20 GMT", 120), ("Mon, 21 Sep 2020 14:15:20 GMT", 0), ("99999999999999999999", 0),
    ],
)  # fmt: skip
def test_retry_after(field: str, seconds: float) -> None:
    assert waits.asked_s(field, NOW) == seconds


def test_nothing_is_sent_before_the_server_wants_it(world: World) -> None:
    async def test(hook: Hook) -> None:
        hook.answer = lambda taken: reply(429, b"", "Retry-After: 600") if len(hook.taken) == 1 else reply(200)
        world.add(hook.url)
        world.happens(1)
        await world.turns(lambda: len(hook.taken) == 1)
        world.happens(3)
        for _ in range(3):
            await world.turns(lambda: True)
        assert len(hook.taken) == 1 and world.state().paused_until == NOW + 600
        world.dispatcher = world.started()  # a relay that is started anew knows it too
        world.now += 599
        await world.turns(lambda: True)
        assert len(hook.taken) == 1
        world.now += 2
        await world.turns(lambda: len(hook.taken) >= 5)
        assert len(set(ids(hook))) == 4

    run(test)


def test_gone_ends_it_with_a_letter_and_a_test_that_succeeds_resumes(world: World) -> None:
    async def test(hook: Hook) -> None:
        hook.answer = lambda taken: reply(410, b"bye")
        world.conn.execute("UPDATE tenant SET contact = 'chef@shop.example', language = 'de'")
        world.add(hook.url)
        world.happens(1)
        await world.turns(lambda: len(hook.taken) == 1)
        assert (world.state().state, world.state().ended_why) == ("ended", book.GONE)
        assert column(world.conn, "SELECT address FROM recipient") == ["chef@shop.example"]
        assert column(world.conn, "SELECT subject FROM submission") == ["Ihr Webhook wird nicht mehr aufgerufen"]
        world.happens(3)
        world.now += 86_400
        await world.turns(lambda: True)
        assert len(hook.taken) == 1
        hook.answer = lambda taken: reply(200)
        with transaction(world.conn):
            book.resume(world.conn, world.state(), actor="test", now=world.now)
        await world.turns(lambda: len(hook.taken) >= 5)
        assert len(set(ids(hook))) == 4 and world.state().state == "active"

    run(test)


def test_who_is_dead_for_five_days_is_called_no_more_and_is_told_once(world: World) -> None:
    async def test(hook: Hook) -> None:
        hook.answer = lambda taken: reply(503)
        world.add(hook.url)
        for day in range(6):
            assert world.state().state == ("active" if not day else "failing")
            world.happens(1)
            before = len(hook.taken)
            await world.turns(lambda before=before: len(hook.taken) > before)  # type: ignore[misc]
            world.now += 86_400
        assert world.state().state == "ended"
        assert len(column(world.conn, "SELECT id FROM submission")) == 1

    run(test)


def test_one_success_within_five_days_begins_the_count_anew(world: World) -> None:
    async def test(hook: Hook) -> None:
        world.add(hook.url)
        for day in range(9):
            hook.answer = lambda taken, day=day: reply(200 if day == 4 else 500)  # type: ignore[misc]
            world.happens(1)
            before = len(hook.taken)
            await world.turns(lambda before=before: len(hook.taken) > before)  # type: ignore[misc]
            world.now += 86_400
        assert world.state().state == "failing"

    run(test)


@pytest.mark.parametrize(
    "said",
    [
        reply(302, b"", "Location: http://127.0.0.1:1/"),
        reply(400),
        reply(204 + 100),
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 500\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000 + b"\r\n",
    ],
    ids=["redirect", "400", "304", "no-http", "cut", "endless-head"],
)
def test_what_is_no_success(world: World, said: bytes) -> None:
    async def test(hook: Hook) -> None:
        hook.answer = lambda taken: said
        world.add(hook.url)
        world.happens(1)
        await world.turns(lambda: len(hook.taken) >= 1)
        assert tries.waiting(world.conn, 1)[0] == 1 and world.log()[0][1] not in range(200, 300)

    run(test)


def test_an_endless_answer_is_cut_and_counts_by_its_status(world: World) -> None:
    async def test(hook: Hook) -> None:
        hook.answer = lambda taken: (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65536
        )
        world.add(hook.url)
        world.happens(1)
        await world.turns(lambda: len(hook.taken) == 1)
        assert world.log() == [(1, 200)]
        says = str(one(world.conn, "SELECT says FROM webhook_try"))
        assert says == "x" * (tries.SAYS // 5)

    run(test)


# --- nobody is held up, nothing is lost -------------------------------------------------------------


def test_one_that_never_answers_holds_up_nobody(world: World) -> None:
    async def test(hook: Hook) -> None:
        async with hooked() as slow:
            slow.answer = lambda taken: None
            world.add(slow.url)
            world.add(hook.url)
            world.happens(500)
            for _ in range(100):
                await world.dispatcher.turn()
                await asyncio.sleep(0)
                if len(hook.taken) >= 500:
                    break
                await asyncio.wait([asyncio.create_task(asyncio.sleep(0))])
                tasks = list(world.dispatcher._flying)
                if tasks:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=0.05)
            assert len(hook.taken) >= 500
            assert len(slow.taken) <= endpoint.FIRST_AT_ONCE

    run(test)


def test_who_dies_on_the_way_sends_again_and_loses_none(world: World) -> None:
    async def test(hook: Hook) -> None:
        world.add(hook.url)
        world.happens(100)
        await world.dispatcher.turn()
        await world.dispatcher.turn()  # something is on its way, or was answered, and is not written down
        world.dispatcher = world.started()
        await world.turns(lambda: len(set(ids(hook))) == 100)
        assert len(set(ids(hook))) == 100

    run(test)


def test_a_kept_connection_that_the_server_closed_is_no_failure(world: World) -> None:
    async def test(hook: Hook) -> None:
        hook.answer = lambda taken: reply(200, b"ok", "Connection: close")
        world.add(hook.url)
        world.happens(3)
        await world.turns(lambda: len(hook.taken) >= 3)
        assert world.log() == [(1, 200)] * 3 and hook.connections == 3

    run(test)


# --- replay, log, bounds ----------------------------------------------------------------------------


def test_replay_by_id_by_time_and_of_what_failed(world: World) -> None:
    async def test(hook: Hook) -> None:
        world.add(hook.url)
        world.happens(2)
        world.now += 100
        world.happens(3)
        await world.turns(lambda: len(hook.taken) >= 5)
        first = ids(hook)[0]

        def wished(wish: ReplayWish) -> int:
            with transaction(world.conn):
                return tries.replay(world.conn, world.state(), wish, world.now)

        assert wished(ReplayWish((first,))) == 1
        await world.turns(lambda: len(hook.taken) >= 6)
        assert ids(hook)[5] == first
        assert wished(ReplayWish(since=NOW + 50)) == 3 and wished(ReplayWish(since=NOW, until=NOW + 50)) == 2
        await world.turns(lambda: len(hook.taken) >= 11)
        assert sorted(ids(hook)[6:]) == sorted(set(ids(hook)))
        assert wished(ReplayWish(failed=True)) == 0
        hook.answer = lambda taken: reply(500)
        world.happens(1)
        await world.turns(lambda: len(hook.taken) >= 12)
        assert wished(ReplayWish(failed=True)) == 1
        for wrong in (ReplayWish(("evt_0000000000zzz",)), ReplayWish(("x",)), ReplayWish()):
            with pytest.raises(RegistryError):
                wished(wrong)

    run(test)


def test_the_log_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "MOST_KEPT", 10)

    async def test(hook: Hook) -> None:
        world.add(hook.url)
        world.happens(25)
        await world.turns(lambda: len(hook.taken) >= 25)
        retention.clean(world.path, 86_400, 86_400, world.now)
        assert len(world.log()) == 10
        retention.clean(world.path, 86_400, 86_400, world.now + tries.KEPT_S + 1)
        assert world.log() == []

    run(test)


def test_what_waits_is_bounded_and_the_rest_stays_in_the_stream(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MOST_WAITING", 20)
    monkeypatch.setattr(endpoint, "AHEAD", 20)

    async def test(hook: Hook) -> None:
        hook.answer = lambda taken: reply(500)
        world.add(hook.url)
        world.happens(100)
        for _ in range(120):
            world.now += 70
            await world.turns(lambda: True)
        assert 20 <= tries.waiting(world.conn, 1)[0] <= 40
        hook.answer = lambda taken: reply(200)
        for _ in range(60):
            world.now += 4000
            await world.turns(lambda: True)
        good = {taken.headers["webhook-id"] for taken in hook.taken}
        assert len(good) == 100 and tries.waiting(world.conn, 1)[0] == 0

    run(test)


def test_removed_it_leaves_nothing(world: World) -> None:
    async def test(hook: Hook) -> None:
        hook.answer = lambda taken: reply(500)
        world.add(hook.url)
        world.happens(3)
        await world.turns(lambda: len(hook.taken) >= 3)
        with transaction(world.conn):
            book.remove(world.conn, world.state(), actor="test", now=world.now)
        world.happens(3)
        world.now += 1_000
        await world.turns(lambda: True)
        for table in ("webhook", "webhook_key", "webhook_again", "webhook_try"):
            assert one(world.conn, f"SELECT count(*) FROM {table}") == 0
        assert len(hook.taken) == 3

    run(test)


def test_there_are_only_so_many(world: World) -> None:
    for number in range(book.MOST):
        world.add(f"https://app.example.com/{number}")
    with pytest.raises(RegistryError, match="the most"):
        world.add("https://app.example.com/more")


def test_a_type_that_there_is_not_is_told(world: World) -> None:
    with pytest.raises(RegistryError, match="did you mean"):
        world.add("https://app.example.com/", "deliverd")
