"""A webhook that is called no more: its tenant is told by mail, as the events that would tell it don't arrive."""

from __future__ import annotations

from typing import Final

from relay.queue import to_tenant
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.texts.language import choose
from relay.webhooks import book
from relay.webhooks.book import WebhookRow

WHY: Final = {
    "gone": book.GONE,
    "dead": "it has answered no event well for 5 days",
}
"""Word → what stands in lists and in the audit log."""


def ended(conn: Tx, operator: Operator, webhook: WebhookRow, word: str, last: str, now: float) -> None:
    """End it and queue the letter, in the caller's transaction; ``last``: what its server said last."""
    if not book.end(conn, webhook, WHY[word], now):
        return
    row = conn.execute("SELECT contact, language FROM tenant WHERE id = ?", (webhook.tenant_id,)).fetchone()
    if row is None:
        return
    language = choose(row[1] or "")
    say = language.plain
    paragraphs = [
        say(f"webhook.{word}", url=webhook.url),
        say("webhook.last", answer=last or "-"),
        say("webhook.kept"),
        say("webhook.todo", webhook=webhook.word),
    ]
    to_tenant.tell(conn, operator, row[0], language.code, say("webhook.subject"), paragraphs, now=now)
