"""Addresses at which nobody in particular agrees, or that look like a slip of the pen: pure text.

A role address (RFC 2142, and those that machines write from) is read by whoever
has the role, so only its own double opt-in proves a consent (R4). A domain one
letter away from a large mail provider's is asked about.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final


def _split(text: str) -> list[str]:
    return text.split()


ROLES: Final = frozenset(
    _split(
        "info marketing sales support abuse noc security postmaster hostmaster usenet news webmaster www uucp ftp"
        # RFC 2142 §7, and what servers and lists answer from
        " mailer-daemon maildaemon mailerdaemon daemon root admin administrator sysadmin system operator nobody devnull"
        " null no-reply noreply no_reply no.reply do-not-reply donotreply do_not_reply bounce bounces"
        " listserv majordomo list-request owner-list undisclosed-recipients unsubscribe spam phishing phish dns"
        " registrar domainadmin hostmistress postbox-admin ispfeedback ispsupport inoc privacy compliance dpo gdpr tech"
    )
)

_LARGE: Final = _split(
    "gmail.com googlemail.com yahoo.com hotmail.com outlook.com icloud.com protonmail.com yandex.ru"
    " yandex.com rambler.ru t-online.de freenet.de hotmail.fr hotmail.de hotmail.co.uk hotmail.it"
    " hotmail.es yahoo.fr yahoo.de yahoo.co.uk yahoo.es yahoo.it yahoo.co.in orange.fr wanadoo.fr"
    " laposte.net libero.it seznam.cz hotmail.ee outlook.de outlook.fr comcast.net verizon.net"
    " sbcglobal.net bellsouth.net btinternet.com fastmail.com mail.ru list.ru inbox.ru ukr.net online.ee"
    " live.com"
)
_REAL: Final = frozenset(
    _split(
        "email.com ymail.com mail.com gmail.co.uk yahoo.cn yahoo.com.br yahoo.ie yahoo.ca yahoo.in"
        " yahoo.gr hotmail.cz hotmail.se hotmail.be hotmail.ch hotmail.gr hotmail.dk hotmail.nl outlook.es"
        " outlook.it outlook.be outlook.dk outlook.ie outlook.pt outlook.at outlook.jp live.de live.fr"
        " live.nl live.it live.ca yandex.ua yandex.by yandex.kz yandex.eu ya.ru fastmail.fm inbox.lv inbox.lt"
        " mail.ee mail.bg mail.de mail.kz mail.ua mail.by yahoo.at yahoo.pl yahoo.ro yahoo.se yahoo.no"
        " yahoo.dk yahoo.nl yahoo.be online.de online.no online.fr online.nl online.ie hotmail.fi hotmail.no"
        " hotmail.hu hotmail.lt hotmail.lv hotmail.pt hotmail.at hotmail.ca hotmail.ru hotmail.rs ail.com"
        " emailn.de hot.ee gmx.com yandex.com yandex.ru outlook.com lists.ru list.me live.ru live.com live.cn"
        " live.be live.dk live.se live.no live.ie live.cl live.jp"
    )
) | frozenset(_LARGE)
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789-."
_SHORT: Final = 5
"""Letters of a name before its ending below which a neighbour is likely another real name."""
_MORE: Final = {
    "gmail.com.com": "gmail.com",
    "gmail.comcom": "gmail.com",
    "gmailcom": "gmail.com",
    "gmal.co": "gmail.com",
    "gmial.co": "gmail.com",
    "gmail.om": "gmail.com",
    "gimail.co": "gmail.com",
    "hotnail.co": "hotmail.com",
    "homtail.com": "hotmail.com",
    "hotamil.com": "hotmail.com",
    "yhoo.co": "yahoo.com",
    "mail.ry": "mail.ru",
    "mail.ri": "mail.ru",
    "mai.ru": "mail.ru",
    "maill.ru": "mail.ru",
    "ukr.nett": "ukr.net",
    "ukrnet": "ukr.net",
}


def is_role(canonical: str) -> bool:
    """Is a canonical address that of a role, whoever reads it? A tag (``info+x``) makes no difference."""
    local = canonical.rpartition("@")[0]
    return local in ROLES or (("+" in local) and local.partition("+")[0] in ROLES)


@lru_cache(maxsize=1)
def _near() -> dict[str, str]:
    """Misspelled domain → the provider's: one letter more, less, other, or two exchanged."""
    found: dict[str, str] = {}
    for domain in _LARGE:
        if len(domain.partition(".")[0]) < _SHORT:
            continue
        for at in range(len(domain) + 1):
            head, tail = domain[:at], domain[at:]
            edits = [head + letter + tail for letter in _LETTERS]
            if tail:
                edits += [head + tail[1:], *(head + letter + tail[1:] for letter in _LETTERS)]
            if len(tail) > 1:
                edits.append(head + tail[1] + tail[0] + tail[2:])
            for edit in edits:
                found.setdefault(edit, domain)
    found |= _MORE
    return {slip: domain for slip, domain in found.items() if slip not in _REAL and ".." not in slip}


def near_miss(domain: str) -> str:
    """The large provider that a domain is likely a misspelling of; empty if it is none."""
    return _near().get(domain, "")
