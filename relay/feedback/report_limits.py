"""How many spam reports on shared copies are taken: by message and by the client's network.

The limits know nothing of the addresses reported: whoever reaches one has
learnt nothing about them.
"""

from __future__ import annotations

from typing import Final

from config.conduct import Reports
from relay.keys.secrets import Secrets
from relay.people.mailboxes import network, networks
from relay.store.contract import Tx
from relay.tenants.recent import HOUR_S, Recent

_TRIED: Final = Recent("report_try")
forget: Final = _TRIED.forget


def count(conn: Tx, secrets: Secrets, limits: Reports, submission_id: int, ip: str, now: float) -> bool:
    """One try more; False, and nothing written, where a limit forbids it. ``now`` in seconds UTC."""
    since = now - HOUR_S
    if _TRIED.reached(conn, "network", networks(secrets, ip), since, limits.network_per_hour):
        return False
    if _TRIED.reached(conn, "submission_id", [submission_id], since, limits.message_per_hour):
        return False
    conn.execute(
        "INSERT INTO report_try (at, network, submission_id) VALUES (?, ?, ?)",
        (now, network(secrets, ip), submission_id),
    )
    return True
