"""The table of lists at work: who waits, who works on which, what came of it. In the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, Final

import msgspec

from relay.lists.wishes import ListWishes
from relay.store.contract import Tx
from relay.uploads.values import LOST_S, JobKind, JobState, ListJob, ToldJob, UndoWish
from relay.values.errors import RegistryError

MOST_OPEN: Final = 5
"""Of one tenant, that wait or run."""
MOST_KEPT: Final = 50
"""Of one tenant, with files or reports on the disk."""
_NAMES: Final = tuple(field.name for field in fields(ListJob))
_COLUMNS: Final = ", ".join(_NAMES)
_DECODE: Final = msgspec.json.Decoder(ToldJob).decode
_WISHES: Final = msgspec.json.Decoder(ListWishes).decode
_UNDO: Final = msgspec.json.Decoder(UndoWish).decode


def add(
    conn: Tx, tenant_id: int, kind: JobKind, *, file: str, octets: int, wishes: object, actor: str, now: float,
    import_id: int | None = None,
) -> int:  # fmt: skip
    """A list waits from now on; its number. Raises RegistryError where too many do."""
    waiting, kept = conn.execute(
        "SELECT coalesce(sum(CASE WHEN state IN ('waits', 'runs') THEN 1 END), 0), count(*) FROM list_job"
        " WHERE tenant_id = ?",
        (tenant_id,),
    ).fetchone()
    if waiting >= MOST_OPEN:
        raise RegistryError(f"{waiting} lists are being worked on already; wait until one of them is through")
    if kept >= MOST_KEPT:
        raise RegistryError(f"{kept} lists with their reports are kept; remove one of them")
    row = conn.execute(
        "INSERT INTO list_job (tenant_id, kind, state, file, octets, wishes, actor, made_at, changed_at, import_id)"
        " VALUES (?, ?, 'waits', ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (tenant_id, kind.value, file, octets, _json(wishes), actor, now, now, import_id),
    ).fetchone()
    return int(row[0])


def again(conn: Tx, job: ListJob, kind: JobKind, wishes: ListWishes, *, actor: str, now: float) -> None:
    """Try a list anew, or take it; raises RegistryError unless it stands still."""
    changed = conn.execute(
        "UPDATE list_job SET kind = ?, state = 'waits', wishes = ?, actor = ?, changed_at = ?, claim = '', beat_at = 0,"
        " lines_done = 0, lines = 0, told = '{}' WHERE id = ? AND kind = 'try' AND state IN ('done', 'failed')",
        (kind.value, _json(wishes), actor, now, job.id),
    ).rowcount
    if not changed:
        raise RegistryError("this list is being worked on, or was taken; look at its page again")


def remove(conn: Tx, job_id: int) -> None:
    conn.execute("DELETE FROM list_job WHERE id = ?", (job_id,))


def find(conn: Tx, tenant_id: int, job_id: int) -> ListJob | None:
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM list_job WHERE tenant_id = ? AND id = ?", (tenant_id, job_id)
    ).fetchone()
    return None if row is None else _job(row)


def of_tenant(conn: Tx, tenant_id: int) -> list[ListJob]:
    """The newest first; there are ``MOST_KEPT`` at most."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM list_job WHERE tenant_id = ? ORDER BY id DESC", (tenant_id,))
    return [_job(row) for row in rows]


def wishes_of(job: ListJob) -> ListWishes:
    return _WISHES(job.wishes)


def undo_of(job: ListJob) -> UndoWish:
    return _UNDO(job.wishes)


# --- whoever works on them ---------------------------------------------------------


def claim(conn: Tx, word: str, may: Callable[[ListJob], bool], now: float) -> ListJob | None:
    """The one that waits longest, of a tenant for whom nobody works now and that ``may`` be worked on here."""
    busy = {
        row[0]
        for row in conn.execute(
            "SELECT tenant_id FROM list_job WHERE state = 'runs' AND beat_at > ?", (now - LOST_S,)
        ).fetchall()
    }
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM list_job WHERE state = 'waits' OR (state = 'runs' AND beat_at <= ?)"
        " ORDER BY changed_at, id",
        (now - LOST_S,),
    ).fetchall()
    for job in map(_job, rows):
        if job.tenant_id not in busy and may(job):
            conn.execute("UPDATE list_job SET state = 'runs', claim = ?, beat_at = ? WHERE id = ?", (word, now, job.id))
            return job
    return None


def beat(conn: Tx, job_id: int, word: str, done: int, lines: int, now: float) -> bool:
    """How far it is; False: it is another's by now, or gone."""
    sql = "UPDATE list_job SET beat_at = ?, lines_done = ?, lines = ? WHERE id = ? AND claim = ? AND state = 'runs'"
    return bool(conn.execute(sql, (now, done, lines, job_id, word)).rowcount)


def end(conn: Tx, job_id: int, word: str, told: ToldJob, import_id: int | None, now: float) -> None:
    """What came of it."""
    state = JobState.FAILED if told.fault else JobState.DONE
    conn.execute(
        "UPDATE list_job SET state = ?, told = ?, import_id = coalesce(?, import_id), changed_at = ?"
        " WHERE id = ? AND claim = ?",
        (state.value, _json(told), import_id, now, job_id, word),
    )


def stale(conn: Tx, before: float) -> list[ListJob]:
    """Those that nobody touched since."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM list_job WHERE changed_at < ? AND state IN ('done', 'failed') ORDER BY id", (before,)
    )
    return [_job(row) for row in rows]


def numbers(conn: Tx) -> set[int]:
    return {row[0] for row in conn.execute("SELECT id FROM list_job")}


def _json(value: Any) -> str:
    return json.dumps(asdict(value), ensure_ascii=False, separators=(",", ":"))


def _job(row: Any) -> ListJob:
    found = dict(zip(_NAMES, row, strict=True))
    own = {"kind": JobKind(found["kind"]), "state": JobState(found["state"]), "told": _DECODE(found["told"])}
    return ListJob(**found | own)
