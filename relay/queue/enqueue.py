"""The write behind the ``250``: one submission with all its effects, or nothing.

Runs as one unit of the group commit. Conditions that other sessions may have
changed since they were asked (quota, a campaign's verdict) are checked again
here, inside the transaction.
"""

from __future__ import annotations

from typing import Final

from relay.campaigns import numbering
from relay.campaigns.campaigns import Campaign
from relay.events import write as events
from relay.events.write import encoded
from relay.mail.status import refusal
from relay.people import apart, consents
from relay.pipeline.contract import Hold
from relay.queue import holds
from relay.queue.braked import WHY
from relay.queue.count import Refused, count
from relay.queue.stage import PACED, held_by_stage, lasts, stage_of, states_of
from relay.queue.suspect import campaign_of, suspicion_of
from relay.queue.values import Claim, Enqueued, NewSubmission
from relay.store.contract import Tx
from relay.values.states import State

MOST_TOLD: Final = 20
"""Different holds of one message that its event names."""


def enqueue(conn: Tx, new: NewSubmission, claim: Claim | None) -> Enqueued:
    """Store the submission, without those who are over a limit now; raises Refused where nobody is left."""
    campaign = _campaign(conn, new)
    campaign_id = None if campaign is None else campaign.id
    counts = count(conn, new)
    new, subscriber_ids = counts.new, counts.subscriber_ids
    first = 0 if campaign_id is None else numbering.allot(conn, campaign_id, len(new.recipients))
    states, held_by, later = states_of(conn, new, campaign, first)
    if campaign is not None and held_by_stage(new, campaign):
        consents.staged(conn, subscriber_ids, campaign.id)
    shared = new.shared and not apart.any_of(conn, subscriber_ids, new.accepted_at)
    claimed = claim is not None and new.due_at <= new.accepted_at and State.READY in states
    conn.execute(
        "INSERT INTO submission (id, tenant_id, stream_id, campaign_id, topic, reverse_path, message_id, from_domain,"
        " subject, size_octets, accepted_at, expires_at, open_recipients, ret, envid, tag, meta, give_back, client,"
        " shared, counted_in, last_at, login)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            new.id,
            new.tenant_id,
            new.stream_id,
            campaign_id,
            new.topic,
            new.reverse_path,
            new.message_id,
            new.from_domain,
            new.subject,
            new.size_octets,
            new.accepted_at,
            new.expires_at,
            len(new.recipients),
            new.ret,
            new.envid,
            new.tag,
            encoded(dict(new.meta)) if new.meta else "",
            counts.give_back,
            new.client,
            int(shared),
            counts.people,
            new.last_at,
            new.login,
        ),
    )
    conn.execute("INSERT INTO body (submission_id, template) VALUES (?, ?)", (new.id, new.template))
    conn.executemany(
        "INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address, domain, state,"
        " due_at, owner, fence, slots, notify, orcpt, hold_reason, changed_at, held_by, held_until)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [
            (
                new.id,
                number,
                new.tenant_id,
                campaign_id,
                subscriber_ids[number],
                r.recipient.address,
                r.recipient.domain,
                int(states[number]),
                *_due(new, states[number], claim if claimed else None),
                encoded(dict(r.slots)) if r.slots else "",
                r.recipient.notify,
                r.recipient.orcpt,
                PACED if number in later else _why(r.hold, held_by[number]),
                new.accepted_at,
                held_by[number],
                later.get(number, _until(r.hold, held_by[number])),
            )
            for number, r in enumerate(new.recipients)
        ],
    )
    events.accepted(conn, new.tenant_id, new.id, campaign_id, len(states), _story(new, states), new.accepted_at)
    return Enqueued(
        campaign_id,
        states,
        subscriber_ids,
        claimed,
        counts.give_back,
        counts.moved,
        shared,
        counts.refused,
    )


def _why(hold: Hold | None, held_by: int) -> str:
    return hold.why if hold is not None and held_by & holds.POLICY else ""


def _until(hold: Hold | None, held_by: int) -> float | None:
    return hold.until if hold is not None and held_by & holds.POLICY else None


def _due(new: NewSubmission, state: State, claim: Claim | None) -> tuple[float, str | None, int]:
    """(due_at, owner, fence) of a fresh row."""
    if claim is not None and state is State.READY:
        return claim.until, claim.owner, 1
    return new.due_at, None, 0


def _story(new: NewSubmission, states: tuple[State, ...]) -> dict[str, object]:
    story: dict[str, object] = {}
    held = states.count(State.HELD)
    if held:
        story["held"] = held
        if held < len(states):
            story["which"] = _bits(states)
        # Once it has ended, only this tells that there was a hold.
        kept = {(r.hold.why, r.hold.until) for r in new.recipients if r.hold is not None and lasts(r.hold, new)}
        if new.braked:
            kept.add((WHY, None))
        if kept:
            story["holds"] = [[why, until] for why, until in sorted(kept, key=lambda one: one[0])[:MOST_TOLD]]
    if new.refused:
        story["refused"] = [[r.address, status.reply] for r, status in new.refused]
    if new.taken_out:
        story["taken_out"] = new.taken_out
    return story


def _bits(states: tuple[State, ...]) -> str:
    """Which numbers are held, as bits of a number in hex: once they are let go, only this tells."""
    bits = 0
    for number, state in enumerate(states):
        if state is State.HELD:
            bits |= 1 << number
    return f"{bits:x}"


def _campaign(conn: Tx, new: NewSubmission) -> Campaign | None:
    """The message's campaign: by its content where it is to be staged, else by its name."""
    why = suspicion_of(new)
    found = campaign_of(conn, new, why) if why else None
    if found is None and not new.campaign:
        return None
    stage = stage_of(new)
    if found is None and stage is not None and stage.flow:
        return _not_declined(_flow(conn, new))
    if found is None and stage is not None and new.words is not None:
        found = numbering.for_content(
            conn,
            new.tenant_id,
            new.stream_id,
            new.campaign,
            words=new.words,
            new=not stage.join,
            topic=new.topic,
            from_address=new.from_address,
            subject=new.subject,
            now=new.accepted_at,
        )
    if found is None:
        found = numbering.for_message(
            conn,
            new.tenant_id,
            new.stream_id,
            new.campaign,
            explicit=new.campaign_explicit,
            topic=new.topic,
            from_address=new.from_address,
            subject=new.subject,
            now=new.accepted_at,
        )
    return _not_declined(found)


def _flow(conn: Tx, new: NewSubmission) -> Campaign:
    """The one campaign of a stream whose mail goes as things happen."""
    return numbering.for_message(
        conn,
        new.tenant_id,
        new.stream_id,
        numbering.FLOW,
        explicit=True,
        topic=new.topic,
        from_address=new.from_address,
        subject=new.subject,
        now=new.accepted_at,
    )


def _not_declined(found: Campaign) -> Campaign:
    if found.state == "declined":
        why = f" ({found.why})" if found.why else ""
        raise Refused(refusal("campaign-declined", f"the administrator declined this campaign{why}"))
    return found
