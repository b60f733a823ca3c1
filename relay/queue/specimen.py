"""One copy of a campaign as its reader would get it, for people who decide on it; its links lead nowhere.

Bodies go with their last copy, so of a campaign that has left whole there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.mail.content import Content
from relay.mail.render import Renderer
from relay.mail.scan import Malformed, ScanLimits, scan
from relay.mail.stored import Template
from relay.store.contract import Tx

_LATEST = (
    "SELECT b.template, r.slots FROM recipient r JOIN body b ON b.submission_id = r.submission_id"
    " WHERE r.campaign_id = ? AND r.state = ? LIMIT 1"
)
_ANY = (
    "SELECT b.template, r.slots FROM submission s JOIN body b ON b.submission_id = s.id"
    " JOIN recipient r ON r.submission_id = s.id WHERE s.campaign_id = ? ORDER BY s.id DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Specimen:
    """``octets`` are the whole message; ``content`` what a reader sees of it."""

    octets: bytes
    content: Content


def of_campaign(conn: Tx, campaign_id: int) -> Specimen | None:
    """A held copy where there is one, else of the latest message that is kept; None: none is, or it can't be read."""
    row = conn.execute(_LATEST, (campaign_id, 1)).fetchone() or conn.execute(_ANY, (campaign_id,)).fetchone()
    if row is None:
        return None
    given: Mapping[str, Any] = json.loads(row[1]) if row[1] else {}
    values = {name: value for name, value in given.items() if isinstance(value, str)}
    made = Renderer(Template.decode(row[0])).render(values, hashed=False)
    octets = b"".join(made.fields) + b"\r\n" + made.body
    try:
        return Specimen(octets, Content(scan(octets, ScanLimits())))
    except Malformed:
        return None
