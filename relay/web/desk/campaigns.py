"""``/desk/`` and ``/desk/campaigns/…``: what waits for a decision, one campaign with its content, and deciding."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.campaigns import campaigns, figures, record, refusals
from relay.campaigns.campaigns import Campaign
from relay.exemplars import keep as exemplars
from relay.exemplars import look
from relay.lists import fates, runs
from relay.lists.runs import ImportRun
from relay.queue import held, verdict_letters, verdicts
from relay.store.contract import Tx
from relay.tenants import streams, tenants
from relay.tracking import figures as tracking
from relay.values.errors import RegistryError
from relay.web.inside import counts, graphs, rates
from relay.web.inside.frame import framed
from relay.web.inside.gate import PageRequest, act, show
from relay.web.inside.script import KEYS

LENGTH: Final = 100
"""More don't wait: a person decides each of them."""
MOST_LISTS: Final = 8
AT_ONCE_S: Final = 3.0
"""So long copies are worked off before the page is answered; the mail process does the rest within a minute."""


def waiting(asked: PageRequest) -> Response:
    """Those to be decided, the one that waits longest first; below them those that are being watched."""
    with asked.context.storage.read() as conn:
        asking = campaigns.undecided(conn, ("undecided", "stopped"), LENGTH)
        watched = campaigns.undecided(conn, ("staged", "watching"), LENGTH)
        values = {
            "asking": [(one, campaigns.held(conn, one.id)) for one in asking],
            "watched": [(one, campaigns.held(conn, one.id)) for one in watched],
            "names": names(conn, {one.tenant_id for one in (*asking, *watched)}),
            "script": KEYS,
        }
    return asked.page("desk/waiting.html", values)


def names(conn: Tx, wanted: set[int]) -> dict[int, str]:
    """What tenants are called, by their ids."""
    return {one: tenants.by_id(conn, one).shown for one in wanted}


def one(asked: PageRequest) -> Response:
    """Everything that a decision rests on."""
    return _page(asked)


def content(asked: PageRequest) -> Response:
    """The copy's HTML, for the frame."""
    with asked.context.storage.read() as conn:
        document = look.page_of(conn, _find(conn, asked).id, asked.context.settings.links.base_url)
    if document is None:
        raise HTTPException(404)
    return framed(document)


def release(asked: PageRequest) -> Response:
    reason = asked.field("reason", verdicts.MAX_WHY) or "released by the administrator"
    return _decide(asked, verdicts.release, reason)


def decline(asked: PageRequest) -> Response:
    return _decide(asked, verdicts.decline, asked.field("reason", verdicts.MAX_WHY))


def stop(asked: PageRequest) -> Response:
    """Hold all of it, also of one that was released, until somebody decides."""
    reason = asked.field("reason", verdicts.MAX_WHY)
    if not reason:
        return _page(asked, "desk.reason_missing", 422)
    with asked.context.storage.write() as conn:
        row = _find(conn, asked)
        if not verdicts.stop(conn, row.id, asked.visitor.shown, reason, asked.now, own=True):
            raise RegistryError(f"campaign {row.id} is {row.state} already")
        verdict_letters.tell(conn, asked.context.office.operator, row.id, "stopped", reason, asked.now)
        asked.note(conn, "did", f"campaign {row.id}: stopped")
    return asked.to(f"/desk/campaigns/{row.id}")


ROUTES = [
    show("/desk/", waiting, Deed.DESK),
    show("/desk/campaigns/{id}", one, Deed.DESK),
    show("/desk/campaigns/{id}/content", content, Deed.JUDGE),
    act("/desk/campaigns/{id}/release", release, Deed.JUDGE),
    act("/desk/campaigns/{id}/decline", decline, Deed.JUDGE),
    act("/desk/campaigns/{id}/stop", stop, Deed.JUDGE),
]


def _decide(asked: PageRequest, verdict: Callable[..., int], reason: str) -> Response:
    """As the command does it: in short transactions, and with a letter where it was declined."""
    if not reason:
        return _page(asked, "desk.reason_missing", 422)
    storage, declined = asked.context.storage, verdict is verdicts.decline
    with storage.write() as conn:
        row = _find(conn, asked)
        left = verdict(conn, row.id, asked.visitor.shown, reason, asked.now, most=verdicts.CHUNK)
        if declined:
            verdict_letters.tell(conn, asked.context.office.operator, row.id, "declined", reason, asked.now)
        asked.note(conn, "did", f"campaign {row.id}: {'declined' if declined else 'released'}")
    until = time.monotonic() + AT_ONCE_S
    while left and time.monotonic() < until:
        with storage.write() as conn:
            left = verdicts.work_off(conn, row.id, asked.now)
    return asked.to(f"/desk/campaigns/{row.id}")


def _page(asked: PageRequest, fault: str = "", status: int = 200) -> Response:
    judges = asked.visitor.may(Deed.JUDGE)
    with asked.context.storage.read() as conn:
        row = _find(conn, asked)
        tenant = tenants.by_id(conn, row.tenant_id)
        links = asked.context.settings.links.base_url
        values: dict[str, Any] = {
            "row": row,
            "tenant": tenant,
            "stream": next((s.name for s in streams.of_tenant(conn, tenant.id) if s.id == row.stream_id), ""),
            "figures": figures.of_campaign(conn, row, counts.deferred(asked, row)),
            "rates": rates.of_campaign(row),
            "holds": held.of_campaign(conn, row.id, held.terms_of(asked.context.settings)),
            "record": record.of(conn, tenant.id, asked.now),
            "refused": refusals.of_campaign(conn, tenant.id, row.id),
            "seen": tracking.of_campaign(conn, row.id),
            "graphs": graphs.of_campaign(conn, row),
            "lists": _lists(conn, row),
            "judges": judges,
            "fault": fault,
            "decided": row.state in ("released", "declined"),
            "script": KEYS,
            **_neighbours(conn, row.id),
            "copy": exemplars.of_campaign(conn, row.id, links, asked.now) if judges else None,
        }
    if judges and not fault:
        with asked.context.storage.write() as conn:
            asked.note(conn, "looked", f"campaign {row.id}: content")
    return asked.page("desk/campaign.html", values, status)


def _lists(conn: Tx, row: Campaign) -> list[tuple[ImportRun, Counter[str]]]:
    """The latest lists that were handed in for its topic, each with what became of mail to its people."""
    found = runs.of_topic(conn, row.tenant_id, row.topic, MOST_LISTS)
    return [(one, fates.of_import(conn, one.id)) for one in found]


def _neighbours(conn: Tx, campaign_id: int) -> dict[str, int | None]:
    """The campaigns before and after it among those to be decided."""
    ids = [one.id for one in campaigns.undecided(conn, ("undecided", "stopped"), LENGTH)]
    if campaign_id not in ids:
        return {"before": None, "after": ids[0] if ids else None}
    place = ids.index(campaign_id)
    return {"before": ids[place - 1] if place else None, "after": ids[place + 1] if place + 1 < len(ids) else None}


def _find(conn: Tx, asked: PageRequest) -> Campaign:
    try:
        return campaigns.by_id(conn, asked.number())
    except RegistryError:
        raise HTTPException(404) from None
