"""The migrations make the same schema on both engines, and each step of them can be taken."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from relay.store.database import StoreError, connect, migrate, migrations, schema_of
from relay.store.postgres.schema import statements, translated
from tests.support.postgres import server

SAME = {"bigint": "INTEGER", "double precision": "REAL", "bytea": "BLOB", "text": "TEXT"}
Described = Mapping[str, object]


def default(text: str | None) -> str | None:
    return None if text is None or text.startswith("nextval") else re.sub(r"::\w+.*$", "", text).strip("()")


def of_sqlite() -> dict[str, Described]:
    conn = sqlite3.connect(":memory:")
    for _, sql in migrations():
        conn.executescript(sql)
    found: dict[str, Described] = {}
    for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
        info = conn.execute(f"PRAGMA table_info({table})").fetchall()
        found[f"table {table}"] = {
            name: (kind, bool(required or key), default(text)) for _, name, kind, required, text, key in info
        }
        found[f"key {table}"] = {"columns": [c[1] for c in sorted(info, key=lambda c: int(c[5])) if c[5]]}
        for _, index, unique, origin, partial in conn.execute(f"PRAGMA index_list({table})").fetchall():
            columns = [name for *_, name in conn.execute(f"PRAGMA index_info({index})")]
            if origin == "c":
                found[f"index {index}"] = {"of": (table, columns, bool(unique), bool(partial))}
            elif origin == "u":
                found[f"unique {table} {','.join(columns)}"] = {}
        for key in conn.execute(f"PRAGMA foreign_key_list({table})").fetchall():
            found[f"refers {table} {key[3]}"] = {"to": (key[2], key[4]), "deleted with it": key[6] == "CASCADE"}
    for name, table, sql in conn.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"):
        words = re.search(r"(AFTER|BEFORE) (INSERT|UPDATE|DELETE)", sql)
        assert words is not None
        found[f"trigger {name}"] = {"of": (table, words[1], words[2])}
    for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'view'"):
        found[f"view {name}"] = {"columns": [c[1] for c in conn.execute(f"PRAGMA table_info({name})")]}
    return found


def of_postgresql() -> dict[str, Described]:
    with psycopg.connect(server().made(), autocommit=True) as conn:
        return _described(conn)


def _described(conn: psycopg.Connection[Any]) -> dict[str, Described]:
    found: dict[str, dict[str, object]] = {}
    for table, column, kind, nullable, text in conn.execute(
        "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES', column_default"
        " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'schema_version'"
        " ORDER BY ordinal_position"
    ):
        found.setdefault(f"table {table}", {})[column] = (SAME[kind], not nullable, default(text))
    for table, kind, columns, other, others, deletes in conn.execute(
        "SELECT c.conrelid::regclass::text, c.contype::text,"
        " ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (n, place)"
        "  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.place),"
        " c.confrelid::regclass::text, ARRAY(SELECT a.attname::text FROM pg_attribute a"
        "  WHERE a.attrelid = c.confrelid AND a.attnum = ANY(c.confkey)), c.confdeltype::text"
        " FROM pg_constraint c WHERE c.connamespace = 'public'::regnamespace AND c.conrelid <> 0"
        " AND c.conrelid <> 'schema_version'::regclass"
    ):
        if kind == "p":
            found[f"key {table}"] = {"columns": columns}
        elif kind == "u":
            found[f"unique {table} {','.join(columns)}"] = {}
        elif kind == "f":
            found[f"refers {table} {columns[0]}"] = {"to": (other, others[0]), "deleted with it": deletes == "c"}
    for index, table, unique, partial, columns in conn.execute(
        "SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, i.indisunique, i.indpred IS NOT NULL,"
        " ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int[]) WITH ORDINALITY k (n, place)"
        "  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n ORDER BY k.place)"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)"
    ):
        found[f"index {index}"] = {"of": (table, columns, unique, partial)}
    for name, table, when, what in conn.execute(
        "SELECT trigger_name::text, event_object_table::text, action_timing::text, event_manipulation::text"
        " FROM information_schema.triggers WHERE trigger_schema = 'public'"
    ):
        found[f"trigger {name}"] = {"of": (table, when, what)}
    for view, columns in conn.execute(
        "SELECT v.table_name::text, ARRAY(SELECT c.column_name::text FROM information_schema.columns c"
        "  WHERE c.table_schema = 'public' AND c.table_name = v.table_name ORDER BY c.ordinal_position)"
        " FROM information_schema.views v WHERE v.table_schema = 'public'"
    ):
        found[f"view {view}"] = {"columns": columns}
    return dict(found)


def test_both_engines_have_the_same_schema() -> None:
    one, other = of_sqlite(), of_postgresql()
    assert sorted(one.keys() ^ other.keys()) == []
    assert {name: (what, other[name]) for name, what in one.items() if what != other[name]} == {}
    assert len(one) > 150


def test_texts_are_compared_by_code_points() -> None:
    with psycopg.connect(server().made()) as conn:
        others = conn.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' AND table_name IN"
            " (SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE')"
        ).fetchall()
    assert others == []


def test_a_database_is_migrated_once_and_says_so() -> None:
    url, newest = server().empty(), migrations()[-1][0]
    assert schema_of(url) == 0
    assert migrate(url) == (0, newest)
    assert migrate(url) == (newest, newest)
    assert schema_of(url) == newest


def test_a_step_that_fails_leaves_nothing() -> None:
    url = server().empty()

    def step(conn: object) -> None:
        raise StoreError("no secrets")

    with pytest.raises(StoreError, match=r"migration 70 of .* failed, nothing was changed: no secrets"):
        migrate(url, {70: step})
    assert schema_of(url) == 0
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchone() == (
            0,
        )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE schema_version SET number = number + 1000", "install the newer release"),
        ("UPDATE schema_version SET number = number - 1", "run `relay migrate`"),
        ("DROP TABLE schema_version", "none of a relay's"),
    ],
)
def test_another_schema_is_refused_with_what_to_do(change: str, told: str) -> None:
    url = server().made()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(change.encode())
    with pytest.raises(StoreError, match=told):
        connect(url)


def test_an_empty_database_is_refused() -> None:
    with pytest.raises(StoreError, match="relay init --store"):
        connect(server().empty())


def test_statements_are_told_apart_and_come_without_comments() -> None:
    sql = """-- first; not one
CREATE TABLE a (x TEXT DEFAULT 'a;b -- c'); -- and
INSERT INTO a VALUES ('1'); INSERT INTO a VALUES ('2');
CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET x = 'y;'; DELETE FROM a; END;
"""
    assert list(statements(sql)) == [
        "CREATE TABLE a (x TEXT DEFAULT 'a;b -- c');",
        "INSERT INTO a VALUES ('1');",
        "INSERT INTO a VALUES ('2');",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET x = 'y;'; DELETE FROM a; END;",
    ]


def test_a_trigger_in_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="isn't known"):
        list(translated("CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN DELETE FROM a; END;"))


def test_no_function_that_catches_runs_in_parallel() -> None:
    """A query of many rows is planned in parallel, and fails there ("cannot start subtransactions")."""
    with psycopg.connect(server().made()) as conn:
        found = conn.execute(
            "SELECT proname, proparallel FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND prosrc LIKE '%EXCEPTION WHEN%'"
        ).fetchall()
    assert len(found) >= 2 and [name for name, parallel in found if parallel != "u"] == []
