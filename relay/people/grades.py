"""How well a consent can be proved (R4), and what a topic demands.

A: the person's own double opt-in through a form of the relay. B: time, means,
wording and IP address of the person are known. C: the tenant's word.
"""

from __future__ import annotations

from typing import Final

from relay.people.consent_rules import DOUBLE_OPT_IN
from relay.store.contract import Tx
from relay.values.errors import RegistryError

GRADES: Final = ("A", "B", "C")
"""The best first; texts compare as they do."""


def grade_of(means: str, ip: str, *, dated: bool = True) -> str:
    """The grade of a consent by what is known of it."""
    if means == DOUBLE_OPT_IN:
        return "A"
    return "B" if dated and ip else "C"


def demanded(conn: Tx, topic_id: int | None) -> str:
    """What a topic demands; one that isn't there yet takes all."""
    row = conn.execute("SELECT grade FROM topic WHERE id = ?", (topic_id,)).fetchone() if topic_id else None
    return "C" if row is None else str(row[0])


def demand(conn: Tx, topic_id: int, grade: str) -> int:
    """Let a topic demand a grade; how many live consents of it are none until they are proved better."""
    if grade not in GRADES:
        raise RegistryError(f"a grade is one of {', '.join(GRADES)}")
    conn.execute("UPDATE topic SET grade = ? WHERE id = ?", (grade, topic_id))
    below = conn.execute(
        "SELECT count(*) FROM consent WHERE topic_id = ? AND withdrawn_at IS NULL AND grade > ?", (topic_id, grade)
    ).fetchone()
    return int(below[0])


def too_low(topic: str, wanted: str, found: str) -> str:
    """Why a consent is refused."""
    how = {
        "A": "the person's own double opt-in through a form",
        "B": "the time and the person's IP address, or a double opt-in",
    }
    return f"the topic {topic[:60]!r} demands grade {wanted} and this is grade {found}: it takes {how[wanted]}"
