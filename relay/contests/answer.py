"""What the tenant says to a contest, what the person says to that, and what silence means (R8b)."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Final

from relay.audit import actions, log
from relay.campaigns import counts
from relay.contests import rows
from relay.contests.values import (
    FALLEN,
    MAX_ANSWER,
    MAX_FILE,
    MIN_ANSWER,
    Contest,
    ContestError,
    ContestState,
    Evidence,
)
from relay.events import write as events
from relay.store.contract import Tx

KINDS: Final = (".pdf", ".png", ".jpg", ".jpeg", ".txt", ".json", ".eml", ".html")
"""What evidence comes as; it is only ever handed out to be saved."""
STEP: Final = 200
_SAYS: Final = {
    ContestState.CONCEDED: "the tenant has no proof",
    ContestState.LAPSED: "no proof came in time",
    ContestState.REFUSED: "the person has seen the tenant's answer, and says no",
    ContestState.ACCEPTED: "the person has seen the tenant's answer, and agrees",
}


def check(evidence: Evidence) -> Evidence:
    """The same, fit to be kept. Raises ContestError for what proves nothing, or can't be kept."""
    text = evidence.text.strip()
    if len(text) > MAX_ANSWER:
        raise ContestError(f"the answer has {len(text)} characters; at most {MAX_ANSWER} are kept")
    if "\0" in text:
        raise ContestError("the answer holds a NUL")
    if not evidence.file_name and len(" ".join(text.split())) < MIN_ANSWER:
        raise ContestError(
            f"an answer says in {MIN_ANSWER} characters or more how and where the person agreed, or has a file"
        )
    if not evidence.file_name:
        return Evidence(text)
    name = PurePosixPath(evidence.file_name.replace("\\", "/")).name[:120]
    if not name.isprintable() or not name.lower().endswith(KINDS):
        raise ContestError(f"the evidence {name[:60]!r} is of another kind than {', '.join(KINDS)}")
    if not 0 < len(evidence.file) <= MAX_FILE:
        raise ContestError(f"the file has {len(evidence.file)} octets; 1 to {MAX_FILE} are taken")
    return Evidence(text, name, evidence.file)


def find(conn: Tx, tenant_id: int, contest_id: int) -> Contest:
    """The tenant's contest of that number; raises ContestError."""
    found = rows.by_id(conn, tenant_id, contest_id)
    if found is None:
        raise ContestError(f"there is no contest {contest_id}; `relay contest list` shows those there are")
    return found


def answer(conn: Tx, tenant_id: int, contest_id: int, evidence: Evidence, *, actor: str, now: float) -> Contest:
    """The tenant shows what it has; the person has the last word. Raises ContestError, then nothing is changed."""
    evidence = check(evidence)
    before = find(conn, tenant_id, contest_id)
    if before.state not in (ContestState.OPEN, ContestState.ANSWERED) or not rows.answered(
        conn, contest_id, evidence, now
    ):
        raise ContestError(closed(before))
    detail = {"contest": contest_id, "file": evidence.file_name, "characters": len(evidence.text)}
    actions.record(conn, actor, "contest-answered", tenant_id, detail, now)
    return find(conn, tenant_id, contest_id)


def concede(conn: Tx, tenant_id: int, contest_id: int, *, actor: str, now: float) -> Contest:
    """The tenant has no proof: the consent falls. Raises ContestError."""
    before = find(conn, tenant_id, contest_id)
    if before.state not in (ContestState.OPEN, ContestState.ANSWERED):
        raise ContestError(closed(before))
    actions.record(conn, actor, "contest-conceded", tenant_id, {"contest": contest_id}, now)
    _end(conn, before, ContestState.CONCEDED, now)
    return find(conn, tenant_id, contest_id)


def last_word(conn: Tx, contest: Contest, *, agrees: bool, now: float) -> bool:
    """The person has seen the answer. Mail stays stopped: only a form brings somebody back. False if it was closed."""
    if contest.state is not ContestState.ANSWERED:
        return False
    return _end(conn, contest, ContestState.ACCEPTED if agrees else ContestState.REFUSED, now)


def late(conn: Tx, now: float) -> bool:
    """Whether there are contests to which no answer came in the term."""
    return bool(rows.due(conn, now, 1))


def lapse(conn: Tx, now: float) -> int:
    """Let the consents fall for which no answer came in the term, a step at most; how many."""
    late = rows.due(conn, now, STEP)
    return sum(_end(conn, one, ContestState.LAPSED, now) for one in late)


def _end(conn: Tx, contest: Contest, state: ContestState, now: float) -> bool:
    goes_on = contest.counts and state is not ContestState.ACCEPTED
    if not rows.end(conn, contest.id, state, counts=goes_on, now=now):
        return False
    change = int(goes_on) - int(contest.counts)
    if change and contest.campaign_id is not None:
        counts.contested(conn, contest.campaign_id, change)
    word = "fallen" if state in FALLEN else "stood"
    said = {"contest": contest.id, "why": _SAYS[state]}
    text = json.dumps(said, separators=(",", ":"), sort_keys=True)
    if conn.execute("SELECT 1 FROM subscriber WHERE id = ?", (contest.subscriber_id,)).fetchone():  # else: erased since
        log.history(conn, contest.subscriber_id, contest.topic_id, word, now, now, text)
    events.of_copy(
        conn, contest.tenant_id, "contested", contest.submission_id, contest.number, contest.campaign_id,
        {"contest": contest.id, "plea": contest.plea.value, "state": state.value, "why": _SAYS[state]}, now,
        amount=change,
    )  # fmt: skip
    return True


def closed(contest: Contest) -> str:
    """Why it takes no answer."""
    why = _SAYS.get(contest.state, "the person says another thing, for which no proof is asked")
    return f"contest {contest.id} takes no answer: {why}"
