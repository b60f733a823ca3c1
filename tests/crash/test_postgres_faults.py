"""Bad days of a database server under load, long forms: whatever got its 250 arrives, and all have their answers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.crash.conftest import INFLIGHT, Victim, asked
from tests.support.peers import until
from tests.support.postgres import Server
from tests.support.tmpfs import Small

pytestmark = pytest.mark.slow
MESSAGES = 400


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def prepared(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    made = Victim(tmp_path_factory.mktemp("victim"), server.empty())
    yield made
    made.close()


def connections_cut(server: Server, victim: Victim) -> None:
    server.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relay'")


def restarted(server: Server, victim: Victim) -> None:
    """As when another server takes over: gone, and there again with what was committed."""
    server.stop("fast")
    time.sleep(1)
    server.start()


def made_read_only(server: Server, victim: Victim) -> None:
    server.admin("ALTER SYSTEM SET default_transaction_read_only = on")
    server.admin("SELECT pg_reload_conf()")
    time.sleep(3)
    with psycopg.connect(server.url("postgres"), autocommit=True) as conn:
        conn.execute("SET default_transaction_read_only = off")
        conn.execute("ALTER SYSTEM RESET default_transaction_read_only")
        conn.execute("SELECT pg_reload_conf()")


def silent(server: Server, victim: Victim) -> None:
    """Its processes stand still: connections are open, and nothing answers."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server.pid())], capture_output=True, text=True).stdout
    pids = [server.pid(), *map(int, children.split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(6)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def conflicts(server: Server, victim: Victim) -> None:
    """Deadlocks and serialization failures, as where several write: each takes a batch with it, which is run again."""
    with psycopg.connect(victim.relay.store, autocommit=True) as conn:
        conn.execute(
            "CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF random() < 0.05 THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF;"
            " IF random() < 0.05 THEN RAISE EXCEPTION USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$"
        )
        conn.execute("CREATE TRIGGER conflicts BEFORE INSERT ON submission FOR EACH ROW EXECUTE FUNCTION conflict()")
        time.sleep(3)
        conn.execute("DROP FUNCTION conflict() CASCADE")


@pytest.mark.parametrize(
    "fault", [connections_cut, restarted, made_read_only, silent, conflicts], ids=lambda fault: fault.__name__
)
def test_nothing_is_lost(
    victim: Victim, server: Server, fault: Callable[[Server, Victim], None], request: pytest.FixtureRequest
) -> None:
    victim.relay.start()
    rng, rounds, slowest = random.Random(3), asked("ROUNDS", 5), 0.0
    promised = doubled = unpromised = 0
    for number in range(rounds):
        load = victim.load(MESSAGES, f"{fault.__name__}{number}-")
        load.reached(rng.randrange(1, MESSAGES // 2))
        fault(server, victim)
        load.reached(MESSAGES, 180)
        load.halt()
        tally = victim.judge(load)
        assert tally.promised == MESSAGES and tally.doubled <= INFLIGHT
        promised, doubled, unpromised = promised + MESSAGES, doubled + tally.doubled, unpromised + tally.unpromised
        slowest = max(slowest, load.slowest_s)
    victim.consistent()
    text = (
        f"{fault.__name__}: {rounds} times, {promised} promised, 0 lost, {doubled} twice, {unpromised} without a 250,"
        f" the slowest reply after {slowest:.1f} s"
    )
    request.node.user_properties.append(("outcome", text))
    print(text)


def test_the_server_s_disk_is_full(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> None:
    """It ends itself where it can't write its log; with room it is started again, and all goes on."""
    place = Path("/tmp") / f"relay-pg-small-{os.getpid()}"
    with Small(place, "400m") as disk:
        place.chmod(0o777)
        server = Server(("max_wal_size = 64MB", "min_wal_size = 32MB"), place)
        victim = Victim(tmp_path_factory.mktemp("full"), server.empty())
        try:
            victim.relay.start()
            load = victim.load(MESSAGES * 5, "full-")
            load.reached(100)
            disk.fill()
            time.sleep(8)
            disk.clear()
            until(lambda: started(server), "the server is there again")
            load.reached(MESSAGES * 5, 180)
            load.halt()
            tally = victim.judge(load)
            assert tally.promised == MESSAGES * 5
            text = (
                f"full: {tally.promised} promised, 0 lost, {tally.doubled} twice, refused {dict(load.refused)},"
                f" the slowest reply after {load.slowest_s:.1f} s"
            )
            request.node.user_properties.append(("outcome", text))
            print(text)
        finally:
            victim.close()
            server.remove()
    place.rmdir()


def started(server: Server) -> bool:
    try:
        server.admin("SELECT 1")
    except psycopg.OperationalError:
        try:
            server.start()
        except AssertionError:
            return False
    return True
