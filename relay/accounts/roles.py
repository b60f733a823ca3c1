"""Who may do what (R30): one table for pages and tests. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class LoginRole(StrEnum):
    """What somebody is to a tenant (the first three), or to the operator."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    SUPPORT = "support"


class Deed(StrEnum):
    """What a page lets people do."""

    SELF = "self"
    """See to one's own log-in."""
    SEE = "see"
    """The tenant's figures, campaigns, messages and people."""
    CHANGE = "change"
    """Work with them: stop a campaign, lists, suppressions, consents."""
    TAKE = "take"
    """Take along what is the tenant's, answer and write to the operator."""
    OWN = "own"
    """What opens the account to others: credentials, tokens, webhooks, domains, log-ins."""
    DESK = "desk"
    """The operator's desk: tenants, their standing, campaigns with their figures."""
    JUDGE = "judge"
    """Read the content of campaigns and decide on them."""
    OPERATE = "operate"
    """Freeze, warn, terminate; plans; log-ins; the log."""


TENANT_ROLES: Final = (LoginRole.OWNER, LoginRole.EDITOR, LoginRole.VIEWER)
STAFF_ROLES: Final = (LoginRole.OPERATOR, LoginRole.REVIEWER, LoginRole.SUPPORT)
MAY: Final[Mapping[LoginRole, frozenset[Deed]]] = {
    LoginRole.OWNER: frozenset({Deed.SELF, Deed.SEE, Deed.CHANGE, Deed.TAKE, Deed.OWN}),
    LoginRole.EDITOR: frozenset({Deed.SELF, Deed.SEE, Deed.CHANGE, Deed.TAKE}),
    LoginRole.VIEWER: frozenset({Deed.SELF, Deed.SEE}),
    LoginRole.OPERATOR: frozenset({Deed.SELF, Deed.DESK, Deed.JUDGE, Deed.OPERATE}),
    LoginRole.REVIEWER: frozenset({Deed.SELF, Deed.DESK, Deed.JUDGE}),
    LoginRole.SUPPORT: frozenset({Deed.SELF, Deed.DESK}),
}
ONCE_CLOSED: Final = frozenset({Deed.SELF, Deed.SEE, Deed.TAKE})
"""What is left to people of a tenant whose account was terminated (R24): reading, taking along, objecting."""
