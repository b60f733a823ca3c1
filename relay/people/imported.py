"""The consents that came with one list, as long as nothing better proves them: stopped, given back, ended together."""

from __future__ import annotations

from typing import Final

from relay.store.contract import Tx

FROZEN: Final = "X"
"""In the place of a grade: below all that a topic can demand, so that the consent counts nowhere."""
_GRADE: Final = "CASE WHEN dated = 1 AND ip <> '' THEN 'B' ELSE 'C' END"
"""As ``grades.grade_of`` has it."""
_OF: Final = "import_id = ? AND withdrawn_at IS NULL"


def freeze(conn: Tx, import_id: int) -> int:
    """None of them counts; how many."""
    return conn.execute(f"UPDATE consent SET grade = '{FROZEN}' WHERE {_OF} AND grade <> 'A'", (import_id,)).rowcount


def thaw(conn: Tx, import_id: int) -> int:
    """They count as before (``grades.grade_of``); how many."""
    return conn.execute(
        f"UPDATE consent SET grade = {_GRADE} WHERE {_OF} AND grade = '{FROZEN}'",
        (import_id,),
    ).rowcount


def withdraw(conn: Tx, import_id: int, now: float, most: int) -> list[tuple[int, int]]:
    """End some of them; (subscriber, topic) of each."""
    rows = conn.execute(
        f"SELECT subscriber_id, topic_id FROM consent WHERE {_OF} AND grade <> 'A' ORDER BY subscriber_id LIMIT ?",
        (import_id, most),
    ).fetchall()
    conn.executemany(
        # A withdrawn consent is asked whether the person left: it has its grade again, or it would be none.
        f"UPDATE consent SET withdrawn_at = ?, grade = {_GRADE}"
        " WHERE subscriber_id = ? AND topic_id = ? AND channel = 'email'",
        [(now, *row) for row in rows],
    )
    return [(int(person), int(topic)) for person, topic in rows]


def of_copy(conn: Tx, submission_id: int, number: int) -> int | None:
    """By which list the consent came that a copy stood on; None for another consent, or a copy that is forgotten."""
    row = conn.execute(
        "SELECT c.import_id FROM recipient r JOIN submission s ON s.id = r.submission_id"
        " JOIN topic t ON t.tenant_id = s.tenant_id AND t.name = s.topic"
        " JOIN consent c ON c.subscriber_id = r.subscriber_id AND c.topic_id = t.id AND c.channel = 'email'"
        " WHERE r.submission_id = ? AND r.number = ?",
        (submission_id, number),
    ).fetchone()
    return None if row is None else row[0]
