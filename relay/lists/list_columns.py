"""What the columns of a list mean, by its header or, without one, by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from relay.lists.list_rows import MAX_COLUMNS
from relay.lists.list_text import ListError
from relay.mail.address import AddressError
from relay.people.consent_rules import check_ip
from relay.people.profiles import MAX_NAME
from relay.values.dates import address_in, time_in, unescape

EVERY: Final = "*"
"""As a column to skip: all that would become attributes."""

_NAMES: Final = {
    "email": "email|e-mail|mail|email address|e-mail address|emails|address|subscriber|e-post|epost"
    "|e-posti aadress|meil"
    "|почта|эл. почта|электронная почта|адрес|e-mail адрес|пошта|ел. пошта|електронна пошта|адреса|correo"
    "|correo electrónico"
    "|courriel|adresse e-mail|adresse email|e-mail-adresse|emailadresse",
    "at": "at|given_at|given at|subscribed_at|subscribed at|consent_at|consent date|opt-in date|optin_time"
    "|confirm_time|date"
    "|дата|дата подписки|дата согласия|дата підписки|дата згоди|kuupäev|nõusoleku kuupäev|datum|fecha",
    "ip": "ip|ip_address|ip address|optin_ip|confirm_ip|ip-адрес|ip-адреса",
    "topic": "topic",
    "reason": "reason",
    "withdrawn": "withdrawn_at|withdrawn|unsubscribed_at|unsub_time",
    "groups": "group|groups|segment|segments|группа|группы|група|групи|grupp|grupid|gruppe|gruppen|groupe|groupes"
    "|grupo|grupos",
    "born": "birthday|birth date|birthdate|birth_date|birth-date|date of birth|date_of_birth|dob|born|bday"
    "|дата рождения"
    "|день рождения|дата народження|день народження|sünniaeg|sünnipäev|sünnikuupäev|geburtsdatum|geburtstag"
    "|date de naissance|anniversaire|fecha de nacimiento|cumpleaños",
}
_ROLES: Final = {name: role for role, names in _NAMES.items() for name in names.split("|")}
# Columns of our own exports that an import doesn't take again, and words that would be mistaken for them.
_OURS: Final = frozenset(["live", "source", "wording", "means", "page", "recorded_at", "since_at", "detail", "channel"])
_LIKE_EMAIL: Final = re.compile(r"e-?mail|(?:эл|ел)\S* (?:почта|пошта)|e-post|courriel|correo", re.I)
_SEPARATED: Final = re.compile(r"\d+[-./]\d+[-./]\d+")
_BEFORE_LISTS_AT: Final = 788_918_400.0
"""1995: older dates in a column without a name are no times of consents by mail."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row; ``read_columns`` is the only maker."""

    roles: dict[str, int]
    """Role → index; ``email`` is always there."""
    attributes: tuple[tuple[int, str], ...]
    """Index and name of what is kept as it stands."""
    remarks: tuple[str, ...]
    """What whoever gave the list should know, a sentence each."""


def read_columns(header: Sequence[str], sample: Sequence[Sequence[str]], skip: Collection[str]) -> Columns:
    """The meaning of the columns; an empty ``header`` says that there is none.

    ``skip`` names columns that are not taken. Raises ListError for what can't be read with certainty.
    """
    if max(len(header), *(len(row) for row in sample), 0) > MAX_COLUMNS:
        raise ListError(f"the list has more than {MAX_COLUMNS} columns; leave in what is needed")
    return _named(header, sample, skip) if header else _unnamed(sample)


def is_header(row: Sequence[str]) -> bool:
    """Does the row name a column with addresses, rather than hold one?"""
    return not any("@" in cell for cell in row) and any(_ROLES.get(_name(cell)) == "email" for cell in row)


def _named(header: Sequence[str], sample: Sequence[Sequence[str]], skip: Collection[str]) -> Columns:
    names = [_name(cell) for cell in header]
    unwanted = {_name(name) for name in skip}
    _check_skipped(unwanted, names)
    counts = [sum("@" in row[i] for row in sample if i < len(row)) for i in range(len(names))]
    candidates = [i for i, name in enumerate(names) if _ROLES.get(name) == "email"]
    roles = {"email": max(candidates, key=lambda i: (counts[i], -i))}
    attributes: dict[str, int] = {}
    remarks = []
    for index, name in enumerate(names):
        role = _ROLES.get(name, "")
        if index == roles["email"] or not name or name in unwanted or name in _OURS:
            continue
        if counts[index] or _LIKE_EMAIL.search(name):
            remarks.append(_second(index, header[index], roles["email"]))
        elif role and role != "email":
            if roles.setdefault(role, index) != index:
                remarks.append(_again(index, header[index], roles[role]))
        elif EVERY not in unwanted and (first := attributes.setdefault(_attribute(name, index), index)) != index:
            remarks.append(_again(index, header[index], first))
    if "born" in roles and EVERY not in unwanted:
        attributes.setdefault("birthday", roles["born"])
    kept = tuple((index, name) for name, index in attributes.items())
    if any(cell.strip() for row in sample for cell in _unheaded(names, row)):
        remarks.append("columns without a name in the header were not taken")
    return Columns(roles, kept, tuple(remarks))


def _unheaded(names: Sequence[str], row: Sequence[str]) -> list[str]:
    """The cells of a row that stand under no name, or beyond the last one."""
    return [cell for index, cell in enumerate(row) if index >= len(names) or not names[index]]


def _check_skipped(unwanted: set[str], names: Collection[str]) -> None:
    strange = unwanted - set(names) - {EVERY}
    if strange:
        raise ListError(f"there is no column {min(strange)!r} to skip; the list has {', '.join(filter(None, names))}")


def _attribute(name: str, index: int) -> str:
    if len(name) > MAX_NAME or not name.isprintable():
        raise ListError(
            f"the name of column {index + 1} is longer than {MAX_NAME} characters or not printable: "
            f"shorten it, or leave the column out"
        )
    return name


def _unnamed(sample: Sequence[Sequence[str]]) -> Columns:
    width = max((len(row) for row in sample), default=0)
    cells = [[row[i].strip() for row in sample if i < len(row) and row[i].strip()] for i in range(width)]
    counts = [sum(_is_address(cell) for cell in column) for column in cells]
    with_at = [sum("@" in cell for cell in column) for column in cells]
    email = max(range(width), key=lambda i: (counts[i], with_at[i], -i), default=0)
    roles, remarks = {"email": email}, []
    for index, column in enumerate(cells):
        if index == email or not column:
            continue
        if with_at[index]:
            remarks.append(_second(index, "", email))
        elif "at" not in roles and all(_is_time(cell) for cell in column):
            roles["at"] = index
            remarks.append(f"column {index + 1} was read as the time of the consent")
        elif "ip" not in roles and all(_is_ip(cell) for cell in column):
            roles["ip"] = index
            remarks.append(f"column {index + 1} was read as the IP address")
    if width > len(roles) + sum(bool(n) for i, n in enumerate(with_at) if i != email):
        remarks.append("columns without a name in the first line were not taken")
    return Columns(roles, (), tuple(remarks))


def _second(index: int, name: str, email: int) -> str:
    named = f" ({' '.join(name.split())[:40]!r})" if name.strip() else ""
    return f"column {index + 1}{named} holds addresses too; only column {email + 1} was taken"


def _again(index: int, name: str, first: int) -> str:
    named = " ".join(name.split())[:40]
    return f"column {index + 1} ({named!r}) says the same as column {first + 1}; only column {first + 1} was taken"


def _name(cell: str) -> str:
    return " ".join(unescape(cell.strip("\ufeff")).split()).casefold()


def _is_address(cell: str) -> bool:
    try:
        return bool(address_in(cell))
    except AddressError:
        return False


def _is_time(cell: str) -> bool:
    if not _SEPARATED.match(cell):
        return False
    try:
        return time_in(cell) >= _BEFORE_LISTS_AT
    except ValueError:
        return False


def _is_ip(cell: str) -> bool:
    try:
        return bool(check_ip(cell))
    except Exception:
        return False
