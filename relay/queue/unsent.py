"""What was counted for a copy at acceptance is given back where it was never sent: the message, and the person (R19).

A person counts as long as one of its copies of the period was sent or still may be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from relay.ledger import counters
from relay.store.contract import Tx


def give_back(conn: Tx, tenant_id: int, submission_id: int, subscriber_ids: Iterable[int]) -> None:
    """Of one message, the copies to these; 0 for who is no subscriber."""
    row = conn.execute("SELECT give_back, counted_in FROM submission WHERE id = ?", (submission_id,)).fetchone()
    if row is None:
        return
    counter, people = row
    given: Counter[str] = Counter()
    for subscriber_id in subscriber_ids:
        if counter:
            given[counter] += 1
        if people and subscriber_id and counters.never_sent(conn, tenant_id, people, subscriber_id):
            given[people] += 1
    for name, amount in given.items():
        counters.give_back(conn, tenant_id, name, amount)
