"""All pages of the desk."""

from __future__ import annotations

from relay.web.desk import campaigns, tenants

ROUTES = [*campaigns.ROUTES, *tenants.ROUTES]
