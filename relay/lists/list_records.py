"""Rows of text that has a person a paragraph: LDIF (RFC 2849) and the dumps of Sympa. Pure.

Names of attributes become the header. What is no text (a picture in base64)
is left out.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from relay.lists.list_rows import MAX_COLUMNS, MAX_LINE, Bad, ListRow

LDIF: Final = re.compile(r"\s*\ufeff?(?:version:\s*\d+\s*$|dn::?\s*\S)", re.I)
_LINE: Final = re.compile(r"([A-Za-z][\w.-]*)((?:;[\w-]+)*)(::?|:<)\s?(.*)\Z", re.S)
_SYMPA: Final = frozenset(
    (
        *("email", "gecos", "date", "update_date", "reception", "visibility", "subscribed", "included", "bounce"),
        *("bounce_score", "bounce_address", "suspend", "startdate", "enddate", "topics", "attributes", "info"),
        *("inclusion", "inclusion_ext", "inclusion_label", "id", "custom_attribute", "number_messages"),
    )
)
_SYMPA_LINE: Final = re.compile(r"(\w+)(?:\s+(.*))?\Z")
_SKIPPED: Final = frozenset(
    ("objectclass", "userpassword", "jpegphoto", "photo", "usercertificate", "dn", "version", "changetype")
)
_NO_PERSON: Final = re.compile(r"(?:organizationalunit|dcobject|domain|organization|posixgroup|sambadomain)\Z", re.I)
_SECOND: Final = "a further address of this entry, left out; list it by itself if it agreed too"


def is_sympa(sample: list[str]) -> bool:
    """Are the first lines those of ``sympa dump`` with all of a member's settings?"""
    words = [line.split(None, 1) for line in sample if line.strip()]
    return (
        len(words) > 1
        and all(word[0] in _SYMPA for word in words)
        and any(len(word) > 1 and word[0] == "email" and "@" in word[1] for word in words)
    )


def ldif_rows(text: str) -> Iterator[ListRow]:
    """A row of names, then one for each entry."""
    found: list[tuple[int, dict[str, str] | Bad]] = []
    for number, lines in _paragraphs(_unfolded(text)):
        found += _entry(number, lines)
    yield from _table(found)


def sympa_rows(text: str) -> Iterator[ListRow]:
    """The same for a dump; ``reception nomail`` stays a member who wants no mail."""
    found: list[tuple[int, dict[str, str] | Bad]] = []
    for number, lines in _paragraphs(enumerate(text.splitlines(), 1)):
        record: dict[str, str] = {}
        for line in lines:
            if (word := _SYMPA_LINE.match(line.strip())) is not None:
                record.setdefault(word[1], (word[2] or "").strip())
        found.append((number, record))
    yield from _table(found)


def _table(found: list[tuple[int, dict[str, str] | Bad]]) -> Iterator[ListRow]:
    names = dict.fromkeys(name for _, row in found if not isinstance(row, Bad) for name in row)
    kept = list(names)[:MAX_COLUMNS]
    yield 0, kept
    for number, row in found:
        yield number, row if isinstance(row, Bad) else [row.get(name, "")[:MAX_LINE] for name in kept]


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first; comments are left out (RFC 2849 note 2)."""
    whole, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] == " " and start and whole:
            whole += line[1:] if len(whole) < MAX_LINE else ""
            continue
        if start and not whole.startswith("#"):
            yield start, whole
        whole, start = line, number
    if start and not whole.startswith("#"):
        yield start, whole


def _paragraphs(lines: Iterator[tuple[int, str]] | enumerate[str]) -> Iterator[tuple[int, list[str]]]:
    start, some = 0, list[str]()
    for number, line in lines:
        if line.strip():
            start = start if some else number
            some.append(line)
        elif some:
            yield start, some
            some = []
    if some:
        yield start, some


def _entry(number: int, lines: list[str]) -> Iterator[tuple[int, dict[str, str] | Bad]]:
    record: dict[str, str] = {}
    kinds: list[str] = []
    further: list[str] = []
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        name, value = found[1], _value(found[3], found[4])
        if name.casefold() == "objectclass":
            kinds.append(value.strip())
        if name.casefold() in _SKIPPED or not value:
            continue
        if name.casefold() == "mail" and name in record:
            further.append(value.strip())
        else:
            record[name] = f"{record[name]}; {value}" if name in record else value
    if not any("@" in value for value in record.values()) and (
        not record or any(map(_NO_PERSON.match, kinds)) or not kinds
    ):
        return  # the tree's own entries
    yield number, record
    for address in further:
        yield number, Bad(number, address[:254], _SECOND)


def _value(sign: str, value: str) -> str:
    if sign == ":":
        return value.strip()
    if sign == ":<":
        return ""
    try:
        return base64.b64decode(value, validate=False).decode("utf-8").strip()
    except (binascii.Error, UnicodeError, ValueError):
        return ""
