"""Settings of the API: how often programs may ask."""

from __future__ import annotations

from config.kinds import Count, Table, key


class ApiSettings(Table):
    """How fast the API may be asked; each answer tells it in its `RateLimit` fields, past it 429 with `Retry-After`."""

    requests_per_second: Count = key(1000, "Requests a second of one tenant, all its tokens together.", ge=1)
    requests_burst: Count = key(2000, "So many at once, after a pause.", ge=1)
    unknown_per_second: Count = key(
        20, "Requests a second of one address (IPv6: /64) without a token in force; none of a tenant's.", ge=1
    )
    unknown_burst: Count = key(500, "So many at once, after a pause.", ge=1)
