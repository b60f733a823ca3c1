"""Taking out of an answer what aren't the remote's own words.

Servers repeat the recipient's address, name themselves and link to help pages:
``john.slater@`` isn't "later", ``mx3.antispamcloud.example`` isn't "spam". So
addresses, host names, IP addresses, links and paths go before anything is
looked for. Every pattern is bounded: time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

GAP: Final = "<>"
"""Stands where something was taken out."""

_FLAGS: Final = re.IGNORECASE
_LINK: Final = re.compile(
    r"(?:\b(?:https?|ftp|ldap)://|\bwww\.|\bmailto:)[^\s<>\"]{1,2000}"
    r"|(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}/[^\s<>\"]{1,2000}",
    _FLAGS,
)
_X400: Final = re.compile(r"(?:imceaex-)?(?<!\w)[/_]o=[^\s;,>]{1,600}|(?:/[a-z]{1,4}=[^/\s]{1,100}){2,20}/?", _FLAGS)
_QUOTED: Final = re.compile(r"\"[^\"\s@][^\"\n]{0,128}\"@[\w.\-\[\]:]{1,255}")
_MAIL: Final = re.compile(
    r"[^\s<>@,;:()\"'\[\]|]{1,128}(?:@|%40|=40|\(at\))(?:\[[0-9a-f.:]{2,60}\]|[^\s<>@,;:()\"'\[\]|]{1,255})"
    r"|[^\s<>@,;:()\"'\[\]|]{1,64}%[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
    _FLAGS,
)
_ANGLE: Final = re.compile(r"<(?!#?[245]\.\d{1,3}\.\d{1,3}\b)[^<>\s]{1,320}>")
_IP: Final = re.compile(
    r"(?<![\w.])\d{1,3}(?:[.-]\d{1,3}){3}(?![\w.]*\d)(?:[:/]\d{1,5})?"
    r"|(?<![\w:])(?:ipv6:)?(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])",
    _FLAGS,
)
_HOST: Final = re.compile(r"(?<![\w.-])(?:[\w-]{1,63}\.){1,10}[^\W\d_][\w-]{1,62}\.?(?![\w-])")
_ERROR_NAME: Final = re.compile(
    r"\b(?:RESOLVER|ROUTING|SMTPSEND|STOREDRV|QUEUE|APPROVAL|AGENT|DNS|SMTP|EOP)\.[\w.]{1,80}"
)
"""Exchange's names of its errors have the shape of host names."""
_MACHINE: Final = re.compile(
    r"(?<![\w.#-])(?![245]\d\d-[a-z])(?=[\w-]{0,40}\d)(?=[\w-]{0,40}[a-z])\w{1,40}-[\w-]{1,80}(?![\w.-])", _FLAGS
)
"""``spam-gw-2``: a machine's or a session's name, not a word; ``550-User unknown`` is a line of a longer reply."""
_JOINED: Final = re.compile(r"(?<=[a-z])_(?=[a-z])", _FLAGS)
"""``USER_UNKNOWN``, ``bad_recipient``: a phrase all the same."""
_LISTS: Final = re.compile(
    r"(?:https?://)?(?<![\w@.-])(?:[\w-]{1,63}\.){0,6}(?:spamhaus|spamcop|sorbs|uceprotect|barracudacentral"
    r"|abusix|mailspike|invaluement|surbl"
    r"|senderscore|cloudmark|spfbl|dnsbl|njabl|psbl|abuseat)\.[a-z]{2,12}(?:\.[a-z]{2})?(?![\w-])(?:[/?][^\s<>\"]{0,2000})?",
    _FLAGS,
)
"""A link to a block list is the remote's own word: it says that one is on it."""
_GAPS: Final = re.compile(r"[(\[] ?<> ?[)\]]|[<(\[\x22\x27]{0,4}<>[>)\]\x22\x27]{0,4}")
_SPACE: Final = re.compile(r"[ \t\r\n\f\v\u00a0\u200b]+")


def own_words(text: str, addresses: Iterable[str] = ()) -> str:
    """``text`` on one line without what isn't the remote's own; ``addresses``: those it was about."""
    for address in addresses:
        text = _without(text, address)
    text = _ERROR_NAME.sub(_spelt_out, text)
    text = _LISTS.sub(" blocklist ", text)
    for pattern in (_LINK, _QUOTED, _X400, _MAIL, _ANGLE, _IP):
        text = pattern.sub(GAP, text)
    text = _HOST.sub(_host, text)
    text = _JOINED.sub(" ", _MACHINE.sub(GAP, text))
    return _SPACE.sub(" ", _GAPS.sub(GAP, text)).strip()


def _without(text: str, address: str) -> str:
    """The recipient in the spellings that servers use, and its local part alone."""
    local, _, domain = address.rpartition("@")
    if not local:
        local, domain = domain, ""
    bare = local.strip('"').replace("\\", "")
    whole = {
        address,
        f'"{bare}"@{domain}',
        f"{bare}@{domain}",
        f"{quote(bare)}@{domain}",
        f"{bare}%{domain}",
        f"{bare} at {domain}",
    }
    for spelling in sorted(whole, key=len, reverse=True) if domain else ():
        text = re.sub(re.escape(spelling), GAP, text, flags=_FLAGS)
    if domain:
        text = re.sub(rf"(?<![\w.-]){re.escape(domain)}(?![\w-])", GAP, text, flags=_FLAGS)
    for spelling in sorted({local, bare, quote(bare), bare.partition("+")[0]}, key=len, reverse=True):
        if _is_no_plain_word(spelling):
            text = re.sub(rf"(?<![\w.+-]){re.escape(spelling)}(?![\w+-]|\.\w)", GAP, text, flags=_FLAGS)
    return text


def _is_no_plain_word(local: str) -> bool:
    """Whether a local part alone can be taken out: ``user`` or ``550`` may well be the remote's own words."""
    return len(local) > 1 and not local.isdigit() and local.lower() not in _VOCABULARY and not _CODE.fullmatch(local)


_CODE: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_VOCABULARY: Final = frozenset(
    re.split(
        " ",
        "a account address all and authenticated box client code command content customer data delivered delivery"
        " denied dns domain email error exist failed final full for found from host in inactive invalid is known listed"
        " local mail mailbox member message moved name no not of on or original over password please permanent person"
        " rcpt recipient rejected relay reply response sender sent server service smtp space status"
        " storage such system temporary test the this to transaction unavailable undelivered unknown user users valid"
        " verify with you",
    )
)
"""Words of answers that people also have as local parts."""


def _spelt_out(found: re.Match[str]) -> str:
    """``RESOLVER.ADR.RecipientNotFound`` → ``RESOLVER ADR Recipient Not Found``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", found[0].replace(".", " "))


def _host(found: re.Match[str]) -> str:
    """A host name goes; two sentences without a space between them (``unknown.Please``) stay."""
    name = found[0]
    labels = name.rstrip(".").split(".")
    begins = labels[-1][:1].isupper() and labels[-1][1:2].islower() and labels[0][-1:].islower()
    if len(labels) == 2 and (begins or labels[1].lower() in _BEGINNINGS):
        return name.replace(".", ". ")
    return GAP


_BEGINNINGS: Final = frozenset(
    re.split(" ", "check contact for if mail message please see sorry the this try user you your")
)
"""Words that a sentence begins with, where someone left the space out."""
