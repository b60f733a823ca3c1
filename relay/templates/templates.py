"""Templates as they are kept: made, changed by a new version, listed, removed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from relay.store.contract import Tx
from relay.templates import formats
from relay.templates.filling import filler
from relay.templates.liquid_engine import TemplateFault
from relay.values.errors import RegistryError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
FORMATS: Final = ("html", "mjml", "markdown")
MOST: Final = 1_000
"""Templates of a tenant."""
MOST_VERSIONS: Final = 50
"""Older ones go."""
_COLUMNS: Final = "name, version, subject, text, html, format, source, created_at"


@dataclass(frozen=True, slots=True)
class KeptTemplate:
    """One version; ``html`` is what is sent, ``source`` what was written."""

    name: str
    version: int
    subject: str
    text: str
    html: str
    format: str
    source: str
    created_at: float


def put(
    conn: Tx, tenant_id: int, name: str, *, subject: str, text: str, source: str, format: str, now: float
) -> KeptTemplate:
    """A new template, or a new version of one. Raises RegistryError, TemplateFault."""
    if not NAME.fullmatch(name):
        raise RegistryError(f"{name[:80]!r} is no name for a template: use 1 to 63 of a-z, 0-9, dot, - and _")
    if format not in FORMATS:
        raise RegistryError(f"there is no format {format!r}; use {', '.join(FORMATS)}")
    markup, text = made(subject, text, source, format)
    row = conn.execute(
        "SELECT max(version), (SELECT count(DISTINCT name) FROM template WHERE tenant_id = ?)"
        " FROM template WHERE tenant_id = ? AND name = ?",
        (tenant_id, tenant_id, name),
    ).fetchone()
    if row[0] is None and row[1] >= MOST:
        raise RegistryError(f"a tenant can have {MOST} templates; remove one first")
    version = (row[0] or 0) + 1
    conn.execute(
        f"INSERT INTO template (tenant_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (tenant_id, name, version, subject, text, markup, format, source, now),
    )
    conn.execute(
        "DELETE FROM template WHERE tenant_id = ? AND name = ? AND version <= ?",
        (tenant_id, name, version - MOST_VERSIONS),
    )
    return KeptTemplate(name, version, subject, text, markup, format, source, now)


def made(subject: str, text: str, source: str, format: str) -> tuple[str, str]:
    """(HTML, text) of what a tenant wrote, all of it checked. Raises TemplateFault that names the field."""
    if not text and not source:
        raise TemplateFault("there is neither text nor HTML")
    make = {"mjml": formats.from_mjml, "markdown": formats.from_markdown}.get(format)
    markup = make(source) if make is not None and source else source
    if not text:
        text = formats.text_of(markup)
    for field, one, escape in (("subject", subject, False), ("text", text, False), (format, markup, True)):
        try:
            filler(one, escape)
        except TemplateFault as fault:
            raise TemplateFault(f"{field}: {fault}") from None
    return markup, text


def own_text(kept: KeptTemplate) -> str:
    """The text if somebody wrote it beside the HTML; empty where it was made of that."""
    return "" if kept.html and kept.text == formats.text_of(kept.html) else kept.text


def find(conn: Tx, tenant_id: int, name: str, version: int | None = None) -> KeptTemplate | None:
    """A version, or the newest."""
    values: list[Any] = [tenant_id, name]
    if version is not None:
        values.append(version)
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM template WHERE tenant_id = ? AND name = ?"
        f" {'AND version = ?' if version is not None else ''} ORDER BY version DESC LIMIT 1",
        values,
    ).fetchone()
    return None if row is None else KeptTemplate(*row)


def all_of(conn: Tx, tenant_id: int) -> list[KeptTemplate]:
    """The newest version of each, by name."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM template t WHERE tenant_id = ? AND version ="
        " (SELECT max(version) FROM template n WHERE n.tenant_id = t.tenant_id AND n.name = t.name) ORDER BY name",
        (tenant_id,),
    )
    return [KeptTemplate(*row) for row in rows]


def versions(conn: Tx, tenant_id: int, name: str) -> list[tuple[int, float]]:
    """(version, when it was made) of each that is kept, the newest first."""
    rows = conn.execute(
        "SELECT version, created_at FROM template WHERE tenant_id = ? AND name = ? ORDER BY version DESC",
        (tenant_id, name),
    )
    return [(int(version), float(at)) for version, at in rows]


def heads(conn: Tx, tenant_id: int) -> list[tuple[str, int, str, str, float]]:
    """Name, version, format, subject and when it was made, of the newest version of each, by name."""
    rows = conn.execute(
        "SELECT name, version, format, subject, created_at FROM template t WHERE tenant_id = ? AND version ="
        " (SELECT max(version) FROM template n WHERE n.tenant_id = t.tenant_id AND n.name = t.name) ORDER BY name",
        (tenant_id,),
    )
    return [(str(name), int(number), str(form), str(subject), float(at)) for name, number, form, subject, at in rows]


def names(conn: Tx, tenant_id: int) -> list[str]:
    rows = conn.execute("SELECT DISTINCT name FROM template WHERE tenant_id = ? ORDER BY name", (tenant_id,))
    return [str(name) for (name,) in rows]


def remove(conn: Tx, tenant_id: int, name: str) -> int:
    """All versions; how many."""
    return conn.execute("DELETE FROM template WHERE tenant_id = ? AND name = ?", (tenant_id, name)).rowcount
