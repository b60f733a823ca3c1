"""``/account/campaigns/{id}/recipients``: each recipient with what became of their copy; search, and all as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.audit import actions
from relay.campaigns.campaigns import Campaign
from relay.lists.consent_book import iso
from relay.lists.list_write import escape
from relay.queue import campaign_copies
from relay.queue.campaign_copies import CampaignCopy, CopyPlace
from relay.store.pool import Storage
from relay.values.errors import RegistryError
from relay.web.account.campaigns import find
from relay.web.export import MOST, STEP, Export, csv_rows
from relay.web.inside.gate import PageRequest, act, show

LENGTH: Final = 50
COLUMNS: Final = ("email", "state", "status", "reason", "attempts", "accepted_at", "changed_at", "message", "remote")
_PLACE: Final = re.compile(r"(\d{1,19})\.(-1|\d{1,9})")


def listing(asked: PageRequest) -> Response:
    """In the order they came. A page may hold fewer than there is room for, and still name a next one."""
    search, state = asked.query("search"), asked.query("state", 20)
    state = state if state in campaign_copies.STATES else ""
    place = _PLACE.fullmatch(asked.query("after", 40))
    after = None if place is None or int(place[1]) >= 1 << 63 else (int(place[1]), int(place[2]))
    with asked.context.storage.read() as conn:
        row = find(conn, asked)
        rows, reached = campaign_copies.page(conn, row, search, state, after, LENGTH)
    wanted = {name: value for name, value in (("search", search), ("state", state)) if value}
    values = {
        "row": row,
        "rows": rows,
        "search": search,
        "state": state,
        "states": campaign_copies.STATES,
        "following": urlencode({**wanted, "after": f"{reached[0]}.{reached[1]}"}) if reached else "",
        "may_export": asked.visitor.may(Deed.TAKE),
    }
    return asked.page("account/copies.html", values)


def export(asked: PageRequest) -> Response:
    """All that the search finds; who took it is in the audit log."""
    context, search, state = asked.context, asked.field("search", 320), asked.field("state", 20)
    state = state if state in campaign_copies.STATES else ""
    place = ("export", asked.tenant_id)
    if not context.running.take(place, MOST):
        raise RegistryError(f"{MOST} exports are running; one has to end first")
    try:
        with context.storage.write() as conn:
            row = find(conn, asked)
            told = {"what": "recipients", "campaign": row.id}
            actions.record(conn, asked.visitor.shown, "people-exported", asked.tenant_id, told, asked.now)
            asked.note(conn, "did", f"campaign {row.id}: recipients exported")
    except BaseException:
        context.running.give_back(place)
        raise
    lines = _lines(context.storage, row, search, state)
    return Export(lines, "csv", lambda: context.running.give_back(place), name=f"campaign-{row.id}")


ROUTES = [
    show("/account/campaigns/{id}/recipients", listing, Deed.SEE),
    act("/account/campaigns/{id}/recipients/export", export, Deed.TAKE),
]


def _lines(storage: Storage, row: Campaign, search: str, state: str) -> Iterator[bytes]:
    yield csv_rows([COLUMNS])
    after: CopyPlace | None = None
    while True:
        with storage.read() as conn:
            rows, after = campaign_copies.page(conn, row, search, state, after, STEP)
        if rows:
            yield csv_rows([_fields(one) for one in rows])
        if after is None:
            return


def _fields(one: CampaignCopy) -> list[str]:
    told = (one.email, one.state, one.status, one.reason, one.attempts)
    more = (iso(one.accepted_at), iso(one.changed_at), one.message, one.remote)
    return [escape(each) for each in (*told, *more)]
