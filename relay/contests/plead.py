"""Somebody says of a consent that it isn't theirs: mail stops at once, and the tenant is asked for proof (R8b).

Only the link of a real copy speaks for its person, and once: whoever forges, guesses or repeats changes nothing. The
contest of many people behind one network stops mail for each of them, but counts as that of ``MOST_OF_NETWORK``: a
competitor with fifty boxes is no bad list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from relay.audit import log
from relay.campaigns import counts
from relay.contests import rows
from relay.contests.values import DAY_S, MAX_WORDS, Contest, ContestState, Plea
from relay.events import write as events
from relay.keys.secrets import Secrets
from relay.keys.tokens import SHARED, Mark
from relay.mail.slots import clean
from relay.people import consents
from relay.people.mailboxes import network, networks
from relay.store.contract import Tx

MOST_OF_NETWORK: Final = 3
NETWORK_S: Final = 7 * DAY_S
OWN_GRADE: Final = "A"
"""The relay's own double opt-in: contested, it stops mail all the same, but counts apart."""


@dataclass(frozen=True, slots=True)
class Contested:
    """What became of a plea."""

    contest: Contest
    new: bool


@dataclass(frozen=True, slots=True)
class _Basis:
    """The consent that a copy stood on, as far as there is one."""

    grade: str = ""
    source: str = ""
    import_id: int | None = None


def speaks(mark: Mark) -> bool:
    """Whether the link is that of a real copy to one person."""
    return bool(mark.subscriber_id and mark.submission_id) and mark.number != SHARED


def contest(
    conn: Tx,
    secrets: Secrets,
    mark: Mark,
    plea: Plea,
    words: str,
    *,
    term_s: float,
    evidence: Mapping[str, str],
    now: float,
) -> Contested | None:
    """Take what a person says, in the caller's transaction; None for a link that speaks for nobody any more.

    ``term_s``: how long the tenant has for an answer; ``evidence`` as ``web.context.evidence``; ``now`` in seconds UTC.
    Said again, it changes nothing.
    """
    if not speaks(mark):
        return None
    person = conn.execute("SELECT tenant_id FROM subscriber WHERE id = ?", (mark.subscriber_id,)).fetchone()
    if person is None:
        return None
    tenant_id = int(person[0])
    before = rows.of_person(conn, tenant_id, mark.subscriber_id)
    if before is not None:
        return Contested(before, new=False)
    basis = _basis(conn, mark)
    asked = plea is Plea.NEVER and basis.grade != OWN_GRADE
    ip = evidence.get("ip", "")
    new = Contest(
        id=0,
        tenant_id=tenant_id,
        subscriber_id=mark.subscriber_id,
        topic_id=mark.topic_id,
        plea=plea,
        words=clean(words)[:MAX_WORDS],
        state=ContestState.OPEN if asked else ContestState.NOTED,
        at=now,
        due_at=now + term_s,
        grade=basis.grade,
        source=basis.source,
        counts=asked and _apart(conn, secrets, tenant_id, ip, now),
        submission_id=mark.submission_id,
        number=mark.number,
        campaign_id=_campaign(conn, mark),
        import_id=basis.import_id,
    )
    _stop(conn, new, evidence, now)
    id_ = rows.insert(conn, new, network(secrets, ip))
    _tell(conn, new, id_, now)
    found = rows.by_id(conn, tenant_id, id_)
    assert found is not None
    return Contested(found, new=True)


def _basis(conn: Tx, mark: Mark) -> _Basis:
    """The consent to the copy's topic, else the newest to any."""
    row = conn.execute(
        "SELECT grade, source, import_id FROM consent WHERE subscriber_id = ? AND channel = 'email'"
        " ORDER BY CASE topic_id WHEN ? THEN 0 ELSE 1 END, recorded_at DESC LIMIT 1",
        (mark.subscriber_id, mark.topic_id),
    ).fetchone()
    return _Basis() if row is None else _Basis(*row)


def _apart(conn: Tx, secrets: Secrets, tenant_id: int, ip: str, now: float) -> bool:
    """Whether it comes from another network than the last ones."""
    return rows.from_network(conn, tenant_id, networks(secrets, ip), now - NETWORK_S) < MOST_OF_NETWORK


def _campaign(conn: Tx, mark: Mark) -> int | None:
    row = conn.execute("SELECT campaign_id FROM submission WHERE id = ?", (mark.submission_id,)).fetchone()
    return None if row is None else row[0]


def _stop(conn: Tx, new: Contest, evidence: Mapping[str, str], now: float) -> None:
    """All mail that needs the person's consent ends, and the log says why."""
    consents.withdraw(
        conn,
        new.tenant_id,
        new.subscriber_id,
        topic_id=consents.EVERYTHING,
        means="contested",
        now=now,
        evidence=evidence,
        submission_id=new.submission_id,
        number=new.number,
    )
    said = {"plea": new.plea.value, **({"words": new.words} if new.words else {}), "submission": new.submission_id}
    log.history(conn, new.subscriber_id, new.topic_id, "contested", now, now, _json(said))


def _tell(conn: Tx, new: Contest, id_: int, now: float) -> None:
    if new.counts and new.campaign_id is not None:
        counts.contested(conn, new.campaign_id, 1)
    detail: dict[str, object] = {"contest": id_, "plea": new.plea.value, "grade": new.grade, "source": new.source}
    if new.state is ContestState.OPEN:
        detail["answer_until"] = new.due_at
    if new.words:
        detail["words"] = new.words
    events.of_copy(
        conn, new.tenant_id, "contested", new.submission_id, new.number, new.campaign_id, detail, now,
        amount=int(new.counts),
    )  # fmt: skip


def _json(said: Mapping[str, object]) -> str:
    return json.dumps(said, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
