"""The answer to a statement of reasons is a thread: by page, API and command alike (R24, R36)."""

from __future__ import annotations

from relay.conduct import letters, statements
from relay.conduct.statements import Statement
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.support import threads
from relay.support.values import ThreadKind
from relay.tenants import tenants
from relay.texts.language import choose


def answer(
    conn: Tx, operator: Operator, base_url: str, statement: Statement, text: str, *, actor: str, now: float
) -> Statement:
    """The tenant objects or explains; staff is told, and has to answer until the thread's due date."""
    done = statements.answer(conn, statement, text, actor=actor, now=now)
    about = f"statement:{statement.id}"
    thread = threads.about(conn, statement.tenant_id, about)
    if thread is None:
        threads.open_(
            conn, operator, base_url, statement.tenant_id, subject_of(conn, statement), text, kind=ThreadKind.APPEAL,
            about=about, actor=actor, now=now,
        )  # fmt: skip
    else:
        threads.write(conn, operator, base_url, thread, text, staff=False, actor=actor, now=now)
    return done


def decide(
    conn: Tx, operator: Operator, base_url: str, statement: Statement, text: str, *, actor: str, now: float
) -> Statement:
    """What a person says to the answer: in its letter, and in the thread."""
    done = statements.decide(conn, statement, text, actor=actor, now=now)
    letters.decided(conn, operator, done, now)
    thread = threads.about(conn, statement.tenant_id, f"statement:{statement.id}")
    if thread is not None:  # its letter was written just now
        threads.write(conn, operator, base_url, thread, text, staff=True, actor=actor, now=now, tell=False)
    return done


def subject_of(conn: Tx, statement: Statement) -> str:
    """As its letter is called, in the tenant's language."""
    tenant = tenants.by_id(conn, statement.tenant_id)
    language, key = choose(tenant.language), f"conduct.{statement.action}.subject"
    if not language.has(key):
        return language.plain("support.appeal", number=statement.id)
    return language.plain(key, tenant=tenant.shown)[: threads.MOST_SUBJECT]
