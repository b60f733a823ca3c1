"""No mail without consent (R1, R3, R8), asked at RCPT, at DATA and before delivery.

At RCPT the stream's topic decides; on a stream for several topics any live
consent lets RCPT pass, and the message's own topic decides at DATA. Streams
freed from consent still respect complaints, hard bounces and suppressions by
hand, and who left the topic that a message names; their messages are for few
recipients each (R18a). Of a tenant that is watched, who gave no consent is
counted and taken until the watch ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from policies.settings import PolicyTable
from relay.mail.status import Status, refusal, temporary
from relay.pipeline.contract import (
    PASS,
    Add,
    BasePolicy,
    Continue,
    Defer,
    Message,
    MessageVerdict,
    QueueEntry,
    Reject,
    Transaction,
    Verdict,
)
from relay.values.facts import Reason, Recipient, Standing, Stream, Tenant
from relay.values.left import left_all_at, left_at
from relay.values.nearest import nearest
from relay.values.watch import NOBODY, OTHERS, asked, missing

ANY = "*"
MOST_TOLD = 8
"""Topics that a reply names; a reply line has 512 octets (RFC 5321 §4.5.3.1.5)."""
_COUNTS: Final = refusal("no-consent", "a watch only counts")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def refused(stream: Stream, standing: Standing, topic: str, now: float, *, watched: bool = False) -> Status | None:
    """Why the person must not be mailed on ``topic`` (``*``: on none at all); None if all is well.

    ``watched``: no more than recorded is that there is no consent; whoever left or is suppressed is refused.
    """
    ended = _ended(standing, stream, now) if standing.suppressions else None
    if ended is not None:
        return ended
    if not stream.consent_required:
        left = _unsubscribed(standing, topic) if topic != ANY else None
        return left or _suppressed(standing, stream)
    said = _unsubscribed(standing, topic) or _suppressed(standing, stream)
    return said if said is not None or watched else _without_consent(standing, topic)


@lru_cache(maxsize=4096)
def _seen(watched_at: float, why: str, topic: str) -> Continue:
    """What a watch counts of a recipient; ``why``: that nothing is missing."""
    names = [asked(watched_at)] + ([missing(watched_at, why, topic)] if why else [])
    return Continue(effects=tuple(Add(name, 1, None, _COUNTS, gives_back=False) for name in names))


def _watched(txn: Transaction, topic: str) -> dict[Recipient, Verdict]:
    """Takes everybody who didn't leave, and counts whom the rules would refuse."""
    verdicts: dict[Recipient, Verdict] = {}
    for rcpt in txn.recipients:
        status = refused(txn.stream, rcpt.standing, topic, txn.now, watched=True)
        if status is not None:
            verdicts[rcpt] = Reject(status)
            continue
        why = ""
        if _without_consent(rcpt.standing, topic) is not None:
            why = OTHERS if any(c.live for c in rcpt.standing.consents) else NOBODY
        verdicts[rcpt] = _seen(txn.tenant.watched_at, why, topic)
    return verdicts


def _unsubscribed(standing: Standing, topic: str) -> Status | None:
    everything = left_all_at(standing)
    if everything is not None:
        return refusal("unsubscribed", f"the person unsubscribed from all your mail on {_day(everything)}")
    if topic == ANY:
        gone = [s for s in standing.suppressions if s.reason is Reason.UNSUBSCRIBED and not s.stream_id]
        if any(c.live for c in standing.consents):
            return None
        ends = [s.since for s in gone] + [c.withdrawn_at for c in standing.consents if c.withdrawn_at is not None]
        return refusal("unsubscribed", f"the person unsubscribed on {_day(max(ends))}") if ends else None
    since = left_at(standing, topic)
    return refusal("unsubscribed", f"the person unsubscribed from {topic} on {_day(since)}") if since else None


def _ended(standing: Standing, stream: Stream, now: float) -> Status | None:
    """This stream alone was ended, by the person or by a complaint of which the tenant was told in time."""
    for s in standing.suppressions:
        if s.stream_id == stream.id and s.since <= now:
            if s.reason is Reason.UNSUBSCRIBED:
                return refusal("unsubscribed", f"the person ended the stream {stream.name} on {_day(s.since)}")
            return refusal("suppressed", f"{s.reason} about the stream {stream.name}, since {_day(s.since)}")
    return None


def _suppressed(standing: Standing, stream: Stream) -> Status | None:
    """A complaint ends bulk and service mail; what is essential ends by one about itself (R8)."""
    for s in standing.suppressions:
        if s.stream_id or (stream.essential and s.reason is Reason.COMPLAINT):
            continue
        if s.reason is not Reason.UNSUBSCRIBED:
            return refusal("suppressed", f"{s.reason} since {_day(s.since)}")
    return None


def _without_consent(standing: Standing, topic: str) -> Status | None:
    if topic == ANY:
        if any(c.live for c in standing.consents):
            return None
        return refusal("no-consent", "the person has given you no consent")
    consent = standing.consent(topic)
    if consent is not None and consent.live:
        return None
    return refusal("no-consent", f"the person has given you no consent for {topic}")


def _no_topic(tenant: Tenant, wished: str) -> Status:
    """No topic is named where one is needed, or one that isn't there: most often a slip of the pen."""
    names = [topic if len(topic) <= 40 else f"{topic[:39]}…" for topic in tenant.topics[:MOST_TOLD]]
    more = len(tenant.topics) - len(names)
    there = ", ".join(names) + (f" and {more} more" if more else "") if names else "none yet"
    if not wished:
        return refusal("topic", f"name the message's topic in Relay-Topic; there are: {there}")
    meant = nearest(wished, tenant.topics)
    hint = f", did you mean {meant[:60]}?" if meant else ";"
    return refusal("topic", f"there is no topic {wished[:60]}{hint} there are: {there}")


class Policy(BasePolicy):
    name = "consent"
    protects = "people get mail that they did not agree to, or left"

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        most = table.whole("exempt_recipients", 100, 1, 65_535)
        """Recipients of one message on a stream freed from consent; RFC 5321 §4.5.3.1.8 wants 100 taken."""
        table.done()
        self._most = most
        self._crowd = Defer(
            temporary(52, 5, 3, f"at most {most} recipients a message on this stream: bulk mail needs a bulk stream")
        )

    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        watched = txn.tenant.watched_until > txn.now
        status = refused(txn.stream, rcpt.standing, txn.stream.topic, txn.now, watched=watched)
        if status is not None:
            return Reject(status)
        return PASS if txn.stream.consent_required or len(txn.recipients) < self._most else self._crowd

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        watched = txn.tenant.watched_until > txn.now and txn.stream.consent_required
        if txn.stream.topic == msg.topic != ANY:
            return _watched(txn, msg.topic) if watched else PASS
        if txn.stream.topic != ANY:
            return Reject(refusal("topic", f"this stream is for the topic {txn.stream.topic}, not {msg.topic[:60]}"))
        if not msg.topic:
            return Reject(_no_topic(txn.tenant, "")) if txn.stream.consent_required else PASS
        if msg.topic not in txn.tenant.topics:
            return Reject(_no_topic(txn.tenant, msg.topic))
        if watched:
            return _watched(txn, msg.topic)
        verdicts: dict[Recipient, Verdict] = {}
        for rcpt in txn.recipients:
            status = refused(txn.stream, rcpt.standing, msg.topic, txn.now)
            if status is not None:
                verdicts[rcpt] = Reject(status)
        return verdicts

    def on_release(self, entry: QueueEntry) -> Verdict:
        watched = entry.tenant.watched_until > entry.now
        status = refused(entry.stream, entry.standing, entry.topic or ANY, entry.now, watched=watched)
        return PASS if status is None else Reject(status)
