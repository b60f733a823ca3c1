"""Private keys of earlier releases are bound to their rows with `relay migrate`, once; later their form is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config.load import load
from relay.audit import signers
from relay.checks.result import Level
from relay.checks.store import check_store
from relay.cli.main import relay
from relay.keys.secrets import Secrets
from relay.store import database
from tests.support.older import older_release

NONCE = bytes(12)


def invoke(home: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(relay, ["-c", str(home / "relay.toml"), *words])
    return result.exit_code, result.output


def earlier(conn: sqlite3.Connection, secrets: Secrets) -> None:
    """Seal all keys as releases before schema 70 did."""

    def bound_to_nothing(purpose: str, plain: bytes) -> bytes:
        key = AESGCM(secrets.derived("seal/" + purpose))
        return bytes([secrets.current]) + NONCE + key.encrypt(NONCE, plain, None)

    for id_, domain, selector, algorithm, sealed in conn.execute(
        "SELECT k.id, d.name, selector, algorithm, sealed FROM dkim_key k JOIN domain d ON d.id = domain_id"
    ).fetchall():
        plain = secrets.unseal("dkim-key", sealed, f"{algorithm} {selector}._domainkey.{domain}")
        conn.execute("UPDATE dkim_key SET sealed = ? WHERE id = ?", (bound_to_nothing("dkim-key", plain), id_))
    for id_, sealed in conn.execute("SELECT id, sealed FROM audit_key").fetchall():
        plain = secrets.unseal("audit-key", sealed, id_)
        conn.execute("UPDATE audit_key SET sealed = ? WHERE id = ?", (bound_to_nothing("audit-key", plain), id_))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A relay of schema 69, with keys as they were then."""
    path = tmp_path / "home"
    assert CliRunner().invoke(relay, ["init", "--dir", str(path), "--hostname", "relay.test", "--dev"]).exit_code == 0
    for name in ("acme", "rival"):
        assert invoke(path, "tenant", "add", name, "--contact", f"post@{name}.example")[0] == 0
        assert invoke(path, "domain", "add", name, f"{name}.example")[0] == 0
    conn = sqlite3.connect(path / "data/relay.db", isolation_level=None)
    secrets = Secrets.load(path / "data/secrets")
    signers.make(conn, secrets, "test", 0.0)
    earlier(conn, secrets)
    conn.close()
    data = path / "data"
    (data / "relay.db").rename(data / "today.db")
    older_release(data / "relay.db", data / "today.db", 69).close()
    return path


NEWEST = database.migrations()[-1][0]


def opened(home: Path) -> tuple[Level, str]:
    (found,) = [one for one in check_store(load(home / "relay.toml")) if one.what == "DKIM keys"]
    return found.level, found.detail


def store(home: Path) -> sqlite3.Connection:
    return sqlite3.connect(home / "data/relay.db", isolation_level=None)


def test_keys_of_an_earlier_release_go_on_to_sign(home: Path) -> None:
    assert invoke(home, "migrate") == (0, f"schema 67 brought to {NEWEST}\n")
    assert opened(home) == (Level.OK, "4 can be opened")
    assert signers.unopened(store(home), Secrets.load(home / "data/secrets")) == []
    assert invoke(home, "migrate") == (0, f"schema {NEWEST}: up to date\n")


def test_the_earlier_form_is_taken_no_more(home: Path) -> None:
    (old,) = store(home).execute("SELECT sealed FROM dkim_key WHERE id = 1").fetchone()
    invoke(home, "migrate")
    store(home).execute("UPDATE dkim_key SET sealed = ? WHERE id = 1", (old,))
    level, detail = opened(home)
    assert level is Level.FAIL and detail.startswith("1 of 4 can't be opened")


@pytest.mark.parametrize("other", [2, 3, 4])
def test_keys_that_changed_places_open_no_more(home: Path, other: int) -> None:
    invoke(home, "migrate")
    conn = store(home)
    sealed = dict(conn.execute("SELECT id, sealed FROM dkim_key").fetchall())
    conn.execute("UPDATE dkim_key SET sealed = ? WHERE id = 1", (sealed[other],))
    conn.execute("UPDATE dkim_key SET sealed = ? WHERE id = ?", (sealed[1], other))
    level, detail = opened(home)
    assert level is Level.FAIL and detail.startswith("2 of 4 can't be opened")


def test_without_secrets_nothing_is_changed(home: Path) -> None:
    (home / "data/secrets").rename(home / "kept")
    status, said = invoke(home, "migrate")
    assert status == 1 and "secrets" in said and "nothing was changed" in said
    (home / "kept").rename(home / "data/secrets")
    assert invoke(home, "migrate")[0] == 0
    assert opened(home)[0] is Level.OK


def test_a_key_that_does_not_open_is_named_and_stops_nothing(home: Path) -> None:
    store(home).execute("UPDATE dkim_key SET sealed = zeroblob(60) WHERE id = 2")
    status, said = invoke(home, "migrate")
    assert status == 0 and "_domainkey.acme.example can't be opened" in said
    assert opened(home)[1].startswith("1 of 4 can't be opened")


def test_the_audit_log_s_keys_are_bound_too(home: Path) -> None:
    invoke(home, "migrate")
    conn, secrets = store(home), Secrets.load(home / "data/secrets")
    signers.make(conn, secrets, "test", 1.0)
    one, two = (row[0] for row in conn.execute("SELECT sealed FROM audit_key ORDER BY number"))
    conn.execute("UPDATE audit_key SET sealed = ? WHERE number = 1", (two,))
    assert len(signers.unopened(conn, secrets)) == 1
    conn.execute("UPDATE audit_key SET sealed = ? WHERE number = 1", (one,))
    assert signers.unopened(conn, secrets) == []
