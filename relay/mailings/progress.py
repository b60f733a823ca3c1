"""How far a mailing has come: each step is taken once, in the commit that stores its copies.

A step says from where to where it leads. Only the one that begins where the
mailing stands is taken, and only while the mailing is being sent: after a crash
the mailing goes on behind what was stored, two that work on it at a time don't
send twice, and what was stopped takes nothing more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from relay.store.contract import Tx


def take(
    conn: Tx,
    mailing_id: int,
    step: tuple[int, int],
    again: Sequence[int],
    *,
    accepted: int,
    refused: Sequence[str],
    later: Sequence[int],
    submission_id: int = 0,
) -> bool:
    """Take one step in the caller's transaction; False: it isn't the next one, and the caller takes all of it back.

    ``again``: people who were refused for the moment before; then ``step`` leads from where the mailing stands
    to the same place. ``refused``: the word of each refusal; ``later``: who is asked for again.
    """
    moved = conn.execute(
        "UPDATE mailing SET reached = ?, accepted = accepted + ?, refused = refused + ?, wait_until = NULL, why = ''"
        " WHERE id = ? AND reached = ? AND state = 'sending'",
        (step[1], accepted, len(refused), mailing_id, step[0]),
    ).rowcount
    if moved != 1:
        return False
    if again and not _drop(conn, mailing_id, again):
        return False
    conn.executemany(
        "INSERT INTO mailing_refusal (mailing_id, code, people) VALUES (?, ?, ?) ON CONFLICT (mailing_id, code)"
        " DO UPDATE SET people = mailing_refusal.people + excluded.people",
        [(mailing_id, code, people) for code, people in Counter(refused).items()],
    )
    conn.executemany(
        "INSERT INTO mailing_later (mailing_id, subscriber_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(mailing_id, person) for person in later],
    )
    if submission_id:
        conn.execute(
            "UPDATE mailing SET campaign_id = (SELECT campaign_id FROM submission WHERE id = ?)"
            " WHERE id = ? AND campaign_id IS NULL",
            (submission_id, mailing_id),
        )
    return True


def wait(conn: Tx, mailing_id: int, reached: int, why: str, until: float) -> None:
    """Nobody of a step could be taken for the moment: it is tried again then."""
    conn.execute(
        "UPDATE mailing SET wait_until = ?, why = ? WHERE id = ? AND reached = ? AND state = 'sending'",
        (until, why, mailing_id, reached),
    )


def halt(conn: Tx, mailing_id: int, reached: int, why: str) -> None:
    """The message itself was refused: somebody has to look."""
    conn.execute(
        "UPDATE mailing SET state = 'stopped', why = ?, wait_until = NULL"
        " WHERE id = ? AND reached = ? AND state = 'sending'",
        (why, mailing_id, reached),
    )


def end(conn: Tx, mailing_id: int, reached: int, now: float) -> None:
    """Everybody was asked for."""
    conn.execute(
        "UPDATE mailing SET state = 'done', ended_at = ?, wait_until = NULL, why = ''"
        " WHERE id = ? AND reached = ? AND state = 'sending'",
        (now, mailing_id, reached),
    )
    conn.execute("DELETE FROM mailing_later WHERE mailing_id = ?", (mailing_id,))


def _drop(conn: Tx, mailing_id: int, people: Sequence[int]) -> bool:
    marks = ",".join("?" * len(people))
    found = conn.execute(
        f"DELETE FROM mailing_later WHERE mailing_id = ? AND subscriber_id IN ({marks})", (mailing_id, *people)
    )
    return found.rowcount == len(people)
