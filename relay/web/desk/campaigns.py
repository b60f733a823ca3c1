"""``/desk/``: campaigns that wait for somebody's decision, and those that are being watched."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.campaigns import campaigns
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.web.inside.gate import PageRequest, show

LENGTH: Final = 100
"""More don't wait: a person decides each of them."""


def waiting(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        asking = campaigns.undecided(conn, ("undecided", "stopped"), LENGTH)
        watched = campaigns.undecided(conn, ("staged", "watching"), LENGTH)
        values = {
            "asking": [(one, campaigns.held(conn, one.id)) for one in asking],
            "watched": [(one, campaigns.held(conn, one.id)) for one in watched],
            "names": names(conn, {one.tenant_id for one in (*asking, *watched)}),
        }
    return asked.page("desk/waiting.html", values)


def names(conn: Tx, wanted: set[int]) -> dict[int, str]:
    """What tenants are called, by their ids."""
    return {one: tenants.by_id(conn, one).shown for one in wanted}


ROUTES = [show("/desk/", waiting, Deed.DESK)]
