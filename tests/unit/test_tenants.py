"""Tenants and streams: adding, refusing, freezing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.audit import actions
from relay.mail.address import parse_address
from relay.store.database import connect, migrate, transaction
from relay.tenants import streams, tenants
from relay.values.errors import RegistryError
from relay.values.facts import Freeze, Kind
from relay.values.tenant import TenantRow

NOW = 1_790_000_000.0
CONTACT = parse_address("owner@shop.example")


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    migrate(tmp_path / "relay.db")
    connection = connect(tmp_path / "relay.db")
    yield connection
    connection.close()


@pytest.fixture
def shop(conn: sqlite3.Connection) -> TenantRow:
    return tenants.add(conn, "shop", CONTACT, postal="1 Road,\n Town", actor="anna", now=NOW)


def test_a_new_tenant_is_free_and_not_frozen(shop: TenantRow) -> None:
    assert (shop.plan, shop.plan_started_at, shop.plan_ends_at) == ("free", NOW, None)
    assert (shop.freeze, shop.contact, shop.postal) == (Freeze.NONE, "owner@shop.example", "1 Road, Town")


@pytest.mark.parametrize("name", ["", "-shop", "Shop", "a b", "shöp", "x" * 64, "shop\n", "a/b"])
def test_a_bad_name_is_refused(conn: sqlite3.Connection, name: str) -> None:
    with pytest.raises(RegistryError, match="no tenant name"):
        tenants.add(conn, name, CONTACT, actor="anna", now=NOW)


def test_a_name_is_taken_once(conn: sqlite3.Connection, shop: TenantRow) -> None:
    with pytest.raises(RegistryError, match="already"):
        tenants.add(conn, "shop", CONTACT, actor="anna", now=NOW)


def test_an_unknown_tenant_is_told(conn: sqlite3.Connection) -> None:
    with pytest.raises(RegistryError, match="relay tenant list"):
        tenants.find(conn, "nobody")


def test_freezing_bulk_then_all_then_nothing(conn: sqlite3.Connection, shop: TenantRow) -> None:
    bulk = tenants.freeze(conn, shop, everything=False, reason="complaints\nover limit", actor="anna", now=NOW)
    assert (bulk.freeze, bulk.freeze_reason) == (Freeze.BULK, "complaints over limit")
    everything = tenants.freeze(conn, bulk, everything=True, reason="fraud", actor="anna", now=NOW)
    assert everything.freeze is Freeze.ALL
    with pytest.raises(RegistryError, match="unfreeze"):
        tenants.freeze(conn, everything, everything=False, reason="less", actor="anna", now=NOW)
    free = tenants.unfreeze(conn, everything, actor="bert", now=NOW + 1)
    assert (free.freeze, free.freeze_reason) == (Freeze.NONE, "")
    with pytest.raises(RegistryError, match="not frozen"):
        tenants.unfreeze(conn, free, actor="bert", now=NOW)


def test_freeze_unfreeze_and_warning_leave_reason_actor_and_time(conn: sqlite3.Connection, shop: TenantRow) -> None:
    tenants.warn(conn, shop, reason="dirty list", actor="anna", now=NOW)
    frozen = tenants.freeze(conn, shop, everything=True, reason="spam", actor="bert", now=NOW + 1)
    tenants.unfreeze(conn, frozen, reason="cleared", actor="cleo", now=NOW + 2)
    entries = actions.of_tenant(conn, shop.id, ("tenant-warned", "tenant-frozen", "tenant-unfrozen"), 10)
    assert [(e.action, e.actor, e.at, e.detail["reason"]) for e in entries] == [
        ("tenant-warned", "anna", NOW, "dirty list"),
        ("tenant-frozen", "bert", NOW + 1, "spam"),
        ("tenant-unfrozen", "cleo", NOW + 2, "cleared"),
    ]
    kinds = [row[0] for row in conn.execute("SELECT kind FROM event WHERE tenant_id = ? ORDER BY id", (shop.id,))]
    assert kinds == ["tenant.warned", "tenant.frozen", "tenant.unfrozen"]


@pytest.mark.parametrize("reason", ["", "  ", "\x1b[2J", "x" * 501])
def test_a_reason_is_one_printable_line(conn: sqlite3.Connection, shop: TenantRow, reason: str) -> None:
    with pytest.raises(RegistryError, match="reason"):
        tenants.freeze(conn, shop, everything=False, reason=reason, actor="anna", now=NOW)
    assert tenants.by_id(conn, shop.id).freeze is Freeze.NONE


def test_the_default_streams(conn: sqlite3.Connection, shop: TenantRow) -> None:
    """No tenant gets one freed from consent by itself (R1)."""
    made = streams.add_defaults(conn, shop, actor="anna", now=NOW)
    assert [(s.name, s.kind, s.topic, s.consent_required) for s in made] == [("bulk", Kind.BULK, "*", True)]
    assert streams.of_tenant(conn, shop.id) == made


def test_a_stream_freed_from_consent_where_the_operator_says_so(conn: sqlite3.Connection, shop: TenantRow) -> None:
    made = streams.add_defaults(conn, shop, transactional=True, actor="anna", now=NOW)
    assert [(s.name, s.kind, s.topic, s.consent_required, s.ground) for s in made] == [
        ("bulk", Kind.BULK, "*", True, ""),
        ("transactional", Kind.TRANSACTIONAL, "*", False, "contract"),
    ]
    assert streams.of_tenant(conn, shop.id) == made


def test_bulk_is_never_exempt_from_consent(conn: sqlite3.Connection, shop: TenantRow) -> None:
    with pytest.raises(RegistryError, match="exempt"):
        streams.add(conn, shop, "x", Kind.BULK, ground="contract", reason="so", actor="anna", now=NOW)


def test_a_transactional_stream_requires_consent_unless_freed(conn: sqlite3.Connection, shop: TenantRow) -> None:
    stream = streams.add(conn, shop, "receipts", Kind.TRANSACTIONAL, topic=" receipts ", actor="anna", now=NOW)
    assert (stream.topic, stream.consent_required) == ("receipts", True)


@pytest.mark.parametrize(
    ("name", "topic", "told"), [("X", "*", "stream name"), ("x", " ", "topic is empty"), ("x", "a\nb", "printable")]
)
def test_a_bad_stream_is_refused(conn: sqlite3.Connection, shop: TenantRow, name: str, topic: str, told: str) -> None:
    with pytest.raises(RegistryError, match=told):
        streams.add(conn, shop, name, Kind.BULK, topic=topic, actor="anna", now=NOW)


def test_an_unknown_stream_names_those_there_are(conn: sqlite3.Connection, shop: TenantRow) -> None:
    streams.add_defaults(conn, shop, transactional=True, actor="anna", now=NOW)
    with pytest.raises(RegistryError, match="bulk, transactional"):
        streams.find(conn, shop, "nope")


def test_a_refusal_leaves_nothing_behind(conn: sqlite3.Connection, shop: TenantRow) -> None:
    with pytest.raises(RegistryError), transaction(conn):
        other = tenants.add(conn, "other", CONTACT, actor="anna", now=NOW)
        streams.add(conn, other, "BAD", Kind.BULK, actor="anna", now=NOW)
    assert [tenant.name for tenant in tenants.all_tenants(conn)] == ["shop"]
