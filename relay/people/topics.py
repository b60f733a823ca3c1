"""Topics: what people agree to hear about, made on purpose.

A consent to a topic that nobody made is most often a slip of the pen, and a
second topic by accident would leave a list in two. So an unknown one is an
error in every way in; only a tenant that has none yet gets its first one by a
stream, a form or a single consent. Topics are never deleted: links and
bounces carry their ids, and consents are to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from relay.audit import actions
from relay.people.consent_rules import ConsentRefused, check_topic
from relay.store.contract import Tx
from relay.values.short_name import MAX_SHORT, fault
from relay.values.suggest import did_you_mean

MAX_TITLE: Final = MAX_SHORT
MAX_DESCRIPTION: Final = 500
MOST_TOPICS: Final = 1_000
"""Of one tenant."""
MOST_TOLD: Final = 8


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic as stored: ``name`` is for programs, ``title`` and ``description`` are what people read."""

    id: int
    name: str
    title: str
    description: str
    grade: str = "C"
    """The lowest that its consents must have (``relay.people.grades``)."""

    @property
    def shown(self) -> str:
        """What people read."""
        return self.title or self.name


# --- finding -----------------------------------------------------------------------


def find(conn: Tx, tenant_id: int, name: str) -> int | None:
    """The id of the tenant's topic; None if there is none of that name."""
    row = conn.execute("SELECT id FROM topic WHERE tenant_id = ? AND name = ?", (tenant_id, name)).fetchone()
    return None if row is None else int(row[0])


def of_tenant(conn: Tx, tenant_id: int) -> list[TopicRow]:
    """The tenant's topics in the order they were made: the first is the default of its streams."""
    rows = conn.execute(
        "SELECT id, name, title, description, grade FROM topic WHERE tenant_id = ? ORDER BY id", (tenant_id,)
    )
    return [TopicRow(*row) for row in rows]


def shown(conn: Tx, tenant_id: int, name: str) -> str:
    """What people read of a topic; the name itself where it is gone."""
    return next((one.shown for one in of_tenant(conn, tenant_id) if one.name == name), name)


def known(conn: Tx, tenant_id: int, name: str) -> int:
    """The id of a topic that is there; raises ConsentRefused with what may have been meant (imports, withdrawals)."""
    found = find(conn, tenant_id, name)
    if found is None:
        raise unknown(name, _names(conn, tenant_id))
    return found


def may_be_first(conn: Tx, tenant_id: int, name: str) -> int | None:
    """As ``known``, but None where the tenant has no topic at all, so that this one would be its first."""
    found = find(conn, tenant_id, name)
    if found is None and (names := _names(conn, tenant_id)):
        raise unknown(name, names)
    return found


def first_or_known(conn: Tx, tenant_id: int, name: str) -> int:
    """As ``known``, but a tenant without topics gets its first (streams, forms, single consents)."""
    return may_be_first(conn, tenant_id, name) or _make(conn, tenant_id, name, "", "")


def all_first_or_known(conn: Tx, tenant_id: int, names: Sequence[str]) -> list[int]:
    """The same for what belongs together: a form's topics, all made where the tenant had none."""
    there = _names(conn, tenant_id)
    if there:
        return [known(conn, tenant_id, name) for name in names]
    return [_make(conn, tenant_id, name, "", "") for name in names]


def unknown(name: str, names: Sequence[str]) -> ConsentRefused:
    """The refusal for a topic that isn't among ``names``."""
    shown = name if len(name) <= 60 else f"{name[:59]}…"
    hint = did_you_mean(name, names) or ";"
    return ConsentRefused(
        "topic", f"there is no topic {shown!r}{hint} there are: {listed(names)}; `relay topic add` makes one"
    )


def listed(names: Sequence[str]) -> str:
    """Names for one line, the first of them."""
    shown = [name if len(name) <= 40 else f"{name[:39]}…" for name in names[:MOST_TOLD]]
    more = len(names) - len(shown)
    return (", ".join(shown) + (f" and {more} more" if more else "")) if shown else "none yet"


def _names(conn: Tx, tenant_id: int) -> list[str]:
    return [row[0] for row in conn.execute("SELECT name FROM topic WHERE tenant_id = ? ORDER BY id", (tenant_id,))]


# --- making ------------------------------------------------------------------------


def add(
    conn: Tx, tenant_id: int, name: str, *, title: str = "", description: str = "", actor: str, now: float
) -> TopicRow:
    """Make a topic; raises ConsentRefused (``topic``, ``exists``, ``full``), then nothing is changed."""
    name = name.strip()
    check_topic(name)
    names = _names(conn, tenant_id)
    same = next((one for one in names if one.casefold() == name.casefold()), None)
    if same is not None:
        more = "" if same == name else f" as {same!r}: two that differ in case alone would be taken for one"
        raise ConsentRefused(
            "exists", f"there is a topic {name!r} already{more}; `relay topic edit` changes what people read"
        )
    if len(names) >= MOST_TOPICS:
        raise ConsentRefused("full", f"there are {MOST_TOPICS} topics, which is the most")
    title, description = _line(title, MAX_TITLE, "title"), _line(description, MAX_DESCRIPTION, "description")
    check_read(title or name)
    id_ = _make(conn, tenant_id, name, title, description)
    said = {"topic": name, "title": title, "description": description}
    actions.record(conn, actor, "topic-added", tenant_id, {k: v for k, v in said.items() if v}, now)
    return TopicRow(id_, name, title, description)


def edit(
    conn: Tx, tenant_id: int, name: str, *, title: str | None, description: str | None, actor: str, now: float
) -> TopicRow:
    """Change what people read of a topic; None leaves it, ``""`` empties it. Raises ConsentRefused."""
    id_ = known(conn, tenant_id, name)
    before = next(one for one in of_tenant(conn, tenant_id) if one.id == id_)
    after = TopicRow(
        id_,
        before.name,
        before.title if title is None else _line(title, MAX_TITLE, "title"),
        before.description if description is None else _line(description, MAX_DESCRIPTION, "description"),
    )
    check_read(after.shown)
    conn.execute("UPDATE topic SET title = ?, description = ? WHERE id = ?", (after.title, after.description, id_))
    said = {"topic": name, "title": after.title, "description": after.description}
    actions.record(conn, actor, "topic-edited", tenant_id, said, now)
    return after


def check_read(text: str) -> None:
    """Raises ConsentRefused for a title or name that can't stand in a letter to a person who agreed to nothing yet."""
    if why := fault(text):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        told = f"the topic {shown!r} can't stand in a confirmation letter: {why}; give it a short name in plain words"
        raise ConsentRefused("topic", told)


def _make(conn: Tx, tenant_id: int, name: str, title: str, description: str) -> int:
    row = conn.execute(
        "INSERT INTO topic (tenant_id, name, title, description) VALUES (?, ?, ?, ?) RETURNING id",
        (tenant_id, name, title, description),
    ).fetchone()
    return int(row[0])


def _line(text: str, most: int, what: str) -> str:
    """One line of visible text, which stands in pages, letters and header fields."""
    line = " ".join(text.split())
    if len(line) > most or not line.isprintable():
        raise ConsentRefused(
            "topic", f"the {what} of a topic is one line of printable text of at most {most} characters"
        )
    return line
