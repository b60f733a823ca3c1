"""Subscription forms: what a person can agree to, in which words (R2, R4, R5).

A form belongs to one tenant and is known outside by its key. Its wording is
one of the tenant's stored wordings, which are kept for good: an edit makes
another one, and what was agreed to before keeps its own. Writing functions
work in the caller's transaction and leave an audit entry.
"""

from __future__ import annotations

import base64
import re
import secrets as random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from relay.audit import actions
from relay.people import topics as all_topics
from relay.people import wordings
from relay.people.consent_rules import terms
from relay.store.contract import Conflict, Tx
from relay.tenants.recent import STEP
from relay.tenants.web_address import site_origin, site_url
from relay.values.errors import RegistryError
from relay.values.suggest import did_you_mean
from relay.values.tenant import TenantRow

MAX_TOPICS: Final = 20
MAX_FRAMES: Final = 10
MAX_TITLE: Final = 200
MOST_FORMS: Final = 100
"""Forms of one tenant."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_COLUMNS: Final = (
    "f.id, f.tenant_id, f.name, f.key, f.title, f.wording_id, w.text, f.language, f.ask_age, f.redirect, f.frames,"
    " f.created_at, f.ask_tracking"
)
_FROM: Final = " FROM form f JOIN wording w ON w.id = f.wording_id"


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing to choose; ``id`` is the tenant's topic."""

    id: int
    name: str
    title: str = ""
    description: str = ""

    @property
    def shown(self) -> str:
        """What people read."""
        return self.title or self.name


@dataclass(frozen=True, slots=True)
class Form:
    """A form as stored; ``created_at`` in seconds UTC."""

    id: int
    tenant_id: int
    name: str
    key: str
    title: str
    wording_id: int
    wording: str
    language: str
    """Code of the form's own language; empty: the person's."""
    ask_age: bool
    redirect: str
    """Where the person is sent after asking; empty: the relay's own page."""
    frames: tuple[str, ...]
    """Origins whose pages may show it in a frame."""
    created_at: float
    topics: tuple[Topic, ...]
    ask_tracking: bool = False
    """Whether it asks for the consent to being tracked, by a box of its own (R33)."""


@dataclass(frozen=True, slots=True)
class FormWish:
    """What a form is to be; checked by ``add`` and ``edit``."""

    topics: Sequence[str]
    wording: str
    title: str = ""
    language: str = ""
    ask_age: bool = False
    redirect: str = ""
    frames: Sequence[str] = ()
    ask_tracking: bool = False

    @classmethod
    def of(cls, form: Form) -> FormWish:
        """What the form is now, to be changed with ``dataclasses.replace``."""
        names = tuple(topic.name for topic in form.topics)
        return cls(
            names, form.wording, form.title, form.language, form.ask_age, form.redirect, form.frames, form.ask_tracking
        )


# --- reading -----------------------------------------------------------------------


def find(conn: Tx, tenant: TenantRow, name: str) -> Form:
    """The tenant's form of that name; RegistryError if there is none."""
    found = named(conn, tenant.id, name)
    if found is None:
        names = [form.name for form in of_tenant(conn, tenant.id)]
        hint = did_you_mean(name, names) or ";"
        raise RegistryError(f"{tenant.name} has no form {name!r}{hint} there are: {', '.join(names) or 'none'}")
    return found


def named(conn: Tx, tenant_id: int, name: str) -> Form | None:
    """The tenant's form of that name; None if there is none."""
    return _one(conn, " WHERE f.tenant_id = ? AND f.name = ?", (tenant_id, name))


def by_key(conn: Tx, key: str) -> Form | None:
    """The form that an address names; None if there is none."""
    return _one(conn, " WHERE f.key = ?", (key,)) if len(key) <= 64 else None


def by_id(conn: Tx, form_id: int) -> Form | None:
    return _one(conn, " WHERE f.id = ?", (form_id,))


def of_tenant(conn: Tx, tenant_id: int) -> list[Form]:
    """The tenant's forms by name."""
    rows = conn.execute(f"SELECT {_COLUMNS}{_FROM} WHERE f.tenant_id = ? ORDER BY f.name", (tenant_id,)).fetchall()
    return [_form(conn, row) for row in rows]


def _one(conn: Tx, where: str, values: tuple[object, ...]) -> Form | None:
    row = conn.execute(f"SELECT {_COLUMNS}{_FROM}{where}", values).fetchone()
    return None if row is None else _form(conn, row)


def _form(conn: Tx, row: tuple[Any, ...]) -> Form:
    topics = conn.execute(
        "SELECT t.id, t.name, t.title, t.description FROM form_topic c JOIN topic t ON t.id = c.topic_id"
        " WHERE c.form_id = ? ORDER BY c.place",
        (row[0],),
    )
    id_, tenant_id, name, key, title, wording_id, wording, language, ask_age, redirect, *rest = row
    frames, created_at, ask_tracking = rest
    return Form(
        id=id_,
        tenant_id=tenant_id,
        name=name,
        key=key,
        title=title,
        wording_id=wording_id,
        wording=wording,
        language=language,
        ask_age=bool(ask_age),
        redirect=redirect,
        frames=tuple(frames.split()),
        created_at=created_at,
        topics=tuple(Topic(*topic) for topic in topics),
        ask_tracking=bool(ask_tracking),
    )


# --- writing -----------------------------------------------------------------------


def add(
    conn: Tx,
    tenant: TenantRow,
    name: str,
    wish: FormWish,
    *,
    languages: Iterable[str],
    actor: str,
    now: float,
) -> Form:
    """A new form; raises RegistryError or Refused, then nothing is changed.

    ``languages`` are the codes that the pages can speak.
    """
    if not _NAME.fullmatch(name):
        raise RegistryError(f"{name!r} is no form name: use 1 to 63 of a-z, 0-9 and -, and don't begin with -")
    if len(of_tenant(conn, tenant.id)) >= MOST_FORMS:
        raise RegistryError(f"{tenant.name} has {MOST_FORMS} forms, which is the most; remove one that isn't used")
    wish = _checked(conn, tenant, name, wish, languages)
    wording_id = wordings.make(conn, tenant.id, wish.wording, now)
    key = base64.b32encode(random.token_bytes(10)).decode().lower()
    try:
        made = conn.execute(
            "INSERT INTO form (tenant_id, name, key, title, wording_id, language, ask_age, redirect, frames,"
            " created_at, ask_tracking) VALUES (?,?,?,?,?,?,?,?,?,?,?) RETURNING id",
            (tenant.id, name, key, wish.title, wording_id, wish.language, int(wish.ask_age), wish.redirect,
             " ".join(wish.frames), now, int(wish.ask_tracking)),
        ).fetchone()  # fmt: skip
    except Conflict as error:
        raise RegistryError(f"{tenant.name} has a form {name!r} already; `relay form edit` changes it") from error
    _put_topics(conn, tenant.id, int(made[0]), wish.topics)
    actions.record(conn, actor, "form-added", tenant.id, {"form": name, "wording_id": wording_id}, now)
    return find(conn, tenant, name)


def edit(
    conn: Tx,
    tenant: TenantRow,
    name: str,
    wish: FormWish,
    *,
    languages: Iterable[str],
    actor: str,
    now: float,
) -> Form:
    """Change a form; requests under way keep the wording they were made with."""
    form = find(conn, tenant, name)
    wish = _checked(conn, tenant, name, wish, languages, before=[topic.name for topic in form.topics])
    wording_id = wordings.make(conn, tenant.id, wish.wording, now)
    conn.execute(
        "UPDATE form SET title = ?, wording_id = ?, language = ?, ask_age = ?, redirect = ?, frames = ?,"
        " ask_tracking = ? WHERE id = ?",
        (wish.title, wording_id, wish.language, int(wish.ask_age), wish.redirect, " ".join(wish.frames),
         int(wish.ask_tracking), form.id),
    )  # fmt: skip
    conn.execute("DELETE FROM form_topic WHERE form_id = ?", (form.id,))
    _put_topics(conn, tenant.id, form.id, wish.topics)
    actions.record(conn, actor, "form-edited", tenant.id, {"form": name, "wording_id": wording_id}, now)
    return find(conn, tenant, name)


def remove(conn: Tx, tenant: TenantRow, name: str, *, actor: str, now: float) -> Form:
    """Remove a form with the requests that wait; consents given by it stay as they are.

    That the requests' letters went out is kept until their links would have ended: removing frees no place for more.
    """
    form = find(conn, tenant, name)
    conn.execute(
        "INSERT INTO form_removed (tenant_id, requests, expires_at) SELECT tenant_id, count(*), max(expires_at)"
        " FROM opt_in WHERE form_id = ? AND confirmed_at IS NULL AND expires_at > ?"
        " GROUP BY tenant_id, CAST(expires_at / 3600 AS INTEGER)",
        (form.id, now),
    )
    conn.execute("DELETE FROM form WHERE id = ?", (form.id,))
    actions.record(conn, actor, "form-removed", tenant.id, {"form": name}, now)
    return form


def removed_waiting(conn: Tx, tenant_id: int, now: float) -> int:
    """Requests that waited when their form was removed, and whose links would still work."""
    sql = "SELECT coalesce(sum(requests), 0) FROM form_removed WHERE tenant_id = ? AND expires_at > ?"
    return int(conn.execute(sql, (tenant_id, now)).fetchone()[0])


def forget_removed(conn: Tx, now: float) -> int:
    """Delete what is kept of removed forms once it counts no more, a step at most; how many."""
    sql = "DELETE FROM form_removed WHERE id IN (SELECT id FROM form_removed WHERE expires_at <= ? LIMIT ?)"
    return conn.execute(sql, (now, STEP)).rowcount


def _put_topics(conn: Tx, tenant_id: int, form_id: int, topics: Sequence[str]) -> None:
    conn.executemany(
        "INSERT INTO form_topic (form_id, topic_id, place) VALUES (?, ?, ?)",
        [(form_id, id_, place) for place, id_ in enumerate(all_topics.all_first_or_known(conn, tenant_id, topics))],
    )


def verified_domains(conn: Tx, tenant_id: int) -> frozenset[str]:
    """The tenant's own domains, where its sites may be."""
    rows = conn.execute("SELECT name FROM domain WHERE tenant_id = ? AND verified_at IS NOT NULL", (tenant_id,))
    return frozenset(row[0] for row in rows)


def source(name: str) -> str:
    """Where its consents come from, in the words that are kept and shown to the person (R7)."""
    return f"form {name}"


def _checked(
    conn: Tx,
    tenant: TenantRow,
    name: str,
    wish: FormWish,
    languages: Iterable[str],
    before: Sequence[str] = (),
) -> FormWish:
    """The wish in its normal form; what it says is what its consents will say, so their rules are asked now.

    Topics that the form had ``before`` stay, whatever their names: the letter leaves out what can't stand in it.
    """
    if not wish.topics:
        raise RegistryError("a form needs at least one topic")
    wording = wish.wording.replace("\r\n", "\n")
    agreed = [terms(topic=topic, source=source(name), wording=wording, means="form") for topic in wish.topics]
    topics = tuple(dict.fromkeys(one.topic for one in agreed))
    for topic in topics:
        if topic not in before:
            _check_title(conn, tenant.id, topic)
    if len(topics) > MAX_TOPICS:
        raise RegistryError(f"a form has at most {MAX_TOPICS} topics")
    domains = verified_domains(conn, tenant.id)
    frames = tuple(dict.fromkeys(site_origin(text, domains) for text in wish.frames))
    if len(frames) > MAX_FRAMES:
        raise RegistryError(f"a form can be framed by at most {MAX_FRAMES} origins")
    return replace(
        wish,
        topics=topics,
        wording=agreed[0].wording,
        title=_title(wish.title),
        language=_language(wish.language, languages),
        redirect=site_url(wish.redirect, domains) if wish.redirect else "",
        frames=frames,
    )


def _check_title(conn: Tx, tenant_id: int, topic: str) -> None:
    """What people read of it in the letter: its title, where it has one."""
    row = conn.execute("SELECT title FROM topic WHERE tenant_id = ? AND name = ?", (tenant_id, topic)).fetchone()
    all_topics.check_read(row[0] if row and row[0] else topic)


def _title(text: str) -> str:
    title = " ".join(text.split())
    if len(title) > MAX_TITLE or not title.isprintable():
        raise RegistryError(f"a title is printable text of at most {MAX_TITLE} characters")
    return title


def _language(text: str, languages: Iterable[str]) -> str:
    code = text.strip().lower()
    if code and (not _LANGUAGE.fullmatch(code) or code not in languages):
        raise RegistryError(f"{text[:20]!r} is no language of the pages; there are: {', '.join(sorted(languages))}")
    return code
