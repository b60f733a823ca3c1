"""A campaign under suspicion: told by its content, kept whole until a person has looked at it (R17)."""

from __future__ import annotations

from typing import Final

from relay.campaigns import counts, numbering
from relay.campaigns.campaigns import Campaign, by_id
from relay.pipeline.contract import Suspect
from relay.queue import verdicts
from relay.queue.values import NewSubmission
from relay.store.contract import Tx

ACTOR: Final = "relay"
MOST_WHY: Final = 900


def suspicion_of(new: NewSubmission) -> str:
    """What the policies suspect in a submission, one line; empty: nothing."""
    found = [one.why for r in new.recipients[:1] for one in r.effects if isinstance(one, Suspect)]
    return " ".join("; ".join(dict.fromkeys(found)).split())[:MOST_WHY]


def campaign_of(conn: Tx, new: NewSubmission, why: str) -> Campaign | None:
    """The campaign that a suspected submission belongs to, left to the administrator; None if nothing tells it.

    One that a person released although it was suspected, or that is stopped or declined, stays as it is.
    """
    if new.words is None:
        return None
    name = new.campaign or f"{new.from_address}: {new.subject}"[:200]
    found = numbering.for_content(
        conn,
        new.tenant_id,
        new.stream_id,
        name,
        words=new.words,
        new=True,
        topic=new.topic,
        from_address=new.from_address,
        subject=new.subject,
        now=new.accepted_at,
    )
    if found is None or (found.state == "released" and not found.suspicion):  # what was released was something else
        found = numbering.anew(
            conn,
            new.tenant_id,
            new.stream_id,
            name,
            words=new.words,
            topic=new.topic,
            from_address=new.from_address,
            subject=new.subject,
            now=new.accepted_at,
        )
    if not found.suspicion:
        counts.suspect(conn, found.id, why)
    verdicts.ask(conn, found.id, ACTOR, why, new.accepted_at)
    return by_id(conn, found.id)
