"""A contest as CLI, API and export tell it: one set of names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from relay.contests.values import Contest, ContestState
from relay.store.contract import Tx

SAYS: Final = {
    "never": "never agreed",
    "stranger": "didn't know the sender",
    "typed": "somebody else entered the address",
}
ASKED: Final = {
    ContestState.OPEN: "answer or concede until then",
    ContestState.ANSWERED: "the person has the last word",
    ContestState.CONCEDED: "the consent fell: no proof",
    ContestState.LAPSED: "the consent fell: no answer in time",
    ContestState.REFUSED: "the consent fell: the person says no",
    ContestState.ACCEPTED: "the person agrees with the answer; counts no more",
    ContestState.NOTED: "nothing is asked for",
}


def told(conn: Tx, found: Iterable[Contest]) -> list[dict[str, object]]:
    """Fields of each; an erased person has no address (None). Times in seconds UTC."""
    return [_told(conn, one) for one in found]


def _told(conn: Tx, one: Contest) -> dict[str, object]:
    person = conn.execute("SELECT address FROM subscriber WHERE id = ?", (one.subscriber_id,)).fetchone()
    topic = conn.execute("SELECT name FROM topic WHERE id = ?", (one.topic_id,)).fetchone()
    return {
        "id": one.id,
        "email": None if person is None else person[0],
        "topic": None if topic is None else topic[0],
        "says": one.plea.value,
        "words": one.words,
        "state": one.state.value,
        "what_now": ASKED[one.state],
        "at": one.at,
        "answer_until": one.due_at if one.state is ContestState.OPEN else None,
        "grade": one.grade or None,
        "source": one.source,
        "counts": one.counts,
        "answer": one.answer,
        "file": one.file_name or None,
        "answered_at": one.answered_at,
        "ended_at": one.ended_at,
    }
