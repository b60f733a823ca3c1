"""A test of a mailing: what one person would get, as a letter to its author, marked and without that person's links.

It is no mail to a subscriber: it is not counted, belongs to no campaign, and
goes to nobody but the log-in that asked for it.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from relay.exemplars.sample import values_of
from relay.mail.address import Address
from relay.mail.render import Renderer
from relay.mail.stored import Template
from relay.queue import letters
from relay.store.contract import Tx
from relay.values.ids import encode_id, new_submission_id

MARK: Final = b"[Test]"
TOKEN: Final = "test"
"""In the relay's own links: it opens nobody's page."""
LASTS_S: Final = 86_400.0
_KEPT: Final = frozenset(
    (
        b"from",
        b"reply-to",
        b"subject",
        b"mime-version",
        b"content-type",
        b"content-transfer-encoding",
        b"x-sender-contact",
    )
)


def letter(
    conn: Tx,
    tenant_id: int,
    copy: tuple[bytes, Mapping[str, str]],
    to: Address,
    from_domain: str,
    *,
    base_url: str,
    hostname: str,
    now: float,
) -> None:
    """Queue it in the caller's transaction. ``copy``: the template and slots of what would have been stored."""
    template = Template.decode(copy[0])
    rendered = Renderer(template).render(values_of(template, dict(copy[1]), base_url, TOKEN), hashed=False)
    id_ = new_submission_id(now, random.randbits)
    message_id = f"<{encode_id(id_)}@{hostname}>"
    fields = [
        f"To: {to}\r\n".encode(),
        f"Date: {format_datetime(datetime.fromtimestamp(now, UTC))}\r\nMessage-ID: {message_id}\r\n".encode(),
    ]
    for field in rendered.fields:
        name, _, value = field.partition(b":")
        if name.strip().lower() in _KEPT:
            fields.append(name + b": " + MARK + value if name.lower() == b"subject" else field)
    raw = b"".join((*fields, b"\r\n", rendered.body))
    ready = letters.ready(
        raw, id=id_, tenant_id=tenant_id, to=to, from_domain=from_domain, subject=MARK.decode(), message_id=message_id,
        now=now, expires_at=now + LASTS_S,
    )  # fmt: skip
    letters.put(conn, ready, note="test of a mailing")
