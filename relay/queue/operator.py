"""The operator is called: something needs a person, and the log alone isn't read at night.

A call is an event of tenant 0 and a letter to each address of ``[operator]``,
in the caller's transaction. The same call isn't repeated within ``once_s``, so
that a fault that lasts doesn't fill a mailbox.
"""

from __future__ import annotations

import html
import json
import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from config.settings import Settings
from relay.events import write as events
from relay.mail.address import Address, parse_address
from relay.mail.letter import Letter, build
from relay.mail.slots import clean
from relay.queue import letters
from relay.store.contract import Tx
from relay.values.ids import encode_id, new_submission_id

OPERATOR: Final = 0
"""Tenant id of what concerns the whole relay."""
CALLED: Final = "operator.called"
HOUR_S: Final = 3600.0
EXPIRE_S: Final = 5 * 86_400.0
MOST_TEXT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is called, and as whom the relay writes."""

    hostname: str
    name: str
    notify: tuple[str, ...]
    contact: str = ""
    """Where people reach it; empty: ``postmaster@`` the hostname."""
    next: tuple[str, ...] = ()
    """Who is called when a campaign wasn't decided within ``review_s``; empty: the same again."""
    review_s: float = 86_400.0

    @classmethod
    def of(cls, settings: Settings) -> Operator:
        operator, hostname = settings.operator, settings.server.hostname
        return cls(
            hostname=hostname,
            name=operator.name or hostname,
            notify=operator.called,
            contact=operator.contact,
            next=operator.next,
            review_s=operator.review,
        )


def call(
    conn: Tx,
    operator: Operator,
    about: str,
    subject: str,
    paragraphs: Sequence[str],
    *,
    now: float,
    once_s: float = HOUR_S,
) -> bool:
    """Write the call down and queue its letters; False if it was made within ``once_s`` already.

    ``about`` is a word such as ``dns-doubt`` (or ``dns-doubt:example.com``) that makes two calls the same one;
    ``subject`` says what happened, ``paragraphs`` what it means and what to do. ``now`` in seconds UTC.
    """
    if _made(conn, about, now - once_s, now):
        return False
    events.of_account(conn, OPERATOR, CALLED, {"about": about, "subject": subject}, now)
    for address in operator.notify:
        _write(conn, operator, parse_address(address), clean(subject), paragraphs, now)
    return True


def _made(conn: Tx, about: str, since: float, until: float) -> bool:
    """A call that bears a later time than now is of a clock that was wrong, and silences nobody."""
    rows = conn.execute(
        "SELECT detail FROM event WHERE tenant_id = ? AND at > ? AND at <= ? AND kind = ?",
        (OPERATOR, since, until, CALLED),
    )
    return any(json.loads(detail)["about"] == about for (detail,) in rows)


def _write(conn: Tx, operator: Operator, to: Address, subject: str, paragraphs: Sequence[str], now: float) -> None:
    id_ = new_submission_id(now, random.randbits)
    message_id = f"<{encode_id(id_)}@{operator.hostname}>"
    text = "\n\n".join(paragraphs)[:MOST_TEXT]
    raw = build(
        Letter(
            author=clean(operator.name),
            from_address=Address("postmaster", operator.hostname),
            to=to,
            subject=subject,
            date=now,
            message_id=message_id,
            language="en",
            text=f"{text}\n\n-- \n{operator.hostname}\n",
            html=_html(subject, text, operator.hostname),
        )
    )
    letter = letters.ready(
        raw, id=id_, tenant_id=OPERATOR, to=to, from_domain=operator.hostname, subject=subject, message_id=message_id,
        now=now, expires_at=now + EXPIRE_S,
    )  # fmt: skip
    letters.put(conn, letter, note="operator called")


def _html(subject: str, text: str, hostname: str) -> str:
    body = "".join(f"<p>{html.escape(p).replace(chr(10), '<br>')}</p>\n" for p in text.split("\n\n"))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(subject)}</title></head>\n'
        f"<body>\n{body}<p>-- <br>{html.escape(hostname)}</p>\n</body></html>\n"
    )
