"""Settings of what is told of plans."""

from __future__ import annotations

from config.kinds import Table, key


class QuotaSettings(Table):
    """When tenants hear by event (`quota.near`), webhook and mail that their plan's end is near: once a period."""

    near: int = key(80, "Percent of a plan's messages or subscribers that are used; told again at 100.", ge=1, le=100)
