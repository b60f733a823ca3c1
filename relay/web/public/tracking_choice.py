"""Tracking on or off on a person's preferences page: a consent of its own, given by a box of its own (R33)."""

from __future__ import annotations

from starlette.requests import Request

from relay.mail.address import parse_address
from relay.people.consent_rules import PREFERENCES, known_ip
from relay.store.contract import Tx
from relay.tracking import consents as track
from relay.tracking.consents import Law, TrackingConsent
from relay.web.context import Context, evidence
from relay.web.people import Person
from relay.web.views import spoken


def shown(law: Law, consent: TrackingConsent) -> dict[str, object]:
    """For the page: whether the person is tracked, and since when it has agreed."""
    usual = law == "tenant" and consent.withdrawn_at is None
    return {"tracked": consent.live or usual, "tracked_since": consent.given_at if consent.live else None}


def choose(conn: Tx, request: Request, person: Person, wanted: str, *, agreed: bool) -> str:
    """``wanted`` is ``on`` or ``off``; on only where the box beside its words was ticked. The notice's key."""
    context, told = Context.of(request), evidence(request)
    now, language = context.clock(), spoken(request.scope)
    if wanted == "off":
        track.withdraw(conn, person.tenant_id, person.subscriber_id, means=PREFERENCES, now=now, evidence=told)
        return "track.saved_off"
    if wanted != "on" or not agreed:
        return "track.unticked"
    track.give(
        conn,
        context.secrets,
        person.tenant_id,
        parse_address(person.address),
        source="preferences page",
        wording=language.plain("track.wording", tenant=person.tenant),
        means=PREFERENCES,
        given_at=now,
        now=now,
        ip=known_ip(told["ip"]),
        language=language.code,
        actor="page",
        evidence={"agent": told["agent"]},
    )
    return "track.saved_on"
