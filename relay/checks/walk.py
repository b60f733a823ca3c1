"""``relay check store``: all of the store is walked, not only where its pages begin; takes as long as that takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

from config.settings import Settings
from config.units import DAY
from relay.audit.verify import verify
from relay.checks.result import CheckResult, Level, bad, ok, warn
from relay.checks.store import SHOWN, check_store
from relay.keys.secrets import Secrets, SecretsError
from relay.store import marks
from relay.store.contract import Failure, ServerTx, Tx
from relay.store.database import connect
from relay.store.engines import shown
from relay.store.sqlite import schema

OLD_S: Final = 8 * DAY
"""A backup a week, and a day for the one that failed."""
_QUEUE: Final = (
    (
        "messages without their text",
        "SELECT count(*) FROM submission s WHERE open_recipients > 0"
        " AND NOT EXISTS (SELECT 1 FROM body b WHERE b.submission_id = s.id)",
    ),
    (
        "texts whose message is gone",
        "SELECT count(*) FROM body b WHERE NOT EXISTS (SELECT 1 FROM submission s WHERE s.id = b.submission_id)",
    ),
    (
        "messages whose copies are counted wrongly",
        "SELECT count(*) FROM submission s WHERE open_recipients <>"
        " (SELECT count(*) FROM recipient r WHERE r.submission_id = s.id AND r.state IN (0, 1))",
    ),
)
_RESTORE: Final = "stop the relay, keep a copy, and restore a backup"

_Progress = Callable[[int, int], None]


def walk_store(settings: Settings, now: float, progress: _Progress = lambda done, all_: None) -> Iterator[CheckResult]:
    """What `relay check` finds of the store, then every page, reference, queued message and leaf of the audit log."""
    found = list(check_store(settings))
    yield from found
    if any(one.what == "database" and one.level is Level.FAIL for one in found):
        return
    with closing(connect(settings.stored, readonly=True)) as conn:
        try:
            yield from _pages(conn)
            yield _queue(conn)
            yield _audit(conn, settings, progress)
            yield backup_age(conn, now)
        except Failure as error:
            yield bad("database", f"{shown(settings.stored)}: {error}", _RESTORE)


def _pages(conn: Tx) -> Iterator[CheckResult]:
    """A server sees to its own."""
    if isinstance(conn, ServerTx):
        return
    wrong = schema.disagreements(conn)
    if wrong:
        todo = "stop the relay, keep a copy, and `relay migrate --mend`; if that doesn't help, restore a backup"
        yield bad("database indexes", _first(wrong), todo)
    else:
        yield ok("database indexes", "agree with their tables")
    lost = schema.lost_references(conn)
    if lost:
        yield bad("references", _first(lost), _RESTORE)
    else:
        yield ok("references", "each leads to a row that is there")


def _first(faults: list[str]) -> str:
    return ", ".join(faults[:SHOWN]) + (" …" if len(faults) > SHOWN else "")


def _queue(conn: Tx) -> CheckResult:
    counts = [(conn.execute(sql).fetchone()[0], what) for what, sql in _QUEUE]
    faults = [f"{count} {what}" for count, what in counts if count]
    if faults:
        return bad(
            "queue", ", ".join(faults), "`relay queue list` shows what is there; restore a backup if mail is lost"
        )
    waits = conn.execute("SELECT count(*) FROM recipient WHERE state IN (0, 1)").fetchone()[0]
    return ok("queue", f"{waits} copies wait, each with its message")


def _audit(conn: Tx, settings: Settings, progress: _Progress) -> CheckResult:
    try:
        secrets = Secrets.load(settings.secrets_file)
    except SecretsError as error:
        return bad("audit log", f"not looked at: {error}", "see the line of the secrets file")
    found = verify(conn, secrets, (), progress)
    if found.count:
        first = "; ".join(str(fault) for fault in found.faults[:SHOWN])
        return bad("audit log", f"{found.count} faults: {first}", "keep a copy; `relay audit verify` names them all")
    return ok("audit log", f"{found.leaves} leaves, whole")


def backup_age(conn: Tx, now: float) -> CheckResult:
    """How old the newest backup is that `relay backup` made."""
    at = marks.read(conn, marks.BACKED_UP)
    todo = "`relay backup DIR --passphrase-file FILE --keep 14`, every day by cron or relay-backup.timer"
    if at is None:
        return warn("backup", "`relay backup` has never made one", todo)
    told = f"the newest is of {dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%d %H:%M} UTC"
    return warn("backup", told, todo) if now - at > OLD_S else ok("backup", told)
