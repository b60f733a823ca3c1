"""One language of SQL: each statement that stands whole in the sources is prepared on SQLite and on PostgreSQL."""

from __future__ import annotations

import ast
import importlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from relay.lists.consent_staging import TABLES
from relay.store.database import connect, migrate
from relay.store.postgres.dialect import translate
from tests.meta.tree import python_files
from tests.support.postgres import server

STATEMENT = re.compile(r"\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\b")
UNFINISHED = (".", "(", "WHERE", "AND", "NOT", "FROM", "'")
POSTGRES_ALONE = re.compile(
    r"\w::\w|\bSKIP LOCKED\b|\bFOR (?:NO KEY )?UPDATE\b|\bpg_\w+\(|\bILIKE\b|\bstring_agg\(|\bjsonb|\bnextval\(|"
    r"= ANY\b|\bDISTINCT ON\b|\bARRAY\[|\bunnest\(|\bto_char\(|\bextract\(|\binterval '"
)
UNTYPED = ("could not determine data type of parameter", "text = integer", "- unknown", "jsonb")
"""What is said of a place whose value's type the program knows and the text doesn't."""


def statements() -> Iterator[tuple[str, str]]:
    """Place and text of those without a piece that is put in later."""
    for path, tree in python_files("relay"):
        if path.startswith("relay/store/"):
            continue
        pieces = {id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
                text = node.value
                if STATEMENT.match(text) and "{" not in text and not text.rstrip().endswith(UNFINISHED):
                    yield f"{path}:{node.lineno}", text
    yield from put_together()


def put_together() -> Iterator[tuple[str, str]]:
    """Place and text of those that stand whole in a module once it is loaded, of whatever pieces they were made."""
    for path, _ in python_files("relay"):
        # relay/client is for applications: it knows no store, and parts of it want a framework that is set up.
        if path.startswith(("relay/store/", "relay/client/")) or path.endswith("__main__.py"):
            continue
        module = importlib.import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        for name, value in vars(module).items():
            for text in strings_in(value):
                if STATEMENT.match(text) and not re.search(r"\{\w*\}", text) and not text.rstrip().endswith(UNFINISHED):
                    yield f"{path} {name}", text


def strings_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (one for one in value.values() if isinstance(one, str))
    elif isinstance(value, tuple | list | frozenset | set):
        yield from (one for one in value if isinstance(one, str))


def test_statements_are_found() -> None:
    assert len(list(statements())) > 600


def test_sqlite_takes_all_of_them(tmp_path: Path) -> None:
    migrate(tmp_path / "relay.db")
    conn = connect(tmp_path / "relay.db")
    for name, columns in TABLES.items():
        conn.execute(f"CREATE TEMP TABLE {name} ({columns})")
    wrong = []
    for place, text in statements():
        places = len(set(re.findall(r"\?\d+", text))) or text.count("?")
        try:
            conn.execute(f"EXPLAIN {text}", (None,) * places).fetchall()
        except sqlite3.ProgrammingError:
            pass  # a value by name
        except sqlite3.Error as error:
            wrong.append(f"{place}: {error}: {text[:80]}")
    assert "\n".join(wrong) == ""


def test_postgresql_takes_all_of_them() -> None:
    wrong = []
    with psycopg.connect(server().made(), autocommit=True) as conn:
        for name, columns in TABLES.items():
            conn.execute(translate(f"CREATE TEMP TABLE {name} ({columns})").text)
        for place, text in statements():
            pieces = translate(text).text.decode().split("%s")
            numbered = pieces[0] + "".join(f"${n}{piece}" for n, piece in enumerate(pieces[1:], 1))
            try:
                conn.execute(f"PREPARE one AS {numbered.replace('%%', '%')}".encode())
                conn.execute("DEALLOCATE one")
            except psycopg.Error as error:
                if not any(words in str(error) for words in UNTYPED):
                    wrong.append(f"{place}: {str(error).splitlines()[0]}: {text[:80]}")
    assert "\n".join(wrong) == "", "write what both speak; relay/store/postgres/dialect.py has what is translated"


@pytest.mark.parametrize("text", ["SELECT x::text FROM y", "SELECT 1 FROM y FOR UPDATE SKIP LOCKED", "x = ANY(?)"])
def test_what_one_alone_speaks_is_seen(text: str) -> None:
    assert POSTGRES_ALONE.search(text)


def test_nobody_but_its_folder_speaks_postgresql_alone() -> None:
    found = [
        f"{path}:{node.lineno} {node.value[:60]!r}"
        for path, tree in python_files("relay", "policies")
        if not path.startswith("relay/store/postgres/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"\b(?:SELECT|INSERT|UPDATE|DELETE|WHERE)\b", node.value)
        and POSTGRES_ALONE.search(node.value)
    ]
    assert found == []
