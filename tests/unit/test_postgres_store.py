"""PostgreSQL as a store: limits nobody passes, work that is run again, commits that are asked for, clear errors."""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
import pytest

from config.settings import Settings
from relay.audit import log, sequence, signers, verify
from relay.checks.result import Level
from relay.checks.server import check_server
from relay.keys.secrets import Secrets
from relay.ledger import counters
from relay.people import suppressions
from relay.store import as_of, batch, marks
from relay.store.contract import Conflict, Failure
from relay.store.database import StoreError, connect, is_busy, reading, transaction
from relay.store.engines import shown
from relay.store.pool import Unavailable
from relay.store.postgres import committer as committer_module
from relay.store.postgres import driver
from relay.store.postgres.committer import ServerCommitter
from relay.store.postgres.connection import ServerConnection
from relay.store.postgres.errors import CommitUnsure, ServerAway, ServerFailure, at_connecting
from relay.store.postgres.pool import ServerPool
from relay.store.postgres.reach import ServerReach, reach
from relay.store.units import StoreBusy, StoreFull
from relay.store.words import StoreFault, explained, fault
from relay.values.facts import Reason
from tests.support.peers import until
from tests.support.postgres import Server, server
from tests.support.wire import Wire

T = TypeVar("T")
WRITERS = 8


@pytest.fixture(scope="module")
def url() -> str:
    return server().made()


@pytest.fixture
def conn(url: str) -> Iterator[ServerConnection]:
    with closing(ServerConnection(url)) as made:
        yield made


def committed(url: str, test: Callable[[ServerCommitter], Any]) -> Any:
    async def whole() -> Any:
        committer = ServerCommitter(url)
        try:
            return await test(committer)
        finally:
            await committer.close()

    return asyncio.run(asyncio.wait_for(whole(), 30))


def ends(conn: ServerConnection) -> None:
    """The server ends this connection, as it does when it stops."""
    server().admin(f"SELECT pg_terminate_backend({conn.driver.info.backend_pid})")


# --- limits ----------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "amount"), [(100, 1), (100, 7), (5, 1), (1, 1), (0, 1)])
def test_eight_writers_never_pass_a_limit(url: str, limit: int, amount: int) -> None:
    """READ COMMITTED, without the store's lock: the condition in the statement alone decides."""
    name, taken = f"limit/{limit}/{amount}", []

    def write() -> None:
        with closing(ServerConnection(url)) as conn:
            for _ in range(25):
                if counters.add(conn, 1, name, amount, limit):
                    taken.append(amount)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with closing(ServerConnection(url)) as conn:
        row = conn.execute("SELECT value FROM counter WHERE tenant_id = 1 AND name = ?", (name,)).fetchone()
    value = 0 if row is None else row[0]
    assert value == sum(taken) <= limit
    assert limit - value < amount


def test_what_is_read_in_a_transaction_is_so_when_it_writes(url: str) -> None:
    """Who reads before writing takes the lock, as with SQLite: nothing is lost of eight who add one each time."""

    def write() -> None:
        with closing(ServerConnection(url)) as conn:
            for _ in range(10):
                with transaction(conn):
                    marks.write(conn, "sum", (marks.read(conn, "sum") or 0) + 1)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with closing(ServerConnection(url)) as conn:
        assert marks.read(conn, "sum") == 10 * WRITERS


def test_a_standing_that_got_worse_moves_the_version_whoever_did_it(url: str, conn: ServerConnection) -> None:
    """Its rows are one a connection, so that two who suppress somebody don't wait for each other."""
    conn.execute("INSERT INTO tenant (id, name, contact, plan_started_at, created_at) VALUES (7, 'v', 'a@b', 0, 0)")
    ids = [
        conn.execute(
            "INSERT INTO subscriber (tenant_id, address, created_at) VALUES (7, ?, 0) RETURNING id", (f"{n}@v",)
        ).fetchone()[0]
        for n in range(2)
    ]
    first = as_of.look(conn, 1.0)
    assert as_of.look(conn, 1.5, first) is first
    with closing(ServerConnection(url)) as other:
        for one, person in ((conn, ids[0]), (other, ids[1])):
            one.execute("BEGIN")  # both at once, neither has committed
            suppressions.add(one, person, Reason.HAND, detail="", now=1.0)
        assert as_of.look(conn, 1.5, first).standing != first.standing  # one's own
        conn.execute("COMMIT")
        second = as_of.look(conn, 1.5, first)
        assert second.standing > first.standing
        other.execute("COMMIT")
        assert as_of.look(conn, 1.5, second).standing > second.standing


# --- transactions ----------------------------------------------------------------


def test_a_transaction_is_all_or_nothing(conn: ServerConnection) -> None:
    with pytest.raises(ZeroDivisionError), transaction(conn):
        marks.write(conn, "half", 1)
        _ = 1 / 0
    assert marks.read(conn, "half") is None and not conn.in_transaction


def test_a_failure_that_is_passed_over_does_not_look_like_a_commit(conn: ServerConnection) -> None:
    with pytest.raises(Failure, match="rolled back"), transaction(conn):
        marks.write(conn, "quiet", 1)
        with pytest.raises(Failure):
            conn.execute("SELECT 1 FROM nowhere")
    assert marks.read(conn, "quiet") is None


def test_readers_see_one_moment(url: str, conn: ServerConnection) -> None:
    marks.write(conn, "moment", 1)
    with closing(ServerConnection(url)) as other, reading(conn):
        assert marks.read(conn, "moment") == 1
        marks.write(other, "moment", 2)
        assert marks.read(conn, "moment") == 1
    assert marks.read(conn, "moment") == 2


def test_a_lock_is_waited_for_so_long_and_no_longer(url: str, conn: ServerConnection) -> None:
    with closing(ServerConnection(url)) as other, transaction(other):
        conn.waits(0.05)
        with pytest.raises(Failure) as caught, transaction(conn):
            pass
    assert is_busy(caught.value) and not conn.in_transaction
    with transaction(conn):
        marks.write(conn, "then", 1)


def test_a_readers_connection_writes_nothing(url: str) -> None:
    with closing(connect(url, readonly=True)) as conn, pytest.raises(Failure) as caught:
        conn.execute("DELETE FROM meta")
    assert fault(caught.value) is StoreFault.READ_ONLY


def test_rows_that_contradict_are_conflicts(conn: ServerConnection) -> None:
    with pytest.raises(Conflict):
        conn.execute("INSERT INTO meta (name, value) VALUES ('retry', 1)")
    with pytest.raises(Conflict):
        conn.execute("INSERT INTO stream (tenant_id, name, kind, consent, created_at) VALUES (99, 'a', 'b', 'c', 0)")


# --- lost connections ---------------------------------------------------------------


def test_a_look_up_over_a_lost_connection_is_done_again(conn: ServerConnection) -> None:
    ends(conn)
    assert marks.read(conn, "retry") == 0


def test_a_transaction_does_not_go_on_over_a_lost_connection(conn: ServerConnection) -> None:
    with pytest.raises(ServerAway), transaction(conn):
        marks.write(conn, "lost", 1)
        ends(conn)
        for _ in range(2):  # the second would else be on a new connection, and outside of any transaction
            with pytest.raises(ServerAway):
                marks.write(conn, "lost", 2)
        conn.execute("COMMIT")
    assert marks.read(conn, "lost") is None


@pytest.mark.parametrize("came_about", [True, False])
def test_a_commit_that_lost_its_connection_is_asked_for(
    conn: ServerConnection, monkeypatch: pytest.MonkeyPatch, came_about: bool
) -> None:
    """The reply is lost after the commit, or the commit never arrives."""
    driver, name = conn.driver, f"unsure/{came_about}"
    execute = type(driver).execute

    def lost(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        if query == b"COMMIT" and self is driver:
            if came_about:
                execute(self, query)
            self.close()
            raise psycopg.OperationalError("the connection is lost")
        return execute(self, query, *rest, **more)

    monkeypatch.setattr(type(driver), "execute", lost)
    conn.execute("BEGIN IMMEDIATE")
    marks.write(conn, name, 1)
    if came_about:
        conn.execute("COMMIT")
    else:
        with pytest.raises(ServerAway):
            conn.execute("COMMIT")
    assert marks.read(conn, name) == (1 if came_about else None)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire(server().directory / ".s.PGSQL.5432")
    yield made
    made.close()


@pytest.fixture
def far(wire: Wire, url: str) -> str:
    """The same database over the network."""
    return f"postgresql://relay@127.0.0.1:{wire.port}/{url.partition('?')[0].rpartition('/')[2]}?sslmode=disable"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """One for each wait of this thread in vain."""
    found: list[float] = []
    bounded, here = driver._bounded, threading.get_ident()

    def counted(gen: Any, end: float, given_up: Any) -> Any:
        try:
            return (yield from bounded(gen, end, given_up))
        except driver.OutOfTime:
            if threading.get_ident() == here:
                found.append(end)
            raise

    monkeypatch.setattr(driver, "_bounded", counted)
    monkeypatch.setattr(driver, "SILENT_S", 0.1)
    return found


ASKED: dict[str, Callable[[ServerConnection], Any]] = {
    "one": lambda conn: conn.execute("SELECT 1"),
    "many": lambda conn: conn.executemany("SELECT ?", [(1,), (2,), (3,)]),
    "begin": lambda conn: conn.execute("BEGIN IMMEDIATE"),
    "reserve": lambda conn: conn.reserve("submission", 3),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_silent_server_is_waited_for_once(wire: Wire, far: str, waits: list[float], asked: str) -> None:
    """Whoever tidies up behind a statement doesn't wait as long again, nor does who asks next, here or elsewhere."""
    with closing(ServerConnection(far, answer_s=0.3)) as conn, closing(ServerConnection(far, answer_s=0.3)) as other:
        wire.cut()
        waits.clear()
        with pytest.raises(ServerAway):
            ASKED[asked](conn)
        assert conn.driver.closed and len(waits) == 1
        for one in (conn, other, conn):
            with pytest.raises(ServerAway, match="doesn't answer"):
                one.execute("SELECT 1")
        assert not conn.in_transaction
        wire.mend()
        until(lambda: not reach(far).silent, "the server is heard of")
        for one in (conn, other):
            assert one.execute("SELECT 1").fetchone() == (1,)


def test_a_transaction_ends_with_a_silent_server(wire: Wire, far: str, waits: list[float]) -> None:
    with closing(ServerConnection(far, answer_s=0.3)) as conn, closing(ServerConnection(far, answer_s=0.3)) as other:
        with pytest.raises(ServerAway), transaction(conn):
            marks.write(conn, "silent", 1)
            wire.cut()
            marks.write(conn, "silent", 2)
        assert not conn.in_transaction
        wire.mend()
        until(lambda: not reach(far).silent, "the server is heard of")
        with transaction(other):
            assert marks.read(other, "silent") is None
            marks.write(other, "silent", 3)
        assert marks.read(conn, "silent") == 3


def test_a_commit_into_silence_is_unsure(wire: Wire, far: str, waits: list[float]) -> None:
    with closing(ServerConnection(far, answer_s=0.3)) as conn:
        conn.ends_at(time.monotonic() + 0.6)
        conn.execute("BEGIN IMMEDIATE")
        marks.write(conn, "commit/silent", 1)
        wire.cut()
        with pytest.raises(CommitUnsure):
            conn.execute("COMMIT")
        assert not conn.in_transaction
        wire.mend()
        until(lambda: not reach(far).silent, "the server is heard of")
        conn.ends_at(math.inf)
        assert until(lambda: marks.read(conn, "commit/silent"), "what was on its way arrives") == 1


def test_a_commit_whose_answer_was_lost_in_silence_is_asked_for(wire: Wire, far: str, waits: list[float]) -> None:
    with closing(ServerConnection(far, answer_s=0.3)) as conn:
        conn.ends_at(time.monotonic() + 30)
        conn.execute("BEGIN IMMEDIATE")
        marks.write(conn, "commit/asked", 1)
        wire.cut()
        timer = threading.Timer(0.6, wire.mend)
        timer.start()
        conn.execute("COMMIT")
        timer.join()
        conn.ends_at(math.inf)
        assert marks.read(conn, "commit/asked") == 1


def test_what_is_slow_is_no_silence(url: str, conn: ServerConnection) -> None:
    """The server ends the statement itself: others go on."""
    conn.answers_within(0.3)
    pid = conn.driver.info.backend_pid
    with pytest.raises(ServerFailure, match="statement timeout") as caught:
        conn.execute("WITH x AS (SELECT pg_sleep(20)) SELECT 1 FROM x")
    assert not isinstance(caught.value, ServerAway) and not reach(url).silent
    assert marks.read(conn, "retry") == 0 and conn.driver.info.backend_pid == pid


def test_a_name_that_nobody_looks_up_is_not_waited_for() -> None:
    """A new connection takes as long as its host's name does: in a thread, whose result comes too late."""
    go = threading.Event()
    made: list[Any] = []

    def make() -> Any:
        go.wait(60)
        made.append(SimpleNamespace(close=lambda: made.append("closed")))
        return made[0]

    known = ServerReach("postgresql://nowhere.invalid/x")
    with pytest.raises(ServerAway, match="doesn't answer"):
        known.connection(make, 0.05)
    with pytest.raises(ServerAway):
        known.connection(make, 0.05)
    go.set()
    until(lambda: made[1:] == ["closed"], "the one that came late is closed")


# --- the group commit -------------------------------------------------------------------


def test_units_share_a_commit_and_one_that_fails_takes_back_itself(url: str) -> None:
    async def test(committer: ServerCommitter) -> list[Any]:
        def put(name: str) -> Callable[[Any], str]:
            def work(conn: Any) -> str:
                marks.write(conn, name, 1)
                if name == "c/bad":
                    raise LookupError(name)
                return name

            return work

        names = [f"c/{n}" for n in range(5)] + ["c/bad", "c/last"]
        found = await asyncio.gather(*(committer.submit(put(name)) for name in names), return_exceptions=True)
        assert committer.commits == 1 and not committer.fault()
        return found

    found = committed(url, test)
    assert [type(one) for one in found] == [str] * 5 + [LookupError, str]
    with closing(ServerConnection(url)) as conn:
        assert {name for name, _ in marks.below(conn, "c")} == {"c/0", "c/1", "c/2", "c/3", "c/4", "c/last"}


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_work_that_met_others_is_run_again(url: str, state: str) -> None:
    runs: list[int] = []

    async def test(committer: ServerCommitter) -> Any:
        def work(conn: Any) -> int:
            runs.append(1)
            if len(runs) < 3:
                conn.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")
            marks.write(conn, f"again/{state}", len(runs))
            return len(runs)

        return await committer.submit(work)

    assert committed(url, test) == 3
    with closing(ServerConnection(url)) as conn:
        assert marks.read(conn, f"again/{state}") == 3


def test_two_who_wait_for_each_other_both_come_through(url: str) -> None:
    """A real deadlock, over rows, with two committers that don't share the store's lock: the server ends one."""
    with closing(ServerConnection(url)) as conn:
        marks.keep(conn, [("dead/a", 0), ("dead/b", 0)])
    together, here = threading.Barrier(2), threading.local()

    def one(names: tuple[str, str]) -> None:
        with closing(ServerConnection(url)) as conn:
            for _ in range(5):
                conn.execute("BEGIN")
                try:
                    for name in names:
                        conn.execute("UPDATE meta SET value = value + 1 WHERE name = ?", (name,))
                        if not getattr(here, "met", False):
                            here.met = True
                            together.wait(10)
                    conn.execute("COMMIT")
                    return
                except ServerFailure as error:
                    assert error.run_again
                    conn.execute("ROLLBACK")

    threads = [threading.Thread(target=one, args=(names,)) for names in (("dead/a", "dead/b"), ("dead/b", "dead/a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with closing(ServerConnection(url)) as conn:
        assert (marks.read(conn, "dead/a"), marks.read(conn, "dead/b")) == (2, 2)


def test_a_connection_that_was_lost_between_batches_is_no_fault(url: str) -> None:
    async def test(committer: ServerCommitter) -> None:
        await committer.submit(lambda conn: marks.write(conn, "between", 1))
        ends(committer._conn)
        await committer.submit(lambda conn: marks.write(conn, "between", 2))

    committed(url, test)
    with closing(ServerConnection(url)) as conn:
        assert marks.read(conn, "between") == 2


@pytest.mark.parametrize(("state", "kind"), [("53100", StoreFull), ("58030", StoreBusy), ("25006", StoreBusy)])
def test_faults_of_the_server_are_told_by_kind(url: str, state: str, kind: type[Exception]) -> None:
    async def test(committer: ServerCommitter) -> BaseException | None:
        def work(conn: Any) -> None:
            conn.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")

        [found] = await asyncio.gather(committer.submit(work), return_exceptions=True)
        return found

    found = committed(url, test)
    assert type(found) is kind


def test_units_are_refused_while_the_server_is_silent_and_taken_again(
    wire: Wire, far: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "FRESH_S", 1e9)  # nothing but a write that came about says that the server is back

    async def test(committer: ServerCommitter) -> None:
        committer._conn.answers_within(0.3)
        await committer.submit(lambda conn: marks.write(conn, "still", 1))
        wire.cut()
        found = await asyncio.gather(
            *(committer.submit(lambda conn: marks.write(conn, "still", 2)) for _ in range(3)), return_exceptions=True
        )
        assert all(isinstance(one, StoreBusy) for one in found)
        assert committer.fault()
        wire.mend()
        while committer.fault():
            with contextlib.suppress(StoreBusy):
                await committer.submit(lambda conn: marks.write(conn, "still", 3))

    committed(far, test)
    with closing(ServerConnection(far)) as conn:
        assert marks.read(conn, "still") == 3


@pytest.mark.parametrize("slow", [False, True])
def test_who_waits_behind_a_long_batch_is_refused_and_behind_many_short_ones_is_not(
    url: str, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    monkeypatch.setattr(committer_module, "PATIENCE_S", 0.3)
    monkeypatch.setattr(committer_module, "LOOK_S", 0.05)
    monkeypatch.setattr(committer_module, "QUICK_S", 0.25)
    monkeypatch.setattr(committer_module, "MAX_BATCH", 1)
    seconds = 1.0 if slow else 0.1

    async def test(committer: ServerCommitter) -> list[Any]:
        def work(conn: Any) -> None:
            conn.execute("WITH x AS (SELECT pg_sleep(?)) SELECT 1 FROM x", (seconds,))

        return await asyncio.gather(*(committer.submit(work) for _ in range(8)), return_exceptions=True)

    found = committed(url, test)
    assert found[0] is None
    assert [type(one) for one in found[1:]] == [StoreBusy if slow else type(None)] * 7


# --- the HTTP side ----------------------------------------------------------------------


def test_pages_get_connections_and_an_answer_when_there_is_none(url: str) -> None:
    pool = ServerPool(url, size=1)
    with pool.write() as conn:
        marks.write(conn, "page", 1)
    with pool.read() as conn:
        assert marks.read(conn, "page") == 1
        ends(conn)
    with pool.read() as conn:
        assert marks.read(conn, "page") == 1
    with pytest.raises(ZeroDivisionError), pool.write() as conn:
        marks.write(conn, "page", 2)
        _ = 1 / 0
    with pytest.raises(Unavailable), pool.write() as conn:
        ends(conn)
        marks.write(conn, "page", 3)
    with pool.read() as conn:
        assert marks.read(conn, "page") == 1
    pool.close()


# --- words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda url: url.replace("relay-pg-", "elsewhere-"), "is it running"),
        (lambda url: url.partition("?")[0].replace("@/", "@127.0.0.1:9/"), "is it running"),
        (lambda url: url.replace("relay@", "nobody-known@"), "createuser"),
        (lambda url: url.replace("/t", "/unknown_t", 1), "createdb"),
    ],
)
def test_no_connection_says_what_to_do(url: str, change: Callable[[str], str], told: str) -> None:
    with pytest.raises(StoreError, match=f"can't be reached: .*{told}"):
        connect(change(url))


@pytest.mark.parametrize(
    ("said", "todo"),
    [
        ('FATAL:  password authentication failed for user "relay"', "password or the user is wrong"),
        ("fe_sendauth: no password supplied", "passfile"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "relay"', "pg_hba.conf"),
        ("FATAL:  the database system is starting up", "try again in a moment"),
        ("FATAL:  sorry, too many clients already", "max_connections"),
        ('could not translate host name "db" to address', "correct [store] url"),
        ("SSL error: certificate verify failed", "sslmode"),
        ("something new", "is it running"),
    ],
)
def test_what_a_server_says_at_connecting(said: str, todo: str) -> None:
    text = str(at_connecting(psycopg.OperationalError(f"connection failed: {said}"), "postgresql://u:…@h/d"))
    assert todo in text and text.count("\n") == 0


def test_a_wrong_password_is_refused_and_not_shown(url: str) -> None:
    admin = server()
    admin.admin("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    hba = admin.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("local all guarded scram-sha-256\n" + before)
    try:
        admin.admin("SELECT pg_reload_conf()")
        wrong = url.replace("relay@", "guarded:s3cret@")
        with pytest.raises(StoreError, match="the password or the user is wrong") as caught:
            connect(wrong)
        assert "s3cret" not in str(caught.value)
    finally:
        hba.write_text(before)
        admin.admin("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("where", "want"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:…@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u@h/d?password=p", "postgresql://u@h/d"),
        ("postgresql://u@/d?host=/run", "postgresql://u@/d?host=/run"),
    ],
)
def test_no_password_is_shown(where: str, want: str) -> None:
    assert shown(where) == want


def test_an_older_server_database_of_another_program_and_encoding() -> None:
    admin = server()
    admin.admin("CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'")
    with pytest.raises(StoreError, match="LATIN1"):
        connect(admin.url("latin"))
    other = admin.empty()
    with psycopg.connect(other, autocommit=True) as conn:
        conn.execute("CREATE TABLE notes (x int)")
    with pytest.raises(StoreError, match="none of a relay's"):
        connect(other, create=True)


def test_a_standby_is_refused_by_who_writes_and_found_by_a_check() -> None:
    standby = Server(("hot_standby = on",))
    url = standby.made()
    standby.stop()
    (standby.data / "standby.signal").touch()
    standby.start()
    with pytest.raises(StoreError, match="is a standby, which can't be written: name the primary"):
        connect(url)
    with closing(connect(url, readonly=True)) as conn:
        found = next(iter(check_server(conn, Settings(server={"hostname": "relay.test", "data_dir": "data"}))))  # type: ignore[arg-type]
    assert found.level is Level.FAIL and "a standby" in found.detail and found.todo
    standby.remove()


def test_what_can_be_done_is_said_with_the_failure(conn: ServerConnection) -> None:
    with pytest.raises(sqlite3.Error) as caught:
        conn.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no space'; END $$")
    assert explained(caught.value, "postgresql://h/d").startswith("no space; the database server's disk is full")
    assert fault(caught.value) is StoreFault.FULL
    assert fault(ServerAway("gone")) is StoreFault.AWAY


def test_the_audit_log_is_sequenced_and_an_edit_is_found(tmp_path: Path) -> None:
    secrets = Secrets.create(tmp_path / "secrets")
    with closing(connect(server().made())) as conn:
        for number in range(3):
            with transaction(conn):
                log.action(conn, "test", f"note-{number}", None, "{}", 1_790_000_000.0)
        for _ in range(2):
            with transaction(conn):
                signers.make(conn, secrets, "test", 1_790_000_001.0)
        head = sequence.sequence(conn, secrets, lambda: 1_790_000_002.0)
        found = verify.verify(conn, secrets)
        assert (found.count, found.heads, head.size) == (0, 1, 5)
        assert [number for (number,) in conn.execute("SELECT number FROM audit_key ORDER BY number")] == [1, 2]
        conn.execute("UPDATE audit SET detail = '{\"x\":1}' WHERE action = 'note-1'")
        assert verify.verify(conn, secrets).count == 1
