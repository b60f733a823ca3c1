"""A tenant is told by mail: something happened to its account, and the event alone may be read too late.

The letter comes from the operator, in the tenant's language, to the contact address; it goes through the relay's own
stream, so that no freeze holds it up. What it says is the caller's, in whole sentences.
"""

from __future__ import annotations

import html
import re
import secrets as random
from collections.abc import Sequence
from typing import Final

from relay.mail.address import Address, AddressError, parse_address
from relay.mail.letter import Letter, build
from relay.mail.slots import clean
from relay.queue import letters
from relay.queue.operator import EXPIRE_S, MOST_TEXT, OPERATOR, Operator
from relay.store.contract import Tx
from relay.values.ids import encode_id, new_submission_id

_URL: Final = re.compile(r"https?://[^\s<>\"]+")


def tell(
    conn: Tx,
    operator: Operator,
    contact: str,
    language: str,
    subject: str,
    paragraphs: Sequence[str],
    *,
    now: float,
    note: str = "tenant told",
) -> bool:
    """Queue the letter, in the caller's transaction; False where the contact address can't take mail.

    ``language`` is the code of the sentences'; ``now`` in seconds UTC; ``note`` says why in the
    trace. Lines of a paragraph stay lines.
    """
    try:
        to = parse_address(contact)
    except AddressError:  # stored by an earlier release with laxer rules
        return False
    id_ = new_submission_id(now, random.randbits)
    message_id = f"<{encode_id(id_)}@{operator.hostname}>"
    subject, text = clean(subject), "\n\n".join(paragraphs)[:MOST_TEXT]
    raw = build(
        Letter(
            author=clean(operator.name),
            from_address=Address("postmaster", operator.hostname),
            to=to,
            subject=subject,
            date=now,
            message_id=message_id,
            language=language,
            text=f"{text}\n\n-- \n{clean(operator.name)}\n",
            html=_html(subject, text, language, clean(operator.name)),
            reply_to=parse_address(operator.contact) if operator.contact else None,
        )
    )
    letter = letters.ready(
        raw, id=id_, tenant_id=OPERATOR, to=to, from_domain=operator.hostname, subject=subject, message_id=message_id,
        now=now, expires_at=now + EXPIRE_S,
    )  # fmt: skip
    letters.put(conn, letter, note=note)
    return True


def _html(subject: str, text: str, language: str, sender: str) -> str:
    body = "".join(f"<p>{_markup(paragraph)}</p>\n" for paragraph in text.split("\n\n"))
    return (
        f'<!doctype html>\n<html lang="{html.escape(language)}"><head><meta charset="utf-8">'
        f"<title>{html.escape(subject)}</title></head>\n"
        f"<body>\n{body}<p>-- <br>{html.escape(sender)}</p>\n</body></html>\n"
    )


def _markup(paragraph: str) -> str:
    """Addresses of pages become links."""
    said = html.escape(paragraph).replace("\n", "<br>")
    return _URL.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', said)
