"""All pages of the account."""

from __future__ import annotations

from relay.web.account import me, start

ROUTES = [*start.ROUTES, *me.ROUTES]
