"""The schema on PostgreSQL, made of the same numbered migrations as SQLite's, translated statement by statement."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from importlib import resources
from typing import Final

from relay.store.postgres.dialect import WHOLE, number_for_yes, spelled, typed

_COMMENT: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
_TRIGGER: Final = re.compile(
    r"CREATE TRIGGER (?P<name>\w+) (?P<when>AFTER|BEFORE) (?P<what>INSERT|UPDATE|DELETE)(?: OF (?P<columns>[\w, ]+?))?"
    r" ON (?P<table>\w+)(?: WHEN (?P<condition>.*?))? BEGIN (?P<body>.*) END;?$",
    re.DOTALL,
)
_ABORT: Final = re.compile(r"SELECT RAISE\(ABORT, ('(?:[^']|'')*')\)")
VERSION: Final = "schema_version"
"""A table of one row: the number of the newest migration that was made."""


def functions() -> str:
    """What SQLite has and PostgreSQL has not."""
    return resources.files("relay.store.postgres").joinpath("functions.sql").read_text("utf-8")


def statements(sql: str) -> Iterator[str]:
    """A migration's statements, without comments and layout."""
    text = ""
    for line in _COMMENT.sub(lambda found: "" if found[0].startswith("--") else found[0], sql).splitlines(
        keepends=True
    ):
        for piece in re.split(r"(?<=;)", line):
            text += piece
            if text.strip() and sqlite3.complete_statement(text):
                yield " ".join(text.split())
                text = ""
    if text.strip():
        yield " ".join(text.split())


def translated(sql: str) -> Iterator[str]:
    """The same migration for PostgreSQL."""
    for statement in statements(sql):
        if statement.startswith("CREATE TRIGGER"):
            yield from _trigger(statement)
        elif statement.startswith("DROP TRIGGER"):
            yield f"DROP FUNCTION {statement.split()[-1].rstrip(';')}_fires() CASCADE"
        elif re.match(r"(?:CREATE|ALTER) TABLE", statement):
            yield typed(statement)
        else:
            yield spelled(statement)


def _trigger(statement: str) -> Iterator[str]:
    found = _TRIGGER.match(statement)
    if found is None:
        raise ValueError(f"a trigger in a form that isn't known: {statement[:80]}")
    body = "".join(f"{_action(one)};\n" for one in statements(found["body"]))
    if found["condition"]:
        body = f"IF {spelled(found['condition'])} THEN\n{body}END IF;\n"
    answer = "NEW" if found["when"] == "BEFORE" else "NULL"
    yield (
        f"CREATE FUNCTION {found['name']}_fires() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$\nBEGIN\n{body}RETURN {answer};\nEND $$"
    )
    columns = f" OF {found['columns']}" if found["columns"] else ""
    yield (
        f"CREATE TRIGGER {found['name']} {found['when']} {found['what']}{columns} ON {found['table']}"
        f" FOR EACH ROW EXECUTE FUNCTION {found['name']}_fires()"
    )


def _action(statement: str) -> str:
    statement = statement.rstrip("; ")
    aborts = _ABORT.fullmatch(statement)
    if aborts:
        return f"RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = {aborts[1]}"
    return WHOLE.get(statement) or number_for_yes(spelled(statement))
