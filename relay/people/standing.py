"""A person's standing with a tenant: consents and suppressions by one look-up (R1, R3).

The hot path asks it at every RCPT and again before every delivery, so it is
one prepared statement over indexes only; a second one where there are
suppressions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from relay.people.mailbox import mailbox_of
from relay.store.contract import Tx
from relay.store.sqlite.fragments import AMONG, AMONG_TEXTS
from relay.values.facts import Consent, Reason, Standing, Suppression

# Each index that is read costs a page, and of ten million people a page is rarely in the cache. So whether there are
# suppressions, which few people have, stands in the consents, for all spellings of the mailbox (what stops one stops
# them all); and who was counted is asked only where that decides. A consent of a lower grade than its topic demands is
# none (A is the best).
_CONSENTS: Final = """
SELECT s.id, t.name, c.given_at, c.source, c.withdrawn_at,
       {counted},
       coalesce(c.suppressed, CASE WHEN EXISTS (
           SELECT 1 FROM spelling x JOIN suppression p ON p.subscriber_id = x.other_id WHERE x.subscriber_id = s.id
       ) THEN 1 ELSE 0 END),
       c.dated, c.since, c.page, c.language, c.grade, c.recorded_at,
       CASE WHEN s.staged_in IS NULL THEN 0 ELSE coalesce(
           (SELECT 1 FROM campaign k WHERE k.id = s.staged_in AND k.state = 'released'), 0) END{more}
  FROM subscriber s
  LEFT JOIN consent c ON c.subscriber_id = s.id AND c.channel = 'email'
  LEFT JOIN topic t ON t.id = c.topic_id AND t.grade >= c.grade
 WHERE {person}
"""
_COUNTED: Final = (
    "EXISTS (SELECT 1 FROM counted n WHERE n.tenant_id = s.tenant_id AND n.name = ?2 AND n.subscriber_id = s.id)"
)
_PERSON: Final = "s.tenant_id = ?1 AND s.address = ?3"
_BY_ADDRESS: Final = {
    True: _CONSENTS.format(counted=_COUNTED, person=_PERSON, more=""),
    False: _CONSENTS.format(counted="?2 <> ''", person=_PERSON, more=""),
}
"""By whether ``counted`` is asked."""
_PEOPLE: Final = f"s.tenant_id = ?1 AND s.address IN {AMONG_TEXTS}"
_BY_ADDRESSES: Final = {
    True: _CONSENTS.format(counted=_COUNTED, person=_PEOPLE, more=", s.address"),
    False: _CONSENTS.format(counted="?2 <> ''", person=_PEOPLE, more=", s.address"),
}
"""The same for several."""
_BY_ID: Final = _CONSENTS.format(counted="0", person="s.id = ?1", more="")
_BY_IDS: Final = _CONSENTS.format(counted="0", person=f"s.id IN {AMONG}", more="")
_CAME_BACK: Final = """
h.topic_id = 0 AND h.action = 'withdrawn' AND NOT EXISTS (SELECT 1 FROM suppression e
 WHERE e.subscriber_id = h.subscriber_id AND e.topic_id = 0 AND e.reason = 'unsubscribed')
"""
_STREAM: Final = "CASE WHEN p.topic_id < 0 THEN -p.topic_id ELSE 0 END"
"""Of a suppression for one stream alone."""
# Whoever ended all mail and came back to one topic has ended those too that are made later: the history tells.
_SUPPRESSIONS: Final = f"""
SELECT t.name, p.since_at, p.reason, {_STREAM}
  FROM suppression p LEFT JOIN topic t ON t.id = p.topic_id
 WHERE p.subscriber_id = ?1
UNION ALL
SELECT NULL, h.at, 'unsubscribed', 0 FROM consent_history h WHERE h.subscriber_id = ?1 AND {_CAME_BACK}
UNION ALL
SELECT t.name, p.since_at, p.reason, {_STREAM}
  FROM subscriber o JOIN suppression p ON p.subscriber_id = o.id LEFT JOIN topic t ON t.id = p.topic_id
 WHERE o.tenant_id = ?2 AND o.mailbox = ?3 AND o.id <> ?1
UNION ALL
SELECT NULL, h.at, 'unsubscribed', 0
  FROM subscriber o JOIN consent_history h ON h.subscriber_id = o.id
 WHERE o.tenant_id = ?2 AND o.mailbox = ?3 AND o.id <> ?1 AND {_CAME_BACK}
"""
_NOBODY: Final = Standing()


def standing(conn: Tx, tenant_id: int, canonical: str, period: str, *, ends: bool = False) -> Standing:
    """What is known of an address with a tenant; an unknown one has an empty standing.

    Suppressions of other spellings of its mailbox count for it too, known or
    not. ``period`` is the plan's running period, for ``counted``; empty: don't ask.
    ``ends``: also look for what was ended once where nothing is suppressed any more.
    """
    counter = "subscribers/" + period if period else ""
    rows = conn.execute(_BY_ADDRESS[counter != ""], (tenant_id, counter, canonical)).fetchall()
    if rows and not rows[0][6] and not ends:
        return _standing(rows, ())
    mailbox = mailbox_of(canonical)
    if rows:
        return _standing(rows, _suppressed(conn, rows[0][0], tenant_id, mailbox))
    return _NOBODY if mailbox is None else Standing(None, (), _suppressed(conn, 0, tenant_id, mailbox), False)


def standings(conn: Tx, tenant_id: int, canonicals: Iterable[str], period: str) -> dict[str, Standing]:
    """The same for several in one statement, as far as that can tell: who isn't in the answer is asked for alone.

    Left out are people with suppressions, and those whom the tenant doesn't know.
    """
    counter = "subscribers/" + period if period else ""
    people: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    asked = msgspec.json.encode(sorted(set(canonicals))).decode()
    for row in conn.execute(_BY_ADDRESSES[counter != ""], (tenant_id, counter, asked)):
        people[row[14]].append(row)
    return {person: _standing(rows, ()) for person, rows in people.items() if not rows[0][6]}


def standing_by_id(conn: Tx, subscriber_id: int) -> Standing:
    """The same for a subscriber's id, but ``counted``, which only RCPT asks; empty if the person was erased."""
    rows = conn.execute(_BY_ID, (subscriber_id,)).fetchall()
    if not rows:
        return _NOBODY
    if not rows[0][6]:
        return _standing(rows, ())
    person = conn.execute("SELECT id, tenant_id, mailbox FROM subscriber WHERE id = ?", (subscriber_id,)).fetchone()
    return _standing(rows, _suppressed(conn, *person) if person else ())


def standings_by_id(conn: Tx, subscriber_ids: Iterable[int]) -> dict[int, Standing]:
    """As ``standing_by_id``, but people with suppressions and erased ones are left out: they are asked for alone.

    One statement, which takes a quarter of the time of one for each.
    """
    people: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in conn.execute(_BY_IDS, (msgspec.json.encode(sorted(set(subscriber_ids))).decode(),)):
        people[row[0]].append(row)
    return {person: _standing(rows, ()) for person, rows in people.items() if not rows[0][6]}


def _standing(rows: list[tuple[Any, ...]], suppressed: tuple[Suppression, ...]) -> Standing:
    consents = [
        Consent(row[1], row[4] is None, row[2], row[3], row[4], bool(row[7]), row[8], row[9], row[10], row[11], row[12])
        for row in rows
        if row[1] is not None
    ]
    return Standing(rows[0][0], tuple(consents), suppressed, bool(rows[0][5]), bool(rows[0][13]))


def _suppressed(conn: Tx, subscriber_id: int, tenant_id: int, mailbox: str | None) -> tuple[Suppression, ...]:
    """Those of a person (0: not known), then those of its other spellings."""
    found = conn.execute(_SUPPRESSIONS, (subscriber_id, tenant_id, mailbox))
    return tuple(Suppression(Reason(reason), topic, at, stream_id) for topic, at, reason, stream_id in found)
