"""The table ``contest``: one row a person and tenant."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from relay.contests.values import Contest, ContestState, Evidence, Plea
from relay.store.contract import Tx

_NAMES: Final = tuple(field.name for field in fields(Contest))
_COLUMNS: Final = ", ".join(_NAMES)
_KNOWN_WHEN_MADE: Final = tuple(
    name for name in _NAMES if name not in ("id", "answer", "file_name", "answered_at", "ended_at")
)


def _row(row: Any) -> Contest:
    found = dict(zip(_NAMES, row, strict=True))
    kinds = {"plea": Plea(found["plea"]), "state": ContestState(found["state"]), "counts": bool(found["counts"])}
    return Contest(**{**found, **kinds})


def of_person(conn: Tx, tenant_id: int, subscriber_id: int) -> Contest | None:
    """What this person said to the tenant, if anything."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM contest WHERE tenant_id = ? AND subscriber_id = ?", (tenant_id, subscriber_id)
    ).fetchone()
    return None if row is None else _row(row)


def by_id(conn: Tx, tenant_id: int, contest_id: int) -> Contest | None:
    """None for another tenant's too."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM contest WHERE tenant_id = ? AND id = ?", (tenant_id, contest_id)
    ).fetchone()
    return None if row is None else _row(row)


def of_tenant(
    conn: Tx, tenant_id: int, *, state: ContestState | None = None, before: int | None = None, limit: int = 100
) -> list[Contest]:
    """The newest first; ``before``: only ids below that one."""
    where, values = "tenant_id = ?", [tenant_id]
    if before is not None:
        where, values = f"{where} AND id < ?", [*values, before]
    bound: list[object] = [*values]
    if state is not None:
        where += " AND state = ?"
        bound.append(state.value)
    rows = conn.execute(f"SELECT {_COLUMNS} FROM contest WHERE {where} ORDER BY id DESC LIMIT ?", (*bound, limit))
    return [_row(row) for row in rows]


def undecided(conn: Tx, before: int | None, limit: int) -> list[Contest]:
    """Of all tenants, those that still wait for somebody; the newest first."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM contest WHERE state IN ('open', 'answered') AND id < ? ORDER BY id DESC LIMIT ?",
        (before or 2**62, limit),
    )
    return [_row(row) for row in rows]


def due(conn: Tx, now: float, limit: int) -> list[Contest]:
    """Those to which no answer came in time."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM contest WHERE state = 'open' AND due_at <= ? ORDER BY due_at LIMIT ?", (now, limit)
    )
    return [_row(row) for row in rows]


def insert(conn: Tx, new: Contest, network: bytes) -> int:
    """Store it, whatever its id; the id it got. Raises Conflict where the person has said something already."""
    values = [getattr(new, name) for name in _KNOWN_WHEN_MADE]
    row = conn.execute(
        f"INSERT INTO contest ({', '.join(_KNOWN_WHEN_MADE)}, network)"
        f" VALUES ({', '.join('?' * (len(values) + 1))}) RETURNING id",
        (*(int(value) if isinstance(value, bool) else value for value in values), network),
    ).fetchone()
    return int(row[0])


def from_network(conn: Tx, tenant_id: int, networks: list[bytes], since: float) -> int:
    """How many that count came from a network since then."""
    marks = ",".join("?" * len(networks))
    row = conn.execute(
        f"SELECT count(*) FROM contest WHERE tenant_id = ? AND network IN ({marks}) AND at > ? AND counts = 1",
        (tenant_id, *networks, since),
    ).fetchone()
    return int(row[0])


def answered(conn: Tx, contest_id: int, evidence: Evidence, now: float) -> bool:
    """Keep the tenant's answer; False where none is open any more."""
    done = conn.execute(
        "UPDATE contest SET state = 'answered', answer = ?, file_name = ?, file = ?, answered_at = ?"
        " WHERE id = ? AND state IN ('open', 'answered')",
        (evidence.text, evidence.file_name, evidence.file or None, now, contest_id),
    )
    return done.rowcount == 1


def end(conn: Tx, contest_id: int, state: ContestState, *, counts: bool, now: float) -> bool:
    """Close it; False where that happened already."""
    done = conn.execute(
        "UPDATE contest SET state = ?, counts = ?, ended_at = ? WHERE id = ? AND ended_at IS NULL",
        (state.value, int(counts), now, contest_id),
    )
    return done.rowcount == 1


def file(conn: Tx, contest_id: int) -> tuple[str, bytes] | None:
    """Name and octets of the evidence, if there is a file."""
    row = conn.execute("SELECT file_name, file FROM contest WHERE id = ? AND file_name <> ''", (contest_id,)).fetchone()
    return None if row is None else (str(row[0]), bytes(row[1]))


def forget(conn: Tx, subscriber_id: int) -> None:
    """The person was erased: the words and the evidence go, the fact that somebody contested stays in the figures."""
    conn.execute(
        "UPDATE contest SET words = '', answer = '', file_name = '', file = NULL, network = ?, source = ''"
        " WHERE subscriber_id = ?",
        (b"", subscriber_id),
    )
