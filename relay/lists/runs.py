"""Each list that was taken, by number: what it was, and freezing it or taking it back whole (R8b).

A frozen list's consents count nowhere (grade ``FROZEN``, which no topic demands) until it is thawed; a list that is
taken back has its consents withdrawn. Who has proved the consent better since is no longer of the list, and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final

from relay.audit import actions, log
from relay.people import imported
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.values.errors import RegistryError

STEP: Final = 1_000
MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class ImportRun:
    """One list; ``at`` and ``ended_at`` in seconds UTC."""

    id: int
    tenant_id: int
    topic_id: int
    at: float
    file: str
    sha256: str
    source: str
    actor: str
    taken: int
    state: str
    """taken, frozen or undone."""
    reason: str
    ended_at: float | None


_NAMES: Final = tuple(field.name for field in fields(ImportRun))
_READ: Final = f"SELECT {', '.join(_NAMES)} FROM consent_import"


def begin(
    conn: Tx, tenant_id: int, topic_id: int, *, at: float, file: str, sha256: str, source: str, actor: str
) -> int:
    """A list is about to be taken, in the caller's transaction; its number."""
    row = conn.execute(
        "INSERT INTO consent_import (tenant_id, topic_id, at, file, sha256, source, actor)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (tenant_id, topic_id, at, file[:200], sha256, source, actor),
    ).fetchone()
    return int(row[0])


def ended(conn: Tx, import_id: int, taken: int) -> None:
    """So many people of it are consenting now."""
    conn.execute("UPDATE consent_import SET taken = ? WHERE id = ?", (taken, import_id))


def of_tenant(conn: Tx, tenant_id: int, limit: int = 100, *, before: int | None = None) -> list[ImportRun]:
    """The newest first; those below ``before``."""
    rows = conn.execute(
        f"{_READ} WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?", (tenant_id, before or 2**62, limit)
    )
    return [_run(row) for row in rows]


def of_topic(conn: Tx, tenant_id: int, topic: str, limit: int) -> list[ImportRun]:
    """Those for a topic, by its name, the newest first."""
    rows = conn.execute(
        f"{_READ} WHERE tenant_id = ? AND topic_id IN (SELECT id FROM topic WHERE tenant_id = ? AND name = ?)"
        " ORDER BY id DESC LIMIT ?",
        (tenant_id, tenant_id, topic, limit),
    )
    return [_run(row) for row in rows]


def find(conn: Tx, tenant_id: int, import_id: int) -> ImportRun:
    """The tenant's list of that number; raises RegistryError."""
    row = conn.execute(f"{_READ} WHERE tenant_id = ? AND id = ?", (tenant_id, import_id)).fetchone()
    if row is None:
        raise RegistryError(f"there is no import {import_id}; `relay consent imports TENANT` shows those there are")
    return _run(row)


def _run(row: Any) -> ImportRun:
    return ImportRun(**dict(zip(_NAMES, row, strict=True)))


def freeze(conn: Tx, tenant_id: int, import_id: int, *, reason: str, actor: str, now: float) -> int:
    """Its consents count nowhere until it is thawed, also for queued mail; how many. In the caller's transaction."""
    run = find(conn, tenant_id, import_id)
    if run.state != "taken":
        raise RegistryError(f"import {import_id} is {run.state}")
    count = imported.freeze(conn, import_id)
    _state(conn, run, "frozen", _reason(reason), actor, now)
    return count


def thaw(conn: Tx, tenant_id: int, import_id: int, *, reason: str, actor: str, now: float) -> int:
    """They count again; how many. In the caller's transaction."""
    run = find(conn, tenant_id, import_id)
    if run.state != "frozen":
        raise RegistryError(f"import {import_id} is {run.state}, not frozen")
    count = imported.thaw(conn, import_id)
    _state(conn, run, "taken", _reason(reason), actor, now)
    return count


def undo(
    conn: Tx,
    tenant_id: int,
    import_id: int,
    *,
    reason: str,
    actor: str,
    now: float,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Withdraw all its consents, in steps of their own; how many. Stopped half-way, said again it goes on.

    Nothing of it counts from the first moment on: the list is frozen before its consents are withdrawn.
    """
    why = _reason(reason)
    with transaction(conn):
        run = find(conn, tenant_id, import_id)
        if run.state == "undone":
            raise RegistryError(f"import {import_id} is undone")
        imported.freeze(conn, import_id)
        _state(conn, run, "frozen", why, actor, now)
    evidence = {"actor": actor, "import": import_id, "means": "import-undone", "why": why}
    total = 0
    while True:
        with transaction(conn):
            people = imported.withdraw(conn, import_id, now, STEP)
            if people:
                log.history_batch(conn, "consents-undone", tenant_id, people, "undone", evidence, now)
        total += len(people)
        progress(total)
        if not people:
            break
    with transaction(conn):
        _state(conn, run, "undone", why, actor, now)
    return total


def _state(conn: Tx, run: ImportRun, state: str, reason: str, actor: str, now: float) -> None:
    conn.execute(
        "UPDATE consent_import SET state = ?, reason = ?, ended_at = ? WHERE id = ?",
        (state, reason, None if state == "taken" else now, run.id),
    )
    detail = {"import": run.id, "file": run.file, "reason": reason}
    word = {"taken": "thawed", "frozen": "frozen", "undone": "undone"}[state]
    actions.record(conn, actor, f"consents-import-{word}", run.tenant_id, detail, now)


def _reason(text: str) -> str:
    line = " ".join(text.split())
    if not line or not line.isprintable() or len(line) > MAX_REASON:
        raise RegistryError(f"say why, in printable text of at most {MAX_REASON} characters")
    return line
