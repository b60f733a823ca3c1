"""Which domains are one mailbox provider, as far as its complaints go: pure text.

A provider's feedback loop is for all of its domains, so a report on a copy to
one of them says that it reports for the others too.
"""

from __future__ import annotations

from typing import Final

_FAMILIES: Final[dict[str, str]] = {
    # Microsoft's JMRP (sendersupport.olc.protection.outlook.com/snds)
    **dict.fromkeys(("outlook", "hotmail", "live", "msn", "passport", "windowslive"), "outlook.com"),
    # Yahoo's complaint feedback loop, which is AOL's too (senders.yahooinc.com)
    **dict.fromkeys(("yahoo", "ymail", "rocketmail", "aol", "aim", "verizon"), "yahoo.com"),
}
# VK's (postmaster.mail.ru)
_RUSSIAN: Final = frozenset(("mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru", "xmail.ru"))
_COUNTRY: Final = frozenset(("com", "co", "net", "org"))


def site_of(domain: str) -> str:
    """The provider's first domain for one of its own (``hotmail.co.uk`` → ``outlook.com``), else the domain."""
    name = domain.lower().rstrip(".")
    if name in _RUSSIAN:
        return "mail.ru"
    labels = name.split(".")
    public = len(labels) == 2 or (len(labels) == 3 and labels[1] in _COUNTRY)
    return (_FAMILIES.get(labels[0], "") if public else "") or name
