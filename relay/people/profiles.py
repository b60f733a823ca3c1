"""How a tenant orders its list: attributes and groups of its people (R4).

Attributes are texts by name, names in small letters. All functions work in
the caller's transaction; what is refused changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from relay.store.contract import Tx
from relay.values.dates import under_age
from relay.values.errors import RegistryError

MAX_NAME: Final = 64
"""Characters of an attribute's name."""
MAX_VALUE: Final = 1_000
MAX_ATTRIBUTES: Final = 100
"""Different attributes of a tenant."""
MAX_GROUPS: Final = 1_000
TOO_MANY_GROUPS: Final = f"a tenant has at most {MAX_GROUPS} groups; is the column named `group` one of groups?"
BIRTHDAY: Final = "birthday"
CHILD: Final = "under 16"
"""Detail of the suppression of someone who turns out to be a child (R5)."""
RESERVED: Final = frozenset(
    (
        *("email", "topic", "live", "given_at", "withdrawn_at", "source"),
        *("wording", "means", "ip", "page", "recorded_at", "groups", "on_list_since", "grade"),
    )
)
"""Columns of an export that are no attributes."""
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


class UnderAge(RegistryError):
    """The person is under 16 (R5): nothing may be kept, and nothing more may go there."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a tenant keeps of one person."""

    attributes: Mapping[str, str]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    created_at: float
    """Seconds UTC."""
    people: int


def of(conn: Tx, subscriber_id: int) -> Profile:
    """Empty for someone of whom nothing is kept."""
    row = conn.execute("SELECT attributes FROM profile WHERE subscriber_id = ?", (subscriber_id,)).fetchone()
    groups = conn.execute(
        "SELECT g.name FROM membership m JOIN list_group g ON g.id = m.group_id WHERE m.subscriber_id = ?"
        " ORDER BY g.name",
        (subscriber_id,),
    )
    return Profile(json.loads(row[0]) if row else {}, tuple(name for (name,) in groups))


def change(
    conn: Tx,
    tenant_id: int,
    subscriber_id: int,
    *,
    attributes: Mapping[str, str],
    join: Iterable[str] = (),
    leave: Iterable[str] = (),
    now: float,
) -> None:
    """Set attributes (an empty value removes one), join and leave groups.

    Raises RegistryError for a name or value that can't be kept, and UnderAge
    for a birthday of someone under 16.
    """
    values = {attribute_name(name): _value(name, value) for name, value in attributes.items()}
    check_age(values, now)
    know_attributes(conn, tenant_id, [name for name, value in values.items() if value])
    if values:
        kept = {name: value for name, value in {**of(conn, subscriber_id).attributes, **values}.items() if value}
        conn.execute(
            "INSERT INTO profile (subscriber_id, attributes, changed_at) VALUES (?, ?, ?) ON CONFLICT (subscriber_id)"
            " DO UPDATE SET attributes = excluded.attributes, changed_at = excluded.changed_at",
            (subscriber_id, encode(kept), now),
        )
    joined = [(make_group(conn, tenant_id, name, now), subscriber_id) for name in join]
    conn.executemany("INSERT INTO membership (group_id, subscriber_id) VALUES (?, ?) ON CONFLICT DO NOTHING", joined)
    conn.executemany(
        "DELETE FROM membership WHERE subscriber_id = ? AND group_id ="
        " (SELECT id FROM list_group WHERE tenant_id = ? AND name = ?)",
        [(subscriber_id, tenant_id, group_name(name)) for name in leave],
    )


def check_age(values: Mapping[str, str], now: float) -> None:
    """Raises UnderAge if the birthday among the values says so, RegistryError if it is none."""
    try:
        child = bool(values.get(BIRTHDAY)) and under_age(values[BIRTHDAY], now)
    except ValueError as error:
        raise RegistryError(str(error)) from error
    if child:
        raise UnderAge("the person is under 16 and may not be on a list; nothing was kept")


def encode(attributes: Mapping[str, str]) -> str:
    """As stored in ``profile``."""
    return _ENCODER.encode(attributes).decode()


# --- names -------------------------------------------------------------------------------


def attribute_names(conn: Tx, tenant_id: int) -> list[str]:
    """All that the tenant ever used, by name."""
    rows = conn.execute("SELECT name FROM attribute WHERE tenant_id = ? ORDER BY name", (tenant_id,))
    return [name for (name,) in rows]


def know_attributes(conn: Tx, tenant_id: int, names: Collection[str]) -> None:
    """Add what is new to the tenant's names; raises RegistryError past MAX_ATTRIBUTES."""
    new = new_attributes(conn, tenant_id, names)
    conn.executemany("INSERT INTO attribute (tenant_id, name) VALUES (?, ?)", [(tenant_id, name) for name in new])


def new_attributes(conn: Tx, tenant_id: int, names: Collection[str]) -> list[str]:
    """Those that the tenant has not used so far; raises RegistryError past MAX_ATTRIBUTES."""
    known = set(attribute_names(conn, tenant_id))
    new = [name for name in dict.fromkeys(names) if name not in known]
    if len(known) + len(new) > MAX_ATTRIBUTES:
        raise RegistryError(f"a tenant has at most {MAX_ATTRIBUTES} attributes; leave out columns, e.g. with --skip")
    return new


def attribute_name(text: str) -> str:
    """In its one spelling; raises RegistryError."""
    name = " ".join(text.split()).casefold()
    if not name or len(name) > MAX_NAME or not name.isprintable() or "=" in name:
        raise RegistryError(f"an attribute's name is printable text without `=` of at most {MAX_NAME} characters")
    if name in RESERVED:
        raise RegistryError(f"{name!r} is a column of every export; name the attribute otherwise")
    return name


def _value(name: str, text: str) -> str:
    value = text.strip()
    if len(value) > MAX_VALUE or not value.isprintable():
        raise RegistryError(
            f"the value of {name[:MAX_NAME]!r} must be printable text of at most {MAX_VALUE} characters"
        )
    return value


# --- groups ------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def group_name(text: str) -> str:
    """In its one spelling; raises RegistryError."""
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME or not name.isprintable() or any(c in name for c in ";,|"):
        raise RegistryError(f"a group's name is printable text without , ; or | of at most {MAX_NAME} characters")
    return name


def make_group(conn: Tx, tenant_id: int, text: str, now: float) -> int:
    """The id of a group, made if it is new; raises RegistryError past MAX_GROUPS."""
    name = group_name(text)
    row = conn.execute("SELECT id FROM list_group WHERE tenant_id = ? AND name = ?", (tenant_id, name)).fetchone()
    if row is None:
        count = conn.execute("SELECT count(*) FROM list_group WHERE tenant_id = ?", (tenant_id,)).fetchone()[0]
        if count >= MAX_GROUPS:
            raise RegistryError(TOO_MANY_GROUPS)
        row = conn.execute(
            "INSERT INTO list_group (tenant_id, name, created_at) VALUES (?, ?, ?) RETURNING id", (tenant_id, name, now)
        ).fetchone()
    return int(row[0])


def check_groups(conn: Tx, tenant_id: int, names: Collection[str]) -> None:
    """Raises RegistryError if the tenant would have more than MAX_GROUPS with these."""
    rows = conn.execute("SELECT name FROM list_group WHERE tenant_id = ?", (tenant_id,))
    if len({*names, *(name for (name,) in rows)}) > MAX_GROUPS:
        raise RegistryError(TOO_MANY_GROUPS)


def group_names(conn: Tx, tenant_id: int) -> list[str]:
    """Of the tenant's groups; nobody in them is counted."""
    rows = conn.execute("SELECT name FROM list_group WHERE tenant_id = ? ORDER BY name", (tenant_id,))
    return [str(name) for (name,) in rows]


def groups(conn: Tx, tenant_id: int) -> list[Group]:
    """The tenant's groups by name, with how many people are in each."""
    rows = conn.execute(
        "SELECT g.name, g.created_at, (SELECT count(*) FROM membership m WHERE m.group_id = g.id) FROM list_group g"
        " WHERE g.tenant_id = ? ORDER BY g.name",
        (tenant_id,),
    )
    return [Group(*row) for row in rows]
