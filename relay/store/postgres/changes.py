"""Which rows of a server's database change while it is copied beside a relay at work: noted by key, by triggers.

A table of notes for each table: keys of rows that changed, once however often, with the transaction that changed them
last. Whoever has carried over what a snapshot shows lets go of the notes of transactions that it shows. Several may
write at once, so a number that grows would say nothing of who was first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from relay.store.whole import TableShape

NOTES: Final = "store_copy_change"
"""A table that is there as long as changes are noted, and the beginning of the others' names."""
_NOTED: Final = "store_copy_noted"
_THERE: Final = f"SELECT to_regclass('{NOTES}') IS NOT NULL"
_NAMES: Final = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    f" AND left(relname, {len(NOTES) + 1}) = '{NOTES}_'"
)


def noting(conn: Any) -> bool:
    return bool(conn.execute(_THERE).fetchone()[0])


def begin(conn: Any, tables: Sequence[TableShape]) -> None:
    """In the caller's transaction, which waits for those who write; what was noted before is forgotten.

    ``conn``: of psycopg, here and below; failures are its own.
    """
    end(conn)
    conn.execute(f"CREATE TABLE {NOTES} (begun BIGINT)".encode())
    for table in tables:
        notes = _notes(table)
        made = f"CREATE TABLE {notes} AS SELECT {table.order}, pg_current_xact_id() AS {_NOTED}"
        conn.execute(f'{made} FROM "{table.name}" WITH NO DATA'.encode())
        conn.execute(f"ALTER TABLE {notes} ADD PRIMARY KEY ({table.order})".encode())
        conn.execute(
            f"CREATE FUNCTION {notes}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF TG_OP <> 'INSERT' THEN {_written(table, 'OLD')} END IF;"
            f" IF TG_OP <> 'DELETE' THEN {_written(table, 'NEW')} END IF; RETURN NULL; END $$".encode()
        )
        conn.execute(
            f'CREATE TRIGGER {notes} AFTER INSERT OR UPDATE OR DELETE ON "{table.name}"'
            f" FOR EACH ROW EXECUTE FUNCTION {notes}()".encode()
        )


def _notes(table: TableShape) -> str:
    return f"{NOTES}_{table.name}"


def _written(table: TableShape, row: str) -> str:
    values = ", ".join(f'{row}."{column}"' for column in table.key)
    return (
        f"INSERT INTO {_notes(table)} AS n ({table.order}, {_NOTED}) VALUES ({values}, pg_current_xact_id())"
        f" ON CONFLICT ({table.order}) DO UPDATE SET {_NOTED} = excluded.{_NOTED};"
    )


def end(conn: Any) -> None:
    """In the caller's transaction: nothing is noted any more."""
    for (name,) in conn.execute(_NAMES.encode()).fetchall():
        conn.execute(f"DROP FUNCTION IF EXISTS {name}() CASCADE".encode())
        conn.execute(f"DROP TABLE {name}".encode())
    conn.execute(f"DROP TABLE IF EXISTS {NOTES}".encode())


def let_go(conn: Any, tables: Sequence[TableShape], seen: str) -> None:
    """Of what was carried over: the notes of all transactions that a snapshot shows."""
    for table in tables:
        conn.execute(
            f"DELETE FROM {_notes(table)} WHERE pg_visible_in_snapshot({_NOTED}, %s::pg_snapshot)".encode(), (seen,)
        )


def changed(table: TableShape) -> str:
    """A query for rows as they are now."""
    columns = ", ".join(f't."{column}"' for column in table.columns)
    return f'SELECT {columns} FROM {_notes(table)} n JOIN "{table.name}" t USING ({table.order})'


def gone(table: TableShape) -> str:
    """A query for keys of rows that aren't there any more."""
    same = " AND ".join(f't."{column}" = n."{column}"' for column in table.key)
    return f'SELECT {table.order} FROM {_notes(table)} n WHERE NOT EXISTS (SELECT 1 FROM "{table.name}" t WHERE {same})'
