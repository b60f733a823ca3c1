"""Letters about announcements: to each tenant's contact once, in steps, and once more where one is withdrawn.

How far they have come is stored with the letters, so that a crash repeats and leaves out none. A tenant that
came after the last letter reads it on its pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from relay.announcements import book
from relay.announcements.values import Announcement
from relay.conduct import account
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.chores import turns
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.store.engines import StoreAddress
from relay.store.kept import KeptConnection
from relay.tenants import tenants
from relay.texts.language import Language, choose
from relay.values.tenant import TenantRow

if TYPE_CHECKING:
    from config.settings import Settings

_log = logging.getLogger("relay.announcements")

EVERY_S: Final = 5.0
AGAIN_S: Final = 30.0
STEP: Final = 50
"""Tenants in one transaction."""
_FOR: Final = (
    "SELECT t.id FROM tenant t JOIN announcement a ON a.id = ? WHERE t.id > ? AND t.id <= ? AND (a.everybody = 1 OR"
    " EXISTS (SELECT 1 FROM announcement_tenant n WHERE n.announcement_id = a.id AND n.tenant_id = t.id))"
    " ORDER BY t.id LIMIT ?"
)
_LAST: Final = 2**62


async def run(path: StoreAddress, settings: Settings, clock: Callable[[], float]) -> None:
    """Until cancelled; a turn that is begun is ended."""
    operator, base_url = Operator.of(settings), settings.links.base_url
    kept, fault = KeptConnection(path), "announcements can't be told, trying again"

    def work() -> bool:
        return turn(kept, operator, base_url, clock())

    await turns(kept, work, every_s=EVERY_S, again_s=AGAIN_S, log=_log, fault=fault)


def turn(store: KeptConnection, operator: Operator, base_url: str, now: float) -> bool:
    """One step; False where nobody is left to be told of anything."""
    with store.use() as conn:
        if _next(conn, now) is None:
            return False
        with transaction(conn):
            return step(conn, operator, base_url, now)


def step(conn: Tx, operator: Operator, base_url: str, now: float) -> bool:
    """Letters to the next STEP tenants of one announcement, in the caller's transaction; False: none is due."""
    row = _next(conn, now)
    if row is None:
        return False
    recall = row.withdrawn_at is not None
    since, last = (row.recalled_to, row.told_to) if recall else (row.told_to, _LAST)
    ids = [int(id_) for (id_,) in conn.execute(_FOR, (row.id, since, last, STEP))]
    for id_ in ids:
        _write(conn, operator, base_url, row, tenants.by_id(conn, id_), now)
    done = None if len(ids) == STEP else now
    far = ids[-1] if ids else since
    sql = (
        "UPDATE announcement SET recalled_to = ?, recalled_at = ? WHERE id = ?"
        if recall
        else "UPDATE announcement SET told_to = ?, told_at = ? WHERE id = ?"
    )
    conn.execute(sql, (far, done, row.id))
    return True


def _next(conn: Tx, now: float) -> Announcement | None:
    """The oldest about which letters are missing; of what is over by now nobody is told any more."""
    row = conn.execute(
        "SELECT id FROM announcement WHERE until_at > ? AND ((withdrawn_at IS NULL AND told_at IS NULL)"
        " OR (withdrawn_at IS NOT NULL AND recalled_at IS NULL)) ORDER BY id LIMIT 1",
        (now,),
    ).fetchone()
    return None if row is None else book.by_id(conn, int(row[0]))


def _write(conn: Tx, operator: Operator, base_url: str, row: Announcement, tenant: TenantRow, now: float) -> None:
    if account.of(conn, tenant.id).terminated_at is not None:
        return
    language = choose(tenant.language)
    subject, paragraphs = (recalled if row.withdrawn_at is not None else told)(row, language, operator.name, base_url)
    to_tenant.tell(
        conn, operator, tenant.contact, language.code, subject, paragraphs, now=now, note=f"announcement {row.id}"
    )


def told(row: Announcement, language: Language, operator: str, base_url: str) -> tuple[str, list[str]]:
    """Subject and paragraphs of the letter; the operator's own words stand as they are."""
    say = language.plain
    paragraphs = [
        say("mail.hello"),
        say(f"announce.mail.{row.kind}.lead", operator=operator, span=span(language, row)),
        row.title,
        row.text,
    ]
    if row.urgent:
        paragraphs.append(say("announce.urgent", reason=row.urgent))
    paragraphs.append(f"{say('announce.mail.page')}\n{base_url}/account/announcements/{row.id}")
    return say(f"announce.mail.{row.kind}.subject", title=row.title), paragraphs


def recalled(row: Announcement, language: Language, operator: str, base_url: str) -> tuple[str, list[str]]:
    """The same for one that was withdrawn."""
    say = language.plain
    values = {"operator": operator, "title": row.title, "span": span(language, row)}
    paragraphs = [say("mail.hello"), say(f"announce.mail.{row.kind}.recalled", **values)]
    if row.withdrawn_why:
        paragraphs.append(say("announce.withdrawn_why", reason=row.withdrawn_why))
    paragraphs.append(f"{base_url}/account/announcements/{row.id}")
    return say("announce.mail.recalled.subject", title=row.title), paragraphs


def span(language: Language, row: Announcement) -> str:
    """``from 3 Dec 2026, 22:00 UTC until 4 Dec 2026, 02:00 UTC``, in the language."""
    return language.plain("announce.span", begin=language.moment(row.from_at), end=language.moment(row.until_at))
