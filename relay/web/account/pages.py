"""All pages of the account."""

from __future__ import annotations

from relay.accounts.roles import Deed
from relay.web.account import (
    announcements,
    campaigns,
    contests,
    copies,
    domains,
    export,
    forms,
    imports,
    keys,
    me,
    messages,
    passkeys,
    people,
    plan,
    rights,
    send,
    send_form,
    start,
    statements,
    support,
    suppressions,
    templates,
    topics,
)
from relay.web.inside import people as log_ins

ROUTES = [
    *start.ROUTES,
    *send_form.ROUTES,
    *send.ROUTES,
    *templates.ROUTES,
    *campaigns.ROUTES,
    *copies.ROUTES,
    *messages.ROUTES,
    *people.ROUTES,
    *rights.ROUTES,
    *imports.ROUTES,
    *export.ROUTES,
    *forms.ROUTES,
    *topics.ROUTES,
    *suppressions.ROUTES,
    *contests.ROUTES,
    *domains.ROUTES,
    *keys.ROUTES,
    *support.ROUTES,
    *announcements.ROUTES,
    *statements.ROUTES,
    *plan.ROUTES,
    *log_ins.routes("/account", Deed.OWN),
    *me.ROUTES,
    *passkeys.ROUTES,
]
