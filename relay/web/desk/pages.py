"""All pages of the desk."""

from __future__ import annotations

from relay.accounts.roles import Deed
from relay.web.desk import (
    announcements,
    campaigns,
    health,
    log,
    people,
    queue,
    registrations,
    reports,
    support,
    tenants,
)
from relay.web.inside import people as log_ins

ROUTES = [
    *campaigns.ROUTES,
    *tenants.ROUTES,
    *registrations.ROUTES,
    *reports.ROUTES,
    *support.ROUTES,
    *announcements.ROUTES,
    *people.ROUTES,
    *queue.ROUTES,
    *health.ROUTES,
    *log.ROUTES,
    *log_ins.routes("/desk", Deed.OPERATE),
]
