"""Letters that the relay wrote to people, as they wait in a ``Shop``'s queue."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass

from relay.mail.render import Renderer
from relay.mail.stored import Template
from tests.support.web import Shop


@dataclass(frozen=True, slots=True)
class ToldLetter:
    to: str
    subject: str
    text: str
    html: str


def letters(shop: Shop, to: str = "") -> list[ToldLetter]:
    """All, or those to an address, the oldest first."""
    rows = shop.conn.execute(
        "SELECT r.address, s.subject, b.template FROM submission s JOIN body b ON b.submission_id = s.id"
        " JOIN recipient r ON r.submission_id = s.id ORDER BY s.id"
    ).fetchall()
    return [_letter(address, subject, bytes(raw)) for address, subject, raw in rows if to in ("", address)]


def forget(shop: Shop) -> None:
    """All that waits."""
    for table in ("recipient", "body", "submission"):
        shop.conn.execute(f"DELETE FROM {table}")


def _letter(address: str, subject: str, template: bytes) -> ToldLetter:
    one = Renderer(Template.decode(template)).render({})
    message = email.message_from_bytes(b"".join((*one.fields, b"\r\n", one.body)), policy=email.policy.default)
    parts = [message.get_body((kind,)) for kind in ("plain", "html")]
    text, page = ("" if part is None else str(part.get_content()).replace("\r\n", "\n") for part in parts)
    return ToldLetter(address, subject, text, page)
