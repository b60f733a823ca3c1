"""A few of a campaign's copies as they would leave, read from those that are held."""

from __future__ import annotations

from typing import Final

import msgspec

from relay.mail.content import Content
from relay.mail.own_tracking import LINK_SLOT
from relay.mail.render import Renderer
from relay.mail.scan import Malformed, ScanLimits, scan
from relay.mail.template import Template
from relay.store.contract import Tx

SIDE: Final = 4
"""Copies taken from the first that are held, and from the last."""
MOST_OCTETS: Final = 32 * 1024 * 1024
"""Read for one campaign; the first copy is always read."""
_LINKS: Final = {"unsubscribe_url": "u", "preferences_url": "p", "why_url": "why", "report_url": "report"}
_OWN: Final = "…"
"""Stands for a recipient's own token in the relay's links."""
_SLOTS: Final = msgspec.json.Decoder(dict[str, str])
_COPIES: Final = (
    "SELECT r.submission_id, r.number, r.slots, length(b.template) FROM recipient r"
    " JOIN body b ON b.submission_id = r.submission_id WHERE r.campaign_id = ? AND r.state = 1"
    " ORDER BY r.submission_id {order}, r.number {order} LIMIT ?"
)


def copies(conn: Tx, campaign_id: int, base_url: str) -> list[Content]:
    """Up to eight held ones, as their recipients would read them; [] if none is held. ``base_url``: of the pages."""
    rows = [*conn.execute(_COPIES.format(order="ASC"), (campaign_id, SIDE)).fetchall()]
    rows += conn.execute(_COPIES.format(order="DESC"), (campaign_id, SIDE)).fetchall()
    found: list[Content] = []
    left = MOST_OCTETS
    template: Template | None = None
    read = -1
    for submission_id, _, slots, octets in dict.fromkeys(map(tuple, rows)):
        if submission_id != read:
            if found and octets > left:
                continue
            left -= octets
            template, read = _template(conn, submission_id), submission_id
        content = None if template is None else rendered(template, _SLOTS.decode(slots) if slots else {}, base_url)
        if content is not None:
            found.append(content)
    return found


def copy_of(conn: Tx, submission_id: int, number: int, base_url: str) -> Content | None:
    """One recipient's copy while its message is kept, which is until the last copy has left; else None."""
    row = conn.execute(
        "SELECT slots FROM recipient WHERE submission_id = ? AND number = ?", (submission_id, number)
    ).fetchone()
    template = None if row is None else _template(conn, submission_id)
    return None if template is None else rendered(template, _SLOTS.decode(row[0]) if row[0] else {}, base_url)


def kept(conn: Tx, submission_id: int) -> bool:
    """Whether ``copy_of`` still finds something to read."""
    return conn.execute("SELECT 1 FROM body WHERE submission_id = ?", (submission_id,)).fetchone() is not None


def values_of(template: Template, slots: dict[str, str], base_url: str, token: str) -> dict[str, str]:
    """What its slots stand for; ``token`` is in the relay's own links in place of a recipient's."""
    values = slots | {name: f"{base_url}/{path}/{token}" for name, path in _LINKS.items()}
    values["unsubscribe_mailto"] = "unsubscribe@relay.invalid"
    for number, link in enumerate(template.tracked):
        values[f"{LINK_SLOT}{number}"] = link.raw
    return values


def _template(conn: Tx, submission_id: int) -> Template | None:
    row = conn.execute("SELECT template FROM body WHERE submission_id = ?", (submission_id,)).fetchone()
    try:
        return None if row is None else Template.decode(bytes(row[0]))
    except ValueError:
        return None


def rendered(template: Template, slots: dict[str, str], base_url: str) -> Content | None:
    """One copy: links stand as the sender wrote them, the relay's own without their tokens."""
    copy = Renderer(template).render(values_of(template, slots, base_url, _OWN), hashed=False)
    try:
        return Content(scan(b"".join(copy.fields) + b"\r\n" + copy.body, ScanLimits()))
    except Malformed:
        return None
