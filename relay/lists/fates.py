"""What became of the people of each list, added up as it happens: the follower ``imports`` (R8b).

Only tenants that took a list within ``WATCHED_S`` are looked at; all others cost nothing. A copy is the list's by whose
consent it went.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from relay.events.follow import Follower
from relay.events.write import DELIVERED, RETURNED, TOLD, ToldCopy
from relay.people import imported
from relay.store.contract import Tx

NAME: Final = "imports"
WATCHED_S: Final = 180 * 86_400.0
KINDS: Final = ("bounced", "unsubscribed", "complained", "contested")
Fates = Counter[tuple[int, str]]
"""By (import, kind)."""
_EVENTS: Final = (
    "SELECT kind, submission_id, number, amount FROM event WHERE id > ? AND id <= ? AND tenant_id = ? AND amount <> 0"
    f" AND number >= 0 AND kind IN ({','.join('?' * len(KINDS))})"
)
_TOLD: Final = f"SELECT kind, detail FROM event WHERE id > ? AND id <= ? AND number = {TOLD} AND kind IN (?, ?)"
_COPIES: Final = msgspec.json.Decoder(list[ToldCopy])


def read(conn: Tx, after: int, until: int) -> Fates:
    """What the events of (after, until] add up to."""
    found: Fates = Counter()
    newest = conn.execute("SELECT max(at) FROM event WHERE id > ? AND id <= ?", (after, until)).fetchone()[0] or 0.0
    watched = {
        row[0]
        for row in conn.execute("SELECT DISTINCT tenant_id FROM consent_import WHERE at > ?", (newest - WATCHED_S,))
    }
    if not watched:
        return found
    for kind, detail in conn.execute(_TOLD, (after, until, DELIVERED, RETURNED)).fetchall():
        for tenant_id, _, submission_id, number in _COPIES.decode(detail):
            if tenant_id in watched:
                _add(conn, found, kind, submission_id, number)
    for tenant_id in sorted(watched):
        for kind, submission_id, number, amount in conn.execute(_EVENTS, (after, until, tenant_id, *KINDS)).fetchall():
            _add(conn, found, kind, submission_id, number, amount)
    return found


def _add(conn: Tx, found: Fates, kind: str, submission_id: int, number: int, amount: int = 1) -> None:
    import_id = imported.of_copy(conn, submission_id, number)
    if import_id is not None:
        found[import_id, kind] += amount


def write(conn: Tx, fates: Fates) -> None:
    """Add them to what there is, in the caller's transaction."""
    conn.executemany(
        "INSERT INTO import_fate (import_id, kind, value) VALUES (?, ?, ?)"
        " ON CONFLICT (import_id, kind) DO UPDATE SET value = import_fate.value + excluded.value",
        [(*key, value) for key, value in sorted(fates.items())],
    )


def of_import(conn: Tx, import_id: int) -> Counter[str]:
    """sent, bounced, unsubscribed, complained, contested: up to the follower's last turn, seconds ago."""
    kept: Counter[str] = Counter(
        dict(conn.execute("SELECT kind, value FROM import_fate WHERE import_id = ?", (import_id,)).fetchall())
    )
    bounced = kept["bounced"] + kept[RETURNED]
    found = Counter({kind: kept[kind] for kind in KINDS} | {"bounced": bounced})
    found["sent"] = kept[DELIVERED] + kept["bounced"]
    return found


FOLLOWER: Final = Follower(NAME, read, write)
