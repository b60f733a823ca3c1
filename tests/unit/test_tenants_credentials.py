"""Credentials and API tokens: making, refusing, checking against a snapshot."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from relay.keys.secrets import Secrets
from relay.mail.address import parse_address
from relay.store.database import connect, migrate
from relay.tenants import api_tokens, credentials, login, snapshot, streams, tenants
from relay.tenants.api_tokens import TokenHolder
from relay.values.errors import RegistryError
from relay.values.tenant import TenantRow
from tests.support.store import dump

NOW = 1_790_000_000.0
SECRETS = Secrets({1: b"1" * 32}, 1)
ROTATED = Secrets({2: b"2" * 32, 1: b"1" * 32}, 2)
SETTINGS = Settings.model_validate(
    {"server": {"hostname": "relay.example"}, "plans": {}}, context={"base": Path("/tmp")}
)


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    migrate(tmp_path / "relay.db")
    connection = connect(tmp_path / "relay.db")
    yield connection
    connection.close()


def _tenant(conn: sqlite3.Connection, name: str) -> TenantRow:
    tenant = tenants.add(conn, name, parse_address(f"o@{name}.example"), actor="anna", now=NOW)
    streams.add_defaults(conn, tenant, transactional=True, actor="anna", now=NOW)
    return tenant


def _password(conn: sqlite3.Connection, tenant: TenantRow, only_from: str = "") -> tuple[str, str]:
    stream = streams.find(conn, tenant, "bulk")
    row, password = credentials.add_password(conn, SECRETS, tenant, stream, only_from=only_from, actor="anna", now=NOW)
    return row.username, password


def _network(conn: sqlite3.Connection, tenant: TenantRow, cidr: str, stream: str = "bulk") -> credentials.CredentialRow:
    return credentials.add_network(conn, tenant, streams.find(conn, tenant, stream), cidr, actor="anna", now=NOW)


def _view(conn: sqlite3.Connection) -> snapshot.Snapshot:
    return snapshot.load(conn, SETTINGS, SECRETS)


def test_the_password_fits_and_nothing_else(conn: sqlite3.Connection) -> None:
    shop = _tenant(conn, "shop")
    username, password = _password(conn, shop)
    assert username.startswith("shop-bulk-") and len(password) == 32
    view = _view(conn)
    record = login.verify(view, SECRETS, username, password, "192.0.2.1")
    assert record is not None and record.tenant_id == shop.id
    for name, word in [
        (username, password[:-1]),
        (username, ""),
        (username, "ä\udcff"),
        ("nobody", password),
        ("", ""),
        (username.upper(), password),
        (username, password * 100),
    ]:
        assert login.verify(view, SECRETS, name, word, "192.0.2.1") is None


def test_a_password_outlives_a_rotation_of_the_master_key(conn: sqlite3.Connection) -> None:
    username, password = _password(conn, _tenant(conn, "shop"))
    view = _view(conn)
    assert login.verify(view, ROTATED, username, password, "192.0.2.1") is not None
    lost = Secrets({2: b"2" * 32}, 2)
    assert login.verify(view, lost, username, password, "192.0.2.1") is None


def test_the_password_itself_is_nowhere_in_the_database(conn: sqlite3.Connection) -> None:
    _, password = _password(conn, _tenant(conn, "shop"))
    assert password not in "\n".join(dump(conn))


@pytest.mark.parametrize(
    ("client", "fits"),
    [("192.0.2.77", True), ("::ffff:192.0.2.77", True), ("198.51.100.1", False), ("2001:db8::1", False), ("", False)],
)
def test_only_from_restricts_a_password(conn: sqlite3.Connection, client: str, fits: bool) -> None:
    username, password = _password(conn, _tenant(conn, "shop"), "192.0.2.0/24")
    assert (login.verify(_view(conn), SECRETS, username, password, client) is not None) is fits


def test_a_reset_ends_the_old_password(conn: sqlite3.Connection) -> None:
    username, old = _password(conn, _tenant(conn, "shop"))
    _, new = credentials.reset(conn, SECRETS, credentials.find(conn, username), actor="anna", now=NOW)
    view = _view(conn)
    assert login.verify(view, SECRETS, username, old, "192.0.2.1") is None
    assert login.verify(view, SECRETS, username, new, "192.0.2.1") is not None


def test_a_revoked_credential_is_gone(conn: sqlite3.Connection) -> None:
    username, password = _password(conn, _tenant(conn, "shop"))
    row = credentials.revoke(conn, credentials.find(conn, username), actor="anna", now=NOW + 1)
    assert row.revoked_at == NOW + 1
    assert login.verify(_view(conn), SECRETS, username, password, "192.0.2.1") is None
    with pytest.raises(RegistryError, match="no credential"):
        credentials.find(conn, username)


def test_the_narrowest_network_wins(conn: sqlite3.Connection) -> None:
    shop, club = _tenant(conn, "shop"), _tenant(conn, "club")
    _network(conn, shop, "10.0.0.0/8")
    narrow = _network(conn, shop, "10.1.2.0/24", "transactional")
    other = _network(conn, club, "2001:db8::/32")
    view = _view(conn)
    found = {ip: login.by_address(view, ip) for ip in ("10.1.2.3", "10.1.3.3", "2001:db8::7%eth0", "11.0.0.1")}
    assert [record and record.stream_id for record in found.values()] == [
        narrow.stream_id,
        streams.find(conn, shop, "bulk").id,
        other.stream_id,
        None,
    ]
    assert login.by_address(view, "::ffff:10.1.2.3") == found["10.1.2.3"]
    assert login.by_address(view, "unix") is None


def test_version_4_and_6_never_mix(conn: sqlite3.Connection) -> None:
    _network(conn, _tenant(conn, "shop"), "0a00::/32")
    assert login.by_address(_view(conn), "10.0.0.0") is None


@pytest.mark.parametrize("cidr", ["10.1.0.0/16", "10.0.0.0/8", "10.1.2.3/32"])
def test_a_network_of_another_tenant_is_refused(conn: sqlite3.Connection, cidr: str) -> None:
    _network(conn, _tenant(conn, "shop"), "10.1.0.0/16")
    with pytest.raises(RegistryError, match=r"overlaps 10\.1\.0\.0/16"):
        _network(conn, _tenant(conn, "club"), cidr)


@pytest.mark.parametrize(
    ("cidr", "told"),
    [("0.0.0.0/0", "too wide"), ("8.0.0.0/7", "too wide"), ("::/0", "too wide"), ("::ffff:10.0.0.0/104", "as IPv4")],
)
def test_a_network_for_everyone_is_refused(conn: sqlite3.Connection, cidr: str, told: str) -> None:
    with pytest.raises(RegistryError, match=told):
        _network(conn, _tenant(conn, "shop"), cidr)


def test_the_same_network_twice_is_refused_until_revoked(conn: sqlite3.Connection) -> None:
    shop = _tenant(conn, "shop")
    row = _network(conn, shop, "192.0.2.7/32")
    with pytest.raises(RegistryError, match="already"):
        _network(conn, shop, "192.0.2.7/32", "transactional")
    credentials.revoke(conn, credentials.find(conn, "192.0.2.7"), actor="anna", now=NOW)
    assert _network(conn, shop, "192.0.2.7/32", "transactional").id != row.id


def test_a_network_has_no_password_to_reset(conn: sqlite3.Connection) -> None:
    row = _network(conn, _tenant(conn, "shop"), "192.0.2.7/32")
    with pytest.raises(RegistryError, match="no password"):
        credentials.reset(conn, SECRETS, row, actor="anna", now=NOW)


def test_a_token_is_found_by_its_hash_under_every_master_key(conn: sqlite3.Connection) -> None:
    shop = _tenant(conn, "shop")
    row, token = api_tokens.add(conn, SECRETS, shop, actor="anna", now=NOW)
    assert row.name == "api-1" and token.startswith("rt_") and token not in "\n".join(dump(conn))
    holder = TokenHolder(shop.id, frozenset(api_tokens.SCOPES), False, row.id)
    assert api_tokens.lookup(conn, SECRETS, token) == holder
    assert api_tokens.lookup(conn, ROTATED, token) == holder
    for wrong in ("", "rt_", token[:-1], token + "a", token[3:], token.upper(), token + "\n", "rt_" + "a" * 32):
        assert api_tokens.lookup(conn, SECRETS, wrong) is None


def test_a_revoked_token_is_not_found_and_its_name_is_free(conn: sqlite3.Connection) -> None:
    shop = _tenant(conn, "shop")
    _, token = api_tokens.add(conn, SECRETS, shop, "site", actor="anna", now=NOW)
    with pytest.raises(RegistryError, match="already"):
        api_tokens.add(conn, SECRETS, shop, "site", actor="anna", now=NOW)
    assert api_tokens.revoke(conn, shop, "site", actor="anna", now=NOW + 1).revoked_at == NOW + 1
    assert api_tokens.lookup(conn, SECRETS, token) is None
    with pytest.raises(RegistryError, match="no token"):
        api_tokens.revoke(conn, shop, "site", actor="anna", now=NOW)
    assert api_tokens.add(conn, SECRETS, shop, "site", actor="anna", now=NOW)[0].name == "site"
    assert [row.name for row in api_tokens.of_tenant(conn, shop.id)] == ["site", "site"]
