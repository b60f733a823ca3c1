"""The in-memory picture of the registry: what it holds and when it is read anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from relay.keys.secrets import Secrets
from relay.ledger import plans
from relay.mail.address import parse_address
from relay.store.database import connect, migrate, transaction
from relay.tenants import credentials, snapshot, streams, tenants
from relay.tenants.plan import change
from relay.tenants.snapshot import SnapshotSource
from relay.values.facts import Freeze
from relay.values.tenant import TenantRow

NOW = 1_790_000_000.0
SECRETS = Secrets({1: b"1" * 32}, 1)
SETTINGS = Settings.model_validate(
    {"server": {"hostname": "relay.example"}, "plans": {}}, context={"base": Path("/tmp")}
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(tmp_path / "relay.db")
    return tmp_path / "relay.db"


@pytest.fixture
def conn(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(path)
    yield connection
    connection.close()


@pytest.fixture
def shop(conn: sqlite3.Connection) -> TenantRow:
    tenant = tenants.add(conn, "shop", parse_address("o@shop.example"), postal="1 Road", actor="anna", now=NOW)
    streams.add_defaults(conn, tenant, transactional=True, actor="anna", now=NOW)
    return tenant


def _domain(conn: sqlite3.Connection, tenant_id: int, name: str, verified: bool, return_path: bool = False) -> int:
    cursor = conn.execute(
        "INSERT INTO domain (tenant_id, name, token, verified_at, return_path_at, created_at) VALUES (?,?,'t',?,?,?)",
        (tenant_id, name, NOW if verified else None, NOW if return_path else None, NOW),
    )
    return int(cursor.lastrowid or 0)


def _key(conn: sqlite3.Connection, domain_id: int, selector: str, algorithm: str, retired: bool = False) -> None:
    conn.execute(
        "INSERT INTO dkim_key (domain_id, selector, algorithm, sealed, public, created_at, retired_at)"
        " VALUES (?,?,?,?,'p',?,?)",
        (domain_id, selector, algorithm, selector.encode(), NOW, NOW if retired else None),
    )


def test_the_facts_of_a_tenant(conn: sqlite3.Connection, shop: TenantRow) -> None:
    _domain(conn, shop.id, "shop.example", True)
    _domain(conn, shop.id, "new.example", False)
    for topic in ("news", "offers"):
        conn.execute("INSERT INTO topic (tenant_id, name) VALUES (?, ?)", (shop.id, topic))
    view = snapshot.load(conn, SETTINGS, SECRETS)
    tenant = view.tenant(shop.id, NOW)
    assert (tenant.name, tenant.contact, tenant.postal) == ("shop", "o@shop.example", "1 Road")
    assert tenant.verified_domains == {"shop.example"}
    assert tenant.all_domains == {"shop.example", "new.example"}
    assert tenant.topics == ("news", "offers")
    assert (tenant.allowance.plan, tenant.allowance.messages, tenant.delivered_bulk) == ("free", 3000, 0)
    conn.execute("INSERT INTO counter (tenant_id, name, value) VALUES (?, 'delivered/bulk', 41)", (shop.id,))
    assert view.tenant(shop.id, NOW).delivered_bulk == 41
    with pytest.raises(KeyError):
        view.tenant(999, NOW)


def test_a_bonus_counts_in_the_allowance(conn: sqlite3.Connection, shop: TenantRow) -> None:
    free = plans.HeldPlan("free", NOW, None)
    small = change(conn, shop.id, free, "small", SETTINGS.plans, NOW)
    change(conn, shop.id, small, "medium", SETTINGS.plans, NOW + 5.5)
    tenant = snapshot.load(conn, SETTINGS, SECRETS).tenant(shop.id, NOW + 6)
    assert tenant.allowance.messages == 110_000


def test_of_several_claims_the_verified_one_counts(conn: sqlite3.Connection, shop: TenantRow) -> None:
    club = tenants.add(conn, "club", parse_address("o@club.example"), actor="anna", now=NOW)
    _domain(conn, shop.id, "both.example", False)
    _domain(conn, club.id, "both.example", True, True)
    third = tenants.add(conn, "third", parse_address("o@third.example"), actor="anna", now=NOW)
    _domain(conn, third.id, "both.example", False)
    record = snapshot.load(conn, SETTINGS, SECRETS).domains["both.example"]
    assert (record.tenant_id, record.verified, record.return_path) == (club.id, True, True)


def test_of_each_algorithm_the_oldest_key_in_force_signs(conn: sqlite3.Connection, shop: TenantRow) -> None:
    domain = _domain(conn, shop.id, "shop.example", True)
    _key(conn, domain, "gone", "rsa-sha256", retired=True)
    _key(conn, domain, "r1", "rsa-sha256")
    _key(conn, domain, "e1", "ed25519-sha256")
    _key(conn, domain, "r2", "rsa-sha256")
    record = snapshot.load(conn, SETTINGS, SECRETS).domains["shop.example"]
    assert [(key.selector, key.algorithm, key.sealed) for key in record.keys] == [
        ("r1", "rsa-sha256", b"r1"),
        ("e1", "ed25519-sha256", b"e1"),
    ]


def test_streams_and_credentials_are_found(conn: sqlite3.Connection, shop: TenantRow) -> None:
    stream = streams.find(conn, shop, "bulk")
    row, _ = credentials.add_password(conn, SECRETS, shop, stream, only_from="192.0.2.0/24", actor="anna", now=NOW)
    credentials.add_network(conn, shop, stream, "10.0.0.0/8", actor="anna", now=NOW)
    view = snapshot.load(conn, SETTINGS, SECRETS)
    assert view.streams[stream.id] == stream
    record = view.by_username[row.username]
    assert (record.tenant_id, record.stream_id, str(record.only_from)) == (shop.id, stream.id, "192.0.2.0/24")
    assert "" not in view.by_username and [entry[:2] for entry in view.by_network] == [(4, 8)]


Change = Callable[[sqlite3.Connection, TenantRow], object]
CHANGES: dict[str, Change] = {
    "freeze": lambda c, t: tenants.freeze(c, t, everything=True, reason="spam", actor="anna", now=NOW),
    "tenant": lambda c, t: tenants.add(c, "club", parse_address("o@club.example"), actor="anna", now=NOW),
    "stream": lambda c, t: streams.add(c, t, "x", streams.of_tenant(c, t.id)[0].kind, actor="anna", now=NOW),
    "domain": lambda c, t: _domain(c, t.id, "shop.example", False),
    "topic": lambda c, t: c.execute("INSERT INTO topic (tenant_id, name) VALUES (?, 'news')", (t.id,)),
    "plan": lambda c, t: change(c, t.id, plans.HeldPlan("free", NOW, None), "small", SETTINGS.plans, NOW),
    "credential": lambda c, t: credentials.add_password(
        c, SECRETS, t, streams.find(c, t, "bulk"), actor="anna", now=NOW
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_by_another_process_is_seen_once_committed(
    path: Path, conn: sqlite3.Connection, shop: TenantRow, change: Change
) -> None:
    source = SnapshotSource(conn, SETTINGS, SECRETS)
    before = source.current()
    other = connect(path)
    try:
        with transaction(other):
            change(other, shop)
            assert source.current() is before
        after = source.current()
        assert after is not before and after.version > before.version
        assert source.current() is after
    finally:
        other.close()


def test_a_look_is_repeated_in_the_next_round_of_the_loop(conn: sqlite3.Connection, shop: TenantRow) -> None:
    rounds: list[Callable[[], None]] = []
    source = SnapshotSource(conn, SETTINGS, SECRETS, next_round=rounds.append)
    before = source.current()
    tenants.freeze(conn, shop, everything=False, reason="spam", actor="anna", now=NOW)
    assert source.current() is before
    assert len(rounds) == 1
    rounds.pop()()
    assert source.current().tenants[shop.id].freeze is Freeze.BULK
    assert len(rounds) == 1


def test_a_counter_does_not_reload(conn: sqlite3.Connection, shop: TenantRow) -> None:
    source = SnapshotSource(conn, SETTINGS, SECRETS)
    before = source.current()
    conn.execute("INSERT INTO counter (tenant_id, name, value) VALUES (?, 'delivered/bulk', 1)", (shop.id,))
    assert source.current() is before


def test_an_old_snapshot_stays_as_it_was(conn: sqlite3.Connection, shop: TenantRow) -> None:
    source = SnapshotSource(conn, SETTINGS, SECRETS)
    before = source.current()
    tenants.freeze(conn, shop, everything=False, reason="spam", actor="anna", now=NOW)
    assert before.tenants[shop.id].freeze is Freeze.NONE
    assert source.current().tenants[shop.id].freeze is Freeze.BULK


def test_loading_inside_a_transaction_leaves_it_open(conn: sqlite3.Connection, shop: TenantRow) -> None:
    with transaction(conn):
        streams.add(conn, shop, "x", streams.of_tenant(conn, shop.id)[0].kind, actor="anna", now=NOW)
        assert any(s.name == "x" for s in snapshot.load(conn, SETTINGS, SECRETS).streams.values())
        assert conn.in_transaction
