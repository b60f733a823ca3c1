"""Databases of all earlier schemas come to today's with all that was in them, whichever schema a migration ended at."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import relay.cli.migrate
from relay.cli.main import relay as program
from relay.keys import dkim_keys
from relay.keys.secrets import Secrets
from relay.people import standing
from relay.store import database
from relay.store.sqlite.schema import damage, differences
from relay.tenants.parts import KeyRecord
from relay.values.facts import Reason
from tests.support import schemas

NEWEST = database.migrations()[-1][0]
SEALED_ANEW = {("dkim_key", "sealed"), ("audit_key", "sealed"), ("recipient", "hold_reason"), ("event", "kind")}
"""Columns whose values a migration changes. A table that a migration takes apart needs a test of its own."""
GONE: set[str] = set()
"""Tables that a migration took apart."""


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new relay, to be given an old database."""
    home = tmp_path_factory.mktemp("fresh") / "home"
    said = CliRunner().invoke(program, ["init", "--dir", str(home), "--hostname", "relay.test", "--dev"])
    assert said.exit_code == 0, said.output
    for path in (home / "data").glob("relay.db*"):
        path.unlink()
    (home / "data" / "secrets").write_text(schemas.SECRETS)
    return home


Invoke = Callable[..., Any]


@pytest.fixture
def home(fresh: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fresh, tmp_path / "home"))


@pytest.fixture
def invoke(home: Path) -> Invoke:
    def run(*words: str) -> Any:
        said = CliRunner().invoke(program, ["-c", str(home / "relay.toml"), *words, "--json"])
        assert said.exit_code == 0, said.output
        return json.loads(said.stdout)

    return run


def tables(conn: sqlite3.Connection) -> dict[str, list[str]]:
    """Columns by table."""
    names = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: [row[1] for row in conn.execute(f"PRAGMA table_info({name})")]
        for name in names
        if not name.startswith("sqlite_") and name != "meta"
    }


def rows(conn: sqlite3.Connection, table: str, columns: list[str]) -> set[tuple[object, ...]]:
    return set(conn.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall())


@pytest.mark.parametrize("number", schemas.numbers())
def test_what_was_there_is_there(number: int, home: Path, invoke: Invoke) -> None:
    path = home / "data" / "relay.db"
    schemas.unpack(number, path)
    with closing(sqlite3.connect(path)) as conn:
        before = {name: (columns, rows(conn, name, columns)) for name, columns in tables(conn).items()}
    assert invoke("migrate") == {"before": number, "after": NEWEST}
    with closing(database.connect(path)) as conn:
        assert differences(conn) == []
        assert damage(conn) == []
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        now = tables(conn)
        assert before.keys() - now.keys() <= GONE
        for name, (columns, had) in before.items():
            kept = [column for column in columns if column in now.get(name, ()) and (name, column) not in SEALED_ANEW]
            shared = {tuple(row[columns.index(column)] for column in kept) for row in had}
            assert name in GONE or shared - rows(conn, name, kept) == set(), name
        _keys_open(conn, Secrets.load(home / "data" / "secrets"))
        _standings(conn)
    # Until they migrate, records of releases without an audit log have no leaves; from then on what is written has.
    assert invoke("audit", "verify")
    assert invoke("migrate") == {"before": NEWEST, "after": NEWEST}


def _keys_open(conn: sqlite3.Connection, secrets: Secrets) -> None:
    keys = conn.execute(
        "SELECT d.name, selector, algorithm, sealed FROM dkim_key k JOIN domain d ON d.id = domain_id"
    ).fetchall()
    assert len(keys) >= 3
    for name, *key in keys:
        dkim_keys.open_key(secrets, name, KeyRecord(*key))


def _standings(conn: sqlite3.Connection) -> None:
    def of(name: str, tenant: int = 1, domain: str = "rcpt.example") -> tuple[list[bool], list[Reason]]:
        found = standing.standing(conn, tenant, f"{name}@{domain}", "")
        return [consent.live for consent in found.consents], [one.reason for one in found.suppressions]

    assert of("one") == ([True], [])
    assert of("p3", 2, "staged.example") == ([True], [])
    assert of("left") == ([False], [Reason.UNSUBSCRIBED])
    assert of("stopped") == ([True], [Reason.COMPLAINT])
    assert of("bounced") == ([True], [Reason.HARD_BOUNCE])
    assert of("nobody") == ([], [])


@pytest.mark.parametrize("number", [number for number, _ in database.migrations()])
def test_a_migration_that_ended_on_the_way_goes_on(
    number: int, home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No release had some of these schemas; a migration that was killed leaves them."""
    before = max(one for one in schemas.numbers() if one <= number)
    path = home / "data" / "relay.db"
    schemas.unpack(before, path)
    some = [one for one in database.migrations() if one[0] <= number]
    with monkeypatch.context() as patched:
        for module in (database, relay.cli.migrate):
            patched.setattr(module, "newest_schema", lambda: some[-1][0])
        patched.setattr(database, "migrations", lambda: some)
        assert invoke("migrate") == {"before": before, "after": number}
    assert invoke("migrate") == {"before": number, "after": NEWEST}
    with closing(database.connect(path)) as conn:
        assert differences(conn) == []
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        _keys_open(conn, Secrets.load(home / "data" / "secrets"))
        _standings(conn)
