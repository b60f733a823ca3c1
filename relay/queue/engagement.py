"""Openings and clicks as a campaign's verdict hears of them: of persons who agreed, machines left out (R33, R12)."""

from __future__ import annotations

from typing import Final

from relay.store.contract import Tx
from relay.tracking import figures
from relay.values.facts import Engagement

UNSURE: Final = 0.5
"""What a copy counts that nobody knows who opened."""
HISTORY: Final = 10
"""Earlier campaigns of the sender that say what is usual."""
ENOUGH: Final = 50
"""Tracked copies of these below which they say nothing."""
_EARLIER: Final = """
SELECT id, tracked FROM campaign WHERE tenant_id = (SELECT tenant_id FROM campaign WHERE id = ?1) AND id < ?1
   AND tracked > 0 AND state IN ('open', 'released') ORDER BY id DESC LIMIT ?2
"""


def of_campaign(conn: Tx, campaign_id: int) -> Engagement | None:
    """None where no copy of it is tracked, as of most."""
    row = conn.execute("SELECT tracked FROM campaign WHERE id = ?", (campaign_id,)).fetchone()
    if row is None or not row[0]:
        return None
    tracked = int(row[0])
    found = figures.of_campaign(conn, campaign_id)
    opened, clicked = _by_people(found.opened, tracked), _by_people(found.clicked, tracked)
    return Engagement(tracked, max(opened, clicked), clicked, _usual(conn, campaign_id))


def _by_people(found: figures.KindFigures, tracked: int) -> float:
    return min(float(tracked), found.human + UNSURE * found.unsure)


def _usual(conn: Tx, campaign_id: int) -> float:
    """Share that opened of the sender's earlier campaigns; 0 where too little is known."""
    rows = conn.execute(_EARLIER, (campaign_id, HISTORY)).fetchall()
    tracked = sum(int(copies) for _, copies in rows)
    if tracked < ENOUGH:
        return 0.0
    opened = 0.0
    for earlier, copies in rows:
        found = figures.of_campaign(conn, earlier)
        opened += max(_by_people(found.opened, int(copies)), _by_people(found.clicked, int(copies)))
    return opened / tracked
