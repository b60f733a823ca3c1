"""Columns of a list that say until when a consent counts: one that is over is none. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from relay.lists.list_shapes import are_flags
from relay.lists.list_status import StatusColumn, StatusMode, called, is_time
from relay.lists.list_words import Said, plain

_END: Final = (
    r"expir\w*|valid (?:until|till|to|thru|through)|(?:good|ok) until|\buntil\b|\bends? (?:on|at|date)\b|\blaps\w+"
    r"|ablauf\w*|abgelaufen|lauft ab|gultig bis|gultigkeit\w*|befristet bis"
    r"|(?:valable|valide|valables) jusqu\w*(?: au| a)?|jusqu au|date d expiration|date de fin|echeance|perim\w*"
    r"|(?:valid[oa]|vigente|vigencia) (?:hasta|fino)|\bhasta\b|\bvenc\w+|caduc\w*"
    r"|(?:деиств\w+|годен|годно) до|истек\w*|истечен\w*|срок деиств\w+|окончани\w+"
    r"|(?:діисн\w+|діє|чинн\w+) до|закінч\w+|термін діі|строк діі"
    r"|\b(?:bis|до|kuni|tot|fino)\Z|kehti\w* kuni|kehtivus\w*|aegu\w+|lopeb\w*|geldig tot|wazn\w+ do|voimassa"
)
_EXPIRY: Final = re.compile(rf"\b(?:{_END})")
_BARE: Final = re.compile(
    rf"(?:(?:date|data|fecha|datum|дата) (?:de |d |du )?)?(?:{_END})"
    r"(?: (?:date|at|on|time|datetime|utc|am|le|el|datum|kuupaev|aeg))*\Z"
)
_ENDED: Final = re.compile(
    r"\b(?:ende|end|ended|fin|fine|slut|lopp|loppenud|beendet|terminado|koniec|konec|конец|кінець|кінець)\Z"
)
"""Of a subscription or a consent: ``newsletter_end``."""
_CONSENT: Final = re.compile(
    r"consent|opt ?in|permission|newsletter|mailing|marketing|gdpr|dsgvo|rgpd|einwillig|zustimm|einverstand"
    r"|consentim|consentem|autoris|autoriz|согласи|рассыл|разреш|згод|розсил|дозв|nousolek|uudiskir|\bluba\b"
    r"|toestemm|samtyck|zgod\b|consenso"
)
_SUBSCRIPTION: Final = re.compile(r"subscri|abonn|\babo\b|suscri|inscri|anmeld|подпис|підпис|tellimus|liitum")
_PAID: Final = re.compile(
    r"\b(?:member ?ship|plan|tier|price|stripe|licen[cs]e|active subscription|subscription type|mrr|revenue|comp"
    r"|mitglied\w*|adhesion|cotisation|тариф|liikmemaks|amount|invoice|paid)\b"
)
"""Beside such columns an end without a word of consent is that of something paid for."""
_BEGUN: Final = re.compile(
    r"(?:start(?:ed)?|begin|beginn|startzeit|startdatum|debut|date de debut"
    r"|heure de debut|fecha de inicio|hora de inicio"
    r"|inizio|data inizio|starttijd|дата начала|время начала|дата початку|час початку|algus\w*)"
    r"(?: (?:date|time|at|on|utc|datum|zeit|date time))*\Z"
)
_NEVER: Final = frozenset(
    (
        *("never", "unlimited", "indefinite", "indefinitely", "forever", "none", "unbegrenzt", "unbefristet", "nie"),
        *("jamais", "illimite", "indefini", "nunca", "ilimitado", "indefinido", "бессрочно", "никогда"),
        *("безстроково", "ніколи", "tahtajatu", "tahtajatult"),
    )
)


def until(
    index: int,
    header: str,
    cells: Sequence[str],
    answers: Mapping[str, Said],
    *,
    beside: Sequence[str] = (),
    now: float,
    order: str = "",
) -> StatusColumn | None:
    """The column as one of ends, or of flags for them; None if it is none.

    ``beside``: names of all columns (``plain``).
    """
    name = plain(header)
    of_consent = _CONSENT.search(name) is not None
    ends = _ENDED.search(name) is not None and (of_consent or _SUBSCRIPTION.search(name) is not None)
    if not ends and _EXPIRY.search(name) is None:
        return None
    if not of_consent:
        if any(_BEGUN.match(other) for other in beside):
            return None  # from when until when somebody filled in a form, or an event lasts
        if any(_PAID.search(other) for other in beside):
            return None
        if _BARE.match(name) is None and _SUBSCRIPTION.search(name) is None:
            return None
    shown = called(header)
    if are_flags(cells):
        return StatusColumn(index, shown, StatusMode.BAD, Said.REFUSED, answers) if of_consent else None
    stated = [cell for cell in cells if plain(cell) not in _NEVER]
    if not stated or (not of_consent and 2 * sum(map(is_time, stated)) < len(stated)):
        return None
    known = {**dict.fromkeys(_NEVER, Said.NOTHING), **answers}
    return StatusColumn(index, shown, StatusMode.UNTIL, answers=known, now=now, order=order)
