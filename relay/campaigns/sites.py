"""Sites that send no complaints back: of mail there, silence says nothing (R12)."""

from __future__ import annotations

from typing import Final

AS_OF: Final = "2026-11"
DOMAINS: Final = frozenset(
    (
        "gmail.com", "googlemail.com", "icloud.com", "me.com", "mac.com", "gmx.de", "gmx.net", "gmx.at",
        "gmx.ch", "gmx.com", "web.de", "1und1.de", "t-online.de", "freenet.de", "posteo.de", "mailbox.org",
        "proton.me", "protonmail.com", "pm.me", "tutanota.com", "tuta.com", "ukr.net", "i.ua", "meta.ua",
        "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr", "neuf.fr", "libero.it",
        "virgilio.it", "qq.com", "163.com", "126.com", "naver.com", "fastmail.com", "zoho.com", "hey.com",
    )
)  # fmt: skip
"""No feedback loop by message: none at all, or (Google) sums alone that name no campaign of ours."""
_HOSTS: Final = (".google.com [", ".googlemail.com [", ".protonmail.ch [", ".mail.icloud.com [", ".kundenserver.de [")
"""Ends of the names of hosts that take mail for other domains, as ``Result.remote`` has them."""


def blind(domain: str, remote: str) -> bool:
    """Whether no complaint would come back from there. ``domain``: the recipient's; ``remote``: ``host [address]``."""
    return domain in DOMAINS or any(host in remote for host in _HOSTS)
