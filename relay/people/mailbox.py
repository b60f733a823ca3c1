"""Which addresses are one mailbox, as its provider sees it: pure text, for stopping mail only.

Many providers deliver several spellings to one person. A withdrawal or a
suppression of one of them stops them all; a consent never spreads (R1, R8;
docs/decisions/0010-same-mailbox.md). Only what a provider documents for a
domain of its own stands here; everyone else's addresses are taken as written.
A change of this table needs a migration that makes ``subscriber.mailbox`` anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Provider:
    """How a provider reads a local part; ``domain`` stands for all of its domains that are one."""

    domain: str
    ignored: str = ""
    """Characters that make no difference."""
    dot: str = "."
    """What a dot counts as."""
    tag: str = "+"
    """What begins the part that the owner chooses freely."""


# Gmail: dots make no difference, googlemail.com is gmail.com, `+` begins a tag
# (support.google.com/mail: "Dots don't matter in Gmail addresses", "Create a filter or alias with +").
_GMAIL: Final = Provider("gmail.com", ignored=".")
# Yandex: every mailbox has the same name on all its domains, a dot in it is a hyphen, `+` begins a tag
# (yandex.com/support/mail: "Mailbox aliases", "Email aliases").
_YANDEX: Final = Provider("yandex.ru", dot="-")
# Proton: dots, hyphens and underscores make no difference, one name on all domains, `+` begins a tag
# (proton.me/support: "Addresses and aliases").
_PROTON: Final = Provider("proton.me", ignored=".-_")
# Apple: an account of mac.com or me.com is the same on icloud.com, `+` begins a tag
# (support.apple.com: "Use @icloud.com, @me.com and @mac.com", "Email aliases").
_APPLE: Final = Provider("icloud.com")
# Each of these domains stands for itself and knows `+` tags: Microsoft (support.microsoft.com: "Plus addressing"),
# Fastmail (fastmail.help: "Plus addressing"), mailbox.org, Posteo, Zoho, HEY.
_PLUS: Final = (
    "outlook.com hotmail.com live.com msn.com passport.com outlook.at outlook.be outlook.cz outlook.de"
    " outlook.dk outlook.es outlook.fr outlook.hu outlook.ie outlook.it outlook.lv outlook.pt outlook.sk"
    " outlook.com.br outlook.com.tr hotmail.at hotmail.be hotmail.ca hotmail.co.uk hotmail.com.br"
    " hotmail.com.tr hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fr hotmail.hu hotmail.ie"
    " hotmail.it hotmail.lv hotmail.pt hotmail.se hotmail.sk live.at live.be live.ca live.co.uk live.de"
    " live.dk live.es live.eu live.fr live.ie live.it live.nl live.ru live.se fastmail.com fastmail.fm"
    " mailbox.org posteo.de zoho.com zohomail.com hey.com"
)
# Yahoo: the owner's disposable addresses are `base-keyword`, and no other name has a hyphen
# (help.yahoo.com: "Manage disposable email addresses"). The base itself is no mailbox, so the hyphen stays.
_YAHOO: Final = (
    "yahoo.com ymail.com rocketmail.com yahoo.ca yahoo.co.uk yahoo.de yahoo.es yahoo.fr yahoo.ie yahoo.in yahoo.it"
)

PROVIDERS: Final[dict[str, Provider]] = {
    "gmail.com": _GMAIL,
    "googlemail.com": _GMAIL,
    **dict.fromkeys(("yandex.ru", "ya.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua"), _YANDEX),
    **dict.fromkeys(("proton.me", "protonmail.com", "protonmail.ch", "pm.me"), _PROTON),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), _APPLE),
    **{domain: Provider(domain) for domain in _PLUS.split()},
    **{domain: Provider(domain, tag="-") for domain in _YAHOO.split()},
}


def mailbox_of(canonical: str) -> str | None:
    """The key that all spellings of one mailbox share; None where no other spelling is known.

    Takes a canonical address (``relay.mail.address.Address.canonical``).
    """
    local, _, domain = canonical.rpartition("@")
    provider = PROVIDERS.get(domain)
    if provider is None or local[:1] == '"':
        return None
    base, tag, _ = local.partition(provider.tag)
    for character in provider.ignored:
        base = base.replace(character, "")
    if provider.dot != ".":
        base = base.replace(".", provider.dot)
    if not base:
        return None
    return f"{base}{tag if provider.tag == '-' else ''}@{provider.domain}"
