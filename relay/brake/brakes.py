"""Brakes as they are stored: on, off, and what became of the mail. In the caller's transaction."""

from __future__ import annotations

from typing import Final

from relay.audit import actions
from relay.brake import habits
from relay.brake.values import BrakeRow, LoginUse
from relay.conduct import letters, statements
from relay.events import write as events
from relay.queue import braked
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.tenants import tenants
from relay.values.errors import RegistryError

RELEASED: Final = "released"
DROPPED: Final = "dropped"
EVENT: Final = "login.released"
RULE: Final = "R28"
MOST: Final = 500
_COLUMNS: Final = (
    "b.id, b.tenant_id, t.name, b.login, b.name, b.at, b.since, b.spared, b.statement_id, b.ended_at, b.decided,"
    " b.decided_at, b.decided_by"
)
_FROM: Final = "brake b JOIN tenant t ON t.id = b.tenant_id"


def put_on(conn: Tx, use: LoginUse, name: str, spared: list[str], since: float, statement_id: int, now: float) -> None:
    """It bears the number of its statement."""
    conn.execute(
        "INSERT INTO brake (id, tenant_id, login, name, at, since, spared, statement_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (statement_id, use.tenant_id, use.login, name, now, since, " ".join(spared), statement_id),
    )


def in_force(conn: Tx, login: str) -> bool:
    sql = "SELECT 1 FROM brake WHERE login = ? AND worked_off = 0 AND ended_at IS NULL"
    return conn.execute(sql, (login,)).fetchone() is not None


def released_since(conn: Tx, login: str, since: float) -> bool:
    """Whether somebody said lately that it is the tenant."""
    sql = "SELECT 1 FROM brake WHERE login = ? AND decided = ? AND decided_at > ?"
    return conn.execute(sql, (login, RELEASED, since)).fetchone() is not None


def name_of(conn: Tx, login: str) -> str:
    """As people know it: a user name, a network, ``token NAME``."""
    kind, _, number = login.partition(":")
    if kind == "token":
        row = conn.execute("SELECT name FROM api_token WHERE id = ?", (int(number),)).fetchone()
        return f"token {row[0]}" if row is not None else login
    row = conn.execute("SELECT coalesce(username, ''), ip FROM credential WHERE id = ?", (int(number),)).fetchone()
    return str(row[0] or row[1]) if row is not None else login


def listing(conn: Tx, tenant_id: int | None = None, *, undecided: bool = False) -> list[BrakeRow]:
    """The newest first; ``undecided``: those whose mail still waits for somebody."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE (?1 IS NULL OR b.tenant_id = ?1) AND (?2 = 0 OR b.decided = '')"
        " ORDER BY b.id DESC LIMIT ?3",
        (tenant_id, int(undecided), MOST),
    )
    return [_row(conn, row) for row in rows.fetchall()]


def by_id(conn: Tx, brake_id: int, tenant_id: int | None = None) -> BrakeRow:
    """Raises RegistryError if there is none, or it is another tenant's."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM {_FROM} WHERE b.id = ?", (brake_id,)).fetchone()
    if row is None or (tenant_id is not None and row[1] != tenant_id):
        raise RegistryError(f"there is no brake {brake_id}; `relay credential braked` shows all")
    return _row(conn, row)


def of_name(conn: Tx, name: str) -> BrakeRow:
    """The one that waits for a decision. Raises RegistryError."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE b.name = ? AND b.decided = '' ORDER BY b.id DESC LIMIT 1", (name,)
    ).fetchone()
    if row is None:
        raise RegistryError(f"no mail of {name!r} is braked; `relay credential braked` shows all that are")
    return _row(conn, row)


def decide(
    conn: Tx, operator: Operator, brake: BrakeRow, decision: str, *, reason: str, actor: str, now: float
) -> None:
    """``released``: it was the tenant, all goes on and its networks are known. ``dropped``: it wasn't, what is held
    is dropped, and new mail from those networks is held until the password is another.

    Raises RegistryError if that was said before.
    """
    if brake.decided:
        raise RegistryError(f"brake {brake.id} was {brake.decided} already, by {brake.decided_by}")
    line = tenants.line(reason, "reason") if reason else ""
    conn.execute(
        "UPDATE brake SET decided = ?, decided_at = ?, decided_by = ?, ended_at = coalesce(ended_at, ?) WHERE id = ?",
        (decision, now, actor, now, brake.id),
    )
    habits.settle(conn, brake.login, decision == RELEASED, now)
    detail = {"login": brake.name, "brake": brake.id, "reason": line}
    actions.record(conn, actor, f"brake-{decision}", brake.tenant_id, detail, now)
    events.of_account(conn, brake.tenant_id, EVENT, {**detail, "decision": decision}, now)
    tenant = tenants.by_id(conn, brake.tenant_id)
    about = f"credential:{brake.name}"
    statements.end(conn, tenant.id, ("braked",), about, actor=actor, now=now)
    statement = statements.add(
        conn, tenant.id, f"brake_{decision}", rule=RULE, reason=line, about=about, automatic=False, actor=actor, now=now
    )
    statements.end(conn, tenant.id, (statement.action,), about, actor=actor, now=now)
    if decision == DROPPED and brake.ended_at is None:
        use = LoginUse(brake.login, brake.tenant_id)
        put_on(conn, use, brake.name, list(brake.spared), brake.since, statement.id, now)
    letters.tell(conn, operator, tenant, statement, now)


def credential_changed(conn: Tx, login: str, now: float) -> int:
    """Its password is another, or it is gone: new mail isn't braked; what is held waits for a decision. How many."""
    return conn.execute(
        "UPDATE brake SET ended_at = ? WHERE login = ? AND ended_at IS NULL AND worked_off = 0", (now, login)
    ).rowcount


def work_off(conn: Tx, now: float, most: int | None = None) -> int:
    """Let go or drop what decided brakes still hold, in short transactions, ``most`` of these; how many copies."""
    total = turns = 0
    rows = conn.execute(
        "SELECT id, login, tenant_id, decided, decided_at, decided_by FROM brake WHERE worked_off = 0 AND decided <> ''"
        " ORDER BY id"
    ).fetchall()
    for id_, login, tenant_id, decided, at, actor in rows:
        while most is None or turns < most:
            turns += 1
            with transaction(conn):
                if decided == RELEASED:
                    done = braked.release(conn, login, tenant_id, now)
                else:
                    done = braked.drop(conn, login, tenant_id, at, actor, now)
                if not done:
                    conn.execute("UPDATE brake SET worked_off = 1 WHERE id = ?", (id_,))
                    break
            total += done
    return total


def _row(conn: Tx, row: tuple[object, ...]) -> BrakeRow:
    fields = dict(zip(BrakeRow.__dataclass_fields__, row, strict=False))
    held = braked.count(conn, str(fields["login"]), int(str(fields["tenant_id"])))
    return BrakeRow(**fields | {"spared": tuple(str(fields["spared"]).split()), "held": held})  # type: ignore[arg-type]
