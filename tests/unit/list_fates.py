"""What becomes of each person of a list file: imports it for a tenant of its own, looks at what is stored and told."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from relay.lists import consent_import, suppression_import
from relay.lists.consent_import import Order
from relay.lists.consent_reading import ASKED
from relay.lists.list_file import Bad, open_list
from relay.lists.list_words import Said, plain
from relay.people.consent_rules import terms
from relay.store.database import transaction
from relay.values.facts import Reason
from tests.unit.records import NOW, SECRETS, make_topic

_REASONS = {"unsubscribed": "left", "hard-bounce": "bounced", "complaint": "complained", "hand": "hand"}
_ASKED = (ASKED, "looks like a slip", "two ways")


def new_tenant(conn: sqlite3.Connection, name: str) -> int:
    with transaction(conn):
        return int(
            conn.execute(
                "INSERT INTO tenant (name, contact, plan_started_at, created_at) VALUES (?, 'a@b.example', 0, 0)"
                " RETURNING id",
                (name,),
            ).fetchone()[0]
        )


def fates(
    conn: sqlite3.Connection,
    path: Path,
    kind: str,
    *,
    tenant: int,
    answers: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    dates: str = "",
    domains: Sequence[str] = (),
) -> dict[str, str]:
    """Address or text → ``yes`` (a consent), why it is suppressed, ``no`` or ``asked`` (told as refused).

    Who is in the file and not in this is lost.
    """
    told: list[Bad] = []
    meant = {plain(word): Said(meaning) for word, meaning in (answers or {}).items()}
    people = open_list(path, keep=keep, answers=meant, dates=dates, now=NOW)
    if kind == "consent":
        make_topic(conn, "news", tenant)
        said = terms(topic="news", source="sign-up form", wording="Send me news.", means="import")
        order = Order(tenant, SECRETS, said, "root", NOW, domains=frozenset(domains), suppress=True)
        consent_import.run(conn, people, order, refused=told.append)
    else:
        suppression_import.run(conn, people, tenant, reason=Reason.HAND, actor="root", now=NOW, refused=told.append)
    found = {
        part.strip().lower(): "asked" if any(word in bad.why for word in _ASKED) else "no"
        for bad in told
        for part in re.split(r'[;,"\s]+', bad.text)
        if part.strip()
    }
    stopped = conn.execute(
        "SELECT s.address, p.reason FROM subscriber s JOIN suppression p ON p.subscriber_id = s.id"
        " WHERE s.tenant_id = ?",
        (tenant,),
    )
    found |= {address: _REASONS[reason] for address, reason in stopped}
    live = conn.execute(
        "SELECT s.address FROM subscriber s JOIN consent c ON c.subscriber_id = s.id"
        " WHERE s.tenant_id = ? AND c.withdrawn_at IS NULL",
        (tenant,),
    )
    return found | {address: "yes" for (address,) in live}


def wrong(found: Mapping[str, str], expected: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Person → (wanted, found); ``no`` is as good told as a question, ``sup`` is suppressed for any reason."""
    told = {person: (wanted, found.get(person, "lost")) for person, wanted in expected.items()}
    odd = {
        person: pair
        for person, pair in told.items()
        if pair[0] != pair[1]
        and not (pair[0] == "no" and pair[1] == "asked")
        and not (pair[0] == "sup" and pair[1] in _REASONS.values())
    }
    strangers = {who: ("nobody", fate) for who, fate in found.items() if fate == "yes" and who not in expected}
    return odd | strangers
