"""Where tracked links lead to: the tenant's own host, else one apart for who is new, else the relay's (R33)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from relay.tenants.domains import LINKS_LABEL


@dataclass(frozen=True, slots=True)
class TrackingHosts:
    """Base addresses, without a slash at their end."""

    base_url: str
    apart_url: str = ""
    tenant_hosts: bool = True

    def of(self, own_domain: str, proved: bool) -> str:
        """``own_domain``: the tenant's, if its CNAME is in place, else ``""``; ``proved``: a campaign was released."""
        if own_domain and self.tenant_hosts:
            parts = urlsplit(self.base_url)
            port = f":{parts.port}" if parts.port else ""
            return f"{parts.scheme}://{LINKS_LABEL}.{own_domain}{port}"
        return self.base_url if proved or not self.apart_url else self.apart_url
