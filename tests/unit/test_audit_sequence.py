"""The sequencer: killed anywhere, beside others, with keys that change; numbers have no gaps, ids may have."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from relay.audit import actions as audit
from relay.audit import heads, sequence, signers
from relay.audit.errors import AuditError
from relay.audit.prove import Prover
from relay.audit.verify import verify
from relay.keys.secrets import Secrets
from relay.store.database import connect, migrate, transaction
from tests.support.older import older_release
from tests.unit.audit_world import World
from tests.unit.records import SHOP

KILLED = """
import os, signal, sys
from pathlib import Path
from relay.audit import sequence
from relay.keys.secrets import Secrets
from relay.store.database import connect

database, secrets, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
sequence.STEP = 100
conn = connect(Path(database))

def count(sql):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

conn.set_trace_callback(count)
sequence.sequence(conn, Secrets.load(Path(secrets)), lambda: 1e9)
"""


def killed_at(world: World, statement: int) -> bool:
    """Sequence in a process of its own that dies before its n-th statement; False if it came to its end."""
    words = [sys.executable, "-c", KILLED, str(world.path), str(world.directory / "secrets"), str(statement)]
    status = subprocess.run(words, check=False, cwd=Path(__file__).parents[2]).returncode
    assert status in (0, -signal.SIGKILL)
    return status != 0


@pytest.mark.parametrize("step", [1, 7])
def test_a_kill_at_any_statement_costs_nothing(tmp_path: Path, step: int) -> None:
    """Each run dies one or some statements later than the one before; what it left behind is whole and goes on."""
    world = World(tmp_path)
    for number in range(330):
        world.note(f"note-{number}")
    statement, runs = step, 0
    while killed_at(world, statement):
        found = verify(world.conn, world.secrets)
        assert found.faults == []
        statement, runs = statement + step, runs + 1
    assert runs > 3
    found = verify(world.conn, world.secrets)
    assert found.faults == [] and found.size == found.leaves == 331  # the key's announcement too
    assert world.conn.execute("SELECT count(*) FROM audit_key").fetchone() == (1,)


def test_a_transaction_taken_back_leaves_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.note()
    with pytest.raises(RuntimeError), transaction(world.conn):
        audit.record(world.conn, "eve", "never-happened", SHOP, {}, world.clock())
        raise RuntimeError
    with transaction(world.conn) as conn:
        conn.execute("SAVEPOINT one")
        audit.record(conn, "eve", "never-happened", SHOP, {}, world.clock())
        conn.execute("ROLLBACK TO one")
        conn.execute("RELEASE one")
        audit.record(conn, "eve", "happened", SHOP, {}, world.clock())
    world.head()
    found = verify(world.conn, world.secrets)
    assert found.faults == [] and found.leaves == 3
    assert world.conn.execute("SELECT count(*) FROM audit WHERE action = 'never-happened'").fetchone() == (0,)


def test_writers_and_sequencers_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three write, three sequence, one verifies all the while: nobody sees a fault, nothing is left out."""
    monkeypatch.setattr(sequence, "STEP", 17)
    world = World(tmp_path)
    faults: list[object] = []
    writing = threading.Semaphore(0)

    def write(name: str) -> None:
        conn = connect(world.path)
        for number in range(60):
            with transaction(conn):
                audit.record(conn, name, f"note-{number}", SHOP, {}, world.clock())
        conn.close()
        for _ in range(4):
            writing.release()

    def watched(turn: object) -> None:
        conn = connect(world.path)
        try:
            done = False
            while not done:
                done = writing._value >= 12
                if turn == "verify":
                    faults.extend(verify(conn, world.secrets).faults)
                else:
                    sequence.sequence(conn, world.secrets, world.clock)
        except Exception as error:
            faults.append(error)
        finally:
            conn.close()

    threads = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(3)]
    threads += [
        threading.Thread(target=watched, args=(turn,)) for turn in ("sequence", "sequence", "sequence", "verify")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verify(world.conn, world.secrets)
    assert faults == [] and found.faults == []
    assert found.size == found.leaves == 181
    assert world.conn.execute("SELECT count(*) FROM audit_key").fetchone() == (1,)


def test_a_new_key_is_announced_under_the_old_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.note()
    old = world.head()
    new = sequence.rotate(world.conn, world.secrets, "eve", world.clock)
    assert new.key_id != old.key_id and new.is_genuine() and old.is_genuine()
    leaf_id, detail = world.conn.execute(
        "SELECT leaf_id, detail FROM audit WHERE action = ? ORDER BY id DESC", (signers.ANNOUNCED,)
    ).fetchone()
    assert json.loads(detail)["key"] == new.key_id
    covering = world.conn.execute("SELECT key_id FROM audit_head WHERE size >= ? ORDER BY id", (leaf_id,)).fetchone()
    assert covering == (old.key_id,)
    assert world.conn.execute("SELECT retired FROM audit_key ORDER BY number").fetchall() == [(1,), (0,)]
    world.note()
    assert world.head().key_id == new.key_id
    assert verify(world.conn, world.secrets, [old, new]).faults == []


def test_without_its_master_key_nothing_is_signed_and_it_is_said(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.note()
    world.head()
    world.note()
    other = Secrets.create(tmp_path / "other")
    with pytest.raises(AuditError, match="relay audit rotate"):
        sequence.sequence(world.conn, other, world.clock)
    assert any("can't be opened" in fault.text for fault in verify(world.conn, other).faults)
    assert verify(world.conn, world.secrets).faults == []


def test_a_lost_master_key_is_left_behind_by_a_new_one(tmp_path: Path) -> None:
    """What the lost one signed goes on to verify."""
    world = World(tmp_path)
    world.note()
    old = world.head()
    other = Secrets.create(tmp_path / "other")
    new = sequence.rotate(world.conn, other, "eve", world.clock)
    assert new.key_id != old.key_id
    found = verify(world.conn, other, [old, new])
    assert found.faults == [] and "can't be opened" in found.warnings[0]


def test_the_relay_tells_its_heads(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first at once, also one that a command signed; each can be held against the log later."""
    world = World(tmp_path)
    world.note()
    kept = world.head()

    async def once() -> None:
        task = asyncio.create_task(sequence.run(world.path, world.secrets, world.clock))
        async with asyncio.timeout(30):
            while not caplog.records:
                await asyncio.sleep(0)
        task.cancel()

    with caplog.at_level("INFO", "relay.audit"):
        asyncio.run(once())
    (line,) = caplog.messages
    assert heads.parse(f"2026-09-21 relay.audit: {line}") == kept


def test_a_missing_leaf_is_said_and_nothing_is_signed_over_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(3):
        world.note()
    head = world.head()
    newest = head.size - 1
    for number, what in (newest, f"leaf {newest} is missing"), (1, "damaged"):
        world.note()
        world.conn.execute("UPDATE audit_leaf SET number = -9 WHERE number = ?", (number,))
        with pytest.raises(AuditError, match=what):
            sequence.sequence(world.conn, world.secrets, world.clock)
        assert heads.last(world.conn) == head
        world.conn.execute("UPDATE audit_leaf SET number = ? WHERE number = -9", (number,))


def test_a_missing_head_is_said_and_nothing_is_signed_over_it(tmp_path: Path) -> None:
    """What it took in has numbers, which no other head may give again."""
    world = World(tmp_path)
    world.note()
    first = world.head()
    world.note()
    second = world.head()
    world.note()
    world.conn.execute("DELETE FROM audit_head WHERE size = ?", (second.size,))
    with pytest.raises(AuditError, match=f"head of {second.size} leaves is missing"):
        sequence.sequence(world.conn, world.secrets, world.clock)
    assert heads.last(world.conn) == first


def test_a_gap_in_ids_is_no_damage(tmp_path: Path) -> None:
    """As where several write: ids are missing, heads' too, and one shows up after later ones are in the tree."""
    world = World(tmp_path)
    for _ in range(3):
        world.gap()
        world.note()
        world.note()
        world.head()
    world.late()
    last = world.head()
    found = verify(world.conn, world.secrets, world.heads)
    assert (found.faults, found.warnings) == ([], []) and found.size == found.leaves == last.size
    ids = [id_ for (id_,) in world.conn.execute("SELECT id FROM audit_leaf ORDER BY number")]
    assert ids != sorted(ids) and ids[-1] < ids[-2]
    numbers = [number for (number,) in world.conn.execute("SELECT number FROM audit_leaf ORDER BY number")]
    assert numbers == list(range(last.size))
    prover = Prover(world.conn, last)
    for number in numbers:
        assert prover.inclusion(number)["number"] == number
    for head in world.heads:
        assert prover.consistency(head)


def test_numbers_are_given_in_few_rows_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail waits while they are written."""
    monkeypatch.setattr(sequence, "STEP", 5)
    world = World(tmp_path)
    for _ in range(17):
        world.note()
    world.head()
    sizes = [size for (size,) in world.conn.execute("SELECT size FROM audit_head ORDER BY size")]
    assert sizes == [5, 10, 15, 18] and verify(world.conn, world.secrets).faults == []


BEFORE = 85
"""The newest schema in which a leaf's number was its id less one."""


def before_numbers(path: Path, then: World) -> sqlite3.Connection:
    """The database of a release before numbers, with what ``then`` recorded and signed."""
    conn = older_release(path, then.path, BEFORE)
    conn.execute("DROP INDEX IF EXISTS audit_leaf_by_number")
    return conn


@pytest.fixture
def recorded(tmp_path: Path) -> World:
    world = World(tmp_path)
    for number in range(300):
        world.note(f"note-{number}")
    world.head()
    leaving = world.person("ann")
    world.leave(leaving)
    world.head()
    world.note("not-yet-under-a-head")
    return world


def test_a_log_of_an_older_release_goes_on_with_its_heads(tmp_path: Path, recorded: World) -> None:
    """What was under a head keeps its place in the tree, and heads that were published before stay provable."""
    path = tmp_path / "old.db"
    before_numbers(path, recorded).close()
    assert migrate(path)[0] <= BEFORE
    conn = connect(path)
    found = verify(conn, recorded.secrets, recorded.heads)
    assert (found.faults, found.warnings) == ([], [])
    assert found.size == recorded.heads[-1].size == found.leaves - 1
    newest = sequence.sequence(conn, recorded.secrets, recorded.clock)
    assert newest.size == found.leaves
    assert verify(conn, recorded.secrets, [*recorded.heads, newest]).faults == []
    for head in recorded.heads:
        assert Prover(conn, newest).consistency(head)
    conn.close()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DELETE FROM audit_leaf WHERE id = 7", "is missing"),
        ("DELETE FROM audit_leaf WHERE id = (SELECT max(size) FROM audit_head)", "have numbers"),
        ("UPDATE audit_leaf SET at = at - 86400 WHERE id = 7", "was changed"),
        ("DELETE FROM audit_head WHERE id = 1", "follow"),
        ("DELETE FROM audit WHERE leaf_id = 7", "some were deleted"),
    ],
)
def test_damage_from_before_is_not_healed_by_the_new_numbers(
    tmp_path: Path, recorded: World, damage: str, told: str
) -> None:
    path = tmp_path / "old.db"
    old = before_numbers(path, recorded)
    assert old.execute(damage).rowcount == 1
    old.close()
    migrate(path)
    conn = connect(path)
    assert any(told in fault.text for fault in verify(conn, recorded.secrets, recorded.heads).faults)
    conn.close()


def test_records_from_before_the_log_are_taken_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an installation of the first version has them, before its first head."""
    monkeypatch.setattr(sequence, "ADOPTED", 7)
    world = World(tmp_path)
    for number in range(20):
        world.person(f"p{number}")
    older(world.conn)
    world.note()
    world.head()
    found = verify(world.conn, world.secrets)
    assert (found.faults, found.warnings) == ([], [])
    actions = world.conn.execute("SELECT action, rows FROM audit_leaf ORDER BY id").fetchall()
    assert [rows for action, rows in actions if action == "adopted"] == [7, 7, 6]
    world.conn.execute("UPDATE consent_history SET recorded_at = 5 WHERE id = 9")
    assert verify(world.conn, world.secrets).count


def older(conn: sqlite3.Connection) -> None:
    """As if written before there were leaves."""
    conn.execute("UPDATE consent_history SET leaf_id = NULL, salt = NULL")
    conn.execute("DELETE FROM audit_leaf")
    conn.execute("DELETE FROM sqlite_sequence WHERE name = 'audit_leaf'")
    conn.execute(
        "INSERT INTO meta (name, value) SELECT 'audit/adopt/consent_history', max(id) FROM consent_history WHERE true"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
