"""Dates and times as other programs export them: text to a moment. Pure.

Read are ISO 8601 in its looser forms, RFC 5322 §3.3, month names, clocks of
twelve hours, zones by offset or usual name, seconds and milliseconds since
1970, and day numbers of spreadsheets. UTC where no zone is given.
"""

# ruff: noqa: RUF001 - Cyrillic letters are meant here

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final


def _split(text: str) -> list[str]:
    return text.split()


ORDERS: Final = ("dmy", "mdy")
"""How a list may write dates that can be read in two ways: day first, or month first."""

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar jänner janv janvier ene enero янв январь января січ січень січня jaan jaanuar",
            "feb february februar févr fév février feb febrero фев февр февраль февраля лют лютий лютого veebr"
            " veebruar",
            "mar march mär märz mrz mars marzo мар март марта бер березень березня märts",
            "apr april avr avril abr abril апр апрель апреля кві квіт квітень квітня aprill",
            "may mai mayo май мая тра трав травень травня",
            "jun june juni juin junio июн июнь июня чер черв червень червня juuni",
            "jul july juli juil juillet julio июл июль июля лип липень липня juuli",
            "aug august août aout ago agosto авг август августа сер серп серпень серпня",
            "sep sept september septembre septiembre сен сент сентябрь сентября вер верес вересень вересня",
            "oct october okt oktober octobre octubre окт октябрь октября жов жовт жовтень жовтня oktoober",
            "nov november novembre noviembre ноя нояб ноябрь ноября лис лист листопад листопада",
            "dec december dez dezember déc décembre dic diciembre дек декабрь декабря гру груд грудень грудня dets"
            " detsember",
        ),
        1,
    )
    for name in names.split()
}
_ZONES: Final = {
    **dict.fromkeys(("utc", "gmt", "z", "ut", "wet"), 0.0),
    **{"est": -5.0, "edt": -4.0, "cst": -6.0, "cdt": -5.0, "mst": -7.0, "mdt": -6.0, "pst": -8.0, "pdt": -7.0},
    **{"cet": 1.0, "cest": 2.0, "eet": 2.0, "eest": 3.0, "msk": 3.0, "bst": 1.0, "west": 1.0},
}
_NONE: Final = frozenset(
    ("-", "--", "—", "0", "n/a", "na", "none", "null", "nil", "never", "unknown", "undefined", "nan", "\\n", "(null)")
)
_ZERO: Final = re.compile(r"0000-00-00(?:[ T]00:00(?::00)?)?\Z|0001-01-01(?:[ T]00:00:00.*)?\Z")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?\Z", re.ASCII)
_CLOCK: Final = re.compile(
    r"(?<![\d:])(\d{1,2})(?::|\s?h\s?)(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap])?(?(4)\.?\s?m\b\.?)", re.I | re.ASCII
)
_HOUR: Final = re.compile(r"\b(\d{1,2})\s?([ap])\.?m\b\.?", re.I | re.ASCII)
_OFFSET: Final = re.compile(
    r"(?:\b(?:utc|gmt)\s?(?=[+-]\d))?([+-])(\d{2}|(?<=[TC][+-])\d):?(\d{2})?\b", re.I | re.ASCII
)
_BRACKETS: Final = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_ISO_LIKE: Final = re.compile(r"(\d{4})([-./])(\d{1,2})\2(\d{1,2})\Z", re.ASCII)
_NUMERIC: Final = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2(\d{4}|\d{2})\Z", re.ASCII)
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_NOISE: Final = frozenset(
    _split(
        "mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun sunday"
        " montag dienstag mittwoch donnerstag freitag samstag sonntag mo di mi do fr sa so lundi mardi"
        " mercredi jeudi vendredi samedi dimanche lun mar. mer jeu ven sam dim lunes martes miércoles jueves"
        " viernes sábado domingo пн вт ср чт пт сб вс нд понедельник вторник среда четверг пятница суббота"
        " воскресенье at um à a las de del le il kell uhr в о об год г года р рік року the of st nd rd th er"
    )
)
_EPOCH: Final = (315_532_800, 4_102_444_800)
"""1980 to 2100, in seconds."""
_SERIAL: Final = (10_000, 73_051)
"""The same in days since 30 December 1899, as spreadsheets count."""


class TwoWays(ValueError):
    """A date that can be read day first and month first."""


def absent(text: str) -> bool:
    """Does a cell say that there is no time (``-``, ``NULL``, ``0000-00-00``)?"""
    return text.casefold() in _NONE or _ZERO.match(text) is not None


@lru_cache(maxsize=4096)
def moment_in(text: str, order: str = "") -> datetime:
    """The moment that a text names, with its zone (UTC where it names none).

    ``order`` (of ORDERS) decides dates that can be read in two ways; without it
    those raise TwoWays. Raises ValueError for what is no time.
    """
    if _NUMBER.match(text):
        return _number(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _spelled(text, order)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wrong(text: str) -> ValueError:
    return ValueError(f"{text[:40]!r} is no time: write it like 2026-11-23T14:05:00Z")


def _number(text: str) -> datetime:
    """Digits alone: a compact date, an epoch, or a day number."""
    whole, _, rest = text.replace(",", ".").partition(".")
    try:
        if len(whole) in (8, 12, 14) and whole[:2] in ("19", "20") and not rest:
            form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}[len(whole)]
            return datetime.strptime(whole, form).replace(tzinfo=UTC)
        value = float(text.replace(",", "."))
        if _SERIAL[0] <= value < _SERIAL[1]:
            return datetime(1899, 12, 30, tzinfo=UTC) + timedelta(seconds=round(value * 86_400))
        for unit in (1.0, 1e3, 1e6, 1e9):
            if _EPOCH[0] <= value / unit < _EPOCH[1]:
                return datetime.fromtimestamp(value / unit, UTC)
    except (ValueError, OverflowError):
        pass
    raise _wrong(text)


def _spelled(text: str, order: str) -> datetime:
    rest = " ".join(_BRACKETS.sub(" ", text).replace("\u202f", " ").replace("\u00a0", " ").split())
    if len(rest) > 80:
        raise _wrong(text)
    hour, minute, second, before, after = _clock(rest, text)
    zone, after = _zone(after, text)
    year, month, day = _date(f"{before} {after}".strip(" ,T"), text, order)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        raise _wrong(text) from None


def _clock(rest: str, text: str) -> tuple[int, int, int, str, str]:
    """Hour, minute, second, and what stands before and after them."""
    found = _CLOCK.search(rest)
    if found is not None:
        hour, minute, second, half = int(found[1]), int(found[2]), int(found[3] or 0), found[4]
    else:
        found = _HOUR.search(rest)
        if found is None:
            return 0, 0, 0, rest, ""
        hour, minute, second, half = int(found[1]), 0, 0, found[2]
    if half:
        if not 1 <= hour <= 12 and not (half in "pP" and 12 < hour < 24):  # 14:05 PM is what some scripts write
            raise _wrong(text)
        hour = hour if hour > 12 else hour % 12 + (12 if half in "pP" else 0)
    if hour == 24 or second > 60:
        raise _wrong(text)
    return hour, minute, min(second, 59), rest[: found.start()].rstrip("T ,"), rest[found.end() :]


def _zone(after: str, text: str) -> tuple[timezone, str]:
    """The zone behind the clock, and what is left; of ``+0000 UTC`` (Go) the offset counts."""
    offset = _OFFSET.search(after)
    zone = UTC
    if offset is not None:
        sign = -1 if offset[1] == "-" else 1
        try:
            zone = timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0)))
        except ValueError:
            raise _wrong(text) from None
        after = after[: offset.start()] + " " + after[offset.end() :]
    left = []
    for word in after.split():
        hours = _ZONES.get(word.strip(",").casefold())
        if hours is None:
            left.append(word)
        elif offset is None:
            zone = timezone(timedelta(hours=hours))
    return zone, " ".join(left)


def _date(rest: str, text: str, order: str) -> tuple[int, int, int]:
    words = [word.strip(",") for word in rest.split()]
    plain = [word for word in words if word and word.casefold().rstrip(".") not in _NOISE]
    if len(plain) == 1:
        if found := _ISO_LIKE.match(plain[0].rstrip(".")):
            return int(found[1]), int(found[3]), int(found[4])
        if found := _NUMERIC.match(plain[0].rstrip(".")):
            return _numeric(found, text, order)
    return _named_month(rest, text)


def _numeric(found: re.Match[str], text: str, order: str) -> tuple[int, int, int]:
    first, second = int(found[1]), int(found[3])
    year = int(found[4]) if len(found[4]) == 4 else _century(int(found[4]))
    if order == "mdy":
        month, day = (first, second) if first <= 12 else (second, first)
    elif order == "dmy" or found[2] == ".":
        month, day = (second, first) if second <= 12 or (found[2] == "." and not order) else (first, second)
    elif first == second and len(found[4]) == 4:
        month, day = first, second
    elif (first <= 12 and second <= 12) or (found[2] == "-" and len(found[4]) == 2):
        raise TwoWays(f"{text[:40]!r} can be read in two ways: write it like 2026-11-23, or say --dates dmy or mdy")
    else:
        month, day = (second, first) if first > 12 else (first, second)
    return year, month, day


def _century(year: int) -> int:
    return year + (2000 if year < 70 else 1900)


def _named_month(rest: str, text: str) -> tuple[int, int, int]:
    """``13 May 2024``, ``May 13th, 2024``, ``13-May-24``, ``13. märts 2024``, ``2024 May 13``."""
    month, numbers = 0, []
    for word in _WORD.findall(rest):
        if word.isdigit():
            numbers.append(word)
        elif word.casefold() in _MONTHS and not month:
            month = _MONTHS[word.casefold()]
        elif word.casefold() not in _NOISE:
            raise _wrong(text)
    if not month or len(numbers) != 2:
        raise _wrong(text)
    if len(numbers[0]) == 4:
        return int(numbers[0]), month, int(numbers[1])
    if len(numbers[1]) not in (2, 4):
        raise _wrong(text)
    year = int(numbers[1]) if len(numbers[1]) == 4 else _century(int(numbers[1]))
    return year, month, int(numbers[0])
