"""All pages of the desk."""

from __future__ import annotations

from relay.accounts.roles import Deed
from relay.web.desk import campaigns, log, reports, tenants
from relay.web.inside import people as log_ins

ROUTES = [*campaigns.ROUTES, *tenants.ROUTES, *reports.ROUTES, *log.ROUTES, *log_ins.routes("/desk", Deed.OPERATE)]
