"""``/desk/people``: what people asked of tenants and wait for: those who say that they never agreed."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.contests import rows
from relay.contests.told import told
from relay.web.desk.campaigns import names
from relay.web.inside.gate import PageRequest, show

LENGTH: Final = 50


def asking(asked: PageRequest) -> Response:
    """Of all tenants; the newest first."""
    with asked.context.storage.read() as conn:
        found = rows.undecided(conn, asked.before(), LENGTH + 1)
        shown = list(zip(told(conn, found[:LENGTH]), [one.tenant_id for one in found], strict=False))
        called = names(conn, {one.tenant_id for one in found})
    following = found[LENGTH - 1].id if len(found) > LENGTH else None
    values = {"rows": shown, "names": called, "following": following, "now": asked.now}
    return asked.page("desk/people.html", values)


ROUTES = [show("/desk/people", asking, Deed.DESK)]
