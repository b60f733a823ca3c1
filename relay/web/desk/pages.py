"""All pages of the desk."""

from __future__ import annotations

from relay.web.desk import campaigns

ROUTES = [*campaigns.ROUTES]
