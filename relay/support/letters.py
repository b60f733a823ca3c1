"""Letters about a thread: the tenant's contact gets the staff's words, the operator is called with the tenant's."""

from __future__ import annotations

from relay.queue import operator as calls
from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.support.values import SupportThread
from relay.tenants import tenants
from relay.texts.language import choose


def to_tenant_side(conn: Tx, operator: Operator, base_url: str, thread: SupportThread, text: str, now: float) -> None:
    """In the tenant's language, with the words as they are."""
    tenant = tenants.by_id(conn, thread.tenant_id)
    language = choose(tenant.language)
    say = language.plain
    paragraphs = [
        say("mail.hello"),
        say("support.mail.lead", operator=operator.name, subject=thread.subject),
        text,
        f"{say('support.mail.answer')}\n{base_url}/account/support/{thread.id}",
    ]
    subject = say("support.mail.subject", subject=thread.subject)
    to_tenant.tell(
        conn, operator, tenant.contact, language.code, subject, paragraphs, now=now, note="written to by staff"
    )


def to_staff_side(conn: Tx, operator: Operator, base_url: str, thread: SupportThread, text: str, now: float) -> None:
    """Once an hour for a thread, however much is written in it."""
    until = "" if thread.due_at is None else f" An answer is due {choose('en').moment(thread.due_at)}."
    calls.call(
        conn,
        operator,
        f"support:{thread.id}",
        f"{thread.tenant} wrote: {thread.subject}",
        [
            f"{thread.shown} ({thread.tenant}) wrote:",
            text,
            f"Answer on {base_url}/desk/support/{thread.id}, or by `relay support answer {thread.id}`.{until}",
        ],
        now=now,
    )
