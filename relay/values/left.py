"""Did this person leave? The one rule for it, on what is known of the person at one moment (R3, R8).

It is asked at RCPT, at the re-check before delivery, and through
``relay.people.left`` by whoever records consents: lists, forms, the API, hand.
"""

from __future__ import annotations

from relay.values.facts import Reason, Standing


def left_at(standing: Standing, topic: str) -> float | None:
    """When the person last ended a topic, seconds UTC; None if it stands open.

    What the person ended counts until it came back to this very topic: by a
    live consent given after it, which a withdrawal of any spelling of the
    mailbox ends. Whoever ended all mail and came back to one topic has ended
    the others still.
    """
    given_at, end = -1.0, None
    consent = standing.consent(topic) if standing.consents else None
    if consent is not None:
        if consent.live:
            given_at = consent.given_at
        else:
            end = consent.withdrawn_at if consent.withdrawn_at is not None else consent.given_at
    for one in standing.suppressions:
        if one.reason is Reason.UNSUBSCRIBED and not one.stream_id and (one.topic is None or one.topic == topic):
            end = one.since if end is None else max(end, one.since)
    return end if end is not None and end >= given_at else None


def left_all_at(standing: Standing) -> float | None:
    """When the person last ended all mail; None if it never did, or came back to any topic since."""
    back_at = max((consent.given_at for consent in standing.consents if consent.live), default=-1.0)
    everything = [one for one in standing.suppressions if one.topic is None and not one.stream_id]
    ends = [one.since for one in everything if one.reason is Reason.UNSUBSCRIBED]
    end = max(ends, default=None)
    return end if end is not None and end >= back_at else None
