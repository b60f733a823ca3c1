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
from relay.ledger import counters
from relay.mail.status import Status, refusal
from relay.people import apart, consents
from relay.pipeline.contract import Add, AddDistinct
from relay.queue import holds
from relay.queue.stage import lasts, stage_of, states_of
from relay.queue.values import Claim, Enqueued, NewSubmission
from relay.store.contract import Tx
from relay.values.states import State


class Refused(Exception):
    """A condition no longer holds; ``status`` is the reply. Nothing was kept."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.reply)
        self.status = status


MOST_TOLD: Final = 20
"""Different holds of one message that its event names."""


def enqueue(conn: Tx, new: NewSubmission, claim: Claim | None) -> Enqueued:
    """Store the submission; raises Refused if an effect's condition fails."""
    campaign = _campaign(conn, new)
    campaign_id = None if campaign is None else campaign.id
    first = 0 if campaign_id is None else numbering.allot(conn, campaign_id, len(new.recipients))
    counted, give_back = _count(conn, new)
    subscriber_ids = tuple(
        r.recipient.standing.subscriber_id
        or consents.subscriber(conn, new.tenant_id, r.recipient.canonical, new.accepted_at)
        for r in new.recipients
    )
    _count_distinct(conn, new, subscriber_ids, counted)
    states, held_by = states_of(conn, new, campaign, first)
    shared = new.shared and not apart.any_of(conn, subscriber_ids, new.accepted_at)
    claimed = claim is not None and new.due_at <= new.accepted_at and State.READY in states
    conn.execute(
        "INSERT INTO submission (id, tenant_id, stream_id, campaign_id, topic, reverse_path, message_id, from_domain,"
        " subject, size_octets, accepted_at, expires_at, open_recipients, ret, envid, tag, meta, give_back, client,"
        " shared)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
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
            give_back,
            new.client,
            int(shared),
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
                r.hold.why if r.hold is not None and held_by[number] & holds.POLICY else "",
                new.accepted_at,
                held_by[number],
                r.hold.until if r.hold is not None and held_by[number] & holds.POLICY else None,
            )
            for number, r in enumerate(new.recipients)
        ],
    )
    events.accepted(conn, new.tenant_id, new.id, campaign_id, len(states), _story(new, states), new.accepted_at)
    return Enqueued(campaign_id, states, subscriber_ids, claimed, give_back, counted, shared)


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
        # Once it has ended, only this tells that there was a hold.
        kept = {(r.hold.why, r.hold.until) for r in new.recipients if r.hold is not None and lasts(r.hold, new)}
        if kept:
            story["holds"] = [[why, until] for why, until in sorted(kept, key=lambda one: one[0])[:MOST_TOLD]]
    if new.refused:
        story["refused"] = [[r.address, status.reply] for r, status in new.refused]
    if new.taken_out:
        story["taken_out"] = new.taken_out
    return story


def _campaign(conn: Tx, new: NewSubmission) -> Campaign | None:
    """The message's campaign: by its content where it is to be staged, else by its name."""
    if not new.campaign:
        return None
    found: Campaign | None = None
    stage = stage_of(new)
    if stage is not None and new.words is not None:
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
    if found.state == "declined":
        why = f" ({found.why})" if found.why else ""
        raise Refused(refusal("campaign-declined", f"the administrator declined this campaign{why}"))
    return found


def _count(conn: Tx, new: NewSubmission) -> tuple[dict[str, int], str]:
    """Add up and apply the counters: by how much each moved, and the one that unsent copies go back to."""
    sums: dict[str, int] = {}
    last: dict[str, Add] = {}
    for r in new.recipients:
        for effect in r.effects:
            if isinstance(effect, Add):
                sums[effect.counter] = sums.get(effect.counter, 0) + effect.amount
                last[effect.counter] = effect
    for counter, effect in last.items():
        _add(conn, new.tenant_id, counter, sums[counter], effect.limit, effect.refused)
    return sums, next((counter for counter, effect in last.items() if effect.gives_back), "")


def _add(conn: Tx, tenant_id: int, counter: str, amount: int, limit: int | None, no: Status) -> None:
    if not counters.add(conn, tenant_id, counter, amount, limit):
        raise Refused(no)


def _count_distinct(conn: Tx, new: NewSubmission, subscriber_ids: tuple[int, ...], counted: dict[str, int]) -> None:
    for number, r in enumerate(new.recipients):
        for effect in r.effects:
            if not isinstance(effect, AddDistinct) or r.recipient.standing.counted:
                continue
            if counters.first(conn, new.tenant_id, effect.counter, subscriber_ids[number]):
                _add(conn, new.tenant_id, effect.counter, 1, effect.limit, effect.refused)
                counted[effect.counter] = counted.get(effect.counter, 0) + 1
