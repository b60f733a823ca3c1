"""What the name of a list file, or a title above its header, says of all people in it. Pure.

Exports come as one file a state (``unsubscribed_members_export_….csv``,
``suppression_bounces.csv``) whose columns don't say it again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from relay.lists.list_words import Said, meaning, plain

_VOID: Final = re.compile(
    r"\b(?:no|(?<!do )not|without|excluding|exclude|minus|removed|except|filtered|ohne|sans|sin|без|ilma"
    r"|non suppressed"
    r"|and|und"
    r"|all)\b"
)
_CLAIMS: Final = (
    (
        Said.COMPLAINED,
        r"spam ?reports?|spam ?complaints?|complaints?|complainers|complained|abuse ?(?:reports?|complaints?)"
        r"|beschwerden|plaintes|quejas|жалобы|скарги|kaebused",
    ),
    (
        Said.REFUSED,
        r"kein interesse|not interested|pas interesse\w*|не интересно|не цікаво"
        r"|non ?subscribed|nonsubscribers|unconfirmed|suppression blocks|soft ?bounces?|not confirmed",
    ),
    (
        Said.LEFT,
        r"unsubscribed|unsubscribes|unsubscribers?|unsubs|\Aunsub(?: (?:export|list|file|\d+))*\Z"
        r"|unsubscribe list|opt ?outs?|opted ?out|global unsubscribes"
        r"|blacklist(?:ed)?|blocklist(?:ed)?|do not (?:mail|email|contact)|dnc(?: list)?|suppress(?:ions?"
        r"|ed)(?: list)?"
        r"|abgemeldet\w*|abmeldungen|austragungen|sperrliste|desabonnes?|desinscrits?|desinscriptions?|liste noire"
        r"|bajas|desuscritos|lista negra|отписавшиеся|отписанные|отписки|отписались|черный список"
        r"|відписані|відписки|чорний список|loobunud|lahkunud|must nimekiri",
    ),
    (
        Said.BOUNCED,
        r"hard ?bounces?|hard ?bounced|bounces|bounced"
        r"|cleaned (?:members?|segment|email|audience|contacts?|subscribers?)"
        r"|invalid ?emails?|invalid(?: addresses| email addresses)?$"
        r"|undeliverables?|undelivered|unzustellbar\w*|rebonds|rebotados|rebotes|недоставленные"
        r"|põrkunud|porkunud|недоставлені",
    ),
)
_PATTERNS: Final = [(said, re.compile(rf"\b(?:{pattern})\b")) for said, pattern in _CLAIMS]
_AGREED: Final = re.compile(r"\b(?:subscribed|subscribers|active|confirmed)\b")
MAX_TITLE: Final = 100


_VAGUE: Final = re.compile(r"\b(?:suppress\w*|black ?list\w*|block ?list\w*|do not (?:mail|email|contact)|dnc)\b")


def is_vague(title: str) -> bool:
    """Does it say only that these people are stopped, not why?"""
    return claim_of(title) is Said.LEFT and claim_of(_VAGUE.sub(" ", plain(title))) is Said.NOTHING


def section_of(row: Sequence[str]) -> Said | None:
    """What a row that is a title (one cell, no address) says of everyone below it; None: it is none, or says nothing.

    NOTHING: those below are people like any other.
    """
    cells = [cell for cell in row if cell.strip()]
    if len(cells) != 1 or len(cells[0]) > MAX_TITLE or "@" in cells[0]:
        return None
    text = _COUNTED.sub("", plain(cells[0]))
    said = meaning(text) or claim_of(text)
    if said in (Said.NOTHING, Said.AGREED):
        return Said.NOTHING if said or _AGREED.search(text) else None
    return said


_COUNTED: Final = re.compile(r"(?: (?:members|subscribers|contacts|addresses|people))?(?: \d+)?\Z")


def claim_of(title: str) -> Said:
    """What a file's name or a title says of everyone; NOTHING where it says nothing, or more than one thing."""
    text = plain(title)
    if len(text) > MAX_TITLE or _VOID.search(text):
        return Said.NOTHING
    found = [said for said, pattern in _PATTERNS if pattern.search(text)]
    if not found or (_AGREED.search(text) and Said.REFUSED not in found):
        return Said.NOTHING
    if len(found) > 1 and Said.LEFT in found:  # `suppression_bounces`: the second word is the one that tells
        found = [said for said in found if said is not Said.LEFT] or found
    return found[0]
