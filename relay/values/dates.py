"""What stands in one cell of a list: an address, a time, a birth date. Pure text to values."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from relay.mail.address import Address, AddressError, parse_address
from relay.values.moments import moment_in

CHILD_UNTIL: Final = 16
"""Age in years from which a person may be on a list (R5)."""

_NAME_ADDR: Final = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^<>"@]*))\s*<([^<>]+)>\s*[;,]?\Z')
_ADDR_NAME: Final = re.compile(r"([^\s<>()\",;]+@[^\s<>()\",;]+)\s+\(([^()<>@]*)\)\Z")
"""A name as a comment behind the address (RFC 5322 §3.4 calls it obsolete; programs still write it)."""
_BARE: Final = re.compile(r"(?:mailto:)?([^<>;,]+)[;,]?\Z", re.I)
_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
"""Characters without a width, which copying from a web page leaves behind."""
_FORMULA: Final = re.compile(r"'+[=+\-@\t\r\n]")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,? +(\d{1,2}):(\d{2})(?::(\d{2}))?)?\Z", re.ASCII)


def address_in(text: str) -> tuple[Address, str]:
    """(address, name) of a cell: ``a@b``, ``<a@b>``, ``Ann <a@b>``, ``a@b (Ann)``, ``mailto:a@b``; raises AddressError.

    A name that could itself be taken for an address is no name: which of the
    two is meant can't be told, so it is refused.
    """
    text = _UNSEEN.sub("", text).replace("\u00a0", " ").strip()
    if text.endswith("."):
        text = text[:-1]
    try:
        return parse_address(text), ""
    except AddressError as error:
        found = _NAME_ADDR.match(text)
        if found:
            name = re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]
            return parse_address(found[3].strip()), "" if "@" in name else name.strip()
        if found := _ADDR_NAME.match(text):
            return parse_address(found[1]), found[2].strip()
        bare = _BARE.match(text)
        if bare and bare[1] != text:
            return parse_address(bare[1].strip()), ""
        raise error


def unescape(cell: str) -> str:
    """Undo the quote that an export puts before what a spreadsheet takes for a formula."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


@lru_cache(maxsize=4096)
def time_in(text: str, order: str = "") -> float:
    """Seconds UTC of a date or time as people and programs write it (``moments``); UTC where no zone is given.

    ``order`` (``dmy``, ``mdy``) decides what can be read in two ways. Raises ValueError with one line that says what
    to write.
    """
    if len(text) > 15 and text[4:5] == "-":  # as most exports write it
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = moment_in(text, order)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return moment_in(text, order).timestamp()


@lru_cache(maxsize=4096)
def day_of(at: float) -> str:
    """The day of a moment (seconds UTC), in UTC: ``2026-03-01``."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def under_age(text: str, now: float) -> bool:
    """Does a birth date say that the person is under 16? Any reading that says so counts.

    A year alone counts as its last day; a date without a year
    (``--0412``, ``04/12``) says nothing. Raises ValueError for what is no date.
    """
    today = datetime.fromtimestamp(now, UTC).date()
    return any(_age(born, today) < CHILD_UNTIL for born in _births(text))


_NO_YEAR: Final = re.compile(r"(0?[1-9]|[12]\d|3[01])[./-](0?[1-9]|[12]\d|3[01])\.?\Z")


def _births(text: str) -> list[date]:
    if re.match(r"--\d\d-?\d\d\Z", text):
        return []
    if (found := _NO_YEAR.match(text)) and min(int(found[1]), int(found[2])) in range(1, 13):
        return []
    if re.match(r"\d{4}\Z", text):
        return [date(int(text), 12, 31)] if text != "0000" else []
    found = _DAY_FIRST.match(text)
    if found:
        numbers = (int(found[1]), int(found[3]))
        return _dates(int(found[4]), {numbers} if found[2] == "." else {numbers, numbers[::-1]}, text)
    try:
        moment = datetime.fromtimestamp(time_in(text), UTC)
    except ValueError:
        raise _no_date(text) from None
    return [moment.date()]


def _dates(year: int, readings: set[tuple[int, int]], text: str) -> list[date]:
    found = []
    for day, month in readings:
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    if not found:
        raise _no_date(text)
    return found


def _no_date(text: str) -> ValueError:
    return ValueError(f"the birth date {text[:40]!r} is no date: write it like 1990-05-30, or leave it out")


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
