"""Threads and what is written in them, within bounds; each change tells the other side. In the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from relay.audit import actions
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.support import letters
from relay.support.values import SupportPost, SupportThread, ThreadKind, ThreadState, due
from relay.values.errors import RegistryError
from relay.values.prose import one_line, several_lines

MOST_SUBJECT: Final = 120
MOST_TEXT: Final = 4_000
MOST_POSTS: Final = 200
"""In a thread."""
MOST_OPEN: Final = 50
"""Threads of a tenant that aren't closed."""
MOST_HOURLY: Final = 30
"""Texts of a tenant in an hour, each of which is a letter to staff."""
HOUR_S: Final = 3600.0
STEP: Final = 200
_COLUMNS: Final = (
    "s.id, s.tenant_id, t.name, CASE t.title WHEN '' THEN t.name ELSE t.title END, s.kind, s.subject, s.about, s.state,"
    " s.at, s.due_at, s.changed_at"
)
_FROM: Final = "FROM support_thread s JOIN tenant t ON t.id = s.tenant_id"


def open_(
    conn: Tx,
    operator: Operator,
    base_url: str,
    tenant_id: int,
    subject: str,
    text: str,
    *,
    kind: ThreadKind = ThreadKind.QUESTION,
    about: str = "",
    staff: bool = False,
    actor: str,
    now: float,
    tell: bool = True,
) -> SupportThread:
    """A new one with its first text; RegistryError for what is too long, and where there are too many."""
    about = about_of(conn, tenant_id, about)
    said = one_line(subject, MOST_SUBJECT, "subject")
    count = conn.execute(
        "SELECT count(*) FROM support_thread WHERE tenant_id = ? AND state <> 'closed'", (tenant_id,)
    ).fetchone()[0]
    if count >= MOST_OPEN:
        raise RegistryError(f"there are {MOST_OPEN} open threads already; close some, or write in one of them")
    row = conn.execute(
        "INSERT INTO support_thread (tenant_id, kind, subject, about, state, at, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (tenant_id, kind.value, said, about, ThreadState.CLOSED.value, now, now),
    ).fetchone()
    thread = by_id(conn, int(row[0]))
    return write(conn, operator, base_url, thread, text, staff=staff, actor=actor, now=now, tell=tell)


def write(
    conn: Tx,
    operator: Operator,
    base_url: str,
    thread: SupportThread,
    text: str,
    *,
    staff: bool,
    actor: str,
    now: float,
    tell: bool = True,
) -> SupportThread:
    """One text more; then it is the other side's turn, also in a thread that was closed."""
    said = several_lines(text, MOST_TEXT, "say it in a few words")
    posts = conn.execute("SELECT count(*) FROM support_post WHERE thread_id = ?", (thread.id,)).fetchone()[0]
    if posts >= MOST_POSTS:
        raise RegistryError(f"this thread has {MOST_POSTS} texts already; open another one")
    if not staff:
        _brake(conn, thread.tenant_id, now)
    conn.execute(
        "INSERT INTO support_post (thread_id, at, staff, author, text) VALUES (?, ?, ?, ?, ?)",
        (thread.id, now, int(staff), actor, said),
    )
    until = None if staff else thread.due_at or due(thread.kind, now)  # a second text doesn't put the answer off
    _set(conn, thread.id, ThreadState.TENANT if staff else ThreadState.STAFF, until, now)
    detail = {"thread": thread.id, "by": "staff" if staff else "tenant"}
    actions.record(conn, actor, "support-written", thread.tenant_id, detail, now)
    fresh = by_id(conn, thread.id)
    if tell:
        tell_side = letters.to_tenant_side if staff else letters.to_staff_side
        tell_side(conn, operator, base_url, fresh, said, now)
    return fresh


def close(conn: Tx, thread: SupportThread, *, actor: str, now: float) -> SupportThread:
    """Nothing more is due; either side may, and writing opens it again."""
    if thread.state is ThreadState.CLOSED:
        raise RegistryError(f"thread {thread.id} is closed already")
    _set(conn, thread.id, ThreadState.CLOSED, None, now)
    actions.record(conn, actor, "support-closed", thread.tenant_id, {"thread": thread.id}, now)
    return by_id(conn, thread.id)


def by_id(conn: Tx, thread_id: int, tenant_id: int | None = None) -> SupportThread:
    """RegistryError if there is none, or it is another tenant's."""
    row = conn.execute(f"SELECT {_COLUMNS} {_FROM} WHERE s.id = ?", (thread_id,)).fetchone()
    if row is None or (tenant_id is not None and row[1] != tenant_id):
        raise RegistryError(f"there is no thread {thread_id}; `relay support list` shows all")
    return _thread(row)


def about(conn: Tx, tenant_id: int, what: str) -> SupportThread | None:
    """The newest of a tenant about that."""
    sql = f"SELECT {_COLUMNS} {_FROM} WHERE s.tenant_id = ? AND s.about = ? ORDER BY s.id DESC LIMIT 1"
    row = conn.execute(sql, (tenant_id, what)).fetchone()
    return None if row is None else _thread(row)


def posts(conn: Tx, thread_id: int) -> list[SupportPost]:
    """In the order they were written."""
    rows = conn.execute(
        "SELECT id, at, staff, author, text FROM support_post WHERE thread_id = ? ORDER BY id", (thread_id,)
    )
    return [SupportPost(id_, at, bool(staff), author, text) for id_, at, staff, author, text in rows]


def waiting(conn: Tx, limit: int) -> list[SupportThread]:
    """Those that staff has to answer, what is due first before the others."""
    sql = f"SELECT {_COLUMNS} {_FROM} WHERE s.state = 'staff' ORDER BY s.due_at, s.id LIMIT ?"
    return [_thread(row) for row in conn.execute(sql, (limit,))]


def listing(
    conn: Tx,
    tenant_id: int | None = None,
    state: str = "",
    sought: str = "",
    before: int | None = None,
    limit: int = 50,
) -> list[SupportThread]:
    """The newest first; ``sought``: a part of the subject, in either case."""
    part = sought.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    rows = conn.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE (?1 IS NULL OR s.tenant_id = ?1) AND (?2 = '' OR s.state = ?2)"
        " AND lower(s.subject) LIKE ?3 ESCAPE '!' AND s.id < ?4 ORDER BY s.id DESC LIMIT ?5",
        (tenant_id, state, f"%{part}%", 2**62 if before is None else before, limit),
    )
    return [_thread(row) for row in rows]


def forget(conn: Tx, before: float) -> int:
    """Delete closed threads in which nothing was written since then, a step at most; how many."""
    gone = [
        row[0]
        for row in conn.execute(
            "SELECT id FROM support_thread WHERE state = 'closed' AND changed_at < ? LIMIT ?", (before, STEP)
        )
    ]
    for id_ in gone:
        conn.execute("DELETE FROM support_post WHERE thread_id = ?", (id_,))
        conn.execute("DELETE FROM support_thread WHERE id = ?", (id_,))
    return len(gone)


def about_of(conn: Tx, tenant_id: int, what: str) -> str:
    """``campaign:12`` or ``statement:3`` of the tenant's own; RegistryError for anything else."""
    if not what:
        return ""
    kind, _, number = what.partition(":")
    table = {"campaign": "campaign", "statement": "statement"}.get(kind)
    if table is None or not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise RegistryError(f"{what[:40]!r} is nothing to write about: name campaign:NUMBER or statement:NUMBER")
    found = conn.execute(f"SELECT 1 FROM {table} WHERE id = ? AND tenant_id = ?", (int(number), tenant_id)).fetchone()
    if found is None:
        raise RegistryError(f"there is no {kind} {number} of this tenant")
    return f"{kind}:{int(number)}"


def _brake(conn: Tx, tenant_id: int, now: float) -> None:
    count = conn.execute(
        "SELECT count(*) FROM support_post p JOIN support_thread s ON s.id = p.thread_id"
        " WHERE s.tenant_id = ? AND p.staff = 0 AND p.at > ?",
        (tenant_id, now - HOUR_S),
    ).fetchone()[0]
    if count >= MOST_HOURLY:
        raise RegistryError(f"{MOST_HOURLY} texts went to the operator within an hour; wait a while")


def _set(conn: Tx, thread_id: int, state: ThreadState, due_at: float | None, now: float) -> None:
    conn.execute(
        "UPDATE support_thread SET state = ?, due_at = ?, changed_at = ? WHERE id = ?",
        (state.value, due_at, now, thread_id),
    )


def _thread(row: Sequence[Any]) -> SupportThread:
    fields = dict(zip(SupportThread.__dataclass_fields__, row, strict=True))
    return SupportThread(**fields | {"kind": ThreadKind(fields["kind"]), "state": ThreadState(fields["state"])})
