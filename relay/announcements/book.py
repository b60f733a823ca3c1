"""Announcements, within bounds: made, shown to whom they concern, put away, withdrawn. In the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from relay.announcements.values import DAY_S, Announcement, AnnouncementKind, AnnouncementState, late
from relay.audit import actions
from relay.conduct import account
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import choose
from relay.values.errors import RegistryError
from relay.values.prose import one_line, several_lines

MOST_TITLE: Final = 120
MOST_TEXT: Final = 4_000
MOST_NAMED: Final = 500
"""Tenants that one is for by name."""
MOST_OPEN: Final = 100
"""That are neither over nor withdrawn."""
MOST_AHEAD_S: Final = 400 * DAY_S
MOST_SHOWN: Final = 1_000
STEP: Final = 200
_FIELDS: Final = tuple(Announcement.__dataclass_fields__)
_COLUMNS: Final = ", ".join(f"a.{name}" for name in _FIELDS)
_CONCERNS: Final = (
    "(a.everybody = 1 OR EXISTS (SELECT 1 FROM announcement_tenant n"
    " WHERE n.announcement_id = a.id AND n.tenant_id = ?))"
)
_LISTED: Final = (
    f"SELECT {_COLUMNS} FROM announcement a WHERE a.id < ? AND (? = 0 OR (a.until_at > ? AND a.withdrawn_at IS NULL))"
)


@dataclass(frozen=True, slots=True)
class AnnouncementWish:
    """As somebody says it; ``tenants`` by name, empty: all of them. Times in seconds UTC."""

    kind: AnnouncementKind
    title: str
    text: str
    from_at: float
    until_at: float
    tenants: tuple[str, ...] = ()
    urgent: str = ""
    """Why it can't wait."""


def add(conn: Tx, wish: AnnouncementWish, *, actor: str, now: float) -> Announcement:
    """A new one, whose letters ``telling`` writes; RegistryError for what can't be taken."""
    title = one_line(wish.title, MOST_TITLE, "title")
    text = several_lines(wish.text, MOST_TEXT, "say what happens, and what it means for customers")
    urgent = tenants.line(wish.urgent, "reason") if wish.urgent.strip() else ""
    _times(wish, urgent, now)
    named = _named(conn, wish.tenants)
    if conn.execute(
        "SELECT count(*) FROM announcement WHERE until_at > ? AND withdrawn_at IS NULL", (now,)
    ).fetchone()[0] >= MOST_OPEN:  # fmt: skip
        raise RegistryError(f"there are {MOST_OPEN} announcements that aren't over; withdraw some first")
    (id_,) = conn.execute(
        "INSERT INTO announcement (kind, title, text, from_at, until_at, everybody, urgent, actor, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (wish.kind.value, title, text, wish.from_at, wish.until_at, int(not named), urgent, actor, now),
    ).fetchone()
    conn.executemany(
        "INSERT INTO announcement_tenant (announcement_id, tenant_id) VALUES (?, ?)",
        [(id_, tenant_id) for tenant_id in sorted(named.values())],
    )
    say = choose("en").moment
    detail: dict[str, object] = {
        "announcement": id_, "kind": wish.kind.value, "title": title, "from": say(wish.from_at),
        "until": say(wish.until_at), "for": sorted(named) or "all", **({"urgent": urgent} if urgent else {}),
    }  # fmt: skip
    actions.record(conn, actor, "announcement-made", None, detail, now)
    return by_id(conn, int(id_))


def withdraw(conn: Tx, row: Announcement, *, reason: str = "", actor: str, now: float) -> Announcement:
    """It holds no more; who was told of it is told of that."""
    state = row.state(now)
    if state in (AnnouncementState.WITHDRAWN, AnnouncementState.OVER):
        raise RegistryError(f"announcement {row.id} is {state} already; nothing was changed")
    said = tenants.line(reason, "reason") if reason.strip() else ""
    conn.execute(
        "UPDATE announcement SET withdrawn_at = ?, withdrawn_why = ? WHERE id = ? AND withdrawn_at IS NULL",
        (now, said, row.id),
    )
    actions.record(conn, actor, "announcement-withdrawn", None, {"announcement": row.id, "reason": said}, now)
    return by_id(conn, row.id)


def by_id(conn: Tx, id_: int) -> Announcement:
    """RegistryError if there is none."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM announcement a WHERE a.id = ?", (id_,)).fetchone()
    if row is None:
        raise RegistryError(f"there is no announcement {id_}; `relay announce list --state all` shows all")
    return _row(row)


def listing(
    conn: Tx, now: float, *, current: bool = False, before: int | None = None, limit: int = 50
) -> list[Announcement]:
    """The newest first; ``current``: those that are neither over nor withdrawn."""
    before = 2**62 if before is None else before
    rows = conn.execute(f"{_LISTED} ORDER BY a.id DESC LIMIT ?", (before, int(current), now, limit))
    return [_row(row) for row in rows]


def planned(conn: Tx, begin: float, end: float) -> list[tuple[float, float]]:
    """(from, until) of all customers' planned work in a time, in order and apart from each other; what was announced
    only once it had begun, or was taken back before, isn't planned."""
    rows = conn.execute(
        "SELECT from_at, CASE WHEN withdrawn_at < until_at THEN withdrawn_at ELSE until_at END FROM announcement"
        " WHERE kind = 'work' AND everybody = 1 AND at <= from_at AND from_at < ? AND until_at > ?"
        " AND (withdrawn_at IS NULL OR withdrawn_at > from_at) ORDER BY from_at",
        (end, begin),
    )
    found: list[tuple[float, float]] = []
    for from_at, until_at in rows:
        later = max(from_at, found[-1][1]) if found else from_at
        if until_at > later:
            found.append((later, until_at))
    return found


def of_tenant(
    conn: Tx, tenant_id: int, now: float, *, current: bool = False, before: int | None = None, limit: int = 50
) -> list[Announcement]:
    """Those that concern a tenant, the newest first; ``current`` as in ``listing``."""
    rows = conn.execute(
        f"{_LISTED} AND {_CONCERNS} ORDER BY a.id DESC LIMIT ?",
        (2**62 if before is None else before, int(current), now, tenant_id, limit),
    )
    return [_row(row) for row in rows]


def of_tenant_by_id(conn: Tx, tenant_id: int, id_: int) -> Announcement:
    """RegistryError where there is none, or it isn't for that tenant."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM announcement a WHERE a.id = ? AND {_CONCERNS}", (id_, tenant_id)
    ).fetchone()
    if row is None:
        raise RegistryError(f"there is no announcement {id_}")
    return _row(row)


def bands(conn: Tx, tenant_id: int, login_id: int, now: float, limit: int) -> list[Announcement]:
    """What a tenant should know now and this log-in hasn't put away, by when it begins.

    Work from its announcement on, a notice from its begin on.
    """
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM announcement a WHERE a.until_at > ? AND a.withdrawn_at IS NULL"
        f" AND (a.kind = 'work' OR a.from_at <= ?) AND {_CONCERNS} AND NOT EXISTS (SELECT 1 FROM announcement_seen s"
        " WHERE s.announcement_id = a.id AND s.login_id = ?) ORDER BY a.from_at, a.id LIMIT ?",
        (now, now, tenant_id, login_id, limit),
    )
    return [_row(row) for row in rows]


def put_away(conn: Tx, row: Announcement, login_id: int) -> None:
    """From the pages of one who read it; it stays in the list."""
    conn.execute(
        "INSERT INTO announcement_seen (announcement_id, login_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (row.id, login_id),
    )


def names(conn: Tx, row: Announcement) -> list[str]:
    """Of the tenants that it is for, where they are named."""
    rows = conn.execute(
        "SELECT t.name FROM announcement_tenant n JOIN tenant t ON t.id = n.tenant_id WHERE n.announcement_id = ?"
        " ORDER BY t.name",
        (row.id,),
    )
    return [str(name) for (name,) in rows]


def forget(conn: Tx, before: float) -> int:
    """Those that ended before that; at most STEP, so that the caller's transaction stays short."""
    rows = conn.execute(
        "DELETE FROM announcement WHERE id IN (SELECT id FROM announcement WHERE until_at < ? AND at < ?"
        " ORDER BY until_at LIMIT ?) RETURNING id",
        (before, before, STEP),
    ).fetchall()
    return len(rows)


def _times(wish: AnnouncementWish, urgent: str, now: float) -> None:
    if wish.until_at <= wish.from_at:
        raise RegistryError("it ends before it begins; say from when until when")
    if wish.until_at <= now:
        raise RegistryError("it would be over already; say an end that is still to come")
    if wish.until_at - now > MOST_AHEAD_S:
        raise RegistryError(f"it ends in more than {MOST_AHEAD_S / DAY_S:.0f} days; announce it nearer to the time")
    if now - wish.from_at > 30 * DAY_S:
        raise RegistryError("it began more than 30 days ago; say a later begin")
    if late(wish.kind, wish.from_at, wish.until_at, now) and not urgent:
        say = choose("en").moment
        raise RegistryError(
            "planned work of more than a day is announced a day before it begins (R35), and this would begin"
            f" {say(wish.from_at)}; let it begin at {say(now + DAY_S + 60)} or later, make it a day at most, or give"
            " the reason why it can't wait (--urgent), which tenants read"
        )


def _named(conn: Tx, wanted: Sequence[str]) -> dict[str, int]:
    """Name → id."""
    if len(wanted) > MOST_NAMED:
        raise RegistryError(f"at most {MOST_NAMED} tenants can be named; leave them out to tell all")
    found = {}
    for name in wanted:
        tenant = tenants.find(conn, name)
        if account.of(conn, tenant.id).terminated_at is not None:
            raise RegistryError(f"the account of {tenant.name} was terminated; leave it out")
        found[tenant.name] = tenant.id
    return found


def _row(row: Sequence[Any]) -> Announcement:
    fields = dict(zip(_FIELDS, row, strict=True))
    typed = {"kind": AnnouncementKind(fields["kind"]), "everybody": bool(fields["everybody"])}
    return Announcement(**fields | typed)
