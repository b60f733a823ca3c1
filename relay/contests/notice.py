"""The tenant is told of a contest by mail: what is asked for, until when, and how to answer."""

from __future__ import annotations

from relay.contests.values import Contest, ContestState
from relay.queue.operator import Operator
from relay.queue.to_tenant import tell
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import DEFAULT, LANGUAGES, language


def asked(conn: Tx, operator: Operator, contest: Contest, now: float) -> bool:
    """Queue the letter, in the caller's transaction. No letter for a plea that asks for nothing: the event tells it."""
    if contest.state is not ContestState.OPEN:
        return False
    tenant = tenants.by_id(conn, contest.tenant_id)
    row = conn.execute("SELECT address FROM subscriber WHERE id = ?", (contest.subscriber_id,)).fetchone()
    if row is None:
        return False
    code = tenant.language if tenant.language in LANGUAGES else DEFAULT
    say = language(code)
    until = say.date(contest.due_at)
    paragraphs = [
        say.plain("contest.letter.said", address=row[0], tenant=tenant.shown, date=say.date(contest.at)),
        *([f"“{contest.words}”"] if contest.words else []),
        say.plain("contest.letter.stopped"),
        say.plain("contest.letter.until", date=until),
        f"relay contest answer {tenant.name} {contest.id} --text … --file …\n"
        f"relay contest concede {tenant.name} {contest.id}\n"
        f"POST /v1/contests/{contest.id}/answer",
        say.plain("contest.letter.counts"),
    ]
    subject = say.plain("contest.letter.subject", date=until)
    return tell(conn, operator, tenant.contact, code, subject, paragraphs, now=now)
