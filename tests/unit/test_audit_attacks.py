"""Whoever can write the database changes something: it is found, and named (R31).

Every column that the log binds is edited, with values of every kind; rows are
deleted, doubled, exchanged and moved; ends are cut off; the log is made anew.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.audit import actions, heads, merkle, record, sequence, signers
from relay.audit.findings import Findings
from relay.audit.nodes import is_stored
from relay.audit.rows import AUDIT, HISTORY, AuditRows
from relay.audit.verify import verify
from relay.keys.secrets import Secrets
from relay.store.database import transaction
from tests.unit.audit_world import World, lively

EDITS = int(os.environ.get("EDITS", "2"))
"""Rows tried of each column, each with values of several kinds."""
SEED = os.environ.get("SEED", "")
"""Another one tries other rows and values."""

BOUND: dict[str, tuple[str, ...]] = {
    "audit_leaf": ("id", "number", "at", "action", "tenant_id", "rows", "root", "hash"),
    "audit_node": ("level", "number", "hash"),
    "audit_head": ("size", "root", "at", "key_id", "previous", "signature"),
    "audit_key": ("number", "id", "public", "sealed", "created_at", "retired"),
    HISTORY: ("subscriber_id", "topic_id", "action", "at", "recorded_at", "evidence", "leaf_id", "salt"),
    AUDIT: ("at", "actor", "action", "tenant_id", "detail", "leaf_id", "salt"),
    "wording": ("text",),
    "topic": ("name",),
    "subscriber": ("address", "tenant_id"),
    "tenant": ("name", "freeze", "freeze_reason"),
    "consent": (
        "subscriber_id",
        "topic_id",
        "channel",
        "given_at",
        "withdrawn_at",
        "source",
        "wording_id",
        "ip",
        "page",
        "means",
        "recorded_at",
    ),
    "suppression": ("subscriber_id", "topic_id", "reason", "since_at", "detail"),
    "campaign": ("state", "why", "decided_at", "decided_by"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return lively(tmp_path_factory.mktemp("log"))


@pytest.fixture
def conn(world: World) -> Iterator[sqlite3.Connection]:
    made = world.copy()
    yield made
    made.close()


def look(conn: sqlite3.Connection, world: World, *, kept: bool = False) -> Findings:
    return verify(conn, world.secrets, world.heads if kept else ())


def named(found: Findings) -> set[int | None]:
    return {fault.leaf for fault in found.faults}


def test_what_was_written_is_whole(world: World, conn: sqlite3.Connection) -> None:
    found = look(world.conn, world, kept=True)
    assert (found.faults, found.warnings) == ([], [])
    assert found.leaves > 600 and found.size < found.leaves and found.heads == 6 and found.erased == 2
    assert look(conn, world, kept=True).faults == []


# --- edits -----------------------------------------------------------------------


def others(value: Any, rng: random.Random) -> Iterator[Any]:
    """Values unlike this one: of its own kind, and of others."""
    if isinstance(value, bytes):
        place = rng.randrange(len(value)) if value else 0
        yield value[:place] + bytes([(value[place] ^ 1 << rng.randrange(8)) if value else 1]) + value[place + 1 :]
        yield value[:-1]
        yield value + b"\0"
        yield rng.randbytes(32)
    elif isinstance(value, int):
        yield value + 1
        yield -value - 1
        yield value + rng.randrange(2, 10**6)
        yield 2**62 + rng.randrange(1000)
    elif isinstance(value, float):
        yield value + 1e-5
        yield value - rng.uniform(1, 1e8)
        yield float("inf")
    elif isinstance(value, str):
        place = rng.randrange(len(value)) if value else 0
        yield value[:place] + "\u00e9" + value[place + 1 :]
        yield value + " "
        yield value[:-1] + "x"
        yield "x" if value != "x" else "y"
    if value is not None:
        yield None
    yield from (b"\xff\xfe", "\x00", "text", 17.5)


def edits(conn: sqlite3.Connection, table: str, column: str, rng: random.Random) -> Iterator[tuple[str, Any]]:
    """(where, new value) for some rows of a column."""
    keys = [info[1] for info in conn.execute(f"PRAGMA table_info({table})") if info[5]]
    rows = conn.execute(f"SELECT {', '.join(keys)}, {column} FROM {table}").fetchall()
    for *key, value in rng.sample(rows, min(EDITS, len(rows))):
        where = " AND ".join(f"{name} = {part!r}" for name, part in zip(keys, key, strict=True))
        for other in others(value, rng):
            if other != value and not (column == "tenant_id" and {other, value} == {None, 0}):
                yield where, other


@pytest.mark.parametrize(("table", "column"), [(table, name) for table, names in BOUND.items() for name in names])
def test_every_edit_is_found(
    world: World, conn: sqlite3.Connection, table: str, column: str, record_property: Callable[[str, object], None]
) -> None:
    rng = random.Random(f"{table}.{column}{SEED}")
    tried = 0
    for where, value in list(edits(conn, table, column, rng)):
        conn.execute("SAVEPOINT attack")
        try:
            before = conn.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
            conn.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value,))
            after = conn.execute(f"SELECT {column} FROM {table} WHERE {column} IS ?", (before[0],)).fetchone()
            conn.execute("RELEASE attack")
        except sqlite3.IntegrityError:  # NOT NULL, UNIQUE: such a row can't be
            conn.execute("ROLLBACK TO attack")
            conn.execute("RELEASE attack")
            continue
        found = look(conn, world)
        assert found.count or found.warnings, f"{table}.{column} {where}: {before[0]!r} made {value!r}, {after}"
        tried += 1
        world_again(conn, world)
    assert tried >= 1
    record_property("edits", tried)


def world_again(conn: sqlite3.Connection, world: World) -> None:
    world.conn.backup(conn)
    conn.execute("DROP TRIGGER IF EXISTS wording_kept")
    conn.execute("PRAGMA foreign_keys = OFF")


@pytest.mark.parametrize("table", [HISTORY, AUDIT])
def test_an_edit_is_named_by_its_leaf(world: World, conn: sqlite3.Connection, table: str) -> None:
    rows = conn.execute(f"SELECT id, leaf_id FROM {table} WHERE action <> 'erased'").fetchall()
    for id_, leaf_id in random.Random(f"1{SEED}").sample(rows, 10):
        conn.execute(f"UPDATE {table} SET at = at - 86400 WHERE id = ?", (id_,))  # back-dated by a day
        assert named(look(conn, world)) - {None} == {number_of(conn, leaf_id)}
        world_again(conn, world)


def test_a_leaf_edited_with_its_hash_is_named_by_its_subtree(world: World, conn: sqlite3.Connection) -> None:
    """The careful one changes record, salt, commitment, leaf and hash, and can't sign a head."""
    rewrite(conn, 300)
    found = look(conn, world)
    assert named(found) - {None} == {256, world.heads[0].size}
    assert "256 to 511" in found.faults[0].text


def number_of(conn: sqlite3.Connection, leaf_id: int) -> int:
    """Of a leaf that isn't in the tree, the number that it would get."""
    (number,) = conn.execute("SELECT number FROM audit_leaf WHERE id = ?", (leaf_id,)).fetchone()
    if number is None:
        (number,) = conn.execute(
            "SELECT count(*) - 1 FROM audit_leaf WHERE number IS NOT NULL OR id <= ?", (leaf_id,)
        ).fetchone()
    return int(number)


def id_of(conn: sqlite3.Connection, number: int) -> int:
    (id_,) = conn.execute("SELECT id FROM audit_leaf WHERE number = ?", (number,)).fetchone()
    return int(id_)


def rewrite(conn: sqlite3.Connection, number: int) -> None:
    """Change the record of a leaf and everything that follows from it but the tree."""
    leaf = id_of(conn, number)
    table = HISTORY if conn.execute(f"SELECT 1 FROM {HISTORY} WHERE leaf_id = ?", (leaf,)).fetchone() else AUDIT
    conn.execute(f"UPDATE {table} SET at = at - 86400, salt = randomblob(16) WHERE leaf_id = ?", (leaf,))
    rehash(conn, number, table)


def rehash(conn: sqlite3.Connection, number: int, table: str) -> None:
    id_ = id_of(conn, number)
    rows = AuditRows(conn, table).of_leaf(id_)
    root = merkle.root_of([merkle.leaf_hash(row.commitment) for row in rows if row.commitment is not None])
    action, at, tenant_id = conn.execute("SELECT action, at, tenant_id FROM audit_leaf WHERE id = ?", (id_,)).fetchone()
    leaf = record.Leaf(action, at, tenant_id, len(rows), root)
    conn.execute(
        "UPDATE audit_leaf SET root = ?, rows = ?, hash = ? WHERE id = ?",
        (root, len(rows), merkle.leaf_hash(leaf.data()), id_),
    )


# --- deleting, adding, moving ----------------------------------------------------------


@pytest.mark.parametrize("table", BOUND)
def test_every_deletion_is_found(world: World, conn: sqlite3.Connection, table: str) -> None:
    spared = {
        "subscriber": "id NOT IN (SELECT subscriber_id FROM consent_history)",
        "tenant": "id <> 1",
        "campaign": "id > 0",  # a campaign is no record: its verdict is, and stays
    }.get(table, "0")
    rows = conn.execute(f"SELECT * FROM {table} WHERE NOT ({spared})").fetchall()
    names = [info[1] for info in conn.execute(f"PRAGMA table_info({table})")]
    for row in random.Random(f"{table}{SEED}").sample(rows, min(8, len(rows))):
        where = " AND ".join(f"{name} IS ?" for name in names)
        assert conn.execute(f"DELETE FROM {table} WHERE {where}", row).rowcount == 1
        assert look(conn, world).count, f"{table}: {row} deleted"
        world_again(conn, world)


def test_every_row_slipped_in_is_found(world: World, conn: sqlite3.Connection) -> None:
    """A copy of a row, with and without its leaf."""
    for table in (HISTORY, AUDIT):
        names = [info[1] for info in conn.execute(f"PRAGMA table_info({table})") if info[1] != "id"]
        for leaf in ("leaf_id", "NULL", "leaf_id + 1", "0", "100000", "'x'"):
            values = ", ".join(leaf if name == "leaf_id" else name for name in names)
            conn.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} WHERE id = 9")
            assert look(conn, world).count, (table, leaf)
            world_again(conn, world)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO audit_leaf (id, number, at, action, tenant_id, rows, root, hash)"
        " SELECT -3, -3, at, action, tenant_id, rows, root, hash FROM audit_leaf WHERE number = 5",
        "INSERT INTO audit_leaf (id, at, action, tenant_id, rows, root, hash)"
        " SELECT -3, at, action, tenant_id, rows, root, hash FROM audit_leaf WHERE number = 5",
        "INSERT INTO audit_leaf (id, number, at, action, tenant_id, rows, root, hash)"
        " SELECT 99999, 'x', at, action, tenant_id, rows, root, hash FROM audit_leaf WHERE number = 5",
        "INSERT INTO audit_leaf (id, at, action, tenant_id, rows, root, hash)"
        " SELECT 99999, at, action, tenant_id, rows, root, hash FROM audit_leaf WHERE number = 5",
        "INSERT INTO audit_node SELECT 8, 50, hash FROM audit_node WHERE level = 8 AND number = 0",
        "INSERT INTO audit_key (id, public, sealed, created_at)"
        " SELECT 'ffff', public, sealed, 0 FROM audit_key LIMIT 1",
        "INSERT INTO audit_head (size, root, at, key_id, previous, signature)"
        " SELECT size, root, at, key_id, previous, signature FROM audit_head ORDER BY size LIMIT 1 OFFSET 1",
        "INSERT INTO suppression SELECT subscriber_id, topic_id, 'complaint', since_at, detail FROM suppression"
        " WHERE reason = 'hard-bounce' LIMIT 1",
        "INSERT INTO consent (subscriber_id, topic_id, channel, given_at, withdrawn_at, source, wording_id, ip, page,"
        " means, recorded_at, suppressed) SELECT subscriber_id, topic_id, 'email', given_at, NULL, source, wording_id,"
        " ip, page, means, recorded_at, 0 FROM (SELECT subscriber_id + 1 AS subscriber_id, 2 AS topic_id, given_at,"
        " source, wording_id, ip, page, means, recorded_at FROM consent WHERE topic_id = 1 LIMIT 1)",
        "INSERT INTO meta (name, value) VALUES ('audit/adopt/consent_history', 100000)",
    ],
)
def test_what_else_is_slipped_in_is_found(world: World, conn: sqlite3.Connection, sql: str) -> None:
    assert conn.execute(sql).rowcount == 1
    assert look(conn, world).count


def test_a_suppression_hidden_from_the_look_up_is_found(world: World, conn: sqlite3.Connection) -> None:
    done = conn.execute("UPDATE consent SET suppressed = 0 WHERE suppressed")
    assert done.rowcount and look(conn, world).count


def test_an_unsubscribing_undone_is_found(world: World, conn: sqlite3.Connection) -> None:
    """The log is left alone; what mail goes by is changed."""
    (person,) = conn.execute("SELECT subscriber_id FROM consent WHERE withdrawn_at IS NOT NULL LIMIT 1").fetchone()
    conn.execute("UPDATE consent SET withdrawn_at = NULL WHERE subscriber_id = ?", (person,))
    conn.execute("DELETE FROM suppression WHERE subscriber_id = ?", (person,))
    found = look(conn, world)
    assert any(f"subscriber {person}" in fault.text for fault in found.faults)


@pytest.mark.parametrize("table", [HISTORY, AUDIT])
def test_rows_exchanged_are_found(world: World, conn: sqlite3.Connection, table: str) -> None:
    """Salt and data of two rows change places, in whole or in part; so do their ids."""
    rng = random.Random(f"{table}{SEED}")
    names = [info[1] for info in conn.execute(f"PRAGMA table_info({table})") if info[1] != "id"]
    ids = [id_ for (id_,) in conn.execute(f"SELECT id FROM {table} WHERE action <> 'erased'")]
    for columns in (names, ["salt"], ["leaf_id"], [name for name in names if name != "leaf_id"], ["at"], ["id"]):
        while not exchange(conn, table, columns, *sorted(rng.sample(ids, 2))):
            pass
        assert look(conn, world).count, columns
        world_again(conn, world)


def exchange(conn: sqlite3.Connection, table: str, columns: list[str], one: int, other: int) -> bool:
    """False if there is nothing to exchange: both have the same."""
    rows = [
        conn.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE id = ?", (id_,)).fetchone()
        for id_ in (one, other)
    ]
    if rows[0] == rows[1]:
        return False
    if columns == ["id"]:
        for new, old in ((-1, one), (one, other), (other, -1)):
            conn.execute(f"UPDATE {table} SET id = ? WHERE id = ?", (new, old))
        return True
    sets = ", ".join(f"{name} = ?" for name in columns)
    for values, id_ in ((rows[1], one), (rows[0], other)):
        conn.execute(f"UPDATE {table} SET {sets} WHERE id = ?", (*values, id_))
    return True


def test_rows_of_exchanged_leaves_are_found(world: World, conn: sqlite3.Connection) -> None:
    """Rows change leaves, or leaves rows; where both do, their ids are others and all is as it was."""
    rng = random.Random(f"4{SEED}")
    for _ in range(5):
        one, other = (id_of(conn, number) for number in rng.sample(range(500), 2))
        for table in (HISTORY, AUDIT):
            for new, old in ((-1, one), (one, other), (other, -1)):
                conn.execute(f"UPDATE {table} SET leaf_id = ? WHERE leaf_id = ?", (new, old))
        assert look(conn, world).count
        for new, old in ((-1, one), (one, other), (other, -1)):
            conn.execute("UPDATE audit_leaf SET id = ? WHERE id = ?", (new, old))
        assert look(conn, world, kept=True).faults == []
        world_again(conn, world)


def test_leaves_that_others_numbers_are_given_are_found(world: World, conn: sqlite3.Connection) -> None:
    """Numbers alone change places: the order of the tree is another."""
    rng = random.Random(f"5{SEED}")
    for one, other in [(0, 1), *(rng.sample(range(500), 2) for _ in range(4))]:
        for new, old in ((-1, one), (one, other), (other, -1)):
            conn.execute("UPDATE audit_leaf SET number = ? WHERE number = ?", (new, old))
        assert look(conn, world).count, (one, other)
        world_again(conn, world)


def test_numbers_that_are_taken_away_again_are_found(world: World, conn: sqlite3.Connection) -> None:
    """The same leaves in the same order give the same roots: that they were never taken in is a lie all the same."""
    for last in 1, 3, world.heads[-1].size:
        conn.execute("UPDATE audit_leaf SET number = NULL WHERE number >= ?", (world.heads[-1].size - last,))
        assert any("have numbers" in fault.text for fault in look(conn, world).faults)
        world_again(conn, world)


# --- cutting off, and making anew --------------------------------------------------------


def cut_off(conn: sqlite3.Connection, size: int) -> None:
    """Everything after ``size`` leaves as if it had never been."""
    gone = "(SELECT id FROM audit_leaf WHERE number IS NULL OR number >= ?)"
    for table in (HISTORY, AUDIT):
        conn.execute(f"DELETE FROM {table} WHERE leaf_id IN {gone}", (size,))
    conn.execute(f"DELETE FROM audit_leaf WHERE id IN {gone}", (size,))
    conn.execute("DELETE FROM audit_head WHERE size > ?", (size,))
    conn.execute("DELETE FROM audit_node WHERE (number + 1) << level > ?", (size,))


@pytest.mark.parametrize("back", [1, 2, 3, 4])
def test_a_cut_shows_against_a_kept_head(world: World, conn: sqlite3.Connection, back: int) -> None:
    """Without one nobody could tell: the log is shorter, and whole."""
    conn.execute("DELETE FROM consent")  # only the log is looked at here
    conn.execute("DELETE FROM suppression")
    size = world.heads[-1 - back].size if back < 4 else world.heads[-1].size - 1
    cut_off(conn, size)
    against = look(conn, world, kept=True)
    assert any("the end was cut off" in fault.text for fault in against.faults)
    shorter = verify(conn, world.secrets, [head for head in world.heads if head.size <= size])
    assert not [fault for fault in shorter.faults if fault.leaf is not None or "cut off" in fault.text]


@pytest.mark.parametrize("forgotten", ["audit_leaf", "audit_head"])
def test_a_cut_that_forgets_leaves_or_heads_is_found_without_a_kept_head(
    world: World, conn: sqlite3.Connection, forgotten: str
) -> None:
    """The heads that are left know more leaves, or the leaves more heads."""
    kept = conn.execute(f"SELECT * FROM {forgotten}").fetchall()
    cut_off(conn, world.heads[1].size)
    conn.execute(f"DELETE FROM {forgotten}")
    conn.executemany(f"INSERT INTO {forgotten} VALUES ({','.join('?' * len(kept[0]))})", kept)
    assert look(conn, world).count
    if forgotten == "audit_leaf":
        assert any("heads at the end are missing" in fault.text for fault in look(conn, world).faults)
    else:
        assert any("the head of" in fault.text for fault in look(conn, world).faults)


def test_a_head_forged_by_another_key_is_found(world: World, conn: sqlite3.Connection, tmp_path: Path) -> None:
    """The forger makes a key of his own and signs a new head over a log that he changed."""
    forger = Secrets.create(tmp_path / "forger")
    rewrite(conn, 560)
    conn.execute("DELETE FROM audit_head WHERE size > 500")
    conn.execute("UPDATE audit_leaf SET number = NULL WHERE number >= (SELECT max(size) FROM audit_head)")
    conn.execute("DELETE FROM audit_node WHERE (number + 1) << level > (SELECT max(size) FROM audit_head)")
    conn.execute("UPDATE audit_key SET retired = 1")
    with transaction(conn):
        signers.make(conn, forger, "eve", world.clock())
    sequence.sequence(conn, forger, world.clock)
    conn.execute("DELETE FROM audit_key WHERE id NOT IN (SELECT key_id FROM audit_head)")
    assert look(conn, world).count  # his key can't be opened with the relay's secrets, and takes in what was signed
    assert any("another root" in fault.text for fault in look(conn, world, kept=True).faults)


def test_a_log_made_anew_with_the_relays_own_keys_shows_against_a_kept_head(
    world: World, conn: sqlite3.Connection
) -> None:
    """Whoever has the database and the secrets can write any log, but not the one that others know a head of."""
    rewrite(conn, 3)
    conn.execute("DELETE FROM audit_node")
    old = conn.execute("SELECT id, size FROM audit_head ORDER BY id").fetchall()
    sealed = dict(conn.execute("SELECT key_id, size FROM audit_head"))
    assert len(sealed) == 2
    tree, previous, public_of = merkle.Tree(), b"", dict(conn.execute("SELECT id, public FROM audit_key"))

    def keep(level: int, number: int, hash_: bytes) -> None:
        if is_stored(level) and (number + 1) << level <= old[-1][1]:
            conn.execute("INSERT INTO audit_node VALUES (?, ?, ?)", (level, number, hash_))

    leaves = "SELECT number, hash FROM audit_leaf WHERE number IS NOT NULL ORDER BY number"
    for number, hash_ in conn.execute(leaves).fetchall():
        tree.add(hash_, keep)
        for head_id, size in old:
            if size == number + 1:
                key, at = conn.execute("SELECT key_id, at FROM audit_head WHERE id = ?", (head_id,)).fetchone()
                signer = signer_of(conn, world.secrets, key)
                octets = heads.signed_octets(size, tree.root(), round(at * 1e6), key, previous)
                conn.execute(
                    "UPDATE audit_head SET root = ?, previous = ?, signature = ? WHERE id = ?",
                    (tree.root(), previous, signer.sign(octets), head_id),
                )
                previous = heads.Head(size, tree.root(), round(at * 1e6), key, previous, b"", public_of[key]).digest()
    whose = f"(SELECT subscriber_id FROM consent_history WHERE leaf_id = {id_of(conn, 3)})"
    conn.execute(f"UPDATE consent SET given_at = given_at - 86400 WHERE subscriber_id = {whose}")
    assert look(conn, world).faults == []
    assert any("has another root" in fault.text for fault in look(conn, world, kept=True).faults)


def signer_of(conn: sqlite3.Connection, secrets: Secrets, key: str) -> signers.HeadSigner:
    conn.execute("SAVEPOINT signer")
    conn.execute("UPDATE audit_key SET retired = id <> ?", (key,))
    try:
        return signers.current(conn, secrets)
    finally:
        conn.execute("ROLLBACK TO signer")
        conn.execute("RELEASE signer")


def test_what_is_passed_off_as_erased_is_found(world: World, conn: sqlite3.Connection) -> None:
    """A record that embarrasses can't be made to look like one that a person had erased."""
    (row,) = AuditRows(conn, HISTORY).of_leaf(id_of(conn, 4))
    conn.execute(
        "UPDATE consent_history SET subscriber_id = 0, topic_id = 0, action = 'erased', at = 0, recorded_at = 0,"
        " evidence = '', salt = ? WHERE id = ?",
        (row.commitment, row.id),
    )
    assert any("nobody erased it" in fault.text for fault in look(conn, world).faults)


def test_what_is_dated_back_when_it_is_written_is_told(world: World, conn: sqlite3.Connection) -> None:
    """Through the relay's own code, with a clock that lies: the heads before it tell."""
    with transaction(conn):
        actions.record(conn, "eve", "tenant-warned", 1, {"reason": "r"}, world.clock.at - 30 * 86400)
    found = look(conn, world)
    assert found.faults == [] and "back-dated" in found.warnings[0]
