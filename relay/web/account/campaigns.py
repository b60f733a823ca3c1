"""``/account/campaigns``: all of them, and one with its figures, reasons and an end to it."""

from __future__ import annotations

from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.campaigns import campaigns, figures, refusals
from relay.campaigns.campaigns import Campaign
from relay.queue import held, verdicts
from relay.store.contract import Tx
from relay.tenants import streams
from relay.tracking import figures as tracking
from relay.values.errors import RegistryError
from relay.web.inside import counts, graphs, rates
from relay.web.inside.gate import PageRequest, act, show

LENGTH: Final = 25


def listing(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        rows = campaigns.page(conn, asked.tenant_id, asked.before(), LENGTH + 1)
    following = rows[LENGTH - 1].id if len(rows) > LENGTH else None
    return asked.page("account/campaigns.html", {"latest": rows[:LENGTH], "following": following})


def one(asked: PageRequest) -> Response:
    return _page(asked)


def stop(asked: PageRequest) -> Response:
    """Hold all that hasn't left; the operator lets it go on, or declines it."""
    reason = asked.field("reason", verdicts.MAX_WHY)
    if not reason:
        return _page(asked, "desk.reason_missing", 422)
    with asked.context.storage.write() as conn:
        row = find(conn, asked)
        if not verdicts.stop(conn, row.id, asked.visitor.shown, reason, asked.now, own=True):
            raise RegistryError(f"campaign {row.id} is {row.state} already")
        asked.note(conn, "did", f"campaign {row.id}: stopped")
    return asked.to(f"/account/campaigns/{row.id}")


ROUTES = [
    show("/account/campaigns", listing, Deed.SEE),
    show("/account/campaigns/{id}", one, Deed.SEE),
    act("/account/campaigns/{id}/stop", stop, Deed.CHANGE),
]


def _page(asked: PageRequest, fault: str = "", status: int = 200) -> Response:
    with asked.context.storage.read() as conn:
        row = find(conn, asked)
        values: dict[str, Any] = {
            "row": row,
            "stream": next((s.name for s in streams.of_tenant(conn, row.tenant_id) if s.id == row.stream_id), ""),
            "figures": figures.of_campaign(conn, row, counts.deferred(asked, row)),
            "rates": rates.of_campaign(row),
            "holds": held.of_campaign(conn, row.id, held.terms_of(asked.context.settings)),
            "refused": refusals.of_campaign(conn, row.tenant_id, row.id),
            "seen": tracking.of_campaign(conn, row.id),
            "graphs": graphs.of_campaign(conn, row),
            "fault": fault,
            "may_stop": asked.visitor.may(Deed.CHANGE) and row.state not in ("declined", "stopped"),
        }
    return asked.page("account/campaign.html", values, status)


def find(conn: Tx, asked: PageRequest) -> Campaign:
    """The tenant's own; of another's nobody learns that it is there."""
    try:
        row = campaigns.by_id(conn, asked.number())
    except RegistryError:
        row = None
    if row is None or row.tenant_id != asked.tenant_id:
        raise HTTPException(404)
    return row
