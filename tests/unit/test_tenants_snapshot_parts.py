"""A change of one tenant reads one tenant: how much is read, and that nothing is missed."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from relay.mail.address import parse_address
from relay.store.contract import Tx
from relay.store.database import connect, migrate, transaction
from relay.tenants import credentials, snapshot, streams, tenants
from relay.tenants.snapshot import FEW, SnapshotSource
from relay.values.facts import Freeze, Kind
from tests.unit.test_tenants_snapshot import NOW, SECRETS, SETTINGS, _domain, _key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(tmp_path / "relay.db")
    return tmp_path / "relay.db"


@pytest.fixture
def conn(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(path)
    yield connection
    connection.close()


class Counting:
    """A connection that counts statements, and the rows that they give."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self.statements = self.rows = 0

    @property
    def in_transaction(self) -> bool:
        return self.conn.in_transaction

    def execute(self, sql: str, values: Any = ()) -> Any:
        self.statements += 1
        found = self.conn.execute(sql, values)
        if found.description is None:
            return found
        rows = found.fetchall()
        self.rows += len(rows)
        return Given(rows)

    def taken(self) -> tuple[int, int]:
        found, self.statements, self.rows = (self.statements, self.rows), 0, 0
        return found


class Given:
    def __init__(self, rows: list[Any]) -> None:
        self._rows = iter(rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)


def shops(conn: sqlite3.Connection, count: int) -> None:
    """Each with two streams, two credentials, a topic and a domain with a key."""
    with transaction(conn):
        for number in range(count):
            row = tenants.add(conn, f"t{number}", parse_address(f"o@t{number}.example"), actor="anna", now=NOW)
            for stream in streams.add_defaults(conn, row, transactional=True, actor="anna", now=NOW):
                conn.execute(
                    "INSERT INTO credential (stream_id, username, secret_hash, created_at) VALUES (?, ?, x'00', 0)",
                    (stream.id, f"u{stream.id}"),
                )
            conn.execute("INSERT INTO topic (tenant_id, name) VALUES (?, 'news')", (row.id,))
            _key(conn, _domain(conn, row.id, f"t{number}.example", True), "r1", "rsa-sha256")


@pytest.mark.parametrize("count", [3, 100])
def test_a_change_of_one_tenant_reads_one_tenant(conn: sqlite3.Connection, count: int) -> None:
    """However many there are; a look that finds no change is one statement."""
    shops(conn, count)
    counting = Counting(conn)
    source = SnapshotSource(cast(Tx, counting), SETTINGS, SECRETS)
    source.current()
    counting.taken()
    source.current()
    assert counting.taken() == (1, 3)
    one = tenants.find(conn, "t1")
    tenants.freeze(conn, one, everything=True, reason="spam", actor="anna", now=NOW)
    before = source.latest
    after = source.current()
    statements, rows = counting.taken()
    assert after.tenants[one.id].freeze is Freeze.ALL
    # The versions; then begin, version, whose; tenant, bonus, topic, permits, two streams, two credentials, key,
    # domain; commit.
    assert (statements, rows) == (14, 3 + 1 + 1 + 1 + 0 + 1 + 2 + 2 + 1 + 1)
    unchanged = [id_ for id_ in before.tenants if id_ != one.id]
    assert all(after.tenants[id_] is before.tenants[id_] for id_ in unchanged)
    assert after.domains["t2.example"] is before.domains["t2.example"], "whose keys are open already"


def test_several_changes_read_each_of_their_tenants_once(conn: sqlite3.Connection) -> None:
    shops(conn, 30)
    counting = Counting(conn)
    source = SnapshotSource(cast(Tx, counting), SETTINGS, SECRETS)
    counting.taken()
    for name in ("t3", "t9", "t3", "t11"):
        tenants.freeze(conn, tenants.find(conn, name), everything=True, reason=name, actor="anna", now=NOW)
    source.current()
    assert counting.taken() == (14, 3 + 1 + 3 + 3 * 8)


def test_no_read_of_a_tenant_walks_a_table(conn: sqlite3.Connection) -> None:
    shops(conn, 3)
    asked: list[str] = []
    before = snapshot.load(conn, SETTINGS, SECRETS)
    tenants.freeze(conn, tenants.find(conn, "t2"), everything=True, reason="spam", actor="anna", now=NOW)
    conn.set_trace_callback(asked.append)
    snapshot.refreshed(conn, before)
    conn.set_trace_callback(None)
    plans = [row[3] for sql in asked if "SELECT" in sql for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert len(plans) > 8 and not [step for step in plans if step.startswith("SCAN")], plans


# --- nothing is missed ------------------------------------------------------------------


Rng = random.Random
Change = Callable[[sqlite3.Connection, Rng], object]


def pick(conn: sqlite3.Connection, rng: Rng, table: str) -> int:
    ids = [id_ for (id_,) in conn.execute(f"SELECT id FROM {table} ORDER BY id")]
    return rng.choice(ids) if ids else 0


def update(table: str, sets: str) -> Change:
    return lambda conn, rng: conn.execute(f"UPDATE {table} SET {sets} WHERE id = ?", (pick(conn, rng, table),))


def delete(table: str) -> Change:
    return lambda conn, rng: conn.execute(f"DELETE FROM {table} WHERE id = ?", (pick(conn, rng, table),))


def claim(conn: sqlite3.Connection, rng: Rng) -> None:
    """Of few names, so that several tenants claim one; now and then the operator's own."""
    name = rng.choice(["a.example", "b.example", "c.example", "relay.example"])
    at = rng.choice([None, NOW])
    conn.execute(
        "INSERT INTO domain (tenant_id, name, token, verified_at, created_at) VALUES (?, ?, 't', ?, 0)"
        " ON CONFLICT (tenant_id, name) DO UPDATE SET verified_at = excluded.verified_at",
        (pick(conn, rng, "tenant"), name, at),
    )


def credential(conn: sqlite3.Connection, rng: Rng) -> None:
    ip = rng.choice(["", "", "10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"])
    username = None if ip else f"u{rng.randrange(10**9)}"
    conn.execute(
        "INSERT INTO credential (stream_id, username, ip, created_at) VALUES (?, ?, ?, 0)",
        (pick(conn, rng, "stream"), username, ip),
    )


def key(conn: sqlite3.Connection, rng: Rng) -> None:
    domain = pick(conn, rng, "domain")
    if domain:
        _key(conn, domain, f"s{rng.randrange(10**9)}", rng.choice(["rsa-sha256", "ed25519-sha256"]))


def remove_tenant(conn: sqlite3.Connection, rng: Rng) -> None:
    """With all it has, in one of the orders in which that can be done."""
    tenant = pick(conn, rng, "tenant")
    owned = "(SELECT id FROM stream WHERE tenant_id = ?)"
    steps = [
        f"DELETE FROM credential WHERE stream_id IN {owned}", "DELETE FROM stream WHERE tenant_id = ?",
        "DELETE FROM domain WHERE tenant_id = ?", "DELETE FROM topic WHERE tenant_id = ?",
        "DELETE FROM tenant WHERE id = ?",
    ]  # fmt: skip
    for sql in steps:
        conn.execute(sql, (tenant,))


CHANGES: dict[str, Change] = {
    "tenant": lambda c, r: tenants.add(c, f"n{r.randrange(10**9)}", parse_address("o@n.example"), actor="a", now=NOW),
    "tenant gone": remove_tenant,
    "name": update("tenant", "name = name || 'x'"),
    "freeze": update("tenant", "freeze = 'all', freeze_reason = 'spam'"),
    "plan": update("tenant", "plan = 'small', plan_ends_at = 1e9"),
    "stream": lambda c, r: c.execute(
        "INSERT INTO stream (tenant_id, name, kind, consent, created_at) VALUES (?, ?, 'bulk', 'required', 0)",
        (pick(c, r, "tenant"), f"s{r.randrange(10**9)}"),
    ),
    "stream's topic": update("stream", "topic = 'offers'"),
    "stream moved": lambda c, r: c.execute(
        "UPDATE OR IGNORE stream SET tenant_id = ?, name = name || 'm' WHERE id = ?",
        (pick(c, r, "tenant"), pick(c, r, "stream")),
    ),
    "credential": credential,
    "credential again": credential,
    "revoked": update("credential", "revoked_at = 1"),
    "credential gone": delete("credential"),
    "claim": claim,
    "claim again": claim,
    "verified": update("domain", "verified_at = 1, return_path_at = 1"),
    "unverified": update("domain", "verified_at = NULL"),
    "domain gone": delete("domain"),
    "domain moved": lambda c, r: c.execute(
        "UPDATE OR IGNORE domain SET tenant_id = ? WHERE id = ?", (pick(c, r, "tenant"), pick(c, r, "domain"))
    ),
    "key": key,
    "key again": key,
    "key retired": update("dkim_key", "retired_at = 1"),
    "key gone": delete("dkim_key"),
    "topic": lambda c, r: c.execute(
        "INSERT OR IGNORE INTO topic (tenant_id, name) VALUES (?, ?)",
        (pick(c, r, "tenant"), r.choice(["news", "offers", "jobs"])),
    ),
    "topic renamed": update("topic", "name = name || 'x'"),
    "topic gone": delete("topic"),
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "relay.db"
    migrate(path)
    made = connect(path)
    shops(made, 6)
    made.close()
    return path


@pytest.mark.parametrize("seed", range(8))
def test_after_any_changes_it_is_what_reading_all_gives(many: Path, seed: int) -> None:
    conn = sqlite3.connect(":memory:", isolation_level=None)
    with sqlite3.connect(many) as made:
        made.backup(conn)
    conn.execute("PRAGMA foreign_keys = ON")
    rng = Rng(seed)
    source = SnapshotSource(conn, SETTINGS, SECRETS)
    for _ in range(60):
        names = [rng.choice(list(CHANGES)) for _ in range(rng.choice([1, 1, 2, 5]))]
        for name in names:
            try:
                with transaction(conn):
                    CHANGES[name](conn, rng)
            except sqlite3.IntegrityError:
                continue
        assert source.current() == snapshot.load(conn, SETTINGS, SECRETS), names
    conn.close()


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_seen(many: Path, name: str) -> None:
    """So that the test before sees something."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    with sqlite3.connect(many) as made:
        made.backup(conn)
    source, before = SnapshotSource(conn, SETTINGS, SECRETS), snapshot.load(conn, SETTINGS, SECRETS)
    rng = Rng(3)
    for _ in range(20):  # one of them may find nothing to change
        CHANGES[name](conn, rng)
    assert source.current() != replace(before, version=source.latest.version)
    conn.close()


def test_the_operators_own_name_stays_claimed(conn: sqlite3.Connection) -> None:
    shops(conn, 1)
    source = SnapshotSource(conn, SETTINGS, SECRETS)
    own = SETTINGS.server.hostname
    id_ = _domain(conn, 1, own, True)
    assert own in source.current().claimed
    conn.execute("DELETE FROM domain WHERE id = ?", (id_,))
    assert own in source.current().claimed and own not in source.current().domains


def test_a_database_put_back_to_an_older_state_is_read_anew(conn: sqlite3.Connection) -> None:
    shops(conn, 2)
    source = SnapshotSource(conn, SETTINGS, SECRETS)
    tenants.freeze(conn, tenants.find(conn, "t1"), everything=True, reason="spam", actor="anna", now=NOW)
    source.current()
    conn.execute("UPDATE tenant SET freeze = 'none', freeze_reason = ''")
    conn.execute("UPDATE meta SET value = 2 WHERE name = 'registry'")
    assert source.current() == snapshot.load(conn, SETTINGS, SECRETS)


# --- many at once ---------------------------------------------------------------------------


def test_many_changes_are_read_ahead_in_a_thread(path: Path, conn: sqlite3.Connection) -> None:
    """A look then finds them read; a few are left to the look."""
    shops(conn, FEW + 5)
    looking = connect(path, readonly=True)
    counting = Counting(conn)
    source = SnapshotSource(cast(Tx, counting), SETTINGS, SECRETS)
    assert source.ahead(looking) is None
    conn.execute("UPDATE tenant SET contact = 'new@x.example' WHERE id <= ?", (FEW,))
    assert source.ahead(looking) is None
    conn.execute("UPDATE tenant SET contact = 'new@x.example'")
    found: list[snapshot.Snapshot | None] = []
    thread = threading.Thread(target=lambda: found.append(source.ahead(looking)))
    thread.start()
    thread.join()
    before = source.latest
    assert found[0] is not None and source.latest is before
    source.adopt(found[0])
    counting.taken()
    assert {one.contact for one in source.current().tenants.values()} == {"new@x.example"}
    assert counting.taken() == (1, 3), "nothing more was read"
    assert source.current().tenant(1, NOW).delivered_bulk == 0, "by its own connection, not by the thread's"
    looking.close()


def test_what_was_read_ahead_never_takes_a_change_back(path: Path, conn: sqlite3.Connection) -> None:
    """A freeze that is committed while the thread reads is seen by the next command, and stays seen."""
    shops(conn, FEW + 5)
    looking = connect(path, readonly=True)
    source = SnapshotSource(conn, SETTINGS, SECRETS)
    conn.execute("UPDATE tenant SET contact = 'new@x.example'")
    late = source.ahead(looking)
    one = tenants.find(conn, "t1")
    tenants.freeze(conn, one, everything=True, reason="spam", actor="anna", now=NOW)
    assert source.current().tenants[one.id].freeze is Freeze.ALL
    source.adopt(late)
    assert source.current().tenants[one.id].freeze is Freeze.ALL
    source.adopt(None)
    assert source.current() == snapshot.load(conn, SETTINGS, SECRETS)
    looking.close()


def test_a_network_credential_of_one_is_found_beside_those_of_others(conn: sqlite3.Connection) -> None:
    shops(conn, 3)
    source = SnapshotSource(conn, SETTINGS, SECRETS)
    for name, ip in (("t0", "10.0.0.0/8"), ("t1", "192.0.2.0/24"), ("t2", "198.51.100.7/32")):
        row = tenants.find(conn, name)
        stream = streams.add(conn, row, "net", Kind.BULK, actor="anna", now=NOW)
        credentials.add_network(conn, row, stream, ip, actor="anna", now=NOW)
        source.current()
    assert [(version, prefix, len(found)) for version, prefix, found in source.latest.by_network] == [
        (4, 32, 1),
        (4, 24, 1),
        (4, 8, 1),
    ]
